//! The sections as the parts that they configure want them, secrets read from their files.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::Path;

use anyhow::Context;
use notify::Secret;

use super::{Alertmanager, Config, Credential, Intake};
use crate::alerts;
use crate::alerts::reconcile::{Peer, PeerKind};
use crate::http::{self, Proof};
use crate::store;

impl Config {
    pub fn store_settings(&self) -> store::Settings {
        store::Settings {
            path: self.data_dir.join("midwatch.db"),
            retention_days: self.retention_days,
            chat_retention_days: self.chat_retention_days,
            ..store::Settings::default()
        }
    }

    /// The models, with what was learnt about them before.
    pub fn models(&self) -> Result<llm::Models, llm::SettingsError> {
        llm::Models::new(&self.models, Some(self.data_dir.join("models.json")))
    }

    /// The zone of times in messages. The configuration check names one that does not exist.
    pub fn zone(&self) -> jiff::tz::TimeZone {
        jiff::tz::TimeZone::get(&self.timezone).unwrap_or(jiff::tz::TimeZone::UTC)
    }

    pub fn alert_settings(&self) -> alerts::Settings {
        let mut settings = alerts::Settings {
            ignored_labels: self.intake.ignore_labels.iter().cloned().collect(),
            heartbeat_after_s: self.intake.watchdog_minutes * 60,
            stale_after_s: self.incidents.stale_hours * 3_600,
            ..alerts::Settings::default()
        };
        settings.flapping.changes = self.incidents.flapping_changes;
        settings.storm.incidents_per_minute = self.incidents.digest_above;
        settings.storm.critical_per_minute = self.incidents.digest_above_critical;
        settings
    }

    pub fn http_settings(&self) -> anyhow::Result<http::Settings> {
        let credentials = self.intake.credentials.iter().map(credential).collect::<anyhow::Result<_>>()?;
        let mut settings =
            http::Settings { credentials, body_limit: self.intake.body_limit, ..http::Settings::default() };
        if let Some(grafana) = &self.intake.grafana {
            let secret = required("secret", grafana.secret.as_ref(), grafana.secret_file.as_deref())?;
            let signature = http::Signature {
                secret,
                header: grafana.header.clone(),
                timestamp_header: grafana.timestamp_header.clone(),
            };
            settings.signatures.insert("grafana".to_owned(), signature);
        }
        Ok(settings)
    }
}

/// The sources that are asked which alerts fire.
pub struct Peers {
    alertmanagers: Vec<Alertmanager>,
    prometheus: Option<String>,
}

impl Peers {
    pub fn new(config: &Config) -> Self {
        Self {
            alertmanagers: config.alertmanagers.clone(),
            prometheus: config.prometheus.as_ref().map(|prometheus| prometheus.url.clone()),
        }
    }

    /// With credentials as their files hold them now.
    pub fn read(&self) -> Result<Vec<Peer>, String> {
        let mut peers = Vec::new();
        for one in &self.alertmanagers {
            let authorization = one.authorization().map_err(|error| format!("{error:#}"))?;
            peers.push(Peer { kind: PeerKind::Alertmanager, url: one.url.clone(), authorization });
        }
        let prometheus = self.prometheus.iter().cloned();
        peers.extend(prometheus.map(|url| Peer { kind: PeerKind::Prometheus, url, authorization: None }));
        Ok(peers)
    }
}

fn credential(one: &Credential) -> anyhow::Result<http::Credential> {
    let proof = match &one.username {
        Some(username) => Proof::Basic {
            username: username.clone(),
            password: required("password", one.password.as_ref(), one.password_file.as_deref())?,
        },
        None => Proof::Bearer {
            token: required("bearer_token", one.bearer_token.as_ref(), one.bearer_token_file.as_deref())?,
        },
    };
    Ok(http::Credential { proof, only: one.only.clone() })
}

impl Config {
    /// Where this machine reaches the server.
    pub fn local_url(&self) -> String {
        let mut address = self.listen;
        if address.ip().is_unspecified() {
            address.set_ip(if address.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() });
        }
        format!("http://{address}")
    }
}

impl Intake {
    /// The `Authorization` header that opens a webhook, by the last part of its path.
    pub fn authorization(&self, endpoint: &str) -> anyhow::Result<Option<String>> {
        let Some(one) = self.credentials.iter().find(|one| one.opens(endpoint)) else { return Ok(None) };
        Ok(Some(match credential(one)?.proof {
            Proof::Basic { username, password } => basic(&username, &password),
            Proof::Bearer { token } => format!("Bearer {token}"),
        }))
    }
}

impl Credential {
    /// Whether it opens a webhook, by the last part of its path.
    pub fn opens(&self, endpoint: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == endpoint)
    }
}

impl Alertmanager {
    /// The `Authorization` header for it, if it wants one. Read at each use, so that a token may be renewed.
    pub fn authorization(&self) -> anyhow::Result<Option<String>> {
        if let Some(token) = value("bearer_token", self.bearer_token.as_ref(), self.bearer_token_file.as_deref())? {
            return Ok(Some(format!("Bearer {token}")));
        }
        let Some(username) = &self.username else { return Ok(None) };
        let password = required("password", self.password.as_ref(), self.password_file.as_deref())?;
        Ok(Some(basic(username, &password)))
    }
}

fn basic(username: &str, password: &str) -> String {
    use base64::Engine as _;
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("{username}:{password}"));
    format!("Basic {pair}")
}

fn value(name: &str, inline: Option<&Secret>, file: Option<&Path>) -> anyhow::Result<Option<String>> {
    notify::secret_value(name, inline, file).with_context(|| format!("reading {name}"))
}

fn required(name: &str, inline: Option<&Secret>, file: Option<&Path>) -> anyhow::Result<String> {
    value(name, inline, file)?.with_context(|| format!("set {name} or {name}_file"))
}
