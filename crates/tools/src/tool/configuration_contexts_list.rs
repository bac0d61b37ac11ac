//! `configuration_contexts_list`: which clusters there are.

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::{Arguments, Set, Tool};
use crate::answer::Answer;
use crate::context::Context;
use crate::shape;
use crate::trouble::Trouble;
use cluster::Class;

pub const TOOL: Tool = Tool {
    name: "configuration_contexts_list",
    title: "Configuration: contexts",
    description: "The clusters there are (values for context).",
    class: Class::R,
    set: Set::Config,
    cluster_aware: false,
    input,
    output: shape::items,
    old_spellings: &[],
    call,
};

fn input() -> Value {
    shape::input(&[], &[])
}

fn call(context: &Context, _: Arguments) -> BoxFuture<'_, Result<Answer, Trouble>> {
    async move {
        let contexts = &context.contexts;
        if contexts.is_empty() {
            let text = match &context.cluster {
                Ok(cluster) => format!("one cluster: {} {}\n", cluster.name, cluster.server),
                Err(why) => format!("no cluster: {why}\n"),
            };
            return Ok(Answer::new(text, json!({"items": [], "total": 0})));
        }
        let line =
            |c: &crate::hands::ContextName| format!("{} {} {}\n", if c.current { "*" } else { "-" }, c.name, c.server);
        let lines: String = contexts.iter().map(line).collect();
        let items: Vec<Value> = contexts
            .iter()
            .map(|c| json!({"name": c.name, "server": c.server, "namespace": c.namespace, "current": c.current}))
            .collect();
        Ok(Answer::new(
            format!("{} contexts, * is the usual one\n{lines}", items.len()),
            json!({"total": items.len(), "items": items}),
        ))
    }
    .boxed()
}
