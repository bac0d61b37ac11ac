//! `midwatch config`: is the configuration right, what does it come to, what may stand in it.

use clap::Subcommand;
use serde_json::Value;

use super::say;
use super::setup::ConfigArgs;
use crate::config;

#[derive(Debug, Subcommand)]
pub enum Config {
    /// Print every problem with its line; exit code 1 if there is one
    Check(ConfigArgs),
    /// Print the configuration as it takes effect, defaults and variables included, secrets as ***
    Show(ConfigArgs),
    /// Print the JSON schema of the configuration file
    Schema,
}

impl Config {
    pub fn run(self) -> anyhow::Result<u8> {
        match self {
            Self::Check(args) => check(&args),
            Self::Show(args) => show(&args),
            Self::Schema => {
                say(&config::schema())?;
                Ok(0)
            }
        }
    }
}

fn check(args: &ConfigArgs) -> anyhow::Result<u8> {
    let loaded = args.load(&[]);
    for problem in &loaded.problems {
        say(&format!("{problem}\n"))?;
    }
    if !loaded.problems.is_empty() {
        return Ok(1);
    }
    match &loaded.file {
        Some(file) => say(&format!("{}: no problems\n", file.display()))?,
        None => say("no configuration file: defaults and MIDWATCH_* variables apply, no problems\n")?,
    }
    Ok(0)
}

fn show(args: &ConfigArgs) -> anyhow::Result<u8> {
    let config = args.sound(&[])?;
    let mut value = serde_json::to_value(&config)?;
    drop_nulls(&mut value);
    say(&format!("{}\n", serde_saphyr::to_string(&value)?.trim_end()))?;
    Ok(0)
}

/// What is not set is left out: the schema names it.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(drop_nulls);
        }
        Value::Array(list) => list.iter_mut().for_each(drop_nulls),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
