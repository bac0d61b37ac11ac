//! Controllers whose pods the API server refuses to create, and what refuses them.

use serde_json::Value;

use crate::class::Class;
use crate::evidence::Evidence;
use crate::finding::{Cite, Finding, text};
use crate::near::nearest;
use crate::object::{Object, ObjectRef};
use crate::rules::refusal::{Refusal, parse};

const CREATORS: &[&str] =
    &["Deployment", "ReplicaSet", "ReplicationController", "StatefulSet", "DaemonSet", "Job", "CronJob"];
const REASONS: &[&str] = &["FailedCreate", "ReplicaSetCreateError", "FailedCreateJob"];

/// A creation that failed: by whom, and the controller's own words.
struct Attempt<'a> {
    by: &'a Object,
    root: &'a Object,
    cite: Cite,
    refusal: Refusal<'a>,
}

pub fn refused(evidence: &Evidence) -> Vec<Finding> {
    let creators = CREATORS.iter().flat_map(|kind| evidence.kind(kind)).filter(|o| lacks_pods(evidence, o));
    creators.flat_map(|by| creation(evidence, by)).collect()
}

fn creation(evidence: &Evidence, by: &Object) -> Vec<Finding> {
    match attempt(evidence, by) {
        Some(attempt) => findings(evidence, &attempt),
        None => unexplained(evidence, by),
    }
}

/// Whether a controller wants more pods than it has made. An old failure of one that has them all is history.
fn lacks_pods(evidence: &Evidence, by: &Object) -> bool {
    let status = |field: &str| by.int(field).unwrap_or(0);
    if by.deleting_since().is_some() {
        return false;
    }
    match by.kind() {
        "ReplicaSet" | "ReplicationController" | "StatefulSet" => {
            by.int("/spec/replicas").unwrap_or(1) > status("/status/replicas")
        }
        "DaemonSet" => status("/status/desiredNumberScheduled") > status("/status/currentNumberScheduled"),
        "Job" => {
            let over = by.conditions().any(|c| matches!(c.kind, "Complete" | "Failed" | "Suspended") && c.is_true());
            !over && status("/status/active") == 0
        }
        "CronJob" => {
            let failed = evidence.event(&by.re, REASONS).and_then(|e| e.last);
            failed.is_some() && failed > by.time("/status/lastScheduleTime")
        }
        "Deployment" => {
            let wants = by.int("/spec/replicas").unwrap_or(1);
            wants > status("/status/updatedReplicas") || wants > status("/status/replicas")
        }
        _ => false,
    }
}

/// The newest failure whose text is understood: admission runs in a fixed order, so it is the one that holds now. The
/// condition keeps the first failure, so it speaks only when the events are gone.
fn attempt<'a>(evidence: &'a Evidence, by: &'a Object) -> Option<Attempt<'a>> {
    let root = evidence.root(by);
    let events = evidence.events(&by.re).iter().rev().filter(|e| REASONS.contains(&e.reason.as_str()));
    for event in events {
        if let Some(refusal) = parse(&event.message) {
            return Some(Attempt { by, root, cite: event.cite(), refusal });
        }
    }
    let told = |set: &Object| evidence.events(&set.re).iter().any(|e| REASONS.contains(&e.reason.as_str()));
    if by.kind() == "Deployment" && evidence.owned(by).any(told) {
        return None;
    }
    let failure = by.condition("ReplicaFailure").filter(|c| c.is_true())?;
    let cite = Cite::field(by, &format!("/status/conditions/{}/message", failure.index));
    Some(Attempt { by, root, cite, refusal: parse(failure.message)? })
}

/// Creation fails with a text that has no class: the symptom alone, with the text.
fn unexplained(evidence: &Evidence, by: &Object) -> Vec<Finding> {
    let Some(event) = evidence.event(&by.re, REASONS) else { return Vec::new() };
    let root = evidence.root(by);
    let message = &event.message;
    let statement = text(
        format!("{} 无法创建 Pod：{message}", root.re.path()),
        format!("{} cannot create pods: {message}", root.re.path()),
    );
    vec![Finding::new(Class::PodsNotCreated, &root.re, statement).cite(event.cite()).seen_on(&by.re)]
}

