//! Questions that one tool or one list answers.

use diagnose::kinds::{self, Kind};
use diagnose::{Lang, ObjectRef};
use serde_json::{Map, Value, json};

use super::answer::{Answer, Outcome};
use super::known::{About, Entry, Known};
use super::names;
use super::phrases;
use super::question::{Intent, Question};
use super::room::{Room, Tell, object};

/// Names in one sentence.
const SHOWN: usize = 12;

impl Room {
    pub(super) async fn look(
        &self,
        lang: Lang,
        intent: &Intent,
        question: &Question,
        about: &About,
        known: &Known,
        tell: Tell<'_>,
    ) -> Answer {
        let mut answer = Answer::new(lang, title(about));
        let namespace = namespace(about);
        let kind = question.kind;
        match intent {
            Intent::Count => match (object(about), kind) {
                (Some(one), _) if one.kind != "Namespace" => self.replicas(&mut answer, one, tell).await,
                (_, kind) => self.count(&mut answer, kind.or_else(pods), namespace.as_deref(), question, false).await,
            },
            Intent::List if question.only_troubled => {
                self.count(&mut answer, kind.or_else(pods), namespace.as_deref(), question, true).await;
            }
            Intent::List => self.list(&mut answer, kind, namespace.as_deref(), tell).await,
            Intent::Show => match object(about) {
                Some(one) => self.call(&mut answer, "describe", named(one), tell).await,
                None => self.list(&mut answer, kind, namespace.as_deref(), tell).await,
            },
            Intent::Logs { previous } => self.logs(&mut answer, about, known, *previous, tell).await,
            Intent::Events => self.events(&mut answer, about, known, tell).await,
            Intent::Changes => {
                let here = namespace.or_else(|| self.before.namespace.clone());
                let mut arguments = json!({"namespace": here.unwrap_or_else(|| self.cluster.namespace.clone())});
                if let Some(minutes) = question.minutes {
                    arguments["minutes"] = minutes.into();
                }
                self.call(&mut answer, "changes", arguments, tell).await;
            }
            Intent::WhoCan { verb, resource } => {
                let resource = resource.as_deref().unwrap_or("pods");
                let arguments = with_namespace(json!({"verb": verb, "resource": resource}), namespace.as_deref());
                self.call(&mut answer, "who_can", arguments, tell).await;
            }
            Intent::Usage => {
                let nodes = kind.is_some_and(|kind| kind.name == "Node");
                let arguments = with_namespace(json!({}), namespace.as_deref().filter(|_| !nodes));
                self.call(&mut answer, if nodes { "nodes_top" } else { "pods_top" }, arguments, tell).await;
            }
            Intent::Alerts => self.call(&mut answer, "alerts_list", json!({}), tell).await,
            Intent::Diagnose
            | Intent::Proposals
            | Intent::Help
            | Intent::Order(_)
            | Intent::Incomplete(_)
            | Intent::Manifest(_)
            | Intent::Unclear => answer = answer.said(phrases::needs_model(lang), Outcome::Unknown),
        }
        answer
    }

    async fn call(&self, answer: &mut Answer, name: &str, arguments: Value, tell: Tell<'_>) {
        self.tool(answer, name, arguments, tell).await;
    }

    async fn list(&self, answer: &mut Answer, kind: Option<&'static Kind>, namespace: Option<&str>, tell: Tell<'_>) {
        let kind = kind.or_else(pods);
        let (tool, arguments) = match (kind, namespace) {
            (Some(kind), _) if kind.name == "Namespace" => ("namespaces_list", json!({})),
            (Some(kind), _) if kind.name != "Pod" => {
                let what = json!({"apiVersion": kind.api_version(), "kind": kind.name});
                ("resources_list", with_namespace(what, namespace.filter(|_| kind.namespaced)))
            }
            (_, Some(namespace)) => ("pods_list_in_namespace", json!({"namespace": namespace})),
            (_, None) => ("pods_list", json!({})),
        };
        self.call(answer, tool, arguments, tell).await;
    }

    async fn replicas(&self, answer: &mut Answer, one: &ObjectRef, tell: Tell<'_>) {
        let Some(kind) = kinds::kind(&one.kind).filter(|kind| ["Deployment", "StatefulSet"].contains(&kind.name))
        else {
            return self.call(answer, "describe", named(one), tell).await;
        };
        let path = kind.object_path(&one.namespace, &one.name);
        match self.object(&path).await {
            Ok(workload) => {
                let number = |pointer: &str| workload.pointer(pointer).and_then(Value::as_i64).unwrap_or(0);
                let (exist, ready) = (number("/status/replicas"), number("/status/readyReplicas"));
                let text = format!("{one}: {} wanted, {exist} exist, {ready} ready", number("/spec/replicas"));
                answer.text.clone_from(&text);
                self.read_proof(answer, format!("GET {path}"), text);
            }
            Err(why) => {
                answer.text = phrases::unread(&one.to_string(), &why, answer.lang);
                answer.outcome = Outcome::Unknown;
            }
        }
    }

