//! `resources_list`: the objects of any kind, those in trouble first.

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
    name: "resources_list",
    title: "Resources: list",
    description: "Objects of any kind, those in trouble first. Without namespace: all namespaces.",
    class: Class::R,
    set: Set::Core,
    cluster_aware: true,
    input,
    output: shape::items,
    old_spellings: &[
        ("api_version", "apiVersion"),
        ("label_selector", "labelSelector"),
        ("field_selector", "fieldSelector"),
    ],
    call,
};

fn input() -> Value {
    shape::input(
        &["apiVersion", "kind"],
        &[
            ("apiVersion", shape::said("e.g. apps/v1")),
            ("kind", shape::text()),
            ("namespace", shape::text()),
            ("labelSelector", shape::text()),
            ("fieldSelector", shape::text()),
            ("cursor", shape::text()),
        ],
    )
}

fn call(context: &Context, arguments: Arguments) -> BoxFuture<'_, Result<Answer, Trouble>> {
    async move {
        let kind = resolve(context, text(&arguments, "apiVersion"), required(&arguments, "kind")?).await?;
        let namespace = text(&arguments, "namespace").map_or(Ok(""), |asked| segment("namespace", asked))?;
        // a namespace makes no sense for cluster-scoped kinds, and models give one all the same
        let namespace = if kind.namespaced { namespace } else { "" };
        let selectors =
            Selectors { labels: text(&arguments, "labelSelector"), fields: text(&arguments, "fieldSelector") };
        answer(context, Wanted { kind, namespace, selectors, cursor: cursor(&arguments)? }).await
    }
    .boxed()
}