fn findings(evidence: &Evidence, attempt: &Attempt) -> Vec<Finding> {
    let cause = cause(evidence, attempt);
    let because = match (&attempt.refusal, &cause) {
        (Refusal::NamespaceTerminating { name }, _) => Some(ObjectRef::cluster("Namespace", name)),
        (_, Some(cause)) => Some(cause.object.clone()),
        (_, None) => None,
    };
    let path = attempt.root.re.path();
    let statement = text(format!("{path} 的 Pod 无法创建"), format!("the pods of {path} cannot be created"));
    let mut symptom = Finding::new(Class::PodsNotCreated, &attempt.root.re, statement)
        .cite(attempt.cite.clone())
        .seen_on(&attempt.by.re);
    if let Some(because) = because {
        symptom = symptom.because(because);
    }
    std::iter::once(symptom).chain(cause).collect()
}

fn cause(evidence: &Evidence, attempt: &Attempt) -> Option<Finding> {
    let finding = match &attempt.refusal {
        Refusal::QuotaExceeded { quota, requested, used, limited } => {
            quota_exceeded(evidence, attempt, quota, [requested, used, limited])
        }
        Refusal::QuotaScope { scopes } => quota_scope(attempt, scopes),
        Refusal::QuotaNeeds { quota, what } => quota_needs(attempt, quota, what),
        Refusal::LimitRange { why } => limit_range(evidence, attempt, why),
        Refusal::ServiceAccount { name } => service_account(evidence, attempt, name),
        Refusal::PodSecurity { profile, why } => pod_security(attempt, profile, why),
        Refusal::WebhookDenied { webhook, why } => webhook_denied(attempt, webhook, why),
        Refusal::WebhookUnreachable { webhook, why } => webhook_unreachable(evidence, attempt, webhook, why),
        Refusal::PriorityClass { name } => priority_class(evidence, attempt, name),
        Refusal::RuntimeClass { name } => runtime_class(evidence, attempt, name),
        Refusal::NamespaceTerminating { .. } => return None,
        Refusal::Immutable { why, .. } => immutable(attempt, why),
        Refusal::Invalid { field, why, .. } => invalid(attempt, field, why),
    };
    Some(finding.cite(attempt.cite.clone()).seen_on(&attempt.by.re))
}

fn on_root(attempt: &Attempt, class: Class, zh: String, en: String) -> Finding {
    Finding::new(class, &attempt.root.re, text(zh, en))
}

/// The quota's own numbers, only for the resources that do not fit.
fn quota_exceeded(evidence: &Evidence, attempt: &Attempt, quota: &str, numbers: [&str; 3]) -> Finding {
    let [requested, used, limited] = numbers;
    let ns = attempt.by.namespace();
    let re = ObjectRef::new("ResourceQuota", ns, quota);
    let root = attempt.root.re.path();
    let statement = text(
        format!("配额 {ns}/{quota} 已不够：{root} 还要 {requested}，已用 {used}，上限 {limited}"),
        format!("quota {ns}/{quota} is used up: {root} asks for {requested} more, {used} are used of {limited}"),
    );
    let mut finding = Finding::new(Class::ResourceQuotaExceeded, &re, statement).seen_on(&attempt.root.re);
    if let Some(quota) = evidence.get(&re) {
        finding = finding.cite(Cite::field(quota, "/status/used")).cite(Cite::field(quota, "/spec/hard"));
    }
    let hard = raised(requested, used);
    finding
        .fix(
            text(
                format!("把配额提高到 {hard}（先确认集群有余量）"),
                format!("raise the quota to {hard}, if the cluster has room for it"),
            ),
            format!("kubectl patch resourcequota {quota} -n {ns} --type merge -p '{}'", hard_patch(requested, used)),
        )
        .advice(text(
            format!("或减少 {root} 的副本数或资源请求，或清理命名空间 {ns} 里不再需要的负载"),
            format!("or give {root} fewer replicas or smaller requests, or remove workloads that {ns} no longer needs"),
        ))
}

