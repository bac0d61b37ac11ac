//! `docs/causes.md`, made from the classes so that it cannot lag behind them.

use std::fmt::Write;

use crate::class::{Class, Role, Weight};

pub fn causes_doc() -> String {
    let mut out = String::from(
        "# Causes\n\nThe closed list of what `midwatch diagnose` can name. Made from `crates/diagnose/src/class.rs` by `make gen`; do not edit.\n\
         A class marked *note* is a cause only where it explains a fault, or where it was asked about: somebody may have meant it so.\n",
    );
    let mut family = "";
    for class in Class::ALL.iter().filter(|c| c.role() == Role::Cause) {
        if class.family() != family {
            family = class.family();
            let _ = write!(out, "\n## {family}\n\n| class | 含义 | meaning |\n|---|---|---|\n");
        }
        let (zh, en) = class.meaning();
        let note = if class.weight() == Weight::Note { " *(note)*" } else { "" };
        let _ = writeln!(out, "| `{}` | {zh} | {en}{note} |", class.name());
    }
    out.push_str(
        "\n## Symptoms\n\nNever a cause by themselves; they stand in the chain between the alert and its cause.\n\n",
    );
    for class in Class::ALL.iter().filter(|c| c.role() == Role::Symptom) {
        let (zh, en) = class.meaning();
        let _ = writeln!(out, "- {}: {zh}; {en}", class.name());
    }
    out
}
