//! Network policies that keep a pod from what it calls, where its log or state says that it gets no answer.

use std::net::IpAddr;

use serde_json::Value;

use crate::class::Class;
use crate::evidence::Evidence;
use crate::finding::{Cite, Finding, text};
use crate::object::{Object, strings, text as string};
use crate::pattern::Pattern;
use crate::pod;
use crate::rules::callers::{Caller, called_by, callers};
use crate::rules::dns;
use crate::rules::serving::{Behind, behind, pods};
use crate::selector;

/// A dropped packet is silence, not a refusal.
static SILENCE: Pattern = Pattern::new(
    r"(?i)time(?:d )?[- ]?out|ETIMEDOUT|deadline exceeded|EAI_AGAIN|temporary failure in name resolution|unreachable|no route to host|EHOSTUNREACH|operation not permitted",
);

pub fn policies(evidence: &Evidence) -> Vec<Finding> {
    if evidence.kind("NetworkPolicy").next().is_none() {
        return Vec::new();
    }
    callers(evidence).iter().flat_map(|caller| blocked(evidence, caller)).collect()
}

fn blocked(evidence: &Evidence, caller: &Caller) -> Vec<Finding> {
    let silent: Vec<&(Cite, &str)> = caller.lines.iter().filter(|(_, line)| SILENCE.is_match(line)).collect();
    if !caller.lines.is_empty() && silent.is_empty() {
        return Vec::new();
    }
    let unnamed = silent.iter().find(|(_, line)| dns::NO_ANSWER.is_match(line));
    if let (Some((cite, _)), Some(service)) = (unnamed, dns::service(evidence)) {
        let path = Path { caller: caller.pod, service, port: Some(53) };
        if let Some(mut finding) = path.blocked(evidence) {
            // the names it could not look up are the services that it then misses
            for call in called_by(evidence, caller.pod) {
                finding = finding.seen_on(&call.service);
            }
            return vec![finding.cite(cite.clone())];
        }
    }
    let mut findings = Vec::new();
    for call in called_by(evidence, caller.pod) {
        let Some(service) = evidence.get(&call.service) else { continue };
        let told = silent.iter().find(|(_, line)| speaks_of(line, service));
        if told.is_none() && !silent.is_empty() || !matches!(behind(evidence, service), Behind::Ready) {
            continue;
        }
        let path = Path { caller: caller.pod, service, port: call.port };
        let finding = path.blocked(evidence).map(|f| match told {
            Some((cite, _)) => f.cite(cite.clone()),
            None => f.likely(),
        });
        findings.extend(finding);
    }
    findings
}

fn speaks_of(line: &str, service: &Object) -> bool {
    let address = service.str("/spec/clusterIP");
    line.contains(service.name()) || !matches!(address, "" | "None") && line.contains(address)
}

/// A way from a pod to a service's pods.
struct Path<'a> {
    caller: &'a Object,
    service: &'a Object,
    port: Option<u16>,
}

#[derive(Clone, Copy)]
enum Way {
    In,
    Out,
}

impl Way {
    fn names(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Way::In => ("ingress", "from", "Ingress"),
            Way::Out => ("egress", "to", "Egress"),
        }
    }
}

