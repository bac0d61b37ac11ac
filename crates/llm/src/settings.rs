//! The `models:` section of the configuration: which models there are, in the order in which they are asked.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use crate::request::Thinking;

/// The models that may be asked; the first that answers wins. Without any, the rules work alone.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Settings {
    pub models: Vec<Model>,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// A name of your choice.
    pub name: String,
    /// Address of the API up to its version: `https://api.deepseek.com/v1`, `http://127.0.0.1:11434`.
    pub url: String,
    /// Wire format; default: guessed from the address, OpenAI's chat completions for an unknown one.
    #[serde(default)]
    pub dialect: Option<Dialect>,
    /// The model's name at the provider.
    pub model: String,
    #[serde(default)]
    pub key: Option<Secret>,
    /// File that holds the key. Read at each use, so that the key may be renewed.
    #[serde(default)]
    pub key_file: Option<PathBuf>,
    /// Environment variable that holds the key.
    #[serde(default)]
    pub key_env: Option<String>,
    /// More headers for every request.
    #[serde(default)]
    pub headers: BTreeMap<String, Secret>,
    /// Address of a proxy: `http://`, `https://` or `socks5://`; default: that of the environment.
    #[serde(default)]
    pub proxy: Option<String>,
    /// PEM file with certificates that are trusted beside the machine's own.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// The most tokens of question and answer together; default: learnt when the server names it.
    #[serde(default)]
    pub context: Option<u32>,
    /// The most tokens of an answer.
    #[serde(default)]
    pub max_output: Option<u32>,
    /// Seconds after which the next model is asked.
    #[serde(default = "deadline")]
    pub deadline_s: u32,
    /// Price of a million tokens of the question, in any currency.
    #[serde(default)]
    pub price_in: Option<f64>,
    /// Price of a million tokens of the answer.
    #[serde(default)]
    pub price_out: Option<f64>,
    /// How much it may think, whatever a question asks for.
    #[serde(default)]
    pub thinking: Option<Thinking>,
}

fn deadline() -> u32 {
    180
}

/// The wire formats that are spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    OpenaiChat,
    OpenaiResponses,
    Anthropic,
    Gemini,
    Ollama,
}

/// A secret value. As `Debug` and when serialized it is three stars.
#[derive(Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself, for the one place that sends it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("***")
    }
}

/// A model that cannot be used as it is configured.
#[derive(Debug, thiserror::Error)]
#[error("model `{model}`: {what}")]
pub struct SettingsError {
    pub model: String,
    pub what: String,
}

impl Model {
    /// A model with nothing but what every model needs.
    pub fn new(name: impl Into<String>, url: impl Into<String>, model: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            url: url.into(),
            dialect: None,
            model: model.into(),
            key: None,
            key_file: None,
            key_env: None,
            headers: BTreeMap::new(),
            proxy: None,
            ca_file: None,
            context: None,
            max_output: None,
            deadline_s: deadline(),
            price_in: None,
            price_out: None,
            thinking: None,
        }
    }

    /// The wire format that is configured, else the one that the address is known for.
    pub fn dialect(&self) -> Dialect {
        self.dialect.unwrap_or_else(|| {
            let url = self.url.trim_end_matches('/').to_ascii_lowercase();
            if url.contains("api.anthropic.com") || url.ends_with("/anthropic") {
                Dialect::Anthropic
            } else if url.contains("generativelanguage.googleapis.com") && !url.ends_with("/openai") {
                Dialect::Gemini
            } else if url.ends_with(":11434") || url.ends_with(":11434/api") {
                Dialect::Ollama
            } else if url.ends_with("/responses") {
                Dialect::OpenaiResponses
            } else {
                Dialect::OpenaiChat
            }
        })
    }

    /// The key as its source holds it now.
    pub(crate) fn secret(&self) -> Result<Option<String>, String> {
        if let Some(path) = &self.key_file {
            let text =
                std::fs::read_to_string(path).map_err(|error| format!("key_file {}: {error}", path.display()))?;
            let value = text.trim();
            return match value.is_empty() {
                true => Err(format!("key_file {}: the file is empty", path.display())),
                false => Ok(Some(value.to_owned())),
            };
        }
        if let Some(name) = &self.key_env {
            let value = std::env::var(name).unwrap_or_default();
            return match value.trim() {
                "" => Err(format!("key_env: the variable {name} is not set")),
                value => Ok(Some(value.to_owned())),
            };
        }
        Ok(self.key.as_ref().map(|key| key.0.trim().to_owned()))
    }

    /// What is wrong, found without asking anybody.
    pub fn problems(&self) -> Vec<String> {
        let mut found = Vec::new();
        if self.name.trim().is_empty() {
            found.push("`name` is empty".to_owned());
        }
        if self.model.trim().is_empty() {
            found.push("`model` is empty: give the model's name at the provider".to_owned());
        }
        let usable = |text: &str, schemes: &[&str]| {
            reqwest::Url::parse(text).is_ok_and(|url| schemes.contains(&url.scheme()) && url.has_host())
        };
        if !usable(&self.url, &["http", "https"]) {
            // not repeated: it may hold a key
            found.push("`url` is no http or https address".to_owned());
        }
        if self.proxy.as_deref().is_some_and(|proxy| !usable(proxy, &["http", "https", "socks5", "socks5h"])) {
            found.push("`proxy` is no http, https or socks5 address".to_owned());
        }
        let given = [self.key.is_some(), self.key_file.is_some(), self.key_env.is_some()];
        if given.iter().filter(|one| **one).count() > 1 {
            found.push("give one of `key`, `key_file` and `key_env`".to_owned());
        }
        if self.key.as_ref().is_some_and(|key| key.0.trim().is_empty()) {
            found.push("`key` is empty".to_owned());
        }
        for (name, value) in &self.headers {
            let good = reqwest::header::HeaderName::from_bytes(name.as_bytes()).is_ok()
                && reqwest::header::HeaderValue::from_str(value.reveal()).is_ok();
            if !good {
                found.push(format!("`headers`: `{name}` is no header"));
            }
        }
        if self.deadline_s == 0 {
            found.push("`deadline_s` has to be at least 1".to_owned());
        }
        if self.context.is_some_and(|context| context < 1024) {
            found.push("`context` has to be at least 1024".to_owned());
        }
        found
    }
}

impl Settings {
    /// Every problem with the number of the model in the list.
    pub fn problems(&self) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        for (i, model) in self.models.iter().enumerate() {
            found.extend(model.problems().into_iter().map(|text| (i, text)));
            if self.models[..i].iter().any(|other| other.name == model.name) {
                found.push((i, format!("another model is named `{}` too", model.name)));
            }
        }
        found
    }
}
