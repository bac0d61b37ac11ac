//! Horizontal pod autoscalers that cannot scale, or that have nothing left to scale to.

use serde_json::Value;

use crate::class::Class;
use crate::evidence::Evidence;
use crate::finding::{Cite, Finding, text};
use crate::near::nearest;
use crate::object::{Condition, Object, ObjectRef, text as string};
use crate::pattern::{Pattern, part};
use crate::rules::serving::WORKLOADS;
use crate::rules::workloads::unready;

pub fn autoscalers(evidence: &Evidence) -> Vec<Finding> {
    evidence.kind("HorizontalPodAutoscaler").flat_map(|hpa| findings(evidence, hpa)).collect()
}

fn target(hpa: &Object) -> ObjectRef {
    ObjectRef::new(hpa.str("/spec/scaleTargetRef/kind"), hpa.namespace(), hpa.str("/spec/scaleTargetRef/name"))
}

fn cite(hpa: &Object, condition: &Condition) -> Cite {
    Cite::field(hpa, &format!("/status/conditions/{}/message", condition.index))
}

fn findings(evidence: &Evidence, hpa: &Object) -> Vec<Finding> {
    let target = target(hpa);
    let no_scale = hpa.condition("AbleToScale").filter(|c| c.status == "False" && c.reason == "FailedGetScale");
    if let Some(finding) = no_target(evidence, hpa, &target, no_scale) {
        return vec![finding];
    }
    if let Some(condition) = hpa.condition("ScalingActive").filter(|c| c.status == "False") {
        return inactive(evidence, hpa, &target, condition);
    }
    if let Some(condition) = no_scale {
        return vec![not_scaling(hpa, condition).because(target)];
    }
    at_maximum(hpa, &target).into_iter().collect()
}

fn not_scaling(hpa: &Object, condition: Condition) -> Finding {
    let (path, why) = (hpa.re.path(), condition.message);
    let statement = text(
        format!("HPA {path} 无法伸缩（{}）：{why}", condition.reason),
        format!("autoscaler {path} cannot scale ({}): {why}", condition.reason),
    );
    Finding::new(Class::HpaNotScaling, &hpa.re, statement).cite(cite(hpa, &condition))
}

fn no_target(evidence: &Evidence, hpa: &Object, target: &ObjectRef, no_scale: Option<Condition>) -> Option<Finding> {
    let told = no_scale.is_some_and(|c| c.message.contains("not found") || c.message.contains("no matches for kind"));
    let known = WORKLOADS.contains(&target.kind.as_str());
    if !(told && evidence.get(target).is_none() || known && evidence.lookup(target).is_absent()) {
        return None;
    }
    let path = hpa.re.path();
    let statement = text(
        format!("HPA {path} 的目标 {target} 不存在"),
        format!("the target {target} of autoscaler {path} does not exist"),
    );
    let mut finding = Finding::new(Class::HpaTargetNotFound, &hpa.re, statement)
        .cite(Cite::field(hpa, "/spec/scaleTargetRef"))
        .cites(no_scale.map(|c| cite(hpa, &c)));
    let same_name = WORKLOADS.iter().find_map(|kind| evidence.find(kind, hpa.namespace(), &target.name));
    let names = evidence.kind_in(&target.kind, hpa.namespace()).map(Object::name);
    let near = nearest(&target.name, names).and_then(|n| evidence.find(&target.kind, hpa.namespace(), n));
    if let Some(right) = same_name.or(near) {
        let patch = serde_json::json!({"spec": {"scaleTargetRef": {"kind": right.kind(), "name": right.name()}}});
        finding = finding.fix(
            text(format!("把目标改为已有的 {}", right.re), format!("point it at {}, which exists", right.re)),
            format!("kubectl patch hpa {}{} --type merge -p '{patch}'", hpa.name(), hpa.re.flag()),
        );
    }
    Some(finding.advice(text(
        "改正 scaleTargetRef；目标已不再使用时删除这个 HPA",
        "correct scaleTargetRef, or delete the autoscaler if its target is gone for good",
    )))
}

