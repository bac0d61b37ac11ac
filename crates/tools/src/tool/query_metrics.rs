//! `query_metrics`: PromQL, answered by the configured Prometheus.

use diagnose::collect::samples;
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::{Arguments, Set, Tool};
use crate::answer::Answer;
use crate::arguments::required;
use crate::context::Context;
use crate::page::{Line, first};
use crate::shape;
use crate::trouble::Trouble;
use cluster::Class;

pub const TOOL: Tool = Tool {
    name: "query_metrics",
    title: "Metrics",
    description: "PromQL instant query (needs a configured Prometheus).",
    class: Class::R,
    set: Set::Ours,
    cluster_aware: false,
    input,
    output: shape::items,
    old_spellings: &[("promql", "query")],
    call,
};

fn input() -> Value {
    shape::input(&["query"], &[("query", shape::text())])
}

fn call(context: &Context, arguments: Arguments) -> BoxFuture<'_, Result<Answer, Trouble>> {
    async move {
        let query = required(&arguments, "query")?;
        let Some(prometheus) = &context.prometheus else {
            return Err(Trouble::Missing {
                what: "No Prometheus is configured.".to_owned(),
                how: "Set prometheus.url in midwatch.yaml; nodes_top and pods_top work without one.".to_owned(),
            });
        };
        let answers = prometheus.answers(vec![query.to_owned()]).await;
        // a recording answers with everything it holds
        let Some((_, answer)) = answers.into_iter().find(|(asked, _)| asked == query) else {
            return Err(Trouble::NotFound { what: format!("an answer to {query}"), near: Vec::new() });
        };
        let answer = answer.map_err(|why| Trouble::Missing {
            what: format!("Prometheus gave no answer: {why}."),
            how: "Check the query.".to_owned(),
        })?;
        let mut samples = samples(query.to_owned(), &answer).samples;
        samples.sort_by(|a, b| b.value.total_cmp(&a.value).then_with(|| a.labels.cmp(&b.labels)));
        let labels = |at: usize| {
            let pairs = samples[at].labels.iter().map(|(key, value)| format!("{key}={value:?}"));
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(","))
        };
        let lines: Vec<Line> = (0..samples.len())
            .map(|at| Line {
                text: format!("{} {}", samples[at].value, labels(at)),
                items: vec![at],
                ..Line::default()
            })
            .collect();
        let title = if samples.is_empty() {
            "no samples: the metric or its labels do not exist".to_owned()
        } else {
            format!("{} samples, the largest first", samples.len())
        };
        let page = first(&title, &lines, context.room, "topk(20, ...) or more labels");
        let items: Vec<Value> =
            page.items.iter().map(|at| json!({"labels": samples[*at].labels, "value": samples[*at].value})).collect();
        Ok(Answer::new(page.text, json!({"items": items, "total": samples.len()})))
    }
    .boxed()
}
