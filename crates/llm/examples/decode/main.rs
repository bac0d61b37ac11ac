//! `decode toolcalls|stream|errors [--tools FILE]`: JSON lines in, what the crate makes of each out, one line for each in
//! order. A line that cannot be read is answered with `bad_input`, and the rest goes on.

mod errors;
mod stream;
mod toolcalls;

use std::io::{BufRead, BufWriter, Write};
use std::process::ExitCode;

use llm::Tool;
use serde_json::{Map, Value, json};

const USAGE: &str = "usage: decode toolcalls|stream|errors [--tools FILE] <rows.jsonl";

/// What a row becomes, or why it cannot be read.
type Decoded = Result<Map<String, Value>, String>;
type Mode = fn(&Map<String, Value>, &[Tool]) -> Decoded;

fn main() -> ExitCode {
    let Err(why) = run() else { return ExitCode::SUCCESS };
    eprintln!("{why}");
    ExitCode::from(2)
}

fn run() -> Result<(), String> {
    let (mode, tools) = arguments(std::env::args().skip(1))?;
    let mut input = std::io::stdin().lock();
    let mut output = BufWriter::new(std::io::stdout().lock());
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = input.read_until(b'\n', &mut line).map_err(|error| format!("standard input: {error}"))?;
        if read == 0 {
            return output.flush().map_err(|error| error.to_string());
        }
        let answer = answer(&line, mode, &tools);
        writeln!(output, "{answer}").map_err(|error| format!("standard output: {error}"))?;
    }
}

fn arguments(mut arguments: impl Iterator<Item = String>) -> Result<(Mode, Vec<Tool>), String> {
    let mode: Mode = match arguments.next().as_deref() {
        Some("toolcalls") => toolcalls::decode,
        Some("stream") => stream::decode,
        Some("errors") => errors::decode,
        Some(_) | None => return Err(USAGE.to_owned()),
    };
    let mut offered = Vec::new();
    while let Some(flag) = arguments.next() {
        let file = arguments.next().filter(|_| flag == "--tools").ok_or(USAGE)?;
        let text = std::fs::read_to_string(&file).map_err(|error| format!("{file}: {error}"))?;
        offered = tools(&text).map_err(|why| format!("{file}: {why}"))?;
    }
    Ok((mode, offered))
}

/// The tools of an OpenAI `tools` array.
fn tools(text: &str) -> Result<Vec<Tool>, String> {
    let list: Vec<Value> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    list.iter()
        .map(|entry| {
            let tool = entry.get("function").unwrap_or(entry);
            let word = |name: &str| tool.get(name).and_then(Value::as_str).map(str::to_owned);
            Ok(Tool {
                name: word("name").ok_or_else(|| format!("a tool without a name: {entry}"))?,
                description: word("description").unwrap_or_default(),
                parameters: tool.get("parameters").cloned().unwrap_or_else(|| json!({"type": "object"})),
            })
        })
        .collect()
}

fn answer(line: &[u8], mode: Mode, tools: &[Tool]) -> Value {
    let row: Map<String, Value> = match serde_json::from_slice(line) {
        Ok(row) => row,
        Err(error) => return json!({"id": null, "bad_input": error.to_string()}),
    };
    let id = row.get("id").cloned().unwrap_or(Value::Null);
    let mut answer = Map::from_iter([("id".to_owned(), id)]);
    match mode(&row, tools) {
        Ok(decoded) => answer.extend(decoded),
        Err(why) => {
            answer.insert("bad_input".to_owned(), why.into());
        }
    }
    Value::Object(answer)
}
