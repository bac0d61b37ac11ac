//! `alerts_list`: the incidents that Midwatch knows, with their causes.

use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Arguments, Set, Tool};
use crate::age::age;
use crate::answer::Answer;
use crate::arguments::flag;
use crate::context::Context;
use crate::page::{Line, first, short};
use crate::shape;
use crate::trouble::Trouble;
use cluster::Class;

pub const TOOL: Tool = Tool {
    name: "alerts_list",
    title: "Alerts",
    description: "Firing alerts grouped into incidents, with causes. all: also those that are over.",
    class: Class::R,
    set: Set::Ours,
    cluster_aware: false,
    input,
    output: shape::items,
    old_spellings: &[],
    call,
};

fn input() -> Value {
    shape::input(&[], &[("all", shape::flag())])
}

fn call(context: &Context, arguments: Arguments) -> BoxFuture<'_, Result<Answer, Trouble>> {
    async move {
        let firing = !flag(&arguments, "all", false);
        let answer = context.hands.alerts(&context.caller, firing).await?;
        let incidents = answer["incidents"].as_array().cloned().unwrap_or_default();
        let line = |(at, incident): (usize, &Value)| Line {
            text: told(context, incident),
            items: vec![at],
            ..Line::default()
        };
        let lines: Vec<Line> = incidents.iter().enumerate().map(line).collect();
        let title = match incidents.len() {
            0 if firing => "nothing is firing".to_owned(),
            0 => "no incidents".to_owned(),
            n => format!("{n} incidents"),
        };
        let page = first(&title, &lines, context.room, "all: false");
        let items: Vec<&Value> = page.items.iter().map(|at| &incidents[*at]).collect();
        Ok(Answer::new(page.text, json!({"items": items, "total": incidents.len()})))
    }
    .boxed()
}

/// One line: what stands in the fields that an incident has, without their braces.
fn told(context: &Context, incident: &Value) -> String {
    let field = |key: &str| match &incident[key] {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    let words = ["state", "severity", "title", "cause"].map(field);
    let words: Vec<String> = words.into_iter().filter(|text| !text.is_empty()).collect();
    let opened = field("opened").parse::<Timestamp>().ok();
    let age = opened.map(|opened| format!(", for {}", age(Some(opened), context.now))).unwrap_or_default();
    short(&format!("{} {}{age}", field("id"), words.join(", ")), 300)
}
