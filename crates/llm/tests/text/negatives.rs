//! Ordinary text has no calls: the documents, sources, configuration and logs of this repository and of its dependencies.

use std::path::{Path, PathBuf};

use llm::Tool;

use crate::rows::{parse, tools};

const ENOUGH: usize = 10_000;
const LARGEST: u64 = 256 << 10;

fn texts(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut entries: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("");
        // this crate's own samples are calls
        if name.starts_with('.') || name == "target" || path.ends_with("crates/llm") || path.ends_with("crates/agent") {
            continue;
        }
        if path.is_dir() {
            texts(&path, found);
            continue;
        }
        let kind = path.extension().and_then(|kind| kind.to_str()).unwrap_or("");
        let wanted = ["md", "yaml", "yml", "rs", "json", "txt", "log", "toml", "sh"].contains(&kind);
        if wanted && path.metadata().is_ok_and(|file| file.len() < LARGEST) {
            found.push(path);
        }
    }
}

#[test]
fn ordinary_text_has_no_calls() {
    let tools = tools();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let cargo = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo = cargo.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    let mut seen = 0;
    for folder in [Some(root), cargo.map(|cargo| cargo.join("registry/src"))].into_iter().flatten() {
        let mut files = Vec::new();
        if seen < ENOUGH {
            texts(&folder, &mut files);
        }
        for file in files {
            if seen < ENOUGH {
                seen += read(&file, &tools);
            }
        }
    }
    println!("{seen} paragraphs");
    assert!(seen >= ENOUGH, "only {seen} paragraphs were found");
}

/// How many paragraphs of this file were looked at.
fn read(file: &Path, tools: &[Tool]) -> usize {
    let Ok(text) = std::fs::read_to_string(file) else { return 0 };
    let paragraphs = text.split("\n\n").filter(|paragraph| paragraph.len() > 20).take(40);
    let look = |paragraph| {
        let parsed = parse(paragraph, tools);
        assert!(parsed.calls.is_empty(), "{}: {paragraph}\n{:?}", file.display(), parsed.calls);
    };
    paragraphs.map(look).count()
}
