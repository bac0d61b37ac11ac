//! A disk that the node does not get.

use serde_json::json;

use super::{claim_of, short, symptom};
use crate::class::Class;
use crate::event::Event;
use crate::evidence::Evidence;
use crate::finding::{Cite, Finding, text};
use crate::object::Object;
use crate::pattern::Pattern;
use crate::pod;

static MULTI: Pattern = Pattern::new(
    r"(?i)Multi-Attach error|already exclusively attached|already (?:attached|used) (?:to|by|on) (?:an)?other|is in use by another|VolumeInUse|volume is already attached to (?:node|instance)|attached to (?:another|a different) (?:node|instance)|RESOURCE_IN_USE_BY_ANOTHER_RESOURCE|already being used by|DiskInUse|InUseByAnother",
);
static LIMIT: Pattern = Pattern::new(
    r"(?i)AttachmentLimitExceeded|maximum (?:number|count) of (?:data )?(?:disks|volumes)|max(?:imum)? volume count|DiskLimitExceeded|InstanceDiskLimit|InstanceDiskNumber|TooManyDisks|too many (?:data )?(?:disks|volumes)|exceed.{0,40}(?:attach|disk|volume).{0,20}(?:limit|number|count)|(?:attach|disk|volume).{0,40}limit (?:is |has been |was )?(?:exceeded|reached)|cannot attach more|LimitExceeded\.\w*Disk",
);
static VOLUME: Pattern = Pattern::new(r#"volume "([^"]+)""#);

pub fn findings(evidence: &Evidence, pod: &Object, event: &Event) -> Vec<Finding> {
    let volume = VOLUME.first(&event.message).unwrap_or_default();
    let claim = claim_of(evidence, pod, volume);
    let says = short(event);
    let waits = symptom(pod, &says, &says).cite(event.cite());
    let finding = if MULTI.is_match(&event.message) {
        let holders = holders(evidence, pod, claim);
        let lost = holders.iter().find_map(|holder| lost_node(evidence, holder));
        if let Some(node) = lost {
            // the volume is held by a node that does not answer: that is the trouble
            return vec![waits.because(node.re.clone())];
        }
        multi_attach(evidence, pod, claim, &holders)
    } else if LIMIT.is_match(&event.message) {
        limit(evidence, pod)
    } else {
        refused(evidence, pod, claim, &says)
    };
    vec![waits, finding.cite(event.cite()).seen_on(&pod.re)]
}

/// Other pods that use the claim on another node.
fn holders<'a>(evidence: &'a Evidence, pod: &'a Object, claim: Option<&Object>) -> Vec<&'a Object> {
    let Some(claim) = claim else { return Vec::new() };
    let elsewhere = |other: &&Object| {
        let node = other.str("/spec/nodeName");
        !node.is_empty()
            && node != pod.str("/spec/nodeName")
            && !matches!(other.str("/status/phase"), "Succeeded" | "Failed")
            && crate::graph::references(other).iter().any(|r| r.to == claim.re)
    };
    evidence.kind_in("Pod", pod.namespace()).filter(elsewhere).collect()
}

fn lost_node<'a>(evidence: &'a Evidence, holder: &Object) -> Option<&'a Object> {
    let node = evidence.find("Node", "", holder.str("/spec/nodeName"))?;
    node.condition("Ready").is_some_and(|c| !c.is_true()).then_some(node)
}

fn multi_attach(evidence: &Evidence, pod: &Object, claim: Option<&Object>, holders: &[&Object]) -> Finding {
    let root = evidence.root(pod);
    let node = pod.str("/spec/nodeName");
    let name = claim.map_or_else(|| "?".to_owned(), |c| c.re.path());
    let who: Vec<String> =
        holders.iter().take(3).map(|h| format!("{} @ {}", h.re.path(), h.str("/spec/nodeName"))).collect();
    let attachment = claim.and_then(|c| attachment(evidence, pod, c.str("/spec/volumeName"), false));
    let held = match (who.is_empty(), attachment) {
        (false, _) => who.join(", "),
        (true, Some(attachment)) => attachment.str("/spec/nodeName").to_owned(),
        (true, None) => "?".to_owned(),
    };
    let statement = text(
        format!("PVC {name} 的卷只能挂在一个节点上，现仍被 {held} 占用，不能挂到 {node}"),
        format!("the volume of claim {name} can be on one node only; {held} still holds it, so {node} does not get it"),
    );
    let mut finding = Finding::new(Class::VolumeMultiAttach, &root.re, statement);
    finding.cites.extend(claim.map(|c| Cite::field(c, "/spec/accessModes")));
    finding.cites.extend(holders.iter().take(3).map(|h| Cite::field(h, "/spec/nodeName")));
    if let (true, Some(attachment)) = (holders.is_empty(), attachment) {
        return finding.cite(Cite::field(attachment, "/spec/nodeName")).fix(
            text(
                "确认旧节点已关机后，删除残留的挂接记录（卷里的数据不受影响）",
                "once the old node is surely off, delete the stale attachment (the data is not touched)",
            ),
            format!("kubectl delete volumeattachment {}", attachment.name()),
        );
    }
    let own = holders.iter().any(|h| evidence.root(h).re == root.re);
    let (flag, arg) = (root.re.flag(), root.re.arg());
    if own && root.kind() == "Deployment" {
        let finding = if root.int("/spec/replicas").unwrap_or(1) > 1 {
            finding
                .fix(text("只保留一个副本", "run one replica only"), format!("kubectl{flag} scale {arg} --replicas=1"))
        } else {
            finding
        };
        let patch = json!({"spec": {"strategy": {"type": "Recreate", "rollingUpdate": null}}});
        return finding.fix(
            text(
                "发布时先停旧 Pod 再起新 Pod（会有短暂中断）",
                "stop the old pod before the new one starts (a short outage at each release)",
            ),
            format!("kubectl{flag} patch {arg} -p '{patch}'"),
        );
    }
    let other = holders.first().map(|h| evidence.root(h));
    let finding = match other.filter(|o| matches!(o.kind(), "Deployment" | "StatefulSet")) {
        Some(other) => finding.fix(
            text("停掉占用者（确认它不再需要该卷）", "stop the one that holds it (if it needs the volume no more)"),
            format!("kubectl{} scale {} --replicas=0", other.re.flag(), other.re.arg()),
        ),
        None => finding,
    };
    finding.advice(text(
        "或让两者调度到同一节点，或改用支持 ReadWriteMany 的文件存储",
        "or place both on one node, or use file storage that offers ReadWriteMany",
    ))
}

