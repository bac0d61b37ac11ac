//! The mode `errors`.

use llm::Tool;
use serde_json::{Map, Value};

pub fn decode(_row: &Map<String, Value>, _tools: &[Tool]) -> crate::Decoded {
    Err("this mode is not there yet".to_owned())
}
