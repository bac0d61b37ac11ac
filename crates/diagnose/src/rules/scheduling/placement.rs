//! Where the pod may run at all: selectors, taints, neighbours, ports and volumes.

use serde_json::{Value, json};

use super::fit::{self, Obstacle};
use crate::class::Class;
use crate::evidence::Evidence;
use crate::finding::{Cite, Finding, text};
use crate::object::{Object, strings, text as word};

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";

/// `kubectl ... patch KIND/NAME --type=json -p '[OPERATION]'` on a workload's pod spec; None for a pod, whose spec is fixed.
fn patch(root: &Object, op: &str, below: &str, value: Option<Value>) -> Option<String> {
    if root.kind() == "Pod" {
        return None;
    }
    let mut operation = json!({"op": op, "path": format!("{}{below}", root.pod_spec_path()?)});
    if let Some(value) = value {
        operation["value"] = value;
    }
    Some(format!("kubectl{} patch {} --type=json -p '{}'", root.re.flag(), root.re.arg(), json!([operation])))
}

fn names<'a>(nodes: impl Iterator<Item = &'a Object>) -> String {
    nodes.take(5).map(Object::name).collect::<Vec<_>>().join(", ")
}

pub fn taint(evidence: &Evidence, pod: &Object, key: Option<&str>) -> Finding {
    let root = evidence.root(pod);
    let is_it = |t: &&Value| key.is_none_or(|key| word(t, "key") == key);
    let keeps_off = |node: &Object| {
        if let Some(key) = key.filter(|key| fit::is_reserved(key)) {
            return node.list("/spec/taints").iter().find(|t| word(t, "key") == key).cloned();
        }
        fit::obstacles(evidence, pod, node).into_iter().find_map(|o| {
            let Obstacle::Taint(taint) = o else { return None };
            Some(taint).filter(|t| is_it(&t))
        })
    };
    let tainted: Vec<(&Object, Value)> = evidence.kind("Node").filter_map(|n| Some((n, keeps_off(n)?))).collect();
    let Some((first, taint)) = tainted.first() else {
        let key = key.unwrap_or_default();
        let statement = text(
            format!("Pod 不容忍节点上的污点 {key}"),
            format!("the pod does not tolerate the taint {key} of the nodes"),
        );
        return Finding::new(Class::UntoleratedTaint, &root.re, statement)
            .fix(text("查看各节点的污点", "see the nodes' taints"), "kubectl describe nodes | grep -A3 Taints");
    };
    let (key, value, effect) = (word(taint, "key"), word(taint, "value"), word(taint, "effect"));
    let shown = if value.is_empty() { format!("{key}:{effect}") } else { format!("{key}={value}:{effect}") };
    let nodes = names(tainted.iter().map(|(n, _)| *n));
    let statement = text(
        format!("节点 {nodes} 带有污点 {shown}，Pod 没有对应的容忍"),
        format!("nodes {nodes} carry the taint {shown}, which the pod does not tolerate"),
    );
    let mut toleration = json!({"key": key, "operator": "Equal", "value": value, "effect": effect});
    if value.is_empty() {
        toleration = json!({"key": key, "operator": "Exists", "effect": effect});
    }
    let finding = Finding::new(Class::UntoleratedTaint, &root.re, statement).cite(Cite::field(first, "/spec/taints"));
    let has_some = root.pod_spec_path().is_some_and(|path| root.at(path)["tolerations"].is_array());
    let add = if has_some {
        patch(root, "add", "/tolerations/-", Some(toleration))
    } else {
        patch(root, "add", "/tolerations", Some(json!([toleration])))
    };
    let finding = match add {
        Some(command) => finding.fix(text("让 Pod 容忍该污点", "let the pod tolerate the taint"), command),
        None => finding.advice(text("给 Pod 加上容忍后重新创建", "create the pod again with a toleration for it")),
    };
    finding.fix(
        text("或者去掉节点上的污点（若它不该在）", "or remove the taint from the node, if it should not be there"),
        format!("kubectl taint nodes {} {key}:{effect}-", first.name()),
    )
}

/// The pod's own node selector or node affinity, whichever of the two no usable node meets.
pub fn own_choice(evidence: &Evidence, pod: &Object) -> Finding {
    let excluded = |what: &Obstacle| {
        let mut usable = evidence.kind("Node").map(|n| fit::obstacles(evidence, pod, n));
        usable.all(|o| o.contains(what) || o.contains(&Obstacle::Reserved))
    };
    let selects = !strings(pod.at("/spec/nodeSelector")).is_empty();
    let prefers = pod.at(&format!("/spec/affinity/nodeAffinity/{REQUIRED}")).is_object();
    if selects && (!prefers || excluded(&Obstacle::Selector) || !excluded(&Obstacle::Affinity)) {
        return node_selector(evidence, pod);
    }
    node_affinity(evidence, pod)
}

