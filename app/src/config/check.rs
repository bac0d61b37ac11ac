//! What the types cannot say: names that must exist, patterns that must compile, one of two fields.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use notify::Secret;

use super::{Config, QuietHours};
use crate::people::is_safe;

/// Every problem as (JSON pointer, text).
pub fn check(config: &Config) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let unknown = |place: String, name: &String| {
        let names: Vec<&str> = config.channels.keys().map(String::as_str).collect();
        let text = || format!("no channel is named `{name}`; there are: {}", names.join(", "));
        (!config.channels.contains_key(name)).then(|| (place, text()))
    };
    for (i, route) in config.routes.iter().enumerate() {
        found.extend(
            route.channels.iter().enumerate().filter_map(|(j, n)| unknown(format!("/routes/{i}/channels/{j}"), n)),
        );
    }
    found.extend(config.fallback.iter().enumerate().filter_map(|(i, n)| unknown(format!("/fallback/{i}"), n)));
    for (i, quiet) in config.quiet_hours.iter().enumerate() {
        let channels = quiet.channels.iter().enumerate();
        found.extend(channels.filter_map(|(j, n)| unknown(format!("/quiet_hours/{i}/channels/{j}"), n)));
        found.extend(quiet_hours(quiet).into_iter().map(|(field, text)| (format!("/quiet_hours/{i}/{field}"), text)));
    }
    for (i, route) in config.routes.iter().enumerate() {
        for (label, pattern) in &route.matches {
            if let Err(error) = regex::Regex::new(pattern) {
                let text = error.to_string().lines().last().unwrap_or_default().to_owned();
                found.push((format!("/routes/{i}/match/{label}"), format!("no regular expression: {text}")));
            }
        }
    }
    for (name, channel) in &config.channels {
        found.extend(channel.problems().into_iter().map(|text| (format!("/channels/{name}"), text)));
    }
    for (i, one) in config.intake.credentials.iter().enumerate() {
        let place = format!("/intake/credentials/{i}");
        found.extend(either("password", &one.password, &one.password_file).map(|text| (place.clone(), text)));
        found.extend(
            either("bearer_token", &one.bearer_token, &one.bearer_token_file).map(|text| (place.clone(), text)),
        );
        let password = one.password.is_some() || one.password_file.is_some();
        let token = one.bearer_token.is_some() || one.bearer_token_file.is_some();
        if password == token || password != one.username.is_some() {
            found.push((place, "give either `username` with `password`, or `bearer_token`".to_owned()));
        }
    }
    for (i, one) in config.alertmanagers.iter().enumerate() {
        found.extend(url(&one.url).map(|text| (format!("/alertmanagers/{i}/url"), text)));
        let place = format!("/alertmanagers/{i}");
        found.extend(either("password", &one.password, &one.password_file).map(|text| (place.clone(), text)));
        found.extend(either("bearer_token", &one.bearer_token, &one.bearer_token_file).map(|text| (place, text)));
    }
    if let Some(helm) = &config.mcp.helm {
        if helm.charts.iter().all(String::is_empty) {
            let text = "without a beginning of a reference no chart may be rendered; give one such as `oci://registry.example.com/charts/`";
            found.push(("/mcp/helm/charts".to_owned(), text.to_owned()));
        }
        if helm.program.components().count() > 1 && !helm.program.is_file() {
            found.push(("/mcp/helm/program".to_owned(), format!("there is no file {}", helm.program.display())));
        }
    }
    if !(1..=64).contains(&config.mcp.max_answer_kib) {
        found.push(("/mcp/max_answer_kib".to_owned(), "it has to lie between 1 and 64".to_owned()));
    }
    if let Some(prometheus) = &config.prometheus {
        found.extend(url(&prometheus.url).map(|text| ("/prometheus/url".to_owned(), text)));
    }
    found.extend(config.models.problems().into_iter().map(|(i, text)| (format!("/models/{i}"), text)));
    found.extend(tool_servers(config));
    found.extend(people(config));
    found.extend(config.policy.as_deref().into_iter().flat_map(policy));
    found.extend(config.prompt.as_deref().and_then(prompt).map(|text| ("/prompt".to_owned(), text)));
    found.extend(timezone(&config.timezone).map(|text| ("/timezone".to_owned(), text)));
    if let Some(public) = &config.public_url {
        found.extend(url(public).map(|text| ("/public_url".to_owned(), text)));
    }
    if !config.listen.ip().is_loopback() && config.intake.credentials.is_empty() {
        let text = "listening beyond this machine needs `intake.credentials`, or anybody could post alerts";
        found.push(("/listen".to_owned(), text.to_owned()));
    }
    found
}

