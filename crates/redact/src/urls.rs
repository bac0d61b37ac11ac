//! Credentials in addresses: `scheme://user:password@host`, also where the password holds `/`, `:` or `@`.

use std::sync::LazyLock;

use regex::Regex;

use crate::{Class, Span, shapes::pattern, values};

static SCHEME: LazyLock<Regex> = LazyLock::new(|| pattern(r"[A-Za-z][A-Za-z0-9+.\-]*://"));

pub fn mark(text: &str, spans: &mut Vec<Span>) {
    let starts: Vec<(usize, usize)> = SCHEME.find_iter(text).map(|found| (found.start(), found.end())).collect();
    for (index, (scheme, start)) in starts.iter().enumerate() {
        let next = starts.get(index + 1).map_or(text.len(), |(next, _)| *next);
        let address = &text[*start..next];
        let stop = |c: char| c.is_whitespace() || "\"'`<>\\，。；".contains(c);
        let web = ["http", "https", "ws", "wss", "grpc", "tcp", "oci", "docker"]
            .contains(&text[*scheme..*start].trim_end_matches("://"));
        let address = address.split(stop).next().unwrap_or_default();
        if let Some((from, to, class)) = userinfo(address, web) {
            spans.push(Span { start: start + from, end: start + to, class });
        }
    }
}

/// The secret part of an address, which ends at the last `@` that a host can follow.
fn userinfo(address: &str, web: bool) -> Option<(usize, usize, Class)> {
    let (at, _) = address.rmatch_indices('@').find(|(at, _)| host_follows(&address[at + 1..]))?;
    let info = &address[..at];
    let Some((user, password)) = info.split_once(':') else {
        // A token in the user's place; `git@` is a user.
        let token = info.len() >= 20 && !info.contains('/') && values::random(info);
        return token.then_some((0, at, Class::Token));
    };
    // `http://host:8080/path?by=a@b`: a port and a path. Databases have no such paths, but passwords with slashes.
    let digits = password.split(['/', '?']).next().unwrap_or_default();
    let port =
        web && digits.len() < password.len() && digits.len() <= 5 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if user.contains(['/', '?', '#']) || port || values::harmless(password) {
        return None;
    }
    Some((user.len() + 1, at, Class::Password))
}

fn host_follows(rest: &str) -> bool {
    let host = rest.split(['/', '?', '#', ',', ':', '@', ')', '}', ']']).next().unwrap_or_default();
    let bracketed = rest.starts_with('[');
    let digest = rest.starts_with("sha256:") || rest.starts_with("sha512:");
    let named = !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
    // Drivers of databases write `@tcp(host)`.
    (bracketed || named || host.starts_with("tcp(") || host.starts_with("unix(")) && !digest
}