fn node_selector(evidence: &Evidence, pod: &Object) -> Finding {
    let root = evidence.root(pod);
    let wanted = strings(pod.at("/spec/nodeSelector"));
    let show = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(",");
    let pairs: Vec<(&str, &str)> = wanted.iter().map(|(k, v)| (*k, *v)).collect();
    let has = |pair: &(&str, &str)| evidence.kind("Node").any(|n| n.labels().get(pair.0) == Some(&pair.1));
    let nobody = pairs.iter().find(|pair| !has(pair)).or(pairs.first()).copied().unwrap_or_default();
    let mut there: Vec<&str> = evidence.kind("Node").filter_map(|n| n.labels().get(nobody.0).copied()).collect();
    there.sort_unstable();
    there.dedup();
    let (zh, en) = if there.is_empty() {
        (format!("没有节点带 {} 标签", nobody.0), format!("no node has the label {}", nobody.0))
    } else {
        let list = there.join(", ");
        (format!("节点上 {} 的值只有 {list}", nobody.0), format!("the nodes' values of {} are {list}", nobody.0))
    };
    let asked = show(&pairs);
    let statement = text(
        format!("nodeSelector 要求 {asked}，没有节点符合；{zh}"),
        format!("nodeSelector asks for {asked}, which no node offers; {en}"),
    );
    let finding =
        Finding::new(Class::NodeSelectorMismatch, &root.re, statement).cite(Cite::field(pod, "/spec/nodeSelector"));
    let below = format!("/nodeSelector/{}", nobody.0.replace('~', "~0").replace('/', "~1"));
    let mend = match there.first() {
        Some(value) => patch(root, "replace", &below, Some(json!(value))),
        None => patch(root, "remove", &below, None),
    };
    let finding = match mend {
        Some(command) => {
            finding.fix(text("把选择器改成节点上有的标签", "make the selector ask for what nodes have"), command)
        }
        None => finding,
    };
    let node = evidence.kind("Node").find(|n| !fit::obstacles(evidence, pod, n).contains(&Obstacle::Reserved));
    let node = node.map_or("NODE", Object::name);
    finding.fix(
        text("或者给应运行它的节点打上标签", "or label the node that should run it"),
        format!(
            "kubectl label node {node} {}={}{}",
            nobody.0,
            nobody.1,
            if there.is_empty() { "" } else { " --overwrite" }
        ),
    )
}

