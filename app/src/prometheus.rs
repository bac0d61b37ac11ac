//! Answers to PromQL: from a Prometheus, or from what a recording holds.

use std::time::Duration;

use anyhow::Context;
use diagnose::collect::Prometheus;
use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use serde_json::Value;

/// An answer larger than this says nothing that a diagnosis could use.
const BODY: usize = 4 << 20;

#[derive(Debug, Clone)]
pub enum Answers {
    Live {
        client: reqwest::Client,
        url: String,
        /// named by an alert's generator URL only: it may well be out of reach from here
        guessed: bool,
    },
    /// everything that was recorded, whatever is asked
    Recorded(Vec<(String, Value)>),
}

impl Answers {
    pub fn live(url: &str) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(2))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .context("building the Prometheus client")?;
        Ok(Self::Live { client, url: url.trim_end_matches('/').to_owned(), guessed: false })
    }

    /// A Prometheus that nobody configured: where it does not answer, nothing is missed that was promised.
    pub fn guessed(url: &str) -> anyhow::Result<Self> {
        match Self::live(url)? {
            Self::Live { client, url, guessed: _ } => Ok(Self::Live { client, url, guessed: true }),
            recorded @ Self::Recorded(_) => Ok(recorded),
        }
    }

    /// None when nothing was recorded.
    pub fn recorded(metrics: &replay::Metrics) -> Option<Self> {
        let all: Vec<(String, Value)> =
            metrics.iter().map(|(query, answer)| (query.to_owned(), answer.clone())).collect();
        (!all.is_empty()).then_some(Self::Recorded(all))
    }
}

impl Prometheus for Answers {
    fn answers(&self, queries: Vec<String>) -> BoxFuture<'_, Vec<(String, Result<Value, String>)>> {
        match self {
            Self::Recorded(all) => {
                let all = all.iter().map(|(query, answer)| (query.clone(), Ok(answer.clone()))).collect();
                std::future::ready(all).boxed()
            }
            Self::Live { client, url, guessed } => async move {
                let asked = queries.into_iter().map(|query| async move {
                    let answer = ask(client, url, &query).await;
                    (query, answer.map_err(|e| e.to_string()))
                });
                let mut answers = join_all(asked).await;
                answers.retain(|(_, answer)| answer.is_ok() || !guessed);
                answers
            }
            .boxed(),
        }
    }
}

async fn ask(client: &reqwest::Client, url: &str, query: &str) -> anyhow::Result<Value> {
    let mut response = client
        .get(format!("{url}/api/v1/query"))
        .query(&[("query", query)])
        .send()
        .await
        .map_err(reqwest::Error::without_url)?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(reqwest::Error::without_url)? {
        anyhow::ensure!(body.len() + chunk.len() <= BODY, "the answer is larger than {BODY} bytes");
        body.extend_from_slice(&chunk);
    }
    let answer: Value =
        serde_json::from_slice(&body).with_context(|| format!("HTTP {}: no JSON", response.status()))?;
    anyhow::ensure!(answer["status"] == "success", "{}", answer["error"].as_str().unwrap_or("no success"));
    Ok(answer)
}

/// The Prometheus and the expression that an alert's generator URL names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generator {
    pub base: String,
    pub expression: String,
}

/// Reads `http://prometheus:9090/graph?g0.expr=up+%3D%3D+0`. None for other shapes (vmalert's names no expression).
pub fn generator(url: &str) -> Option<Generator> {
    let url = reqwest::Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let expression = url.query_pairs().find(|(key, _)| key == "g0.expr").map(|(_, value)| value.into_owned())?;
    let path = url.path().strip_suffix("/graph").unwrap_or_default();
    let origin = url.origin().ascii_serialization();
    Some(Generator { base: format!("{origin}{path}"), expression })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_generator_url() {
        let found = generator("http://prom:9090/base/graph?g0.expr=up+%3D%3D+0&g0.tab=1");
        let wanted = Generator { base: "http://prom:9090/base".to_owned(), expression: "up == 0".to_owned() };
        assert_eq!(found, Some(wanted));
        assert_eq!(generator("http://vm:19880/vmalert/alert?group_id=1"), None);
        assert_eq!(generator(""), None);
    }
}
