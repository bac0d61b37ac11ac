//! What a reader sees while an answer is made: each call in a line, a model's words as they come.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::ProgressBar;
use tokio_util::sync::CancellationToken;

use super::ask::shown;
use super::say;
use crate::chat::answer::Spoken;
use crate::chat::{Answer, News, Used, clean};

/// Characters of a call's arguments on its line.
const ARGUMENTS: usize = 80;
/// How long what is cancelled may take to end.
const PATIENCE: Duration = Duration::from_secs(2);

pub struct Screen {
    colour: bool,
    /// words are shown as they come, else at the end
    live: bool,
    /// on standard error, only where that is a terminal
    waiting: ProgressBar,
    what_for: String,
    /// the rules' answer was shown
    ruled: bool,
    /// what was shown of the last round
    said: String,
    /// the cursor stands behind words
    mid_line: bool,
    /// the next words begin a round
    anew: bool,
}

impl Screen {
    pub fn new(colour: bool, live: bool) -> Self {
        let (waiting, what_for, said) = (ProgressBar::hidden(), String::new(), String::new());
        Self { colour, live, waiting, what_for, ruled: false, said, mid_line: false, anew: true }
    }

    pub fn tell(&mut self, news: News<'_>) {
        match news {
            News::Asking(name) => name.clone_into(&mut self.what_for),
            News::Words(words) if self.live => return self.words(words),
            News::Called(used) if self.live => self.line(&call(used)),
            News::Ruled(answer) if self.live => {
                self.put(&format!("{}{}\n", shown(answer), self.dim(&ids(answer))));
                self.ruled = true;
            }
            News::Again if self.live && self.mid_line => self.line("…"),
            News::Aside(text) if self.live => self.line(&format!("· {}", clean::line(text, 2 * ARGUMENTS))),
            News::Words(_) | News::Called(_) | News::Ruled(_) | News::Again | News::Aside(_) => {}
        }
        self.wait();
    }

    /// A line that turns while there is nothing to read.
    fn wait(&mut self) {
        self.clear();
        if self.what_for.is_empty() || !std::io::stderr().is_terminal() {
            return;
        }
        self.waiting = ProgressBar::new_spinner().with_message(self.what_for.clone());
        self.waiting.enable_steady_tick(Duration::from_millis(100));
    }

    pub fn clear(&mut self) {
        std::mem::replace(&mut self.waiting, ProgressBar::hidden()).finish_and_clear();
    }

    fn words(&mut self, words: &str) {
        let words = clean::shown(words);
        let words = if self.anew { words.trim_start() } else { &words };
        if words.is_empty() {
            return;
        }
        self.clear();
        if std::mem::take(&mut self.anew) {
            self.said.clear();
        }
        self.said.push_str(words);
        self.mid_line = !words.ends_with('\n');
        self.put(words);
    }

    /// A line of the program's own, which ends the words before it.
    fn line(&mut self, text: &str) {
        self.clear();
        if std::mem::take(&mut self.mid_line) {
            self.put("\n");
        }
        self.anew = true;
        self.put(&self.dim(&format!("{text}\n")));
    }

    /// Who reads with `| head` may have gone.
    fn put(&self, text: &str) {
        let _ = say(text);
    }

    fn paint(&self, code: &str, text: &str) -> String {
        match text.strip_suffix('\n') {
            Some(line) if self.colour => format!("\u{1b}[{code}m{line}\u{1b}[0m\n"),
            Some(_) | None => text.to_owned(),
        }
    }

    fn dim(&self, line: &str) -> String {
        self.paint("2", line)
    }

    /// What of the answer was not shown yet.
    pub fn rest(&mut self, answer: &Answer) -> String {
        self.clear();
        let Some(spoken) = &answer.model else {
            let ids = if self.live { self.dim(&ids(answer)) } else { String::new() };
            return format!("{}{ids}", shown(answer));
        };
        let mut text = String::new();
        if std::mem::take(&mut self.mid_line) {
            text.push('\n');
        }
        let rules_answer = !answer.needs_model || spoken.failure.is_some();
        if rules_answer && !self.ruled {
            text.push_str(&format!("{}\n", shown(answer)));
        }
        match &spoken.failure {
            Some(why) => text.push_str(&self.paint("33", &format!("{why}\n"))),
            None if self.said.trim() == spoken.words.trim() => {}
            None => text.push_str(&format!("{}\n", spoken.words.trim())),
        }
        for guess in &spoken.unchecked {
            let line = answer.word(
                &format!("未核实：{}（{}）\n", guess.text, guess.why),
                &format!("unchecked: {} ({})\n", guess.text, guess.why),
            );
            text.push_str(&self.paint("33", &line));
        }
        if self.live {
            text.push_str(&self.dim(&ids(answer)));
        }
        text.push_str(&self.dim(&by(answer, spoken)));
        text
    }
}

/// Runs to its end. Ctrl-C cancels it, and what there is then comes back.
pub async fn stoppable<T>(work: impl Future<Output = Option<T>>, cancel: &CancellationToken) -> Option<T> {
    tokio::pin!(work);
    tokio::select! {
        done = &mut work => return done,
        _ = tokio::signal::ctrl_c() => cancel.cancel(),
    }
    tokio::time::timeout(PATIENCE, work).await.ok().flatten()
}

/// A call in one line.
fn call(used: &Used) -> String {
    let arguments = redact::text(&used.arguments.to_string()).into_owned();
    let mark = if used.ok { "·" } else { "✗" };
    format!("{mark} {} {}", clean::line(&used.name, ARGUMENTS), clean::line(&arguments, ARGUMENTS))
}

/// The ids of the evidence in one line, with how to see one.
fn ids(answer: &Answer) -> String {
    let mut ranges: Vec<String> = Vec::new();
    for kind in ['E', 'R'] {
        let mut own = answer.evidence.iter().filter(|proof| proof.id.starts_with(kind)).map(|proof| proof.id.as_str());
        match (own.next(), own.next_back()) {
            (Some(first), Some(last)) => ranges.push(format!("{first}..{last}")),
            (Some(only), None) => ranges.push(only.to_owned()),
            (None, _) => {}
        }
    }
    let Some(first) = answer.evidence.first() else { return String::new() };
    format!("{} {} · /evidence {}\n", answer.word("证据", "evidence"), ranges.join(", "), first.id)
}

fn by(answer: &Answer, spoken: &Spoken) -> String {
    let Spoken { name, run, rounds, tokens, .. } = spoken;
    let tokens = tokens.input + tokens.output;
    match name.is_empty() {
        true => answer.word(&format!("（运行 {run}）\n"), &format!("(run {run})\n")),
        false => answer.word(
            &format!("（模型 {name}，{rounds} 轮，{tokens} token，运行 {run}）\n"),
            &format!("(by the model {name}: {rounds} rounds, {tokens} tokens, run {run})\n"),
        ),
    }
}
