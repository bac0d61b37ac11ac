//! Everything that was collected for one brief, indexed. Data only: `collect` fills it, rules read it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use crate::event::Event;
use crate::object::{Object, ObjectRef, strings};
use crate::selector;

/// What is to be explained.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    Object(ObjectRef),
    Namespace(String),
    Cluster,
}

/// Something that could not be read, and why. Never to be taken for an absence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Gap {
    pub what: String,
    pub why: String,
}

/// A container's log, oldest line first.
#[derive(Debug, Clone)]
pub struct Log {
    pub pod: ObjectRef,
    pub container: String,
    pub previous: bool,
    pub text: String,
}

/// A PromQL answer: the query, and the samples of its result.
#[derive(Debug, Clone)]
pub struct Metric {
    pub query: String,
    pub samples: Vec<Sample>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

/// The answer to "does it exist?".
#[derive(Debug, Clone, Copy)]
pub enum Lookup<'a> {
    Found(&'a Object),
    /// the API server said so, or its whole kind was listed
    Absent,
    /// not asked for, or not readable
    Unknown,
}

impl<'a> Lookup<'a> {
    pub fn found(self) -> Option<&'a Object> {
        match self {
            Lookup::Found(object) => Some(object),
            Lookup::Absent | Lookup::Unknown => None,
        }
    }

    pub fn is_absent(self) -> bool {
        matches!(self, Lookup::Absent)
    }
}

#[derive(Debug)]
pub struct Evidence {
    /// the moment the evidence was taken; rules measure ages from it
    pub now: Timestamp,
    pub target: Target,
    /// `gitVersion` of the API server, empty when unknown
    pub version: String,
    objects: BTreeMap<ObjectRef, Object>,
    by_uid: BTreeMap<String, ObjectRef>,
    by_owner: BTreeMap<String, Vec<ObjectRef>>,
    absent: BTreeSet<ObjectRef>,
    listed: BTreeSet<(String, String)>,
    events: BTreeMap<ObjectRef, Vec<Event>>,
    pub logs: Vec<Log>,
    pub metrics: Vec<Metric>,
    pub gaps: Vec<Gap>,
}

impl Evidence {
    pub fn new(now: Timestamp, target: Target) -> Self {
        Self {
            now,
            target,
            version: String::new(),
            objects: BTreeMap::new(),
            by_uid: BTreeMap::new(),
            by_owner: BTreeMap::new(),
            absent: BTreeSet::new(),
            listed: BTreeSet::new(),
            events: BTreeMap::new(),
            logs: Vec::new(),
            metrics: Vec::new(),
            gaps: Vec::new(),
        }
    }

    pub fn insert(&mut self, object: Object) {
        let re = object.re.clone();
        if !object.uid().is_empty() {
            self.by_uid.insert(object.uid().to_owned(), re.clone());
        }
        if self.objects.insert(re.clone(), object).is_some() {
            return;
        }
        let owners = self.objects[&re].list("/metadata/ownerReferences");
        let owners: Vec<String> = owners.iter().filter_map(|o| o["uid"].as_str().map(str::to_owned)).collect();
        for uid in owners {
            self.by_owner.entry(uid).or_default().push(re.clone());
        }
    }

    /// The API server answered "not found" for this very object.
    pub fn insert_absent(&mut self, object: ObjectRef) {
        self.absent.insert(object);
    }

    /// The whole kind was read, in one namespace or (`""`) everywhere: what is not here does not exist.
    pub fn set_listed(&mut self, kind: &str, namespace: &str) {
        self.listed.insert((kind.to_owned(), namespace.to_owned()));
    }

    pub fn is_listed(&self, kind: &str, namespace: &str) -> bool {
        self.listed.contains(&(kind.to_owned(), namespace.to_owned()))
            || self.listed.contains(&(kind.to_owned(), String::new()))
    }

    /// Keeps an event if it is about an object that lives now; a stale one is dropped. Call after all objects are in.
    pub fn insert_event(&mut self, event: Event) {
        let Some(object) = self.objects.get(&event.object) else { return };
        if event.is_stale(object) {
            return;
        }
        let events = self.events.entry(event.object.clone()).or_default();
        let at = events.partition_point(|e| e.order() <= event.order());
        events.insert(at, event);
    }

