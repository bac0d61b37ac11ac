//! Feishu / Lark custom bot of a group: a signed card to a webhook address.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::channel::{Body, Delivery, Limits, Part, Receipt, Rendered, Unit, fingerprint};
use crate::error::{Class, SendError};
use crate::http::{Answer, Client, address};
use crate::limit::Window;
use crate::message::Message;
use crate::render::{Room, feishu, json_size, shrink};
use crate::secret::{self, Secret};
use crate::sign;

/// The vendor's 20 KB, 100 a minute and 5 a second.
pub(crate) const LIMITS: Limits = Limits {
    unit: Unit::Bytes,
    max: 20_000,
    windows: &[Window::new(90, Duration::from_secs(60)), Window::new(4, Duration::from_millis(1200))],
    punishment: None,
};
const BUDGET: usize = 18_000;
/// `timestamp` and `sign` are added when the body is sent.
const SIGNATURE: usize = 100;

/// Feishu or Lark, custom bot of a group.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FeishuBot {
    /// The bot's webhook address, as the group's settings show it. Holds the bot's key.
    pub url: Option<Secret>,
    /// A file with the webhook address.
    pub url_file: Option<PathBuf>,
    /// The key for signatures, if the bot asks for them.
    pub secret: Option<Secret>,
    /// A file with the key for signatures.
    pub secret_file: Option<PathBuf>,
}

impl FeishuBot {
    pub(crate) fn problems(&self) -> Vec<String> {
        let url = secret::problem("url", self.url.as_ref(), self.url_file.as_deref(), true);
        let key = secret::problem("secret", self.secret.as_ref(), self.secret_file.as_deref(), false);
        url.into_iter().chain(key).collect()
    }

    fn url(&self) -> Result<String, SendError> {
        secret::required("url", self.url.as_ref(), self.url_file.as_deref())
    }

    pub(crate) fn target(&self) -> String {
        fingerprint("feishu_bot", &self.url().unwrap_or_default())
    }

    pub(crate) fn render(&self, message: &Message, room: Room) -> Rendered {
        let size = |body: &Value| json_size(body) + SIGNATURE;
        let encode = |m: &Message| json!({"msg_type": "interactive", "card": feishu::card(m, room)});
        let (body, cuts) = shrink::fit(message, encode, |body| size(body) <= room.of(BUDGET));
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
        let key = secret::optional("secret", self.secret.as_ref(), self.secret_file.as_deref())?;
        for (place, body) in rendered.json_parts(delivery.skip) {
            let mut body = body.clone();
            if let Some(key) = &key {
                body["timestamp"] = now.as_second().to_string().into();
                body["sign"] = sign::feishu_bot(now.as_second(), key).into();
            }
            let answer = client.post(url.clone(), &body, now).await;
            answer.and_then(|a| verdict(&a)).map_err(|e| e.after_parts(place))?;
        }
        Ok(Receipt { id: String::new() })
    }
}

fn verdict(answer: &Answer) -> Result<(), SendError> {
    let body = answer.json();
    let Some(code) = body["code"].as_i64().or_else(|| body["StatusCode"].as_i64()) else {
        return Err(answer.error_by_status().unwrap_or_else(|| answer.unexpected()));
    };
    let said = body["msg"].as_str().or_else(|| body["StatusMessage"].as_str()).unwrap_or_default();
    let class = match code {
        0 => return Ok(()),
        11232 => Class::RateLimited { pause: answer.retry_after.unwrap_or(Duration::from_secs(15)) },
        // "Bad request", also for a body that is too big.
        9499 | 11310 | 230_025 => Class::TooLong,
        230_099 if said.contains("11310") => Class::TooLong,
        19001 | 19021 | 19022 | 19024 => Class::Config,
        _ => return Err(answer.error_by_status().unwrap_or_else(|| dead(code, said))),
    };
    let hint = match code {
        19001 => " (the webhook address is not valid)",
        19021 => " (check the bot's secret and this machine's clock)",
        19022 => " (this machine's address is not in the bot's allow list)",
        19024 => " (the bot asks for a keyword that the message does not hold)",
        _ => "",
    };
    Err(SendError::new(class, format!("Feishu {code}: {said}{hint}")))
}

fn dead(code: i64, said: &str) -> SendError {
    SendError::new(Class::Dead, format!("Feishu {code}: {said}"))
}
