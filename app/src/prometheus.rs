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
        Ok(Self::Live { client, url: url.trim_end_matches('/').to_owned() })
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
            Self::Live { client, url } => async move {
                let asked = queries.into_iter().map(|query| async move {
                    let answer = ask(client, url, &query).await;
                    (query, answer.map_err(|e| e.to_string()))
                });
                join_all(asked).await
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
