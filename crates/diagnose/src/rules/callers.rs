//! Pods in trouble whose configuration or log names a service that is not there, lacks the port, or has no endpoint.

use std::collections::BTreeSet;

use crate::calls::{Call, calls, service_named};
use crate::class::Class;
use crate::evidence::Evidence;
use crate::finding::{Cite, Finding, Source, text};
use crate::near::nearest;
use crate::object::{Object, ObjectRef, text as string};
use crate::pattern::Pattern;
use crate::pod;
use crate::rules::said::cite;
use crate::rules::serving::{Behind, behind};

/// Words of a connection that was not made.
static FAILED: Pattern = Pattern::new(
    r"(?i)refused|no such host|time(?:d )?[- ]?out|ETIMEDOUT|deadline exceeded|ENOTFOUND|EAI_AGAIN|resolve|unknown ?host|bad address|no route to host|host not found|could not translate|name or service not known|name resolution|unreachable|getaddrinfo|gaierror|unknown mysql server host|connection reset|can't connect|cannot connect|failed to connect|could not connect",
);
static UNRESOLVED: Pattern = Pattern::new(
    r#"(?i)(?:lookup ([a-z0-9.-]+)(?: on [^ ]+)?: no such host|ENOTFOUND ([a-z0-9.-]+)|could not resolve (?:host:? ?|hostname )["']?([a-z0-9.-]+)|could not translate host name "([a-z0-9.-]+)"|UnknownHostException: ([a-z0-9.-]+)|bad address '([a-z0-9.-]+)|host not found in upstream "([a-z0-9.-]+)|unknown mysql server host '([a-z0-9.-]+)|can(?:'|no)t resolve '([a-z0-9.-]+)|failed to resolve '?([a-z0-9.-]+)|host='([a-z0-9.-]+)'.*(?:Name or service not known|Failed to resolve)|([a-z0-9.-]+)(?::\d+)?[.:]? (?:Name or service not known|Name does not resolve))"#,
);

/// The host name that a line says does not resolve.
pub fn unresolved(line: &str) -> Option<&str> {
    let captures = UNRESOLVED.captures(line)?;
    captures.iter().skip(1).flatten().next().map(|m| m.as_str().trim_end_matches('.'))
}

/// A pod that may suffer from what it calls, with the lines of its log that tell of failed connections.
pub struct Caller<'a> {
    pub pod: &'a Object,
    pub lines: Vec<(Cite, &'a str)>,
    has_log: bool,
}

/// Pods that are in trouble or tell of failed connections. A pod that never started, or that the kernel killed, has
/// another reason.
pub fn callers(evidence: &Evidence) -> Vec<Caller<'_>> {
    let alive = |p: &&Object| !pod::is_over(p) && p.deleting_since().is_none() && pod::has_started(p);
    let mut callers = Vec::new();
    for pod in evidence.kind("Pod").filter(alive) {
        let logs: Vec<_> = evidence.logs.iter().filter(|l| l.pod == pod.re).collect();
        let tail = logs.iter().flat_map(|log| log.text.lines().rev().take(60).map(|line| (*log, line)));
        let lines: Vec<(Cite, &str)> =
            tail.filter(|(_, line)| FAILED.is_match(line)).map(|(log, line)| (cite(log, line), line)).collect();
        let killed = pod::containers(pod).any(|c| c.exit().is_some_and(|e| e.reason == "OOMKilled"));
        let has_log = logs.iter().any(|l| !l.text.trim().is_empty());
        if !lines.is_empty() || pod::in_trouble(pod, evidence.now) && !has_log && !killed {
            callers.push(Caller { pod, lines, has_log });
        }
    }
    callers
}

pub fn dependencies(evidence: &Evidence) -> Vec<Finding> {
    let mut findings = Vec::new();
    for caller in callers(evidence) {
        let root = evidence.root(caller.pod);
        let mut seen = BTreeSet::new();
        let configured = called_by(evidence, caller.pod);
        for call in &configured {
            let port = call.port.or_else(|| port_beside(root, call));
            if seen.insert((call.service.clone(), port)) {
                findings.extend(called(evidence, &caller, root, call, port));
            }
        }
        for (cite, line) in &caller.lines {
            let Some(host) = unresolved(line) else { continue };
            let Some(service) = named(evidence, caller.pod.namespace(), host) else { continue };
            if evidence.lookup(&service).is_absent() && seen.insert((service.clone(), None)) {
                let call = configured.iter().find(|c| c.service == service);
                findings.extend(not_found(evidence, &caller, root, &service, call, Some(cite)));
            }
        }
    }
    findings
}

/// What a pod calls, as its template says where there is one: that is what has to change.
pub fn called_by(evidence: &Evidence, pod: &Object) -> Vec<Call> {
    let root = evidence.root(pod);
    calls(evidence, if root.pod_spec_path().is_some() { root } else { pod })
}

