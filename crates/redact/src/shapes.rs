//! Values with a telling form: key files, JWTs, tokens of vendors, headers, webhooks, password hashes, command lines.
//!
//! A pattern hides its group `s`, or all of it where it has none. All run in linear time.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use crate::{Class, Span, values};

/// Compiles a pattern of this crate.
#[expect(clippy::expect_used, reason = "patterns are literals, and every one is compiled by the tests")]
pub fn pattern(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a valid pattern")
}

/// What a match has to fulfil besides the pattern.
#[derive(Clone, Copy)]
enum Check {
    None,
    /// Prose and names have the same form.
    Random,
    /// Not a number, such as the user id in `-u 1000:1000`.
    NotNumber,
}

struct Shape {
    class: Class,
    pattern: Regex,
    check: Check,
}

/// Key files: whole, with escaped line breaks, cut off at the end, and cut off at the beginning.
const KEY_FILES: [&str; 2] = [
    r#"(?x)-----BEGIN\ [A-Z0-9\ ]*PRIVATE\ KEY(?:\ BLOCK)?-----
        (?:[\s"',|]|\\+[nrt])*
        (?:(?:Proc-Type|DEK-Info|Version|Comment):[^\n\\]*(?:\s|\\+[nrt])*)*
        (?:[A-Za-z0-9+/=_]{16,}(?:[\s"',+|>]|\\+[nrt])*)*
        (?:[A-Za-z0-9+/=]*(?:[\s"']|\\+[nrt])*-----END\ [A-Z0-9\ ]*PRIVATE\ KEY(?:\ BLOCK)?-----)?"#,
    r#"(?x)(?P<s>(?:[A-Za-z0-9+/]{16,}={0,2}(?:[\s"',+|>]|\\+[nrt])+)+ (?:[A-Za-z0-9+/]{1,15}={0,2}(?:[\s"']|\\+[nrt])+)?)
        -----END\ [A-Z0-9\ ]*PRIVATE\ KEY"#,
];

const JWTS: [&str; 2] = [
    // Also with the signature cut off, and wrapped by YAML or a terminal.
    r"\beyJ[A-Za-z0-9_-]{8,}(?:(?:\\n|\r?\n)[ \t]*[A-Za-z0-9_-]{20,})*\.[A-Za-z0-9_-]+(?:(?:\.|(?:\\n|\r?\n)[ \t]+)[A-Za-z0-9_.-]{16,})*(?:\r?\n[ \t]+[A-Za-z0-9_-]+[ \t]*(?m:$))?\.?",
    // The header alone.
    r"\beyJ(?:hbGciOi|0eXAiOi|raWQiOi)[A-Za-z0-9_-]{10,}",
];

/// One vendor or family a line.
const VENDORS: [&str; 58] = [
    r"\bgh[pousr]_[A-Za-z0-9]{20,}",
    r"\bgithub_pat_[A-Za-z0-9_]{20,}",
    r"\bgl(?:pat|ptt|dt|rt|cbt|oas|soat|agent|ft|imt|ffct)-[A-Za-z0-9_.\-]{16,}",
    r"\bGR1348941[A-Za-z0-9_-]{16,}",
    r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}",
    r"\bxapp-[0-9]-[A-Za-z0-9-]{10,}",
    r"\bAIza[A-Za-z0-9_-]{30,}",
    r"\bGOCSPX-[A-Za-z0-9_-]{20,}",
    r"\bya29\.[A-Za-z0-9_.\-]{20,}",
    r"\b1//0[A-Za-z0-9_-]{30,}",
    r"\bsk-[A-Za-z0-9_-]{16,}",
    r"\b[srp]k_(?:live|test)_[A-Za-z0-9]{16,}",
    r"\bwhsec_[A-Za-z0-9+/=]{16,}",
    r"\bnpm_[A-Za-z0-9]{30,}",
    r"\bpypi-[A-Za-z0-9_-]{40,}",
    r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
    r"\bkey-[0-9a-f]{32}\b",
    r"\bSK[0-9a-f]{32}\b",
    r"\bglsa_[A-Za-z0-9]{20,}_[0-9a-fA-F]{8}",
    r"\bglc_[A-Za-z0-9+/=]{32,}",
    r"\bhf_[A-Za-z0-9]{30,}",
    r"\bgsk_[A-Za-z0-9]{32,}",
    r"\br8_[A-Za-z0-9]{30,}",
    r"\b(?:xai|pplx|tvly|nvapi|fw|csk|ms)-[A-Za-z0-9_-]{30,}",
    r"\bdo[opr]_v1_[0-9a-f]{40,}",
    r"\bdckr_[po]at_[A-Za-z0-9_-]{20,}",
    r"\bhv[sbr]\.[A-Za-z0-9_-]{20,}",
    r"\bATATT3[A-Za-z0-9_=-]{30,}",
    r"\bATCTT3[A-Za-z0-9_=-]{30,}",
    r"\bdapi[0-9a-f]{32}",
    r"\bNRAK-[A-Z0-9]{20,}",
    r"\blin_api_[A-Za-z0-9]{30,}",
    r"\b(?:ntn|secret)_[A-Za-z0-9]{40,}",
    r"\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}",
    r"\bsntr[yu]s_[A-Za-z0-9+/=_-]{30,}",
    r"\b[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_-]{40,}",
    r"\bdp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9_.\-]{30,}",
    r"\bAGE-SECRET-KEY-1[A-Z0-9]{50,}",
    r"\brubygems_[0-9a-f]{40,}",
    r"\bPMAK-[0-9a-f]{20,}-[0-9a-f]{30,}",
    r"\bpul-[0-9a-f]{40}",
    r"\btskey-[A-Za-z0-9-]{20,}",
    r"\bsq[uap]_[0-9a-f]{40}",
    r"\bn8n_api_[A-Za-z0-9_.\-]{20,}",
    r"\bAKCp[A-Za-z0-9]{60,}",
    r"\b(?:app|dataset)-[A-Za-z0-9]{24}\b",
    r"\b[A-Za-z0-9_~.]{3}8Q~[A-Za-z0-9_~.\-]{30,}",
    r"\bpat[A-Za-z0-9]{14}\.[0-9a-f]{64}",
    r"\bfigd_[A-Za-z0-9_-]{30,}",
    r"\bduffel_(?:live|test)_[A-Za-z0-9_-]{30,}",
    r"\bEAAC[A-Za-z0-9]{40,}",
    r"\bbot[0-9]{6,}:[A-Za-z0-9_-]{20,}",
    r"\b[0-9]{8,10}:AA[A-Za-z0-9_-]{30,}",
    r"\bSCT[0-9]+T[A-Za-z0-9]{20,}",
    r"\bATTA[0-9a-f]{60,}",
    r"\bglptt-[0-9a-f]{40}",
    r"\bCFPAT-[A-Za-z0-9_-]{40,}",
    r"\bFlyV1 fm[0-9]_[A-Za-z0-9+/=,_]{40,}",
];

/// Access keys of clouds: Amazon, Tencent, Alibaba, Volcengine, Baidu.
const CLOUDS: [&str; 5] = [
    r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b",
    r"\bAKID[A-Za-z0-9]{13,}",
    r"\bLTAI[A-Za-z0-9]{12,}",
    r"\bAKLT[A-Za-z0-9_-]{20,}",
    r"\bALTAK[A-Za-z0-9]{16,}",
];

/// The part of a webhook's address that lets everybody post.
const WEBHOOKS: [&str; 8] = [
    r"/open-apis/bot/(?:v2/)?hook/(?P<s>[A-Za-z0-9_-]{8,})",
    r"/cgi-bin/webhook/[a-z_]+\?(?:[^\s]*&)?key=(?P<s>[A-Za-z0-9_-]{8,})",
    r"/robot/send\?(?:[^\s]*&)?access_token=(?P<s>[A-Za-z0-9_-]{8,})",
    r"hooks\.slack\.com/(?:services|workflows|triggers)/(?P<s>[A-Za-z0-9_/-]{8,})",
    r"discord(?:app)?\.com/api/(?:v[0-9]+/)?webhooks/[0-9]+/(?P<s>[A-Za-z0-9_-]{16,})",
    r"webhook\.office\.com/webhookb2/(?P<s>[A-Za-z0-9@/_-]{16,})",
    r"api\.day\.app/(?P<s>[A-Za-z0-9]{16,})",
    r"[?&](?:key|sig|secret|token)=(?P<s>[A-Za-z0-9_.%+/=-]{12,})",
];

const HEADERS: [&str; 2] = [
    r"(?i)\b(?:bearer|basic|token|negotiate|apikey|splunk|genie[Kk]ey)[ \t]+(?P<s>[A-Za-z0-9+/=_.~:-]{8,})",
    r#"(?i)\bsignature\\*["']?\s*[:=]\s*\\*["']?(?P<s>[A-Za-z0-9+/=_%-]{20,})"#,
];

const HASHES: [&str; 4] = [
    r"\$(?:2[abxy]?|1|5|6|7|y|gy|apr1|sha1|argon2(?:id|i|d)|pbkdf2[a-z0-9-]*|scrypt)\$[./A-Za-z0-9$=,+-]{16,}",
    r"\{(?:S?SHA(?:256|384|512)?|CRYPT|S?MD5|PBKDF2[A-Z0-9-]*)\}[A-Za-z0-9+/=$.]{16,}",
    r"SCRAM-SHA-(?:1|256)\$[0-9]+:[A-Za-z0-9+/=$:]{20,}",
    r"\*[0-9A-F]{40}\b",
];

/// Passwords that a command takes without a telling name.
const COMMANDS: [&str; 7] = [
    r#"(?:mysql|mariadb)[^\n]*?[\s"']-p(?P<s>[^\s"',]{3,})"#,
    r#"redis-cli[^\n]*?\s(?:-a|--pass)[\s"',]+(?P<s>[^\s"',]+)"#,
    r#"(?:sshpass|docker login|podman login|helm registry login|mongo\w*|clickhouse-client|psql|skopeo)[^\n]*?\s-p[\s"',]+(?P<s>[^\s"',]{3,})"#,
    r#"(?:ldapsearch|ldapmodify|ldapadd|ldapwhoami)[^\n]*?\s-w[\s"',]+(?P<s>[^\s"',]+)"#,
    r#"(?:sqlcmd|bcp)[^\n]*?\s-P[\s"',]*(?P<s>[^\s"',]+)"#,
    r#"(?i)identified\s+(?:with\s+\S+\s+)?by\s+(?:password\s+)?\\*['"](?P<s>[^'"\\\n]+)"#,
    r"(?m)^[ \t]*(?:requirepass|masterauth|bindpw|rootpw)[ \t]+(?P<s>\S+)",
];

/// User and password side by side.
const PAIRS: [&str; 6] = [
    r#"(?:^|[\s"'])(?:-u|--user|--proxy-user|-U)[=\s"',]*[A-Za-z0-9_.@\\-]+:(?P<s>[^\s"',]+)"#,
    r#"[A-Za-z0-9_.-]+:(?P<s>[^\s"'`]+)@(?:tcp|unix|udp)[46]?\("#,
    r#"jdbc:oracle:[a-z]+:[^\s/"']+/(?P<s>[^\s"'@]+)@"#,
    r"\bmachine\s+\S+\s+login\s+\S+\s+password\s+(?P<s>\S+)",
    r"(?m)^[^\s:/@]+:(?:[0-9]{2,5}|\*):[^\s:]+:[^\s:]+:(?P<s>[^\s:]\S*)$",
    r#"(?i)\bpassword\s+(?:is|was)\s+\\*["'](?P<s>[^"'\\\n]+)"#,
];

/// kubeadm's tokens, one-time password seeds, generated passwords in a Terraform state.
const OTHERS: [&str; 3] = [
    r"(?:^|[^a-z0-9.\-/])(?P<s>[a-z0-9]{6}\.[a-z0-9]{16})(?:$|[^a-z0-9.\-])",
    r"otpauth://[^\s]*?[?&]secret=(?P<s>[A-Za-z2-7]{8,})",
    r#"random_password\\*"[^\n]{0,2000}?\\*"(?:result|bcrypt_hash)\\*"\s*:\s*\\*"(?P<s>[^"\\]+)"#,
];

static SHAPES: LazyLock<Vec<Shape>> = LazyLock::new(|| {
    let alone = |patterns: &[&str], class, check| {
        let shapes = patterns.iter().map(|text| Shape { class, pattern: pattern(text), check });
        shapes.collect::<Vec<_>>()
    };
    let together = |patterns: &[&str], class| {
        let pattern = pattern(&format!("(?:{})", patterns.join("|")));
        vec![Shape { class, pattern, check: Check::None }]
    };
    [
        alone(&KEY_FILES, Class::PrivateKey, Check::None),
        alone(&JWTS, Class::Token, Check::None),
        together(&VENDORS, Class::Token),
        together(&CLOUDS, Class::Key),
        alone(&WEBHOOKS, Class::Key, Check::Random),
        alone(&HEADERS, Class::Credential, Check::Random),
        together(&HASHES, Class::Hash),
        alone(&COMMANDS, Class::Password, Check::NotNumber),
        alone(&PAIRS, Class::Password, Check::NotNumber),
        alone(&OTHERS, Class::Secret, Check::Random),
    ]
    .into_iter()
    .flatten()
    .collect()
});

static COOKIES: LazyLock<Regex> =
    LazyLock::new(|| pattern(r#"(?i)\bcookie\\*["']?\s*[:=]\s*\\*["']?(?P<s>[^\r\n"']+)"#));
static COOKIE: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?P<name>[A-Za-z0-9_.\-]+)=(?P<s>[^;\s]+)"));
const COOKIE_ATTRIBUTES: [&str; 6] = ["path", "domain", "expires", "max-age", "samesite", "version"];

pub fn mark(text: &str, spans: &mut Vec<Span>) {
    for shape in SHAPES.iter() {
        let found = shape.pattern.captures_iter(text).filter_map(|captures| secret(&captures));
        let wanted = found.filter(|(start, end)| shape.check.holds(&text[*start..*end]));
        spans.extend(wanted.map(|(start, end)| Span { start, end, class: shape.class }));
    }
    for header in COOKIES.captures_iter(text).filter_map(|captures| captures.name("s")) {
        for pair in COOKIE.captures_iter(header.as_str()) {
            let attribute = COOKIE_ATTRIBUTES.iter().any(|known| known.eq_ignore_ascii_case(&pair["name"]));
            if let Some(value) = pair.name("s").filter(|value| !attribute && !values::harmless(value.as_str())) {
                let start = header.start() + value.start();
                spans.push(Span { start, end: start + value.len(), class: Class::Cookie });
            }
        }
    }
}

fn secret(captures: &Captures<'_>) -> Option<(usize, usize)> {
    let found = captures.name("s").or_else(|| captures.get(0))?;
    Some((found.start(), found.end()))
}

impl Check {
    fn holds(self, value: &str) -> bool {
        match self {
            Self::None => true,
            Self::Random => values::random(value) && !values::harmless(value),
            Self::NotNumber => !value.bytes().all(|byte| byte.is_ascii_digit()) && !values::harmless(value),
        }
    }
}
