//! The folder of a recording: refuses what is not its own, writes what the loader reads.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::discover::Kind;
use super::{Error, Gap, Options};
use crate::recording::LogKey;

/// Above this many objects a kind gets one file a namespace, so that a person can still open them.
const LARGE: usize = 500;

/// What a recording consists of: all that is removed when it is replaced.
const PARTS: [&str; 4] = ["objects", "logs", "gaps.json", "cluster.yaml"];

pub(super) struct Folder {
    dir: PathBuf,
    bytes: u64,
}

/// Whether the folder may be written to, before the cluster is asked anything.
pub(super) fn check(dir: &Path, force: bool) -> Result<(), Error> {
    let mut entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(failed(dir, source)),
    };
    if entries.next().is_none() {
        return Ok(());
    }
    let recorded = dir.join("cluster.yaml").is_file() && dir.join("objects").is_dir();
    match (recorded, force) {
        (true, true) => Ok(()),
        (true, false) => Err(Error::Recorded(dir.to_owned())),
        (false, _) => Err(Error::NotEmpty(dir.to_owned())),
    }
}

impl Folder {
    pub fn begin(dir: &Path, options: &Options, version: &str) -> Result<Self, Error> {
        for part in PARTS.map(|part| dir.join(part)) {
            let removed = if part.is_dir() { std::fs::remove_dir_all(&part) } else { std::fs::remove_file(&part) };
            match removed {
                Err(source) if source.kind() != std::io::ErrorKind::NotFound => return Err(failed(&part, source)),
                Ok(()) | Err(_) => {}
            }
        }
        let mut folder = Self { dir: dir.to_owned(), bytes: 0 };
        let objects = dir.join("objects");
        std::fs::create_dir_all(&objects).map_err(|source| failed(&objects, source))?;
        let folder_name = dir.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = options.name.clone().or(folder_name).unwrap_or_else(|| "recorded".to_owned());
        // A JSON text is a YAML text with every special character escaped.
        let (name, version) = (Value::from(name), Value::from(version));
        folder.file("cluster.yaml", format!("name: {name}\nversion: {version}\ntime: {}\n", options.now).as_bytes())?;
        Ok(folder)
    }

    pub fn objects(&mut self, kind: &Kind, objects: Vec<Value>) -> Result<(), Error> {
        let group = if kind.group.is_empty() { "core" } else { &kind.group };
        if objects.len() <= LARGE || !kind.namespaced {
            return self.list(&format!("objects/{group}/{}.json", kind.plural), &objects);
        }
        let mut namespaces: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for object in objects {
            let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default().to_owned();
            namespaces.entry(namespace).or_default().push(object);
        }
        for (namespace, objects) in namespaces {
            self.list(&format!("objects/{group}/{}/{namespace}.json", kind.plural), &objects)?;
        }
        Ok(())
    }

    /// A List with one object a line: small, and still readable as a difference.
    fn list(&mut self, path: &str, objects: &[Value]) -> Result<(), Error> {
        let mut text = String::from("{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[\n");
        for (index, object) in objects.iter().enumerate() {
            if index > 0 {
                text.push_str(",\n");
            }
            text.push_str(&object.to_string());
        }
        text.push_str("\n]}\n");
        self.file(path, text.as_bytes())
    }

    pub fn log(&mut self, log: &LogKey, text: &str) -> Result<(), Error> {
        let suffix = if log.previous { ".previous.log" } else { ".log" };
        self.file(&format!("logs/{}/{}/{}{suffix}", log.namespace, log.pod, log.container), text.as_bytes())
    }

    pub fn finish(mut self, gaps: &[Gap]) -> Result<u64, Error> {
        let mut text = serde_json::to_string_pretty(gaps).map_err(|error| failed(&self.dir, error.into()))?;
        text.push('\n');
        self.file("gaps.json", text.as_bytes())?;
        Ok(self.bytes)
    }

    fn file(&mut self, path: &str, content: &[u8]) -> Result<(), Error> {
        let path = self.dir.join(path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|source| failed(parent, source))?;
        }
        let written = std::fs::File::create(&path).and_then(|mut file| file.write_all(content));
        written.map_err(|source| failed(&path, source))?;
        self.bytes += content.len() as u64;
        Ok(())
    }
}

fn failed(path: &Path, source: std::io::Error) -> Error {
    Error::Write { path: path.to_owned(), source }
}
