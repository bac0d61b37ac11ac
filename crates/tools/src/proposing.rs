//! Turns the wish for a change into a proposal. Nothing here changes a cluster.

use diagnose::Object;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::context::Context;
use crate::hands::{Change, Proposed};
use crate::kind::Kind;
use crate::trouble::Trouble;
use cluster::Verb;

/// A change of one object of this kind.
pub fn change(context: &Context, verb: Verb, kind: &Kind, namespace: &str, name: &str) -> Change {
    let several = context.contexts.len() > 1;
    Change {
        context: context.cluster.as_ref().ok().filter(|_| several).map(|cluster| cluster.name.clone()),
        verb,
        api_version: kind.api_version.to_string(),
        kind: kind.name.to_string(),
        resource: kind.plural.to_string(),
        namespace: Some(namespace.to_owned()).filter(|namespace| kind.namespaced && !namespace.is_empty()),
        name: Some(name.to_owned()).filter(|name| !name.is_empty()),
        subresource: None,
        query: Vec::new(),
        body: None,
        reason: None,
    }
}

/// Proposes one change. What comes back is no answer yet: a person has to decide.
pub async fn propose(context: &Context, change: Change) -> Result<Answer, Trouble> {
    let proposed = context.hands.propose(&context.caller, change).await?;
    Err(Trouble::Approval(Box::new(proposed)))
}

/// Proposes changes that belong together, each to be decided on its own, in this order.
pub async fn propose_all(context: &Context, mut changes: Vec<Change>) -> Result<Answer, Trouble> {
    if changes.len() == 1
        && let Some(only) = changes.pop()
    {
        return propose(context, only).await;
    }
    let mut proposals = Vec::new();
    for change in changes {
        proposals.push(context.hands.propose(&context.caller, change).await?);
    }
    let words: Vec<String> = proposals.iter().map(Proposed::words).collect();
    let data: Vec<Value> = proposals.iter().map(item).collect();
    Ok(Answer::new(words.join("\n\n"), json!({"proposals": data})))
}

pub fn item(proposed: &Proposed) -> Value {
    json!({"id": proposed.id, "url": proposed.url, "state": proposed.standing.name(), "summary": proposed.summary,
        "outcome": proposed.outcome, "expires": proposed.expires})
}

/// The object as it should be applied: without what only the server writes.
pub fn desired(object: &Object) -> Value {
    let mut value = object.value.clone();
    if let Some(fields) = value.as_object_mut() {
        fields.remove("status");
    }
    if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
        for key in ["managedFields", "uid", "creationTimestamp", "generation", "selfLink"] {
            metadata.remove(key);
        }
    }
    value
}
