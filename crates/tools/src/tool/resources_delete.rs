//! `resources_delete`: proposes to delete an object.

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::Value;

use super::{Arguments, Set, Tool};
use crate::answer::Answer;
use crate::arguments::{number, required, text};
use crate::context::Context;
use crate::kind::resolve;
use crate::proposing::{change, propose};
use crate::read::Reader;
use crate::shape;
use crate::trouble::Trouble;
use cluster::{Class, Verb};

pub const TOOL: Tool = Tool {
    name: "resources_delete",
    title: "Resources: delete",
    description: "Propose deleting an object.",
    class: Class::D,
    set: Set::Core,
    cluster_aware: true,
    input,
    output: shape::object,
    old_spellings: &[("api_version", "apiVersion")],
    call,
};

fn input() -> Value {
    shape::input(
        &["apiVersion", "kind", "name"],
        &[
            ("apiVersion", shape::text()),
            ("kind", shape::text()),
            ("name", shape::text()),
            ("namespace", shape::text()),
            ("gracePeriodSeconds", shape::whole()),
        ],
    )
}

fn call(context: &Context, arguments: Arguments) -> BoxFuture<'_, Result<Answer, Trouble>> {
    async move {
        let reader = Reader::new(context)?;
        let kind = resolve(context, text(&arguments, "apiVersion"), required(&arguments, "kind")?).await?;
        let namespace = reader.namespace_for(&kind, text(&arguments, "namespace"))?;
        let object = reader.object(&kind, namespace, required(&arguments, "name")?).await?;
        let mut change = change(context, Verb::Delete, &kind, namespace, object.name());
        if let Some(seconds) = number(&arguments, "gracePeriodSeconds") {
            change.query.push(("gracePeriodSeconds".to_owned(), seconds.to_string()));
        }
        propose(context, change).await
    }
    .boxed()
}
