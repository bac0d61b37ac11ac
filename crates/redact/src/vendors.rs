//! Tokens with a vendor's beginning, and the parts of webhook addresses that let everybody post.

use crate::{Class, Span, values};

/// Of which letters a token is made after its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Letters {
    Alnum,
    /// Letters, digits, `_` and `-`.
    Url,
    /// Those of `Url` and the dot.
    Dotted,
    /// Those of base 64, padding included, `_` and `-`.
    Base64,
    Hex,
    Upper,
}

impl Letters {
    fn has(self, byte: u8) -> bool {
        match self {
            Self::Alnum => byte.is_ascii_alphanumeric(),
            Self::Url => byte.is_ascii_alphanumeric() || b"_-".contains(&byte),
            Self::Dotted => byte.is_ascii_alphanumeric() || b"_-.~".contains(&byte),
            Self::Base64 => byte.is_ascii_alphanumeric() || b"+/=_-".contains(&byte),
            Self::Hex => byte.is_ascii_hexdigit(),
            Self::Upper => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
        }
    }
}

pub struct Vendor {
    pub start: &'static str,
    letters: Letters,
    least: usize,
    /// The length is exact, or the beginning says too little.
    exact: bool,
    class: Class,
}

const fn token(start: &'static str, letters: Letters, least: usize) -> Vendor {
    Vendor { start, letters, least, exact: false, class: Class::Token }
}

const fn exact(start: &'static str, letters: Letters, length: usize) -> Vendor {
    Vendor { start, letters, least: length, exact: true, class: Class::Token }
}

const fn key(start: &'static str, letters: Letters, least: usize) -> Vendor {
    Vendor { start, letters, least, exact: false, class: Class::Key }
}

use Letters::{Alnum, Base64, Dotted, Hex, Upper, Url};

