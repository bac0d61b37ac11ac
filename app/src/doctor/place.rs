//! What is on this machine: the store, the files with secrets, the templates.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Line, bad, good};
use crate::app::open_store;
use crate::config::Config;
use crate::deliver::Templates;

pub async fn check(config: &Config) -> Vec<Line> {
    let mut lines = vec![store(config).await];
    let mut files = Vec::new();
    if let Ok(value) = serde_json::to_value(config) {
        secret_files(&value, "", &mut files);
    }
    for (field, path) in files {
        if let Some(why) = unusable(&path) {
            let path = path.display();
            lines.push(bad(format!("{field}：{path}：{why}"), format!("{field}: {path}: {why}")));
        }
    }
    if let Some(dir) = &config.templates {
        lines.push(match Templates::load(dir) {
            Ok(_) => {
                good(format!("模板 {} 可用", dir.display()), format!("templates in {} can be used", dir.display()))
            }
            Err(error) => bad(format!("模板：{error}"), format!("templates: {error}")),
        });
    }
    lines
}

/// A store that is there is opened and written to; for a new one it is enough that its folder can be made.
async fn store(config: &Config) -> Line {
    let path = config.store_settings().path;
    let shown = path.display();
    if path.exists() {
        let proved = match open_store(config).await {
            Ok(store) => {
                let proved = store.check().await.map_err(anyhow::Error::from);
                store.close().await;
                proved
            }
            Err(error) => Err(error),
        };
        return match proved {
            Ok(()) => good(format!("存储 {shown} 可写"), format!("store {shown} can be written")),
            Err(error) => bad(format!("存储 {shown}：{error:#}"), format!("store {shown}: {error:#}")),
        };
    }
    let folder = std::path::absolute(&config.data_dir).unwrap_or_else(|_| config.data_dir.clone());
    let Some(there) = folder.ancestors().find(|folder| folder.exists()) else {
        return bad(
            format!("存储：{} 无法创建", folder.display()),
            format!("store: {} cannot be made", folder.display()),
        );
    };
    match tempfile::tempfile_in(there) {
        Ok(_) => {
            good(format!("存储 {shown} 尚不存在，可以创建"), format!("store {shown} is not there yet and can be made"))
        }
        Err(error) => bad(
            format!("存储：{} 不可写：{error}（换一个 data_dir）", there.display()),
            format!("store: {} cannot be written: {error} (choose another data_dir)", there.display()),
        ),
    }
}

/// Every field whose name ends in `_file`, wherever it stands.
fn secret_files(value: &Value, at: &str, found: &mut Vec<(String, PathBuf)>) {
    let below = |name: &str| if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") };
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                match value {
                    Value::String(path) if name.ends_with("_file") => found.push((below(name), PathBuf::from(path))),
                    _ => secret_files(value, &below(name), found),
                }
            }
        }
        Value::Array(list) => list.iter().enumerate().for_each(|(i, v)| secret_files(v, &below(&i.to_string()), found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn unusable(path: &Path) -> Option<String> {
    match std::fs::read_to_string(path) {
        Ok(text) if text.trim().is_empty() => Some("the file is empty".to_owned()),
        Ok(_) => None,
        Err(error) => Some(error.to_string()),
    }
}