fn tool_servers(config: &Config) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut names = BTreeSet::from(["midwatch"]);
    for (i, server) in config.tool_servers.iter().enumerate() {
        let place = format!("/tool_servers/{i}");
        if !names.insert(&server.name) {
            found.push((format!("{place}/name"), format!("the name `{}` is taken", server.name)));
        }
        found.extend(server.problems().into_iter().map(|text| (place.clone(), text)));
    }
    found
}

fn policy(file: &Path) -> Vec<(String, String)> {
    let problems = match std::fs::read_to_string(file) {
        Ok(text) => cluster::Policy::parse(&text).err().unwrap_or_default(),
        Err(error) => return vec![("/policy".to_owned(), format!("{}: {error}", file.display()))],
    };
    let told = |problem: cluster::Problem| format!("{}:{}: {}", file.display(), problem.line, problem.text);
    problems.into_iter().map(|problem| ("/policy".to_owned(), told(problem))).collect()
}

/// Asked for at the start: else it would fail where a model is first needed, in the night.
fn prompt(file: &Path) -> Option<String> {
    match std::fs::read_to_string(file) {
        Ok(text) if text.trim().is_empty() => Some(format!("{}: the file is empty", file.display())),
        Ok(_) => None,
        Err(error) => Some(format!("{}: {error}", file.display())),
    }
}

fn people(config: &Config) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (i, one) in config.people.tokens.iter().enumerate() {
        let place = format!("/people/tokens/{i}");
        if one.token.is_some() == one.token_file.is_some() {
            found.push((place.clone(), "give either `token` or `token_file`".to_owned()));
        }
        if one.roles.is_empty() {
            found.push((format!("{place}/roles"), "give at least one role".to_owned()));
        }
        let refused = cluster::Identity::new(&one.user, one.groups.clone()).err();
        found.extend(refused.map(|error| (place, error.to_string())));
    }
    if let Some(oidc) = &config.people.oidc {
        if !is_safe(&oidc.issuer) {
            found.push(("/people/oidc/issuer".to_owned(), format!("`{}` is no https address", oidc.issuer)));
        }
        if oidc.audience.is_empty() {
            let text = "without an audience any token of the provider would be taken";
            found.push(("/people/oidc/audience".to_owned(), text.to_owned()));
        }
        if oidc.roles.is_empty() {
            found.push(("/people/oidc/roles".to_owned(), "nobody could come in: give roles to a group".to_owned()));
        }
    }
    found
}

fn either(name: &str, value: &Option<Secret>, file: &Option<PathBuf>) -> Option<String> {
    (value.is_some() && file.is_some()).then(|| format!("give `{name}` or `{name}_file`, not both"))
}

fn url(text: &str) -> Option<String> {
    let parsed = reqwest::Url::parse(text);
    match parsed {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => None,
        Ok(_) | Err(_) => Some(format!("`{text}` is no http or https address")),
    }
}

fn timezone(name: &str) -> Option<String> {
    let unknown = jiff::tz::TimeZone::get(name).is_err();
    unknown.then(|| format!("`{name}` is no time zone such as Asia/Shanghai"))
}

fn quiet_hours(quiet: &QuietHours) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    for (field, text) in [("from", &quiet.from), ("to", &quiet.to)] {
        if jiff::civil::Time::strptime("%H:%M", text).is_err() {
            found.push((field, format!("`{text}` is no time such as 22:00")));
        }
    }
    found.extend(quiet.timezone.as_deref().and_then(timezone).map(|text| ("timezone", text)));
    found
}
