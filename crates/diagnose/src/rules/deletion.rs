//! Objects that are to be deleted and stay: namespaces, and whatever a finalizer holds.

use crate::class::Class;
use crate::evidence::Evidence;
use crate::finding::{Cite, Finding, text};
use crate::graph::references;
use crate::object::{Object, ObjectRef};
use crate::pattern::Pattern;
use crate::pod;

/// How long a deletion may take before it counts as stuck.
const PATIENCE: i64 = 60;

pub fn deletions(evidence: &Evidence) -> Vec<Finding> {
    let stuck = |object: &&Object| {
        object.deleting_since().is_some_and(|since| evidence.now.duration_since(since).as_secs() > PATIENCE)
    };
    evidence.objects().filter(stuck).flat_map(|object| findings(evidence, object)).collect()
}

fn findings(evidence: &Evidence, object: &Object) -> Vec<Finding> {
    if object.kind() == "Namespace" {
        return namespace(evidence, object);
    }
    let statement =
        text(format!("{} 已被删除但一直没有消失", object.re), format!("{} was deleted and does not go", object.re));
    let mut symptom = Finding::new(Class::ObjectTerminating, &object.re, statement)
        .cite(Cite::field(object, "/metadata/deletionTimestamp"));
    let finalizers = finalizers(object);
    if let Some(node) = Some(object.str("/spec/nodeName")).filter(|n| object.kind() == "Pod" && !n.is_empty()) {
        symptom = symptom.because(ObjectRef::cluster("Node", node));
    }
    // in a namespace that is itself going, the namespace says what holds it
    let dying = evidence.find("Namespace", "", object.namespace()).is_some_and(|n| n.deleting_since().is_some());
    if dying {
        return vec![symptom.because(ObjectRef::cluster("Namespace", object.namespace()))];
    }
    if finalizers.is_empty() {
        return vec![symptom];
    }
    vec![symptom, held(evidence, object, &finalizers)]
}

fn finalizers(object: &Object) -> Vec<&str> {
    object.list("/metadata/finalizers").iter().filter_map(|f| f.as_str()).collect()
}

/// Who still uses a claim that is to go.
fn users<'a>(evidence: &'a Evidence, claim: &'a Object) -> Vec<&'a Object> {
    let uses = |pod: &&Object| references(pod).iter().any(|r| r.to == claim.re);
    let over = |pod: &&Object| matches!(pod.str("/status/phase"), "Succeeded" | "Failed");
    evidence.kind_in("Pod", claim.namespace()).filter(uses).filter(|p| !over(p)).collect()
}

fn held(evidence: &Evidence, object: &Object, finalizers: &[&str]) -> Finding {
    let finding = |zh: String, en: String| {
        Finding::new(Class::FinalizerStuck, &object.re, text(zh, en))
            .cite(Cite::field(object, "/metadata/finalizers"))
            .cite(Cite::field(object, "/metadata/deletionTimestamp"))
    };
    let path = &object.re;
    let list = finalizers.join(", ");
    if finalizers.contains(&"kubernetes.io/pvc-protection") {
        let pods = users(evidence, object);
        if let Some(first) = pods.first() {
            let names: Vec<&str> = pods.iter().map(|p| p.name()).collect();
            let root = &evidence.root(first).re;
            let volume = finding(
                format!("{path} 删不掉：Pod {} 还在使用它（{list}）", names.join("、")),
                format!("{path} cannot go: pod {} still uses it ({list})", names.join(", ")),
            );
            return volume.fix(
                text(
                    format!("确认数据不再需要后，停掉使用它的 {root}；卷随后被删除，数据会丢失"),
                    format!(
                        "if the data is no longer needed, stop {root}, which uses it; the volume and its data then go"
                    ),
                ),
                format!("kubectl scale {} --replicas=0{}", root.arg(), root.flag()),
            );
        }
    }
    if finalizers.contains(&"kubernetes.io/pv-protection") && object.str("/status/phase") == "Bound" {
        let claim = ObjectRef::new(
            "PersistentVolumeClaim",
            object.str("/spec/claimRef/namespace"),
            object.str("/spec/claimRef/name"),
        );
        return finding(
            format!("{path} 删不掉：它还绑定着 {claim}"),
            format!("{path} cannot go: it is still bound to {claim}"),
        )
        .because(claim)
        .advice(text("先处理绑定它的 PVC", "deal with the claim that is bound to it first"));
    }
    let waiting = finding(
        format!("{path} 删不掉：finalizer {list} 没有被处理"),
        format!("{path} cannot go: nobody handles its finalizer {list}"),
    );
    let owned = evidence.owned(object).filter(|o| o.deleting_since().is_some());
    let waiting = owned.fold(waiting, |finding, child| finding.because(child.re.clone()));
    waiting
        .advice(text(
            format!("先恢复处理 {list} 的控制器，让它完成清理"),
            format!("bring back the controller that handles {list}, so that it can clean up"),
        ))
        .fix(
            text(
                "控制器不会再回来时，移除 finalizer（外部资源可能残留）",
                "if that controller will not come back, remove the finalizer; what it should clean up outside may stay behind",
            ),
            format!(
                "kubectl patch {}{} --type merge -p '{{\"metadata\":{{\"finalizers\":null}}}}'",
                object.re.arg(),
                object.re.flag()
            ),
        )
}

