//! Nodes that are not ready, short of something, cordoned or out of step, and the pods that suffer from it.

use jiff::SignedDuration;

use crate::class::Class;
use crate::evidence::Evidence;
use crate::finding::{Cite, Finding, text};
use crate::object::{Condition, Object};
use crate::pattern::Pattern;

/// A container runtime restart or a slow start of the network takes seconds; events older than this speak of the past.
const LATELY: SignedDuration = SignedDuration::from_mins(30);

pub fn nodes(evidence: &Evidence) -> Vec<Finding> {
    let mut findings = Vec::new();
    for node in evidence.kind("Node") {
        findings.extend(pressures(node));
        if let Some(finding) = not_ready(node) {
            // a node that is down may well be cordoned or old: that explains nothing more
            findings.push(finding);
            continue;
        }
        findings.extend(cordoned(node));
        findings.extend(version_skew(evidence, node));
        findings.extend(clock_skew(evidence, node));
    }
    findings.extend(evidence.kind("Pod").filter_map(|pod| on_bad_node(evidence, pod)));
    findings
}

static RUNTIME: Pattern = Pattern::new(
    r"(?i)container runtime is down|PLEG is not healthy|runtime(?: is)? not ready: RuntimeReady=false|container runtime status check may not have completed|failed to get container runtime status|(?:containerd|docker|cri-?o|cri-dockerd)\.sock",
);
static NETWORK: Pattern = Pattern::new(
    r"(?i)NetworkPluginNotReady|network plugin is not ready|cni config uninitialized|cni plugin not initialized|NetworkReady=false|no networks found in /etc/cni",
);
static CERTIFICATE: Pattern = Pattern::new(
    r"(?i)certificate has expired|x509: certificate|client certificate .{0,40}expired|bootstrap.{0,40}expired",
);

/// Why `Ready` is not True, as its reason and message say.
fn not_ready(node: &Object) -> Option<Finding> {
    let ready = node.condition("Ready").filter(|c| !c.is_true())?;
    let name = node.name();
    let says = ready.message;
    let at = ready.since.map_or_else(String::new, |t| t.to_string());
    let network_marked = node.condition("NetworkUnavailable").is_some_and(|c| c.is_true());
    let (class, statement) = if ready.status == "Unknown" || says.contains("stopped posting") {
        let statement = text(
            format!("节点 {name} 的 kubelet 自 {at} 起不再上报状态（机器宕机、网络断开或 kubelet 停止）"),
            format!(
                "the kubelet of node {name} has not reported since {at} (machine down, network cut, or kubelet stopped)"
            ),
        );
        (Class::KubeletStopped, statement)
    } else if CERTIFICATE.is_match(says) {
        (
            Class::CertificateExpired,
            text(
                format!("节点 {name} 的证书已过期：{says}"),
                format!("a certificate of node {name} has expired: {says}"),
            ),
        )
    } else if NETWORK.is_match(says) || network_marked && !RUNTIME.is_match(says) {
        let statement = text(
            format!("节点 {name} 的网络插件（CNI）未就绪：{says}"),
            format!("the network plugin (CNI) of node {name} is not ready: {says}"),
        );
        (Class::NodeNetworkUnavailable, statement)
    } else if RUNTIME.is_match(says) {
        let statement = text(
            format!("节点 {name} 的容器运行时不可用：{says}"),
            format!("the container runtime of node {name} does not work: {says}"),
        );
        (Class::ContainerRuntimeDown, statement)
    } else {
        (Class::NodeNotReady, text(format!("节点 {name} 未就绪：{says}"), format!("node {name} is not ready: {says}")))
    };
    let finding = Finding::new(class, &node.re, statement).cite(cite(node, &ready, "message"));
    Some(mend_not_ready(finding, class, name, runtime_unit(node)))
}

/// The systemd unit of the node's runtime.
fn runtime_unit(node: &Object) -> &'static str {
    match node.str("/status/nodeInfo/containerRuntimeVersion").split(':').next() {
        Some("docker") => "docker cri-docker",
        Some("cri-o") => "crio",
        _ => "containerd",
    }
}

