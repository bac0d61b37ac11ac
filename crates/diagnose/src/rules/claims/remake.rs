//! The commands that make a claim anew. A claim that never had a volume holds no data, so that nothing is lost.

use serde_json::{Value, json};

use crate::evidence::Evidence;
use crate::finding::{Finding, text};
use crate::object::Object;

/// Adds the fix that replaces the claim by one whose spec was changed.
pub fn with(evidence: &Evidence, claim: &Object, finding: Finding, change: impl FnOnce(&mut Value)) -> Finding {
    let mut spec = json!({});
    for key in ["accessModes", "storageClassName", "resources", "selector", "dataSource", "dataSourceRef"] {
        let value = claim.at("/spec").get(key);
        if let Some(value) = value {
            spec[key] = value.clone();
        }
    }
    if claim.str("/spec/volumeMode") == "Block" {
        spec["volumeMode"] = json!("Block");
    }
    change(&mut spec);
    let (name, ns) = (claim.name(), claim.namespace());
    let mut manifest = vec!["apiVersion: v1".to_owned(), "kind: PersistentVolumeClaim".to_owned()];
    let labels = claim.at("/metadata/labels");
    let labels = if labels.is_object() { format!(", labels: {labels}") } else { String::new() };
    manifest.push(format!("metadata: {{name: {name}, namespace: {ns}{labels}}}"));
    manifest.push("spec:".to_owned());
    manifest.extend(spec.as_object().into_iter().flatten().map(|(key, value)| format!("  {key}: {value}")));
    let manifest = manifest.join("\n");
    let workloads = workloads(evidence, claim);
    let mut commands: Vec<String> = Vec::new();
    let scalable = |w: &&&Object| matches!(w.kind(), "Deployment" | "StatefulSet" | "ReplicaSet");
    let scaled: Vec<&&Object> = workloads.iter().filter(scalable).collect();
    let scale = |w: &Object, n: i64| format!("kubectl -n {ns} scale {} --replicas={n}", w.re.arg());
    commands.extend(scaled.iter().map(|w| scale(w, 0)));
    commands.push(format!("kubectl -n {ns} delete pvc {name}"));
    commands.push(format!("kubectl apply -f - <<'EOF'\n{manifest}\nEOF"));
    commands.extend(scaled.iter().map(|w| scale(w, w.int("/spec/replicas").unwrap_or(1))));
    let finding = finding.fix(
        text(
            "该 PVC 从未绑定过卷，里面没有数据：先停用它的 Pod，删除后按正确的值重建",
            "the claim never had a volume, so there is no data in it: stop its pods, delete it and make it anew",
        ),
        commands.join("\n"),
    );
    if workloads.iter().any(|w| w.kind() == "StatefulSet" && !w.list("/spec/volumeClaimTemplates").is_empty()) {
        return finding.advice(text(
            "同时改正 StatefulSet 的 volumeClaimTemplates（不可变：用 --cascade=orphan 删除 StatefulSet 后重新创建，Pod 和数据都保留）",
            "correct the stateful set's volumeClaimTemplates too (they cannot be changed: delete the set with --cascade=orphan, which keeps pods and data, and create it again)",
        ));
    }
    finding.advice(text(
        "同时改正产生该 PVC 的清单或 Helm 值，否则下次发布又会变回来",
        "correct the manifest or Helm value that it comes from too, or the next release brings it back",
    ))
}

fn workloads<'a>(evidence: &'a Evidence, claim: &'a Object) -> Vec<&'a Object> {
    let mut roots: Vec<&Object> = super::users(evidence, claim).into_iter().map(|pod| evidence.root(pod)).collect();
    roots.sort_by(|a, b| a.re.cmp(&b.re));
    roots.dedup_by(|a, b| a.re == b.re);
    roots
}
