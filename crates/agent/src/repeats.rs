//! Notices a model that makes the same call again.

use std::collections::HashMap;

use serde_json::Value;

use crate::hands::CallResult;

/// The third time is the last one.
pub const MOST: u32 = 3;

#[derive(Debug, Default)]
pub struct Repeats {
    seen: HashMap<String, (u32, CallResult)>,
}

impl Repeats {
    /// A call was answered.
    pub fn note(&mut self, call: &llm::ToolCall, result: &CallResult) {
        let (times, first) = self.seen.entry(key(call)).or_insert_with(|| (0, result.clone()));
        *times += 1;
        // a read that failed may be tried once more, and then its answer counts
        if first.error && !result.error {
            *first = result.clone();
        }
    }

    /// How often this call was answered already, and with what.
    pub fn before(&self, call: &llm::ToolCall) -> Option<(u32, &CallResult)> {
        self.seen.get(&key(call)).map(|(times, result)| (*times, result))
    }
}

/// Two calls are the same when tool and arguments are, whatever the order of the fields.
pub fn key(call: &llm::ToolCall) -> String {
    format!("{} {}", call.name, sorted(&Value::Object(call.arguments.clone())))
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().map(|(name, value)| (name.clone(), sorted(value))).collect();
            fields.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(fields.into_iter().collect())
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}
