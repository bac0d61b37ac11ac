//! A volume that the node has and cannot mount.

use super::{claim_of, short, symptom};
use crate::class::Class;
use crate::event::Event;
use crate::evidence::Evidence;
use crate::finding::{Cite, Finding, Text, text};
use crate::object::Object;
use crate::pattern::Pattern;

/// Config maps, secrets and their keys have rules of their own.
static REFERENCE: Pattern = Pattern::new(
    r#"(?i)(?:configmaps?|secrets?) "[^"]+" not found$|references non-existent (?:config|secret) key|non-existent secret key|object "[^"]+"/"[^"]+" not registered|failed to sync (?:configmap|secret) cache|couldn't find key|failed to fetch token|serviceaccounts? "[^"]+" not found"#,
);
static SECRET_OF_DRIVER: Pattern = Pattern::new(
    r#"(?i)(?:NodeStageSecretRef|NodePublishSecretRef|fetching .{0,30}Secret\w* ?\S*).{0,300}secrets? "([^"]+)""#,
);
static FAILED: Pattern = Pattern::new(
    r#"(?:MountVolume|MapVolume|UnmountVolume)\.\w+ (?:\w+ )?failed for volume "([^"]+)"|(?:SetUp|MountDevice) failed for volume "([^"]+)""#,
);
static TIMED_OUT: Pattern = Pattern::new(
    r"^(?:Unable to attach or mount volumes|unmounted volumes=).*(?:timed out waiting for the condition|context deadline exceeded)$",
);

static FILE_SYSTEM: Pattern = Pattern::new(
    r"(?i)wrong fs type|bad option|bad superblock|fsck found errors|fsck.{0,40}(?:failed|error)|Structure needs cleaning|unknown filesystem type|failed to format|corrupt|can't read superblock",
);
static SERVER: Pattern = Pattern::new(
    r"(?i)no route to host|connection (?:timed out|refused)|host is down|network is unreachable|mount\.nfs: (?:timeout|mounting)|failed to resolve server|name or service not known|stale (?:NFS )?file handle|portmap query failed|could not resolve|mon.{0,20}timed out|rpc\.statd is not running",
);
static DENIED: Pattern = Pattern::new(
    r"(?i)access denied by server|permission denied|operation not permitted|mount error\(13\)|ret=-13|ret=-1\b",
);
static NO_PATH: Pattern = Pattern::new(
    r"(?i)no such file or directory|does not exist|hostPath type check failed|is not a (?:directory|file|block device|socket)|special device .{0,80}does not exist|mount\.nfs: mounting .{0,120}No such file",
);
static NO_DRIVER: Pattern = Pattern::new(r"(?i)driver name (\S+) not found in the list of registered CSI drivers");

pub fn is_missing_reference(message: &str) -> bool {
    REFERENCE.is_match(message.trim_end()) && SECRET_OF_DRIVER.first(message).is_none()
}

/// Whether the event says what went wrong, and not only that time ran out.
pub fn is_specific(message: &str) -> bool {
    !is_missing_reference(message) && !TIMED_OUT.is_match(message.trim_end()) && FAILED.is_match(message)
}

pub fn findings(evidence: &Evidence, pod: &Object, event: &Event) -> Vec<Finding> {
    let names = FAILED.captures(&event.message);
    let volume = names.and_then(|c| c.get(1).or(c.get(2))).map_or("", |m| m.as_str());
    let claim = claim_of(evidence, pod, volume);
    let says = short(event);
    let (why, advice) = why(pod, &event.message, claim);
    let shown = claim.map_or_else(|| volume.to_owned(), |c| format!("PVC {}", c.re.path()));
    let node = pod.str("/spec/nodeName");
    let statement = text(
        format!("卷 {volume}（{shown}）在节点 {node} 上挂载失败，{}：{says}", why.zh),
        format!("volume {volume} ({shown}) cannot be mounted on node {node}, {}: {says}", why.en),
    );
    let mut finding =
        Finding::new(Class::VolumeMountFailed, &evidence.root(pod).re, statement).cite(event.cite()).seen_on(&pod.re);
    let source = claim.and_then(|c| evidence.find("PersistentVolume", "", c.str("/spec/volumeName")));
    for pointer in ["/spec/nfs", "/spec/csi/volumeAttributes", "/spec/mountOptions", "/spec/csi/fsType"] {
        let cite = source.filter(|v| !v.at(pointer).is_null()).map(|v| Cite::field(v, pointer));
        finding.cites.extend(cite);
    }
    let own = pod.list("/spec/volumes").iter().position(|v| v["name"] == volume);
    if let (None, Some(index)) = (source, own) {
        finding = finding.cite(Cite::field(pod, &format!("/spec/volumes/{index}")));
    }
    let finding = finding.fix(advice.0, advice.1);
    vec![symptom(pod, &says, &says).cite(event.cite()), finding]
}

