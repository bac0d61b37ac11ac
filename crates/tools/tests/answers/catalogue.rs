//! The list of tools itself: the page for people, and rules that every tool keeps.

use std::path::PathBuf;

use serde_json::{Value, json};
use tools::{Set, TOOLS, Tool};

/// What a client gets of a tool.
fn described(tool: &Tool) -> Value {
    json!({"name": tool.name, "title": tool.title, "description": tool.description, "inputSchema": (tool.input)(),
        "outputSchema": (tool.output)()})
}

#[test]
fn the_page_of_tools_is_current() {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/tools.md");
    let wanted = tools::tools_doc();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&file, &wanted).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(&file).unwrap_or_default(),
        wanted,
        "docs/tools.md is not current: run `make gen`"
    );
}

#[test]
fn names_are_unique_and_texts_are_short() {
    let mut names: Vec<&str> = TOOLS.iter().map(|tool| tool.name).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
    for tool in TOOLS {
        assert!(tool.description.len() <= 200, "{}: {}", tool.name, tool.description);
        let schema = (tool.input)();
        assert_eq!(schema["additionalProperties"], false, "{}", tool.name);
        let properties = schema["properties"].as_object().unwrap();
        for (old, new) in tool.old_spellings {
            assert!(properties.contains_key(*new) && !properties.contains_key(*old), "{}: {old} -> {new}", tool.name);
        }
        for required in schema["required"].as_array().into_iter().flatten() {
            assert!(properties.contains_key(required.as_str().unwrap()), "{}: {required}", tool.name);
        }
    }
}

/// Four bytes of such JSON are a token, give or take; testbed/mcp/compare.py counts exactly.
#[test]
fn the_list_is_cheap() {
    let bytes = |ours: bool| -> usize {
        let tools = TOOLS.iter().filter(|tool| ours || tool.set != Set::Ours);
        tools.map(|tool| described(tool).to_string().len()).sum()
    };
    let (drop_in, all) = (bytes(false), bytes(true));
    if let Some(file) = std::env::var_os("LIST") {
        let list: Vec<Value> = TOOLS.iter().map(|tool| described(tool)).collect();
        std::fs::write(file, json!(list).to_string()).unwrap();
    }
    assert!(drop_in < 10_000 && all < 18_000, "{drop_in} and {all} bytes");
}
