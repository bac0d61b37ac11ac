//! Tools that change something: each makes the proposal that was meant, and nothing else leaves.

use std::sync::{Arc, Mutex};

use cluster::Verb;
use cluster::{Cluster, Limits};
use diagnose::collect::Prometheus;
use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use replay::{Recording, Replay};
use serde_json::{Value, json};
use tools::{Caller, Change, ContextName, Decision, Document, Hands, Proposed, Standing, Tool, Trouble};

use crate::harness::{Bench, holds};

/// Keeps what was proposed.
#[derive(Default)]
struct Desk {
    changes: Mutex<Vec<Change>>,
}

impl Hands for Desk {
    fn cluster(&self, _: &Caller, _: Option<&str>) -> Result<Cluster, String> {
        Err("unused".to_owned())
    }

    fn contexts(&self) -> Vec<ContextName> {
        Vec::new()
    }

    fn prometheus(&self) -> Option<Arc<dyn Prometheus>> {
        None
    }

    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn may_use(&self, _: &Caller, _: &Tool) -> bool {
        true
    }

    fn propose<'a>(&'a self, _: &'a Caller, change: Change) -> BoxFuture<'a, Result<Proposed, Trouble>> {
        let mut changes = self.changes.lock().unwrap();
        let id = format!("P{}", changes.len() + 1);
        let summary = format!("{:?} {} {}", change.verb, change.kind, change.name.clone().unwrap_or_default());
        changes.push(change);
        let url = format!("https://midwatch.example.com/approvals/{id}");
        let (standing, expires) = (Standing::Waiting, Timestamp::UNIX_EPOCH);
        std::future::ready(Ok(Proposed {
            id,
            url,
            how: "on that page".to_owned(),
            summary,
            standing,
            outcome: None,
            expires,
        }))
        .boxed()
    }

    fn status<'a>(&'a self, _: &'a Caller, _: &'a str) -> BoxFuture<'a, Result<Option<Proposed>, Trouble>> {
        std::future::ready(Ok(None)).boxed()
    }

    fn alerts<'a>(&'a self, _: &'a Caller, _: bool) -> BoxFuture<'a, Result<Value, Trouble>> {
        let incident =
            json!({"id": 7, "state": "open", "title": "claim not bound", "cause": "volume_size_below_minimum"});
        std::future::ready(Ok(json!({"incidents": [incident]}))).boxed()
    }

    fn document<'a>(&'a self, _: &'a Caller, _: Document) -> BoxFuture<'a, Result<Option<Value>, Trouble>> {
        std::future::ready(Ok(None)).boxed()
    }

    fn record<'a>(
        &'a self,
        _: &'a Caller,
        _: &'a Tool,
        _: &'a Value,
        _: Decision,
    ) -> BoxFuture<'a, Result<(), Trouble>> {
        std::future::ready(Ok(())).boxed()
    }
}

fn bench(case: &str) -> (Bench, Arc<Desk>) {
    let folder =
        std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../evals/cases").join(case).join("cluster");
    let recording = Recording::load(&folder).unwrap();
    let now = recording.time;
    let cluster = cluster::over("recorded", Replay::new(recording).router(), &Limits::default());
    let desk = Arc::new(Desk::default());
    (Bench::with(Ok(cluster), now, desk.clone()), desk)
}

/// The one change that a call proposes.
async fn proposed(bench: &Bench, desk: &Desk, tool: &str, arguments: Value) -> Change {
    let said = bench.trouble(tool, arguments).await;
    holds(&said, &["approval needed: P", "https://midwatch.example.com/approvals/P"]);
    let mut changes = std::mem::take(&mut *desk.changes.lock().unwrap());
    assert_eq!(changes.len(), 1, "{tool}: {changes:?}");
    changes.remove(0)
}