/// `cpu=2,memory=1Gi` as pairs.
fn pairs(list: &str) -> Vec<(&str, &str)> {
    list.split(',').filter_map(|item| item.trim().split_once('=')).collect()
}

/// What the quota has to be for one more pod: used and requested together.
fn sums(requested: &str, used: &str) -> Vec<(String, String)> {
    let used = pairs(used);
    let sum = |(resource, asked): (&str, &str)| {
        let taken = used.iter().find(|(name, _)| *name == resource).map_or("0", |(_, value)| value);
        (resource.to_owned(), crate::rules::refusal::add(asked, taken))
    };
    pairs(requested).into_iter().map(sum).collect()
}

fn raised(requested: &str, used: &str) -> String {
    let sums: Vec<String> = sums(requested, used).into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    sums.join(",")
}

fn hard_patch(requested: &str, used: &str) -> String {
    let hard: serde_json::Map<String, Value> =
        sums(requested, used).into_iter().map(|(name, value)| (name, Value::String(value))).collect();
    serde_json::json!({"spec": {"hard": hard}}).to_string()
}

fn quota_scope(attempt: &Attempt, scopes: &str) -> Finding {
    let (root, ns) = (attempt.root.re.path(), attempt.by.namespace());
    on_root(
        attempt,
        Class::ResourceQuotaExceeded,
        format!("{root} 的优先级类在命名空间 {ns} 里没有配额：{scopes}"),
        format!("namespace {ns} has no quota for the priority class of {root}: {scopes}"),
    )
    .advice(text(
        format!("在 {ns} 里建立一个 scopeSelector 匹配该优先级类的 ResourceQuota，或换用别的优先级类"),
        format!("give {ns} a ResourceQuota whose scopeSelector matches that priority class, or use another class"),
    ))
}

fn quota_needs(attempt: &Attempt, quota: &str, what: &str) -> Finding {
    let root = &attempt.root.re;
    let resources: Vec<&str> =
        what.split([';', ',']).filter_map(|r| r.split_whitespace().next()).filter(|r| r.contains('.')).collect();
    let flag = |group: &str| {
        let values: Vec<String> = (resources.iter().filter_map(|r| r.strip_prefix(group)))
            .map(|r| format!("{r}={}", if r == "cpu" { "500m" } else { "256Mi" }))
            .collect();
        if values.is_empty() {
            String::new()
        } else {
            format!(" --{}={}", group.trim_end_matches('.'), values.join(","))
        }
    };
    on_root(
        attempt,
        Class::ResourceQuotaNeedsRequests,
        format!("配额 {quota} 要求每个容器写明 {what}，{} 没有写", root.path()),
        format!("quota {quota} demands that every container sets {what}; {} does not", root.path()),
    )
    .fix(
        text("给容器设置资源（数值请按实际用量调整）", "set the resources (adjust the amounts to the real use)"),
        format!("kubectl set resources {}{}{}{}", root.arg(), root.flag(), flag("requests."), flag("limits.")),
    )
}

fn limit_range(evidence: &Evidence, attempt: &Attempt, why: &str) -> Finding {
    let (root, ns) = (&attempt.root.re, attempt.by.namespace());
    let mut finding = on_root(
        attempt,
        Class::LimitRangeViolation,
        format!("{} 违反命名空间 {ns} 的 LimitRange：{why}", root.path()),
        format!("{} breaks the limit range of namespace {ns}: {why}", root.path()),
    );
    if let Some(range) = evidence.kind_in("LimitRange", ns).next() {
        finding = finding.cite(Cite::field(range, "/spec/limits"));
    }
    finding
        .fix(
            text("看 LimitRange 允许的范围", "see what the limit range allows"),
            format!("kubectl describe limitrange -n {ns}"),
        )
        .fix(
            text("把容器的资源改到允许的范围内", "bring the container's resources within it"),
            format!("kubectl edit {}{}", root.arg(), root.flag()),
        )
}