pub const VENDORS: [Vendor; 159] = [
    // Clouds: Amazon, Tencent, Alibaba, Volcengine and Kingsoft, Baidu, JD, Google, Microsoft, Yandex.
    exact("AKIA", Upper, 16),
    exact("ASIA", Upper, 16),
    exact("ABIA", Upper, 16),
    exact("ACCA", Upper, 16),
    token("ABSK", Base64, 40),
    token("IQoJb3JpZ2lu", Base64, 40),
    token("FwoGZXIvYXdz", Base64, 40),
    token("FQoGZXIvYXdz", Base64, 40),
    token("amzn.mws.", Url, 32),
    token("amzn.mws-oauth.", Url, 32),
    key("AKID", Alnum, 13),
    key("LTAI", Alnum, 12),
    token("STS.", Alnum, 16),
    token("CAIS", Base64, 60),
    key("AKLT", Url, 16),
    key("AKTP", Url, 16),
    key("ALTAK", Url, 16),
    key("ALTAK-", Url, 16),
    key("bce-v3/", Base64, 24),
    key("JDC_", Upper, 20),
    key("AIza", Url, 30),
    token("GOCSPX-", Url, 20),
    token("ya29.", Dotted, 20),
    token("1//0", Url, 30),
    token("GOOG1E", Alnum, 40),
    key("AQVN", Url, 30),
    token("t1.9euelZ", Dotted, 40),
    token("8Q~", Dotted, 30),
    token("7Q~", Dotted, 30),
    // Code, packages and builds.
    token("ghp_", Alnum, 16),
    token("gho_", Alnum, 16),
    token("ghu_", Alnum, 16),
    token("ghs_", Dotted, 16),
    token("ghr_", Alnum, 16),
    token("github_pat_", Url, 20),
    token("glpat-", Dotted, 16),
    token("glptt-", Dotted, 16),
    token("gldt-", Dotted, 16),
    token("glrt-", Dotted, 16),
    token("glcbt-", Dotted, 16),
    token("gloas-", Dotted, 16),
    token("glsoat-", Dotted, 16),
    token("glagent-", Dotted, 16),
    token("glft-", Dotted, 16),
    token("glimt-", Dotted, 16),
    token("glffct-", Dotted, 16),
    token("glrtr-", Dotted, 16),
    token("GR1348941", Url, 16),
    token("ATBB", Alnum, 24),
    token("ATATT3", Base64, 30),
    token("ATCTT3", Base64, 30),
    token("ATTA", Hex, 60),
    token("npm_", Alnum, 30),
    token("pypi-", Url, 40),
    token("rubygems_", Hex, 40),
    token("oy2", Alnum, 43),
    exact("cio", Alnum, 32),
    token("dckr_pat_", Url, 20),
    token("dckr_oat_", Url, 20),
    token("AKCp", Alnum, 60),
    token("cmVmdGtu", Alnum, 50),
    token("sqp_", Hex, 40),
    token("squ_", Hex, 40),
    token("sqa_", Hex, 40),
    token("CCIPAT_", Url, 30),
    token("bkua_", Alnum, 30),
    token("pul-", Hex, 40),
    token("PMAK-", Url, 40),
    token("HRKU-", Url, 30),
    // Talk and mail.
    token("xoxa-", Url, 10),
    token("xoxb-", Url, 10),
    token("xoxe-", Url, 10),
    token("xoxe.", Dotted, 10),
    token("xoxo-", Url, 10),
    token("xoxp-", Url, 10),
    token("xoxr-", Url, 10),
    token("xoxs-", Url, 10),
    token("xoxc-", Url, 10),
    token("xoxd-", Base64, 10),
    token("xapp-", Url, 10),
    token("SG.", Dotted, 40),
    exact("key-", Hex, 32),
    exact("SK", Hex, 32),
    token("SCT", Alnum, 26),
    token("sctp", Alnum, 24),
    token("PDU", Alnum, 28),
    exact("SEC", Hex, 64),
    token("EAAC", Alnum, 40),
    token("EAAG", Alnum, 40),
    // Models.
    token("sk-", Url, 16),
    token("sk_live_", Alnum, 16),
    token("sk_test_", Alnum, 16),
    token("rk_live_", Alnum, 16),
    token("rk_test_", Alnum, 16),
    token("pk_live_", Alnum, 16),
    token("whsec_", Base64, 16),
    exact("sk_", Hex, 48),
    token("hf_", Alnum, 30),
    token("api_org_", Alnum, 30),
    token("gsk_", Alnum, 32),
    token("r8_", Alnum, 30),
    token("xai-", Url, 30),
    token("pplx-", Url, 30),
    token("tvly-", Url, 24),
    token("nvapi-", Url, 30),
    token("csk-", Url, 30),
    token("fw_", Alnum, 20),
    token("pcsk_", Url, 30),
    token("jina_", Url, 30),
    token("lsv2_", Url, 30),
    token("esecret_", Alnum, 20),
    token("pa-", Url, 40),
    token("ms-", Url, 36),
    exact("app-", Alnum, 24),
    exact("dataset-", Alnum, 24),
    token("n8n_api_", Dotted, 20),
    // Watching and running.
    token("glsa_", Url, 28),
    token("glc_", Base64, 32),
    token("eyJrIjoi", Base64, 40),
    token("hvs.", Url, 20),
    token("hvb.", Url, 20),
    token("hvr.", Url, 20),
    exact("s.", Alnum, 24),
    token("NRAK-", Upper, 20),
    token("NRII-", Url, 20),
    token("dapi", Hex, 32),
    token("doo_v1_", Hex, 40),
    token("dop_v1_", Hex, 40),
    token("dor_v1_", Hex, 40),
    token("lin_api_", Alnum, 30),
    token("ntn_", Alnum, 40),
    token("secret_", Alnum, 40),
    token("shpat_", Hex, 32),
    token("shpca_", Hex, 32),
    token("shppa_", Hex, 32),
    token("shpss_", Hex, 32),
    token("sntrys_", Base64, 30),
    token("sntryu_", Base64, 30),
    token("dp.", Dotted, 40),
    token("AGE-SECRET-KEY-1", Alnum, 50),
    token("tskey-", Url, 20),
    token("figd_", Url, 30),
    token("duffel_", Url, 40),
    token("pat-", Url, 38),
    token("dt0c01.", Dotted, 40),
    token("CFPAT-", Url, 40),
    token("nfp_", Alnum, 30),
    token("sbp_", Hex, 40),
    token("sb_secret_", Url, 20),
    token("pscale_", Url, 36),
    token("pat", Dotted, 70),
    token("sq0atp-", Url, 20),
    token("sq0csp-", Url, 40),
    token("sk.eyJ", Dotted, 30),
    exact("sdk-", Url, 36),
    exact("mob-", Url, 36),
    token("xkeysib-", Url, 64),
    token("tfp_", Url, 40),
    token("EAAA", Alnum, 40),
];