impl Path<'_> {
    /// The policy that drops what goes this way, if every pod of the service is out of reach.
    fn blocked(&self, evidence: &Evidence) -> Option<Finding> {
        let targets = pods(evidence, self.service);
        let mut found = None;
        for target in targets.iter().filter(|p| pod::is_ready(p)) {
            let port = self.target_port(target);
            let out = barrier(evidence, Way::Out, self.caller, target, &port);
            let barrier = out
                .map(|policy| (policy, Way::Out))
                .or_else(|| barrier(evidence, Way::In, target, self.caller, &port).map(|policy| (policy, Way::In)))?;
            found = found.or(Some((barrier, *target, port)));
        }
        let ((policy, way), target, port) = found?;
        Some(self.finding(evidence, policy, way, target, &port))
    }

    /// What the service's port is on the pod: number, name, protocol.
    fn target_port(&self, target: &Object) -> Port {
        let ports = self.service.list("/spec/ports");
        let entry = ports.iter().find(|p| p["port"].as_u64() == self.port.map(u64::from)).or_else(|| ports.first());
        let entry = entry.unwrap_or(&Value::Null);
        let aim = if entry["targetPort"].is_null() { &entry["port"] } else { &entry["targetPort"] };
        let declared = || pod::containers(target).flat_map(|c| c.spec["ports"].as_array().into_iter().flatten());
        let by_name = aim.as_str().and_then(|name| declared().find(|p| string(p, "name") == name));
        let number = aim.as_i64().or_else(|| by_name?["containerPort"].as_i64());
        let by_number = declared().find(|p| p["containerPort"].as_i64() == number && number.is_some());
        let name = by_name.or(by_number).map_or("", |p| string(p, "name")).to_owned();
        let protocol = match string(entry, "protocol") {
            "" => "TCP",
            protocol => protocol,
        };
        Port { number, name, protocol: protocol.to_owned() }
    }

    fn finding(&self, evidence: &Evidence, policy: &Object, way: Way, target: &Object, port: &Port) -> Finding {
        let (direction, peers, kind) = way.names();
        let root = evidence.root(self.caller);
        let (path, service) = (policy.re.path(), self.service.re.path());
        let number = port.number.map_or_else(|| port.name.clone(), |n| n.to_string());
        let (zh, en) = match way {
            Way::In => ("没有放行它的入站流量", "lets nothing in from it"),
            Way::Out => ("没有放行它的出站流量", "lets nothing out to it"),
        };
        let statement = text(
            format!("网络策略 {path}（{kind}）阻断了 {} 到 Service {service}（{number} 端口）的访问：{zh}", root.re),
            format!(
                "network policy {path} ({kind}) blocks {} on its way to service {service} (port {number}): it {en}",
                root.re
            ),
        );
        let (near, far) = match way {
            Way::In => (target, self.caller),
            Way::Out => (self.caller, target),
        };
        let labels = stable_labels(evidence, far);
        let peer = if near.namespace() == far.namespace() {
            serde_json::json!({"podSelector": {"matchLabels": labels}})
        } else {
            let namespace = serde_json::json!({"matchLabels": {"kubernetes.io/metadata.name": far.namespace()}});
            serde_json::json!({"namespaceSelector": namespace, "podSelector": {"matchLabels": labels}})
        };
        let ports = port.number.map(|n| serde_json::json!([{"port": n, "protocol": port.protocol}]));
        let rule = serde_json::json!({peers: [peer], "ports": ports.unwrap_or_else(|| Value::Array(Vec::new()))});
        let patch = if policy.list(&format!("/spec/{direction}")).is_empty() {
            serde_json::json!([{"op": "add", "path": format!("/spec/{direction}"), "value": [rule]}])
        } else {
            serde_json::json!([{"op": "add", "path": format!("/spec/{direction}/-"), "value": rule}])
        };
        Finding::new(Class::NetworkPolicyBlocks, &policy.re, statement)
            .cite(Cite::field(policy, "/spec"))
            .cite(Cite::field(self.caller, "/metadata/labels"))
            .seen_on(&self.caller.re)
            .seen_on(&root.re)
            .seen_on(&self.service.re)
            .fix(
                text(
                    "放行这一条路径（先确认该访问是允许的）",
                    "let this one path through, if it is meant to be allowed",
                ),
                format!("kubectl patch networkpolicy {}{} --type json -p '{patch}'", policy.name(), policy.re.flag()),
            )
    }
}

/// The labels by which a pod's workload selects it.
fn stable_labels(evidence: &Evidence, pod: &Object) -> Value {
    let selector = evidence.root(pod).at("/spec/selector/matchLabels");
    if selector.is_object() { selector.clone() } else { pod.at("/metadata/labels").clone() }
}

struct Port {
    number: Option<i64>,
    name: String,
    protocol: String,
}

