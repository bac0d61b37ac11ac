//! All the I/O: reads the evidence for one brief, once, in parallel, within bounds. What could not be read becomes a gap.
//!
//! Four rounds. The namespace (or the whole cluster) is listed, one list a kind; then what the troubled objects refer to
//! is fetched, round by round, so that an absence is known and not guessed; then logs; then metrics.

mod closer;
mod lean;
mod logs;
mod metrics;
mod reader;
mod slim;
mod trouble;

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use kube::Client;
use serde_json::Value;
use tokio::time::Instant;

use crate::event::Event;
use crate::evidence::{Evidence, Lookup, Target};
use crate::graph::{depends_on, references};
use crate::kinds::{Kind, kind};
use crate::object::{Object, ObjectRef};

pub use lean::Lean;
pub use metrics::{Prometheus, samples};
use reader::{Listed, Reader};

/// Bounds of one collection.
#[derive(Debug, Clone)]
pub struct Options {
    pub deadline: Duration,
    pub requests: usize,
    /// objects in a page of a list
    pub page: usize,
    /// pages of one list
    pub pages: usize,
    /// containers whose logs are read
    pub logs: usize,
    pub log_lines: usize,
    pub log_bytes: usize,
}

impl Options {
    /// For an alert on one object: an answer within seconds.
    pub fn object() -> Self {
        Self {
            deadline: Duration::from_secs(3),
            requests: 200,
            page: 250,
            pages: 4,
            logs: 6,
            log_lines: 200,
            log_bytes: 64 * 1024,
        }
    }

    /// For a namespace or a whole cluster that a person waits for.
    pub fn survey() -> Self {
        Self { deadline: Duration::from_secs(30), requests: 600, page: 500, pages: 40, logs: 120, ..Self::object() }
    }

    pub fn for_target(target: &Target) -> Self {
        match target {
            Target::Object(_) => Self::object(),
            Target::Namespace(_) | Target::Cluster => Self::survey(),
        }
    }
}

/// What to collect for.
pub struct Brief<'a> {
    pub target: Target,
    pub now: Timestamp,
    /// the alert's own PromQL expression
    pub expression: Option<String>,
    pub prometheus: Option<&'a dyn Prometheus>,
}

const NAMESPACED: &[&str] = &[
    "Pod",
    "Event",
    "Service",
    "PersistentVolumeClaim",
    "ResourceQuota",
    "LimitRange",
    "Deployment",
    "ReplicaSet",
    "StatefulSet",
    "DaemonSet",
    "Job",
    "CronJob",
    "EndpointSlice",
    "Ingress",
    "NetworkPolicy",
    "HorizontalPodAutoscaler",
    "PodDisruptionBudget",
];

/// Listed with a namespace or a cluster, where a person may mean them: what GitOps and certificates say of themselves.
const CUSTOM: &[&str] = &["HelmRelease", "Kustomization", "Application", "Certificate"];

const CLUSTER: &[&str] = &[
    "Node",
    "StorageClass",
    "CSIDriver",
    "IngressClass",
    "ValidatingWebhookConfiguration",
    "MutatingWebhookConfiguration",
    "APIService",
];

/// Listed only when the whole cluster is asked about; else fetched by name when something refers to them.
const WHOLE_CLUSTER: &[&str] = &["Namespace", "PersistentVolume", "VolumeAttachment", "CertificateSigningRequest"];

/// Pods that are kept whole, healthy or not: about a megabyte.
const FEW: usize = 250;

/// Where the cluster's DNS runs.
const DNS: &str = "kube-system";

/// How far references are followed from what is in trouble: a pod, its claim, the claim's class, the class' driver; a
/// pod, the service it calls, that service's pods, their claim.
const ROUNDS: usize = 5;

pub async fn collect(client: &Client, brief: Brief<'_>, options: &Options) -> Evidence {
    let reader = Reader::new(client, options, Instant::now());
    let mut collector = Collector {
        evidence: Evidence::new(brief.now, brief.target.clone()),
        events: Vec::new(),
        visited: BTreeSet::new(),
        asked: BTreeSet::new(),
        reader,
    };
    collector.survey().await;
    collector.follow_all().await;
    collector.evidence.logs = logs::read(&collector.reader, &collector.evidence, options).await;
    if collector.look_closer().await {
        collector.follow_all().await;
    }
    let Collector { mut evidence, events, reader, .. } = collector;
    // events last: an event is kept only if the object it is about lives
    events.iter().filter_map(Event::new).for_each(|event| evidence.insert_event(event));
    if let Some(prometheus) = brief.prometheus {
        let queries = metrics::queries(&evidence, brief.expression.as_deref());
        for (query, answer) in prometheus.answers(queries).await {
            match answer {
                Ok(answer) => evidence.metrics.push(metrics::samples(query, &answer)),
                // one line for a Prometheus that does not answer, not one for each query
                Err(why) => reader.gap("metrics", why),
            }
        }
    }
    evidence.gaps = reader.into_gaps();
    evidence
}

