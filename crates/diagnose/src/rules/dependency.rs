//! A program that cannot reach, or may not use, what it depends on: which service that is, and who stands behind it.

use crate::calls::calls;
use crate::class::Class;
use crate::evidence::{Evidence, Lookup};
use crate::finding::{Finding, Text, text};
use crate::near::nearest;
use crate::object::{Object, ObjectRef, strings};
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
    if services.is_empty() && !is_local(&host) {
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
    match parts.as_slice() {
        [name] => Some(ObjectRef::new("Service", namespace, name)),
        [name, ns] | [name, ns, "svc"] | [name, ns, "svc", "cluster", "local"] => {
            Some(ObjectRef::new("Service", ns, name)).filter(|s| {
                parts.len() > 2 || evidence.get(s).is_some() || evidence.find("Namespace", "", ns).is_some()
            })
        }
        // a pod of a headless service
        [_, name, ns, "svc"] | [_, name, ns, "svc", "cluster", "local"] => Some(ObjectRef::new("Service", ns, name)),
        _ => None,
    }
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
    let missing = other.services.iter().find(|s| evidence.lookup(s).is_absent());
    if let (Some(missing), Reason::NameUnresolved) = (missing, said.reason) {
        return no_such_service(evidence, missing, &shown, name, &make);
    }
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

fn no_such_service(
    evidence: &Evidence,
    missing: &ObjectRef,
    shown: &str,
    container: &str,
    make: &impl Fn(Class, Text) -> Finding,
) -> Finding {
    let others: Vec<&str> = evidence.kind_in("Service", &missing.namespace).map(Object::name).collect();
    let near = nearest(&missing.name, others);
    let (zh, en) = near.map_or_else(Default::default, |n| (format!("，有名字相近的 {n}"), format!("; there is {n}")));
    let statement = text(
        format!("容器 {container} 连接 {shown}，但 Service {} 不存在{zh}", missing.path()),
        format!("container {container} connects to {shown}, but service {} does not exist{en}", missing.path()),
    );
    let finding = make(Class::ServiceNotFound, statement).because(missing.clone());
    let finding = match evidence.lookup(missing) {
        Lookup::Absent => finding.cite(crate::finding::Cite::absent(missing)),
        Lookup::Found(_) | Lookup::Unknown => finding,
    };
    let Some(near) = near else {
        return finding.advice(text(
            format!("创建 Service {}，或改正程序配置里的主机名", missing.path()),
            format!("create service {}, or put the right host name into the program's configuration", missing.path()),
        ));
    };
    finding.advice(text(
        format!("把配置里的主机名 {} 改成 {near}", missing.name),
        format!("put {near} for the host name {} in the configuration", missing.name),
    ))
}
