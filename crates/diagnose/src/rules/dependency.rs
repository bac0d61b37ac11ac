//! A program that cannot reach, or may not use, what it depends on: which service that is, and who stands behind it.

use crate::calls::calls;
use crate::class::Class;
use crate::evidence::Evidence;
use crate::finding::{Finding, Text, text};
use crate::object::{ObjectRef, strings};
use crate::pod::Container;
use crate::selector::matches_map;

use super::logs::{Reason, Said, place};

/// The other end of a connection, as far as the words and the configuration tell.
pub struct Other {
    pub host: String,
    pub port: Option<u16>,
    pub services: Vec<ObjectRef>,
}

impl Other {
    pub fn shown(&self) -> String {
        match (self.host.as_str(), self.port) {
            ("", Some(port)) => format!(":{port}"),
            ("", None) => self.services.first().map_or_else(|| "?".to_owned(), |s| s.name.clone()),
            (host, Some(port)) => format!("{host}:{port}"),
            (host, None) => host.to_owned(),
        }
    }
}

pub fn other_end(evidence: &Evidence, container: &Container<'_>, said: &Said<'_>) -> Other {
    let at = place(said.line).or_else(|| said.near.iter().rev().find_map(|line| place(line)));
    let (host, port) = at.unwrap_or_default();
    let namespace = container.pod.namespace();
    let mut services: Vec<ObjectRef> = service_of(evidence, namespace, &host).into_iter().collect();
    // a name outside the cluster is not one of the services, whatever its port
    let nameless = host.is_empty() || host.parse::<std::net::IpAddr>().is_ok();
    if services.is_empty() && nameless && !is_local(&host) {
        let called = calls(evidence, container.pod);
        let fits = |p: Option<u16>| match (port, p) {
            (Some(said), Some(written)) => said == written,
            (_, None) | (None, _) => host.is_empty(),
        };
        let known = |s: &ObjectRef| evidence.get(s).is_some() || evidence.lookup(s).is_absent() && host.is_empty();
        services = called.into_iter().filter(|c| fits(c.port)).map(|c| c.service).filter(known).collect();
        services.dedup();
    }
    Other { host, port, services }
}

fn is_local(host: &str) -> bool {
    host == "localhost" || host.starts_with("127.") || host == "::1"
}

/// The service that a host name or an address means inside the cluster.
pub fn service_of(evidence: &Evidence, namespace: &str, host: &str) -> Option<ObjectRef> {
    if host.is_empty() || is_local(host) {
        return None;
    }
    if host.parse::<std::net::IpAddr>().is_ok() {
        let mut services = evidence.kind("Service");
        return services.find(|s| s.str("/spec/clusterIP") == host).map(|s| s.re.clone());
    }
    let parts: Vec<&str> = host.trim_end_matches('.').split('.').collect();
    let exists = |ns: &str| ns == namespace || evidence.find("Namespace", "", ns).is_some();
    match parts.as_slice() {
        [name] => Some(ObjectRef::new("Service", namespace, name)),
        [name, ns] if evidence.find("Service", ns, name).is_some() || exists(ns) => {
            Some(ObjectRef::new("Service", ns, name))
        }
        // a pod of a headless service
        [_, name] => governed(evidence, namespace, name),
        [_, name, ns] if exists(ns) => governed(evidence, ns, name),
        [name, ns, "svc"] | [name, ns, "svc", "cluster", "local"] => Some(ObjectRef::new("Service", ns, name)),
        [_, name, ns, "svc"] | [_, name, ns, "svc", "cluster", "local"] => Some(ObjectRef::new("Service", ns, name)),
        _ => None,
    }
}

/// A service that governs a stateful set, whether it exists or not.
fn governed(evidence: &Evidence, namespace: &str, name: &str) -> Option<ObjectRef> {
    let sets = governors(evidence, namespace, name).next().is_some();
    (sets || evidence.find("Service", namespace, name).is_some()).then(|| ObjectRef::new("Service", namespace, name))
}

fn governors<'a>(evidence: &'a Evidence, namespace: &'a str, name: &'a str) -> impl Iterator<Item = &'a ObjectRef> {
    let sets = evidence.kind_in("StatefulSet", namespace);
    sets.filter(move |s| s.str("/spec/serviceName") == name).map(|s| &s.re)
}

