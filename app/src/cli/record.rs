//! `midwatch record`: a live cluster into a folder, secrets left out.

use std::path::PathBuf;

use clap::Args;
use replay::record::{Options, record};

use super::progress::Recorder;
use super::say;
use super::source::{ClusterArgs, one_shot};

#[derive(Debug, Args)]
pub struct Record {
    /// Folder to write; must be empty or not there yet
    dir: PathBuf,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Replace an earlier recording in the folder
    #[arg(long)]
    force: bool,
}

impl Record {
    pub async fn run(self) -> anyhow::Result<u8> {
        let opened = self.cluster.open(&one_shot())?;
        let options = Options {
            name: Some(opened.cluster.name.clone()),
            force: self.force,
            object: |object| redact::session().value(object),
            text: |text| redact::text(text).into_owned(),
            ..Options::new(opened.now)
        };
        let progress = Recorder::new();
        let recorded = record(&opened.cluster.client, &self.dir, &options, &progress).await;
        progress.finish();
        let summary = recorded?;
        let dir = self.dir.display();
        say(&format!(
            "{dir}: {} objects of {} kinds, {} logs, {} KiB; secrets were left out\n",
            summary.objects,
            summary.kinds,
            summary.logs,
            summary.bytes.div_ceil(1024)
        ))?;
        if !summary.gaps.is_empty() {
            say(&format!("not in the recording ({}):\n", summary.gaps.len()))?;
            for gap in &summary.gaps {
                say(&format!("  {}: {}\n", gap.what, gap.why))?;
            }
        }
        say(&format!("diagnose it with: midwatch diagnose --replay {dir}\n"))?;
        Ok(0)
    }
}