fn service_account(evidence: &Evidence, attempt: &Attempt, name: &str) -> Finding {
    let (root, ns) = (&attempt.root.re, attempt.by.namespace());
    let re = ObjectRef::new("ServiceAccount", ns, name);
    let names = evidence.kind_in("ServiceAccount", ns).map(Object::name).filter(|n| *n != "default");
    let mut finding = on_root(
        attempt,
        Class::ServiceAccountNotFound,
        format!("{} 使用的 ServiceAccount {ns}/{name} 不存在", root.path()),
        format!("service account {ns}/{name}, which {} uses, does not exist", root.path()),
    );
    if evidence.lookup(&re).is_absent() {
        finding = finding.cite(Cite::absent(&re));
    }
    if let Some(near) = nearest(name, names) {
        finding = finding.fix(
            text(format!("改用已有的 {near}"), format!("use {near}, which exists")),
            format!("kubectl set serviceaccount {}{} {near}", root.arg(), root.flag()),
        );
    }
    finding.fix(
        text("或创建这个 ServiceAccount", "or create the service account"),
        format!("kubectl create serviceaccount {name} -n {ns}"),
    )
}

fn pod_security(attempt: &Attempt, profile: &str, why: &str) -> Finding {
    let (root, ns) = (&attempt.root.re, attempt.by.namespace());
    let why: String = why.chars().take(600).collect();
    on_root(
        attempt,
        Class::PodSecurityViolation,
        format!("{} 不满足命名空间 {ns} 的 Pod Security {profile}：{why}", root.path()),
        format!("{} does not meet Pod Security {profile} of namespace {ns}: {why}", root.path()),
    )
    .fix(
        text("按上面列出的字段改 securityContext", "set the securityContext fields named above"),
        format!("kubectl edit {}{}", root.arg(), root.flag()),
    )
    .advice(text(
        format!("确需特权时，把它放到 enforce 级别更低的命名空间，而不是放宽 {ns}"),
        format!("if it truly needs the privilege, run it in a namespace with a lower enforce level; do not relax {ns}"),
    ))
}

fn webhook_denied(attempt: &Attempt, webhook: &str, why: &str) -> Finding {
    let root = &attempt.root.re;
    let why = if why.is_empty() { "without explanation" } else { why.trim() };
    let why: String = why.chars().take(600).collect();
    on_root(
        attempt,
        Class::AdmissionWebhookDenied,
        format!("准入策略 {webhook} 拒绝了 {}：{why}", root.path()),
        format!("admission policy {webhook} refuses {}: {why}", root.path()),
    )
    .fix(
        text("按策略的要求修改模板", "change the template so that it meets the policy"),
        format!("kubectl edit {}{}", root.arg(), root.flag()),
    )
}

fn webhook_unreachable(evidence: &Evidence, attempt: &Attempt, webhook: &str, why: &str) -> Finding {
    let kinds = ["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"];
    let found = kinds.iter().flat_map(|k| evidence.kind(k)).find_map(|config| {
        config.list("/webhooks").iter().position(|hook| hook["name"] == webhook).map(|i| (config, i))
    });
    let root = &attempt.root.re;
    let statement = text(
        format!("准入 Webhook {webhook} 无法访问，{} 的 Pod 创建被拒：{why}", root.path()),
        format!("admission webhook {webhook} cannot be reached, so the pods of {} are refused: {why}", root.path()),
    );
    let Some((config, i)) = found else {
        return Finding::new(Class::AdmissionWebhookUnreachable, root, statement)
            .advice(text("恢复 Webhook 的后端服务", "bring the webhook's backend service back"));
    };
    let service = config.at(&format!("/webhooks/{i}/clientConfig/service"));
    let field = |key: &str| service[key].as_str().unwrap_or_default();
    let mut finding = Finding::new(Class::AdmissionWebhookUnreachable, &config.re, statement)
        .seen_on(root)
        .cite(Cite::field(config, &format!("/webhooks/{i}/failurePolicy")));
    if service.is_object() {
        let (ns, name) = (field("namespace"), field("name"));
        let re = ObjectRef::new("Service", ns, name);
        if evidence.lookup(&re).is_absent() {
            finding = finding.cite(Cite::absent(&re));
        }
        finding = finding.because(re).fix(
            text("看 Webhook 后端的 Pod 和端点", "look at the pods and endpoints behind the webhook"),
            format!("kubectl get service,endpointslices,pods -n {ns} -l kubernetes.io/service-name={name}; kubectl describe service {name} -n {ns}"),
        );
    }
    finding.advice(text(
        format!("后端一时恢复不了时，可把 {} 的 failurePolicy 暂时改为 Ignore（会跳过它的检查）", config.name()),
        format!("if it cannot be brought back soon, {} can be set to failurePolicy Ignore for the time being; its checks are then skipped", config.name()),
    ))
}

