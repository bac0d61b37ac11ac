//! The list of tools for people: docs/tools.md.

use serde_json::Value;

use crate::list::TOOLS;
use crate::tool::{Set, Tool};
use cluster::Class;

/// The whole page.
pub fn tools_doc() -> String {
    let mut page = "# The tools of the MCP server\n\nMade from `crates/tools` by `make gen`; do not edit. Arguments with `*` have to be given, `=` is the default. Where \
                    there are several clusters, each tool that reaches one also takes `context`. A tool marked *proposes* changes nothing \
                    by itself: a person approves each change.\n"
        .to_owned();
    for (set, title) in [
        (Set::Config, "Configuration"),
        (Set::Core, "Core (as in kubernetes-mcp-server)"),
        (Set::Helm, "Helm (as in kubernetes-mcp-server; `--toolsets` turns it on)"),
        (Set::Ours, "Midwatch's own"),
    ] {
        page.push_str(&format!("\n## {title}\n\n| tool | arguments | what it does |\n|---|---|---|\n"));
        for tool in TOOLS.iter().filter(|tool| tool.set == set) {
            page.push_str(&row(tool));
        }
    }
    page
}

fn row(tool: &Tool) -> String {
    let schema = (tool.input)();
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let properties = schema["properties"].as_object().into_iter().flatten();
    let arguments: Vec<String> = properties
        .map(|(name, of)| {
            let star = if required.contains(&name.as_str()) { "*" } else { "" };
            let default =
                of.get("default").map(|value| format!("={}", value.as_str().map_or(value.to_string(), str::to_owned)));
            let kind = match of["type"].as_str() {
                Some("string") | None => String::new(),
                Some(kind) => format!(" ({kind})"),
            };
            format!("`{name}{star}{}`{kind}", default.unwrap_or_default())
        })
        .collect();
    let mark = match tool.class {
        Class::R => "",
        Class::S => " Sensitive read.",
        Class::W | Class::D | Class::X | Class::N => " *proposes*",
    };
    format!("| `{}` | {} | {}{mark} |\n", tool.name, arguments.join(", "), tool.description.replace('|', "\\|"))
}
