//! A run as text for a person: the figures on top, then step by step, then what was kept of the answer and what was not.

use agent::Step;
use jiff::Timestamp;
use llm::Message;
use serde_json::Value;

use super::figures::{Figures, reason};
use super::replay::Replayed;
use super::transcript::{Stamped, Transcript, Verdict};
use crate::investigate::verify::Words;

/// How much of a long text is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    Short,
    Full,
}

impl Length {
    /// The text, indented; cut with a mark that says how much is missing.
    fn block(self, text: &str, indent: usize) -> String {
        const LINES: usize = 12;
        const CHARACTERS: usize = 900;
        let cut: String = match self {
            Self::Full => text.to_owned(),
            Self::Short => {
                let lines: Vec<&str> = text.lines().take(LINES).collect();
                lines.join("\n").chars().take(CHARACTERS).collect()
            }
        };
        let left = text.trim_end().chars().count().saturating_sub(cut.chars().count());
        let mut out = String::new();
        for line in cut.trim_end().lines() {
            out.push_str(&format!("{:indent$}{line}\n", ""));
        }
        if left > 0 {
            out.push_str(&format!("{:indent$}... {left} more characters (--full)\n", ""));
        }
        out
    }
}

/// The whole run.
pub fn page(run: &Transcript, length: Length) -> String {
    let mut out = head(run);
    out.push('\n');
    for (n, stamped) in run.steps.iter().enumerate() {
        let after = stamped.at.duration_since(run.created_at).as_secs_f64();
        let told = match serde_json::from_value(stamped.step.clone()) {
            Ok(step) => self::step(&step, length),
            Err(_) => unknown(stamped, length),
        };
        out.push_str(&format!("{:>3}  +{after:.1}s  {told}", n + 1));
    }
    match run.verdict() {
        Some(verdict) => out.push_str(&format!("\n{}", self::verdict(&verdict))),
        None => out.push_str("\nnothing was kept yet: the run has not ended\n"),
    }
    out
}

fn head(run: &Transcript) -> String {
    let figures = Figures::of(&run.known());
    let mut out = format!("{}  {}, {}, {}\n", run.id, run.kind, run.state, second(run.created_at));
    let incident = run.incident.zip(run.revision).map(|(i, r)| format!(" (incident {i}, revision {r})"));
    out.push_str(&format!("about    {}{}\n", run.title, incident.unwrap_or_default()));
    let names = if figures.models.is_empty() { "none answered".to_owned() } else { figures.models.join(", ") };
    out.push_str(&format!(
        "model    {names}; {} round(s), {} call(s), {} request(s)\n",
        figures.rounds, figures.calls, figures.requests
    ));
    out.push_str(&format!("tokens   {}\n", tokens(&figures)));
    out.push_str(&format!("time     {}\n", times(&figures)));
    for tried in &figures.tried {
        out.push_str(&format!("tried    {tried}\n"));
    }
    for change in &figures.ladder {
        out.push_str(&format!("changed  {change}\n"));
    }
    let ended = figures.ended.as_deref().unwrap_or("not ended");
    out.push_str(&format!("ended    {ended}\n"));
    if let Some((kept, dropped)) = run.verdict().map(|verdict| verdict.counts()) {
        out.push_str(&format!("claims   {kept} kept, {dropped} dropped or marked\n"));
    }
    out
}

fn tokens(figures: &Figures) -> String {
    let cost = figures.cost.map_or_else(String::new, |cost| format!(", cost {cost:.6}"));
    format!("{} in ({} cached), {} out{cost}", figures.tokens_in, figures.tokens_cached, figures.tokens_out)
}

fn times(figures: &Figures) -> String {
    let first = figures.first_token_ms.map_or_else(String::new, |first| format!(", first token after {first} ms"));
    format!("the model took {} ms{first}", figures.model_ms)
}

