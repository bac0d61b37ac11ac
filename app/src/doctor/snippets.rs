//! What to paste into Alertmanager, Prometheus and Grafana so that they send here: with the real address and credentials' file.

use std::net::UdpSocket;

use crate::config::{Config, Credential};

/// The address that others can use: `public_url`, else where the server listens.
pub fn address(config: &Config) -> String {
    if let Some(public) = &config.public_url {
        return public.trim_end_matches('/').to_owned();
    }
    if !config.listen.ip().is_unspecified() {
        return format!("http://{}", config.listen);
    }
    // Nothing is sent: connecting a UDP socket only makes the system choose an address of its own.
    let outward = UdpSocket::bind("0.0.0.0:0").and_then(|socket| {
        socket.connect("192.0.2.1:9")?;
        socket.local_addr()
    });
    match outward {
        Ok(own) => format!("http://{}:{}", own.ip(), config.listen.port()),
        Err(_) => config.local_url(),
    }
}

/// For Alertmanager's configuration.
pub fn alertmanager(config: &Config, address: &str) -> String {
    let auth = auth(config, "alertmanager").map(|lines| format!("    http_config:\n{}", indent(&lines, 6)));
    format!(
        "receivers:\n- name: midwatch\n  webhook_configs:\n  - url: {address}/webhooks/alertmanager\n    send_resolved: true\n    max_alerts: 0\n{}route:\n  routes:\n  - receiver: midwatch     # the first of your routes\n    continue: true\n    group_by: ['...']\n    group_wait: 1s\n",
        auth.unwrap_or_default()
    )
}

/// For Prometheus' configuration, where no Alertmanager is wanted between.
pub fn prometheus(config: &Config, address: &str) -> String {
    let Ok(url) = reqwest::Url::parse(address) else { return String::new() };
    let host = url.host_str().unwrap_or_default();
    let target = url.port_or_known_default().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let prefix = url.path().trim_end_matches('/');
    let prefix = if prefix.is_empty() { String::new() } else { format!("    path_prefix: {prefix}\n") };
    let auth = auth(config, "api-v2-alerts").map(|lines| indent(&lines, 4)).unwrap_or_default();
    format!(
        "alerting:\n  alertmanagers:\n  - scheme: {}\n    static_configs: [{{targets: ['{target}']}}]\n{prefix}{auth}",
        url.scheme()
    )
}

/// For Grafana's provisioning (`provisioning/alerting/midwatch.yaml`).
pub fn grafana(config: &Config, address: &str) -> String {
    let auth = match usable(config, "grafana") {
        Some(Credential { username: Some(user), .. }) => {
            format!("      username: {user}\n      password: THE_PASSWORD\n")
        }
        Some(_) => "      authorization_scheme: Bearer\n      authorization_credentials: THE_TOKEN\n".to_owned(),
        None => String::new(),
    };
    format!(
        "apiVersion: 1\ncontactPoints:\n- orgId: 1\n  name: midwatch\n  receivers:\n  - uid: midwatch\n    type: webhook\n    settings:\n      url: {address}/webhooks/grafana\n      httpMethod: POST\n{auth}"
    )
}

fn usable<'a>(config: &'a Config, endpoint: &str) -> Option<&'a Credential> {
    config.intake.credentials.iter().find(|one| one.opens(endpoint))
}

/// The lines of `authorization` or `basic_auth`; a secret that stands in our file is not repeated here.
fn auth(config: &Config, endpoint: &str) -> Option<String> {
    let one = usable(config, endpoint)?;
    let file = |path: &Option<std::path::PathBuf>, what: &str| match path {
        Some(path) => path.display().to_string(),
        None => format!("/path/to/a/file/with/the/{what}"),
    };
    Some(match &one.username {
        Some(user) => {
            format!("basic_auth:\n  username: {user}\n  password_file: {}\n", file(&one.password_file, "password"))
        }
        None => {
            format!("authorization:\n  type: Bearer\n  credentials_file: {}\n", file(&one.bearer_token_file, "token"))
        }
    })
}

fn indent(text: &str, by: usize) -> String {
    text.lines().map(|line| format!("{}{line}\n", " ".repeat(by))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(json: serde_json::Value) -> Config {
        serde_json::from_value(json).expect("the test's configuration is right")
    }

    #[test]
    fn the_snippets_are_yaml_with_address_and_credentials() {
        let config = config(serde_json::json!({
            "listen": "10.0.0.5:8420",
            "public_url": "https://ops.example.com/midwatch/",
            "intake": {"credentials": [
                {"username": "grafana", "password": "secret-word", "only": ["grafana"]},
                {"bearer_token_file": "/run/secrets/token"},
            ]},
        }));
        let at = address(&config);
        let read = |text: &str| serde_saphyr::from_str::<serde_json::Value>(text).expect("the snippet is YAML");
        let alertmanager = read(&alertmanager(&config, &at));
        let hook = &alertmanager["receivers"][0]["webhook_configs"][0];
        assert_eq!(hook["url"], "https://ops.example.com/midwatch/webhooks/alertmanager");
        assert_eq!(hook["http_config"]["authorization"]["credentials_file"], "/run/secrets/token");
        let prometheus = read(&prometheus(&config, &at));
        let one = &prometheus["alerting"]["alertmanagers"][0];
        assert_eq!(one["static_configs"][0]["targets"][0], "ops.example.com:443");
        assert_eq!(one["path_prefix"], "/midwatch");
        assert_eq!(one["authorization"]["credentials_file"], "/run/secrets/token");
        let text = grafana(&config, &at);
        assert!(!text.contains("secret-word"), "{text}");
        assert_eq!(read(&text)["contactPoints"][0]["receivers"][0]["settings"]["username"], "grafana");
    }

    #[test]
    fn an_unspecified_address_becomes_one_that_others_can_use() {
        let at = address(&config(serde_json::json!({"listen": "0.0.0.0:8420"})));
        assert!(!at.contains("0.0.0.0") && at.ends_with(":8420"), "{at}");
    }
}