/// A part in the middle says whose token it is.
const MIDDLES: [&str; 2] = ["8Q~", "7Q~"];

pub fn at(text: &str, at: usize, vendor: &Vendor) -> Option<Span> {
    let bytes = text.as_bytes();
    if !text[at..].starts_with(vendor.start) {
        return None;
    }
    let middle = MIDDLES.contains(&vendor.start);
    let before = bytes[..at].iter().rev().take(64).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    if (before > 0 && !middle && !escape(&bytes[..at])) || (middle && before < 3) {
        return None;
    }
    let body = at + vendor.start.len();
    let mut length = bytes[body..].iter().take_while(|byte| vendor.letters.has(**byte)).count();
    length -= bytes[body..body + length].iter().rev().take_while(|byte| b".-".contains(byte)).count();
    if length < vendor.least || (vendor.exact && length != vendor.least) {
        return None;
    }
    let token = &text[body..body + length];
    // `sk-learn-style-names` and `pa-some-long-deployment-name-0` are words.
    let named = vendor.letters != Hex && vendor.start.len() < 5 && values::worded(token);
    let start = if middle { at - before.min(3) } else { at };
    (!named).then_some(Span { start, end: body + length, class: vendor.class })
}

/// Whether the letter in front is that of an escape such as `\n`.
fn escape(before: &[u8]) -> bool {
    matches!(before, [.., b'\\', b'n' | b'r' | b't']) || matches!(before, [.., b'%', _, _])
}

/// The least letters behind a beginning that is not in the list. The ids that vendors give to what they keep are shorter.
const UNKNOWN: usize = 32;

/// Where in a run of letters a token starts that looks like one of a vendor: a short word, `_` or `-`, and many letters
/// that only a generator can have made.
pub fn unknown(run: &str) -> Option<usize> {
    let from = run.rfind('/').map_or(0, |at| at + 1);
    let word = &run[from..];
    let sign = word.find(['_', '-']).filter(|sign| (2..=8).contains(sign))?;
    let (start, body) = (&word[..sign], &word[sign + 1..]);
    let lower = start.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let digest = ["sha", "md5", "h1"].iter().any(|known| start.starts_with(known));
    let letters = body.bytes().rev().take_while(u8::is_ascii_alphanumeric).count();
    (lower && !digest && letters >= UNKNOWN && values::generated(&body[body.len() - letters..])).then_some(from)
}

pub struct Webhook {
    pub path: &'static str,
    letters: Letters,
}

