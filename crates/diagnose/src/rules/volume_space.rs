//! Volumes that fill up, and claims that are to grow and do not.

use jiff::SignedDuration;

use crate::class::Class;
use crate::event::Event;
use crate::evidence::{Evidence, Metric};
use crate::finding::{Cite, Finding, Source, text};
use crate::object::Object;
use crate::quantity;

/// Below this share of free space the alert of kube-prometheus is critical.
const FULL: f64 = 0.03;
/// A forecast counts only where the volume is already well filled.
const FILLING: f64 = 0.15;
const DAY: f64 = 86400.0;
/// kube-prometheus warns four days ahead.
const FORECAST_DAYS: f64 = 4.0;
/// A driver grows a disk within minutes.
const GROWN_WITHIN: SignedDuration = SignedDuration::from_mins(10);

pub fn volume_space(evidence: &Evidence) -> Vec<Finding> {
    let bound = evidence.kind("PersistentVolumeClaim").filter(|c| c.str("/status/phase") == "Bound");
    bound.flat_map(|c| [full(evidence, c), expansion(evidence, c)].into_iter().flatten()).collect()
}

/// A claim's value of a kubelet's volume metric.
fn value<'a>(evidence: &'a Evidence, claim: &Object, name: &str, derived: bool) -> Option<(f64, &'a Metric)> {
    let metrics = evidence.metrics.iter();
    let mut asked = metrics.filter(|m| m.query.contains(name) && m.query.trim_start().starts_with("deriv(") == derived);
    asked.find_map(|metric| {
        let exact = |s: &&crate::evidence::Sample| {
            s.labels.get("persistentvolumeclaim").is_some_and(|l| l == claim.name())
                && s.labels.get("namespace").is_none_or(|l| l == claim.namespace())
        };
        // an answer without labels is about the claim that its query names
        let named = metric.query.contains(&format!("persistentvolumeclaim=\"{}\"", claim.name()))
            && metric.query.contains(&format!("namespace=\"{}\"", claim.namespace()));
        let sample = metric.samples.iter().find(exact);
        let sample = sample.or_else(|| metric.samples.first().filter(|s| named && s.labels.is_empty()))?;
        sample.value.is_finite().then_some((sample.value, metric))
    })
}

fn full(evidence: &Evidence, claim: &Object) -> Option<Finding> {
    space(evidence, claim).or_else(|| inodes(evidence, claim))
}

fn space(evidence: &Evidence, claim: &Object) -> Option<Finding> {
    let (free, metric) = value(evidence, claim, "kubelet_volume_stats_available_bytes", false)?;
    let (all, _) = value(evidence, claim, "kubelet_volume_stats_capacity_bytes", false)?;
    let name = claim.re.path();
    let percent = 100.0 * free / all;
    let (left, total) = (gi(free), gi(all));
    if free < all * FULL {
        let statement = text(
            format!("PVC {name} 的卷已满：{total} 中只剩 {left}（{percent:.1} %）"),
            format!("the volume of claim {name} is full: {left} of {total} left ({percent:.1} %)"),
        );
        return Some(grow(
            evidence,
            claim,
            Finding::new(Class::VolumeFull, &claim.re, statement).cite(cite(claim, metric, free)),
        ));
    }
    let (slope, trend) = value(evidence, claim, "kubelet_volume_stats_available_bytes", true)?;
    let days = free / (-slope * DAY);
    if slope >= 0.0 || free >= all * FILLING || days > FORECAST_DAYS {
        return None;
    }
    let statement = text(
        format!("PVC {name} 的卷 {total} 中剩 {left}（{percent:.1} %），照目前速度 {days:.1} 天后写满"),
        format!(
            "{left} of {total} ({percent:.1} %) are left on the volume of claim {name}; at this rate it is full in {days:.1} days"
        ),
    );
    let finding = Finding::new(Class::VolumeFull, &claim.re, statement).likely();
    Some(grow(evidence, claim, finding.cite(cite(claim, metric, free)).cite(cite(claim, trend, slope))))
}

fn inodes(evidence: &Evidence, claim: &Object) -> Option<Finding> {
    let (free, metric) = value(evidence, claim, "kubelet_volume_stats_inodes_free", false)?;
    let (all, _) = value(evidence, claim, "kubelet_volume_stats_inodes\"", false)
        .or_else(|| value(evidence, claim, "kubelet_volume_stats_inodes{", false))?;
    if all <= 0.0 || free >= all * FULL {
        return None;
    }
    let name = claim.re.path();
    let statement = text(
        format!("PVC {name} 的卷 inode 用尽：{all} 个中只剩 {free} 个（小文件太多）"),
        format!("the volume of claim {name} is out of inodes: {free} of {all} left (too many small files)"),
    );
    let finding = Finding::new(Class::VolumeFull, &claim.re, statement).cite(cite(claim, metric, free));
    Some(finding.advice(text(
        "清理小文件；扩容卷通常也会增加 inode",
        "remove small files; a larger volume mostly has more inodes as well",
    )))
}

