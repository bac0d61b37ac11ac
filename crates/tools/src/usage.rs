//! What pods and nodes use, from the metrics API.

use diagnose::object::text;
use diagnose::quantity;
use serde_json::Value;

use crate::read::{Reader, Selectors, encoded};
use crate::trouble::Trouble;

#[derive(Debug, Clone, PartialEq)]
pub struct Usage {
    pub namespace: String,
    pub name: String,
    /// Cores.
    pub cpu: f64,
    /// Bytes.
    pub memory: f64,
    pub containers: Vec<(String, f64, f64)>,
}

const API: &str = "/apis/metrics.k8s.io/v1beta1";

/// Usage of pods or nodes; by name or by labels.
pub async fn metrics(
    reader: &Reader<'_>,
    resource: &str,
    namespace: &str,
    name: Option<&str>,
    selectors: Selectors<'_>,
) -> Result<Vec<Usage>, Trouble> {
    let place = if namespace.is_empty() { String::new() } else { format!("/namespaces/{namespace}") };
    let path = match (name, selectors.labels) {
        (Some(name), _) => format!("{API}{place}/{resource}/{}", crate::read::segment("name", name)?),
        (None, Some(labels)) => format!("{API}{place}/{resource}?labelSelector={}", encoded(labels)),
        (None, None) => format!("{API}{place}/{resource}"),
    };
    match reader.json(&path).await {
        Ok(answer) => Ok(match answer["items"].as_array() {
            Some(items) => items.iter().map(usage).collect(),
            None => vec![usage(&answer)],
        }),
        Err(kube::Error::Api(status)) if status.code == 404 && name.is_some() && !group_is_missing(reader).await => {
            Err(Trouble::NotFound {
                what: format!("usage of {resource} {}", name.unwrap_or_default()),
                near: Vec::new(),
            })
        }
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 503) => Err(Trouble::Missing {
            what: "The metrics API is not available in this cluster.".to_owned(),
            how: "Install metrics-server, or use query_metrics where a Prometheus is configured.".to_owned(),
        }),
        Err(error) => Err(Trouble::from_kube(
            error,
            "list",
            &format!("{resource}.metrics.k8s.io"),
            Some(namespace).filter(|n| !n.is_empty()),
        )),
    }
}

async fn group_is_missing(reader: &Reader<'_>) -> bool {
    reader.text(API).await.is_err()
}

fn usage(item: &Value) -> Usage {
    let amount = |value: &Value, key: &str| value["usage"][key].as_str().and_then(quantity::parse).unwrap_or(0.0);
    let containers: Vec<(String, f64, f64)> = item["containers"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|c| (text(c, "name").to_owned(), amount(c, "cpu"), amount(c, "memory")))
        .collect();
    let whole = item["usage"].is_object();
    let sum = |of: fn(&(String, f64, f64)) -> f64| containers.iter().map(of).sum();
    Usage {
        namespace: text(&item["metadata"], "namespace").to_owned(),
        name: text(&item["metadata"], "name").to_owned(),
        cpu: if whole { amount(item, "cpu") } else { sum(|c| c.1) },
        memory: if whole { amount(item, "memory") } else { sum(|c| c.2) },
        containers,
    }
}

/// `250m`
pub fn cores(cores: f64) -> String {
    // what is in use at all is not shown as nothing
    format!("{}m", (cores * 1000.0 - 1e-6).ceil() as i64)
}

/// `340Mi`
pub fn mebibytes(bytes: f64) -> String {
    format!("{}Mi", (bytes / 1_048_576.0).round() as i64)
}
