//! `/login` and `/logout`, and how a request says who sends it: by a bearer token, or by the cookie of a session.

use std::sync::Arc;

use axum::Form;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use minijinja::context;
use serde::Deserialize;
use subtle::ConstantTimeEq as _;

use crate::audit::{Action, Audit, Entry};
use crate::people::{Denied, People, Person, secret};

/// Nothing is loaded or run, no other site may show the page in a frame, forms go nowhere else.
pub const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; \
                          base-uri 'none'";
/// As long as a session lasts.
const SECONDS: u32 = 12 * 3_600;

const PAGE: &str = r#"<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Midwatch</title>
<style>
body{font:16px/1.5 system-ui,sans-serif;margin:0;padding:2rem 1rem;background:#f6f7f9;color:#1f2329}
main{max-width:22rem;margin:0 auto;background:#fff;padding:1.5rem;border-radius:8px;border:1px solid #dfe3e8}
label{display:block;margin-top:1rem}input{font:inherit;width:100%;box-sizing:border-box;padding:.5rem;margin-top:.25rem}
button{font:inherit;margin-top:1.25rem;width:100%;padding:.6rem;background:#1d4ed8;color:#fff;border:0;border-radius:6px}
.problem{color:#b42318}
</style></head><body><main>
<h1>Midwatch</h1>
{% if problem %}<p class="problem" role="alert">{{ problem }}</p>{% endif %}
<form method="post" action="/login">
<input type="hidden" name="next" value="{{ next }}">
<label>用户名 · Name<input name="name" autocomplete="username" required autofocus></label>
<label>密码 · Password<input name="password" type="password" autocomplete="current-password" required></label>
<button>登录 · Log in</button>
</form>
{# A link from another site does not carry the cookie (SameSite=Strict); one from here does. -#}
<p><a href="{{ next }}">已登录，继续 · I am logged in: go on</a></p>
</main></body></html>
"#;

/// What the pages for people share.
pub struct Doors {
    pub people: Arc<People>,
    pub audit: Audit,
    /// People come over https: then the cookie is bound to it.
    pub https: bool,
}

/// Who sent a request.
#[derive(Debug, Clone)]
pub struct Someone {
    pub person: Person,
    /// The key of the session, where it was a cookie.
    session: Option<String>,
}

impl Someone {
    /// What a form must bring along. Only the page that we sent to this session knows it.
    pub fn form_token(&self) -> String {
        self.session.as_deref().map(form_token).unwrap_or_default()
    }

    /// Whether a form was sent from our own page. A bearer token is not sent by a browser on its own, so it needs none.
    pub fn sent_this(&self, headers: &HeaderMap, token: &str) -> bool {
        let Some(session) = &self.session else { return true };
        comes_from_here(headers) && bool::from(form_token(session).as_bytes().ct_eq(token.as_bytes()))
    }
}

fn form_token(session: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(secret::sha256(&format!("form\n{session}")))
}

/// What the browser says about the page that a request comes from; programs say nothing.
fn comes_from_here(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if text("sec-fetch-site").is_some_and(|site| site != "same-origin") {
        return false;
    }
    let Some(origin) = text("origin") else { return true };
    let host = text("host").unwrap_or_default();
    origin.split_once("://").is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host))
}

impl Doors {
    fn cookie(&self) -> &'static str {
        if self.https { "__Host-midwatch" } else { "midwatch" }
    }

    /// The person who sends a request, proved by its headers.
    pub async fn someone(&self, headers: &HeaderMap) -> Result<Someone, Denied> {
        if let Some(value) = headers.get(header::AUTHORIZATION) {
            let token = bearer(value).ok_or_else(|| Denied::Invalid("give `Bearer TOKEN`".to_owned()))?;
            return Ok(Someone { person: self.people.bearer(token).await?, session: None });
        }
        let key = cookie(headers, self.cookie()).ok_or(Denied::Missing)?;
        let person = self.people.session(&key).await?.ok_or(Denied::Missing)?;
        Ok(Someone { person, session: Some(key) })
    }

    fn set_cookie(&self, key: &str, seconds: u32) -> HeaderValue {
        let secure = if self.https { "; Secure" } else { "" };
        let text = format!("{}={key}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}", self.cookie());
        HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
    }
}

pub fn bearer(value: &HeaderValue) -> Option<&str> {
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
}

/// A place on this server, or the list of approvals: never another site.
fn next(asked: Option<&str>) -> &str {
    let here = |path: &&str| path.starts_with('/') && !path.starts_with("//") && !path.contains(['\\', '\r', '\n']);
    asked.filter(here).unwrap_or("/approvals")
}

fn page(status: StatusCode, next: &str, problem: &str) -> Response {
    let text = minijinja::Environment::new().render_named_str("login.html", PAGE, context! { next, problem });
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

#[derive(Deserialize)]
pub struct Asked {
    #[serde(default)]
    next: Option<String>,
}

#[derive(Deserialize)]
pub struct Credentials {
    name: String,
    password: String,
    #[serde(default)]
    next: Option<String>,
}

#[derive(Deserialize)]
pub struct Leaving {
    token: String,
}

pub async fn form(Query(asked): Query<Asked>) -> Response {
    page(StatusCode::OK, next(asked.next.as_deref()), "")
}

pub async fn login(State(doors): State<Arc<Doors>>, headers: HeaderMap, Form(given): Form<Credentials>) -> Response {
    let next = next(given.next.as_deref());
    if !comes_from_here(&headers) {
        return page(StatusCode::FORBIDDEN, next, "the form was sent from another site");
    }
    let (person, key) = match doors.people.login(&given.name, &given.password).await {
        Ok(found) => found,
        Err(denied) => {
            let entry = Entry::new(Action::LoginFailed, &given.name).note(denied.to_string());
            let status = match denied {
                Denied::Wait => StatusCode::TOO_MANY_REQUESTS,
                Denied::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
                Denied::Missing | Denied::Invalid(_) | Denied::Password | Denied::NoRole(_) | Denied::Provider => {
                    StatusCode::UNAUTHORIZED
                }
            };
            return match doors.audit.note(entry).await {
                Ok(()) => page(status, next, &denied.to_string()),
                Err(error) => page(StatusCode::SERVICE_UNAVAILABLE, next, &error.to_string()),
            };
        }
    };
    if let Err(error) = doors.audit.write(Entry::new(Action::LoggedIn, &person.name)).await {
        return page(StatusCode::SERVICE_UNAVAILABLE, next, &error.to_string());
    }
    ([(header::SET_COOKIE, doors.set_cookie(&key, SECONDS))], Redirect::to(next)).into_response()
}

pub async fn logout(State(doors): State<Arc<Doors>>, headers: HeaderMap, Form(form): Form<Leaving>) -> Response {
    let someone = match doors.someone(&headers).await {
        Ok(someone) if someone.sent_this(&headers, &form.token) => someone,
        Ok(_) | Err(_) => return page(StatusCode::FORBIDDEN, "/approvals", "the form was not sent from our page"),
    };
    if let Some(key) = &someone.session {
        let ended = doors.people.logout(key).await;
        let written = doors.audit.write(Entry::new(Action::LoggedOut, &someone.person.name)).await;
        if let Err(error) = ended.and(written.map(|_| ())) {
            return page(StatusCode::SERVICE_UNAVAILABLE, "/approvals", &error.to_string());
        }
    }
    ([(header::SET_COOKIE, doors.set_cookie("", 0))], Redirect::to("/login")).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_leads_to_no_other_site() {
        for hostile in
            ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "", "/a\r\nb"]
        {
            assert_eq!(next(Some(hostile)), "/approvals", "{hostile}");
        }
        assert_eq!(next(Some("/approvals/P-1?x=1")), "/approvals/P-1?x=1");
    }

    #[test]
    fn a_form_from_another_site_is_seen() {
        let headers = |pairs: &[(&'static str, &'static str)]| {
            pairs.iter().map(|(k, v)| (k.parse().unwrap(), HeaderValue::from_static(v))).collect::<HeaderMap>()
        };
        assert!(comes_from_here(&headers(&[("host", "midwatch:8420")])));
        assert!(comes_from_here(&headers(&[("host", "midwatch:8420"), ("origin", "http://midwatch:8420")])));
        for foreign in ["https://evil.example", "null", "http://midwatch:8421", "http://midwatch:8420.evil.example"] {
            assert!(!comes_from_here(&headers(&[("host", "midwatch:8420"), ("origin", foreign)])), "{foreign}");
        }
        assert!(!comes_from_here(&headers(&[("sec-fetch-site", "cross-site")])));
        assert!(!comes_from_here(&headers(&[("sec-fetch-site", "same-site")])));
    }

    #[test]
    fn cookies_and_bearers_are_read_as_browsers_and_programs_write_them() {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_static("a=1; midwatch=key; b=2"));
        assert_eq!(cookie(&headers, "midwatch").as_deref(), Some("key"));
        assert_eq!(cookie(&headers, "__Host-midwatch"), None);
        assert_eq!(bearer(&HeaderValue::from_static("bearer  x")), Some("x"));
        assert_eq!(bearer(&HeaderValue::from_static("Basic x")), None);
    }
}
