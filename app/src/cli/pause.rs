//! `midwatch pause` and `midwatch resume`: stop all writes, and let them go on.

use clap::Args;

use super::approvals::Desk;
use super::say;
use super::setup::StoreArgs;

#[derive(Debug, Args)]
pub struct Pause {
    #[command(flatten)]
    store: StoreArgs,
    /// Shown to everybody
    #[arg(default_value = "stopped at the terminal")]
    reason: String,
}

#[derive(Debug, Args)]
pub struct Resume {
    #[command(flatten)]
    store: StoreArgs,
}

impl Pause {
    pub async fn run(self) -> anyhow::Result<u8> {
        let desk = Desk::open(&self.store, false).await?;
        let done = desk.hub.pause(&desk.person, &self.reason).await;
        desk.close().await;
        say(if done? { "writes are paused, also after a restart\n" } else { "writes were paused before\n" })?;
        Ok(0)
    }
}

impl Resume {
    pub async fn run(self) -> anyhow::Result<u8> {
        let desk = Desk::open(&self.store, false).await?;
        let done = desk.hub.resume(&desk.person).await;
        desk.close().await;
        say(if done? { "writes go on\n" } else { "writes were not paused\n" })?;
        Ok(0)
    }
}
