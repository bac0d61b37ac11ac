//! How fast texts are redacted and how much of them is hidden: `cargo run --release -p redact --example speed -- PATH...`.
//! Each file below the paths is one text; `--show` prints the lines in which something was hidden, `--worst` adds texts
//! made to be slow.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Each text is redacted so often; the shortest time counts.
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
    let (mut bytes, mut lines, mut hits, mut total) = (0, 0, 0, Duration::ZERO);
    let mut slowest = (0.0_f64, PathBuf::new());
    let mut each = Vec::new();
    for file in files {
        let Ok(text) = std::fs::read_to_string(&file) else {
            continue;
        };
        let mut best = Duration::MAX;
        let mut clean = String::new();
        for _ in 0..ROUNDS {
            let redactor = redact::Redactor::new();
            let start = Instant::now();
            clean = redactor.text(&text).into_owned();
            best = best.min(start.elapsed());
        }
        let per_byte = best.as_nanos() as f64 / text.len().max(1) as f64;
        if text.len() >= 4096 {
            each.push(per_byte);
            if per_byte > slowest.0 {
                slowest = (per_byte, file.clone());
            }
        }
        total += best;
        bytes += text.len();
        lines += text.lines().count();
        for line in clean.lines().filter(|line| hidden(line)) {
            hits += 1;
            if show {
                let at = line.find("[[").unwrap_or_default();
                let from = line.floor_char_boundary(at.saturating_sub(100));
                let to = line.floor_char_boundary(at + 100);
                println!("{}: {}", file.display(), &line[from..to]);
            }
        }
    }
    if worst {
        for unit in WORST {
            let text = unit.repeat(SIZE / unit.len());
            let start = Instant::now();
            let length = redact::Redactor::new().text(&text).len();
            let time = start.elapsed().as_nanos() as f64 / text.len() as f64;
            println!("{time:7.1} ns a byte, {:.2} times as long: {unit:?}", length as f64 / text.len() as f64);
        }
    }
    each.sort_by(f64::total_cmp);
    let median = each.get(each.len() / 2).copied().unwrap_or_default();
    println!("{bytes} bytes, {lines} lines: {:.1} MB/s", bytes as f64 / 1e6 / total.as_secs_f64());
    println!("lines with something hidden: {hits}, {:.2} in 10,000", hits as f64 * 1e4 / lines.max(1) as f64);
    println!("median {median:.1} ns a byte, slowest {:.1} ({})", slowest.0, slowest.1.display());
    Ok(())
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
