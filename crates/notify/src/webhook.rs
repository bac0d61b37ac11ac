//! Our JSON to an address of the user's, signed as Standard Webhooks asks.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::channel::{Body, Delivery, Limits, Part, Receipt, Rendered, Unit, fingerprint};
use crate::error::{Class, SendError};
use crate::http::{Client, address, send};
use crate::limit::Window;
use crate::message::Message;
use crate::render::{Room, json_size, plain, shrink};
use crate::secret::{self, Secret};
use crate::sign;

pub(crate) const LIMITS: Limits = Limits {
    unit: Unit::Bytes,
    max: 256 * 1024,
    windows: &[Window::new(20, Duration::from_secs(1))],
    punishment: None,
};
/// `id`, `revision` and `timestamp` are added when the body is sent.
const ENVELOPE: usize = 512;

/// Our JSON to an address of yours.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// The address.
    pub url: Option<Secret>,
    /// A file with the address.
    pub url_file: Option<PathBuf>,
    /// The key for the signature: `whsec_` and base64. Several, separated by spaces, while a key is changed.
    pub secret: Option<Secret>,
    /// A file with the key.
    pub secret_file: Option<PathBuf>,
    /// Headers to add, e.g. `Authorization`.
    #[serde(default)]
    pub headers: BTreeMap<String, Secret>,
}

impl Webhook {
    pub(crate) fn problems(&self) -> Vec<String> {
        let url = secret::problem("url", self.url.as_ref(), self.url_file.as_deref(), true);
        let key = secret::problem("secret", self.secret.as_ref(), self.secret_file.as_deref(), false);
        url.into_iter().chain(key).collect()
    }

    fn url(&self) -> Result<String, SendError> {
        secret::required("url", self.url.as_ref(), self.url_file.as_deref())
    }

    pub(crate) fn target(&self) -> String {
        fingerprint("webhook", &self.url().unwrap_or_default())
    }

    pub(crate) fn render(&self, message: &Message, room: Room) -> Rendered {
        let size = |body: &Value| json_size(body) + ENVELOPE;
        let encode = |m: &Message| json!({"type": "midwatch.message", "data": m, "text": plain::text(m)});
        let (body, cuts) = shrink::fit(message, encode, |body| size(body) <= room.of(LIMITS.max));
        Rendered { parts: vec![Part { size: size(&body), body: Body::Json(body) }], cuts }
    }

    pub(crate) async fn send(
        &self,
        client: &Client,
        rendered: &Rendered,
        delivery: &Delivery,
        now: Timestamp,
    ) -> Result<Receipt, SendError> {
        let url = address("url", &self.url()?)?;
        let keys = secret::optional("secret", self.secret.as_ref(), self.secret_file.as_deref())?;
        for (_, body) in rendered.json_parts(delivery.skip) {
            let mut body = body.clone();
            body["timestamp"] = now.to_string().into();
            let bytes = body.to_string().into_bytes();
            let mut request = client
                .request(Method::POST, url.clone())
                .header(CONTENT_TYPE, "application/json")
                .header("webhook-id", header_value("delivery id", &delivery.id)?)
                .header("webhook-timestamp", now.as_second());
            if let Some(keys) = &keys {
                let signature = signatures(keys, &delivery.id, now.as_second(), &bytes)?;
                request = request.header("webhook-signature", signature);
            }
            for (name, value) in &self.headers {
                let bad = |_| SendError::config(format!("headers: {name:?} is not a header's name"));
                let key = HeaderName::from_bytes(name.as_bytes()).map_err(bad)?;
                let value = secret::required(name, Some(value), None)?;
                request = request.header(key, header_value(name, &value)?);
            }
            let answer = send(request.body(bytes), now).await?;
            if answer.status == 410 {
                return Err(SendError::config("HTTP 410: the receiver wants no more messages; remove this channel"));
            }
            // Standard Webhooks: every answer but 2xx is tried again.
            if let Some(error) = answer.error_by_status() {
                let retried = matches!(error.class, Class::Dead);
                return Err(if retried { SendError::retry(error.text) } else { error });
            }
        }
        Ok(Receipt { id: String::new() })
    }
}

fn signatures(keys: &str, id: &str, seconds: i64, body: &[u8]) -> Result<String, SendError> {
    let one = |key| {
        sign::standard_webhooks(key, id, seconds, body)
            .ok_or_else(|| SendError::config("secret must be whsec_ followed by base64"))
    };
    Ok(keys.split_whitespace().map(one).collect::<Result<Vec<_>, _>>()?.join(" "))
}

fn header_value(name: &str, value: &str) -> Result<HeaderValue, SendError> {
    HeaderValue::from_str(value).map_err(|_| SendError::config(format!("{name} cannot stand in a header")))
}
