//! Errors as the sender sees them: a status that makes it do the right thing, and a line of text that says why.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::store;

#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    #[error("credentials are missing or wrong")]
    Unauthorized,
    #[error("no credentials are configured, so only senders on this machine are heard; see `intake.credentials`")]
    OnlyLoopback,
    #[error("the signature does not fit the body, or its time is off by more than five minutes")]
    BadSignature,
    #[error("the body is larger than {0} MiB")]
    TooLarge(usize),
    #[error("the body did not arrive in time")]
    SlowBody,
    #[error("the body could not be read: {0}")]
    BadBody(String),
    #[error("{0}")]
    Invalid(String),
    #[error("{0}")]
    NotFound(String),
    /// Senders try again on 503, and on little else.
    #[error("not stored, send it again: {0}")]
    NotStored(#[from] store::Error),
    #[error("too many large bodies at once, send it again")]
    Busy,
}

impl ApiError {
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Unauthorized | Self::OnlyLoopback | Self::BadSignature => StatusCode::UNAUTHORIZED,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::SlowBody => StatusCode::REQUEST_TIMEOUT,
            Self::BadBody(_) | Self::Invalid(_) => StatusCode::BAD_REQUEST,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::NotStored(_) | Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status(), format!("{self}\n")).into_response();
        if matches!(self, Self::Unauthorized | Self::OnlyLoopback) {
            let challenge = HeaderValue::from_static("Basic realm=\"midwatch\", Bearer realm=\"midwatch\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
