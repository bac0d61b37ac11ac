//! Services whose target port is not one that their pods open.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::class::Class;
use crate::evidence::Evidence;
use crate::finding::{Cite, Finding, text};
use crate::near::nearest;
use crate::object::{Object, text as string};
use crate::pod::{self, Container};
use crate::rules::serving::pods;

pub fn target_ports(evidence: &Evidence) -> Vec<Finding> {
    let services = evidence.kind("Service").filter(|s| s.str("/spec/type") != "ExternalName");
    services.flat_map(|service| findings(evidence, service)).collect()
}

fn findings(evidence: &Evidence, service: &Object) -> Vec<Finding> {
    let pods = pods(evidence, service);
    if pods.is_empty() {
        return Vec::new();
    }
    let ports = service.list("/spec/ports").iter().enumerate();
    let mut findings: Vec<Finding> = ports.clone().filter_map(|(i, port)| by_name(service, &pods, i, port)).collect();
    let ready: Vec<&Object> = pods.into_iter().filter(|p| pod::is_ready(p)).collect();
    if !ready.is_empty() {
        findings.extend(ports.filter_map(|(i, port)| by_number(evidence, service, &ready, i, port)));
    }
    findings
}

/// A container port: name, number, protocol.
struct Port<'a> {
    container: Container<'a>,
    name: &'a str,
    number: i64,
    protocol: &'a str,
}

fn protocol(port: &Value) -> &str {
    match string(port, "protocol") {
        "" => "TCP",
        protocol => protocol,
    }
}

fn declared(pod: &Object) -> Vec<Port<'_>> {
    pod::containers(pod)
        .filter(|c| c.role != pod::Role::Init)
        .flat_map(|container| {
            container.spec["ports"].as_array().into_iter().flatten().map(move |port| Port {
                container,
                name: string(port, "name"),
                number: port["containerPort"].as_i64().unwrap_or(0),
                protocol: protocol(port),
            })
        })
        .collect()
}

/// Proxies that are put into pods by others: their ports are not the program's.
fn injected(container: &Container) -> bool {
    ["istio-proxy", "linkerd-proxy", "envoy-sidecar", "consul-dataplane", "vault-agent"].contains(&container.name)
}

/// A target port by name has to be a name that a container gives to a port; otherwise the pod is no endpoint of it.
fn by_name(service: &Object, pods: &[&Object], i: usize, port: &Value) -> Option<Finding> {
    let target = port["targetPort"].as_str().filter(|t| t.parse::<u16>().is_err())?;
    let protocol = protocol(port);
    let named = |pod: &Object| declared(pod).iter().any(|p| p.name == target && p.protocol == protocol);
    if pods.iter().any(|pod| named(pod)) {
        return None;
    }
    let pod = pods.first()?;
    let ports = declared(pod);
    let names: Vec<&str> = ports.iter().map(|p| p.name).filter(|n| !n.is_empty()).collect();
    let shown: Vec<String> = ports.iter().map(|p| format!("{}:{}", p.name, p.number)).collect();
    let path = service.re.path();
    let statement = text(
        format!(
            "Service {path} 的 targetPort 是 {target}，而 Pod {} 没有叫这个名字的端口（有 {}）",
            pod.name(),
            shown.join("、")
        ),
        format!(
            "target port {target} of service {path} is the name of no port of pod {} (it has {})",
            pod.name(),
            shown.join(", ")
        ),
    );
    let only = if ports.len() == 1 { ports.first() } else { None };
    let near = nearest(target, names.iter().copied());
    let right = near.map(Value::from).or_else(|| {
        let port = only?;
        Some(if port.name.is_empty() { Value::from(port.number) } else { Value::from(port.name) })
    });
    Some(mended(finding(service, i, statement, pod, &ports), service, i, right))
}