fn cite(claim: &Object, metric: &Metric, value: f64) -> Cite {
    Cite {
        object: claim.re.clone(),
        source: Source::Metric(metric.query.clone()),
        time: None,
        text: format!("{value}"),
    }
}

fn gi(bytes: f64) -> String {
    format!("{:.1}Gi", bytes / 1024f64.powi(3))
}

fn grow(evidence: &Evidence, claim: &Object, finding: Finding) -> Finding {
    let class = evidence.find("StorageClass", "", claim.str("/spec/storageClassName"));
    let size = quantity::parse(claim.str("/spec/resources/requests/storage")).unwrap_or(0.0) / 1024f64.powi(3);
    if class.is_some_and(|c| c.bool("/allowVolumeExpansion") == Some(true)) {
        return finding.fix(
            text(
                "扩容（存储类允许；卷只能变大，不能变小）",
                "enlarge it (the class allows it; a volume never shrinks)",
            ),
            format!(
                "kubectl{} patch pvc {} -p '{{\"spec\":{{\"resources\":{{\"requests\":{{\"storage\":\"{}Gi\"}}}}}}}}'",
                claim.re.flag(),
                claim.name(),
                (size * 1.5).ceil()
            ),
        );
    }
    finding.advice(text(
        "清理数据；该存储类不允许扩容，需要更大的卷时新建 PVC 并迁移数据",
        "clean data up; the class does not allow expansion, so a larger volume means a new claim and moving the data",
    ))
}

/// A bound claim that asks for more than it has, and the driver or the class says no.
fn expansion(evidence: &Evidence, claim: &Object) -> Option<Finding> {
    let (asked, has) = (claim.str("/spec/resources/requests/storage"), claim.str("/status/capacity/storage"));
    let asks_more = quantity::parse(asked)? > quantity::parse(has)?;
    let refused = evidence.events(&claim.re).iter().rev().find(|e| {
        matches!(e.reason.as_str(), "VolumeResizeFailed" | "FileSystemResizeFailed" | "ExternalExpandFailed")
    });
    let done = evidence.event(&claim.re, &["VolumeResizeSuccessful", "FileSystemResizeSuccessful"]);
    let refused = refused.filter(|e| done.is_none_or(|d| d.last < e.last));
    let infeasible = claim.str("/status/allocatedResourceStatuses/storage");
    let infeasible = infeasible.ends_with("Infeasible").then_some("/status/allocatedResourceStatuses/storage");
    let condition = claim.conditions().find(|c| c.is_true() && c.kind.ends_with("ResizeError"));
    let class = evidence.find("StorageClass", "", claim.str("/spec/storageClassName"));
    let forbidden = class.filter(|c| c.bool("/allowVolumeExpansion") != Some(true));
    let waited = claim.created().is_some_and(|at| evidence.now.duration_since(at) > GROWN_WITHIN);
    let unhandled = forbidden.filter(|_| waited && asks_more);
    if !asks_more || refused.is_none() && infeasible.is_none() && condition.is_none() && unhandled.is_none() {
        return None;
    }
    let says = refused.map(|e| e.message.clone()).or(condition.map(|c| c.message.to_owned())).unwrap_or_else(|| {
        format!("storage class {} has no allowVolumeExpansion", claim.str("/spec/storageClassName"))
    });
    let says: String = says.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(300).collect();
    let name = claim.re.path();
    let statement = text(
        format!("PVC {name} 要从 {has} 扩到 {asked}，存储拒绝了：{says}"),
        format!("claim {name} is to grow from {has} to {asked} and the storage refuses: {says}"),
    );
    let mut finding = Finding::new(Class::VolumeExpansionRefused, &claim.re, statement)
        .cites(refused.map(Event::cite))
        .cite(Cite::field(claim, "/spec/resources/requests/storage"))
        .cite(Cite::field(claim, "/status/capacity/storage"));
    finding.cites.extend(infeasible.map(|p| Cite::field(claim, p)));
    finding.cites.extend(condition.map(|c| Cite::field(claim, &format!("/status/conditions/{}/message", c.index))));
    if let Some(class) = forbidden {
        finding = finding.cite(Cite::field(class, "/allowVolumeExpansion")).fix(
            text("驱动支持时，允许该存储类扩容", "if the driver can do it, allow the class to expand"),
            format!("kubectl patch storageclass {} -p '{{\"allowVolumeExpansion\":true}}'", class.name()),
        );
    }
    Some(finding.fix(
        text(
            "看驱动的说法；可把申请改小（不小于现有容量）后重试",
            "see what the driver says; the request may be lowered again (not below what is there)",
        ),
        format!("kubectl{} describe pvc {}", claim.re.flag(), claim.name()),
    ))
}
