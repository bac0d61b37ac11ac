//! The pages themselves: rendered here, no script, nothing loaded from anywhere, readable on a phone.

use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use jiff::Timestamp;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Value, context};

use super::super::login::{POLICY, Someone};
use crate::approvals::{View, visible};
use crate::store::permissions::Pause;
use crate::store::proposals::Row;

const STYLE: &str = include_str!("style.css");
const ONE: &str = include_str!("one.html");
const ALL: &str = include_str!("all.html");
const TROUBLE: &str = "<!doctype html><html lang=\"zh\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
    content=\"width=device-width, initial-scale=1\"><title>Midwatch</title><style>{{ style | safe }}</style></head>\
    <body><main><p><a href=\"/approvals\">全部 · All</a></p><p class=\"problem\" role=\"alert\">{{ problem }}</p>\
    </main></body></html>\n";

pub fn all(someone: &Someone, rows: &[Row], paused: Option<&Pause>) -> Response {
    let values = context! {
        rows => Value::from(Serde(rows)),
        paused => Value::from(Serde(paused)),
        person => visible(&someone.person.name),
        token => someone.form_token(),
    };
    render(StatusCode::OK, ALL, values)
}

pub fn one(someone: &Someone, view: &View, paused: Option<&Pause>, problem: &str) -> Response {
    let request = view.plan.as_ref().map(|plan| serde_json::to_string_pretty(&plan.request).unwrap_or_default());
    let request: Vec<String> = request.unwrap_or_default().lines().map(visible).collect();
    let values = context! {
        it => Value::from(Serde(view)),
        paused => Value::from(Serde(paused)),
        expires => Timestamp::from_millisecond(view.expires_at).unwrap_or_default().to_string(),
        request => request.join("\n"),
        token => someone.form_token(),
        problem,
    };
    render(StatusCode::OK, ONE, values)
}

pub fn trouble(status: StatusCode, problem: &str) -> Response {
    render(status, TROUBLE, context! { problem => visible(problem) })
}

fn render(status: StatusCode, template: &str, values: Value) -> Response {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    let text = environment.render_str(template, context! { style => STYLE, ..values });
    let safe = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-store"),
        // With `no-referrer` a browser would send our own forms with `Origin: null`.
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    match text {
        Ok(text) => (status, safe, Html(text)).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

/// A part of a path that came from outside, on its way into a query.
pub fn segment(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).take(64).collect()
}