/// The policy to change when what `near` sends to or gets from `far` is dropped. None when it passes, or when not all
/// policies of the namespace could be read.
fn barrier<'a>(evidence: &'a Evidence, way: Way, near: &Object, far: &Object, port: &Port) -> Option<&'a Object> {
    let (direction, peers, kind) = way.names();
    if !evidence.is_listed("NetworkPolicy", near.namespace()) || near.bool("/spec/hostNetwork") == Some(true) {
        return None;
    }
    let labels = near.labels();
    let governs = |policy: &&Object| {
        let types = policy.list("/spec/policyTypes");
        let typed = match way {
            _ if !types.is_empty() => types.iter().any(|t| t == kind),
            Way::In => true,
            Way::Out => policy.at("/spec/egress").is_array(),
        };
        typed && policy.namespace() == near.namespace() && selector::matches(policy.at("/spec/podSelector"), &labels)
    };
    let mut best: Option<(usize, &Object)> = None;
    for policy in evidence.kind("NetworkPolicy").filter(governs) {
        // a rule that nearly lets it through is the one to mend; else one that lets nothing through
        let mut score = usize::from(policy.list(&format!("/spec/{direction}")).is_empty());
        for rule in policy.list(&format!("/spec/{direction}")) {
            let (peer, open) = (peer_fits(evidence, &rule[peers], policy, far), port_fits(&rule["ports"], port));
            if peer && open {
                return None;
            }
            score = score.max(if peer || open && !rule["ports"].is_null() { 2 } else { 0 });
        }
        if best.is_none_or(|(most, _)| score > most) {
            best = Some((score, policy));
        }
    }
    best.map(|(_, policy)| policy)
}

fn peer_fits(evidence: &Evidence, peers: &Value, policy: &Object, far: &Object) -> bool {
    let Some(peers) = peers.as_array().filter(|p| !p.is_empty()) else { return true };
    peers.iter().any(|peer| {
        if peer["ipBlock"].is_object() {
            return in_block(&peer["ipBlock"], far.str("/status/podIP"));
        }
        let namespace = if peer["namespaceSelector"].is_object() {
            namespace_fits(evidence, &peer["namespaceSelector"], far.namespace())
        } else {
            policy.namespace() == far.namespace()
        };
        namespace && (!peer["podSelector"].is_object() || selector::matches(&peer["podSelector"], &far.labels()))
    })
}

/// A namespace that was not read may carry any label, so it fits.
fn namespace_fits(evidence: &Evidence, wanted: &Value, name: &str) -> bool {
    let Some(namespace) = evidence.find("Namespace", "", name) else {
        let named = strings(&wanted["matchLabels"]);
        return named.get("kubernetes.io/metadata.name").is_none_or(|n| *n == name);
    };
    let mut labels = namespace.labels();
    labels.insert("kubernetes.io/metadata.name", name);
    selector::matches(wanted, &labels)
}

fn in_block(block: &Value, address: &str) -> bool {
    let Ok(address) = address.parse::<IpAddr>() else { return true };
    let within = |cidr: &str| cidr_contains(cidr, address);
    let except = block["except"].as_array().into_iter().flatten().filter_map(Value::as_str).any(within);
    within(string(block, "cidr")) && !except
}

fn cidr_contains(cidr: &str, address: IpAddr) -> bool {
    let Some((base, bits)) = cidr.split_once('/') else { return false };
    match (base.parse::<IpAddr>(), address, bits.parse::<u32>()) {
        (Ok(IpAddr::V4(base)), IpAddr::V4(address), Ok(bits @ 0..=32)) => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            u32::from(base) & mask == u32::from(address) & mask
        }
        (Ok(IpAddr::V6(base)), IpAddr::V6(address), Ok(bits @ 0..=128)) => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            u128::from(base) & mask == u128::from(address) & mask
        }
        _ => false,
    }
}

fn port_fits(ports: &Value, port: &Port) -> bool {
    let Some(ports) = ports.as_array().filter(|p| !p.is_empty()) else { return true };
    ports.iter().any(|rule| {
        let protocol = match string(rule, "protocol") {
            "" => "TCP",
            protocol => protocol,
        };
        // DNS goes over both
        let protocol = protocol == port.protocol || port.number == Some(53);
        let number = match &rule["port"] {
            Value::Null => true,
            Value::String(name) => *name == port.name || name.parse().ok() == port.number && port.number.is_some(),
            first => match (first.as_i64(), rule["endPort"].as_i64(), port.number) {
                (Some(first), Some(last), Some(number)) => (first..=last).contains(&number),
                (Some(first), None, Some(number)) => first == number,
                // an unknown number proves nothing
                (_, _, _) => true,
            },
        };
        protocol && number
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_in_its_block_and_in_no_other() {
        let address: IpAddr = "10.244.1.9".parse().unwrap();
        assert!(cidr_contains("10.244.0.0/16", address));
        assert!(cidr_contains("0.0.0.0/0", address));
        assert!(!cidr_contains("10.245.0.0/16", address));
        assert!(!cidr_contains("fd00::/8", address));
    }
}
