//! APIs that do not answer, or that a program or a controller asks for and the cluster does not serve.

use std::collections::BTreeSet;

use crate::class::Class;
use crate::evidence::Evidence;
use crate::finding::{Cite, Finding, text};
use crate::near::nearest;
use crate::object::{Object, ObjectRef, text as string};
use crate::pattern::{Pattern, part};
use crate::rules::refusal::{Refusal, parse};
use crate::rules::said::{Said, by_components, by_programs};

pub fn apis(evidence: &Evidence) -> Vec<Finding> {
    let mut findings: Vec<Finding> = evidence.kind("APIService").filter_map(|api| unavailable(evidence, api)).collect();
    let mut seen = BTreeSet::new();
    for said in by_components(evidence).chain(by_programs(evidence)) {
        let found = unserved(evidence, &said).or_else(|| immutable(evidence, &said));
        findings.extend(found.filter(|f| seen.insert((f.object.clone(), f.class))));
    }
    findings
}

fn unavailable(evidence: &Evidence, api: &Object) -> Option<Finding> {
    let available = api.condition("Available").filter(|c| c.status == "False")?;
    let name = api.name();
    let service = ObjectRef::new("Service", api.str("/spec/service/namespace"), api.str("/spec/service/name"));
    let why = available.message;
    let statement = text(
        format!("聚合 API {name} 不可用（{}）：{why}", available.reason),
        format!("aggregated API {name} is not available ({}): {why}", available.reason),
    );
    let mut finding = Finding::new(Class::ApiServiceUnavailable, &api.re, statement)
        .cite(Cite::field(api, &format!("/status/conditions/{}/message", available.index)));
    if evidence.lookup(&service).is_absent() {
        finding = finding.cite(Cite::absent(&service)).fix(
            text(
                format!("重新安装提供 {service} 的组件；确认不再使用时删除这个 APIService"),
                format!(
                    "install what provides {service} again; or, if nothing uses it any more, delete the API service"
                ),
            ),
            format!("kubectl delete apiservice {name}"),
        );
    }
    Some(
        finding
            .fix(
                text("看后端的 Pod 和端点", "look at the backend and its endpoints"),
                format!(
                    "kubectl describe apiservice {name}; kubectl get service,endpoints,pods -n {}",
                    service.namespace
                ),
            )
            .because(service),
    )
}

static NO_KIND: Pattern = Pattern::new(
    r#"no matches for kind \\*"([^"\\]+)\\*" in (?:version \\*"(?:([^"\\/]+)/)?([^"\\/]+)\\*"|group \\*"([^"\\]*)\\*")"#,
);
static NO_RESOURCE: Pattern = Pattern::new(
    r"the server could not find the requested resource \((?:get|post|put|patch|list|watch) ([a-z0-9]+)\.([a-z0-9.-]+)\)",
);

/// Groups whose kinds the API server brings itself: what is missing there was removed, not forgotten.
fn is_built_in(group: &str) -> bool {
    matches!(group, "" | "apps" | "batch" | "extensions" | "policy" | "autoscaling" | "events.k8s.io")
        || ["networking.k8s.io", "rbac.authorization.k8s.io", "storage.k8s.io", "apiextensions.k8s.io"].contains(&group)
        || ["admissionregistration.k8s.io", "scheduling.k8s.io", "node.k8s.io", "discovery.k8s.io"].contains(&group)
        || ["certificates.k8s.io", "coordination.k8s.io", "apiregistration.k8s.io"].contains(&group)
        || ["flowcontrol.apiserver.k8s.io", "authentication.k8s.io", "authorization.k8s.io"].contains(&group)
}

/// A kind or resource that somebody asked for: its name, group, and version where one was named.
struct Asked<'t> {
    what: &'t str,
    group: &'t str,
    version: &'t str,
    is_kind: bool,
}

fn asked(text: &str) -> Option<Asked<'_>> {
    if let Some(c) = NO_KIND.captures(text) {
        let group = c.get(2).or(c.get(4)).map_or("", |m| m.as_str());
        return Some(Asked { what: part(&c, 1), group, version: part(&c, 3), is_kind: true });
    }
    let c = NO_RESOURCE.captures(text)?;
    Some(Asked { what: part(&c, 1), group: part(&c, 2), version: "", is_kind: false })
}

fn unserved(evidence: &Evidence, said: &Said) -> Option<Finding> {
    let asked = asked(said.text)?;
    // metrics are served by an aggregated API, and the autoscaler tells of its target itself
    if asked.group.ends_with("metrics.k8s.io") || said.about.kind() == "HorizontalPodAutoscaler" {
        return None;
    }
    let plural = |crd: &Object| crd.str("/spec/names/plural").to_owned();
    let named = |crd: &&Object| {
        if asked.is_kind { crd.str("/spec/names/kind") == asked.what } else { plural(crd) == asked.what }
    };
    let in_group: Vec<&Object> =
        evidence.kind("CustomResourceDefinition").filter(|c| c.str("/spec/group") == asked.group).collect();
    let served: Vec<&str> = in_group.iter().copied().filter(named).flat_map(served).collect();
    if served.contains(&asked.version) || !served.is_empty() && asked.version.is_empty() {
        return None;
    }
    let root = evidence.root(said.about);
    let finding = if is_built_in(asked.group) || !served.is_empty() {
        removed(root, &asked, &served)
    } else if evidence.is_listed("CustomResourceDefinition", "") {
        missing(root, &asked, &in_group)
    } else {
        missing(root, &asked, &in_group).likely()
    };
    Some(finding.cite(said.cite.clone()).seen_on(&said.about.re))
}

