//! Ingresses whose class, backend, port, certificate or host is not there or not theirs.

use serde_json::Value;

use crate::class::Class;
use crate::evidence::Evidence;
use crate::finding::{Cite, Finding, text};
use crate::near::nearest;
use crate::object::{Object, ObjectRef, text as string};
use crate::rules::serving::{Behind, behind};

pub fn ingresses(evidence: &Evidence) -> Vec<Finding> {
    let mut findings = Vec::new();
    for ingress in evidence.kind("Ingress").filter(|i| i.deleting_since().is_none()) {
        findings.extend(class(evidence, ingress));
        for (pointer, backend) in backends(ingress) {
            findings.extend(backend_findings(evidence, ingress, &pointer, backend));
        }
        findings.extend(certificates(evidence, ingress));
        findings.extend(conflict(evidence, ingress));
    }
    findings
}

fn class_name(ingress: &Object) -> &str {
    match ingress.str("/spec/ingressClassName") {
        "" => ingress.annotation("kubernetes.io/ingress.class"),
        name => name,
    }
}

fn class(evidence: &Evidence, ingress: &Object) -> Option<Finding> {
    const DEFAULT: &str = "ingressclass.kubernetes.io/is-default-class";
    let (path, name) = (ingress.re.path(), class_name(ingress));
    let served = !ingress.list("/status/loadBalancer/ingress").is_empty();
    let by_annotation = ingress.str("/spec/ingressClassName").is_empty();
    let classes: Vec<&Object> = evidence.kind("IngressClass").collect();
    let names: Vec<&str> = classes.iter().map(|c| c.name()).collect();
    if by_annotation && served || !evidence.is_listed("IngressClass", "") {
        return None;
    }
    let patch = |to: &str| {
        let body = serde_json::json!({"spec": {"ingressClassName": to}});
        format!("kubectl patch ingress {}{} --type merge -p '{body}'", ingress.name(), ingress.re.flag())
    };
    let use_it = |to: &str| text(format!("改用已有的 {to}"), format!("use {to}, which exists"));
    if name.is_empty() {
        if classes.iter().any(|c| c.annotation(DEFAULT) == "true") {
            return None;
        }
        let statement = text(
            format!("Ingress {path} 没有指定 IngressClass，集群也没有默认的"),
            format!("ingress {path} names no ingress class and the cluster has no default"),
        );
        let finding = Finding::new(Class::IngressClassNotFound, &ingress.re, statement)
            .likely()
            .cite(Cite::field(ingress, "/spec/ingressClassName"));
        return Some(match names.first() {
            Some(first) => finding.fix(use_it(first), patch(first)),
            None => finding.advice(text("安装一个 Ingress 控制器", "install an ingress controller")),
        });
    }
    let re = ObjectRef::cluster("IngressClass", name);
    if !evidence.lookup(&re).is_absent() {
        return None;
    }
    let statement = text(
        format!("Ingress {path} 引用的 IngressClass {name} 不存在（已有：{}）", names.join("、")),
        format!("ingress class {name} of ingress {path} does not exist (there are: {})", names.join(", ")),
    );
    let mut finding = Finding::new(Class::IngressClassNotFound, &ingress.re, statement).cite(Cite::absent(&re));
    if by_annotation {
        finding = finding.likely();
    }
    let only = if names.len() == 1 { names.first().copied() } else { None };
    Some(match nearest(name, names.iter().copied()).or(only) {
        Some(right) => finding.fix(use_it(right), patch(right)),
        None => finding.advice(text(
            "安装该类的 Ingress 控制器，或改用已有的类",
            "install that class's controller, or use a class that exists",
        )),
    })
}

/// Every backend that is a service, with its pointer.
fn backends(ingress: &Object) -> Vec<(String, &Value)> {
    let mut found = vec![("/spec/defaultBackend/service".to_owned(), ingress.at("/spec/defaultBackend/service"))];
    for (i, rule) in ingress.list("/spec/rules").iter().enumerate() {
        for (j, path) in rule["http"]["paths"].as_array().into_iter().flatten().enumerate() {
            found.push((format!("/spec/rules/{i}/http/paths/{j}/backend/service"), &path["backend"]["service"]));
        }
    }
    // a load balancer's own action (a redirect, a fixed answer) stands where a service would
    found.retain(|(_, service)| service.is_object() && service["port"]["name"] != "use-annotation");
    found
}