static NO_REQUEST: Pattern =
    Pattern::new(r"missing request for ([\w.-]+)(?: in container (\S+) of Pod (\S+)| on container (\S+) in pod \S+)?");
static METRICS_API: Pattern = Pattern::new(r"from (resource|custom|external) metrics API|(metrics\.k8s\.io)");

fn inactive(evidence: &Evidence, hpa: &Object, target: &ObjectRef, condition: Condition) -> Vec<Finding> {
    // whoever scaled the target to zero is the cause, and that finding names this autoscaler
    if condition.reason == "ScalingDisabled" {
        return Vec::new();
    }
    let symptom = not_scaling(hpa, condition).because(target.clone());
    let events = evidence.events(&hpa.re).iter().rev().map(|e| e.message.as_str());
    if let Some(message) = std::iter::once(condition.message).chain(events).find(|m| NO_REQUEST.is_match(m)) {
        let cause = no_request(evidence, hpa, target, message).cite(cite(hpa, &condition));
        return vec![symptom.because(cause.object.clone()), cause];
    }
    if !condition.reason.starts_with("FailedGet") && condition.reason != "FailedComputeMetricsReplicas" {
        return vec![symptom];
    }
    vec![symptom, no_metrics(evidence, hpa, target, condition)]
}

fn no_request(evidence: &Evidence, hpa: &Object, target: &ObjectRef, message: &str) -> Finding {
    let captures = NO_REQUEST.captures(message);
    let group = |n| captures.as_ref().map_or("", |c| part(c, n)).trim_end_matches(['.', ',', ';']);
    let resource = if group(1).is_empty() { "cpu" } else { group(1) };
    let workload = evidence.get(target);
    let lacks = |w: &&Object| {
        let containers = w.at("/spec/template/spec/containers").as_array().into_iter().flatten();
        let mut without = containers
            .filter(|c| c["resources"]["requests"][resource].is_null() && c["resources"]["limits"][resource].is_null());
        without.next().map(|c| string(c, "name").to_owned())
    };
    let told = [group(2), group(4)].into_iter().find(|c| !c.is_empty()).map(str::to_owned);
    let container = told.or_else(|| workload.as_ref().and_then(lacks)).unwrap_or_default();
    let object = workload.map_or(&hpa.re, |w| &w.re);
    let path = hpa.re.path();
    let statement = text(
        format!("{target} 的容器 {container} 没有设置 {resource} 请求，HPA {path} 算不出利用率"),
        format!(
            "container {container} of {target} requests no {resource}, so autoscaler {path} cannot compute its utilization"
        ),
    );
    let mut finding = Finding::new(Class::HpaNoRequests, object, statement).seen_on(&hpa.re);
    if let Some(workload) = workload {
        let containers = workload.list("/spec/template/spec/containers").iter();
        if let Some(i) = containers.clone().position(|c| string(c, "name") == container) {
            finding = finding.cite(Cite::field(workload, &format!("/spec/template/spec/containers/{i}/resources")));
        }
    }
    let amount = if resource == "memory" { "256Mi" } else { "200m" };
    finding.fix(
        text("给容器设置请求（数值按实际用量调整）", "set the request (adjust the amount to the real use)"),
        format!(
            "kubectl set resources {}{} -c={container} --requests={resource}={amount}",
            target.arg(),
            target.flag()
        ),
    )
}