fn node_affinity(evidence: &Evidence, pod: &Object) -> Finding {
    let root = evidence.root(pod);
    let pointer = format!("/spec/affinity/nodeAffinity/{REQUIRED}");
    let terms = pod.at(&pointer)["nodeSelectorTerms"].as_array().map_or(&[] as &[Value], Vec::as_slice);
    let rule = |e: &Value| {
        let values: Vec<&str> = e["values"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        format!("{} {} [{}]", word(e, "key"), word(e, "operator"), values.join(", "))
    };
    let either = |t: &Value| {
        let parts = ["matchExpressions", "matchFields"].into_iter().flat_map(|k| t[k].as_array().into_iter().flatten());
        parts.map(rule).collect::<Vec<_>>().join(" && ")
    };
    let asked = terms.iter().map(either).collect::<Vec<_>>().join(" || ");
    let statement = text(
        format!("节点亲和性要求 {asked}，没有节点符合"),
        format!("node affinity demands {asked}, which no node meets"),
    );
    let finding = Finding::new(Class::NodeAffinityMismatch, &root.re, statement).cite(Cite::field(pod, &pointer)).fix(
        text("查看节点标签，改正规则或给节点打标签", "see the nodes' labels; correct the rule or label a node"),
        "kubectl get nodes --show-labels",
    );
    match patch(root, "remove", &format!("/affinity/nodeAffinity/{REQUIRED}"), None) {
        Some(command) => finding.fix(text("或者去掉该硬性规则", "or drop the hard rule"), command),
        None => finding,
    }
}

/// The label selectors of required pod (anti-)affinity, as text.
fn neighbour_terms(pod: &Object, kind: &str) -> String {
    let terms = pod.list(&format!("/spec/affinity/{kind}/{REQUIRED}"));
    let show = |term: &Value| {
        let labels = strings(&term["labelSelector"]["matchLabels"]);
        let mut parts: Vec<String> = labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
        for e in term["labelSelector"]["matchExpressions"].as_array().into_iter().flatten() {
            parts.push(format!("{} {} {}", word(e, "key"), word(e, "operator"), e["values"]));
        }
        format!("{} / {}", parts.join(","), word(term, "topologyKey"))
    };
    terms.iter().map(show).collect::<Vec<_>>().join("; ")
}

pub fn pod_affinity(evidence: &Evidence, pod: &Object) -> Finding {
    let root = evidence.root(pod);
    let terms = neighbour_terms(pod, "podAffinity");
    let statement = text(
        format!("Pod 亲和性要求与 {terms} 的 Pod 同处，没有节点满足"),
        format!("pod affinity demands pods that match {terms} nearby, and no node has them"),
    );
    let pointer = format!("/spec/affinity/podAffinity/{REQUIRED}");
    let finding = Finding::new(Class::PodAffinityUnsatisfied, &root.re, statement).cite(Cite::field(pod, &pointer));
    let finding = finding.advice(text(
        "先让被依附的 Pod 运行起来，或核对它们的标签",
        "get the pods that it wants to be near running, or compare their labels",
    ));
    match patch(root, "remove", &format!("/affinity/podAffinity/{REQUIRED}"), None) {
        Some(command) => finding.fix(text("或者去掉该硬性规则", "or drop the hard rule"), command),
        None => finding,
    }
}

pub fn pod_anti_affinity(evidence: &Evidence, pod: &Object) -> Finding {
    let root = evidence.root(pod);
    let terms = neighbour_terms(pod, "podAntiAffinity");
    let usable = evidence
        .kind("Node")
        .filter(|n| fit::obstacles(evidence, pod, n).iter().all(|o| matches!(o, Obstacle::Resource(_))))
        .count();
    let replicas = root.int("/spec/replicas").unwrap_or(1);
    let own = !terms.is_empty();
    let statement = if own {
        text(
            format!("反亲和性 {terms} 排除了所有节点（可用节点 {usable} 个，副本 {replicas} 个）"),
            format!("anti-affinity {terms} excludes every node ({usable} usable nodes, {replicas} replicas)"),
        )
    } else {
        text("已有 Pod 的反亲和性规则排除了所有节点", "the anti-affinity of pods that already run excludes every node")
    };
    let mut finding = Finding::new(Class::PodAntiAffinityConflict, &root.re, statement);
    if own {
        finding = finding.cite(Cite::field(pod, &format!("/spec/affinity/podAntiAffinity/{REQUIRED}")));
    }
    let count = i64::try_from(usable).unwrap_or(i64::MAX);
    if matches!(root.kind(), "Deployment" | "StatefulSet") && count > 0 && replicas > count {
        finding = finding.fix(
            text("把副本数降到节点数", "run no more replicas than there are nodes"),
            format!("kubectl{} scale {} --replicas={count}", root.re.flag(), root.re.arg()),
        );
    } else if root.kind() == "Deployment" {
        finding = finding.fix(
            text("滚动更新时先停旧的再起新的", "let the rollout stop an old pod before it starts a new one"),
            format!("kubectl{} patch {} -p '{{\"spec\":{{\"strategy\":{{\"type\":\"RollingUpdate\",\"rollingUpdate\":{{\"maxSurge\":0,\"maxUnavailable\":1}}}}}}}}'", root.re.flag(), root.re.arg()),
        );
    }
    finding.advice(text("或者增加节点，或把规则改为 preferred", "or add nodes, or make the rule a preferred one"))
}

pub fn spread(evidence: &Evidence, pod: &Object) -> Finding {
    let root = evidence.root(pod);
    let constraints = pod.list("/spec/topologySpreadConstraints").iter().enumerate();
    let hard: Vec<(usize, &Value)> =
        constraints.filter(|(_, c)| word(c, "whenUnsatisfiable") != "ScheduleAnyway").collect();
    let lacking =
        hard.iter().find(|(_, c)| evidence.kind("Node").any(|n| !n.labels().contains_key(word(c, "topologyKey"))));
    let (index, constraint) = lacking.or(hard.first()).copied().unwrap_or((0, &Value::Null));
    let (key, skew) = (word(constraint, "topologyKey"), constraint["maxSkew"].as_i64().unwrap_or(1));
    let statement = text(
        format!("拓扑分布约束（按 {key}，maxSkew {skew}）无法满足"),
        format!("the topology spread constraint over {key} (maxSkew {skew}) cannot be met"),
    );
    let finding = Finding::new(Class::TopologySpreadUnsatisfied, &root.re, statement)
        .cite(Cite::field(pod, &format!("/spec/topologySpreadConstraints/{index}")));
    let below = format!("/topologySpreadConstraints/{index}/whenUnsatisfiable");
    let finding = match patch(root, "replace", &below, Some(json!("ScheduleAnyway"))) {
        Some(command) => finding.fix(text("放宽为尽量满足", "make it a wish instead of a demand"), command),
        None => finding,
    };
    finding.advice(text(
        format!("或者让每个 {key} 域都有可用节点（并带有该标签）"),
        format!("or see that every {key} domain has a usable node that carries the label"),
    ))
}

pub fn host_port(evidence: &Evidence, pod: &Object) -> Finding {
    let root = evidence.root(pod);
    let ports = |p: &Object| -> Vec<i64> {
        let list = p.list("/spec/containers").iter().flat_map(|c| c["ports"].as_array().into_iter().flatten());
        list.filter_map(|port| port["hostPort"].as_i64()).filter(|&port| port > 0).collect()
    };
    let wanted = ports(pod);
    let holders = evidence.kind("Pod").filter(|p| {
        p.re != pod.re && !p.str("/spec/nodeName").is_empty() && ports(p).iter().any(|port| wanted.contains(port))
    });
    let holders: Vec<&Object> = holders.collect();
    let list = wanted.iter().map(i64::to_string).collect::<Vec<_>>().join(", ");
    let who = holders.iter().take(3).map(|p| p.re.path()).collect::<Vec<_>>().join(", ");
    let statement = text(
        format!("主机端口 {list} 在所有可用节点上都被占用（占用者：{who}）"),
        format!("host port {list} is taken on every usable node (by {who})"),
    );
    let finding = Finding::new(Class::HostPortConflict, &root.re, statement);
    let cites = pod.list("/spec/containers").iter().enumerate().filter(|(_, c)| c["ports"].is_array());
    let cites: Vec<Cite> = cites.map(|(i, _)| Cite::field(pod, &format!("/spec/containers/{i}/ports"))).collect();
    let finding = finding.cites(cites);
    let siblings = i64::try_from(holders.iter().filter(|p| evidence.root(p).re == root.re).count()).unwrap_or(0);
    let finding = if siblings > 0 && matches!(root.kind(), "Deployment" | "StatefulSet") {
        finding.fix(
            text("每个节点只放得下一个副本：把副本数降下来", "a node holds one replica only: run fewer"),
            format!("kubectl{} scale {} --replicas={siblings}", root.re.flag(), root.re.arg()),
        )
    } else {
        finding
    };
    finding.advice(text(
        "或者不用 hostPort，改用 Service；或换一个端口",
        "or use a Service in place of hostPort, or another port",
    ))
}

/// The claim whose volume keeps the pod from the nodes.
pub fn volume(evidence: &Evidence, pod: &Object, zone: bool) -> Finding {
    let claims = fit::claims(evidence, pod);
    let nodes: Vec<Vec<Obstacle>> = evidence.kind("Node").map(|n| fit::obstacles(evidence, pod, n)).collect();
    let blocks = |claim: &&&Object| nodes.iter().any(|o| o.contains(&Obstacle::Volume(claim.re.clone())));
    let claim = claims.iter().find(blocks).or(claims.first()).copied();
    let Some(claim) = claim else {
        let statement = text("卷所在的位置与 Pod 能去的节点不符", "the volume is not where the pod may run");
        let class = if zone { Class::VolumeZoneConflict } else { Class::VolumeNodeAffinityConflict };
        return Finding::new(class, &evidence.root(pod).re, statement).likely().fix(
            text("看卷在哪里", "see where the volume is"),
            format!("kubectl{} get pvc; kubectl get pv -o wide", pod.re.flag()),
        );
    };
    let volume = evidence.find("PersistentVolume", "", claim.str("/spec/volumeName"));
    let place = volume.map(|v| v.at("/spec/nodeAffinity/required/nodeSelectorTerms").to_string()).unwrap_or_default();
    let by_zone = zone || place.contains("zone");
    let class = if by_zone { Class::VolumeZoneConflict } else { Class::VolumeNodeAffinityConflict };
    let place: Vec<String> = volume
        .into_iter()
        .flat_map(|v| v.list("/spec/nodeAffinity/required/nodeSelectorTerms"))
        .flat_map(|t| t["matchExpressions"].as_array().into_iter().flatten())
        .flat_map(|e| e["values"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned))
        .collect();
    let place = place.join(", ");
    let name = claim.re.path();
    let statement = text(
        format!("PVC {name} 的卷 {} 只能在 {place} 使用，Pod 能去的节点不在那里", claim.str("/spec/volumeName")),
        format!(
            "volume {} of claim {name} can be used in {place} only, where no node takes the pod",
            claim.str("/spec/volumeName")
        ),
    );
    let mut finding = Finding::new(class, &claim.re, statement);
    if let Some(volume) = volume {
        finding = finding.cite(Cite::field(volume, "/spec/nodeAffinity/required"));
    }
    finding
        .fix(text("看那里有没有可用的节点", "see whether a usable node is there"), "kubectl get nodes -L topology.kubernetes.io/zone")
        .advice(text(
            format!("在 {place} 增加节点，或改 Pod 的调度约束；若要换地方，先备份数据再重建 PVC（重建会丢数据）"),
            format!("add a node in {place}, or change where the pod may run; to move the volume, back its data up before the claim is made anew (that loses the data)"),
        ))
}

pub fn volume_limit(evidence: &Evidence, pod: &Object) -> Finding {
    let root = evidence.root(pod);
    let statement =
        text("可用节点挂接的卷数都已达上限", "every usable node already has as many volumes attached as it may");
    Finding::new(Class::VolumeAttachLimit, &root.re, statement)
        .fix(
            text("看各节点的上限与已挂接的卷", "see the nodes' limits and what is attached"),
            "kubectl get csinodes -o yaml | grep -E 'name:|count:'; kubectl get volumeattachments",
        )
        .advice(text("增加节点，或把带卷的 Pod 分散开", "add a node, or spread the pods that have volumes"))
}

/// The driver publishes too little free space: the claim asks for more than any node's pool has.
pub fn storage_capacity(evidence: &Evidence, pod: &Object) -> Finding {
    let claims = fit::claims(evidence, pod);
    let claim = claims.iter().find(|c| c.str("/status/phase") != "Bound").or(claims.first()).copied().unwrap_or(pod);
    let asked = claim.str("/spec/resources/requests/storage");
    let statement = text(format!("没有节点的存储池还剩 {asked}"), format!("no node's storage pool has {asked} left"));
    Finding::new(Class::VolumeZoneUnavailable, &claim.re, statement)
        .fix(text("看各节点剩余的存储", "see how much the nodes have left"), "kubectl get csistoragecapacities -A")
        .advice(text("扩大存储池，或申请更小的卷", "enlarge the pool, or ask for a smaller volume"))
}

pub fn claim_in_use(evidence: &Evidence, pod: &Object) -> Finding {
    let claims = fit::claims(evidence, pod);
    let single = |c: &&&Object| c.list("/spec/accessModes").iter().any(|m| m == "ReadWriteOncePod");
    let claim = claims.iter().find(single).or(claims.first()).copied().unwrap_or(pod);
    let name = claim.re.path();
    let statement = text(
        format!("PVC {name} 的访问模式是 ReadWriteOncePod，已被另一个 Pod 占用"),
        format!("claim {name} has access mode ReadWriteOncePod and another pod holds it"),
    );
    Finding::new(Class::AccessModeUnsupported, &claim.re, statement)
        .cite(Cite::field(claim, "/spec/accessModes"))
        .advice(text(
            "只运行一个副本，或用 ReadWriteOnce/ReadWriteMany 重建 PVC",
            "run a single replica, or make the claim anew with ReadWriteOnce or ReadWriteMany",
        ))
}

pub fn claim_not_found(evidence: &Evidence, pod: &Object, claim: &str) -> Finding {
    let root = evidence.root(pod);
    let ns = pod.namespace();
    let near: Vec<&str> = evidence.kind_in("PersistentVolumeClaim", ns).map(Object::name).take(5).collect();
    let there = if near.is_empty() { "-".to_owned() } else { near.join(", ") };
    let statement = text(
        format!("引用的 PVC {ns}/{claim} 不存在（该命名空间里有：{there}）"),
        format!("claim {ns}/{claim} does not exist (in this namespace: {there})"),
    );
    let re = crate::object::ObjectRef::new("PersistentVolumeClaim", ns, claim);
    let mut finding = Finding::new(Class::ClaimNotFound, &root.re, statement);
    if evidence.lookup(&re).is_absent() {
        finding = finding.cite(Cite::absent(&re));
    }
    let manifest = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": claim, "namespace": ns},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}}}});
    finding
        .fix(
            text("创建该 PVC（核对容量与存储类）", "create the claim (check its size and class)"),
            format!("kubectl apply -f - <<'EOF'\n{manifest}\nEOF"),
        )
        .advice(text("或者把 Pod 模板里的 claimName 改成已有的 PVC", "or name an existing claim in the pod template"))
}
