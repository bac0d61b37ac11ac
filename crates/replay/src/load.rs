//! From files to a recording: says what each file is, reads them in parallel, skips what it cannot read and says so.

mod dump_log;
mod event;
mod layout;
mod read;
mod time;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

pub(crate) use event::to_events_group;
use layout::Role;

use crate::catalog::Catalog;
use crate::metrics::Metrics;
use crate::record::Gap;
use crate::recording::{Logs, Recording};

/// A file larger than this is skipped: no recorded object or log comes near it.
const LARGEST_FILE: u64 = 512 * 1024 * 1024;

/// The version that is served when the recording names none.
const DEFAULT_VERSION: &str = "v1.36.0";

/// Why a folder cannot be served at all. What can be left out is left out with a warning instead.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("cannot read the recorded cluster {path}: {source}")]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{path}: {problem}")]
    Cluster { path: String, problem: String },
    #[error("{0}: no Kubernetes object found in any .yaml, .yml or .json file ({1})")]
    Empty(String, String),
}

type File<'a> = (String, Cow<'a, [u8]>);

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClusterFile {
    name: Option<String>,
    version: Option<String>,
    time: Option<Timestamp>,
}

impl Recording {
    /// Loads a folder in the recorded-cluster format, or one file of objects. What cannot be read is skipped and listed in [`Recording::warnings`].
    pub fn load(dir: &Path) -> Result<Self, LoadError> {
        let mut warnings = Vec::new();
        let files = read_folder(dir, &mut warnings)?;
        let name =
            dir.file_name().map_or_else(|| dir.display().to_string(), |name| name.to_string_lossy().into_owned());
        build(&name, files, warnings)
    }

    /// The same from files that are already in memory; paths are relative to the folder.
    pub fn from_files<'a>(files: impl IntoIterator<Item = File<'a>>) -> Result<Self, LoadError> {
        build("recorded", files.into_iter().collect(), Vec::new())
    }
}

fn read_folder(dir: &Path, warnings: &mut Vec<String>) -> Result<Vec<File<'static>>, LoadError> {
    let mut files = Vec::new();
    for entry in walkdir::WalkDir::new(dir) {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) if error.depth() == 0 => {
                return Err(LoadError::Unreadable { path: dir.to_owned(), source: error.into() });
            }
            Err(error) => {
                warnings.push(error.to_string());
                continue;
            }
        };
        if !entry.file_type().is_file() {
            continue;
        }
        let path = entry.path();
        // A single file with everything in it serves as well as a folder does.
        let within =
            if entry.depth() == 0 { Path::new(entry.file_name()) } else { path.strip_prefix(dir).unwrap_or(path) };
        let relative = within.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/");
        if entry.metadata().is_ok_and(|metadata| metadata.len() > LARGEST_FILE) {
            warnings.push(format!("{relative}: skipped, larger than {LARGEST_FILE} bytes"));
            continue;
        }
        match std::fs::read(path) {
            Ok(content) => files.push((relative, Cow::Owned(content))),
            Err(error) => warnings.push(format!("{relative}: skipped, {error}")),
        }
    }
    Ok(files)
}

fn build(name: &str, mut files: Vec<File<'_>>, mut warnings: Vec<String>) -> Result<Recording, LoadError> {
    // Folders are walked in the file system's order; the path decides so that the same folder gives the same recording.
    files.sort_by(|a, b| a.0.cmp(&b.0));
    let mut cluster = ClusterFile::default();
    let mut answers = Map::new();
    let mut logs = Logs::new();
    let mut gaps = BTreeMap::new();
    let mut objects = Vec::new();
    for (path, content) in files {
        match layout::role(&path) {
            Role::Objects => objects.push((path, content)),
            Role::Log(key) => {
                logs.insert(key, Bytes::from(content.into_owned()));
            }
            Role::DumpLog { namespace, pod } => dump_log::split(&namespace, &pod, &content, &mut logs),
            Role::Cluster => cluster = read_cluster(&path, &content)?,
            Role::Metrics => match serde_json::from_slice(&content) {
                Ok(map) => answers = map,
                Err(error) => warnings.push(format!("{path}:{}: skipped, {error}", error.line())),
            },
            Role::Gaps => match serde_json::from_slice::<Vec<Gap>>(&content) {
                Ok(list) => gaps.extend(list.into_iter().map(|gap| (gap.what, gap.why))),
                Err(error) => warnings.push(format!("{path}:{}: skipped, {error}", error.line())),
            },
            Role::Note => {}
            Role::Unknown => warnings.push(format!("{path}: skipped, neither objects nor a log nor metrics")),
        }
    }
    let read = read::all(&objects, cluster.time.is_none());
    warnings.extend(read.warnings);
    if read.objects.is_empty() {
        let detail = if warnings.is_empty() { "the folder holds no such file".to_owned() } else { warnings.join("; ") };
        return Err(LoadError::Empty(name.to_owned(), detail));
    }
    let time = cluster.time.or(read.newest).unwrap_or_else(|| {
        warnings.push("no time found in any object and none in cluster.yaml: the clock stands at 1970".to_owned());
        Timestamp::UNIX_EPOCH
    });
    let catalog = Catalog::new(read.objects, &mut warnings);
    let version = cluster.version.or_else(|| kubelet_version(&catalog)).unwrap_or_else(|| DEFAULT_VERSION.to_owned());
    Ok(Recording {
        name: cluster.name.unwrap_or_else(|| name.to_owned()),
        version,
        time,
        catalog,
        logs,
        metrics: Metrics::new(answers),
        gaps,
        warnings,
    })
}

fn read_cluster(path: &str, content: &[u8]) -> Result<ClusterFile, LoadError> {
    let failed = |problem: String| LoadError::Cluster { path: path.to_owned(), problem };
    let text = std::str::from_utf8(content).map_err(|error| failed(error.to_string()))?;
    serde_saphyr::from_str_with_options(text, read::yaml_options()).map_err(|error| {
        let line = error.location().map_or(1, |location| location.line());
        failed(format!("line {line}: {} (expected name, version, time)", error.without_snippet()))
    })
}

fn kubelet_version(catalog: &Catalog) -> Option<String> {
    let nodes = catalog.find("", "v1", "nodes")?;
    let version = |node: &Value| Some(node["status"]["nodeInfo"]["kubeletVersion"].as_str()?.to_owned());
    nodes.objects.iter().find_map(|node| version(&node.value))
}
