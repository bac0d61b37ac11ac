//! Services that reach no pod: their selector, and the state of the pods behind them.

use std::collections::BTreeMap;

use crate::class::Class;
use crate::evidence::{Evidence, Target};
use crate::finding::{Cite, Finding, Text, text};
use crate::near;
use crate::object::{Object, strings};
use crate::rules::serving::{Behind, behind, pods, template_labels, top_workloads};

pub fn services(evidence: &Evidence) -> Vec<Finding> {
    evidence.kind("Service").flat_map(|service| findings(evidence, service)).collect()
}

fn findings(evidence: &Evidence, service: &Object) -> Vec<Finding> {
    match behind(evidence, service) {
        Behind::Ready => wrong_pods(evidence, service).into_iter().collect(),
        Behind::Unknown => Vec::new(),
        Behind::NotReady(pods) => not_ready(evidence, service, &pods).into_iter().collect(),
        Behind::NoPods(workloads) => no_pods(service, &workloads).into_iter().collect(),
        Behind::Nothing => nothing(evidence, service),
    }
}

fn empty(service: &Object, statement: Text) -> Finding {
    Finding::new(Class::EndpointsEmpty, &service.re, statement).cite(Cite::field(service, "/spec/selector"))
}

/// Pods that only just came up are a start, not a fault.
fn not_ready(evidence: &Evidence, service: &Object, pods: &[&Object]) -> Option<Finding> {
    let starting = |pod: &Object| pod.created().is_some_and(|at| evidence.now.duration_since(at).as_secs() < 60);
    let asked = evidence.target == Target::Object(service.re.clone());
    if !asked && pods.iter().all(|pod| starting(pod)) {
        return None;
    }
    let path = service.re.path();
    let n = pods.len();
    let statement = text(
        format!("Service {path} 选中的 {n} 个 Pod 都未就绪，没有可用端点"),
        format!("none of the {n} pods behind service {path} is ready, so it has no endpoint"),
    );
    let mut finding = empty(service, statement);
    for pod in pods {
        finding = finding.because(pod.re.clone());
    }
    Some(finding)
}

/// A workload scaled to zero says so itself, on the service too; here are those whose pods were never made.
fn no_pods(service: &Object, workloads: &[&Object]) -> Option<Finding> {
    let wanted: Vec<&&Object> = workloads.iter().filter(|w| wants_pods(w)).collect();
    if wanted.is_empty() {
        return None;
    }
    let path = service.re.path();
    let names: Vec<&str> = wanted.iter().map(|w| w.name()).collect();
    let statement = text(
        format!("Service {path} 没有端点：{} 没有任何 Pod", names.join("、")),
        format!("service {path} has no endpoint: {} has no pod", names.join(", ")),
    );
    Some(wanted.iter().fold(empty(service, statement), |finding, workload| finding.because(workload.re.clone())))
}

fn wants_pods(workload: &Object) -> bool {
    match workload.kind() {
        "DaemonSet" => workload.int("/status/desiredNumberScheduled") != Some(0),
        _ => workload.int("/spec/replicas") != Some(0),
    }
}

/// The workload that a selector most likely means, with what differs: `(key, wanted, there)`.
struct Meant<'a> {
    workload: &'a Object,
    differs: Vec<(String, String, Option<String>)>,
}

fn meant<'a>(evidence: &'a Evidence, service: &'a Object) -> Option<Meant<'a>> {
    let selector = strings(service.at("/spec/selector"));
    let mut best: Option<(i64, Meant)> = None;
    for workload in top_workloads(evidence, service.namespace()) {
        let Some((score, differs)) = likeness(&selector, &template_labels(workload), service, workload) else {
            continue;
        };
        if best.as_ref().is_none_or(|(most, _)| score > *most) {
            best = Some((score, Meant { workload, differs }));
        }
    }
    best.map(|(_, meant)| meant)
}

type Differences = Vec<(String, String, Option<String>)>;

/// How much a selector looks like a template's labels; None when nothing connects the two.
fn likeness(
    selector: &BTreeMap<&str, &str>,
    labels: &BTreeMap<&str, &str>,
    service: &Object,
    workload: &Object,
) -> Option<(i64, Differences)> {
    let mut score = 0;
    let mut differs = Vec::new();
    for (key, wanted) in selector {
        let there = labels.get(key).copied();
        if there == Some(wanted) {
            score += 10;
            continue;
        }
        differs.push(((*key).to_owned(), (*wanted).to_owned(), there.map(str::to_owned)));
        score += match there {
            Some(there) => near::distance(wanted, there).map_or(0, |d| 8 - d.min(7) as i64),
            // the right value under another key, or the right key misspelt
            None if labels.values().any(|value| value == wanted) => 7,
            None if labels.keys().any(|k| near::distance(key, k).is_some()) => 2,
            None => 0,
        };
    }
    if workload.name() == service.name() {
        score += 6;
    } else if near::distance(workload.name(), service.name()).is_some() {
        score += 3;
    }
    (score > 0).then_some((score, differs))
}

