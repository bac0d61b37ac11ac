//! Which object of the cluster a question means, by the names that there are; near names where none fits.

use std::collections::BTreeSet;

use diagnose::kinds::Kind;
use diagnose::{ObjectRef, near};

use super::question::{Intent, Question};

/// The names in a cluster, or in one namespace of it.
#[derive(Debug, Clone, Default)]
pub struct Known {
    pub namespaces: Vec<String>,
    pub objects: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub object: ObjectRef,
    /// the workload that a pod belongs to, by name
    pub owner: Option<String>,
    /// not what it should be: a pod that is not ready, a claim that is not bound
    pub troubled: bool,
}

/// What was spoken of before.
#[derive(Debug, Clone, Default)]
pub struct Before {
    pub namespace: Option<String>,
    pub object: Option<ObjectRef>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    Object(ObjectRef),
    Namespace(String),
    Cluster,
    /// several objects fit equally well
    Several(Vec<ObjectRef>),
    /// nothing has this name; what is called alike
    Nothing {
        wanted: String,
        near: Vec<String>,
    },
}

/// What people ask about by name; of objects with one name, the kind that they mean comes first.
pub(super) const MEANT: &[&str] = &[
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "CronJob",
    "Job",
    "Pod",
    "PersistentVolumeClaim",
    "Service",
    "Ingress",
    "HorizontalPodAutoscaler",
    "Node",
    "PersistentVolume",
    "StorageClass",
    "ReplicaSet",
    "ConfigMap",
];
const NEAR: usize = 3;

fn rank(kind: &str) -> usize {
    MEANT.iter().position(|meant| *meant == kind).unwrap_or(MEANT.len())
}

impl Known {
    pub fn about(&self, question: &Question, before: &Before) -> About {
        let (namespace, names) = self.split(question);
        if let Some(namespace) = &namespace
            && !self.namespaces.iter().any(|known| known == namespace)
            && !self.objects.iter().any(|entry| entry.object.namespace == *namespace)
        {
            return About::Nothing { wanted: namespace.clone(), near: self.near_namespaces(namespace) };
        }
        let spoken = || before.object.clone().filter(|_| question.names.is_empty() && namespace.is_none());
        if names.is_empty() {
            if let Some(found) = self.called_plainly(question, namespace.as_deref()) {
                return About::Object(found);
            }
            return match namespace {
                Some(namespace) => About::Namespace(namespace),
                None if question.points_back && before.object.is_some() => {
                    spoken().map_or(About::Cluster, About::Object)
                }
                None if question.whole => About::Cluster,
                None => match (spoken(), &before.namespace) {
                    (Some(object), _) if question.kind.is_none() => About::Object(object),
                    (_, Some(namespace)) => About::Namespace(namespace.clone()),
                    (_, None) => About::Cluster,
                },
            };
        }
        let place = namespace.as_deref().or(before.namespace.as_deref());
        for name in &names {
            let found = self.named(name, question.kind, place);
            let found =
                if found.is_empty() && namespace.is_none() { self.named(name, question.kind, None) } else { found };
            match found.as_slice() {
                [] => {}
                [one] => return About::Object(one.clone()),
                several => return About::Several(several.to_vec()),
            }
        }
        // "what can we do better in shop": what is left are words
        if question.thought
            && let Some(namespace) = namespace.clone().filter(|namespace| self.namespaces.contains(namespace))
        {
            return About::Namespace(namespace);
        }
        let wanted = names.join(" ");
        About::Nothing { near: self.near_objects(&names, place), wanted }
    }

    /// The namespace that a question speaks of, whatever else in it nothing is called by.
    pub fn place(&self, question: &Question) -> Option<String> {
        self.split(question).0.filter(|namespace| self.namespaces.contains(namespace))
    }

    /// "delete configmap old": an everyday word that is the name of an object of the named kind.
    fn called_plainly(&self, question: &Question, namespace: Option<&str>) -> Option<ObjectRef> {
        let kind = question.kind?;
        let here = |entry: &&Entry| {
            entry.object.kind == kind.name
                && namespace.is_none_or(|namespace| entry.object.namespace == namespace)
                && question.plain.contains(&entry.object.name)
        };
        let mut found = self.objects.iter().filter(here);
        found.next().filter(|_| found.next().is_none()).map(|entry| entry.object.clone())
    }

    /// The namespace that is meant, and the words that are left as names.
    fn split(&self, question: &Question) -> (Option<String>, Vec<String>) {
        let mut names = question.names.clone();
        if question.namespace.is_some() || names.is_empty() {
            return (question.namespace.clone(), names);
        }
        let is_object = |name: &String| self.objects.iter().any(|entry| entry.object.name == *name);
        let is_namespace = |name: &String| self.namespaces.iter().any(|known| known == name);
        // a word that is both is the namespace only if another word is the object
        let only = names.len() == 1;
        let at = names.iter().position(|name| is_namespace(name) && !(only && is_object(name)));
        let named_kind = question.kind.is_some_and(|kind| kind.name == "Namespace");
        (at.filter(|_| !named_kind || !only).or(at).map(|at| names.remove(at)), names)
    }