struct Collector<'a> {
    evidence: Evidence,
    events: Vec<Value>,
    /// namespaces that were listed
    visited: BTreeSet<String>,
    asked: BTreeSet<ObjectRef>,
    reader: Reader<'a>,
}

impl Collector<'_> {
    async fn survey(&mut self) {
        let mut wanted: Vec<(&'static Kind, String, String)> = Vec::new();
        let mut want = |names: &[&str], namespace: &str, filter: &str| {
            let kinds = names.iter().filter_map(|name| kind(name));
            wanted.extend(kinds.map(|kind| (kind, namespace.to_owned(), filter.to_owned())));
        };
        want(CLUSTER, "", "");
        want(&["Lease"], "kube-system", "");
        let mut first = None;
        match self.evidence.target.clone() {
            Target::Cluster => {
                want(NAMESPACED, "", "");
                want(CUSTOM, "", "");
                want(WHOLE_CLUSTER, "", "");
                self.visited.insert(String::new());
            }
            Target::Namespace(namespace) => {
                want(NAMESPACED, &namespace, "");
                want(CUSTOM, &namespace, "");
                want(&["ConfigMap", "ServiceAccount"], &namespace, "");
                first = Some(ObjectRef::cluster("Namespace", &namespace));
                self.visited.insert(namespace);
            }
            Target::Object(object) if object.namespace.is_empty() => {
                want(
                    &["Event"],
                    "",
                    &format!(
                        "&fieldSelector=involvedObject.kind%3D{},involvedObject.name%3D{}",
                        object.kind, object.name
                    ),
                );
                if object.kind == "PersistentVolume" {
                    // a claim names its volume, and the volume at most the claim that it had
                    want(&["PersistentVolumeClaim"], "", "");
                }
                if object.kind == "Node" {
                    want(&["Pod"], "", &format!("&fieldSelector=spec.nodeName%3D{}", object.name));
                }
                first = Some(object);
            }
            Target::Object(object) => {
                want(NAMESPACED, &object.namespace, "");
                self.visited.insert(object.namespace.clone());
                first = Some(object);
            }
        }
        // the object itself, the rest and the version at once: the slowest of them is what the person waits for
        let (version, lists, object) = tokio::join!(self.reader.version(), self.reader.lists(wanted), async {
            match &first {
                Some(re) => self.reader.gets(vec![re.clone()]).await,
                None => Vec::new(),
            }
        });
        self.evidence.version = version;
        lists.into_iter().for_each(|listed| self.keep_list(listed));
        for (re, value, absent) in object {
            if absent {
                self.reader.gap(re.to_string(), "it does not exist (any more)");
            }
            self.keep(re, value, absent);
        }
    }

    async fn follow_all(&mut self) {
        for _ in 0..ROUNDS {
            if !self.follow().await {
                break;
            }
        }
    }

    /// Reads the lists that what was found so far calls for. False when it calls for none.
    async fn look_closer(&mut self) -> bool {
        let absent: Vec<ObjectRef> =
            self.asked.iter().filter(|re| self.evidence.lookup(re).is_absent()).cloned().collect();
        let mut looks = closer::looks(&self.evidence, &self.events, &absent);
        if closer::dns_is_blamed(&self.evidence) && !self.visited.contains("") && self.visited.insert(DNS.to_owned()) {
            let kinds = NAMESPACED.iter().filter_map(|name| kind(name));
            looks.extend(kinds.map(|kind| closer::Look { kind, namespace: DNS.to_owned(), filter: "" }));
        }
        if looks.is_empty() {
            return false;
        }
        let wanted = looks.into_iter().map(|look| (look.kind, look.namespace, look.filter.to_owned())).collect();
        let lists = self.reader.lists(wanted).await;
        lists.into_iter().for_each(|listed| self.keep_list(listed));
        true
    }

    /// Fetches what the objects in question refer to and was not read yet. False when there is nothing more to ask.
    async fn follow(&mut self) -> bool {
        let wanted: BTreeSet<ObjectRef> = self
            .in_question()
            .into_iter()
            .flat_map(|object| self.unread(object))
            .filter(|re| !self.asked.contains(re))
            .collect();
        let foreign: BTreeSet<String> = wanted
            .iter()
            .filter(|re| re.kind == "Service" && !self.visited.contains("") && !self.visited.contains(&re.namespace))
            .map(|re| re.namespace.clone())
            .take(3)
            .collect();
        if wanted.is_empty() {
            return false;
        }
        self.asked.extend(wanted.iter().cloned());
        let lists = foreign
            .iter()
            .flat_map(|ns| {
                NAMESPACED.iter().filter_map(|name| kind(name)).map(|kind| (kind, ns.clone(), String::new()))
            })
            .collect();
        let (objects, lists) = tokio::join!(self.reader.gets(wanted.into_iter().collect()), self.reader.lists(lists));
        self.visited.extend(foreign);
        lists.into_iter().for_each(|listed| self.keep_list(listed));
        for (re, value, absent) in objects {
            self.keep(re, value, absent);
        }
        true
    }

    /// The target with all it depends on, or everything that is in trouble; and the webhooks that were blamed.
    fn in_question(&self) -> Vec<&Object> {
        let mut stack: Vec<&Object> = Vec::new();
        if self.events.iter().any(|e| e["message"].as_str().is_some_and(|m| m.contains("failed calling webhook"))) {
            stack.extend(self.evidence.kind("ValidatingWebhookConfiguration"));
            stack.extend(self.evidence.kind("MutatingWebhookConfiguration"));
        }
        let down = |service: &&Object| service.condition("Available").is_some_and(|c| !c.is_true());
        stack.extend(self.evidence.kind("APIService").filter(down));
        let target = match &self.evidence.target {
            Target::Object(target) => self.evidence.get(target),
            Target::Namespace(_) | Target::Cluster => {
                stack.extend(trouble::troubled(&self.evidence));
                return stack;
            }
        };
        stack.extend(target.into_iter().flat_map(|object| [object, self.evidence.root(object)]));
        let mut seen = BTreeSet::new();
        let mut found = Vec::new();
        while let Some(next) = stack.pop() {
            if !seen.insert(next.re.clone()) {
                continue;
            }
            found.push(next);
            stack.extend(depends_on(&self.evidence, next).iter().filter_map(|re| self.evidence.get(re)));
            stack.extend(self.evidence.owner(next));
        }
        found
    }

    /// Whether the question is about this very object or its controller.
    fn is_asked(&self, object: &Object) -> bool {
        let Target::Object(target) = &self.evidence.target else { return false };
        self.evidence.get(target).is_some_and(|t| t.re == object.re || self.evidence.root(t).re == object.re)
    }

    /// References of an object, its owner and the services it calls, as far as nothing is known of them.
    fn unread(&self, object: &Object) -> Vec<ObjectRef> {
        let mut refs: Vec<ObjectRef> = references(object).into_iter().map(|r| r.to).collect();
        refs.extend(object.owner());
        if trouble::in_trouble(object, self.evidence.now) || self.is_asked(object) {
            for call in crate::calls::calls(&self.evidence, object) {
                // a host name means a service only if its namespace is one
                refs.push(ObjectRef::cluster("Namespace", &call.service.namespace));
                refs.push(call.service);
            }
        }
        refs.retain(|re| matches!(self.evidence.lookup(re), Lookup::Unknown) && kind(&re.kind).is_some());
        refs
    }

    fn keep_list(&mut self, listed: Listed) {
        if listed.complete {
            self.evidence.set_listed(listed.kind.name, &listed.namespace);
        }
        if listed.kind.name == "Event" {
            self.events.extend(listed.objects);
            return;
        }
        // the neighbours of one object are few and may be part of its story; a whole cluster's pods are not
        let few = matches!(self.evidence.target, Target::Object(_)) && listed.objects.len() <= FEW;
        for value in listed.objects {
            let whole = few || self.is_target(&value);
            if let Some(object) = slim::slim(value, self.evidence.now, whole) {
                self.evidence.insert(object);
            }
        }
    }

    fn keep(&mut self, re: ObjectRef, value: Option<Value>, absent: bool) {
        if absent {
            self.evidence.insert_absent(re);
            return;
        }
        if let Some(object) = value.and_then(|value| slim::slim(value, self.evidence.now, true)) {
            self.evidence.insert(object);
        }
    }

    fn is_target(&self, value: &Value) -> bool {
        match &self.evidence.target {
            Target::Object(target) => target.kind == "Pod" && value["metadata"]["name"] == target.name.as_str(),
            Target::Namespace(_) | Target::Cluster => false,
        }
    }
}
