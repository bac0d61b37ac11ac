//! What a person or a model means by an object, an alert or a namespace.

use diagnose::object::text;
use diagnose::{ObjectRef, Target};
use serde_json::Value;

use crate::arguments;
use crate::context::Context;
use crate::kind::{Kind, resolve};
use crate::read::{Reader, segment};
use crate::tool::Arguments;
use crate::trouble::Trouble;

/// `kind/name`, as kubectl takes it.
pub fn split(argument: &str, object: &str) -> Result<(String, String), Trouble> {
    match object.split_once(['/', ' ']) {
        Some((kind, name)) if !kind.is_empty() && !name.trim().is_empty() => {
            Ok((kind.to_owned(), name.trim().to_owned()))
        }
        _ => Err(Trouble::unreadable(argument, format!("write it as kind/name, e.g. pod/web-0, not {object:?}"))),
    }
}

/// The object that `object` (kind/name) and `namespace` name. It has to exist.
pub async fn object(context: &Context, arguments: &Arguments) -> Result<(Kind, diagnose::Object), Trouble> {
    let (kind, name) = split("object", arguments::required(arguments, "object")?)?;
    let reader = Reader::new(context)?;
    let kind = resolve(context, None, &kind).await?;
    let namespace = reader.namespace_for(&kind, arguments::text(arguments, "namespace"))?;
    let object = reader.object(&kind, namespace, &name).await?;
    Ok((kind, object))
}

/// The object, the alert's object, the namespace, or the whole cluster.
pub async fn target(context: &Context, arguments: &Arguments) -> Result<Target, Trouble> {
    if arguments::text(arguments, "object").is_some() {
        return Ok(Target::Object(object(context, arguments).await?.1.re));
    }
    if let Some(alert) = arguments.get("alert") {
        return of_alert(context, alert).await;
    }
    let Some(namespace) = arguments::text(arguments, "namespace") else { return Ok(Target::Cluster) };
    let namespace = segment("namespace", namespace)?;
    match Reader::new(context)?.missing_namespace(namespace).await {
        Some(trouble) => Err(trouble),
        None => Ok(Target::Namespace(namespace.to_owned())),
    }
}

/// Labels that name what an alert is about, the most telling first.
const LABELS: [(&str, &str); 9] = [
    ("persistentvolumeclaim", "PersistentVolumeClaim"),
    ("pod", "Pod"),
    ("deployment", "Deployment"),
    ("statefulset", "StatefulSet"),
    ("daemonset", "DaemonSet"),
    ("job_name", "Job"),
    ("cronjob", "CronJob"),
    ("horizontalpodautoscaler", "HorizontalPodAutoscaler"),
    ("node", "Node"),
];

/// The first object that an alert's labels name and that exists; else its namespace.
async fn of_alert(context: &Context, alert: &Value) -> Result<Target, Trouble> {
    let labels = alert.get("labels").or_else(|| alert.pointer("/alerts/0/labels")).unwrap_or(alert);
    let namespace = text(labels, "namespace");
    let reader = Reader::new(context)?;
    for (label, kind) in LABELS {
        let name = text(labels, label);
        let Some(kind) = crate::kind::built_in(kind).filter(|_| !name.is_empty()) else { continue };
        let namespace = if kind.namespaced { segment("alert", namespace)? } else { "" };
        if reader.json(&kind.object_path(namespace, segment("alert", name)?)).await.is_ok() {
            return Ok(Target::Object(ObjectRef::new(&kind.name, namespace, name)));
        }
    }
    if namespace.is_empty() {
        return Err(Trouble::unreadable("alert", "its labels name no object and no namespace"));
    }
    Ok(Target::Namespace(namespace.to_owned()))
}