/// `DB_PORT` beside `DB_HOST`.
fn port_beside(root: &Object, call: &Call) -> Option<u16> {
    let variable = call.field.rsplit_once("env[")?.1.strip_suffix(']')?;
    let stem = ["_HOSTNAME", "_HOST", "_ADDRESS", "_ADDR", "_SERVER"].iter().find_map(|s| variable.strip_suffix(s))?;
    let spec = root.at(root.pod_spec_path()?);
    let containers = ["initContainers", "containers"].into_iter().flat_map(|group| spec[group].as_array()).flatten();
    let mut env = containers.flat_map(|c| c["env"].as_array().into_iter().flatten());
    let beside = env.find(|e| string(e, "name").strip_suffix("_PORT") == Some(stem))?;
    string(beside, "value").parse().ok()
}

/// The service that a host name means, if it is one of the cluster: `smtp.example` is none unless a namespace is so named.
fn named(evidence: &Evidence, namespace: &str, host: &str) -> Option<ObjectRef> {
    let service = service_named(namespace, host)?;
    let exists = |ns: &str| ns == namespace || evidence.find("Namespace", "", ns).is_some();
    (host.contains(".svc") || exists(&service.namespace)).then_some(service)
}

/// The line that tells of this service: by name, by its address, or by its port.
fn told<'c>(evidence: &Evidence, caller: &'c Caller, service: &ObjectRef, port: Option<u16>) -> Option<&'c Cite> {
    let address = evidence.get(service).map_or("", |s| s.str("/spec/clusterIP"));
    let address = if matches!(address, "" | "None") { None } else { Some(address) };
    let word = |line: &str, name: &str| {
        line.match_indices(name).any(|(at, _)| {
            let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
            !line[..at].ends_with(inside) && !line[at + name.len()..].starts_with(inside)
        })
    };
    let port = port.map(|p| format!(":{p}"));
    let tells = |line: &str| {
        word(line, &service.name)
            || address.is_some_and(|a| word(line, a))
            || port.as_ref().is_some_and(|p| line.contains("127.0.0.1") && line.contains(p.as_str()))
    };
    caller.lines.iter().find(|(_, line)| tells(line)).map(|(cite, _)| cite)
}

fn called(evidence: &Evidence, caller: &Caller, root: &Object, call: &Call, port: Option<u16>) -> Vec<Finding> {
    let line = told(evidence, caller, &call.service, port);
    // a log that speaks of other things speaks against this being the trouble
    if line.is_none() && caller.has_log {
        return Vec::new();
    }
    let Some(service) = evidence.get(&call.service) else {
        let svc = if call.value.contains(".svc") { ".svc" } else { "" };
        let host = format!("{}.{}{svc}", call.service.name, call.service.namespace);
        let plausible = line.is_some() || port.is_some() || call.value.contains(".svc");
        let exists = named(evidence, caller.pod.namespace(), &host);
        if !plausible || exists.is_none() || !evidence.lookup(&call.service).is_absent() {
            return Vec::new();
        }
        return not_found(evidence, caller, root, &call.service, Some(call), line);
    };
    if let Some(finding) = port.and_then(|port| no_such_port(caller, root, call, service, port, line)) {
        return vec![finding];
    }
    match behind(evidence, service) {
        Behind::Ready | Behind::Unknown => Vec::new(),
        Behind::NotReady(_) | Behind::NoPods(_) | Behind::Nothing => {
            let statement = text(
                format!("{} 依赖的 Service {} 没有可用端点", root.re, service.re.path()),
                format!("service {}, which {} depends on, has no endpoint", service.re.path(), root.re),
            );
            vec![
                unavailable(caller, root, call.service.clone(), statement)
                    .cite(cite_call(root, call))
                    .cites(line.cloned()),
            ]
        }
    }
}

fn unavailable(caller: &Caller, root: &Object, service: ObjectRef, statement: crate::finding::Text) -> Finding {
    Finding::new(Class::DependencyUnavailable, &root.re, statement).seen_on(&caller.pod.re).because(service)
}

fn cite_call(root: &Object, call: &Call) -> Cite {
    Cite { object: root.re.clone(), source: Source::Field(call.field.clone()), time: None, text: call.value.clone() }
}

/// `kubectl set env` with the right host or port, where a variable of the workload holds the wrong one.
fn set_env(root: &Object, call: &Call, wrong: &str, right: &str) -> Option<String> {
    let variable = call.field.rsplit_once("env[")?.1.strip_suffix(']')?;
    let value = call.value.replacen(wrong, right, 1);
    let settable = root.pod_spec_path().is_some() && !matches!(root.kind(), "Job" | "Pod");
    (settable && !value.contains(['\'', '\n']))
        .then(|| format!("kubectl set env {}{} '{variable}={value}'", root.re.arg(), root.re.flag()))
}