    pub fn get(&self, re: &ObjectRef) -> Option<&Object> {
        self.objects.get(re)
    }

    pub fn find(&self, kind: &str, namespace: &str, name: &str) -> Option<&Object> {
        self.objects.get(&ObjectRef::new(kind, namespace, name))
    }

    pub fn lookup(&self, re: &ObjectRef) -> Lookup<'_> {
        if let Some(object) = self.objects.get(re) {
            return Lookup::Found(object);
        }
        if self.absent.contains(re) || self.is_listed(&re.kind, &re.namespace) {
            return Lookup::Absent;
        }
        Lookup::Unknown
    }

    pub fn by_uid(&self, uid: &str) -> Option<&Object> {
        self.by_uid.get(uid).and_then(|re| self.objects.get(re))
    }

    pub fn objects(&self) -> impl Iterator<Item = &Object> {
        self.objects.values()
    }

    /// All objects of a kind, by namespace and name.
    pub fn kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Object> {
        let from = ObjectRef::new(kind, "", "");
        self.objects.range(from..).take_while(move |(re, _)| re.kind == kind).map(|(_, object)| object)
    }

    pub fn kind_in<'a>(&'a self, kind: &'a str, namespace: &'a str) -> impl Iterator<Item = &'a Object> {
        self.kind(kind).filter(move |o| o.namespace() == namespace)
    }

    /// All living events of an object, oldest first.
    pub fn events(&self, re: &ObjectRef) -> &[Event] {
        self.events.get(re).map_or(&[], Vec::as_slice)
    }

    /// The newest event of an object with one of these reasons.
    pub fn event(&self, re: &ObjectRef, reasons: &[&str]) -> Option<&Event> {
        self.events(re).iter().rev().find(|e| reasons.contains(&e.reason.as_str()))
    }

    pub fn owner(&self, object: &Object) -> Option<&Object> {
        self.get(&object.owner()?)
    }

    /// The top controller of an object that is in evidence, else the object itself. A fault of the pod template is its
    /// fault, however many pods show it.
    pub fn root<'a>(&'a self, object: &'a Object) -> &'a Object {
        let mut root = object;
        for _ in 0..6 {
            match self.owner(root) {
                // a static pod names its node as owner, which is no controller
                Some(owner) if owner.kind() != "Node" => root = owner,
                _ => break,
            }
        }
        root
    }

    /// What an object directly owns.
    pub fn owned<'a>(&'a self, object: &Object) -> impl Iterator<Item = &'a Object> {
        let owned = self.by_owner.get(object.uid()).map_or(&[] as &[ObjectRef], Vec::as_slice);
        owned.iter().filter_map(|re| self.objects.get(re))
    }

    /// The pods of a workload, through its replica sets or jobs; a pod is its own.
    pub fn pods_of<'a>(&'a self, object: &'a Object) -> Vec<&'a Object> {
        if object.kind() == "Pod" {
            return vec![object];
        }
        let mut pods = Vec::new();
        let mut stack: Vec<&Object> = self.owned(object).collect();
        let mut seen = BTreeSet::new();
        while let Some(next) = stack.pop() {
            if !seen.insert(&next.re) {
                continue;
            }
            if next.kind() == "Pod" {
                pods.push(next);
            } else {
                stack.extend(self.owned(next));
            }
        }
        pods.sort_by(|a, b| a.re.cmp(&b.re));
        pods
    }

    /// The pods that a map selector (a Service's) chooses in a namespace. An empty selector chooses none.
    pub fn selected<'a>(&'a self, namespace: &'a str, selector: &'a Value) -> Vec<&'a Object> {
        let wanted = strings(selector);
        if wanted.is_empty() {
            return Vec::new();
        }
        self.kind_in("Pod", namespace).filter(|pod| selector::matches_map(&wanted, &pod.labels())).collect()
    }

    /// The log of a container; previous is the one before its last restart.
    pub fn log(&self, pod: &ObjectRef, container: &str, previous: bool) -> Option<&Log> {
        self.logs.iter().find(|l| l.pod == *pod && l.container == container && l.previous == previous)
    }

    pub fn metric(&self, query: &str) -> Option<&Metric> {
        self.metrics.iter().find(|m| m.query == query)
    }
}
