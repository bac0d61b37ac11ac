//! What runs take and why they fail, as metrics by model.

use agent::{Outcome, Step, WhyEnded};
use llm::{Answer, Tried};
use metrics::{counter, histogram};

/// Counts a run that ended.
pub fn count(outcome: &Outcome) {
    let failed = match &outcome.why_ended {
        WhyEnded::Model { tried, .. } => {
            errors(tried);
            // there was nobody behind the last one
            fallbacks(tried.split_last().map_or(&[], |(_, before)| before));
            "no_model"
        }
        WhyEnded::Budget { .. } => "budget",
        WhyEnded::Repeating { .. } | WhyEnded::UnknownTools | WhyEnded::NothingButAnnouncements => "confused",
        WhyEnded::Record { .. } => "record",
        WhyEnded::Answered | WhyEnded::Cancelled => "none",
    };
    counter!("midwatch_runs_total", "failure" => failed).increment(1);
    for step in &outcome.steps {
        if let Step::Replied { answer, .. } = step {
            answered(answer);
        }
    }
}

fn answered(answer: &Answer) {
    errors(&answer.tried);
    fallbacks(&answer.tried);
    let model = answer.model.clone();
    counter!("midwatch_model_answers_total", "model" => model.clone()).increment(1);
    counter!("midwatch_model_requests_total", "model" => model.clone()).increment(answer.requests.into());
    let usage = answer.reply.usage;
    counter!("midwatch_model_tokens_total", "model" => model.clone(), "direction" => "in").increment(usage.input);
    counter!("midwatch_model_tokens_total", "model" => model.clone(), "direction" => "out").increment(usage.output);
    histogram!("midwatch_model_seconds", "model" => model.clone()).record(answer.took.as_secs_f64());
    if let Some(first) = answer.first_token {
        histogram!("midwatch_model_first_token_seconds", "model" => model).record(first.as_secs_f64());
    }
}

fn errors(tried: &[Tried]) {
    for one in tried {
        counter!("midwatch_model_errors_total", "model" => one.model.clone(), "class" => one.class.name()).increment(1);
    }
}

fn fallbacks(from: &[Tried]) {
    for one in from {
        counter!("midwatch_model_fallbacks_total", "model" => one.model.clone()).increment(1);
    }
}