#[tokio::test]
async fn each_write_tool_makes_the_proposal_that_was_meant() {
    let (bench, desk) = bench("rollout-stuck-new-image");
    let pod = "web-5d7c9f8b6-a2x7k";
    let change = proposed(&bench, &desk, "pods_delete", json!({"name": pod, "namespace": "shop"})).await;
    assert_eq!(
        (change.verb, change.kind.as_str(), change.name.as_deref(), change.namespace.as_deref()),
        (Verb::Delete, "Pod", Some(pod), Some("shop"))
    );

    let change =
        proposed(&bench, &desk, "pods_exec", json!({"name": pod, "namespace": "shop", "command": ["ls", "-l"]})).await;
    assert_eq!((change.verb, change.subresource.as_deref()), (Verb::Connect, Some("exec")));
    let words: Vec<&str> =
        change.query.iter().filter(|(key, _)| key == "command").map(|(_, word)| word.as_str()).collect();
    assert_eq!(words, ["ls", "-l"]);

    let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "namespace": "shop"});
    let with = |more: Value| {
        let mut all = deployment.clone();
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    let change = proposed(&bench, &desk, "resources_scale", with(json!({"scale": 3}))).await;
    assert_eq!(
        (change.verb, change.subresource.as_deref(), change.body),
        (Verb::Patch, Some("scale"), Some(json!({"spec": {"replicas": 3}})))
    );
    let change = proposed(&bench, &desk, "resources_delete", with(json!({"gracePeriodSeconds": 5}))).await;
    assert_eq!((change.verb, change.query), (Verb::Delete, vec![("gracePeriodSeconds".to_owned(), "5".to_owned())]));

    let manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: shop}\ndata: {a: b}";
    let change = proposed(&bench, &desk, "resources_create_or_update", json!({"resource": manifest})).await;
    assert_eq!(
        (change.verb, change.name.as_deref(), &change.body.unwrap()["data"]),
        (Verb::Apply, Some("settings"), &json!({"a": "b"}))
    );

    let change =
        proposed(&bench, &desk, "pods_run", json!({"image": "busybox:1", "name": "probe", "namespace": "shop"})).await;
    assert_eq!(
        (change.verb, &change.body.unwrap()["spec"]["containers"][0]["image"]),
        (Verb::Create, &json!("busybox:1"))
    );

    let of = |action: &str| json!({"action": action, "object": "deploy/web", "namespace": "shop"});
    let undo = proposed(&bench, &desk, "rollout", of("undo")).await;
    let steps = undo.body.clone().unwrap();
    assert_eq!((&steps[1]["op"], &steps[1]["path"]), (&json!("replace"), &json!("/spec/template")));
    assert_eq!(steps[1]["value"]["metadata"]["labels"], json!({"app": "web"}), "the hash is the ReplicaSet's own");
    let request = undo.request("u1", None);
    assert_eq!((request.group.as_str(), request.resource.as_str()), ("apps", "deployments"));
    assert_eq!(request.content_type.as_deref(), Some(cluster::JSON_PATCH));
    let change = proposed(&bench, &desk, "rollout", of("pause")).await;
    assert_eq!(change.request("u1", None).content_type.as_deref(), Some(cluster::MERGE_PATCH));
    assert_eq!(change.body, Some(json!({"spec": {"paused": true}})));
    let change = proposed(&bench, &desk, "rollout", of("restart")).await;
    assert!(change.body.unwrap().to_string().contains("kubectl.kubernetes.io/restartedAt"));
}

#[tokio::test]
async fn what_does_not_exist_is_not_proposed() {
    let (bench, desk) = bench("rollout-stuck-new-image");
    let name = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "wbe", "namespace": "shop"});
    holds(&bench.trouble("resources_delete", name).await, &["Deployment wbe in namespace shop was not found", "web"]);
    holds(
        &bench
            .trouble(
                "pods_exec",
                json!({"name": "web-5d7c9f8b6-a2x7k", "namespace": "shop", "container": "main", "command": ["sh"]}),
            )
            .await,
        &["container main", "app"],
    );
    holds(
        &bench
            .trouble(
                "resources_create_or_update",
                json!({"resource": "apiVersion: v1\nkind: Deployment\nmetadata: {name: a}"}),
            )
            .await,
        &["Deployment is in apps/v1"],
    );
    holds(
        &bench
            .trouble("rollout", json!({"action": "undo", "object": "deploy/web", "namespace": "shop", "revision": 9}))
            .await,
        &["revision 9", "near names: 1, 2"],
    );
    assert!(desk.changes.lock().unwrap().is_empty());
}

#[tokio::test]
async fn several_objects_are_several_proposals() {
    let (bench, desk) = bench("rollout-stuck-new-image");
    let answer = bench.ask("pods_run", json!({"image": "nginx", "namespace": "shop", "port": 80})).await.unwrap();
    holds(&answer.text, &["approval needed: P1", "approval needed: P2"]);
    let kinds: Vec<String> = desk.changes.lock().unwrap().iter().map(|change| change.kind.clone()).collect();
    assert_eq!(kinds, ["Pod", "Service"]);
}

#[tokio::test]
async fn incidents_and_proposals_of_the_hub() {
    let (bench, _) = bench("rollout-stuck-new-image");
    holds(
        &bench.text("alerts_list", json!({})).await,
        &["1 incidents", "7 open, claim not bound, volume_size_below_minimum"],
    );
    holds(&bench.trouble("proposal_status", json!({"id": "P77"})).await, &["proposal P77 was not found"]);
}
