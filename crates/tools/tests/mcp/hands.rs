//! A small hub: a recorded cluster, proposals in memory, and a list of what was recorded.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use cluster::{Cluster, Limits};
use diagnose::collect::Prometheus;
use futures::FutureExt;
use futures::future::BoxFuture;
use http::{HeaderMap, Request};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tools::{Caller, Change, ContextName, Decision, Document, Hands, Proposed, Standing, Tool, Trouble};

pub const SECRET: &str = "AKIAIOSFODNN7ABCDEFG";

pub struct Small {
    cluster: Cluster,
    /// Headers of every request that reached the API server.
    pub seen: Arc<Mutex<Vec<HeaderMap>>>,
    pub paths: Arc<Mutex<Vec<String>>>,
    pub recorded: Mutex<Vec<(String, String, Decision)>>,
    pub proposals: Mutex<HashMap<String, (String, Proposed)>>,
    pub may_write: AtomicBool,
    pub audit_broken: AtomicBool,
    pub now: Mutex<Timestamp>,
}

impl Small {
    pub fn new() -> Arc<Self> {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../evals/cases/application_exception-java/cluster");
        let recording = replay::Recording::load(&dir).unwrap();
        let seen: Arc<Mutex<Vec<HeaderMap>>> = Arc::default();
        let paths: Arc<Mutex<Vec<String>>> = Arc::default();
        let (spy, path_spy) = (seen.clone(), paths.clone());
        let router = replay::Replay::new(recording).router();
        let service = tower::service_fn(move |request: Request<kube::client::Body>| {
            spy.lock().unwrap().push(request.headers().clone());
            path_spy.lock().unwrap().push(request.uri().path().to_owned());
            tower::ServiceExt::oneshot(router.clone(), request)
        });
        Arc::new(Self {
            cluster: cluster::over("recorded", service, &Limits::default()),
            seen,
            paths,
            recorded: Mutex::default(),
            proposals: Mutex::default(),
            may_write: AtomicBool::new(true),
            audit_broken: AtomicBool::new(false),
            now: Mutex::new(Timestamp::from_second(1_764_000_000).unwrap()),
        })
    }

    pub fn decide(&self, id: &str, standing: Standing) {
        let mut proposals = self.proposals.lock().unwrap();
        proposals.get_mut(id).unwrap().1.standing = standing;
    }

    pub fn later(&self, minutes: i64) {
        *self.now.lock().unwrap() += SignedDuration::from_mins(minutes);
    }
}

impl Hands for Small {
    fn cluster(&self, _: &Caller, _: Option<&str>) -> Result<Cluster, String> {
        Ok(self.cluster.clone())
    }

    fn contexts(&self) -> Vec<ContextName> {
        Vec::new()
    }

    fn prometheus(&self) -> Option<Arc<dyn Prometheus>> {
        None
    }

    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }

    fn may_use(&self, _: &Caller, tool: &Tool) -> bool {
        tool.class <= cluster::Class::S || self.may_write.load(Ordering::Relaxed)
    }

    fn propose<'a>(&'a self, caller: &'a Caller, change: Change) -> BoxFuture<'a, Result<Proposed, Trouble>> {
        let mut proposals = self.proposals.lock().unwrap();
        let id = format!("P-{}", proposals.len() + 1);
        let proposed = Proposed {
            url: format!("https://midwatch.example/approvals/{id}"),
            id: id.clone(),
            how: "on that page".to_owned(),
            summary: format!("{:?} {} {}", change.verb, change.kind, change.name.unwrap_or_default()),
            standing: Standing::Waiting,
            outcome: None,
            expires: *self.now.lock().unwrap(),
        };
        proposals.insert(id, (caller.name.clone(), proposed.clone()));
        std::future::ready(Ok(proposed)).boxed()
    }

    fn status<'a>(&'a self, caller: &'a Caller, id: &'a str) -> BoxFuture<'a, Result<Option<Proposed>, Trouble>> {
        let proposals = self.proposals.lock().unwrap();
        let own = proposals.get(id).filter(|(owner, _)| *owner == caller.name).map(|(_, proposed)| proposed.clone());
        std::future::ready(Ok(own)).boxed()
    }

    fn alerts<'a>(&'a self, _: &'a Caller, _: bool) -> BoxFuture<'a, Result<Value, Trouble>> {
        let incident = json!({"id": 7, "title": format!("key {SECRET} leaked"), "state": "open"});
        std::future::ready(Ok(json!({"incidents": [incident]}))).boxed()
    }

    fn document<'a>(&'a self, _: &'a Caller, which: Document) -> BoxFuture<'a, Result<Option<Value>, Trouble>> {
        let found = (which == Document::Incident("7".to_owned())).then(|| json!({"id": 7, "note": SECRET}));
        std::future::ready(Ok(found)).boxed()
    }

    fn record<'a>(
        &'a self,
        caller: &'a Caller,
        tool: &'a Tool,
        _: &'a Value,
        decision: Decision,
    ) -> BoxFuture<'a, Result<(), Trouble>> {
        if self.audit_broken.load(Ordering::Relaxed) {
            return std::future::ready(Err(Trouble::Refused("The audit log cannot be written.".to_owned()))).boxed();
        }
        self.recorded.lock().unwrap().push((caller.name.clone(), tool.name.to_owned(), decision));
        std::future::ready(Ok(())).boxed()
    }
}
