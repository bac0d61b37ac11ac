//! What a person sees while something takes its time: on standard error, and only where that is a terminal.

use std::future::Future;
use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use replay::record::Progress;

/// What is done sooner needs no line.
const PATIENCE: Duration = Duration::from_millis(200);
/// In a pipe, one line in this time is enough.
const EVERY: Duration = Duration::from_secs(2);

/// Runs `work` with a line that `text` renews.
pub async fn with_line<T>(work: impl Future<Output = T>, text: impl Fn() -> String) -> T {
    if !std::io::stderr().is_terminal() {
        return work.await;
    }
    tokio::pin!(work);
    if let Ok(done) = tokio::time::timeout(PATIENCE, &mut work).await {
        return done;
    }
    let line = ProgressBar::new_spinner();
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    loop {
        tokio::select! {
            done = &mut work => {
                line.finish_and_clear();
                return done;
            }
            _ = ticks.tick() => {
                line.set_message(text());
                line.tick();
            }
        }
    }
}

/// A bar on a terminal, now and then a line elsewhere.
pub enum Recorder {
    Bar(ProgressBar),
    Lines(Mutex<Lines>),
}

pub struct Lines {
    done: usize,
    expected: usize,
    said: Instant,
}

impl Recorder {
    pub fn new() -> Self {
        if !std::io::stderr().is_terminal() {
            return Self::Lines(Mutex::new(Lines { done: 0, expected: 0, said: Instant::now() }));
        }
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {wide_msg}");
        Self::Bar(ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())))
    }

    pub fn finish(&self) {
        match self {
            Self::Bar(bar) => bar.finish_and_clear(),
            Self::Lines(_) => {}
        }
    }
}

impl Progress for Recorder {
    fn expect(&self, steps: usize) {
        match self {
            Self::Bar(bar) => bar.inc_length(steps as u64),
            Self::Lines(lines) => {
                if let Ok(mut lines) = lines.lock() {
                    lines.expected += steps;
                }
            }
        }
    }

    fn step(&self, what: &str) {
        match self {
            Self::Bar(bar) => {
                bar.set_message(what.to_owned());
                bar.inc(1);
            }
            Self::Lines(lines) => {
                let Ok(mut lines) = lines.lock() else { return };
                lines.done += 1;
                if lines.done == lines.expected || lines.said.elapsed() >= EVERY {
                    lines.said = Instant::now();
                    eprintln!("{}/{} {what}", lines.done, lines.expected);
                }
            }
        }
    }
}