fn backend_findings(evidence: &Evidence, ingress: &Object, pointer: &str, backend: &Value) -> Option<Finding> {
    let re = ObjectRef::new("Service", ingress.namespace(), string(backend, "name"));
    let Some(service) = evidence.get(&re) else {
        return evidence.lookup(&re).is_absent().then(|| no_service(evidence, ingress, pointer, &re));
    };
    if let Some(finding) = no_port(ingress, pointer, backend, service) {
        return Some(finding);
    }
    let path = ingress.re.path();
    match behind(evidence, service) {
        Behind::Ready | Behind::Unknown => None,
        Behind::NotReady(_) | Behind::NoPods(_) | Behind::Nothing => {
            let statement = text(
                format!("Ingress {path} 的后端 Service {} 没有可用端点", service.name()),
                format!("backend service {} of ingress {path} has no endpoint", service.name()),
            );
            let finding = Finding::new(Class::IngressBackendUnavailable, &ingress.re, statement)
                .cite(Cite::field(ingress, &format!("{pointer}/name")))
                .because(re);
            Some(finding)
        }
    }
}

fn no_service(evidence: &Evidence, ingress: &Object, pointer: &str, re: &ObjectRef) -> Finding {
    let path = ingress.re.path();
    let near = nearest(&re.name, evidence.kind_in("Service", ingress.namespace()).map(Object::name));
    let elsewhere = evidence.kind("Service").find(|s| s.name() == re.name);
    let (zh, en) = match (near, elsewhere) {
        (Some(near), _) => (format!("（相近的有 {near}）"), format!(" (there is {near})")),
        (None, Some(other)) => (
            format!("（它在命名空间 {}）", other.namespace()),
            format!(" (there is one in namespace {})", other.namespace()),
        ),
        (None, None) => Default::default(),
    };
    let statement = text(
        format!("Ingress {path} 的后端 Service {} 不存在{zh}", re.name),
        format!("backend service {} of ingress {path} does not exist{en}", re.name),
    );
    let finding = Finding::new(Class::IngressBackendNotFound, &ingress.re, statement)
        .cite(Cite::field(ingress, &format!("{pointer}/name")))
        .cite(Cite::absent(re));
    match near {
        Some(near) => {
            let patch = serde_json::json!([{"op": "replace", "path": format!("{pointer}/name"), "value": near}]);
            finding.fix(
                text(format!("改用已有的 {near}"), format!("use {near}, which exists")),
                format!("kubectl patch ingress {}{} --type json -p '{patch}'", ingress.name(), ingress.re.flag()),
            )
        }
        None => {
            finding.advice(text("创建这个 Service 或改正后端名", "create the service, or correct the backend's name"))
        }
    }
}

fn no_port(ingress: &Object, pointer: &str, backend: &Value, service: &Object) -> Option<Finding> {
    let ports = service.list("/spec/ports");
    let (name, number) = (string(&backend["port"], "name"), backend["port"]["number"].as_i64());
    let has = |p: &Value| if name.is_empty() { p["port"].as_i64() == number } else { string(p, "name") == name };
    if ports.is_empty() || ports.iter().any(has) || name.is_empty() && number.is_none() {
        return None;
    }
    let asked = number.map_or_else(|| name.to_owned(), |n| n.to_string());
    let shown: Vec<String> =
        ports.iter().map(|p| format!("{} {}", string(p, "name"), p["port"]).trim().to_owned()).collect();
    let path = ingress.re.path();
    let statement = text(
        format!("Ingress {path} 使用 Service {} 的端口 {asked}，而它只有 {}", service.name(), shown.join("、")),
        format!("ingress {path} uses port {asked} of service {}, which has {}", service.name(), shown.join(", ")),
    );
    let finding = Finding::new(Class::IngressBackendPortMismatch, &ingress.re, statement)
        .cite(Cite::field(ingress, &format!("{pointer}/port")))
        .cite(Cite::field(service, "/spec/ports"));
    Some(match ports {
        [port] => {
            let right = serde_json::json!({"number": port["port"]});
            let patch = serde_json::json!([{"op": "replace", "path": format!("{pointer}/port"), "value": right}]);
            finding.fix(
                text(format!("改用端口 {}", port["port"]), format!("use port {}", port["port"])),
                format!("kubectl patch ingress {}{} --type json -p '{patch}'", ingress.name(), ingress.re.flag()),
            )
        }
        _ => finding.advice(text("改成 Service 已有的端口", "name a port that the service has")),
    })
}

