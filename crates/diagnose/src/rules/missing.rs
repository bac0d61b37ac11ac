//! Config maps, secrets and keys that a pod needs to start and that do not exist.

use crate::class::Class;
use crate::evidence::{Evidence, Lookup};
use crate::finding::{Cite, Finding, text};
use crate::graph::{Reference, references};
use crate::near::nearest;
use crate::object::{Object, ObjectRef, text as field};
use crate::pattern::{Pattern, part};
use crate::pod::{self, Container};

use super::down::events_of;

static NOT_FOUND: Pattern = Pattern::new(r#"(?i)\b(configmap|secret)s? "([^"]+)" not found"#);
static KEY: Pattern = Pattern::new(r"(?i)couldn't find key (\S+) in (ConfigMap|Secret) (?:([^/\s]+)/)?([^\s,;]+)");
static VOLUME_KEY: Pattern = Pattern::new(
    r#"(?i)MountVolume\.SetUp failed for volume "([^"]+)".*non-existent (?:config|secret) key: ?([^\s,;]+)"#,
);

pub fn missing(evidence: &Evidence) -> Vec<Finding> {
    let pods = evidence.kind("Pod").filter(|p| !pod::is_over(p) && p.deleting_since().is_none());
    pods.filter(|p| !p.str("/spec/nodeName").is_empty()).flat_map(|pod| pod_findings(evidence, pod)).collect()
}

/// What is missing, and what told so.
struct Missing {
    object: ObjectRef,
    key: Option<String>,
    cite: Option<Cite>,
}

fn pod_findings(evidence: &Evidence, pod: &Object) -> Vec<Finding> {
    let waiting: Vec<Container<'_>> = pod::containers(pod).filter(is_held).collect();
    let untold = pod.list("/status/containerStatuses").is_empty();
    if waiting.is_empty() && !untold {
        return Vec::new();
    }
    let told = told(evidence, pod, &waiting);
    let silent = told.is_empty() && !evidence.events(&pod.re).iter().any(|e| e.warning);
    let found = if silent && !untold { by_reference(evidence, pod) } else { told };
    let mut findings: Vec<Finding> = Vec::new();
    for missing in found {
        let finding = finding(evidence, pod, &missing);
        if !findings.iter().any(|f| f.class == finding.class && f.statement == finding.statement) {
            findings.push(finding);
        }
    }
    findings
}

/// A container that waits to be made, and not for its image or after a crash.
fn is_held(container: &Container<'_>) -> bool {
    matches!(
        container.waiting().0,
        "CreateContainerConfigError" | "ContainerCreating" | "PodInitializing" | "CreateContainerError"
    )
}

fn told(evidence: &Evidence, pod: &Object, waiting: &[Container<'_>]) -> Vec<Missing> {
    let mut texts: Vec<Cite> = Vec::new();
    for container in waiting {
        let (reason, message) = container.waiting();
        if !message.is_empty() {
            texts.push(container.cite_status("state.waiting.message", message));
        } else if reason == "CreateContainerConfigError" {
            texts.extend(events_of(evidence, *container).filter(|e| e.reason == "Failed").map(|e| e.cite()));
        }
    }
    // a storage driver's own secret is the volume's affair
    let own = |e: &&crate::event::Event| e.reason == "FailedMount" && !e.message.contains("SecretRef");
    let mounts = evidence.events(&pod.re).iter().rev().filter(own);
    let creating =
        waiting.iter().any(|c| matches!(c.waiting().0, "ContainerCreating" | "PodInitializing")) || waiting.is_empty();
    texts.extend(mounts.filter(|_| creating && !pod::containers(pod).any(|c| c.running())).map(|e| e.cite()));
    texts.into_iter().filter_map(|cite| read(evidence, pod, cite)).collect()
}

/// Only what is missing now: an object that exists by now will be found at the kubelet's next try.
fn read(evidence: &Evidence, pod: &Object, cite: Cite) -> Option<Missing> {
    let kind = |word: &str| if word.eq_ignore_ascii_case("secret") { "Secret" } else { "ConfigMap" };
    let missing = if let Some(c) = KEY.captures(&cite.text) {
        let object = ObjectRef::new(kind(part(&c, 2)), pod.namespace(), part(&c, 4));
        Missing { object, key: Some(part(&c, 1).to_owned()), cite: None }
    } else if let Some(c) = VOLUME_KEY.captures(&cite.text) {
        let object = volume_source(pod, part(&c, 1), part(&c, 2))?;
        Missing { object, key: Some(part(&c, 2).to_owned()), cite: None }
    } else {
        let c = NOT_FOUND.captures(&cite.text)?;
        Missing { object: ObjectRef::new(kind(part(&c, 1)), pod.namespace(), part(&c, 2)), key: None, cite: None }
    };
    let there = match (evidence.lookup(&missing.object), &missing.key) {
        (Lookup::Found(object), Some(key)) => has_key(object, key) == Some(true),
        (Lookup::Found(_), None) => true,
        (Lookup::Absent | Lookup::Unknown, _) => false,
    };
    (!there).then_some(Missing { cite: Some(cite), ..missing })
}

/// The config map or secret behind a volume, the one that is asked for this key in a projected one.
fn volume_source(pod: &Object, volume: &str, key: &str) -> Option<ObjectRef> {
    let at = pod.list("/spec/volumes").iter().position(|v| field(v, "name") == volume)?;
    let prefix = format!("spec.volumes[{at}]");
    let inside = |r: &&Reference| r.field.starts_with(&prefix) && matches!(r.to.kind.as_str(), "ConfigMap" | "Secret");
    let all = references(pod);
    let exact = all.iter().filter(inside).find(|r| r.key.as_deref() == Some(key));
    exact.or_else(|| all.iter().find(inside)).map(|r| r.to.clone())
}

/// Whether an object has a key; None where its keys are not in evidence.
fn has_key(object: &Object, key: &str) -> Option<bool> {
    let maps = ["/data", "/binaryData", "/stringData"].map(|p| object.at(p));
    if maps.iter().any(|m| m.get(key).is_some()) {
        return Some(true);
    }
    let seen = maps.iter().any(|m| m.is_object()) || object.kind() == "ConfigMap";
    seen.then_some(false)
}

/// No event is left: what the pod refers to and does not exist.
fn by_reference(evidence: &Evidence, pod: &Object) -> Vec<Missing> {
    let refs = references(pod).into_iter().filter(|r| {
        matches!(r.to.kind.as_str(), "ConfigMap" | "Secret")
            && !r.optional
            && !r.field.contains("imagePullSecrets")
            // the controller manager makes it; recordings often leave it out
            && r.to.name != "kube-root-ca.crt"
    });
    refs.filter_map(|r| match evidence.lookup(&r.to) {
        Lookup::Absent => Some(Missing { object: r.to, key: None, cite: None }),
        Lookup::Found(object) => {
            let key = r.key?;
            (has_key(object, &key) == Some(false)).then_some(Missing { object: r.to, key: Some(key), cite: None })
        }
        Lookup::Unknown => None,
    })
    .collect()
}

fn finding(evidence: &Evidence, pod: &Object, missing: &Missing) -> Finding {
    let root = evidence.root(pod);
    let (kind, name) = (missing.object.kind.as_str(), missing.object.name.as_str());
    let path = missing.object.path();
    let existing = evidence.get(&missing.object);
    let (class, statement) = match (&missing.key, kind) {
        (None, "Secret") => (
            Class::SecretNotFound,
            text(
                format!("引用的 Secret {path} 不存在"),
                format!("secret {path}, which the pod refers to, does not exist"),
            ),
        ),
        (None, _) => (
            Class::ConfigMapNotFound,
            text(
                format!("引用的 ConfigMap {path} 不存在"),
                format!("config map {path}, which the pod refers to, does not exist"),
            ),
        ),
        (Some(key), kind) => {
            let has = existing.map(keys).unwrap_or_default();
            let class = if kind == "Secret" { Class::SecretKeyNotFound } else { Class::ConfigMapKeyNotFound };
            (
                class,
                text(
                    format!("{kind} {path} 里没有键 {key}（现有：{has}）"),
                    format!("{kind} {path} has no key {key} (it has: {has})"),
                ),
            )
        }
    };
    let mut finding = Finding::new(class, &root.re, statement).seen_on(&pod.re).cites(missing.cite.clone());
    if evidence.lookup(&missing.object).is_absent() {
        finding = finding.cite(Cite::absent(&missing.object));
    }
    if let Some(object) = existing {
        finding = finding.cite(Cite { text: keys(object), ..Cite::field(object, "/data") });
    }
    if let Some(reference) =
        references(pod).into_iter().find(|r| r.to == missing.object && (r.key == missing.key || missing.key.is_none()))
    {
        let text = reference.key.unwrap_or_else(|| name.to_owned());
        finding = finding.cite(Cite {
            object: pod.re.clone(),
            source: crate::finding::Source::Field(reference.field),
            time: None,
            text,
        });
    }
    mend(evidence, finding, missing, existing)
}

fn keys(object: &Object) -> String {
    let names = ["/data", "/binaryData", "/stringData"].into_iter().filter_map(|p| object.at(p).as_object());
    names.flat_map(|m| m.keys().map(String::as_str)).collect::<Vec<_>>().join(", ")
}

fn mend(evidence: &Evidence, finding: Finding, missing: &Missing, existing: Option<&Object>) -> Finding {
    let (kind, name, flag) = (missing.object.kind.as_str(), missing.object.name.as_str(), missing.object.flag());
    let word = if kind == "Secret" { "secret" } else { "configmap" };
    if let Some(key) = &missing.key {
        let data = if kind == "Secret" { "stringData" } else { "data" };
        let known = existing.map(keys).unwrap_or_default();
        let finding = match nearest(key, known.split(", ")) {
            Some(near) => finding.advice(text(
                format!("现有相近的键 {near}，多半是引用写错了：把 key 改成 {near}"),
                format!("it has the key {near}; most likely the reference is wrong: put {near} for its key"),
            )),
            None => finding,
        };
        return finding.fix(
            text(
                format!("补上键 {key}（把 VALUE 换成实际值）"),
                format!("add the key {key} (put its value for VALUE)"),
            ),
            format!("kubectl patch {word} {name}{flag} --type=merge -p '{{\"{data}\":{{\"{key}\":\"VALUE\"}}}}'"),
        );
    }
    let others = evidence.kind_in(kind, &missing.object.namespace).map(Object::name);
    let finding = match nearest(name, others) {
        Some(near) => finding.advice(text(
            format!("命名空间里有名字相近的 {near}，可能是引用写错了"),
            format!("the namespace has {near}; the reference may be misspelt"),
        )),
        None => finding,
    };
    let create = if kind == "Secret" { "secret generic" } else { "configmap" };
    finding.fix(
        text(
            format!("创建 {kind} {name}（填入实际的键和值）"),
            format!("create {kind} {name} (put in its keys and values)"),
        ),
        format!("kubectl create {create} {name}{flag} --from-literal=KEY=VALUE"),
    )
}
