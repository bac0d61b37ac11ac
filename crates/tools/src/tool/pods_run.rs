//! `pods_run`: proposes a pod of an image, with a Service where a port is named.

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::{Arguments, Set, Tool};
use crate::answer::Answer;
use crate::arguments::{number, required, text};
use crate::context::Context;
use crate::kind::resolve;
use crate::proposing::{change, propose_all};
use crate::read::{Reader, segment};
use crate::shape;
use crate::trouble::Trouble;
use cluster::{Class, Digest, Verb};

pub const TOOL: Tool = Tool {
    name: "pods_run",
    title: "Pods: run",
    description: "Propose running an image as a pod (with port: also a Service).",
    class: Class::W,
    set: Set::Core,
    cluster_aware: true,
    input,
    output: shape::object,
    old_spellings: &[],
    call,
};

fn input() -> Value {
    let port = json!({"type": "number", "minimum": 1, "maximum": 65535});
    shape::input(
        &["image"],
        &[("image", shape::text()), ("name", shape::text()), ("namespace", shape::text()), ("port", port)],
    )
}

fn call(context: &Context, arguments: Arguments) -> BoxFuture<'_, Result<Answer, Trouble>> {
    async move {
        let reader = Reader::new(context)?;
        let namespace = reader.namespace_or_own(text(&arguments, "namespace"))?;
        let image = required(&arguments, "image")?;
        let name = match text(&arguments, "name") {
            Some(name) => segment("name", name)?.to_owned(),
            None => name_for(image, context.now.as_millisecond()),
        };
        let pod = resolve(context, Some("v1"), "Pod").await?;
        let port = number(&arguments, "port");
        let labels = json!({"app.kubernetes.io/name": name, "app.kubernetes.io/managed-by": "midwatch"});
        let metadata = json!({"name": name, "namespace": namespace, "labels": labels});
        let ports = port.map_or_else(|| json!([]), |port| json!([{"containerPort": port}]));
        let mut run = change(context, Verb::Create, &pod, namespace, &name);
        run.body = Some(json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata,
            "spec": {"containers": [{"name": name, "image": image, "ports": ports}]}}));
        let mut changes = vec![run];
        if let Some(port) = port {
            let service = resolve(context, Some("v1"), "Service").await?;
            let mut expose = change(context, Verb::Create, &service, namespace, &name);
            expose.body = Some(json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata,
                "spec": {"selector": labels, "ports": [{"port": port, "targetPort": port}]}}));
            changes.push(expose);
        }
        propose_all(context, changes).await
    }
    .boxed()
}

/// A name that the same wish gets at the same moment: the image's last part and a few characters.
fn name_for(image: &str, now: i64) -> String {
    let last = image.rsplit('/').next().unwrap_or_default();
    let word: String = last.split([':', '@']).next().unwrap_or_default().to_lowercase();
    let plain: String = word.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(40).collect();
    let digest = Digest::of(format!("{now} {image}").as_bytes()).to_string();
    let rest = &digest[..5];
    let plain = plain.trim_matches('-');
    if plain.is_empty() { format!("run-{rest}") } else { format!("{plain}-{rest}") }
}