fn mend_not_ready(finding: Finding, class: Class, name: &str, runtime: &str) -> Finding {
    if class == Class::ContainerRuntimeDown {
        return finding.fix(
            text("在该节点上重启容器运行时并看它的日志", "on that node, restart the runtime and read its log"),
            format!(
                "ssh {name} 'sudo systemctl restart {runtime}; sudo journalctl -u {runtime} -n 50 --no-pager'",
                runtime = runtime.split(' ').next_back().unwrap_or(runtime)
            ),
        );
    }
    if class == Class::NodeNetworkUnavailable {
        return finding.fix(
            text(
                "看该节点上网络插件的 Pod（Calico、Cilium、Flannel ...）是否在运行",
                "see whether the network plugin's pod runs on that node (Calico, Cilium, Flannel ...)",
            ),
            format!("kubectl -n kube-system get pods -o wide --field-selector spec.nodeName={name}"),
        );
    }
    if class == Class::CertificateExpired {
        return finding
            .fix(
                text("看是否有待批准的证书请求", "see whether certificate requests wait for approval"),
                "kubectl get csr",
            )
            .fix(
                text(
                    "在该节点上重启 kubelet，让它申请新证书",
                    "on that node, restart the kubelet so that it asks for a new one",
                ),
                format!("ssh {name} 'sudo systemctl restart kubelet; sudo journalctl -u kubelet -n 50 --no-pager'"),
            );
    }
    finding
        .fix(
            text("在该节点上看 kubelet 的状态和日志", "on that node, look at the kubelet and its log"),
            format!("ssh {name} 'systemctl status kubelet; sudo journalctl -u kubelet -n 100 --no-pager'"),
        )
        .advice(text(
            "机器确已宕机且不会回来时，才给它加 node.kubernetes.io/out-of-service 污点，让有卷的 Pod 迁走",
            "only if the machine is down for good, taint it with node.kubernetes.io/out-of-service so that pods with volumes can move",
        ))
}

fn cite(node: &Object, condition: &Condition<'_>, field: &str) -> Cite {
    Cite { time: condition.since, ..Cite::field(node, &format!("/status/conditions/{}/{field}", condition.index)) }
}

fn pressures(node: &Object) -> Vec<Finding> {
    let name = node.name();
    let one = |kind: &str, class: Class, zh: &str, en: &str| {
        let condition = node.condition(kind).filter(|c| c.is_true())?;
        let statement = text(
            format!("节点 {name} {zh}：{}", condition.message),
            format!("node {name} is short of {en}: {}", condition.message),
        );
        Some(Finding::new(class, &node.re, statement).cite(cite(node, &condition, "message")))
    };
    let memory = one("MemoryPressure", Class::NodeMemoryPressure, "内存不足", "memory").map(|f| {
        f.fix(
            text("看该节点上谁用内存最多", "see who uses the most memory on that node"),
            format!("kubectl get pods -A -o wide --field-selector spec.nodeName={name}; kubectl top pods -A --sort-by=memory"),
        )
        .advice(text("给 Pod 设置内存请求与上限，或扩容节点", "give the pods memory requests and limits, or add nodes"))
    });
    let disk = one("DiskPressure", Class::NodeDiskPressure, "磁盘不足", "disk space").map(|f| {
        f.fix(
            text(
                "在该节点上看磁盘占用并清理无用镜像",
                "on that node, see what fills the disk and remove unused images",
            ),
            format!("ssh {name} 'df -h; sudo crictl rmi --prune'"),
        )
    });
    let pids = one("PIDPressure", Class::NodePidPressure, "进程号不足", "process ids").map(|f| {
        f.fix(
            text("在该节点上找出进程最多的容器", "on that node, find the container with the most processes"),
            format!("ssh {name} 'ps -eo cgroup | sort | uniq -c | sort -rn | head'"),
        )
        .advice(text("给 kubelet 设置 podPidsLimit", "set the kubelet's podPidsLimit"))
    });
    let network = node
        .condition("NetworkUnavailable")
        .filter(|c| c.is_true() && node.condition("Ready").is_some_and(|r| r.is_true()))
        .map(|c| {
            let statement = text(
                format!("节点 {name} 的网络未就绪：{}", c.message),
                format!("the network of node {name} is not ready: {}", c.message),
            );
            let finding =
                Finding::new(Class::NodeNetworkUnavailable, &node.re, statement).cite(cite(node, &c, "message"));
            mend_not_ready(finding, Class::NodeNetworkUnavailable, name, runtime_unit(node))
        });
    [memory, disk, pids, network].into_iter().flatten().collect()
}

fn cordoned(node: &Object) -> Option<Finding> {
    if node.bool("/spec/unschedulable") != Some(true) {
        return None;
    }
    let name = node.name();
    let statement = text(format!("节点 {name} 被标记为不可调度（cordon）"), format!("node {name} is cordoned"));
    let finding =
        Finding::new(Class::NodeCordoned, &node.re, statement).cite(Cite::field(node, "/spec/unschedulable")).fix(
            text("维护完成后恢复调度", "when the maintenance is over, let pods on it again"),
            format!("kubectl uncordon {name}"),
        );
    Some(finding)
}

/// Major and minor of `v1.36.3`.
fn minor(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.trim_start_matches('v').split('.');
    let digits = |part: &str| part.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok();
    Some((digits(parts.next()?)?, digits(parts.next()?)?))
}

