//! A notification from a file or standard input, JSON or YAML.

use std::io::Read;
use std::path::Path;

use anyhow::Context;
use serde_json::Value;

/// The file's text as JSON where it is YAML; anything else as it stands, so that the parser can say what is wrong.
pub fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    let mut body = Vec::new();
    if file == Path::new("-") {
        std::io::stdin().read_to_end(&mut body).context("reading standard input")?;
    } else {
        body = std::fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    }
    if serde_json::from_slice::<serde::de::IgnoredAny>(&body).is_ok() {
        return Ok(body);
    }
    match serde_saphyr::from_slice::<Value>(&body) {
        Ok(value @ (Value::Object(_) | Value::Array(_))) => Ok(serde_json::to_vec(&value)?),
        Ok(_) | Err(_) => Ok(body),
    }
}