fn not_found(
    evidence: &Evidence,
    caller: &Caller,
    root: &Object,
    service: &ObjectRef,
    call: Option<&Call>,
    line: Option<&Cite>,
) -> Vec<Finding> {
    // a stateful set whose own service is missing says so itself
    if evidence.kind_in("StatefulSet", &service.namespace).any(|s| s.str("/spec/serviceName") == service.name) {
        return Vec::new();
    }
    let near = nearest(&service.name, evidence.kind_in("Service", &service.namespace).map(Object::name));
    let elsewhere = evidence.kind("Service").find(|s| s.name() == service.name).map(Object::namespace);
    let right = near.map(str::to_owned).or_else(|| elsewhere.map(|ns| format!("{}.{ns}", service.name)));
    let (zh, en) =
        right.as_ref().map_or_else(Default::default, |r| (format!("；已有的是 {r}"), format!("; there is {r}")));
    let statement = text(
        format!("Service {} 不存在，而 {} 要连接它{zh}", service.path(), root.re),
        format!("service {}, which {} connects to, does not exist{en}", service.path(), root.re),
    );
    let mut finding = Finding::new(Class::ServiceNotFound, service, statement)
        .cite(Cite::absent(service))
        .cites(call.map(|call| cite_call(root, call)))
        .cites(line.cloned());
    if line.is_none() {
        finding = finding.likely();
    }
    if let Some(right) = &right {
        let what = text(format!("把主机名改成 {right}"), format!("put {right} for the host name"));
        finding = match call.and_then(|call| set_env(root, call, &service.name, right)) {
            Some(command) => finding.fix(what, command),
            None => finding.advice(what),
        };
    }
    let finding = finding.advice(text(
        format!("或创建 Service {}，指向提供它的 Pod", service.path()),
        format!("or create service {} for the pods that should answer", service.path()),
    ));
    let symptom = text(
        format!("{} 依赖的 Service {} 不存在", root.re, service.path()),
        format!("service {}, which {} depends on, does not exist", service.path(), root.re),
    );
    vec![finding, unavailable(caller, root, service.clone(), symptom).cites(line.cloned())]
}

fn no_such_port(
    caller: &Caller,
    root: &Object,
    call: &Call,
    service: &Object,
    port: u16,
    line: Option<&Cite>,
) -> Option<Finding> {
    let ports: Vec<i64> = service.list("/spec/ports").iter().filter_map(|p| p["port"].as_i64()).collect();
    // a headless service or an external name leads to the host itself, whatever ports it lists
    let direct = service.str("/spec/clusterIP") == "None" || service.str("/spec/type") == "ExternalName";
    if direct || ports.is_empty() || ports.contains(&i64::from(port)) {
        return None;
    }
    let shown: Vec<String> = ports.iter().map(i64::to_string).collect();
    let path = service.re.path();
    let statement = text(
        format!("{} 连接 Service {path} 的端口 {port}，而它只开放 {}", root.re, shown.join("、")),
        format!("{} connects to port {port} of service {path}, which has {}", root.re, shown.join(", ")),
    );
    let mut finding = Finding::new(Class::ServicePortMismatch, &root.re, statement)
        .seen_on(&caller.pod.re)
        .seen_on(&service.re)
        .cite(cite_call(root, call))
        .cite(Cite::field(service, "/spec/ports"))
        .cites(line.cloned());
    if line.is_none() {
        finding = finding.likely();
    }
    let right = shown.first().cloned().unwrap_or_default();
    let what = text(format!("改用端口 {right}"), format!("use port {right}"));
    let command = call.port.and_then(|p| set_env(root, call, &format!(":{p}"), &format!(":{right}")));
    Some(match command {
        Some(command) => finding.fix(what, command),
        None => finding.advice(what),
    })
}

#[cfg(test)]
mod tests {
    use super::unresolved;

    #[test]
    fn finds_the_name_that_programs_say_does_not_resolve() {
        for line in [
            "dial tcp: lookup redis-master on 10.96.0.10:53: no such host",
            "Error: getaddrinfo ENOTFOUND redis-master",
            "psycopg2.OperationalError: could not translate host name \"redis-master\" to address: Name or service not known",
            "java.net.UnknownHostException: redis-master",
            "nginx: [emerg] host not found in upstream \"redis-master\" in /etc/nginx/conf.d/default.conf:3",
            "curl: (6) Could not resolve host: redis-master",
            "Error -2 connecting to redis-master:6379. Name or service not known.",
            "wget: bad address 'redis-master:6379'",
        ] {
            assert_eq!(unresolved(line), Some("redis-master"), "{line}");
        }
    }
}