/// A kubelet may be three minor versions older than the API server (two before 1.28), and never newer.
fn version_skew(evidence: &Evidence, node: &Object) -> Option<Finding> {
    let server = minor(&evidence.version).or_else(|| newest_control_plane(evidence))?;
    let version = node.str("/status/nodeInfo/kubeletVersion");
    let kubelet = minor(version)?;
    let allowed = if server.1 >= 28 { 3 } else { 2 };
    if server.0 != kubelet.0 || kubelet.1 <= server.1 && server.1 - kubelet.1 <= allowed {
        return None;
    }
    let name = node.name();
    let statement = text(
        format!(
            "节点 {name} 的 kubelet 是 {version}，API server 是 v{}.{}：只允许旧 {allowed} 个小版本以内，且不能更新",
            server.0, server.1
        ),
        format!(
            "the kubelet of node {name} is {version} and the API server v{}.{}: it may be {allowed} minor versions older at most, and never newer",
            server.0, server.1
        ),
    );
    let finding = Finding::new(Class::VersionSkew, &node.re, statement)
        .cite(Cite::field(node, "/status/nodeInfo/kubeletVersion"))
        .fix(
            text("腾空节点后升级（或降级）kubelet", "drain the node, then bring its kubelet in line"),
            format!("kubectl drain {name} --ignore-daemonsets --delete-emptydir-data=false"),
        );
    Some(finding)
}

/// Where the server did not tell its version: that of the API server's own image.
fn newest_control_plane(evidence: &Evidence) -> Option<(u32, u32)> {
    let servers = evidence.kind_in("Pod", "kube-system").filter(|p| p.name().starts_with("kube-apiserver"));
    servers.filter_map(|p| minor(p.str("/spec/containers/0/image").rsplit_once(":v")?.1)).max()
}

static CLOCK: Pattern = Pattern::new(r"(?i)clock|\bntp\b|chrony|time.{0,10}synchroni[sz]|not synchroni[sz]ed");

/// What a node problem detector or node exporter says about the clock.
fn clock_skew(evidence: &Evidence, node: &Object) -> Option<Finding> {
    let by_condition = node
        .conditions()
        .find(|c| c.is_true() && CLOCK.is_match(c.kind) || c.is_true() && c.kind == "NTPProblem")
        .map(|c| (c.message.to_owned(), cite(node, &c, "message")));
    let event = evidence.events(&node.re).iter().rev().find(|e| {
        e.warning
            && CLOCK.is_match(&format!("{} {}", e.reason, e.message))
            && e.last.is_some_and(|at| evidence.now.duration_since(at) < LATELY)
    });
    let (says, cite) =
        by_condition.or_else(|| event.map(|e| (e.message.clone(), e.cite()))).or_else(|| by_metric(evidence, node))?;
    let name = node.name();
    let statement =
        text(format!("节点 {name} 的时钟不同步：{says}"), format!("the clock of node {name} is off: {says}"));
    let finding = Finding::new(Class::NodeClockSkew, &node.re, statement).cite(cite).fix(
        text("在该节点上看时间同步", "on that node, look at the time synchronisation"),
        format!("ssh {name} 'timedatectl; chronyc tracking; sudo systemctl restart chronyd'"),
    );
    Some(finding)
}

fn by_metric(evidence: &Evidence, node: &Object) -> Option<(String, Cite)> {
    let metric = evidence.metrics.iter().find(|m| m.query.contains("node_timex_offset_seconds"))?;
    let ours = |label: &str| label == node.name() || label.split(':').next() == Some(node.name());
    let sample = metric
        .samples
        .iter()
        .find(|s| ["node", "instance", "nodename"].iter().any(|k| s.labels.get(*k).is_some_and(|v| ours(v))))?;
    if sample.value.abs() < 0.05 {
        return None;
    }
    let says = format!("{:.3} s", sample.value);
    let source = crate::finding::Source::Metric(metric.query.clone());
    Some((says.clone(), Cite { object: node.re.clone(), source, time: None, text: says }))
}

/// A pod that is not ready, or cannot be removed, on a node that does not answer.
fn on_bad_node(evidence: &Evidence, pod: &Object) -> Option<Finding> {
    let node = evidence.find("Node", "", pod.str("/spec/nodeName"))?;
    let name = pod.re.path();
    let lost = pod.str("/status/reason") == "NodeLost"
        || pod.condition("Ready").is_some_and(|c| c.reason == "NodeStatusUnknown" || c.reason == "NodeNotReady");
    let bad = node.condition("Ready").is_some_and(|c| !c.is_true());
    let suffers = lost || !crate::pod::is_ready(pod) || pod.deleting_since().is_some();
    if !bad || !suffers || crate::pod::is_over(pod) || pod.str("/status/phase") == "Failed" {
        return None;
    }
    let statement = text(
        format!("Pod {name} 所在的节点 {} 不可用", node.name()),
        format!("node {}, where pod {name} runs, is not available", node.name()),
    );
    let ready = node.condition("Ready");
    let finding = Finding::new(Class::NodeUnavailable, &pod.re, statement)
        .cite(Cite::field(pod, "/spec/nodeName"))
        .cites(ready.map(|c| cite(node, &c, "status")))
        .because(node.re.clone());
    Some(finding)
}
