//! Claims that have no volume, and why.

mod error;
mod remake;
mod size;
mod static_volume;

use jiff::SignedDuration;

use crate::class::Class;
use crate::event::Event;
use crate::evidence::Evidence;
use crate::finding::{Cite, Finding, text};
use crate::graph::references;
use crate::object::{Object, ObjectRef};

/// A provisioner that runs answers a new claim within seconds.
const ANSWERED_WITHIN: SignedDuration = SignedDuration::from_secs(20);

pub fn claims(evidence: &Evidence) -> Vec<Finding> {
    evidence.kind("PersistentVolumeClaim").flat_map(|claim| claim_findings(evidence, claim)).collect()
}

fn claim_findings(evidence: &Evidence, claim: &Object) -> Vec<Finding> {
    match claim.str("/status/phase") {
        "Lost" => vec![lost(claim)],
        "Bound" => bound_to_nothing(evidence, claim).into_iter().collect(),
        _ if claim.deleting_since().is_some() => Vec::new(),
        _ => pending(evidence, claim),
    }
}

fn lost(claim: &Object) -> Finding {
    let (name, volume) = (claim.re.path(), claim.str("/spec/volumeName"));
    let statement = text(
        format!("PVC {name} 绑定的 PersistentVolume {volume} 已不存在，数据可能已随之丢失"),
        format!("volume {volume} that claim {name} was bound to is gone, perhaps with its data"),
    );
    let mut finding = Finding::new(Class::ClaimLost, &claim.re, statement)
        .cite(Cite::field(claim, "/status/phase"))
        .cite(Cite::field(claim, "/spec/volumeName"));
    finding = finding.advice(text(
        "若底层磁盘还在：用原 volumeHandle 重建同名 PV（claimRef 指向该 PVC）；否则从备份恢复",
        "if the disk itself still exists, make the volume anew under the same name with its volumeHandle (claimRef to this claim); else restore a backup",
    ));
    finding.fix(
        text("看是谁、何时删除的", "see who deleted it and when"),
        format!(
            "kubectl get pv {volume} -o yaml; kubectl{} describe {}",
            claim.re.flag(),
            "pvc/".to_owned() + claim.name()
        ),
    )
}

/// The controller marks a claim Lost with some delay.
fn bound_to_nothing(evidence: &Evidence, claim: &Object) -> Option<Finding> {
    let volume = ObjectRef::cluster("PersistentVolume", claim.str("/spec/volumeName"));
    let gone = !volume.name.is_empty()
        && evidence.kind("PersistentVolume").next().is_some()
        && evidence.lookup(&volume).is_absent();
    gone.then(|| lost(claim).cite(Cite::absent(&volume)))
}

fn pending(evidence: &Evidence, claim: &Object) -> Vec<Finding> {
    let users: Vec<&Object> = users(evidence, claim);
    let class = evidence.find("StorageClass", "", claim.str("/spec/storageClassName"));
    let waits_for_pod = class.is_some_and(|c| c.str("/volumeBindingMode") == "WaitForFirstConsumer");
    let failed = failure(evidence, claim);
    if waits_for_pod && users.is_empty() && failed.is_none() {
        // nobody has asked for the volume yet: as it should be
        return Vec::new();
    }
    let name = claim.re.path();
    let statement = text(format!("PVC {name} 未绑定"), format!("claim {name} is not bound"));
    let mut symptom = Finding::new(Class::ClaimPending, &claim.re, statement).cite(Cite::field(claim, "/status/phase"));
    let cause = match failed {
        Some(event) => Some(error::cause(evidence, claim, event)),
        None => silent_cause(evidence, claim, class, &mut symptom),
    };
    if cause.is_none() && waits_for_pod {
        // it is bound once its pod is scheduled: what keeps the pod explains the claim
        symptom.because.extend(users.iter().map(|pod| pod.re.clone()));
    }
    if cause.is_none() && symptom.because.is_empty() && young(evidence, claim) {
        return Vec::new();
    }
    let mut findings = vec![symptom];
    findings.extend(cause);
    findings
}

