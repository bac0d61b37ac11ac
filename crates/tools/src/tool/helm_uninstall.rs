//! `helm_uninstall`: proposes to delete everything that a Helm release made, and its record.

use diagnose::{Object, kinds};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::Value;

use super::{Arguments, Set, Tool};
use crate::answer::Answer;
use crate::arguments::{required, text};
use crate::context::Context;
use crate::kind::{Kind, built_in};
use crate::proposing::{change, propose_all};
use crate::read::{Reader, Selectors, segment};
use crate::shape;
use crate::trouble::Trouble;
use cluster::{Class, Verb};

pub const TOOL: Tool = Tool {
    name: "helm_uninstall",
    title: "Helm: uninstall",
    description: "Propose deleting a release's objects and record.",
    class: Class::D,
    set: Set::Helm,
    cluster_aware: true,
    input,
    output: shape::object,
    old_spellings: &[],
    call,
};

/// Objects of one release that are proposed at once. A person has to look at each.
const MOST: usize = 40;

fn input() -> Value {
    shape::input(&["name"], &[("name", shape::text()), ("namespace", shape::text())])
}

fn call(context: &Context, arguments: Arguments) -> BoxFuture<'_, Result<Answer, Trouble>> {
    async move {
        let reader = Reader::new(context)?;
        let namespace = reader.namespace_or_own(text(&arguments, "namespace"))?;
        let name = segment("name", required(&arguments, "name")?)?;
        let records = records(&reader, namespace, name).await?;
        let made = made(&reader, namespace, name).await;
        if made.len() + records.len() > MOST {
            let what = format!("Release {name} has {} objects, more than can be proposed at once.", made.len());
            return Err(Trouble::Missing { what, how: "Uninstall it with the helm program.".to_owned() });
        }
        // the record last: while it is there, what is left can be found
        let all = made.iter().chain(&records);
        let deletes = all.filter_map(|object| {
            let kind = built_in(object.kind())?;
            Some(change(context, Verb::Delete, &kind, object.namespace(), object.name()))
        });
        propose_all(context, deletes.collect()).await
    }
    .boxed()
}

async fn records(reader: &Reader<'_>, namespace: &str, name: &str) -> Result<Vec<Object>, Trouble> {
    let labels = format!("owner=helm,name={name}");
    let selectors = Selectors { labels: Some(&labels), fields: None };
    let mut records = Vec::new();
    for kind in ["Secret", "ConfigMap"].iter().filter_map(|kind| built_in(kind)) {
        match reader.list(&kind, namespace, selectors).await {
            Ok(listed) => records.extend(listed.objects),
            Err(trouble) if kind.name == "Secret" => return Err(trouble),
            Err(_) => {}
        }
    }
    if records.is_empty() {
        return Err(Trouble::NotFound {
            what: format!("Helm release {name} in namespace {namespace}"),
            near: Vec::new(),
        });
    }
    Ok(records)
}

/// What carries Helm's marks of this release.
async fn made(reader: &Reader<'_>, namespace: &str, name: &str) -> Vec<Object> {
    let selectors = Selectors { labels: Some("app.kubernetes.io/managed-by=Helm"), fields: None };
    let all: Vec<Kind> = kinds::KINDS.iter().map(Kind::from).filter(|kind| kind.name != "Event").collect();
    let lists = futures::future::join_all(all.iter().map(|kind| reader.list(kind, namespace, selectors))).await;
    let objects = lists.into_iter().filter_map(Result::ok).flat_map(|listed| listed.objects);
    let marked = |object: &Object| {
        object.annotation("meta.helm.sh/release-name") == name
            && object.annotation("meta.helm.sh/release-namespace") == namespace
            && object.owner().is_none()
    };
    objects.filter(marked).collect()
}
