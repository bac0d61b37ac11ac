//! Names that a service promises and nobody resolves: external names, and the governing service of a stateful set.

use crate::class::Class;
use crate::evidence::Evidence;
use crate::finding::{Cite, Finding, text};
use crate::near::nearest;
use crate::object::{Object, ObjectRef};
use crate::pod;
use crate::rules::callers::{callers, unresolved};

pub fn names(evidence: &Evidence) -> Vec<Finding> {
    let said: Vec<(Cite, String, ObjectRef)> = callers(evidence)
        .into_iter()
        .flat_map(|caller| {
            let pod = caller.pod.re.clone();
            let hosts = caller.lines.into_iter().filter_map(|(cite, line)| Some((cite, unresolved(line)?.to_owned())));
            hosts.map(move |(cite, host)| (cite, host, pod.clone())).collect::<Vec<_>>()
        })
        .collect();
    let external = evidence.kind("Service").filter(|s| s.str("/spec/type") == "ExternalName");
    let external = external.filter_map(|service| external_name(evidence, service, &said));
    let sets = evidence.kind("StatefulSet").filter_map(|set| headless(evidence, set, &said));
    external.chain(sets).collect()
}

type Said = (Cite, String, ObjectRef);

/// Whether a host is this service's name, in any of its forms.
fn is_name(host: &str, service: &ObjectRef, from: &ObjectRef) -> bool {
    let short = host == service.name && from.namespace == service.namespace;
    let long = format!("{}.{}", service.name, service.namespace);
    short || host == long || host.starts_with(&format!("{long}.svc"))
}

fn external_name(evidence: &Evidence, service: &Object, said: &[Said]) -> Option<Finding> {
    let name = service.str("/spec/externalName").trim_end_matches('.');
    let path = service.re.path();
    let finding = |zh: String, en: String| {
        Finding::new(Class::ExternalNameUnresolved, &service.re, text(zh, en))
            .cite(Cite::field(service, "/spec/externalName"))
    };
    let edit = |finding: Finding, to: &str| {
        finding.fix(
            text("改正 externalName", "correct the external name"),
            format!(
                "kubectl patch service {}{} --type merge -p '{{\"spec\":{{\"externalName\":\"{to}\"}}}}'",
                service.name(),
                service.re.flag()
            ),
        )
    };
    if let Some((cite, _, pod)) = said.iter().find(|(_, host, pod)| host == name || is_name(host, &service.re, pod)) {
        let finding = finding(
            format!("Service {path} 指向的外部主机名 {name} 无法解析"),
            format!("the external name {name} of service {path} does not resolve"),
        );
        let seen = evidence.get(pod).map(|pod| evidence.root(pod).re.clone());
        let finding = finding.cite(cite.clone()).seen_on(pod);
        return Some(edit(seen.iter().fold(finding, |f, root| f.seen_on(root)), "HOST"));
    }
    if name.parse::<std::net::Ipv4Addr>().is_ok() {
        let finding = finding(
            format!("Service {path} 的 externalName 是 IP 地址 {name}，DNS 不会解析它"),
            format!("the external name of service {path} is the address {name}, which DNS does not resolve"),
        );
        return Some(finding.advice(text(
            "改用没有选择器的 Service 加 EndpointSlice 指向该地址",
            "use a service without selector and an endpoint slice with that address",
        )));
    }
    let inside: Vec<&str> = name.split('.').collect();
    let [target, namespace, "svc", ..] = inside.as_slice() else { return None };
    let re = ObjectRef::new("Service", namespace, target);
    if !evidence.lookup(&re).is_absent() {
        return None;
    }
    let missing = finding(
        format!("Service {path} 指向集群内的 {name}，而 Service {} 不存在", re.path()),
        format!("service {path} points to {name}, but service {} does not exist", re.path()),
    )
    .cite(Cite::absent(&re));
    let near = nearest(target, evidence.kind_in("Service", namespace).map(Object::name));
    Some(edit(missing, &near.map_or_else(|| "HOST".to_owned(), |n| name.replacen(target, n, 1))))
}

/// Without its governing service the pods of a stateful set have no names of their own.
fn headless(evidence: &Evidence, set: &Object, said: &[Said]) -> Option<Finding> {
    let re = ObjectRef::new("Service", set.namespace(), set.str("/spec/serviceName"));
    if re.name.is_empty() || !evidence.lookup(&re).is_absent() || set.int("/spec/replicas") == Some(0) {
        return None;
    }
    let tells = |host: &str| {
        host == re.name || host.contains(&format!(".{}", re.name)) || host.starts_with(&format!("{}.", re.name))
    };
    let line = said.iter().find(|(_, host, _)| tells(host));
    let path = set.re.path();
    let statement = text(
        format!("StatefulSet {path} 的 serviceName 指向的 Service {} 不存在，它的 Pod 没有自己的 DNS 名", re.name),
        format!(
            "service {}, which governs stateful set {path}, does not exist, so its pods have no DNS names",
            re.name
        ),
    );
    let finding = Finding::new(Class::HeadlessServiceMissing, &set.re, statement)
        .cite(Cite::field(set, "/spec/serviceName"))
        .cite(Cite::absent(&re));
    // pods that fail without a word about the name fail of something else
    let ready = evidence.pods_of(set).iter().all(|p| pod::is_ready(p));
    let finding = match line {
        Some((cite, _, pod)) => {
            let finding = finding.cite(cite.clone()).seen_on(pod);
            evidence.get(pod).map(|pod| evidence.root(pod).re.clone()).iter().fold(finding, |f, root| f.seen_on(root))
        }
        None if ready => finding.likely(),
        None => return None,
    };
    let labels: Vec<String> =
        crate::object::strings(set.at("/spec/selector/matchLabels")).iter().map(|(k, v)| format!("{k}={v}")).collect();
    let port = set.at("/spec/template/spec/containers/0/ports/0/containerPort").as_i64().unwrap_or(80);
    let (name, flag) = (&re.name, re.flag());
    Some(finding.fix(
        text(format!("创建无头 Service {name}"), format!("create the headless service {name}")),
        format!(
            "kubectl create service clusterip {name}{flag} --clusterip=None --tcp={port} && kubectl set selector service {name} '{}'{flag}",
            labels.join(",")
        ),
    ))
}
