//! DingTalk (钉钉) robot of a group. Too many messages silence it for ten minutes, so its pace matters most.

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
use crate::message::{Mention, Message};
use crate::render::{Room, clean, is_handle, json_size, shrink, wecom};
use crate::secret::{self, Secret};
use crate::sign;

const SILENCE: Duration = Duration::from_secs(600);
/// The vendor's 20 000 bytes and 20 a minute.
pub(crate) const LIMITS: Limits = Limits {
    unit: Unit::Bytes,
    max: 20_000,
    windows: &[Window::new(18, Duration::from_secs(62))],
    punishment: Some(SILENCE),
};
const BUDGET: usize = 18_000;

/// DingTalk, robot of a group.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DingtalkBot {
    /// The robot's webhook address with its `access_token`.
    pub url: Option<Secret>,
    /// A file with the webhook address.
    pub url_file: Option<PathBuf>,
    /// The key for signatures (`SEC…`), if the robot asks for them.
    pub secret: Option<Secret>,
    /// A file with the key for signatures.
    pub secret_file: Option<PathBuf>,
}

impl DingtalkBot {
    pub(crate) fn problems(&self) -> Vec<String> {
        let url = secret::problem("url", self.url.as_ref(), self.url_file.as_deref(), true);
        let key = secret::problem("secret", self.secret.as_ref(), self.secret_file.as_deref(), false);
        url.into_iter().chain(key).collect()
    }

    fn url(&self) -> Result<String, SendError> {
        secret::required("url", self.url.as_ref(), self.url_file.as_deref())
    }

    pub(crate) fn target(&self) -> String {
        fingerprint("dingtalk_bot", &self.url().unwrap_or_default())
    }

    pub(crate) fn render(&self, message: &Message, room: Room) -> Rendered {
        let at = At::of(&message.mentions);
        let encode = |m: &Message| {
            let text = format!("{}{}", wecom::dingtalk(m), at.in_text());
            json!({"msgtype": "markdown", "markdown": {"title": wecom::headline(m), "text": text}, "at": at.json()})
        };
        let (body, cuts) = shrink::fit(message, encode, |body| json_size(body) <= room.of(BUDGET));
        Rendered { parts: vec![Part { size: json_size(&body), body: Body::Json(body) }], cuts }
    }

    pub(crate) async fn send(
        &self,
        client: &Client,
        rendered: &Rendered,
        delivery: &Delivery,
        now: Timestamp,
    ) -> Result<Receipt, SendError> {
        let mut url = address("url", &self.url()?)?;
        if let Some(key) = secret::optional("secret", self.secret.as_ref(), self.secret_file.as_deref())? {
            let milliseconds = now.as_millisecond();
            let signed = format!("timestamp={milliseconds}&sign={}", sign::dingtalk(milliseconds, &key));
            let query = url.query().filter(|q| !q.is_empty()).map_or(signed.clone(), |q| format!("{q}&{signed}"));
            url.set_query(Some(&query));
        }
        for (place, body) in rendered.json_parts(delivery.skip) {
            let answer = client.post(url.clone(), body, now).await;
            answer.and_then(|a| verdict(&a)).map_err(|e| e.after_parts(place))?;
        }
        Ok(Receipt { id: String::new() })
    }
}

/// Who is called: in a field, and for a highlight also in the text.
struct At<'a> {
    mobiles: Vec<&'a str>,
    users: Vec<&'a str>,
    everyone: bool,
}

impl<'a> At<'a> {
    fn of(mentions: &'a [Mention]) -> Self {
        let mut at = Self { mobiles: vec![], users: vec![], everyone: false };
        for mention in mentions.iter().take(shrink::MOST_MENTIONS) {
            match mention {
                Mention::Everyone => at.everyone = true,
                Mention::User(id) if is_handle(id) => at.users.push(id),
                Mention::Mobile(number) if is_handle(number) => at.mobiles.push(number),
                Mention::User(_) | Mention::Mobile(_) | Mention::Email(_) => {}
            }
        }
        at
    }

    fn in_text(&self) -> String {
        let names: Vec<String> = self.mobiles.iter().chain(&self.users).map(|name| format!("@{name}")).collect();
        if names.is_empty() { String::new() } else { format!("\n\n{}", names.join(" ")) }
    }

    fn json(&self) -> Value {
        json!({"atMobiles": self.mobiles, "atUserIds": self.users, "isAtAll": self.everyone})
    }
}

fn verdict(answer: &Answer) -> Result<(), SendError> {
    let body: Value = answer.json();
    if body["status"].as_i64() == Some(1111) || body["punish"].as_str() == Some("deny") {
        let text = "DingTalk 1111: too many messages, the robot is silenced";
        return Err(SendError::new(Class::RateLimited { pause: SILENCE }, text));
    }
    let Some(code) = body["errcode"].as_i64() else {
        return Err(answer.error_by_status().unwrap_or_else(|| answer.unexpected()));
    };
    let class = match code {
        0 => return Ok(()),
        -1 => Class::Retry { after: answer.retry_after },
        130_101 | 410_100 => Class::RateLimited { pause: SILENCE },
        460_101 => Class::TooLong,
        // Keyword, signature or address rule; bad token; group dissolved; robot stopped or absent: a person must act.
        310_000 | 300_001 | 300_005 | 400_101 | 400_013 | 400_102 | 400_106 => Class::Config,
        _ => Class::Dead,
    };
    let said = body["errmsg"].as_str().unwrap_or_default();
    Err(SendError::new(class, format!("DingTalk {code}: {}", clean::middle_cut(said, 200))))
}
