//! `resources_get`: one object of any kind, without noise.

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::{Arguments, Set, Tool};
use crate::answer::Answer;
use crate::arguments::{required, text};
use crate::context::Context;
use crate::kind::{Kind, resolve};
use crate::read::Reader;
use crate::shape;
use crate::trim::trim;
use crate::trouble::Trouble;
use crate::yaml;
use cluster::Class;

pub const TOOL: Tool = Tool {
    name: "resources_get",
    title: "Resources: get",
    description: "One object as YAML, without noise; Secret values hidden.",
    class: Class::R,
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
        ],
    )
}

fn call(context: &Context, arguments: Arguments) -> BoxFuture<'_, Result<Answer, Trouble>> {
    async move {
        let kind = resolve(context, text(&arguments, "apiVersion"), required(&arguments, "kind")?).await?;
        shown(context, &kind, text(&arguments, "namespace"), required(&arguments, "name")?).await
    }
    .boxed()
}

/// The object as YAML and as data.
pub async fn shown(context: &Context, kind: &Kind, namespace: Option<&str>, name: &str) -> Result<Answer, Trouble> {
    let reader = Reader::new(context)?;
    let namespace = if kind.namespaced { reader.namespace_or_own(namespace)? } else { "" };
    let trimmed = trim(&reader.object(kind, namespace, name).await?, context.now);
    Ok(Answer::new(yaml::write(&trimmed), json!({"object": trimmed})))
}