/// The workloads whose pods a service selects, running or not.
pub fn behind(evidence: &Evidence, service: &ObjectRef) -> Vec<ObjectRef> {
    let Some(object) = evidence.get(service) else { return Vec::new() };
    let wanted = strings(object.at("/spec/selector"));
    if wanted.is_empty() {
        return Vec::new();
    }
    let workloads = ["Deployment", "StatefulSet", "DaemonSet"]
        .into_iter()
        .flat_map(|kind| evidence.kind_in(kind, &service.namespace));
    let by_template = workloads.filter(|w| matches_map(&wanted, &strings(w.at("/spec/template/metadata/labels"))));
    let pods = evidence.selected(&service.namespace, object.at("/spec/selector"));
    let mut found: Vec<ObjectRef> = by_template.map(|w| w.re.clone()).collect();
    found.extend(pods.iter().map(|pod| evidence.root(pod).re.clone()));
    found.sort();
    found.dedup();
    found
}

/// Everything whose own fault would explain that a service does not answer.
pub fn explains(evidence: &Evidence, service: &ObjectRef) -> Vec<ObjectRef> {
    let mut all = vec![service.clone()];
    all.extend(governors(evidence, &service.namespace, &service.name).cloned());
    for workload in behind(evidence, service) {
        all.extend(evidence.get(&workload).into_iter().flat_map(|w| evidence.pods_of(w)).map(|p| p.re.clone()));
        all.push(workload);
    }
    all.sort();
    all.dedup();
    all
}

/// The finding for a connection that failed.
pub fn finding(
    evidence: &Evidence,
    container: &Container<'_>,
    said: &Said<'_>,
    make: impl Fn(Class, Text) -> Finding,
) -> Finding {
    let other = other_end(evidence, container, said);
    let (shown, name) = (other.shown(), container.name);
    let (class, zh, en) = match said.reason {
        Reason::NameUnresolved => (Class::DependencyNameUnresolved, "的名字无法解析", "does not resolve"),
        Reason::AuthFailed => (Class::DependencyAuthFailed, "拒绝了它的凭证", "refuses its credentials"),
        Reason::Timeout => (Class::DependencyTimeout, "没有响应", "does not answer"),
        _ => (Class::DependencyRefused, "拒绝连接", "refuses the connection"),
    };
    let line: String = said.line.chars().take(200).collect();
    let statement = text(
        format!("容器 {name} 依赖的 {shown} {zh}：{line}"),
        format!("{shown}, which container {name} depends on, {en}: {line}"),
    );
    let mut finding = make(class, statement);
    // who refuses a password is at work; nothing behind it explains that
    if said.reason != Reason::AuthFailed {
        for service in &other.services {
            finding.because.extend(explains(evidence, service));
        }
        let at_address =
            evidence.kind("Pod").filter(|p| !other.host.is_empty() && p.str("/status/podIP") == other.host);
        finding.because.extend(at_address.flat_map(|p| [p.re.clone(), evidence.root(p).re.clone()]));
        for policy in evidence.kind("NetworkPolicy").filter(|_| said.reason == Reason::Timeout) {
            let near = |s: &ObjectRef| s.namespace == policy.namespace();
            if policy.namespace() == container.pod.namespace() || other.services.iter().any(near) {
                finding = finding.because(policy.re.clone());
            }
        }
    }
    if said.reason == Reason::NameUnresolved {
        for dns in ["kube-dns", "coredns"] {
            let service = ObjectRef::new("Service", "kube-system", dns);
            finding.because.extend(explains(evidence, &service));
        }
    }
    advise(evidence, finding, &other, said.reason, container)
}

fn advise(evidence: &Evidence, finding: Finding, other: &Other, reason: Reason, container: &Container<'_>) -> Finding {
    let shown = other.shown();
    if reason == Reason::AuthFailed {
        let (pod, ns) = (container.pod.name(), container.pod.namespace());
        return finding.advice(text(
            format!("核对 Pod {ns}/{pod} 使用的账号和密码与 {shown} 上的是否一致，更新 Secret 后重启"),
            format!("compare the user and password that pod {ns}/{pod} uses with those of {shown}, renew the secret, then restart"),
        ));
    }
    match other.services.iter().find_map(|s| evidence.get(s)) {
        Some(service) => finding.fix(
            text("查看该 Service 的端点和后端 Pod", "look at the service's endpoints and pods"),
            format!(
                "kubectl get endpointslices,pods{} -l '{}'; kubectl describe service {}{}",
                service.re.flag(),
                strings(service.at("/spec/selector"))
                    .iter()
                    .map(|(k, v)| format!("{k}={v}"))
                    .collect::<Vec<_>>()
                    .join(","),
                service.name(),
                service.re.flag()
            ),
        ),
        None => finding.advice(text(
            format!("确认 {shown} 在运行、地址和端口正确、网络可达"),
            format!(
                "make sure that {shown} runs, that address and port are right and that the network lets it through"
            ),
        )),
    }
}
