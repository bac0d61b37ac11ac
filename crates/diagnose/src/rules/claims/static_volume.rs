//! Claims that must find a volume that an administrator made.

use crate::class::Class;
use crate::event::Event;
use crate::evidence::{Evidence, Lookup};
use crate::finding::{Cite, Finding, text};
use crate::object::{Object, ObjectRef};
use crate::quantity;
use crate::selector;

const NO_PROVISIONER: &str = "kubernetes.io/no-provisioner";

/// Why no static volume is bound; None where the claim is not one for static volumes.
pub fn cause(evidence: &Evidence, claim: &Object, class: Option<&Object>) -> Option<Finding> {
    let named = claim.str("/spec/volumeName");
    if !named.is_empty() {
        return by_name(evidence, claim, named);
    }
    let class_name = claim.str("/spec/storageClassName");
    let of_class = |v: &&Object| v.str("/spec/storageClassName") == class_name;
    let is_static = match class {
        Some(class) => class.str("/provisioner") == NO_PROVISIONER,
        // an empty class means static; one that does not exist does if volumes carry its name
        None if class_name.is_empty() => !claim.at("/spec/storageClassName").is_null(),
        None => evidence.kind("PersistentVolume").any(|v| of_class(&v)),
    };
    if !is_static {
        return None;
    }
    let volumes: Vec<&Object> = evidence.kind("PersistentVolume").filter(of_class).collect();
    let released = volumes.iter().find(|v| v.str("/status/phase") == "Released" && misfit(claim, v).is_none());
    if let Some(volume) = released {
        return Some(volume_released(claim, volume));
    }
    if volumes.iter().any(|v| v.str("/status/phase") == "Available" && misfit(claim, v).is_none()) {
        return None;
    }
    Some(no_match(evidence, claim, &volumes))
}

fn by_name(evidence: &Evidence, claim: &Object, name: &str) -> Option<Finding> {
    let volume = match evidence.lookup(&ObjectRef::cluster("PersistentVolume", name)) {
        Lookup::Found(volume) => volume,
        Lookup::Absent => {
            let re = ObjectRef::cluster("PersistentVolume", name);
            return Some(no_match(evidence, claim, &[]).cite(Cite::absent(&re)));
        }
        Lookup::Unknown => return None,
    };
    let other = volume.str("/spec/claimRef/uid");
    let foreign = !other.is_empty() && other != claim.uid() || {
        let owner = volume.at("/spec/claimRef");
        owner.is_object() && (owner["name"] != claim.name() || owner["namespace"] != claim.namespace())
    };
    if volume.str("/status/phase") == "Released" {
        return Some(volume_released(claim, volume));
    }
    (foreign || misfit(claim, volume).is_some()).then(|| no_match(evidence, claim, &[volume]))
}

/// Why a volume does not suit a claim, in both languages.
fn misfit(claim: &Object, volume: &Object) -> Option<(String, String)> {
    let asked = claim.str("/spec/resources/requests/storage");
    let there = volume.str("/spec/capacity/storage");
    if quantity::parse(there) < quantity::parse(asked) {
        return Some((format!("只有 {there}"), format!("has {there} only")));
    }
    let modes = volume.list("/spec/accessModes");
    if let Some(mode) = claim.list("/spec/accessModes").iter().find(|m| !modes.contains(m)) {
        let mode = mode.as_str().unwrap_or_default();
        return Some((format!("不支持 {mode}"), format!("does not offer {mode}")));
    }
    let classes = (claim.str("/spec/storageClassName"), volume.str("/spec/storageClassName"));
    if classes.0 != classes.1 {
        return Some((format!("存储类是 {}", classes.1), format!("is of class {}", classes.1)));
    }
    let chooses = claim.at("/spec/selector");
    if chooses.is_object() && !selector::matches(chooses, &volume.labels()) {
        return Some(("标签不符合选择器".to_owned(), "does not match the selector".to_owned()));
    }
    None
}

fn volume_released(claim: &Object, volume: &Object) -> Finding {
    let (name, old) = (volume.name(), volume.str("/spec/claimRef/name"));
    let wants = claim.re.path();
    let statement = text(
        format!("PV {name} 处于 Released，仍记着旧的 PVC {old}，所以 {wants} 绑定不上"),
        format!("volume {name} is Released and still refers to the old claim {old}, so {wants} is not bound to it"),
    );
    Finding::new(Class::VolumeReleased, &volume.re, statement)
        .cite(Cite::field(volume, "/status/phase"))
        .cite(Cite::field(volume, "/spec/claimRef"))
        .seen_on(&claim.re)
        .fix(
            text(
                "确认可以让新 PVC 用卷里的旧数据后，去掉旧的 claimRef（数据保留）",
                "if the new claim may have the old data, remove the old claimRef (the data stays)",
            ),
            format!("kubectl patch pv {name} --type=json -p '[{{\"op\":\"remove\",\"path\":\"/spec/claimRef\"}}]'"),
        )
}

fn no_match(evidence: &Evidence, claim: &Object, volumes: &[&Object]) -> Finding {
    let (name, asked) = (claim.re.path(), claim.str("/spec/resources/requests/storage"));
    let class = claim.str("/spec/storageClassName");
    let (mut zh, mut en) = (Vec::new(), Vec::new());
    for volume in volumes.iter().take(3) {
        let owner = volume.str("/spec/claimRef/name");
        let taken = || (format!("已绑定 {owner}"), format!("is taken by {owner}"));
        let (in_zh, in_en) = misfit(claim, volume).unwrap_or_else(taken);
        zh.push(format!("{} {in_zh}", volume.name()));
        en.push(format!("{} {in_en}", volume.name()));
    }
    // without the whole list, only the controller's word says that none fits
    let listed = evidence.is_listed("PersistentVolume", "");
    if volumes.is_empty() {
        zh.push(if listed { "没有这样的 PV" } else { "控制器没有找到合适的 PV" }.to_owned());
        en.push(if listed { "there is no such volume" } else { "the controller has found none" }.to_owned());
    }
    let modes = claim.at("/spec/accessModes").to_string();
    let statement = text(
        format!("没有 PV 能满足 PVC {name}（{asked}，{modes}，存储类 \"{class}\"）：{}", zh.join("；")),
        format!("no volume fits claim {name} ({asked}, {modes}, class \"{class}\"): {}", en.join("; ")),
    );
    let event = evidence.event(&claim.re, &["FailedBinding", "ProvisioningFailed"]);
    let finding = Finding::new(Class::NoMatchingVolume, &claim.re, statement)
        .cites(event.map(Event::cite))
        .cite(Cite::field(claim, "/spec/resources/requests/storage"))
        .cites(volumes.first().map(|v| Cite::field(v, "/spec/capacity/storage")));
    let finding = finding.fix(text("看现有的 PV", "see which volumes there are"), "kubectl get pv -o wide");
    finding.advice(text(
        format!("创建一个容量不小于 {asked}、访问模式和存储类相同的 PV，或让 PVC 用能动态创建的存储类"),
        format!("make a volume of at least {asked} with the same access modes and class, or let the claim use a class that makes volumes"),
    ))
}
