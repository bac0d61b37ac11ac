//! `/approvals` for people and `/api/v1/proposals` for programs: what is proposed, in full, and the yes or no to it.

mod page;

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Form, Json};
use serde::Deserialize;
use serde_json::json;

use super::login::{Doors, Someone};
use crate::approvals::{self, Approvals, Refusal, View};
use crate::people::{Denied, Person};

/// What the handlers share.
pub struct Desk {
    pub doors: Arc<Doors>,
    pub approvals: Arc<Approvals>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Act {
    Approve,
    Deny,
    Withdraw,
    Undo,
}

/// A yes or no, from a form or as JSON.
#[derive(Debug, Deserialize)]
pub struct Answer {
    action: Act,
    /// Of what was looked at.
    #[serde(default)]
    digest: String,
    #[serde(default)]
    why: String,
    /// Where a browser's cookie speaks: the token of our own page.
    #[serde(default)]
    token: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Halt {
    Pause,
    Resume,
}

#[derive(Debug, Deserialize)]
pub struct Switch {
    action: Halt,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    token: String,
}

#[derive(Debug, Deserialize)]
pub struct Filter {
    state: Option<approvals::State>,
}

/// Why a request about proposals has no answer.
pub enum Trouble {
    Who(Denied),
    Forged,
    Why(Refusal),
}

impl From<Denied> for Trouble {
    fn from(denied: Denied) -> Self {
        Self::Who(denied)
    }
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        Self::Why(refusal)
    }
}

impl Trouble {
    fn status(&self) -> StatusCode {
        match self {
            Self::Who(Denied::Store(_) | Denied::Provider) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Who(_) => StatusCode::UNAUTHORIZED,
            Self::Forged => StatusCode::FORBIDDEN,
            Self::Why(why) => match why {
                Refusal::NoSuch(_) => StatusCode::NOT_FOUND,
                Refusal::NotAllowed(_) | Refusal::Forbidden { .. } => StatusCode::FORBIDDEN,
                Refusal::Refused(_) | Refusal::Stale(_) => StatusCode::CONFLICT,
                Refusal::Malformed(_) => StatusCode::BAD_REQUEST,
                Refusal::Unreachable(_) => StatusCode::BAD_GATEWAY,
                Refusal::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
                Refusal::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
            },
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Who(denied) => denied.to_string(),
            Self::Forged => "the form was not sent from our own page; load the page again".to_owned(),
            Self::Why(why) => why.to_string(),
        }
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        (self.status(), Json(json!({"error": self.text()}))).into_response()
    }
}

/// A page's trouble: who is not logged in is asked to, everybody else is told.
fn for_people(trouble: Trouble, next: &str) -> Response {
    match trouble {
        Trouble::Who(Denied::Missing) => Redirect::to(&format!("/login?next={next}")).into_response(),
        other => page::trouble(other.status(), &other.text()),
    }
}

impl Desk {
    async fn someone(&self, headers: &HeaderMap) -> Result<Someone, Trouble> {
        Ok(self.doors.someone(headers).await?)
    }

    /// The person, if the request was sent on purpose.
    async fn sender(&self, headers: &HeaderMap, token: &str) -> Result<Person, Trouble> {
        let someone = self.someone(headers).await?;
        if someone.sent_this(headers, token) { Ok(someone.person) } else { Err(Trouble::Forged) }
    }

    async fn act(&self, headers: &HeaderMap, id: &str, answer: &Answer) -> Result<View, Trouble> {
        let person = self.sender(headers, &answer.token).await?;
        let approvals = &self.approvals;
        Ok(match answer.action {
            Act::Approve => approvals.approve(&person, id, &answer.digest).await?,
            Act::Deny => approvals.deny(&person, id, &answer.why).await?,
            Act::Withdraw => approvals.withdraw(&person, id).await?,
            Act::Undo => approvals.undo(&person, id).await?,
        })
    }

    async fn switch(&self, headers: &HeaderMap, switch: &Switch) -> Result<(), Trouble> {
        let person = self.sender(headers, &switch.token).await?;
        match switch.action {
            Halt::Pause => self.approvals.pause(&person, &switch.reason).await?,
            Halt::Resume => self.approvals.resume(&person).await?,
        };
        Ok(())
    }
}

pub async fn all(State(desk): State<Arc<Desk>>, headers: HeaderMap) -> Response {
    let shown = async {
        let someone = desk.someone(&headers).await?;
        let rows = desk.approvals.list(&someone.person, None).await?;
        let paused = desk.approvals.paused().await?;
        Ok(page::all(&someone, &rows, paused.as_ref()))
    };
    shown.await.unwrap_or_else(|trouble| for_people(trouble, "/approvals"))
}

pub async fn one(State(desk): State<Arc<Desk>>, headers: HeaderMap, Path(id): Path<String>) -> Response {
    let shown = async {
        let someone = desk.someone(&headers).await?;
        let view = desk.approvals.view(&someone.person, &id).await?;
        let paused = desk.approvals.paused().await?;
        Ok(page::one(&someone, &view, paused.as_ref(), ""))
    };
    shown.await.unwrap_or_else(|trouble| for_people(trouble, &format!("/approvals/{}", page::segment(&id))))
}

pub async fn answer(
    State(desk): State<Arc<Desk>>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Form(answer): Form<Answer>,
) -> Response {
    match desk.act(&headers, &id, &answer).await {
        Ok(view) => Redirect::to(&format!("/approvals/{}", view.id)).into_response(),
        Err(trouble) => for_people(trouble, "/approvals"),
    }
}

pub async fn halt(State(desk): State<Arc<Desk>>, headers: HeaderMap, Form(switch): Form<Switch>) -> Response {
    match desk.switch(&headers, &switch).await {
        Ok(()) => Redirect::to("/approvals").into_response(),
        Err(trouble) => for_people(trouble, "/approvals"),
    }
}

pub async fn list(
    State(desk): State<Arc<Desk>>,
    headers: HeaderMap,
    Query(filter): Query<Filter>,
) -> Result<Response, Trouble> {
    let someone = desk.someone(&headers).await?;
    let rows = desk.approvals.list(&someone.person, filter.state).await?;
    Ok(fresh(Json(json!({"proposals": rows}))))
}

pub async fn get(
    State(desk): State<Arc<Desk>>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Trouble> {
    let someone = desk.someone(&headers).await?;
    Ok(fresh(Json(desk.approvals.view(&someone.person, &id).await?)))
}

pub async fn post(
    State(desk): State<Arc<Desk>>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Json(answer): Json<Answer>,
) -> Result<Response, Trouble> {
    Ok(fresh(Json(desk.act(&headers, &id, &answer).await?)))
}

pub async fn paused(State(desk): State<Arc<Desk>>, headers: HeaderMap) -> Result<Response, Trouble> {
    desk.someone(&headers).await?;
    Ok(fresh(Json(json!({"paused": desk.approvals.paused().await?}))))
}

pub async fn set_paused(
    State(desk): State<Arc<Desk>>,
    headers: HeaderMap,
    Json(switch): Json<Switch>,
) -> Result<Response, Trouble> {
    desk.switch(&headers, &switch).await?;
    Ok(fresh(Json(json!({"paused": desk.approvals.paused().await?}))))
}

fn fresh(body: impl IntoResponse) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], body).into_response()
}
