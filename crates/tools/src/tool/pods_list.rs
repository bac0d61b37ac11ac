//! `pods_list`: the pods of all namespaces, those in trouble first.

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::Value;

use super::{Arguments, Set, Tool};
use crate::answer::Answer;
use crate::arguments::{cursor, text};
use crate::context::Context;
use crate::kind::resolve;
use crate::listing::{Wanted, answer};
use crate::read::Selectors;
use crate::shape;
use crate::trouble::Trouble;
use cluster::Class;

pub const TOOL: Tool = Tool {
    name: "pods_list",
    title: "Pods: all",
    description: "Pods of all namespaces, failing ones first.",
    class: Class::R,
    set: Set::Core,
    cluster_aware: true,
    input,
    output: shape::items,
    old_spellings: &[("label_selector", "labelSelector"), ("field_selector", "fieldSelector")],
    call,
};

fn input() -> Value {
    shape::input(
        &[],
        &[
            ("labelSelector", shape::text()),
            ("fieldSelector", shape::said("e.g. spec.nodeName=n1")),
            ("cursor", shape::text()),
        ],
    )
}

fn call(context: &Context, arguments: Arguments) -> BoxFuture<'_, Result<Answer, Trouble>> {
    async move {
        let kind = resolve(context, Some("v1"), "Pod").await?;
        let selectors =
            Selectors { labels: text(&arguments, "labelSelector"), fields: text(&arguments, "fieldSelector") };
        answer(context, Wanted { kind, namespace: "", selectors, cursor: cursor(&arguments)? }).await
    }
    .boxed()
}
