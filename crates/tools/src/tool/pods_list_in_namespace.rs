//! `pods_list_in_namespace`: the pods of one namespace, those in trouble first.

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::Value;

use super::{Arguments, Set, Tool};
use crate::answer::Answer;
use crate::arguments::{cursor, required, text};
use crate::context::Context;
use crate::kind::resolve;
use crate::listing::{Wanted, answer};
use crate::read::{Selectors, segment};
use crate::shape;
use crate::trouble::Trouble;
use cluster::Class;

pub const TOOL: Tool = Tool {
    name: "pods_list_in_namespace",
    title: "Pods: one namespace",
    description: "Pods of one namespace, failing ones first.",
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
        &["namespace"],
        &[
            ("namespace", shape::text()),
            ("labelSelector", shape::text()),
            ("fieldSelector", shape::text()),
            ("cursor", shape::text()),
        ],
    )
}

fn call(context: &Context, arguments: Arguments) -> BoxFuture<'_, Result<Answer, Trouble>> {
    async move {
        let kind = resolve(context, Some("v1"), "Pod").await?;
        let namespace = segment("namespace", required(&arguments, "namespace")?)?;
        let selectors =
            Selectors { labels: text(&arguments, "labelSelector"), fields: text(&arguments, "fieldSelector") };
        answer(context, Wanted { kind, namespace, selectors, cursor: cursor(&arguments)? }).await
    }
    .boxed()
}