fn certificates(evidence: &Evidence, ingress: &Object) -> Vec<Finding> {
    let issued = ["cert-manager.io/cluster-issuer", "cert-manager.io/issuer", "kubernetes.io/tls-acme"]
        .iter()
        .any(|key| !ingress.annotation(key).is_empty());
    let mut findings = Vec::new();
    for (i, tls) in ingress.list("/spec/tls").iter().enumerate() {
        let re = ObjectRef::new("Secret", ingress.namespace(), string(tls, "secretName"));
        if re.name.is_empty() || !evidence.lookup(&re).is_absent() {
            continue;
        }
        let (path, name) = (ingress.re.path(), &re.name);
        let statement = text(
            format!("Ingress {path} 的 TLS Secret {name} 不存在"),
            format!("TLS secret {name} of ingress {path} does not exist"),
        );
        let finding = Finding::new(Class::IngressTlsSecretMissing, &ingress.re, statement)
            .cite(Cite::field(ingress, &format!("/spec/tls/{i}/secretName")))
            .cite(Cite::absent(&re));
        findings.push(if issued {
            finding.fix(
                text("看 cert-manager 为什么还没有签发", "see why cert-manager has not issued it"),
                format!("kubectl describe certificate,certificaterequest,order -n {}", ingress.namespace()),
            )
        } else {
            finding.fix(
                text("用证书和私钥创建它", "make it from the certificate and its key"),
                format!("kubectl create secret tls {name} -n {} --cert=tls.crt --key=tls.key", ingress.namespace()),
            )
        });
    }
    findings
}

/// `(host, path, type)` of every rule, with the service behind it.
fn routes(ingress: &Object) -> Vec<([&str; 3], &str)> {
    let mut routes = Vec::new();
    for rule in ingress.list("/spec/rules") {
        for path in rule["http"]["paths"].as_array().into_iter().flatten() {
            let at = match string(path, "path") {
                "" => "/",
                at => at,
            };
            let route = [string(rule, "host"), at, string(path, "pathType")];
            routes.push((route, string(&path["backend"]["service"], "name")));
        }
    }
    routes
}

/// The younger of two ingresses that claim the same route for different services.
fn conflict(evidence: &Evidence, ingress: &Object) -> Option<Finding> {
    let canary = |i: &Object| i.annotation("nginx.ingress.kubernetes.io/canary") == "true";
    let mine = routes(ingress);
    let older = |other: &&Object| {
        other.re != ingress.re
            && class_name(other) == class_name(ingress)
            && (other.created(), &other.re) < (ingress.created(), &ingress.re)
            && !canary(other)
    };
    if canary(ingress) {
        return None;
    }
    let clash = |other: &Object| {
        let theirs = routes(other);
        let same = |(route, service): &&([&str; 3], &str)| {
            let differs = |s: &str| s != *service || other.namespace() != ingress.namespace();
            theirs.iter().any(|(r, s)| r == route && differs(s))
        };
        mine.iter().find(same).map(|(route, service)| (*route, (*service).to_owned()))
    };
    let (other, (route, service)) = evidence.kind("Ingress").filter(older).find_map(|o| Some((o, clash(o)?)))?;
    let [host, at, _] = route;
    let (path, earlier) = (ingress.re.path(), other.re.path());
    let statement = text(
        format!("Ingress {path} 与更早的 {earlier} 都声明了 {host}{at}，到 {service} 的流量不会生效"),
        format!(
            "ingress {path} claims {host}{at}, which the older {earlier} claims too, so nothing is sent to {service}"
        ),
    );
    let finding = Finding::new(Class::IngressHostConflict, &ingress.re, statement)
        .cite(Cite::field(ingress, "/spec/rules"))
        .cite(Cite::field(other, "/spec/rules"))
        .fix(
            text("改用别的主机名或路径", "give it another host or path"),
            format!("kubectl edit ingress {}{}", ingress.name(), ingress.re.flag()),
        );
    Some(finding)
}
