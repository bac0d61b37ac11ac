//! What stands beside the cluster: Alertmanagers, Prometheus, and a Midwatch that may already run.

use std::time::Duration;

use anyhow::ensure;
use diagnose::collect::Prometheus;
use serde_json::Value;

use super::{Line, bad, good, note};
use crate::config::{Alertmanager, Config};
use crate::prometheus::Answers;

const PATIENCE: Duration = Duration::from_secs(5);

pub async fn check(config: &Config) -> anyhow::Result<Vec<Line>> {
    let client = reqwest::Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none()).build()?;
    let mut lines = Vec::new();
    for one in &config.alertmanagers {
        lines.push(match status(&client, one).await {
            Ok(version) => good(
                format!("Alertmanager {} 有应答，版本 {version}", one.url),
                format!("Alertmanager {} answers, version {version}", one.url),
            ),
            Err(why) => bad(format!("Alertmanager {}：{why:#}", one.url), format!("Alertmanager {}: {why:#}", one.url)),
        });
    }
    if config.alertmanagers.is_empty() {
        lines.push(note(
            "没有配置 Alertmanager（alertmanagers）：丢失、静默、已结束的告警只能从推送得知",
            "no Alertmanager is configured (alertmanagers): lost, silenced and ended alerts are known only from what is posted",
        ));
    }
    lines.push(match &config.prometheus {
        Some(prometheus) => asked(&prometheus.url).await,
        None => note(
            "没有配置 Prometheus（prometheus）：只在告警的 generatorURL 可达时查询",
            "no Prometheus is configured (prometheus): only an alert's own generator URL is asked, where it answers",
        ),
    });
    lines.push(running(&client, config).await);
    Ok(lines)
}

async fn status(client: &reqwest::Client, one: &Alertmanager) -> anyhow::Result<String> {
    let mut request = client.get(format!("{}/api/v2/status", one.url.trim_end_matches('/')));
    if let Some(value) = one.authorization()? {
        request = request.header("authorization", value);
    }
    let response = request.send().await.map_err(reqwest::Error::without_url)?;
    let code = response.status().as_u16();
    ensure!(!matches!(code, 401 | 403), "HTTP {code}: set username and password_file, or bearer_token_file");
    ensure!(
        code == 200,
        "HTTP {code} at /api/v2/status: is this the address of an Alertmanager, with its path prefix?"
    );
    let body: Value = response.json().await.map_err(reqwest::Error::without_url)?;
    // one built without its release script has no version
    let version = body["versionInfo"]["version"].as_str().filter(|version| !version.is_empty());
    Ok(version.unwrap_or("?").to_owned())
}

async fn asked(url: &str) -> Line {
    let answer = match Answers::live(url) {
        Ok(prometheus) => prometheus.answers(vec!["vector(1)".to_owned()]).await,
        Err(error) => return bad(format!("Prometheus {url}：{error:#}"), format!("Prometheus {url}: {error:#}")),
    };
    match answer.into_iter().next() {
        Some((_, Ok(_))) => good(format!("Prometheus {url} 能回答查询"), format!("Prometheus {url} answers queries")),
        Some((_, Err(why))) => bad(format!("Prometheus {url}：{why}"), format!("Prometheus {url}: {why}")),
        None => bad(format!("Prometheus {url}：没有应答"), format!("Prometheus {url}: no answer")),
    }
}

/// Whether it runs is no fault either way.
async fn running(client: &reqwest::Client, config: &Config) -> Line {
    let url = config.local_url();
    let answer = client.get(format!("{url}/readyz")).send().await;
    match answer.map(|response| response.status().as_u16()) {
        Ok(200) => {
            good(format!("Midwatch 正在 {url} 运行并能接收告警"), format!("Midwatch runs at {url} and takes alerts"))
        }
        Ok(code) => bad(
            format!("{url}/readyz 返回 HTTP {code}：端口被其他程序占用，或存储不可写"),
            format!("{url}/readyz answers HTTP {code}: another program has the port, or the store cannot be written"),
        ),
        Err(_) => note(
            format!("Midwatch 尚未在 {url} 运行：midwatch serve"),
            format!("Midwatch does not run at {url} yet: midwatch serve"),
        ),
    }
}
