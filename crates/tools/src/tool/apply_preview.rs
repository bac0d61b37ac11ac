//! `apply_preview`: what applying a manifest would change. Nothing is written.

use diagnose::Object;
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::resources_create_or_update::placed;
use super::{Arguments, Set, Tool};
use crate::answer::Answer;
use crate::arguments::required;
use crate::context::Context;
use crate::diff::{Difference, diff};
use crate::kind::Kind;
use crate::manifest;
use crate::page::{Line, first, short};
use crate::proposing::desired;
use crate::read::Reader;
use crate::shape;
use crate::trouble::Trouble;
use cluster::Class;

pub const TOOL: Tool = Tool {
    name: "apply_preview",
    title: "Apply: preview",
    description: "Dry run of a manifest: what would change. Writes nothing.",
    class: Class::R,
    set: Set::Ours,
    cluster_aware: true,
    input,
    output: shape::items,
    old_spellings: &[("yaml", "resource"), ("manifest", "resource")],
    call,
};

fn input() -> Value {
    shape::input(&["resource"], &[("resource", shape::said("YAML or JSON"))])
}

fn call(context: &Context, arguments: Arguments) -> BoxFuture<'_, Result<Answer, Trouble>> {
    async move {
        let mut lines = Vec::new();
        let mut items = Vec::new();
        for object in manifest::read("resource", required(&arguments, "resource")?)? {
            let (title, changes) = preview(context, object).await?;
            let item = json!({"object": title, "changes": changes.iter().map(Difference::line).collect::<Vec<_>>()});
            if changes.is_empty() {
                lines.push(Line { text: title, items: vec![items.len()], ..Line::default() });
            } else {
                let line = |change: &Difference| Line {
                    heading: title.clone(),
                    text: change.line(),
                    items: vec![items.len()],
                };
                lines.extend(changes.iter().map(line));
            }
            items.push(item);
        }
        let page = first("dry run, nothing was written", &lines, context.room, "one object at a time");
        Ok(Answer::new(page.text, json!({"total": items.len(), "items": items})))
    }
    .boxed()
}

async fn preview(context: &Context, object: Value) -> Result<(String, Vec<Difference>), Trouble> {
    let (kind, namespace, name) = placed(context, &object).await?;
    let reader = Reader::new(context)?;
    let title = if namespace.is_empty() {
        format!("{} {name}", kind.name)
    } else {
        format!("{} {namespace}/{name}", kind.name)
    };
    let live = reader.json(&kind.object_path(&namespace, &name)).await;
    let live = match live {
        Ok(live) => Object::new(live),
        Err(kube::Error::Api(status)) if status.code == 404 => None,
        Err(error) => return Err(Reader::trouble(error, "get", &kind, &namespace)),
    };
    let after = dry_run(context, &kind, &namespace, &name, object).await?;
    let Some(live) = live else {
        return Ok((format!("{title}: would be created"), Vec::new()));
    };
    let after = Object::new(after).map(|after| desired(&after)).unwrap_or_default();
    let mut changes = diff(&desired(&live), &after);
    changes.retain(|change| {
        change.path != "metadata.resourceVersion"
            && change.path != "metadata.annotations[kubectl.kubernetes.io/last-applied-configuration]"
    });
    let title = if changes.is_empty() { format!("{title}: no change") } else { format!("{title}:") };
    Ok((title, changes))
}

async fn dry_run(context: &Context, kind: &Kind, namespace: &str, name: &str, body: Value) -> Result<Value, Trouble> {
    let cluster = context.cluster()?;
    let uid = cluster.uid().await.map_err(|error| Trouble::Unreachable(error.to_string()))?;
    let request = cluster::Request {
        cluster: uid,
        verb: cluster::Verb::Apply,
        group: kind.group().to_owned(),
        version: kind.api_version.rsplit('/').next().unwrap_or_default().to_owned(),
        resource: kind.plural.to_string(),
        namespace: Some(namespace.to_owned()).filter(|namespace| !namespace.is_empty()),
        name: Some(name.to_owned()),
        content_type: Some(cluster::APPLY_PATCH.to_owned()),
        body: Some(body),
        field_manager: Some("midwatch".to_owned()),
        as_user: cluster.identity().cloned(),
        ..cluster::Request::default()
    };
    match cluster.dry_run(&request).await {
        Ok(after) => Ok(after),
        Err(cluster::Outcome::Refused { code: 403, .. }) => Err(Trouble::Forbidden {
            verb: "patch".to_owned(),
            resource: kind.plural.to_string(),
            namespace: request.namespace,
        }),
        Err(cluster::Outcome::Refused { code, message, .. }) => {
            Err(Trouble::Cluster { code, message: short(&message, 1000) })
        }
        Err(cluster::Outcome::Unknown { why, .. } | cluster::Outcome::NotSent { why }) => Err(Trouble::Refused(why)),
    }
}
