//! Containers that are held back at their CPU limit, as Prometheus says.

use std::collections::BTreeMap;

use crate::class::Class;
use crate::evidence::{Evidence, Sample};
use crate::finding::{Cite, Finding, Source, text};
use crate::object::{Object, ObjectRef, text as word};
use crate::quantity;

/// Share of periods: the threshold of kube-prometheus' CPUThrottlingHigh.
const HIGH: f64 = 0.25;

pub fn throttling(evidence: &Evidence) -> Vec<Finding> {
    let mut worst: BTreeMap<(ObjectRef, String), (f64, String)> = BTreeMap::new();
    let metrics = evidence.metrics.iter().filter(|m| {
        m.query.contains("container_cpu_cfs_throttled_periods_total")
            && m.query.contains("container_cpu_cfs_periods_total")
    });
    for metric in metrics {
        // the alert's own expression gives percent or a share; both are ratios of periods
        for sample in &metric.samples {
            let Some((pod, container)) = named(sample, &metric.query) else { continue };
            let share =
                if metric.query.contains("* 100") || sample.value > 1.0 { sample.value / 100.0 } else { sample.value };
            let known = worst.entry((pod, container)).or_insert_with(|| (share, metric.query.clone()));
            if share > known.0 {
                *known = (share, metric.query.clone());
            }
        }
    }
    worst
        .into_iter()
        .filter_map(|((pod, container), (share, query))| finding(evidence, &pod, &container, share, query))
        .collect()
}

/// The pod and container that a sample is about.
fn named(sample: &Sample, query: &str) -> Option<(ObjectRef, String)> {
    let label = |key: &str| {
        let of_query = || Some(query.split_once(&format!("{key}=\""))?.1.split('"').next()?.to_owned());
        sample.labels.get(key).cloned().or_else(of_query)
    };
    let container = label("container").filter(|c| !c.is_empty())?;
    Some((ObjectRef::new("Pod", &label("namespace")?, &label("pod")?), container))
}

fn finding(evidence: &Evidence, re: &ObjectRef, container: &str, share: f64, query: String) -> Option<Finding> {
    let pod = evidence.get(re)?;
    let spec = pod.list("/spec/containers").iter().find(|c| word(c, "name") == container)?;
    let limit = spec["resources"]["limits"]["cpu"].as_str()?;
    if !share.is_finite() || share < HIGH {
        return None;
    }
    let percent = (share * 100.0).round();
    let statement = text(
        format!("容器 {container} 的 CPU 上限是 {limit}，{percent} % 的调度周期被限流"),
        format!("container {container} may use {limit} CPU and is throttled in {percent} % of its periods"),
    );
    let root = evidence.root(pod);
    let metric = Cite { object: re.clone(), source: Source::Metric(query), time: None, text: format!("{share:.3}") };
    let index = pod.list("/spec/containers").iter().position(|c| word(c, "name") == container).unwrap_or(0);
    let finding = Finding::new(Class::CpuThrottled, &root.re, statement)
        .cite(metric)
        .cite(Cite::field(pod, &format!("/spec/containers/{index}/resources/limits/cpu")))
        .seen_on(re);
    Some(raise(finding, root, container, limit))
}

fn raise(finding: Finding, root: &Object, container: &str, limit: &str) -> Finding {
    let cores = quantity::parse(limit).unwrap_or(0.0);
    if root.kind() == "Pod" || cores <= 0.0 {
        return finding
            .advice(text("提高 CPU 上限，或去掉上限只留请求", "raise the CPU limit, or drop it and keep the request"));
    }
    finding.fix(
        text(
            "提高 CPU 上限（例如加倍），再看限流是否消失",
            "raise the CPU limit (say, double it) and see whether the throttling ends",
        ),
        format!(
            "kubectl{} set resources {} -c {container} --limits=cpu={}m",
            root.re.flag(),
            root.re.arg(),
            (cores * 2000.0).round()
        ),
    )
}
