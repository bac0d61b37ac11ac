//! A case: a recorded cluster, what happened to it, and what must be said of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

#[derive(Debug, Clone)]
pub struct Case {
    pub name: String,
    pub dir: PathBuf,
    spec: Value,
}

/// Kind, namespace, name and class of a cause.
pub type Named = (String, String, String, String);

/// Every folder with a `case.yaml` whose name begins with `prefix`, in order.
pub fn cases(root: &Path, prefix: &str) -> Result<Vec<Case>, String> {
    let listed = std::fs::read_dir(root).map_err(|error| format!("{}: {error}", root.display()))?;
    let mut found = Vec::new();
    for entry in listed {
        let dir = entry.map_err(|error| format!("{}: {error}", root.display()))?.path();
        let file = dir.join("case.yaml");
        let name = dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if !name.starts_with(prefix) || !file.is_file() {
            continue;
        }
        let text = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let spec = serde_saphyr::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))?;
        found.push(Case { name, dir, spec });
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

impl Case {
    /// The labels of its alerts; none: the whole cluster is looked at.
    pub fn labels(&self) -> Result<Vec<BTreeMap<String, String>>, String> {
        let alerts = self.spec["alert"]["alerts"].as_array().into_iter().flatten();
        let read = |alert: &Value| serde_json::from_value(alert["labels"].clone());
        alerts.map(read).collect::<Result<_, _>>().map_err(|error| format!("{}: labels: {error}", self.name))
    }

    pub fn causes(&self) -> Vec<Named> {
        let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
        let causes = self.spec["expect"]["causes"].as_array().into_iter().flatten();
        causes.map(|c| (text(c, "kind"), text(c, "namespace"), text(c, "name"), text(c, "class"))).collect()
    }

    /// Facts that the answer has to name, each in one of several spellings.
    pub fn mentions(&self) -> Vec<Vec<String>> {
        let facts = self.spec["expect"]["mention"].as_array().into_iter().flatten();
        let spellings = |fact: &Value| {
            let words = fact.as_array().into_iter().flatten();
            words.filter_map(|word| word.as_str().map(str::to_owned)).collect()
        };
        facts.map(spellings).collect()
    }

    /// Nothing is wrong in it, and that has to be said.
    pub fn healthy(&self) -> bool {
        self.spec["expect"]["healthy"] == true
    }
}
