//! A tool as the protocol describes it.

use std::sync::Arc;

use rmcp::model::{JsonObject, Tool as Described, ToolAnnotations};
use serde_json::{Value, json};

use crate::tool::{Hints, Tool};

/// `several`: there is more than one cluster, so a tool that reaches one may be told which.
pub fn tool(tool: &Tool, several: bool) -> Described {
    let hints = Hints::of(tool.class);
    let annotations = ToolAnnotations::new()
        .read_only(hints.read_only)
        .destructive(hints.destructive)
        .idempotent(hints.idempotent)
        .open_world(hints.open_world);
    Described::new(tool.name, tool.description, object(input(tool, several)))
        .with_title(tool.title)
        .with_raw_output_schema(object((tool.output)()))
        .with_annotations(annotations)
}

/// The schema of the arguments that is both shown and checked.
pub fn input(tool: &Tool, several: bool) -> Value {
    let mut schema = (tool.input)();
    if several && tool.cluster_aware {
        schema["properties"]["context"] =
            json!({"type": "string", "description": "Cluster; see configuration_contexts_list"});
    }
    schema
}

fn object(value: Value) -> Arc<JsonObject> {
    match value {
        Value::Object(map) => Arc::new(map),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Arc::default(),
    }
}