fn priority_class(evidence: &Evidence, attempt: &Attempt, name: &str) -> Finding {
    let root = &attempt.root.re;
    let re = ObjectRef::cluster("PriorityClass", name);
    let names: Vec<&str> =
        evidence.kind("PriorityClass").map(Object::name).filter(|n| !n.starts_with("system-")).collect();
    let mut finding = on_root(
        attempt,
        Class::PriorityClassNotFound,
        format!("{} 引用的 PriorityClass {name} 不存在（已有：{}）", root.path(), names.join("、")),
        format!("priority class {name}, which {} names, does not exist (there are: {})", root.path(), names.join(", ")),
    );
    if evidence.lookup(&re).is_absent() {
        finding = finding.cite(Cite::absent(&re));
    }
    let patch = |value: &str| format!("{{\"spec\":{{\"template\":{{\"spec\":{{\"priorityClassName\":{value}}}}}}}}}");
    if let Some(near) = nearest(name, names) {
        finding = finding.fix(
            text(format!("改用已有的 {near}"), format!("use {near}, which exists")),
            format!("kubectl patch {}{} -p '{}'", root.arg(), root.flag(), patch(&format!("\"{near}\""))),
        );
    }
    finding.fix(
        text("或去掉 priorityClassName", "or leave priorityClassName out"),
        format!("kubectl patch {}{} -p '{}'", root.arg(), root.flag(), patch("null")),
    )
}

fn runtime_class(evidence: &Evidence, attempt: &Attempt, name: &str) -> Finding {
    let root = &attempt.root.re;
    let re = ObjectRef::cluster("RuntimeClass", name);
    let finding = on_root(
        attempt,
        Class::RuntimeClassNotFound,
        format!("{} 引用的 RuntimeClass {name} 不存在", root.path()),
        format!("runtime class {name}, which {} names, does not exist", root.path()),
    )
    .advice(text(
        format!("安装并创建 RuntimeClass {name}，或去掉模板里的 runtimeClassName"),
        format!("install and create runtime class {name}, or take runtimeClassName out of the template"),
    ));
    if evidence.lookup(&re).is_absent() { finding.cite(Cite::absent(&re)) } else { finding }
}

fn immutable(attempt: &Attempt, why: &str) -> Finding {
    let root = attempt.root.re.path();
    on_root(
        attempt,
        Class::ImmutableField,
        format!("{root}：改动了不可变字段：{why}"),
        format!("{root}: a field that may not change was changed: {why}"),
    )
    .advice(text("还原该字段，或以新名字重建对象", "put the field back, or make the object anew under another name"))
}

fn invalid(attempt: &Attempt, field: &str, why: &str) -> Finding {
    let root = &attempt.root.re;
    on_root(
        attempt,
        Class::InvalidField,
        format!("{} 的字段 {field} 不合法：{why}", root.path()),
        format!("field {field} of {} is not valid: {why}", root.path()),
    )
    .fix(
        text(format!("改正 {field}"), format!("correct {field}")),
        format!("kubectl edit {}{}", root.arg(), root.flag()),
    )
}
