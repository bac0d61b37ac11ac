//! The component `monitoring`: its objects are what the operator's CRDs say, its expressions are PromQL over metrics that exist.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::alert::Running;
use super::{Admin, objects, root};

/// The default overlay with one more component, in a folder of its own as a user would have one.
pub fn rendered(admin: &Admin<'_>, overlay: &str, components: &[&str]) -> String {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let here = folder.path().canonicalize().unwrap();
    // kustomize takes no absolute path
    let up = "../".repeat(here.components().count() - 1);
    let kustomize = root().join("deploy/kustomize").canonicalize().unwrap();
    let at = |path: &str| format!("{up}{}", kustomize.join(path).strip_prefix("/").unwrap_or(Path::new("")).display());
    let components: Vec<String> = components.iter().map(|name| at(&format!("components/{name}"))).collect();
    let file = serde_json::json!({"resources": [at(&format!("overlays/{overlay}"))], "components": components});
    std::fs::write(here.join("kustomization.yaml"), file.to_string()).unwrap();
    admin.run(&["kustomize", here.to_str().unwrap()])
}

pub async fn rules_and_monitor(admin: &Admin<'_>, running: &Running) {
    let yaml = rendered(admin, "read-only", &["monitoring"]);
    admin.fed(&["apply", "--validate=strict", "-f", "-"], &yaml);
    let all = objects(&yaml);
    let of = |kind: &str| all.iter().find(|object| object["kind"] == kind).unwrap().clone();

    let metrics = reqwest::get(format!("http://{}/metrics", running.address)).await.unwrap().text().await.unwrap();
    let name = regex::Regex::new(r"\bmidwatch_[a-z_]+").unwrap();
    let mut used = BTreeSet::new();
    for rule in of("PrometheusRule")["spec"]["groups"][0]["rules"].as_array().unwrap() {
        let expression = rule["expr"].as_str().unwrap();
        used.extend(name.find_iter(expression).map(|found| found.as_str().to_owned()));
        let query = reqwest::Url::parse_with_params(
            &format!("{}/api/v1/query", admin.bed.text("prometheus")),
            [("query", expression)],
        );
        let answer: Value = reqwest::get(query.unwrap()).await.unwrap().json().await.unwrap();
        assert_eq!(answer["status"], "success", "{expression}: {answer}");
    }
    assert!(used.len() >= 5, "{used:?}");
    let missing: Vec<&String> = used.iter().filter(|name| !metrics.contains(&format!("\n{name}"))).collect();
    assert!(missing.is_empty(), "{missing:?} are not among\n{metrics}");

    // the monitor's selector and port are those of the service
    let (monitor, service) = (of("ServiceMonitor"), of("Service"));
    for (label, value) in monitor["spec"]["selector"]["matchLabels"].as_object().unwrap() {
        assert_eq!(&service["metadata"]["labels"][label], value);
    }
    assert_eq!(monitor["spec"]["endpoints"][0]["port"], service["spec"]["ports"][0]["name"]);
}
