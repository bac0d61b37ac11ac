//! Redacts lines of `{"id", "text"}` from standard input: `cargo run -q -p redact --example filter < cases.jsonl`.
//! Each line is a session of its own.

use std::io::{BufRead, Write};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut output = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let case: serde_json::Value = serde_json::from_str(&line?)?;
        let text = case["text"].as_str().ok_or("a line has no text")?;
        let clean = serde_json::json!({"id": case["id"], "text": redact::Redactor::new().text(text)});
        writeln!(output, "{clean}")?;
    }
    Ok(())
}