fn young(evidence: &Evidence, claim: &Object) -> bool {
    claim.created().is_none_or(|at| evidence.now.duration_since(at) < ANSWERED_WITHIN)
}

/// The pods that mount a claim.
pub fn users<'a>(evidence: &'a Evidence, claim: &'a Object) -> Vec<&'a Object> {
    let pods = evidence.kind_in("Pod", claim.namespace());
    pods.filter(|pod| references(pod).iter().any(|r| r.to == claim.re)).collect()
}

/// The newest word of the provisioner on why it failed. The controller's Normal events keep coming and must not hide it.
fn failure<'a>(evidence: &'a Evidence, claim: &Object) -> Option<&'a Event> {
    let failed = |e: &&Event| e.reason == "ProvisioningFailed" || e.reason == "ProvisioningCleanupFailed";
    let events = evidence.events(&claim.re);
    events.iter().rev().find(|e| failed(e) && error::is_specific(&e.message)).or(events.iter().rev().find(failed))
}

/// No provisioner complained: the class, the volumes there are, or the provisioner itself is missing.
fn silent_cause(evidence: &Evidence, claim: &Object, class: Option<&Object>, symptom: &mut Finding) -> Option<Finding> {
    if let Some(finding) = static_volume::cause(evidence, claim, class) {
        return Some(finding);
    }
    let named = claim.str("/spec/storageClassName");
    if named.is_empty() {
        return claim.at("/spec/storageClassName").is_null().then(|| no_default(evidence, claim)).flatten();
    }
    if evidence.lookup(&ObjectRef::cluster("StorageClass", named)).is_absent() {
        return Some(class_not_found(evidence, claim, None));
    }
    provisioner_missing(evidence, claim, class?, symptom)
}

fn classes(evidence: &Evidence) -> String {
    let names: Vec<&str> = evidence.kind("StorageClass").map(Object::name).take(8).collect();
    if names.is_empty() { "-".to_owned() } else { names.join(", ") }
}

fn class_not_found(evidence: &Evidence, claim: &Object, event: Option<&Event>) -> Finding {
    let (name, class) = (claim.re.path(), claim.str("/spec/storageClassName"));
    let there = classes(evidence);
    let statement = text(
        format!("PVC {name} 引用的存储类 {class} 不存在（集群里有：{there}）"),
        format!("storage class {class} that claim {name} names does not exist (there are: {there})"),
    );
    let re = ObjectRef::cluster("StorageClass", class);
    let absent = evidence.lookup(&re).is_absent().then(|| Cite::absent(&re));
    let finding = Finding::new(Class::StorageClassNotFound, &claim.re, statement)
        .cite(Cite::field(claim, "/spec/storageClassName"))
        .cites(absent)
        .cites(event.map(Event::cite));
    let other = evidence.kind("StorageClass").find(|c| is_default(c)).or(evidence.kind("StorageClass").next());
    match other {
        Some(other) => {
            remake::with(evidence, claim, finding, |spec| spec["storageClassName"] = serde_json::json!(other.name()))
        }
        None => finding.advice(text(
            format!("创建存储类 {class}，或安装一个存储驱动"),
            format!("create the storage class {class}, or install a storage driver"),
        )),
    }
}

pub fn is_default(class: &Object) -> bool {
    ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"]
        .iter()
        .any(|key| class.annotation(key) == "true")
}

