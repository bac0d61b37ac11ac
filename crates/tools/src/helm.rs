//! The helm program, where one is configured: it renders charts and nothing else. It gets no credentials.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::timeout;

use crate::manifest;
use crate::page::ends;
use crate::trouble::Trouble;

/// How charts are rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Helm {
    pub program: PathBuf,
    /// Beginnings of the references that may be rendered, e.g. `oci://registry.example.com/charts/`.
    pub charts: Vec<String>,
}

/// Rendering may fetch the chart first.
const LIMIT: Duration = Duration::from_secs(60);

impl Helm {
    /// Only charts from configured places: whatever a model names would else be fetched from this machine.
    pub fn admits(&self, chart: &str) -> Result<(), Trouble> {
        let safe = !chart.starts_with('-') && !chart.split('/').any(|part| part == "..");
        if safe && self.charts.iter().any(|start| !start.is_empty() && chart.starts_with(start.as_str())) {
            return Ok(());
        }
        let allowed = if self.charts.is_empty() { "none".to_owned() } else { self.charts.join(", ") };
        Err(Trouble::Refused(format!("Chart {chart} is not from a place whose charts may be rendered ({allowed}).")))
    }

    /// The objects that the chart makes.
    pub async fn render(
        &self,
        chart: &str,
        name: &str,
        namespace: &str,
        values: &Value,
    ) -> Result<Vec<Value>, Trouble> {
        self.admits(chart)?;
        let failed = |why: String| Trouble::Missing { what: format!("helm did not render {chart}."), how: why };
        let mut command = Command::new(&self.program);
        command.args(["template", name, chart, "--namespace", namespace, "--include-crds", "--values", "-"]);
        command.env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        // the registry's login and the cache lie below the home directory
        command.envs(["HOME", "PATH"].into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
        if let Some(mut input) = child.stdin.take() {
            let written = input.write_all(values.to_string().as_bytes()).await;
            written.map_err(|error| failed(error.to_string()))?;
        }
        let output = timeout(LIMIT, child.wait_with_output()).await;
        let output = output.map_err(|_| failed(format!("It took longer than {LIMIT:?}.")))?;
        let output = output.map_err(|error| failed(error.to_string()))?;
        if !output.status.success() {
            return Err(failed(ends(&String::from_utf8_lossy(&output.stderr), 600)));
        }
        manifest::read("chart", &String::from_utf8_lossy(&output.stdout))
    }
}

#[cfg(test)]
mod tests {
    use super::Helm;

    #[test]
    fn only_charts_from_configured_places_are_rendered() {
        let helm = Helm { program: "helm".into(), charts: vec!["oci://registry.example.com/charts/".to_owned()] };
        assert!(helm.admits("oci://registry.example.com/charts/db").is_ok());
        for chart in [
            "./db",
            "/etc",
            "https://evil.example.com/x.tgz",
            "oci://registry.example.com/charts/../x",
            "--post-renderer=sh",
        ] {
            assert!(helm.admits(chart).is_err(), "{chart}");
        }
        let none = Helm { program: "helm".into(), charts: vec![String::new()] };
        assert!(none.admits("oci://registry.example.com/charts/db").is_err());
    }
}
