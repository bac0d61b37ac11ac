//! `midwatch completion`: a script for the shell.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Cli, say};

#[derive(Debug, Args)]
pub struct Completion {
    /// Which shell
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(["bash", "zsh", "fish"]))]
    shell: String,
}

impl Completion {
    pub fn run(&self) -> anyhow::Result<u8> {
        let shell = match self.shell.as_str() {
            "zsh" => Shell::Zsh,
            "fish" => Shell::Fish,
            _ => Shell::Bash,
        };
        // written to memory first: a reader that has gone is no error
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), "midwatch", &mut script);
        say(&String::from_utf8_lossy(&script))?;
        Ok(0)
    }
}
