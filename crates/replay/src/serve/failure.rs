//! An API server's error answers: a Status with reason, code and details.

use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Json, Response};
use serde_json::{Value, json};

use crate::kinds::Resource;

#[derive(Debug)]
pub(super) struct Failure {
    code: StatusCode,
    reason: &'static str,
    message: String,
    details: Option<Value>,
}

impl Failure {
    pub fn not_found(resource: &Resource, name: &str) -> Self {
        Self {
            code: StatusCode::NOT_FOUND,
            reason: "NotFound",
            message: format!("{} \"{name}\" not found", resource.qualified()),
            details: Some(details(resource, Some(name))),
        }
    }

    /// What the recorder was not allowed to see is refused again, not shown as empty.
    pub fn not_recorded(what: &str, why: &str) -> Self {
        Self {
            code: StatusCode::FORBIDDEN,
            reason: "Forbidden",
            message: format!("{what} could not be recorded: {why}"),
            details: Some(json!({})),
        }
    }

    pub fn no_such_resource() -> Self {
        Self {
            code: StatusCode::NOT_FOUND,
            reason: "NotFound",
            message: "the server could not find the requested resource".to_owned(),
            details: Some(json!({})),
        }
    }

    pub fn bad_request(message: impl Into<String>) -> Self {
        Self { code: StatusCode::BAD_REQUEST, reason: "BadRequest", message: message.into(), details: None }
    }

    pub fn expired(message: impl Into<String>) -> Self {
        Self { code: StatusCode::GONE, reason: "Expired", message: message.into(), details: None }
    }

    pub fn read_only(method: &Method, path: &str) -> Self {
        Self {
            code: StatusCode::METHOD_NOT_ALLOWED,
            reason: "MethodNotAllowed",
            message: format!("{method} {path} is not allowed: this is a recorded cluster, it can only be read"),
            details: Some(json!({})),
        }
    }
}

fn details(resource: &Resource, name: Option<&str>) -> Value {
    let mut details = json!({"kind": resource.plural});
    if let Some(name) = name {
        details["name"] = Value::from(name);
    }
    if !resource.group.is_empty() {
        details["group"] = Value::from(resource.group.as_ref());
    }
    details
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "reason": self.reason});
        if let Some(details) = self.details {
            status["details"] = details;
        }
        status["code"] = Value::from(self.code.as_u16());
        (self.code, Json(status)).into_response()
    }
}
