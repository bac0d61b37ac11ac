//! What a name says about its value.

use crate::Class;

/// How much a name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name {
    /// Every value is a secret, however short.
    Strong(Class),
    /// Also used for names of objects and for switches: the value has to look random.
    Weak(Class),
    /// Seldom a secret: the value has to be generated for certain.
    Vague(Class),
}

impl Name {
    pub fn certain(self) -> bool {
        matches!(self, Self::Strong(_))
    }
}

/// Words of a sentence behind which a secret may stand without a sign.
pub const CONTEXT: [(&str, Class); 11] = [
    ("pass", Class::Password),
    ("password", Class::Password),
    ("passwd", Class::Password),
    ("passphrase", Class::Password),
    ("token", Class::Token),
    ("apikey", Class::Key),
    ("key", Class::Key),
    ("secret", Class::Secret),
    ("credential", Class::Credential),
    ("credentials", Class::Credential),
    ("auth", Class::Credential),
];

pub fn ends_with(name: &str, word: &str) -> bool {
    let from = name.len().wrapping_sub(word.len());
    name.get(from..).is_some_and(|end| end.eq_ignore_ascii_case(word))
}

/// Endings that say which one it is, not what it is.
const VARIANTS: [&str; 34] = [
    "hex",
    "v",
    "x",
    "value",
    "val",
    "b64",
    "base64",
    "old",
    "new",
    "current",
    "previous",
    "prev",
    "next",
    "primary",
    "secondary",
    "default",
    "plain",
    "plaintext",
    "text",
    "raw",
    "prod",
    "production",
    "dev",
    "test",
    "staging",
    "encoded",
    "data",
    "base",
    "pem",
    "string",
    "str",
    "confirmation",
    "confirm",
    "env",
];

/// What may stand before `key` so that it is a key to something, and not the key of a map.
const KEYS: [&str; 46] = [
    "decryption",
    "decrypt",
    "api",
    "private",
    "access",
    "secret",
    "encryption",
    "encrypt",
    "signing",
    "sign",
    "master",
    "shared",
    "account",
    "storage",
    "service",
    "auth",
    "webhook",
    "app",
    "ssh",
    "rsa",
    "client",
    "session",
    "license",
    "hmac",
    "jwt",
    "aes",
    "deploy",
    "consumer",
    "ark",
    "integration",
    "host",
    "security",
    "admin",
    "cookie",
    "root",
    "tls",
    "certificate",
    "token",
    "ingest",
    "send",
    "crypto",
    "encoding",
    "write",
    "subscription",
    "preshared",
    "psk",
];

pub const CHINESE: [(&str, Class); 21] = [
    ("密码", Class::Password),
    ("口令", Class::Password),
    ("授权码", Class::Password),
    ("验证码", Class::Password),
    ("提取码", Class::Password),
    ("通行码", Class::Password),
    ("激活码", Class::Password),
    ("暗号", Class::Password),
    ("密碼", Class::Password),
    ("パスワード", Class::Password),
    ("密钥", Class::Key),
    ("秘钥", Class::Key),
    ("密匙", Class::Key),
    ("私钥", Class::Key),
    ("密鑰", Class::Key),
    ("金鑰", Class::Key),
    ("私鑰", Class::Key),
    ("令牌", Class::Token),
    ("權杖", Class::Token),
    ("凭证", Class::Credential),
    ("凭据", Class::Credential),
];

const STOPS: [&str; 7] = ["checksum", "hash", "digest", "sha256", "fingerprint", "encrypteddata", "thumbprint"];

/// The words of a name: `DBPassword`, `db_password`, `db-password` and `app.db/password` give `db`, `password`.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut last = ' ';
    let mut characters = name.chars().peekable();
    while let Some(c) = characters.next() {
        if !c.is_alphanumeric() {
            last = ' ';
            continue;
        }
        let next_lower = characters.peek().is_some_and(|next| next.is_lowercase());
        let starts = last == ' '
            || (c.is_uppercase() && (last.is_lowercase() || last.is_numeric() || (last.is_uppercase() && next_lower)));
        if starts {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.extend(c.to_lowercase());
        }
        last = c;
    }
    words
}

pub fn judge(name: &str) -> Option<Name> {
    if let Some(class) = super::chinese(name) {
        return Some(Name::Strong(class));
    }
    let lower = name.to_ascii_lowercase();
    if STOPS.iter().any(|stop| lower.contains(stop)) {
        // Those of passwords can be tried offline.
        return ["passw", "pwd"].iter().any(|word| lower.contains(word)).then_some(Name::Vague(Class::Hash));
    }
    let name = name.rsplit('/').next().unwrap_or_default();
    let words = words(name);
    let mut words: Vec<&str> = words.iter().map(|word| word.trim_end_matches(|c: char| c.is_ascii_digit())).collect();
    while words.len() > 1 && words.last().is_some_and(|word| word.is_empty() || VARIANTS.contains(word)) {
        words.pop();
    }
    let last = *words.last()?;
    let before = words.len().checked_sub(2).map_or("", |at| words[at]);
    let upper = name.bytes().any(|byte| byte == b'_') && !name.bytes().any(|byte| byte.is_ascii_lowercase());
    by_words(last, before, words.len() == 1, upper)
}

