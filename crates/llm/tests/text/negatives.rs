//! Ordinary text has no calls: the documents, sources, configuration and logs of this repository and of its dependencies.

use std::path::{Path, PathBuf};

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
    let mut files = Vec::new();
    texts(&root, &mut files);
    let cargo = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo = cargo.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    if files.len() < 5_000
        && let Some(cargo) = cargo
    {
        texts(&cargo.join("registry/src"), &mut files);
    }
    let mut seen = 0;
    for file in files {
        let Ok(text) = std::fs::read_to_string(&file) else { continue };
        for paragraph in text.split("\n\n").filter(|paragraph| paragraph.len() > 20).take(40) {
            let parsed = parse(paragraph, &tools);
            assert!(parsed.calls.is_empty(), "{}: {paragraph}\n{:?}", file.display(), parsed.calls);
            seen += 1;
        }
        if seen >= ENOUGH {
            return;
        }
    }
    assert!(seen > 1_000, "only {seen} paragraphs were found");
}