    /// The objects that a name means: of the best kind, one in each namespace.
    fn named(&self, name: &str, kind: Option<&Kind>, namespace: Option<&str>) -> Vec<ObjectRef> {
        let here = |entry: &&Entry| {
            kind.is_none_or(|kind| kind.name == entry.object.kind)
                && namespace
                    .is_none_or(|namespace| entry.object.namespace.is_empty() || entry.object.namespace == namespace)
        };
        let here: Vec<&Entry> = self.objects.iter().filter(here).collect();
        let exact: Vec<&Entry> = here.iter().copied().filter(|entry| entry.object.name == name).collect();
        let found = if exact.is_empty() && kind.is_some_and(|kind| kind.name == "Pod") {
            // "pod cart" is a pod of cart; one in trouble says more than one that is well
            let own = |entry: &&Entry| entry.owner.as_deref() == Some(name);
            let owned: Vec<&Entry> = here.iter().copied().filter(own).collect();
            let bad = owned.iter().copied().find(|entry| entry.troubled);
            bad.or(owned.first().copied()).into_iter().collect()
        } else {
            exact
        };
        let best = found.iter().map(|entry| rank(&entry.object.kind)).min();
        found
            .into_iter()
            .filter(|entry| Some(rank(&entry.object.kind)) == best)
            .map(|entry| entry.object.clone())
            .collect()
    }

    /// A pod whose log says most of an object: itself, or one in trouble among those that belong to it.
    pub fn pod_of(&self, object: &ObjectRef) -> Option<ObjectRef> {
        if object.kind == "Pod" {
            return Some(object.clone());
        }
        let own = |entry: &&Entry| {
            entry.object.kind == "Pod"
                && entry.object.namespace == object.namespace
                && entry.owner.as_deref() == Some(&object.name)
        };
        let owned: Vec<&Entry> = self.objects.iter().filter(own).collect();
        owned.iter().find(|entry| entry.troubled).or(owned.first()).map(|entry| entry.object.clone())
    }

    fn near_namespaces(&self, name: &str) -> Vec<String> {
        alike(name, self.namespaces.iter().map(|known| (known.as_str(), known.clone())))
    }

    fn near_objects(&self, names: &[String], namespace: Option<&str>) -> Vec<String> {
        let here = |entry: &&Entry| namespace.is_none_or(|n| entry.object.namespace == n) && entry.owner.is_none();
        let shown = |entry: &Entry| format!("{} {}", entry.object.kind.to_lowercase(), entry.object.path());
        let mut found = Vec::new();
        for name in names {
            let mut entries: Vec<&Entry> = self.objects.iter().filter(here).collect();
            entries.sort_by_key(|entry| rank(&entry.object.kind));
            found.extend(alike(name, entries.iter().map(|entry| (entry.object.name.as_str(), shown(entry)))));
            found.extend(alike(name, self.namespaces.iter().map(|n| (n.as_str(), format!("namespace {n}")))));
        }
        let mut seen = BTreeSet::new();
        found.retain(|name| seen.insert(name.clone()));
        found.truncate(NEAR);
        found
    }
}

/// The candidates most like `name`, with what they are shown as.
fn alike<'a>(name: &str, candidates: impl Iterator<Item = (&'a str, String)>) -> Vec<String> {
    let mut found: Vec<(usize, usize, String)> = candidates
        .enumerate()
        .filter_map(|(at, (candidate, shown))| {
            let part = name.len() >= 3 && candidate.contains(name);
            let distance = near::distance(name, candidate).or_else(|| part.then_some(candidate.len()))?;
            Some((distance, at, shown))
        })
        .collect();
    found.sort();
    found.into_iter().map(|(.., shown)| shown).take(NEAR).collect()
}

/// What is wished, now that it is known what it is about: "show me shop" is a list, or a look at how it is.
pub fn settled(question: &Question, about: &About) -> Intent {
    let wide = matches!(about, About::Namespace(_) | About::Cluster);
    let unknown = matches!(about, About::Nothing { near, .. } if near.is_empty());
    let vague = question.kind.is_none() && question.namespace.is_none();
    match &question.intent {
        Intent::Show if wide && question.kind.is_some() => Intent::List,
        Intent::Show if wide || question.thought && matches!(about, About::Object(_)) => Intent::Diagnose,
        // "which pods are failing in shop"
        Intent::Diagnose if wide && question.kind.is_some() && question.lists => Intent::List,
        // "what is the meaning of life": no word of it is known here
        Intent::Show | Intent::Diagnose if unknown && vague => Intent::Unclear,
        other => other.clone(),
    }
}
