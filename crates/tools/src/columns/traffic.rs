//! Services and ingresses.

use diagnose::Object;
use diagnose::object::text;
use jiff::Timestamp;
use serde_json::Value;

use super::{Cells, several, word};
use crate::pods::Rank;

pub fn service(object: &Object, _: Timestamp) -> Cells {
    let kind = match object.str("/spec/type") {
        "" => "ClusterIP",
        kind => kind,
    };
    let addresses = addresses(object);
    let external = match kind {
        "ExternalName" => word(object.str("/spec/externalName")),
        _ => several(addresses.iter().map(String::as_str)),
    };
    let ports: Vec<String> = object.list("/spec/ports").iter().map(port).collect();
    let cells =
        vec![kind.to_owned(), word(object.str("/spec/clusterIP")), external, several(ports.iter().map(String::as_str))];
    if kind == "LoadBalancer" && addresses.is_empty() {
        return (cells, Rank::NotReady, "no address from the load balancer yet".to_owned());
    }
    (cells, Rank::Well, String::new())
}

fn port(port: &Value) -> String {
    let number = port["port"].as_i64().unwrap_or_default();
    let node = port["nodePort"].as_i64().map(|node| format!(":{node}")).unwrap_or_default();
    let protocol = match text(port, "protocol") {
        "" | "TCP" => String::new(),
        other => format!("/{other}"),
    };
    format!("{number}{node}{protocol}")
}

pub fn ingress(object: &Object, _: Timestamp) -> Cells {
    let hosts = object.list("/spec/rules").iter().map(|rule| match text(rule, "host") {
        "" => "*",
        host => host,
    });
    let addresses = addresses(object);
    let class = word(object.str("/spec/ingressClassName"));
    let cells = vec![class, several(hosts), several(addresses.iter().map(String::as_str))];
    let rank = if addresses.is_empty() { Rank::Noted } else { Rank::Well };
    (cells, rank, String::new())
}

fn addresses(object: &Object) -> Vec<String> {
    let balancers = object.list("/status/loadBalancer/ingress").iter();
    balancers.map(|b| [text(b, "ip"), text(b, "hostname")].concat()).filter(|a| !a.is_empty()).collect()
}
