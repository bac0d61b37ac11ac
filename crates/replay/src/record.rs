//! Takes a recording from a live cluster: everything readable, Secret values blanked, logs bounded, gaps named.

mod ask;
mod discover;
mod list;
mod logs;
mod write;

use std::path::{Path, PathBuf};

use futures::StreamExt;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use write::Folder;

/// Lists that are read at the same time. More would crowd out the cluster's own clients.
const LISTS_AT_ONCE: usize = 4;
const LOGS_AT_ONCE: usize = 8;

#[derive(Debug, Clone)]
pub struct Options {
    /// The recording's name; the folder's name when there is none.
    pub name: Option<String>,
    /// The time that the recording will call "now".
    pub now: Timestamp,
    /// Replace an earlier recording in the folder.
    pub force: bool,
    /// The newest lines kept of each log.
    pub log_lines: usize,
    /// The newest bytes kept of each log.
    pub log_bytes: usize,
    /// Objects asked for in one request.
    pub page_size: usize,
    /// What is done to each object before it is written, such as taking secrets out.
    pub object: fn(&mut Value),
    /// The same for a log.
    pub text: fn(&str) -> String,
}

impl Options {
    pub fn new(now: Timestamp) -> Self {
        Self {
            name: None,
            now,
            force: false,
            log_lines: 2000,
            log_bytes: 256 * 1024,
            page_size: 500,
            object: |_| {},
            text: str::to_owned,
        }
    }
}

/// Told how the recording gets on. `()` listens to nothing.
pub trait Progress: Send + Sync {
    /// So many steps more are to come.
    fn expect(&self, steps: usize);
    /// A step was done.
    fn step(&self, what: &str);
}

impl Progress for () {
    fn expect(&self, _steps: usize) {}
    fn step(&self, _what: &str) {}
}

/// Something that is not in the recording, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Gap {
    pub what: String,
    pub why: String,
}

#[derive(Debug, Default)]
pub struct Summary {
    pub kinds: usize,
    pub objects: usize,
    pub logs: usize,
    pub bytes: u64,
    pub gaps: Vec<Gap>,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0} holds an earlier recording: say that it may be replaced, or name another folder")]
    Recorded(PathBuf),
    #[error("{0} is not empty and no recording: name another folder")]
    NotEmpty(PathBuf),
    #[error("cannot write {path}: {source}")]
    Write { path: PathBuf, source: std::io::Error },
    #[error("the cluster does not say what it holds: {0}")]
    Discovery(String),
}

/// Records the cluster into a folder. What cannot be read becomes a gap; only a folder that cannot be written or a cluster
/// that does not answer at all is an error, and the latter leaves an earlier recording as it was.
pub async fn record(
    client: &kube::Client,
    dir: &Path,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Summary, Error> {
    write::check(dir, options.force)?;
    let found = discover::discover(client).await?;
    let mut folder = Folder::begin(dir, options, &found.version)?;
    let mut summary = Summary { gaps: found.gaps, ..Summary::default() };
    progress.expect(found.kinds.len());
    let mut containers = Vec::new();
    let reads = found.kinds.iter().map(|kind| async move { (kind, list::all(client, kind, options.page_size).await) });
    let mut reads = futures::stream::iter(reads).buffer_unordered(LISTS_AT_ONCE);
    while let Some((kind, mut listed)) = reads.next().await {
        summary.gaps.extend(listed.gap.map(|why| Gap { what: kind.qualified(), why }));
        if kind.is_pods() {
            containers = logs::wanted(&listed.objects);
        }
        listed.objects.iter_mut().for_each(options.object);
        if !listed.objects.is_empty() {
            summary.kinds += 1;
            summary.objects += listed.objects.len();
            folder.objects(kind, listed.objects)?;
        }
        progress.step(&kind.qualified());
    }
    progress.expect(containers.len());
    let reads = containers.into_iter().map(|log| async move {
        let text = logs::read(client, &log, options).await;
        (log, text)
    });
    let mut reads = futures::stream::iter(reads).buffer_unordered(LOGS_AT_ONCE);
    while let Some((log, text)) = reads.next().await {
        match text {
            Ok(text) => {
                folder.log(&log, &(options.text)(&text))?;
                summary.logs += 1;
            }
            Err(why) => summary.gaps.push(Gap { what: log.title(), why }),
        }
        progress.step(&log.title());
    }
    summary.gaps.sort();
    summary.bytes = folder.finish(&summary.gaps)?;
    Ok(summary)
}
