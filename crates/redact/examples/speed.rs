//! How fast texts are redacted and how much of them is hidden: `cargo run --release -p redact --example speed -- PATH...`.
//! Each file below the paths is one text; `--show` prints the lines in which something was hidden, `--worst` adds texts
//! made to be slow.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// All texts are redacted so often.
const ROUNDS: usize = 3;

/// What each text of `--worst` repeats: names without values, values without ends, key files that never close.
const WORST: [&str; 30] = [
    "token",
    "password=",
    "auth=",
    "secret: ",
    "key ",
    "token=\"",
    "password='<a>",
    "auth=\\\"",
    "://",
    "://a:b@",
    "a:b@c:1",
    "eyJ",
    "eyJhbGciOiJIUzI1NiJ9.",
    "-----BEGIN PRIVATE KEY-----",
    "-----END PRIVATE KEY-----",
    "MIIEvQIBADANBg\n",
    "LS0tLS1CRUdJTiBQ ",
    "YWJjZGVmZ2hpamtsbW5vcA",
    "%41%42",
    "{\"data\":",
    "\\\"{\\\"",
    "data:\n",
    " data:\n  kind: Secret\n",
    "cookie: ",
    "cookie: a=b;",
    "name: token\nvalue: ",
    "mysql -p",
    "-u a:b",
    "map[a:",
    "password: |\n  x\n",
];
const SIZE: usize = 1_000_000;

fn main() -> std::io::Result<()> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let show = arguments.iter().position(|argument| argument == "--show").map(|at| arguments.remove(at)).is_some();
    let worst = arguments.iter().position(|argument| argument == "--worst").map(|at| arguments.remove(at)).is_some();
    let mut files = Vec::new();
    for argument in &arguments {
        collect(Path::new(argument), &mut files)?;
    }
    let texts: Vec<(PathBuf, String)> =
        files.into_iter().filter_map(|file| std::fs::read_to_string(&file).ok().map(|text| (file, text))).collect();
    let bytes: usize = texts.iter().map(|(_, text)| text.len()).sum();
    let lines: usize = texts.iter().map(|(_, text)| text.lines().count()).sum();
    // The first round builds the rules.
    let mut clean = redact_all(&texts);
    let start = Clock::now();
    for _ in 0..ROUNDS {
        clean = redact_all(&texts);
    }
    let per_byte = start.elapsed().as_nanos() as f64 / (bytes * ROUNDS).max(1) as f64;
    let mut hits = 0;
    for ((file, _), clean) in texts.iter().zip(&clean) {
        for line in clean.lines().filter(|line| hidden(line)) {
            hits += 1;
            if show {
                let at = line.find("[[").unwrap_or_default();
                let from = line.floor_char_boundary(at.saturating_sub(100));
                println!("{}: {}", file.display(), &line[from..line.floor_char_boundary(at + 100)]);
            }
        }
    }
    println!("{bytes} bytes, {lines} lines: {:.1} MB/s, {per_byte:.1} ns a byte", 1e3 / per_byte);
    println!("lines with something hidden: {hits}, {:.2} in 10,000", hits as f64 * 1e4 / lines.max(1) as f64);
    for unit in WORST.iter().filter(|_| worst) {
        let text = unit.repeat(SIZE / unit.len());
        let start = Clock::now();
        let length = redact::Redactor::new().text(&text).len();
        let time = start.elapsed().as_nanos() as f64 / text.len() as f64;
        println!("{time:7.1} ns a byte, {:.2} times as long: {unit:?}", length as f64 / text.len() as f64);
    }
    Ok(())
}

/// Each text is a session of its own.
fn redact_all(texts: &[(PathBuf, String)]) -> Vec<String> {
    texts.iter().map(|(_, text)| redact::Redactor::new().text(text).into_owned()).collect()
}

/// Time on the processor where the system counts it, so that a busy machine makes no difference.
enum Clock {
    Processor(u64),
    Wall(Instant),
}

impl Clock {
    fn now() -> Self {
        processor().map_or_else(|| Self::Wall(Instant::now()), Self::Processor)
    }

    fn elapsed(&self) -> Duration {
        match self {
            Self::Processor(start) => Duration::from_nanos(processor().unwrap_or(*start) - start),
            Self::Wall(start) => start.elapsed(),
        }
    }
}

fn processor() -> Option<u64> {
    std::fs::read_to_string("/proc/self/schedstat").ok()?.split(' ').next()?.parse().ok()
}

/// Whether there is a placeholder in the line.
fn hidden(line: &str) -> bool {
    let mut parts = line.split("[[").skip(1).filter_map(|part| part.split_once("]]"));
    parts.any(|(inside, _)| inside.split_once(':').is_some_and(|(class, id)| class.len() > 2 && id.len() >= 5))
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    entries.sort();
    entries.iter().try_for_each(|entry| collect(entry, files))
}
