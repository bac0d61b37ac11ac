//! `pods_exec`: proposes to run a command in a container.

use diagnose::object::text as field;
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::{Arguments, Set, Tool};
use crate::answer::Answer;
use crate::arguments::{required, text};
use crate::context::Context;
use crate::kind::resolve;
use crate::proposing::{change, propose};
use crate::read::Reader;
use crate::shape;
use crate::trouble::Trouble;
use cluster::{Class, Verb};

pub const TOOL: Tool = Tool {
    name: "pods_exec",
    title: "Pods: exec",
    description: "Propose running a command in a container. Prefer pods_log and describe.",
    class: Class::X,
    set: Set::Core,
    cluster_aware: true,
    input,
    output: shape::object,
    old_spellings: &[("pod", "name")],
    call,
};

fn input() -> Value {
    let command = json!({"type": "array", "items": {"type": "string"}, "minItems": 1});
    shape::input(
        &["name", "command"],
        &[("name", shape::text()), ("command", command), ("namespace", shape::text()), ("container", shape::text())],
    )
}

fn call(context: &Context, arguments: Arguments) -> BoxFuture<'_, Result<Answer, Trouble>> {
    async move {
        let reader = Reader::new(context)?;
        let kind = resolve(context, Some("v1"), "Pod").await?;
        let namespace = reader.namespace_or_own(text(&arguments, "namespace"))?;
        let pod = reader.object(&kind, namespace, required(&arguments, "name")?).await?;
        let known: Vec<&str> = pod.list("/spec/containers").iter().map(|c| field(c, "name")).collect();
        let container = match text(&arguments, "container") {
            None => known.first().copied().unwrap_or_default(),
            Some(asked) if known.contains(&asked) => asked,
            Some(asked) => {
                let near = known.iter().map(|name| (*name).to_owned()).collect();
                return Err(Trouble::NotFound { what: format!("container {asked} of pod {}", pod.re.path()), near });
            }
        };
        let mut query = vec![("container".to_owned(), container.to_owned())];
        let words = arguments.get("command").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        query.extend(words.map(|word| ("command".to_owned(), word.to_owned())));
        query.extend(["stdout", "stderr"].map(|stream| (stream.to_owned(), "true".to_owned())));
        let mut change = change(context, Verb::Connect, &kind, namespace, pod.name());
        change.subresource = Some("exec".to_owned());
        change.query = query;
        propose(context, change).await
    }
    .boxed()
}
