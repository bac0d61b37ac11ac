//! Recorded PromQL answers: `metrics.json`, `{query: result}`.

use std::collections::BTreeMap;

use serde_json::Value;

/// The answers a Prometheus gave to some queries when the cluster was recorded.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    answers: BTreeMap<String, Value>,
}

impl Metrics {
    pub(crate) fn new(answers: impl IntoIterator<Item = (String, Value)>) -> Self {
        let answers = answers.into_iter().map(|(query, result)| (without_spaces(&query), result)).collect();
        Self { answers }
    }

    /// The recorded result of a query. White space does not tell two queries apart.
    pub fn lookup(&self, query: &str) -> Option<&Value> {
        self.answers.get(&without_spaces(query))
    }

    /// Every recorded query with its answer.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.answers.iter().map(|(query, answer)| (query.as_str(), answer))
    }

    pub fn is_empty(&self) -> bool {
        self.answers.is_empty()
    }
}

fn without_spaces(query: &str) -> String {
    query.chars().filter(|c| !c.is_whitespace()).collect()
}