    /// How many there are and which of them are in trouble; `only` leaves out the number of all.
    async fn count(
        &self,
        answer: &mut Answer,
        kind: Option<&'static Kind>,
        namespace: Option<&str>,
        question: &Question,
        only: bool,
    ) {
        let Some(kind) = kind else { return };
        let place = namespace.filter(|_| kind.namespaced).unwrap_or_default();
        let entries = match names::list(&self.cluster, kind, place).await {
            Ok(entries) => entries,
            Err(why) => {
                answer.gaps.push(format!("{}: {why}", kind.plural));
                answer.text = phrases::unread(kind.plural, &why, answer.lang);
                answer.outcome = Outcome::Unknown;
                return;
            }
        };
        let bad: Vec<&Entry> = entries.iter().filter(|entry| entry.troubled).collect();
        let names: Vec<String> = bad.iter().take(SHOWN).map(|entry| entry.object.path()).collect();
        let more = bad.len().saturating_sub(SHOWN);
        let ids = phrases::some(&names, more, answer.lang);
        answer.text = if only || question.only_troubled {
            phrases::troubled(kind.name, place, bad.len(), entries.len(), &ids, answer.lang)
        } else {
            phrases::counted(kind.name, place, entries.len(), bad.len(), &ids, answer.lang)
        };
        let summary = format!("{} items, {} not well", entries.len(), bad.len());
        self.read_proof(answer, format!("GET {}", kind.list_path(place)), summary);
    }

    async fn logs(&self, answer: &mut Answer, about: &About, known: &Known, previous: bool, tell: Tell<'_>) {
        let Some(one) = object(about) else {
            let text = phrases::which_object(answer.lang);
            (answer.text, answer.outcome) = (text, Outcome::Unknown);
            return;
        };
        let Some(pod) = known.pod_of(one) else {
            let text = phrases::no_pods(one, answer.lang);
            (answer.text, answer.outcome) = (text, Outcome::Unknown);
            return;
        };
        answer.about = pod.to_string();
        let arguments = json!({"name": pod.name, "namespace": pod.namespace, "previous": previous});
        self.call(answer, "pods_log", arguments, tell).await;
    }

    async fn events(&self, answer: &mut Answer, about: &About, known: &Known, tell: Tell<'_>) {
        let Some(one) = object(about) else {
            let arguments = with_namespace(json!({}), namespace(about).as_deref());
            return self.call(answer, "events_list", arguments, tell).await;
        };
        // what happens to a workload happens to its pods
        let pod = known.pod_of(one).filter(|pod| pod != one);
        for named in std::iter::once(one).chain(pod.as_ref()) {
            let selector = json!({"fieldSelector": format!("involvedObject.name={}", named.name)});
            let place = Some(named.namespace.as_str()).filter(|namespace| !namespace.is_empty());
            self.call(answer, "events_list", with_namespace(selector, place), &mut *tell).await;
        }
    }
}

fn pods() -> Option<&'static Kind> {
    kinds::kind("Pod")
}

fn with_namespace(arguments: Value, namespace: Option<&str>) -> Value {
    let mut map: Map<String, Value> = arguments.as_object().cloned().unwrap_or_default();
    if let Some(namespace) = namespace.filter(|namespace| !namespace.is_empty()) {
        map.insert("namespace".to_owned(), namespace.into());
    }
    Value::Object(map)
}

/// `object` and `namespace`, as most tools take them.
pub fn named(one: &ObjectRef) -> Value {
    with_namespace(json!({"object": one.arg()}), Some(&one.namespace))
}

pub fn namespace(about: &About) -> Option<String> {
    match about {
        About::Object(object) if object.kind == "Namespace" => Some(object.name.clone()),
        About::Object(object) => Some(object.namespace.clone()).filter(|namespace| !namespace.is_empty()),
        About::Namespace(namespace) => Some(namespace.clone()),
        About::Cluster | About::Several(_) | About::Nothing { .. } => None,
    }
}

pub fn title(about: &About) -> String {
    match about {
        About::Object(object) => object.to_string(),
        About::Namespace(namespace) => format!("Namespace {namespace}"),
        About::Cluster => "Cluster".to_owned(),
        About::Several(_) | About::Nothing { .. } => String::new(),
    }
}