/// What kind of failure it is, and where to look next.
type Why = (Text, (Text, String));

fn why(pod: &Object, message: &str, claim: Option<&Object>) -> Why {
    let node = pod.str("/spec/nodeName");
    let volume = claim.map_or("", |c| c.str("/spec/volumeName"));
    driver(node, volume, message)
        .or_else(|| server(node, volume, message))
        .unwrap_or_else(|| content(pod, node, volume, message))
}

fn driver(node: &str, volume: &str, message: &str) -> Option<Why> {
    if let Some(driver) = NO_DRIVER.first(message) {
        return Some((
            text(format!("节点上没有驱动 {driver}"), format!("the node has no driver {driver}")),
            (
                text(
                    "看驱动的节点 Pod（DaemonSet）是否在该节点上运行",
                    "see whether the driver's node pod (daemon set) runs there",
                ),
                format!(
                    "kubectl get pods -A -o wide --field-selector spec.nodeName={node} | grep -i csi; kubectl get csinode {node} -o yaml"
                ),
            ),
        ));
    }
    if let Some(secret) = SECRET_OF_DRIVER.first(message) {
        return Some((
            text(
                format!("驱动要用的 Secret {secret} 不存在"),
                format!("secret {secret} that the driver needs does not exist"),
            ),
            (
                text("看 PV 引用的 Secret", "see which secret the volume refers to"),
                format!(
                    "kubectl get pv {volume} -o jsonpath='{{.spec.csi.nodeStageSecretRef}}'; kubectl get secrets -A | grep '{secret}'"
                ),
            ),
        ));
    }
    None
}

fn server(node: &str, volume: &str, message: &str) -> Option<Why> {
    if SERVER.is_match(message) {
        return Some((
            text("节点连不上存储服务器", "the node cannot reach the storage server"),
            (
                text(
                    "在该节点上试连存储服务器，并核对地址",
                    "on that node, try to reach the server; compare its address",
                ),
                format!(
                    "kubectl get pv {volume} -o jsonpath='{{.spec.nfs}}{{.spec.csi.volumeAttributes}}'; ssh {node} 'showmount -e SERVER'"
                ),
            ),
        ));
    }
    if DENIED.is_match(message) {
        return Some((
            text("存储服务器拒绝访问", "the storage server denies access"),
            (
                text(
                    "核对服务器的导出许可（客户端网段）和凭证",
                    "check the server's export rules (client range) and the credentials",
                ),
                format!("kubectl get pv {volume} -o yaml; kubectl get node {node} -o wide"),
            ),
        ));
    }
    None
}

fn content(pod: &Object, node: &str, volume: &str, message: &str) -> Why {
    if FILE_SYSTEM.is_match(message) {
        return (
            text(
                "文件系统损坏或类型、选项不对",
                "its file system is damaged or of another type, or an option is wrong",
            ),
            (
                text(
                    "先做快照，再在该节点上检查文件系统（停用 Pod 后才可修复）",
                    "take a snapshot first, then check the file system on that node (repair only with the pod stopped)",
                ),
                format!(
                    "kubectl get pv {volume} -o jsonpath='{{.spec.csi.fsType}} {{.spec.mountOptions}}'; ssh {node} 'lsblk -f; sudo dmesg | tail -20'"
                ),
            ),
        );
    }
    if NO_PATH.is_match(message) {
        return (
            text("路径不存在或类型不对", "the path does not exist or is of another type"),
            (
                text("在该节点或存储服务器上核对路径", "check the path on the node or on the storage server"),
                format!(
                    "kubectl get {} -n {} -o jsonpath='{{.spec.volumes}}'; ssh {node} 'ls -ld PATH'",
                    pod.re.arg(),
                    pod.namespace()
                ),
            ),
        );
    }
    (
        text("原因见报错", "for the reason given"),
        (
            text("看该节点上驱动的日志", "read the driver's log on that node"),
            format!("kubectl get pods -A -o wide --field-selector spec.nodeName={node} | grep -i csi"),
        ),
    )
}
