//! `resources_create_or_update`: proposes to apply a manifest (server-side apply).

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::Value;

use super::{Arguments, Set, Tool};
use crate::answer::Answer;
use crate::arguments::required;
use crate::context::Context;
use crate::hands::Change;
use crate::kind::{Kind, resolve};
use crate::manifest;
use crate::proposing::{change, propose_all};
use crate::read::{Reader, segment};
use crate::shape;
use crate::trouble::Trouble;
use cluster::{Class, Verb};

pub const TOOL: Tool = Tool {
    name: "resources_create_or_update",
    title: "Resources: apply",
    description: "Propose applying a manifest (full desired state). Try apply_preview first.",
    class: Class::D,
    set: Set::Core,
    cluster_aware: true,
    input,
    output: shape::object,
    old_spellings: &[("yaml", "resource"), ("manifest", "resource")],
    call,
};

fn input() -> Value {
    shape::input(&["resource"], &[("resource", shape::said("YAML or JSON"))])
}

fn call(context: &Context, arguments: Arguments) -> BoxFuture<'_, Result<Answer, Trouble>> {
    async move {
        let objects = manifest::read("resource", required(&arguments, "resource")?)?;
        let mut changes: Vec<Change> = Vec::new();
        for object in objects {
            let (kind, namespace, name) = placed(context, &object).await?;
            let mut apply = change(context, Verb::Apply, &kind, &namespace, &name);
            apply.body = Some(object);
            changes.push(apply);
        }
        propose_all(context, changes).await
    }
    .boxed()
}

/// Which object a manifest is for. A kind that the cluster does not have is an error here, not at the approval.
pub async fn placed(context: &Context, object: &Value) -> Result<(Kind, String, String), Trouble> {
    let field = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let version = field("/apiVersion");
    let kind = resolve(context, Some(version), field("/kind")).await?;
    if kind.api_version != version {
        return Err(Trouble::unreadable(
            "resource",
            format!("{} is in {}, not in {version}", kind.name, kind.api_version),
        ));
    }
    let reader = Reader::new(context)?;
    let asked = Some(field("/metadata/namespace")).filter(|namespace| !namespace.is_empty());
    let namespace = if kind.namespaced { reader.namespace_or_own(asked)?.to_owned() } else { String::new() };
    Ok((kind, namespace, segment("resource", field("/metadata/name"))?.to_owned()))
}
