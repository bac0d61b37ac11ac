//! Daemon sets that leave out nodes they were meant for, or run where they no longer should.

use serde_json::Value;

use crate::class::Class;
use crate::evidence::{Evidence, Target};
use crate::finding::{Cite, Finding, text};
use crate::near;
use crate::object::{Object, strings, text as string};
use crate::selector;

pub fn daemon_sets(evidence: &Evidence) -> Vec<Finding> {
    evidence.kind("DaemonSet").filter(|d| d.deleting_since().is_none()).filter_map(|d| misses(evidence, d)).collect()
}

/// Why a daemon set does not count a node.
enum Left {
    Label { key: String, wanted: String, there: Option<String> },
    Affinity,
    Taint(String, Value),
}

fn misses(evidence: &Evidence, set: &Object) -> Option<Finding> {
    let status = |field: &str| set.int(&format!("/status/{field}"));
    let desired = status("desiredNumberScheduled")?;
    let asked = evidence.target == Target::Object(set.re.clone());
    let misplaced = status("numberMisscheduled").unwrap_or(0);
    let left: Vec<(&Object, Left)> =
        evidence.kind("Node").filter_map(|node| Some((node, left_out(set, node)?))).collect();
    let meant = |(_, why): &&(&Object, Left)| match why {
        // no label at all is a node of another kind; a near value or a taint on a node that was chosen is a slip
        Left::Label { wanted, there, .. } => there.as_ref().is_some_and(|t| near::distance(wanted, t).is_some()),
        Left::Affinity => false,
        Left::Taint(..) => true,
    };
    // leaving some nodes out is what selectors are for; leaving out all, or running on nodes left out, is not
    let chosen = left.iter().find(meant);
    let wrong = desired == 0 && chosen.is_some() || misplaced > 0;
    if !wrong && !(asked && (desired == 0 || chosen.is_some())) {
        return None;
    }
    let (node, why) = chosen.or(left.first())?;
    let (zh, en) = reason(node, why);
    let path = set.re.path();
    let (n, total) = (left.len(), evidence.kind("Node").count());
    let statement = text(
        format!("DaemonSet {path} 没有覆盖 {total} 个节点中的 {n} 个：{zh}"),
        format!("daemon set {path} leaves out {n} of {total} nodes: {en}"),
    );
    let finding = Finding::new(Class::DaemonsetMissesNodes, &set.re, statement)
        .cite(Cite::field(set, "/status/desiredNumberScheduled"));
    let finding = if misplaced > 0 { finding.cite(Cite::field(set, "/status/numberMisscheduled")) } else { finding };
    let finding = if wrong { finding } else { finding.likely() };
    Some(mended(finding, set, node, why))
}

fn reason(node: &Object, why: &Left) -> (String, String) {
    let name = node.name();
    match why {
        Left::Label { key, wanted, there } => {
            let there = there.as_deref().unwrap_or("-");
            (
                format!("要求标签 {key}={wanted}，节点 {name} 是 {key}={there}"),
                format!("it asks for label {key}={wanted}, node {name} has {key}={there}"),
            )
        }
        Left::Affinity => {
            (format!("节点 {name} 不满足它的节点亲和性"), format!("node {name} does not satisfy its node affinity"))
        }
        Left::Taint(taint, _) => (
            format!("它不容忍节点 {name} 的污点 {taint}"),
            format!("it does not tolerate the taint {taint} of node {name}"),
        ),
    }
}

fn mended(finding: Finding, set: &Object, node: &Object, why: &Left) -> Finding {
    match why {
        Left::Label { key, wanted, .. } => finding.cite(Cite::field(node, "/metadata/labels")).fix(
            text("该节点应运行它时，改正节点的标签", "if it should run on that node, correct the node's label"),
            format!("kubectl label node {} {key}={wanted} --overwrite", node.name()),
        ),
        Left::Affinity => finding
            .advice(text("按实际节点的标签修改节点亲和性", "change the node affinity to what the nodes' labels are")),
        Left::Taint(_, taint) => {
            let mut toleration =
                serde_json::json!({"key": taint["key"], "effect": taint["effect"], "operator": "Exists"});
            if taint["value"].is_string() {
                toleration["operator"] = Value::from("Equal");
                toleration["value"] = taint["value"].clone();
            }
            let mut all = set.list("/spec/template/spec/tolerations").to_vec();
            all.push(toleration);
            let patch = serde_json::json!({"spec": {"template": {"spec": {"tolerations": all}}}});
            finding.cite(Cite::field(node, "/spec/taints")).fix(
                text("容忍这个污点", "tolerate the taint"),
                format!("kubectl patch {}{} --type merge -p '{patch}'", set.re.arg(), set.re.flag()),
            )
        }
    }
}

fn left_out(set: &Object, node: &Object) -> Option<Left> {
    let spec = set.at("/spec/template/spec");
    let labels = node.labels();
    for (key, wanted) in strings(&spec["nodeSelector"]) {
        let there = labels.get(key).copied();
        if there != Some(wanted) {
            let there = there.map(str::to_owned);
            return Some(Left::Label { key: key.to_owned(), wanted: wanted.to_owned(), there });
        }
    }
    let terms =
        &spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"];
    let fits = |term: &Value| {
        let expressions = term["matchExpressions"].as_array().into_iter().flatten();
        expressions.into_iter().all(|e| selector::expression(e, &labels))
    };
    if terms.as_array().is_some_and(|terms| !terms.iter().any(fits)) {
        return Some(Left::Affinity);
    }
    let tolerations = spec["tolerations"].as_array().map_or(&[] as &[Value], Vec::as_slice);
    let taint = node.list("/spec/taints").iter().find(|taint| {
        let hard = matches!(string(taint, "effect"), "NoSchedule" | "NoExecute");
        hard && !automatic(taint) && !tolerations.iter().any(|t| tolerates(t, taint))
    })?;
    let shown = format!("{}={}:{}", string(taint, "key"), string(taint, "value"), string(taint, "effect"));
    Some(Left::Taint(shown.replace("=:", ":"), taint.clone()))
}

/// Taints that every daemon set tolerates by itself.
fn automatic(taint: &Value) -> bool {
    string(taint, "key").strip_prefix("node.kubernetes.io/").is_some_and(|what| what != "out-of-service")
}

fn tolerates(toleration: &Value, taint: &Value) -> bool {
    let (key, effect) = (string(toleration, "key"), string(toleration, "effect"));
    let exists = string(toleration, "operator") == "Exists";
    (effect.is_empty() || effect == string(taint, "effect"))
        && (key.is_empty() && exists || key == string(taint, "key"))
        && (exists || string(toleration, "value") == string(taint, "value"))
}
