//! The signatures that channels ask for: three HMAC-SHA256 formulas that differ in what is key and what is message.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// Feishu group bot: key = `timestamp\nsecret`, message empty, timestamp in seconds.
pub fn feishu_bot(seconds: i64, secret: &str) -> String {
    mac(format!("{seconds}\n{secret}").as_bytes(), b"")
}

/// DingTalk group robot: key = secret, message = `timestamp\nsecret`, timestamp in milliseconds; for a query string.
pub fn dingtalk(milliseconds: i64, secret: &str) -> String {
    let signature = mac(secret.as_bytes(), format!("{milliseconds}\n{secret}").as_bytes());
    utf8_percent_encode(&signature, NON_ALPHANUMERIC).to_string()
}

/// Standard Webhooks: `v1,` + base64; the key is the base64 after `whsec_`. `None` if the secret is not base64.
pub fn standard_webhooks(secret: &str, id: &str, seconds: i64, body: &[u8]) -> Option<String> {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap_or(secret)).ok()?;
    let mut message = format!("{id}.{seconds}.").into_bytes();
    message.extend_from_slice(body);
    Some(format!("v1,{}", mac(&key, &message)))
}

fn mac(key: &[u8], message: &[u8]) -> String {
    STANDARD.encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_vectors() {
        assert_eq!(feishu_bot(1_599_360_473, "demo"), "l1N0gAcBjdwBvGm1xMjOF0XSyaLRpR7tuO5dHfhAYc8=");
        assert_eq!(dingtalk(1_599_360_473_000, "SECdemo"), "tGWkA5eQOQNCNPDgphtxIoNLO%2B%2FgD8Lcb705KQoRzeY%3D");
        assert_eq!(
            standard_webhooks(
                "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                "msg_p5jXN8AQM9LWM0D4loKWxJek",
                1_614_265_330,
                br#"{"test": 2432232314}"#
            )
            .as_deref(),
            Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
        );
        assert_eq!(standard_webhooks("whsec_***", "m", 0, b""), None);
    }
}