fn served(crd: &Object) -> Vec<&str> {
    let versions = crd.list("/spec/versions").iter();
    versions.filter(|v| v["served"] == true).map(|v| string(v, "name")).collect()
}

fn removed(root: &Object, asked: &Asked, served: &[&str]) -> Finding {
    let version = [asked.group, asked.version].into_iter().filter(|p| !p.is_empty()).collect::<Vec<_>>().join("/");
    let now = replacement(asked).map_or_else(|| served.join(", "), str::to_owned);
    let (zh, en) = if now.is_empty() {
        Default::default()
    } else {
        (format!("，现在提供的是 {now}"), format!("; it serves {now}"))
    };
    let what = asked.what;
    let statement = text(
        format!("{} 使用 {what} 的 {version}，集群不再提供这个版本{zh}", root.re),
        format!("{} asks for {what} in {version}, which the cluster no longer serves{en}", root.re),
    );
    Finding::new(Class::ApiVersionRemoved, &root.re, statement).advice(text(
        format!("升级程序或清单，改用集群提供的版本{}", if now.is_empty() { String::new() } else { format!(" {now}") }),
        format!("upgrade the program or the manifest to a version that the cluster serves {now}").trim().to_owned(),
    ))
}

/// Where a removed built-in version went.
fn replacement(asked: &Asked) -> Option<&'static str> {
    Some(match (asked.what, asked.group) {
        ("Ingress" | "ingresses" | "NetworkPolicy" | "IngressClass", "extensions" | "networking.k8s.io") => {
            "networking.k8s.io/v1"
        }
        ("Deployment" | "DaemonSet" | "ReplicaSet" | "StatefulSet", "extensions" | "apps") => "apps/v1",
        ("CronJob" | "cronjobs", "batch") => "batch/v1",
        ("PodDisruptionBudget" | "poddisruptionbudgets", "policy") => "policy/v1",
        ("PodSecurityPolicy" | "podsecuritypolicies", "policy" | "extensions") => "Pod Security admission",
        ("HorizontalPodAutoscaler" | "horizontalpodautoscalers", "autoscaling") => "autoscaling/v2",
        ("EndpointSlice" | "endpointslices", "discovery.k8s.io") => "discovery.k8s.io/v1",
        ("CustomResourceDefinition" | "customresourcedefinitions", "apiextensions.k8s.io") => "apiextensions.k8s.io/v1",
        _ => return None,
    })
}

fn missing(root: &Object, asked: &Asked, in_group: &[&Object]) -> Finding {
    let (what, group) = (asked.what, asked.group);
    let field = if asked.is_kind { "/spec/names/kind" } else { "/spec/names/plural" };
    let near = nearest(what, in_group.iter().map(|crd| crd.str(field)));
    let (zh, en) = near.map_or_else(Default::default, |n| (format!("（相近的有 {n}）"), format!(" (there is {n})")));
    let statement = text(
        format!("集群里没有 {what}（{group}）的 CRD，而 {} 需要它{zh}", root.re),
        format!("the cluster has no custom resource definition for {what} ({group}), which {} needs{en}", root.re),
    );
    Finding::new(Class::CrdMissing, &root.re, statement)
        .fix(
            text(format!("看 {group} 下已安装的 CRD"), format!("see which definitions of {group} are installed")),
            format!("kubectl get crd -o name | grep -F '{group}'"),
        )
        .advice(text(
            format!("安装提供 {group} 的组件的 CRD，再重启 {}", root.re),
            format!("install the definitions of the component that provides {group}, then restart {}", root.re),
        ))
}

/// An update that a controller or a deploy job tried and that no object of that kind allows.
fn immutable(evidence: &Evidence, said: &Said) -> Option<Finding> {
    if said.about.kind() == "Pod" && crate::pod::is_ready(said.about) {
        return None;
    }
    let Refusal::Immutable { what, name, why } = parse(said.text)? else { return None };
    let namespace = said.about.namespace();
    let named = [namespace, ""].into_iter().find_map(|ns| evidence.find(what, ns, name));
    let object = named.unwrap_or_else(|| evidence.root(said.about));
    let path = &object.re;
    let why = why.chars().take(400).collect::<String>();
    let statement = text(
        format!("对 {path} 的更新被拒绝，改动了不可变字段：{why}"),
        format!("an update of {path} is refused because it changes a field that may not change: {why}"),
    );
    let finding = Finding::new(Class::ImmutableField, path, statement)
        .cite(said.cite.clone())
        .seen_on(&said.about.re)
        .seen_on(&evidence.root(said.about).re);
    Some(if object.kind() == "StatefulSet" {
        finding.fix(
            text(
                "保留 Pod 和数据，只删除 StatefulSet 对象，再应用新清单",
                "delete the stateful set only, keeping its pods and data, then apply the new manifest",
            ),
            format!("kubectl delete {}{} --cascade=orphan", path.arg(), path.flag()),
        )
    } else {
        finding.advice(text(
            "还原该字段，或以新名字重建对象",
            "put the field back, or make the object anew under another name",
        ))
    })
}