/// The attachment of a volume to the pod's node, or to another.
fn attachment<'a>(evidence: &'a Evidence, pod: &Object, volume: &str, here: bool) -> Option<&'a Object> {
    let node = pod.str("/spec/nodeName");
    evidence.kind("VolumeAttachment").find(|a| {
        a.str("/spec/source/persistentVolumeName") == volume
            && !volume.is_empty()
            && (a.str("/spec/nodeName") == node) == here
    })
}

fn limit(evidence: &Evidence, pod: &Object) -> Finding {
    let node = pod.str("/spec/nodeName");
    let statement = text(
        format!("节点 {node} 可挂接的卷数已达上限"),
        format!("node {node} already has as many volumes attached as it may"),
    );
    Finding::new(Class::VolumeAttachLimit, &evidence.root(pod).re, statement)
        .cite(Cite::field(pod, "/spec/nodeName"))
        .fix(
            text("看该节点上挂了哪些卷", "see which volumes are attached there"),
            format!("kubectl get volumeattachments | grep {node}; kubectl get csinode {node} -o yaml"),
        )
        .advice(text(
            "让 Pod 换一个节点（先 cordon 该节点再删除 Pod），或增加节点",
            "move the pod (cordon the node, then delete the pod), or add nodes",
        ))
}

fn refused(evidence: &Evidence, pod: &Object, claim: Option<&Object>, says: &str) -> Finding {
    let node = pod.str("/spec/nodeName");
    let name = claim.map_or_else(|| "?".to_owned(), |c| c.re.path());
    let statement = text(
        format!("PVC {name} 的卷挂接到节点 {node} 失败：{says}"),
        format!("the volume of claim {name} cannot be attached to node {node}: {says}"),
    );
    let volume = claim.map_or("", |c| c.str("/spec/volumeName"));
    let finding = Finding::new(Class::VolumeAttachFailed, &evidence.root(pod).re, statement)
        .cites(attachment(evidence, pod, volume, true).map(|a| Cite::field(a, "/status")))
        .fix(
            text("看挂接记录的错误和驱动的日志", "see the attachment's error and the driver's log"),
            format!("kubectl get volumeattachments -o wide | grep '{volume}'; kubectl get pods -A | grep -iE 'csi.*(controller|attacher)'"),
        );
    let driver = driver(evidence, volume);
    let down = evidence
        .kind("Pod")
        .find(|p| !driver.is_empty() && p.at("/spec/containers").to_string().contains(driver) && !pod::is_ready(p));
    let finding = match down {
        Some(down) => finding.because(down.re.clone()),
        None => finding,
    };
    finding.advice(text(
        "在云控制台看该磁盘的状态（是否存在、是否被别的机器占用、是否同一可用区）",
        "look the disk up in the cloud's console: does it exist, does another machine hold it, is it in the same zone",
    ))
}

fn driver<'a>(evidence: &'a Evidence, volume: &str) -> &'a str {
    evidence.find("PersistentVolume", "", volume).map_or("", |v| v.str("/spec/csi/driver"))
}

/// Nobody said why, but the attachment itself holds an error, or the volume is on another node.
pub fn stuck(evidence: &Evidence, pod: &Object, event: &Event) -> Option<Finding> {
    let claims = super::claims(evidence, pod);
    for claim in claims {
        let Some(here) = attachment(evidence, pod, claim.str("/spec/volumeName"), true) else { continue };
        let error = here.str("/status/attachError/message");
        if here.bool("/status/attached") == Some(true) || error.is_empty() {
            continue;
        }
        let finding = refused(evidence, pod, Some(claim), error);
        return Some(
            finding.cite(Cite::field(here, "/status/attachError/message")).cite(event.cite()).seen_on(&pod.re),
        );
    }
    None
}
