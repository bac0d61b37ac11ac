//! `pods_delete`: proposes to delete a pod.

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::Value;

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
    name: "pods_delete",
    title: "Pods: delete",
    description: "Propose deleting a pod.",
    class: Class::W,
    set: Set::Core,
    cluster_aware: true,
    input,
    output: shape::object,
    old_spellings: &[("pod", "name")],
    call,
};

fn input() -> Value {
    shape::input(&["name"], &[("name", shape::text()), ("namespace", shape::text())])
}

fn call(context: &Context, arguments: Arguments) -> BoxFuture<'_, Result<Answer, Trouble>> {
    async move {
        let reader = Reader::new(context)?;
        let kind = resolve(context, Some("v1"), "Pod").await?;
        let namespace = reader.namespace_or_own(text(&arguments, "namespace"))?;
        let pod = reader.object(&kind, namespace, required(&arguments, "name")?).await?;
        propose(context, change(context, Verb::Delete, &kind, namespace, pod.name())).await
    }
    .boxed()
}