fn finding(service: &Object, i: usize, statement: crate::finding::Text, pod: &Object, ports: &[Port]) -> Finding {
    let pointer = if service.at(&format!("/spec/ports/{i}/targetPort")).is_null() { "port" } else { "targetPort" };
    let mut finding = Finding::new(Class::ServiceTargetPortMismatch, &service.re, statement)
        .cite(Cite::field(service, &format!("/spec/ports/{i}/{pointer}")));
    for port in ports.iter().take(3) {
        let shown = format!("{} {}/{}", port.name, port.number, port.protocol).trim().to_owned();
        finding = finding.cite(port.container.cite_spec("ports", shown));
    }
    if ports.is_empty() {
        finding = finding.cite(Cite::field(pod, "/spec/containers/0/ports"));
    }
    finding
}

fn mended(finding: Finding, service: &Object, i: usize, right: Option<Value>) -> Finding {
    let Some(right) = right else {
        return finding.advice(text(
            "把 targetPort 改成程序实际监听的端口",
            "set the target port to the port that the program listens on",
        ));
    };
    let patch = serde_json::json!([{"op": "add", "path": format!("/spec/ports/{i}/targetPort"), "value": right}]);
    finding.fix(
        text(format!("把 targetPort 改为 {right}"), format!("set the target port to {right}")),
        format!("kubectl patch service {}{} --type json -p '{patch}'", service.name(), service.re.flag()),
    )
}

/// A number that no container declares proves nothing, for declaring is optional; it is suspicious only where the pods
/// declare other ports, are ready, and nothing in their spec or log speaks of that number.
fn by_number(evidence: &Evidence, service: &Object, ready: &[&Object], i: usize, port: &Value) -> Option<Finding> {
    let target = match &port["targetPort"] {
        Value::String(text) => text.parse().ok()?,
        Value::Number(number) => number.as_i64().filter(|n| *n > 0).or_else(|| port["port"].as_i64())?,
        _ => port["port"].as_i64()?,
    };
    let protocol = protocol(port);
    let pod = ready.first()?;
    let ports: Vec<Port> =
        declared(pod).into_iter().filter(|p| !injected(&p.container) && p.protocol == protocol).collect();
    if ports.is_empty() || ready.iter().any(|pod| speaks_of(evidence, pod, target)) {
        return None;
    }
    // ports that another entry of the service already serves are no candidates
    let taken: BTreeSet<i64> = service.list("/spec/ports").iter().filter_map(|p| p["targetPort"].as_i64()).collect();
    let free: Vec<&Port> = ports.iter().filter(|p| !taken.contains(&p.number)).collect();
    if free.is_empty() {
        return None;
    }
    let right = match free.as_slice() {
        [one] => Some(Value::from(one.number)),
        _ => None,
    };
    let shown: Vec<String> = ports.iter().map(|p| p.number.to_string()).collect();
    let path = service.re.path();
    let statement = text(
        format!("Service {path} 把流量发到端口 {target}，而 Pod {} 开放的是 {}", pod.name(), shown.join("、")),
        format!("service {path} sends to port {target}, but pod {} opens {}", pod.name(), shown.join(", ")),
    );
    Some(mended(finding(service, i, statement, pod, &ports).likely(), service, i, right))
}

/// Whether the pod's spec or log speaks of a port number: declared, probed, passed as argument or variable, or logged.
fn speaks_of(evidence: &Evidence, pod: &Object, port: i64) -> bool {
    let number = port.to_string();
    let has = |text: &str| text.split(|c: char| !c.is_ascii_digit()).any(|n| n == number);
    let in_spec = pod::containers(pod).any(|c| {
        let strings = |key: &str| c.spec[key].as_array().into_iter().flatten().filter_map(Value::as_str);
        let ports = c.spec["ports"].as_array().into_iter().flatten();
        let env = c.spec["env"].as_array().into_iter().flatten();
        ports.map(|p| &p["containerPort"]).any(|p| p.as_i64() == Some(port))
            || ["livenessProbe", "readinessProbe", "startupProbe"].iter().any(|probe| {
                ["httpGet", "tcpSocket", "grpc"].iter().any(|how| c.spec[probe][how]["port"].as_i64() == Some(port))
            })
            || strings("args").chain(strings("command")).any(has)
            || env.map(|e| string(e, "value")).any(has)
    });
    in_spec || evidence.logs.iter().filter(|l| l.pod == pod.re).any(|l| l.text.lines().any(has))
}
