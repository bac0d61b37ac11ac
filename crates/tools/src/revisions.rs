//! The revisions of a workload: its ReplicaSets or ControllerRevisions, the newest last.

use diagnose::Object;
use diagnose::object::text;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::columns::images;
use crate::kind::{Kind, built_in};
use crate::read::{Reader, Selectors};
use crate::trouble::Trouble;

#[derive(Debug, Clone)]
pub struct Revision {
    pub number: i64,
    pub name: String,
    pub created: Option<Timestamp>,
    /// `metadata` and `spec` of the pods.
    pub template: Value,
    pub cause: String,
    pub current: bool,
}

impl Revision {
    pub fn images(&self) -> String {
        let images = images(&self.template);
        images.iter().map(|(container, image)| format!("{container}={image}")).collect::<Vec<_>>().join(" ")
    }
}

/// All revisions that the cluster still keeps.
pub async fn of(reader: &Reader<'_>, workload: &Object) -> Result<Vec<Revision>, Trouble> {
    let kind = match workload.kind() {
        "Deployment" => "ReplicaSet",
        "StatefulSet" | "DaemonSet" => "ControllerRevision",
        other => {
            let what = format!("{other} {} has no revisions.", workload.name());
            return Err(Trouble::Missing { what, how: "Give a Deployment, StatefulSet or DaemonSet.".to_owned() });
        }
    };
    let kind = built_in(kind).ok_or_else(|| Trouble::NotFound { what: kind.to_owned(), near: Vec::new() })?;
    let listed = reader.list(&kind, workload.namespace(), Selectors::default()).await?;
    Ok(owned(workload, &kind, &listed.objects))
}

fn owned(workload: &Object, kind: &Kind, objects: &[Object]) -> Vec<Revision> {
    let ours = |object: &&Object| {
        object.list("/metadata/ownerReferences").iter().any(|owner| text(owner, "uid") == workload.uid())
    };
    let mut revisions: Vec<Revision> =
        objects.iter().filter(ours).map(|object| revision(workload, kind, object)).collect();
    revisions.sort_by_key(|revision| revision.number);
    // a controller revision does not say that it is the current one where the status is missing
    if !revisions.iter().any(|revision| revision.current)
        && let Some(last) = revisions.last_mut()
    {
        last.current = true;
    }
    revisions
}

fn revision(workload: &Object, kind: &Kind, object: &Object) -> Revision {
    let cause = object.annotation("kubernetes.io/change-cause").to_owned();
    let (number, template, current) = if kind.name == "ReplicaSet" {
        let number = object.annotation("deployment.kubernetes.io/revision").parse().unwrap_or(0);
        let newest = workload.annotation("deployment.kubernetes.io/revision").parse().unwrap_or(-1);
        (number, without_hash(object.at("/spec/template").clone()), number == newest)
    } else {
        let number = object.int("/revision").unwrap_or(0);
        let update = workload.str("/status/updateRevision");
        (number, object.at("/data/spec/template").clone(), object.name() == update)
    };
    Revision { number, name: object.name().to_owned(), created: object.created(), template, cause, current }
}

/// The controller adds this label to every template; it belongs to the ReplicaSet only.
fn without_hash(mut template: Value) -> Value {
    if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.remove("pod-template-hash");
    }
    template
}

pub fn item(revision: &Revision) -> Value {
    json!({"revision": revision.number, "name": revision.name, "created": revision.created, "images": revision.images(),
        "cause": revision.cause, "current": revision.current})
}
