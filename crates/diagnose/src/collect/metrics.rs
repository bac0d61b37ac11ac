//! Evidence from Prometheus: the alert's own expression, and usage of what is in trouble.

use std::collections::BTreeMap;

use futures::future::BoxFuture;
use serde_json::Value;

use crate::evidence::{Evidence, Metric, Sample, Target};

/// Where PromQL is answered.
pub trait Prometheus: Send + Sync {
    /// Answers the queries it can; a recorded source may answer with everything it holds.
    fn answers(&self, queries: Vec<String>) -> BoxFuture<'_, Vec<(String, Result<Value, String>)>>;
}

/// The queries for what was asked about: claims that fill up, memory beside its limit, time spent throttled.
pub fn queries(evidence: &Evidence, alert: Option<&str>) -> Vec<String> {
    let mut queries: Vec<String> = alert.map(str::to_owned).into_iter().collect();
    let Target::Object(target) = &evidence.target else { return queries };
    let Some(object) = evidence.get(target) else { return queries };
    let claims = crate::graph::depends_on(evidence, object).into_iter().chain([target.clone()]);
    for claim in claims.filter(|re| re.kind == "PersistentVolumeClaim") {
        let labels = format!(r#"namespace="{}",persistentvolumeclaim="{}""#, claim.namespace, claim.name);
        queries.push(format!("kubelet_volume_stats_available_bytes{{{labels}}}"));
        queries.push(format!("kubelet_volume_stats_capacity_bytes{{{labels}}}"));
        queries.push(format!("deriv(kubelet_volume_stats_available_bytes{{{labels}}}[6h])"));
    }
    for pod in evidence.pods_of(object).into_iter().take(3) {
        let labels = format!(r#"namespace="{}",pod="{}",container!="""#, pod.namespace(), pod.name());
        queries.push(format!("container_memory_working_set_bytes{{{labels}}}"));
        queries.push(format!(
            "rate(container_cpu_cfs_throttled_periods_total{{{labels}}}[5m]) / rate(container_cpu_cfs_periods_total{{{labels}}}[5m])"
        ));
    }
    queries
}

/// Samples of a PromQL answer: a `data` object, a bare result list, or a number.
pub fn samples(query: String, answer: &Value) -> Metric {
    let data = answer.get("data").unwrap_or(answer);
    let result = data.get("result").unwrap_or(data);
    if let Some(number) = number(result) {
        return Metric { query, samples: vec![Sample { labels: BTreeMap::new(), value: number }] };
    }
    let samples = result.as_array().into_iter().flatten().filter_map(sample).collect();
    Metric { query, samples }
}

fn sample(entry: &Value) -> Option<Sample> {
    let pair = entry.get("value").or_else(|| entry.get("values").and_then(Value::as_array).and_then(|v| v.last()))?;
    let value = number(pair.get(1).unwrap_or(pair))?;
    let labels = entry.get("metric").and_then(Value::as_object).into_iter().flatten();
    let labels = labels.filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned()))).collect();
    Some(Sample { labels, value })
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str().and_then(|s| s.parse().ok()))
}
