//! `pods_get`: one pod, without noise.

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::Value;

use super::resources_get::shown;
use super::{Arguments, Set, Tool};
use crate::answer::Answer;
use crate::arguments::{required, text};
use crate::context::Context;
use crate::kind::resolve;
use crate::shape;
use crate::trouble::Trouble;
use cluster::Class;

pub const TOOL: Tool = Tool {
    name: "pods_get",
    title: "Pods: get",
    description: "One pod as YAML, state of its containers in words.",
    class: Class::R,
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
        let kind = resolve(context, Some("v1"), "Pod").await?;
        shown(context, &kind, text(&arguments, "namespace"), required(&arguments, "name")?).await
    }
    .boxed()
}
