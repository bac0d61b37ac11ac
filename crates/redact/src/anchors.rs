//! The words at which a rule can start, all in one automaton.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use crate::{commands, hashes, vendors};

/// What stands at a place, and so which rule looks at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// A word of a telling name.
    Name,
    KeyFile,
    KeyFileEnd,
    KeyBody,
    Jwk,
    Jwt,
    Url,
    Scheme,
    Cookie,
    Hash,
    /// Between the number of a bot and its token.
    Telegram,
    Vendor(usize),
    Webhook(usize),
    Command(usize),
    /// A flag with `user:password`.
    Login,
    Generated,
    /// `IDENTIFIED BY` of SQL.
    Identified,
    /// A user's password in the rules of Redis.
    Acl,
    /// The end of a key of Mailchimp.
    Mailchimp,
}

const NAMES: [&str; 71] = [
    "sk\\",
    "ak\\",
    "community",
    "pass",
    "pwd",
    "psw",
    "pw",
    "secret",
    "token",
    "key",
    "cred",
    "auth",
    "sig",
    "session",
    "sessid",
    "cookie",
    "jwt",
    "salt",
    "seed",
    "mnemonic",
    "psk",
    "hmac",
    "ticket",
    "sid=",
    "sid:",
    "sid\"",
    "code=",
    "_sk",
    "_ak",
    "dockercfg",
    "dockerconfigjson",
    "csrf",
    "xsrf",
    "sk=",
    "sk:",
    "sk\"",
    "ak=",
    "ak:",
    "ak\"",
    "otp",
    "certificate-key",
    "login=",
    "login:",
    "verifier",
    "assertion",
    "pin=",
    "pin:",
    "pin\"",
    "密码",
    "口令",
    "密钥",
    "秘钥",
    "密匙",
    "私钥",
    "公私钥",
    "令牌",
    "凭证",
    "凭据",
    "授权码",
    "验证码",
    "提取码",
    "暗号",
    "密碼",
    "金鑰",
    "私鑰",
    "憑證",
    "權杖",
    "密鑰",
    "通行码",
    "激活码",
    "パスワード",
];

/// What scheme comes before a credential in a header.
const SCHEMES: [&str; 15] = [
    "oss ",
    "obs ",
    "aws ",
    "cos ",
    "qiniu ",
    "ssws ",
    "bearer ",
    "basic ",
    "token ",
    "negotiate ",
    "apikey ",
    "splunk ",
    "geniekey ",
    "bearer\t",
    "bearer%20",
];

const LOGINS: [&str; 13] = [
    "login=",
    "su ",
    "ku ",
    "lu ",
    "vu ",
    "-u",
    "--user",
    "--proxy-user",
    "-creds",
    "--auth",
    "-a ",
    "login ",
    "addauth digest ",
];

const KEY_BODIES: [&str; 8] =
    ["MII", "MIG", "MHcCAQ", "MHQCAQ", "MC4CAQAw", "b3BlbnNzaC1rZXkt", "Private-Lines:", "lQ"];

pub struct Anchors {
    pub automaton: AhoCorasick,
    pub kinds: Vec<Anchor>,
}

#[expect(clippy::expect_used, reason = "the words are literals, and the automaton is built by every test")]
pub static ANCHORS: LazyLock<Anchors> = LazyLock::new(|| {
    let mut words: Vec<&str> = Vec::new();
    let mut kinds = Vec::new();
    let mut add = |added: &[&'static str], kind: Anchor| {
        words.extend_from_slice(added);
        kinds.resize(words.len(), kind);
    };
    add(&NAMES, Anchor::Name);
    add(&["-----BEGIN "], Anchor::KeyFile);
    add(&["-----END "], Anchor::KeyFileEnd);
    add(&KEY_BODIES, Anchor::KeyBody);
    add(&["\"kty"], Anchor::Jwk);
    add(&["eyJ"], Anchor::Jwt);
    add(&["://"], Anchor::Url);
    add(&["@tcp", "@unix", "@//", "@("], Anchor::Url);
    add(&SCHEMES, Anchor::Scheme);
    add(&["cookie"], Anchor::Cookie);
    add(&hashes::STARTS, Anchor::Hash);
    add(&LOGINS, Anchor::Login);
    add(&[":AA"], Anchor::Telegram);
    add(&[" on >", " on resetpass >"], Anchor::Acl);
    add(&["-us"], Anchor::Mailchimp);
    add(&["identified"], Anchor::Identified);
    add(&["random_password", "random_string"], Anchor::Generated);
    for (index, vendor) in vendors::VENDORS.iter().enumerate() {
        add(&[vendor.start], Anchor::Vendor(index));
    }
    for (index, webhook) in vendors::WEBHOOKS.iter().enumerate() {
        add(&[webhook.path], Anchor::Webhook(index));
    }
    for (index, command) in commands::COMMANDS.iter().enumerate() {
        add(&[command.program], Anchor::Command(index));
    }
    let automaton = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::Standard)
        .kind(Some(AhoCorasickKind::DFA))
        .build(&words)
        .expect("an automaton");
    Anchors { automaton, kinds }
});
