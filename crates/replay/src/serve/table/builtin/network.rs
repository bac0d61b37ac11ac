//! What `kubectl get` prints of services, endpoints, ingresses and policies.

use serde_json::{Value, json};

use super::super::{Fill, at};
use crate::kinds::Resource;

use super::{AGE, Row, computed, each, field, joined, labels, or, or_none, text};

pub(super) fn columns(resource: &Resource) -> Option<Vec<Row>> {
    Some(match (resource.group.as_ref(), resource.kind.as_ref()) {
        ("", "Service") => vec![
            computed("Type", |it| or(at(it, "spec.type"), "ClusterIP")),
            computed("Cluster-IP", |it| or_none(at(it, "spec.clusterIP"))),
            computed("External-IP", external),
            computed("Port(s)", ports),
            AGE,
            ("Selector", 1, Fill::Computed(|it| labels(at(it, "spec.selector")))),
        ],
        ("", "Endpoints") => vec![
            computed("Endpoints", |it| first_three(each(it, "subsets").into_iter().flat_map(pairs).collect())),
            AGE,
        ],
        (_, "EndpointSlice") => vec![
            field("AddressType", "addressType"),
            computed("Ports", |it| joined(&each(it, "ports"), |port| vec![port["port"].to_string()])),
            computed("Endpoints", |it| {
                let endpoints = each(it, "endpoints").into_iter();
                first_three(endpoints.flat_map(|one| each(one, "addresses").into_iter().map(text)).collect())
            }),
            AGE,
        ],
        ("networking.k8s.io", "Ingress") => vec![
            computed("Class", |it| or_none(at(it, "spec.ingressClassName"))),
            computed("Hosts", |it| joined(&each(it, "spec.rules"), |rule| vec![text(&or(&rule["host"], "*"))])),
            computed("Address", |it| json!(balancers(it).join(","))),
            computed("Ports", |it| json!(if at(it, "spec.tls").is_array() { "80, 443" } else { "80" })),
            AGE,
        ],
        (_, "IngressClass") => vec![field("Controller", "spec.controller"), AGE],
        (_, "NetworkPolicy") => {
            vec![computed("Pod-Selector", |it| labels(at(it, "spec.podSelector.matchLabels"))), AGE]
        }
        _ => return None,
    })
}

/// Every address of a subset with every port.
fn pairs(subset: &Value) -> Vec<String> {
    let ports = each(subset, "ports");
    let addresses = each(subset, "addresses").into_iter().map(|one| text(&one["ip"]));
    if ports.is_empty() {
        return addresses.collect();
    }
    addresses
        .flat_map(|ip| ports.iter().map(move |port| format!("{ip}:{}", port["port"])).collect::<Vec<_>>())
        .collect()
}

fn first_three(all: Vec<String>) -> Value {
    if all.len() <= 3 {
        return if all.is_empty() { json!("<none>") } else { json!(all.join(",")) };
    }
    json!(format!("{} + {} more...", all[..3].join(","), all.len() - 3))
}

/// Where a load balancer took the traffic in.
fn balancers(object: &Value) -> Vec<String> {
    let points = each(object, "status.loadBalancer.ingress").into_iter();
    points.map(|one| text(if one["ip"].is_string() { &one["ip"] } else { &one["hostname"] })).collect()
}

fn external(service: &Value) -> Value {
    if at(service, "spec.type") == "ExternalName" {
        return at(service, "spec.externalName").clone();
    }
    let mut all = balancers(service);
    all.extend(each(service, "spec.externalIPs").iter().map(|ip| text(ip)));
    match (all.is_empty(), at(service, "spec.type") == "LoadBalancer") {
        (true, true) => json!("<pending>"),
        (true, false) => json!("<none>"),
        (false, _) => json!(all.join(",")),
    }
}

fn ports(service: &Value) -> Value {
    joined(&each(service, "spec.ports"), |port| {
        let protocol = port["protocol"].as_str().unwrap_or("TCP");
        let node = port["nodePort"].as_u64().map(|node| format!(":{node}")).unwrap_or_default();
        vec![format!("{}{node}/{protocol}", port["port"])]
    })
}
