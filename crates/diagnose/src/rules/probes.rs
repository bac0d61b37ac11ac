//! Pods that run and are not ready, and whether the probe or the program is wrong.

use jiff::Timestamp;
use serde_json::json;

use super::control_plane;
use super::dependency::{self, explains};
use super::down::{Down, cite_log};
use super::logs::recognise;
use super::probe::{Kind, Probe, all_run, window};
use super::probe_text::ProbeError;
use crate::calls::called_services;
use crate::class::Class;
use crate::evidence::Evidence;
use crate::finding::{Cite, Finding, text};
use crate::graph::references;
use crate::object::{Object, ObjectRef, text as field};
use crate::pod::{self, Container};

pub fn probes(evidence: &Evidence) -> Vec<Finding> {
    let mut findings = Vec::new();
    let running = |p: &&Object| p.str("/status/phase") == "Running" && p.deleting_since().is_none();
    for pod in evidence.kind("Pod").filter(running).filter(|p| !pod::is_ready(p)) {
        if control_plane::is_component(pod) {
            continue;
        }
        if is_young(evidence, pod) && !has_probe_failure(evidence, pod) {
            continue;
        }
        findings.push(not_ready(evidence, pod));
        for container in pod::containers(pod).filter(|c| c.running() && !c.ready() && c.role != pod::Role::Init) {
            if !pod::is_static(pod) && Down::of(evidence, container).is_none() {
                findings.extend(unready(evidence, container));
            }
        }
    }
    findings
}

/// A pod in its first minute may well be starting.
fn is_young(evidence: &Evidence, pod: &Object) -> bool {
    let since = pod.time("/status/startTime").or_else(|| pod.created());
    since.is_some_and(|at| evidence.now.duration_since(at).as_secs() < 60)
}

fn has_probe_failure(evidence: &Evidence, pod: &Object) -> bool {
    evidence.event(&pod.re, &["Unhealthy", "ProbeError"]).is_some()
}

fn not_ready(evidence: &Evidence, pod: &Object) -> Finding {
    let waiting: Vec<&str> =
        pod::containers(pod).filter(|c| !c.ready() && c.role != pod::Role::Init).map(|c| c.name).collect();
    let waiting = waiting.join(", ");
    let condition = pod.condition("Ready");
    let message = condition.map_or("", |c| c.message);
    let statement = text(
        format!("Pod {} 未就绪（容器 {waiting}）", pod.re.path()),
        format!("pod {} is not ready (containers {waiting})", pod.re.path()),
    );
    let mut finding = Finding::new(Class::PodNotReady, &pod.re, statement).because(ObjectRef::new(
        "Node",
        "",
        pod.str("/spec/nodeName"),
    ));
    if let Some(condition) = condition {
        let cite = Cite::field(pod, &format!("/status/conditions/{}", condition.index));
        finding =
            finding.cite(Cite { text: format!("Ready={} {} {message}", condition.status, condition.reason), ..cite });
    }
    let claims = references(pod).into_iter().map(|r| r.to).filter(|r| r.kind == "PersistentVolumeClaim");
    finding.because.extend(claims);
    // an init container that waits for a service says nothing else
    if !all_run(pod) {
        for service in called_services(evidence, pod) {
            finding.because.extend(explains(evidence, &service));
        }
    }
    finding
}

fn unready(evidence: &Evidence, container: Container<'_>) -> Option<Finding> {
    let kind = if container.status.is_some_and(|s| s["started"] == false) && container.spec["startupProbe"].is_object()
    {
        Kind::Startup
    } else {
        Kind::Readiness
    };
    let probe = Probe::of(evidence, container, kind)?;
    if let Some(finding) = probe.misconfigured() {
        return Some(finding);
    }
    // until its time is up a start-up probe may fail, and so may any while the program starts
    let since = container.status.map(|s| field(&s["state"]["running"], "startedAt")).unwrap_or_default();
    let ran = since.parse::<Timestamp>().ok().map(|at| evidence.now.duration_since(at).as_secs());
    let answers = matches!(probe.error, Some(ProbeError::Status(_) | ProbeError::Timeout)) && probe.says_it_listens();
    if ran.is_some_and(|ran| ran < window(&probe)) && (kind == Kind::Startup || !answers) {
        return None;
    }
    if let Some(finding) = waits_for_dependency(evidence, &container, &probe) {
        return Some(finding);
    }
    probe.event?;
    Some(not_answered(evidence, &probe))
}

/// The program runs, is not ready, and says that it cannot reach what it depends on.
fn waits_for_dependency(evidence: &Evidence, container: &Container<'_>, probe: &Probe<'_>) -> Option<Finding> {
    let log = evidence.log(&container.pod.re, container.name, false)?;
    let said = recognise(&log.text).filter(|s| s.reason.is_dependency())?;
    let make = |class, statement| {
        Finding::new(class, &probe.root.re, statement)
            .seen_on(&container.pod.re)
            .cite(cite_log(log, said.line))
            .cites(probe.event.map(|e| e.cite()))
    };
    Some(dependency::finding(evidence, container, &said, make))
}

fn not_answered(evidence: &Evidence, probe: &Probe<'_>) -> Finding {
    let (class, zh, en) = probe.not_answered();
    let mut finding = probe.make(class, text(zh, en));
    if class == Class::ProbeTimeout {
        let seconds = probe.number("timeoutSeconds", 1);
        let more = (seconds * 5).max(5);
        let what = text(
            format!("把 timeoutSeconds 从 {seconds} 提到 {more}，并查明响应为什么慢（CPU 上限、依赖）"),
            format!(
                "raise timeoutSeconds from {seconds} to {more}, and find out why it answers slowly (CPU limit, dependencies)"
            ),
        );
        return probe.fix(finding, what, &json!({"timeoutSeconds": more}));
    }
    // what the program waits for is the deeper cause, where it has a fault of its own
    for service in called_services(evidence, probe.container.pod) {
        finding.because.extend(explains(evidence, &service));
    }
    let pod = probe.container.pod;
    finding.fix(
        text("看程序日志里它在等什么", "see in the program's log what it waits for"),
        format!("kubectl logs {}{} -c {} --tail=100", pod.name(), pod.re.flag(), probe.container.name),
    )
}
