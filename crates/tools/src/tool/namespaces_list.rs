//! `namespaces_list`: the cluster's namespaces, those in trouble first.

use futures::FutureExt;
use futures::future::BoxFuture;
use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::ListParams;
use serde_json::{Value, json};

use super::{Arguments, Set, Tool};
use crate::answer::Answer;
use crate::class::Class;
use crate::context::Context;
use crate::trouble::Trouble;

pub const TOOL: Tool = Tool {
    name: "namespaces_list",
    title: "Namespaces",
    description: "List all namespaces of the cluster.",
    class: Class::R,
    set: Set::Core,
    cluster_aware: true,
    input,
    output,
    old_spellings: &[],
    call,
};

fn input() -> Value {
    json!({"type": "object", "additionalProperties": false, "properties": {
        "fieldSelector": {"type": "string", "description": "e.g. metadata.name=default"},
    }})
}

fn output() -> Value {
    json!({"type": "object", "required": ["namespaces"], "properties": {
        "namespaces": {"type": "array", "items": {"type": "object", "properties": {
            "name": {"type": "string"}, "phase": {"type": "string"},
        }}},
    }})
}

fn call(context: &Context, arguments: Arguments) -> BoxFuture<'_, Result<Answer, Trouble>> {
    async move {
        let api: Api<Namespace> = Api::all(context.cluster()?.client.clone());
        let mut params = ListParams::default();
        if let Some(selector) = arguments.get("fieldSelector").and_then(Value::as_str) {
            params = params.fields(selector);
        }
        let listed = api.list(&params).await;
        let listed = listed.map_err(|error| Trouble::from_kube(error, "list", "namespaces", None))?;
        let mut rows: Vec<(String, String)> = listed
            .items
            .into_iter()
            .map(|namespace| {
                let phase = namespace.status.and_then(|status| status.phase).unwrap_or_else(|| "Active".to_owned());
                (namespace.metadata.name.unwrap_or_default(), phase)
            })
            .collect();
        rows.sort_by_key(|(name, phase)| (phase == "Active", name.clone()));
        let text: String = rows
            .iter()
            .map(|(name, phase)| if phase == "Active" { format!("{name}\n") } else { format!("{name} {phase}\n") })
            .collect();
        let data: Vec<Value> = rows.iter().map(|(name, phase)| json!({"name": name, "phase": phase})).collect();
        Ok(Answer::new(text, json!({"namespaces": data})))
    }
    .boxed()
}
