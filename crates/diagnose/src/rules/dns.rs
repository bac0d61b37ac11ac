//! The cluster's DNS without a ready pod.

use crate::class::Class;
use crate::evidence::Evidence;
use crate::finding::{Cite, Finding, text};
use crate::object::{Object, text as string};
use crate::pattern::Pattern;
use crate::rules::callers::callers;
use crate::rules::serving::{Behind, behind};

/// The service that pods ask for names, as distributions call it.
pub fn service(evidence: &Evidence) -> Option<&Object> {
    let labelled = |s: &&Object| string(s.at("/metadata/labels"), "k8s-app") == "kube-dns";
    let known = [("kube-system", "kube-dns"), ("kube-system", "coredns"), ("openshift-dns", "dns-default")];
    known
        .iter()
        .find_map(|(namespace, name)| evidence.find("Service", namespace, name))
        .or_else(|| evidence.kind_in("Service", "kube-system").find(labelled))
}

pub fn dns(evidence: &Evidence) -> Vec<Finding> {
    let Some(service) = service(evidence) else { return Vec::new() };
    let Some(down) = down(evidence, service) else { return Vec::new() };
    let mut findings = suffering(evidence, service);
    findings.push(down);
    findings
}

/// What programs say when nobody answers for names. That a name does not exist is an answer.
pub static NO_ANSWER: Pattern = Pattern::new(
    r"(?i)lookup \S+.*(?:i/o timeout|connection refused|server misbehaving)|:53: (?:i/o timeout|read|write|connect)|EAI_AGAIN|temporary failure in name resolution|resolution timed out|connection timed out; no servers could be reached",
);

fn suffering(evidence: &Evidence, service: &Object) -> Vec<Finding> {
    let mut findings = Vec::new();
    for caller in callers(evidence) {
        let Some((cite, _)) = caller.lines.iter().find(|(_, line)| NO_ANSWER.is_match(line)) else { continue };
        let root = &evidence.root(caller.pod).re;
        let statement = text(
            format!("{root} 无法解析域名：集群 DNS 没有应答"),
            format!("{root} cannot resolve names: the cluster's DNS does not answer"),
        );
        let finding = Finding::new(Class::DependencyUnavailable, root, statement)
            .cite(cite.clone())
            .seen_on(&caller.pod.re)
            .because(service.re.clone());
        findings.push(finding);
    }
    findings
}

fn down(evidence: &Evidence, service: &Object) -> Option<Finding> {
    let (object, pods) = match behind(evidence, service) {
        Behind::Ready | Behind::Unknown => return None,
        Behind::NotReady(pods) => (pods.first().map_or(service, |pod| evidence.root(pod)), pods),
        Behind::NoPods(workloads) => (workloads.first().copied().unwrap_or(service), Vec::new()),
        Behind::Nothing => (service, Vec::new()),
    };
    let path = service.re.path();
    let n = pods.len();
    let statement = text(
        format!("集群 DNS 不可用：Service {path} 没有就绪的端点（{n} 个 Pod 都未就绪），所有域名解析都会失败"),
        format!(
            "the cluster's DNS is down: service {path} has no ready endpoint ({n} pods, none ready), so no name resolves"
        ),
    );
    let finding = Finding::new(Class::DnsDown, &object.re, statement)
        .cite(Cite::field(service, "/spec/selector"))
        .seen_on(&service.re)
        .because(object.re.clone());
    let finding = pods.iter().fold(finding, |finding, pod| finding.because(pod.re.clone()));
    let finding = finding
        .fix(
            text("看 DNS 的 Pod 为什么不就绪", "see why the DNS pods are not ready"),
            format!("kubectl describe {}{}", object.re.arg(), object.re.flag()),
        )
        .fix(
            text("原因排除后重启 DNS", "when that is mended, restart it"),
            format!("kubectl rollout restart {}{}", object.re.arg(), object.re.flag()),
        );
    Some(finding)
}