fn no_metrics(evidence: &Evidence, hpa: &Object, target: &ObjectRef, condition: Condition) -> Finding {
    let message = condition.message;
    let api = match METRICS_API.first(message) {
        Some("custom") => "v1beta1.custom.metrics.k8s.io",
        Some("external") => "v1beta1.external.metrics.k8s.io",
        _ if condition.reason == "FailedGetExternalMetric" => "v1beta1.external.metrics.k8s.io",
        _ if matches!(condition.reason, "FailedGetPodsMetric" | "FailedGetObjectMetric") => {
            "v1beta1.custom.metrics.k8s.io"
        }
        _ => "v1beta1.metrics.k8s.io",
    };
    let api = ObjectRef::cluster("APIService", api);
    let path = hpa.re.path();
    let statement = text(
        format!("HPA {path} 取不到指标（{}）：{message}", condition.reason),
        format!("autoscaler {path} gets no metrics ({}): {message}", condition.reason),
    );
    let mut finding =
        Finding::new(Class::HpaNoMetrics, &hpa.re, statement).cite(cite(hpa, &condition)).because(api.clone());
    if evidence.lookup(&api).is_absent() {
        let installs = if api.name.contains("custom") || api.name.contains("external") {
            (
                "安装提供它的适配器（如 prometheus-adapter 或 KEDA）",
                "install the adapter that provides it, such as prometheus-adapter or KEDA",
            )
        } else {
            ("安装 metrics-server", "install metrics-server")
        };
        finding = finding.cite(Cite::absent(&api)).advice(text(installs.0, installs.1));
    }
    // pods that are not ready give no usage: then their own trouble comes first
    let unusable = message.contains("unready") || message.contains("no metrics returned from resource metrics API");
    if let Some(workload) = evidence.get(target).filter(|_| unusable) {
        for pod in unready(evidence, workload) {
            finding = finding.because(pod.re.clone());
        }
    }
    finding.fix(
        text("看指标接口是否可用", "see whether the metrics API answers"),
        format!("kubectl get apiservice {}; kubectl top pods -n {}", api.name, hpa.namespace()),
    )
}

/// One metric as the autoscaler reports it: what it is, and what it should be.
fn load(current: &Value, wanted: &[Value]) -> Option<(String, f64, f64)> {
    let name = string(&current["resource"], "name");
    let wanted = wanted.iter().find(|w| string(&w["resource"], "name") == name && w["type"] == current["type"])?;
    let now = current["resource"]["current"]["averageUtilization"].as_f64()?;
    let aim = wanted["resource"]["target"]["averageUtilization"].as_f64()?;
    Some((name.to_owned(), now, aim))
}

fn at_maximum(hpa: &Object, target: &ObjectRef) -> Option<Finding> {
    let limited = hpa.condition("ScalingLimited").filter(|c| c.is_true() && c.reason == "TooManyReplicas")?;
    let maximum = hpa.int("/spec/maxReplicas")?;
    if hpa.int("/status/currentReplicas").unwrap_or(0) < maximum {
        return None;
    }
    let loads: Vec<(String, f64, f64)> =
        (hpa.list("/status/currentMetrics").iter()).filter_map(|m| load(m, hpa.list("/spec/metrics"))).collect();
    if !loads.is_empty() && loads.iter().all(|(_, now, aim)| now <= aim) {
        return None;
    }
    let shown: Vec<String> = loads.iter().map(|(name, now, aim)| format!("{name} {now}%/{aim}%")).collect();
    let shown = if shown.is_empty() { String::new() } else { format!(" ({})", shown.join(", ")) };
    let needed = loads.iter().map(|(_, now, aim)| (maximum as f64 * now / aim).ceil() as i64).max();
    let raised = needed.unwrap_or(maximum * 2).clamp(maximum + 1, maximum * 4);
    let path = hpa.re.path();
    let statement = text(
        format!("HPA {path} 已到最大副本数 {maximum}，负载仍高于目标{shown}"),
        format!(
            "autoscaler {path} is at its maximum of {maximum} replicas and the load is still above its target{shown}"
        ),
    );
    let finding = Finding::new(Class::HpaAtMaximum, &hpa.re, statement)
        .cite(cite(hpa, &limited))
        .cite(Cite::field(hpa, "/spec/maxReplicas"))
        .seen_on(target)
        .fix(
            text(
                format!("集群有余量时把上限提高到 {raised}"),
                format!("if the cluster has room, raise the maximum to {raised}"),
            ),
            format!(
                "kubectl patch hpa {}{} --type merge -p '{{\"spec\":{{\"maxReplicas\":{raised}}}}}'",
                hpa.name(),
                hpa.re.flag()
            ),
        );
    Some(finding)
}