pub const WEBHOOKS: [Webhook; 18] = [
    Webhook { path: "/open-apis/bot/v2/hook/", letters: Url },
    Webhook { path: "/open-apis/bot/hook/", letters: Url },
    Webhook { path: "/flow/api/trigger-webhook/", letters: Url },
    Webhook { path: "hooks.slack.com/services/", letters: Base64 },
    Webhook { path: "hooks.slack.com/workflows/", letters: Base64 },
    Webhook { path: "hooks.slack.com/triggers/", letters: Base64 },
    Webhook { path: "/api/webhooks/", letters: Base64 },
    Webhook { path: "webhook.office.com/webhookb2/", letters: Base64 },
    Webhook { path: "outlook.office.com/webhook/", letters: Base64 },
    Webhook { path: "api.day.app/", letters: Alnum },
    Webhook { path: "sctapi.ftqq.com/", letters: Alnum },
    Webhook { path: "hooks.zapier.com/hooks/catch/", letters: Base64 },
    Webhook { path: "events.pagerduty.com/integration/", letters: Alnum },
    Webhook { path: "api.telegram.org/bot", letters: Dotted },
    Webhook { path: "/api/v1/webhook/", letters: Url },
    Webhook { path: "/webhook/v1/", letters: Url },
    // Mattermost, Rocket.Chat.
    Webhook { path: "/hooks/", letters: Base64 },
    // Not a webhook, but of the same form: what Baidu's signature is made of.
    Webhook { path: "bce-auth-v1/", letters: Base64 },
];

pub fn webhook(text: &str, end: usize, webhook: &Webhook) -> Option<Span> {
    let more: &[u8] = if webhook.path.ends_with("webhookb2/") { b"@" } else { b":" };
    let bytes = text[end..].bytes();
    let length = bytes.take_while(|byte| webhook.letters.has(*byte) || more.contains(byte)).count();
    let mut secret = &text[end..end + length];
    if webhook.path == "/api/webhooks/" {
        // Discord: the number before the token is public.
        secret = secret.split_once('/').filter(|(id, _)| id.bytes().all(|byte| byte.is_ascii_digit()))?.1;
    }
    // Others have hooks of that name, with numbers and words behind it.
    let least = if webhook.path == "/hooks/" { 20 } else { 8 };
    let start = end + length - secret.len();
    (secret.len() >= least && values::random(secret)).then_some(Span { start, end: end + length, class: Class::Key })
}

/// Telegram: a bot's number and its token, with or without `bot` in front.
pub fn telegram(text: &str, colon: usize) -> Option<Span> {
    let bytes = text.as_bytes();
    let number = bytes[..colon].iter().rev().take(12).take_while(|byte| byte.is_ascii_digit()).count();
    let token = bytes[colon + 1..].iter().take(80).take_while(|byte| Url.has(**byte)).count();
    ((6..=11).contains(&number) && (30..=60).contains(&token)).then_some(Span {
        start: colon - number,
        end: colon + 1 + token,
        class: Class::Token,
    })
}

/// Mailchimp: 32 digits and the data centre.
pub fn mailchimp(text: &str, dash: usize) -> Option<Span> {
    let bytes = text.as_bytes();
    let key = bytes[..dash].iter().rev().take(33).take_while(|byte| byte.is_ascii_hexdigit()).count();
    let centre = bytes[dash + 3..].iter().take(3).take_while(|byte| byte.is_ascii_digit()).count();
    (key == 32 && (1..=2).contains(&centre)).then(|| Span {
        start: dash - 32,
        end: dash + 3 + centre,
        class: Class::Key,
    })
}

/// Discord: three parts, of which the second has six letters. Looked at from the first dot.
pub fn discord(text: &str, dot: usize) -> Option<Span> {
    let bytes = text.as_bytes();
    if bytes.get(dot + 7) != Some(&b'.') || !bytes[dot + 1..dot + 7].iter().all(|byte| Url.has(*byte)) {
        return None;
    }
    let id = bytes[..dot].iter().rev().take(32).take_while(|byte| Url.has(**byte)).count();
    let last = bytes[dot + 8..].iter().take(64).take_while(|byte| Url.has(**byte)).count();
    let known = (23..=28).contains(&id) && matches!(bytes[dot - id], b'M' | b'N' | b'O') && (27..=40).contains(&last);
    known.then_some(Span { start: dot - id, end: dot + 8 + last, class: Class::Token })
}