fn no_default(evidence: &Evidence, claim: &Object) -> Option<Finding> {
    if !evidence.is_listed("StorageClass", "") || evidence.kind("StorageClass").any(is_default) {
        return None;
    }
    let (name, there) = (claim.re.path(), classes(evidence));
    let statement = text(
        format!("PVC {name} 没有写存储类，集群也没有默认存储类（有：{there}）"),
        format!("claim {name} names no storage class and the cluster has no default one (there are: {there})"),
    );
    let event = evidence.event(&claim.re, &["FailedBinding"]);
    let finding = Finding::new(Class::NoDefaultStorageClass, &claim.re, statement)
        .cite(Cite::field(claim, "/spec/storageClassName"))
        .cites(event.map(Event::cite));
    Some(match evidence.kind("StorageClass").next() {
        Some(class) => finding.fix(
            text("把一个存储类设为默认（已有的 PVC 会自动采用）", "make one the default (claims that wait take it)"),
            format!(
                "kubectl patch storageclass {} -p '{{\"metadata\":{{\"annotations\":{{\"storageclass.kubernetes.io/is-default-class\":\"true\"}}}}}}'",
                class.name()
            ),
        ),
        None => finding.advice(text("安装一个存储驱动并创建存储类", "install a storage driver and create a class for it")),
    })
}

/// The controller waits for a provisioner that says nothing at all.
fn provisioner_missing(evidence: &Evidence, claim: &Object, class: &Object, symptom: &mut Finding) -> Option<Finding> {
    let waiting = evidence.event(&claim.re, &["ExternalProvisioning"]);
    let began = evidence.event(&claim.re, &["Provisioning"]);
    let provisioner = class.str("/provisioner");
    let driver = ObjectRef::cluster("CSIDriver", provisioner);
    let unregistered = evidence.lookup(&driver).is_absent();
    if began.is_some() || young(evidence, claim) || waiting.is_none() {
        return None;
    }
    let pods = provisioner_pods(evidence, provisioner);
    if let Some(down) = pods.iter().find(|pod| !crate::pod::is_ready(pod)) {
        symptom.because.push(down.re.clone());
        if pods.iter().all(|pod| !crate::pod::is_ready(pod)) {
            return None;
        }
    }
    let (name, class_name) = (claim.re.path(), class.name());
    let statement = text(
        format!("存储类 {class_name} 的供应器 {provisioner} 没有在运行，没有人给 PVC {name} 创建卷"),
        format!(
            "no running provisioner {provisioner} serves class {class_name}, so nobody makes a volume for claim {name}"
        ),
    );
    let finding = Finding::new(Class::ProvisionerMissing, &claim.re, statement)
        .cites(waiting.map(Event::cite))
        .cite(Cite::field(class, "/provisioner"))
        .cites(unregistered.then(|| Cite::absent(&driver)))
        .fix(
            text("看供应器是否已安装、是否在运行", "see whether the provisioner is installed and runs"),
            "kubectl get csidrivers; kubectl get pods -A | grep -iE 'csi|provisioner'",
        )
        .advice(text(
            format!("安装驱动 {provisioner}，或让 PVC 用别的存储类（{}）", classes(evidence)),
            format!("install the driver {provisioner}, or let the claim use another class ({})", classes(evidence)),
        ));
    Some(if unregistered { finding } else { finding.likely() })
}

/// Pods that run a provisioner, as far as their arguments, images or names say so.
fn provisioner_pods<'a>(evidence: &'a Evidence, provisioner: &str) -> Vec<&'a Object> {
    let words: Vec<String> = provisioner.split(['.', '/']).map(str::to_lowercase).collect();
    let own = |word: &&String| {
        word.len() > 2
            && !["com", "csi", "k8s", "cloud", "kubernetes", "rancher", "storage", "aws", "alibabacloud", "tencent"]
                .contains(&word.as_str())
    };
    let own: Vec<&String> = words.iter().filter(own).collect();
    evidence
        .kind("Pod")
        .filter(|pod| {
            let spec = pod.at("/spec/containers").to_string();
            let name = pod.name().to_lowercase();
            spec.contains(provisioner)
                || own.iter().any(|w| name.contains(w.as_str()))
                    && ["provisioner", "controller", "csi"].iter().any(|w| name.contains(w))
        })
        .collect()
}
