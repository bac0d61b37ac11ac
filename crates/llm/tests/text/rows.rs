//! The rows of the sample files and how one is read.

use llm::Tool;
use llm::text::{Parsed, Parser};
use serde_json::{Value, json};

pub struct Row {
    pub id: String,
    pub dialect: String,
    pub text: String,
    pub expected: Value,
    pub visible: Option<String>,
}

pub fn tools() -> Vec<Tool> {
    let list: Vec<Value> = serde_json::from_str(include_str!("../data/toolcall_tools.json")).unwrap();
    let tool = |entry: &Value| Tool {
        name: entry["function"]["name"].as_str().unwrap().to_owned(),
        description: entry["function"]["description"].as_str().unwrap_or("").to_owned(),
        parameters: entry["function"]["parameters"].clone(),
    };
    list.iter().map(tool).collect()
}

pub fn rows() -> Vec<Row> {
    let files = [include_str!("../data/toolcall_samples.jsonl"), include_str!("../data/toolcall_more.jsonl")];
    files
        .iter()
        .flat_map(|file| file.lines())
        .map(|line| {
            let row: Value = serde_json::from_str(line).unwrap();
            Row {
                id: row["id"].as_str().unwrap().to_owned(),
                dialect: row["dialect"].as_str().unwrap().to_owned(),
                text: row["text"].as_str().unwrap().to_owned(),
                expected: row["expected"].clone(),
                visible: row.get("visible").and_then(Value::as_str).map(str::to_owned),
            }
        })
        .collect()
}

pub fn parse(text: &str, tools: &[Tool]) -> Parsed {
    let mut parser = Parser::new(tools);
    parser.push(text);
    parser.finish()
}

pub fn calls(parsed: &Parsed) -> Value {
    parsed.calls.iter().map(|call| json!({"name": call.name, "arguments": call.arguments})).collect()
}