fn second(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn step(step: &Step, length: Length) -> String {
    const IN: usize = 13;
    match step {
        Step::Asked { round, new, tools } => {
            let mut out = format!("asked, round {round}, {} tools offered\n", tools.len());
            if length == Length::Full && *round == 1 {
                out.push_str(&length.block(&tools.join(" "), IN));
            }
            for message in new {
                let (role, text) = said(message);
                out.push_str(&format!("{:11}{role}, {} characters\n", "", text.chars().count()));
                out.push_str(&length.block(text, IN));
            }
            out
        }
        Step::Replied { answer, .. } => replied(answer, length),
        Step::Calling { call, .. } => format!("calls {} {}\n", call.name, Value::Object(call.arguments.clone())),
        Step::Called { call, result, took } => {
            let sign = if result.error { "failed" } else { "gave" };
            let mut out =
                format!("{} {sign} {} characters in {} ms\n", call.name, result.text.chars().count(), took.as_millis());
            out.push_str(&length.block(&result.text, IN));
            out
        }
        Step::Nudged { text } => format!("reminded: {text}\n"),
        Step::Cut { what } => format!("cut: {what}\n"),
        Step::WrappedUp { why } => format!("ordered to sum up: {}\n", reason(why)),
        Step::Ended { why, text } => format!("ended: {}\n{}", reason(why), length.block(text, IN)),
    }
}

fn replied(answer: &llm::Answer, length: Length) -> String {
    const IN: usize = 13;
    let usage = answer.reply.usage;
    let first = answer.first_token.map_or_else(String::new, |time| format!(", first token {} ms", time.as_millis()));
    let mut out = format!(
        "{} answered in {} ms{first}: {} tokens in, {} out, {} request(s)\n",
        answer.model,
        answer.took.as_millis(),
        usage.input,
        usage.output,
        answer.requests
    );
    for tried in &answer.tried {
        out.push_str(&format!("{:11}before it {} gave no answer: {}\n", "", tried.model, tried.why));
    }
    for change in &answer.steps {
        out.push_str(&format!("{:11}changed: {change}\n", ""));
    }
    if let Some(problem) = &answer.reply.problem {
        out.push_str(&format!("{:11}problem: {problem:?}\n", ""));
    }
    for why in &answer.reply.invalid {
        out.push_str(&format!("{:11}a call was not taken: {why}\n", ""));
    }
    if !answer.reply.reasoning.trim().is_empty() {
        out.push_str(&format!("{:11}thought\n{}", "", length.block(&answer.reply.reasoning, IN)));
    }
    if !answer.reply.content.trim().is_empty() {
        out.push_str(&format!("{:11}said\n{}", "", length.block(&answer.reply.content, IN)));
    }
    for call in &answer.reply.calls {
        out.push_str(&format!("{:11}wants {} {}\n", "", call.name, Value::Object(call.arguments.clone())));
    }
    out
}

fn said(message: &Message) -> (&'static str, &str) {
    match message {
        Message::System { content } => ("instructions", content),
        Message::User { content } => ("user", content),
        Message::Assistant { content, .. } => ("assistant", content),
        Message::Tool { content, .. } => ("tool", content),
    }
}

fn unknown(stamped: &Stamped, length: Length) -> String {
    format!("a step that this version does not know\n{}", length.block(&stamped.step.to_string(), 13))
}

/// What was kept of the answer, and what was not.
fn verdict(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Checked(words) => {
            let mut out = "kept\n".to_owned();
            for (kind, text) in kept(words) {
                out.push_str(&format!("  {kind:<11} {text}\n"));
            }
            if !words.tells() {
                out.push_str("  nothing: the report of the rules stands as it was\n");
            }
            if !words.dropped.is_empty() {
                out.push_str("dropped\n");
            }
            for dropped in &words.dropped {
                out.push_str(&format!("  {}\n    because {}\n", flat(&dropped.text), dropped.why));
            }
            out
        }
        Verdict::Spoken { text, unbacked, failure } => {
            let mut out = match failure {
                Some(failure) => format!("no words of a model: {failure}\n"),
                None => "said\n".to_owned(),
            };
            out.push_str(&Length::Full.block(text, 2));
            if !unbacked.is_empty() {
                out.push_str("marked as not backed\n");
            }
            for one in unbacked {
                out.push_str(&format!("  {}\n    because {}\n", flat(&one.text), one.why));
            }
            out
        }
    }
}

/// Each statement on one line, with what it is and rests on.
fn kept(words: &Words) -> Vec<(&'static str, String)> {
    let mut out = Vec::new();
    out.extend(words.overview.iter().map(|text| ("overview", flat(text))));
    if let Some(cause) = &words.cause {
        let by = if cause.confirmed_by.is_empty() {
            "unconfirmed".to_owned()
        } else {
            format!("confirmed by {}", cause.confirmed_by.join(", "))
        };
        out.push(("cause", format!("{} [{by}]", flat(&cause.text))));
    }
    for claim in &words.claims {
        out.push(("claim", format!("{} [{}]", flat(&claim.text), claim.evidence.join(", "))));
    }
    for advice in &words.suggestions {
        let command = advice.command.as_ref().map_or_else(String::new, |command| format!(" ({command})"));
        out.push(("suggestion", format!("{}{command}", flat(&advice.text))));
    }
    out
}

fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The recorded run and the new one, figure by figure, then statement by statement.
pub fn side_by_side(run: &Transcript, again: &Replayed, table: impl Fn(&[&str], &[Vec<String>]) -> String) -> String {
    let before = Figures::of(&run.known());
    let counts = |verdict: Option<&Verdict>| verdict.map(Verdict::counts);
    let row = |figures: &Figures, counts: Option<(usize, usize)>, missing: String| {
        let number = |pick: fn((usize, usize)) -> usize| counts.map_or_else(dash, |counts| pick(counts).to_string());
        [
            if figures.models.is_empty() { dash() } else { figures.models.join(", ") },
            figures.ended.clone().unwrap_or_else(dash),
            number(|(kept, _)| kept),
            number(|(_, dropped)| dropped),
            figures.rounds.to_string(),
            figures.calls.to_string(),
            missing,
            figures.requests.to_string(),
            figures.tokens_in.to_string(),
            figures.tokens_out.to_string(),
            format!("{} ms", figures.model_ms),
            figures.cost.map_or_else(dash, |cost| format!("{cost:.6}")),
        ]
    };
    const NAMES: [&str; 12] = [
        "model",
        "ended",
        "claims kept",
        "claims dropped or marked",
        "rounds",
        "calls",
        "calls not in the recording",
        "requests",
        "tokens in",
        "tokens out",
        "time of the model",
        "cost",
    ];
    let recorded = row(&before, counts(run.verdict().as_ref()), dash());
    let new = row(&again.figures, counts(Some(&again.verdict)), again.missing.to_string());
    let rows = NAMES.iter().zip(recorded).zip(new).map(|((name, a), b)| vec![(*name).to_owned(), a, b]);
    let mut out = table(&["", "RECORDED", "AGAIN"], &rows.collect::<Vec<_>>());
    for (head, verdict) in [("RECORDED", run.verdict()), ("AGAIN", Some(again.verdict.clone()))] {
        let told = verdict.map_or_else(|| "nothing was kept\n".to_owned(), |verdict| self::verdict(&verdict));
        out.push_str(&format!("\n{head}\n{told}"));
    }
    out
}

fn dash() -> String {
    "-".to_owned()
}
