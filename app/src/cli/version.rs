//! `midwatch version`: what is needed in a bug report.

use super::say;

pub fn run() -> anyhow::Result<u8> {
    // set by the Makefile where git is there; a build from an archive has none
    let commit = option_env!("MIDWATCH_COMMIT").filter(|commit| !commit.is_empty()).unwrap_or("unknown");
    let target = format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS);
    say(&format!("midwatch {} (commit {commit}, {target})\n", env!("CARGO_PKG_VERSION")))?;
    Ok(0)
}