fn nothing(evidence: &Evidence, service: &Object) -> Vec<Finding> {
    let path = service.re.path();
    let selector = list(&strings(service.at("/spec/selector")));
    let finding = match meant(evidence, service) {
        Some(meant) => mismatch(service, &selector, &meant),
        None => {
            let statement = text(
                format!("Service {path} 的选择器 {selector} 没有匹配到任何 Pod 或工作负载"),
                format!("the selector {selector} of service {path} matches no pod and no workload"),
            );
            Finding::new(Class::ServiceSelectorMismatch, &service.re, statement)
                .cite(Cite::field(service, "/spec/selector"))
                .likely()
                .fix(
                    text("看命名空间里 Pod 的标签", "see the labels of the namespace's pods"),
                    format!("kubectl get pods -n {} --show-labels", service.namespace()),
                )
                .advice(text(
                    "改正选择器；不再使用的 Service 可以删除",
                    "correct the selector, or delete the service if nothing uses it",
                ))
        }
    };
    let statement = text(format!("Service {path} 没有端点"), format!("service {path} has no endpoint"));
    vec![empty(service, statement), finding]
}

fn list(labels: &BTreeMap<&str, &str>) -> String {
    labels.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(",")
}

fn mismatch(service: &Object, selector: &str, meant: &Meant) -> Finding {
    let path = service.re.path();
    let labels = template_labels(meant.workload);
    let other = meant.workload.re.clone();
    let (mut zh, mut en) = (Vec::new(), Vec::new());
    for (key, wanted, there) in &meant.differs {
        match there {
            Some(there) => {
                zh.push(format!("{key}={wanted}，而 {other} 的 Pod 是 {key}={there}"));
                en.push(format!("{key}={wanted}, where the pods of {other} have {key}={there}"));
            }
            None => {
                zh.push(format!("{key}={wanted}，而 {other} 的 Pod 没有这个标签（有 {}）", list(&labels)));
                en.push(format!("{key}={wanted}, a label that the pods of {other} lack (they have {})", list(&labels)));
            }
        }
    }
    let statement = text(
        format!("Service {path} 的选择器 {selector} 没有匹配到任何 Pod：要求 {}", zh.join("；")),
        format!("the selector {selector} of service {path} matches no pod: it asks for {}", en.join("; ")),
    );
    Finding::new(Class::ServiceSelectorMismatch, &service.re, statement)
        .cite(Cite::field(service, "/spec/selector"))
        .cite(Cite::field(meant.workload, "/spec/template/metadata/labels"))
        .fix(
            text(format!("让选择器匹配 {other} 的 Pod"), format!("make the selector match the pods of {other}")),
            format!(
                "kubectl set selector service {} '{}'{}",
                service.name(),
                list(&corrected(meant)),
                service.re.flag()
            ),
        )
}

/// The labels that the workload's own selector uses: stable, and true of every pod of it.
fn corrected<'a>(meant: &'a Meant) -> BTreeMap<&'a str, &'a str> {
    let own = strings(meant.workload.at("/spec/selector/matchLabels"));
    if own.is_empty() { template_labels(meant.workload) } else { own }
}

/// A service that bears the name of one workload and sends everything to another.
fn wrong_pods(evidence: &Evidence, service: &Object) -> Option<Finding> {
    let selector = strings(service.at("/spec/selector"));
    let chosen = pods(evidence, service);
    let named = top_workloads(evidence, service.namespace()).find(|w| w.name() == service.name())?;
    let labels = template_labels(named);
    let roots: Vec<&Object> = chosen.iter().map(|pod| evidence.root(pod)).collect();
    if !wants_pods(named) || roots.is_empty() || roots.iter().any(|root| root.re == named.re) {
        return None;
    }
    // a label that both share (blue and green, stable and canary) says that the choice is meant
    let mut apart = selector.iter().filter(|(key, wanted)| labels.get(*key).is_some_and(|there| there != *wanted));
    let (key, wanted) = apart.next()?;
    let shares = roots.iter().any(|root| {
        let theirs = template_labels(root);
        IDENTITY.iter().any(|key| labels.contains_key(key) && labels.get(key) == theirs.get(key))
    });
    if shares || !IDENTITY.contains(key) {
        return None;
    }
    let (path, other) = (service.re.path(), roots.first()?.re.clone());
    let right = labels.get(key)?;
    let statement = text(
        format!("Service {path} 的选择器 {key}={wanted} 选中的是 {other} 的 Pod，不是 {}（{key}={right}）", named.re),
        format!(
            "the selector {key}={wanted} of service {path} chooses the pods of {other}, not those of {} ({key}={right})",
            named.re
        ),
    );
    let meant = Meant { workload: named, differs: Vec::new() };
    let finding = Finding::new(Class::ServiceSelectorWrongPods, &service.re, statement)
        .likely()
        .cite(Cite::field(service, "/spec/selector"))
        .cite(Cite::field(named, "/spec/template/metadata/labels"))
        .fix(
            text(format!("让选择器匹配 {}", named.re), format!("make the selector match {}", named.re)),
            format!(
                "kubectl set selector service {} '{}'{}",
                service.name(),
                list(&corrected(&meant)),
                service.re.flag()
            ),
        );
    Some(finding)
}

/// Labels that say which program a pod runs.
const IDENTITY: &[&str] =
    &["app", "app.kubernetes.io/name", "k8s-app", "name", "service", "app.kubernetes.io/component"];
