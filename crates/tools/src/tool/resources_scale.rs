//! `resources_scale`: reads how many replicas there are, or proposes another number.

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};

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
    name: "resources_scale",
    title: "Resources: scale",
    description: "Read replicas; with scale: propose that number.",
    class: Class::W,
    set: Set::Core,
    cluster_aware: true,
    input,
    output: shape::object,
    old_spellings: &[("api_version", "apiVersion"), ("replicas", "scale")],
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
            ("scale", shape::whole()),
        ],
    )
}

fn call(context: &Context, arguments: Arguments) -> BoxFuture<'_, Result<Answer, Trouble>> {
    async move {
        let reader = Reader::new(context)?;
        let kind = resolve(context, text(&arguments, "apiVersion"), required(&arguments, "kind")?).await?;
        let namespace = reader.namespace_for(&kind, text(&arguments, "namespace"))?;
        let object = reader.object(&kind, namespace, required(&arguments, "name")?).await?;
        let Some(wanted) = object.int("/spec/replicas") else {
            let what = format!("{} has no replicas and cannot be scaled.", object.re);
            return Err(Trouble::Missing { what, how: "Give a Deployment, StatefulSet or ReplicaSet.".to_owned() });
        };
        let Some(scale) = number(&arguments, "scale") else {
            let number = |pointer: &str| object.int(pointer).unwrap_or(0);
            let (exist, ready) = (number("/status/replicas"), number("/status/readyReplicas"));
            let text = format!("{}: {wanted} wanted, {exist} exist, {ready} ready\n", object.re);
            return Ok(Answer::new(text, json!({"replicas": wanted, "existing": exist, "ready": ready})));
        };
        let mut change = change(context, Verb::Patch, &kind, namespace, object.name());
        change.subresource = Some("scale".to_owned());
        change.body = Some(json!({"spec": {"replicas": scale}}));
        propose(context, change).await
    }
    .boxed()
}