/// What may be shown though it is a key: `publicKey`, `ssh_host_key.pub`, `checksum/secret`.
pub fn public(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    STOPS.iter().chain(&["public", "pubkey", ".pub", "pub_key"]).any(|stop| lower.contains(stop))
}

/// A parameter of an address: what is too vague a name elsewhere.
pub fn parameter(name: &str) -> Option<Name> {
    const KNOWN: [&str; 13] =
        ["ak", "sk", "key", "sig", "sign", "signature", "secret", "token", "code", "auth", "ticket", "pass", "sid"];
    let last = name.rsplit(['-', '_', '.']).next().unwrap_or_default();
    KNOWN.iter().any(|known| known.eq_ignore_ascii_case(last)).then_some(Name::Weak(Class::Key))
}

fn by_words(last: &str, before: &str, single: bool, upper: bool) -> Option<Name> {
    match last {
        "pass" if single => Some(Name::Weak(Class::Password)),
        "pass" | "pw" | "bindpw" | "psw" | "passcode" | "pwds" | "passwords" => Some(Name::Strong(Class::Password)),
        "authorization" => Some(Name::Weak(Class::Credential)),
        "sig" | "signature" | "sign" => Some(Name::Vague(Class::Token)),
        "auth" | "credential" | "credentials" | "creds" => Some(Name::Weak(Class::Credential)),
        // Headers of that name hold several values and attributes: `headers` reads them.
        "cookie" if matches!(before, "" | "set") => None,
        "cookie" if before == "erlang" => Some(Name::Strong(Class::Secret)),
        // Of a mailbox.
        "phrase" | "word" if before == "pass" => Some(Name::Strong(Class::Password)),
        "community" if !single => Some(Name::Strong(Class::Password)),
        "code" if before == "auth" && !single => Some(Name::Strong(Class::Password)),
        "authcode" => Some(Name::Strong(Class::Password)),
        "session" | "sessionid" | "sessid" | "phpsessid" | "jsessionid" | "cookie" | "sid" => {
            Some(Name::Vague(Class::Cookie))
        }
        "id" if before == "session" => Some(Name::Vague(Class::Cookie)),
        "id" if before == "token" => Some(Name::Vague(Class::Token)),
        "key" if before == "routing" => Some(Name::Weak(Class::Key)),
        "id" if before == "secret" => Some(Name::Weak(Class::Key)),
        "secret" if ["existing", "pull", "tls", "ca", "cert", "certificate"].contains(&before) => None,
        "secret" if upper || SECRETS.contains(&before) => Some(Name::Strong(Class::Secret)),
        "key" | "keys" if KEYS.contains(&before) => Some(Name::Strong(Class::Key)),
        "tokens" | "secrets" if !single || before.is_empty() => Some(Name::Vague(Class::Token)),
        "sk" | "ak" => Some(Name::Weak(Class::Key)),
        "salt" | "seed" => Some(Name::Weak(Class::Secret)),
        "hmac" | "verifier" | "assertion" | "ticket" | "login" | "nonce" => Some(Name::Vague(Class::Secret)),
        "csrf" | "xsrf" => Some(Name::Weak(Class::Token)),
        "otp" | "pin" if !single => Some(Name::Strong(Class::Password)),
        "otp" => Some(Name::Strong(Class::Password)),
        "dockercfg" | "dockerconfigjson" => Some(Name::Strong(Class::Secret)),
        "mnemonic" | "psk" => Some(Name::Strong(Class::Secret)),
        "kubeconfig" => None,
        _ => ending(last),
    }
}

/// What makes a `secret` one that is written down, not the name of an object.
const SECRETS: [&str; 16] = [
    "client", "app", "api", "consumer", "jwt", "shared", "key", "corp", "session", "cookie", "signing", "oauth",
    "webhook", "access", "hmac", "totp",
];

/// Names written in one word: `dbpassword`, `authtoken`, `requirepass`.
fn ending(word: &str) -> Option<Name> {
    const PASSWORDS: [&str; 14] = [
        "password",
        "passwd",
        "pwd",
        "passphrase",
        "passcode",
        "requirepass",
        "masterauth",
        "userpass",
        "passwort",
        "storepass",
        "keypass",
        "rootpw",
        "passin",
        "sshpass",
    ];
    const TOKENS: [&str; 2] = ["token", "jwt"];
    const KEYS: [&str; 12] = [
        "apikey",
        "secretkey",
        "accesskey",
        "privatekey",
        "authkey",
        "accountkey",
        "encryptionkey",
        "masterkey",
        "aeskey",
        "sendkey",
        "signkey",
        "appkey",
    ];
    const SECRETS: [&str; 4] = ["clientsecret", "appsecret", "corpsecret", "apisecret"];
    if PASSWORDS.iter().any(|known| word.ends_with(known)) {
        return Some(Name::Strong(Class::Password));
    }
    if TOKENS.iter().any(|known| word.ends_with(known)) {
        return Some(Name::Strong(Class::Token));
    }
    if KEYS.iter().any(|known| word.ends_with(known)) {
        return Some(Name::Strong(Class::Key));
    }
    if SECRETS.iter().any(|known| word.ends_with(known)) {
        return Some(Name::Strong(Class::Secret));
    }
    word.ends_with("secret").then_some(Name::Weak(Class::Secret))
}