/// The API groups whose discovery failed: `metrics.k8s.io/v1beta1: stale GroupVersion discovery`.
static GROUP: Pattern = Pattern::new(r"([a-z0-9-]+(?:\.[a-z0-9-]+)+/v\d\w*):? ");

const REASONS: &[&str] = &[
    "NamespaceDeletionDiscoveryFailure",
    "NamespaceDeletionGroupVersionParsingFailure",
    "NamespaceDeletionContentFailure",
    "NamespaceFinalizersRemaining",
    "NamespaceContentRemaining",
];

fn namespace(evidence: &Evidence, object: &Object) -> Vec<Finding> {
    let name = object.name();
    let told: Vec<_> = REASONS.iter().filter_map(|kind| object.condition(kind)).filter(|c| c.is_true()).collect();
    let own = finalizers(object);
    let why = told.first().map_or_else(
        || format!("finalizers {}", if own.is_empty() { "kubernetes".to_owned() } else { own.join(", ") }),
        |condition| condition.message.to_owned(),
    );
    let left: Vec<&Object> =
        evidence.objects().filter(|o| o.namespace() == name && !finalizers(o).is_empty()).take(5).collect();
    let names: Vec<String> = left.iter().map(|o| format!("{} ({})", o.re, finalizers(o).join(", "))).collect();
    let (zh, en) = if names.is_empty() {
        Default::default()
    } else {
        (format!("；被这些对象挡住：{}", names.join("、")), format!("; held by {}", names.join(", ")))
    };
    let statement = text(
        format!("命名空间 {name} 一直处于 Terminating：{why}{zh}"),
        format!("namespace {name} is stuck in Terminating: {why}{en}"),
    );
    let mut finding = Finding::new(Class::NamespaceStuck, &object.re, statement)
        .cite(Cite::field(object, "/metadata/deletionTimestamp"))
        .cites(told.iter().map(|c| Cite::field(object, &format!("/status/conditions/{}/message", c.index))))
        .cites(left.iter().map(|o| Cite::field(o, "/metadata/finalizers")));
    for condition in told.iter().filter(|c| c.kind == "NamespaceDeletionDiscoveryFailure") {
        for (group, version) in GROUP.all(condition.message).into_iter().filter_map(|g| g.split_once('/')) {
            finding = finding.because(ObjectRef::cluster("APIService", &format!("{version}.{group}")));
        }
    }
    for pod in left.iter().filter(|o| o.kind() == "Pod" && !pod::is_over(o)) {
        finding = finding.because(ObjectRef::cluster("Node", pod.str("/spec/nodeName")));
    }
    vec![mended(finding, object, &left)]
}

fn mended(finding: Finding, namespace: &Object, left: &[&Object]) -> Finding {
    let name = namespace.name();
    let finding = finding.fix(
        text("列出命名空间里还剩下的对象", "list what is left in the namespace"),
        format!(
            "kubectl api-resources --verbs=list --namespaced -o name | xargs -n 1 kubectl get --ignore-not-found --show-kind -n {name}"
        ),
    );
    let Some(first) = left.first() else {
        return finding.advice(text(
            "恢复处理剩余对象 finalizer 的控制器，或恢复不可用的 APIService",
            "bring back the controller that handles the finalizers, or the API service that does not answer",
        ));
    };
    finding.fix(
        text(
            "控制器不会再回来时，移除挡住它的 finalizer（外部资源可能残留）",
            "if the controller will not come back, remove the finalizer that holds it; what it should clean up outside may stay behind",
        ),
        format!(
            "kubectl patch {}{} --type merge -p '{{\"metadata\":{{\"finalizers\":null}}}}'",
            first.re.arg(),
            first.re.flag()
        ),
    )
}
