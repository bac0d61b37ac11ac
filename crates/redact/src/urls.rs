//! Credentials in addresses: `scheme://user:password@host`, also where the password holds `/`, `:` or `@`.

use crate::{Class, Span, values};

const LONGEST: usize = 1024;

/// Web addresses have paths in which an `@` means nothing.
const WEB: [&str; 9] = ["http", "https", "ws", "wss", "grpc", "tcp", "oci", "docker", "git+https"];

/// At `://`, or at the `@tcp(` of a driver's address without a scheme.
pub fn at(text: &str, start: usize, end: usize) -> Option<Span> {
    if text.as_bytes()[start] == b'@' {
        return driver(text, start);
    }
    let bytes = text.as_bytes();
    let scheme = bytes[..start].iter().rev().take(32);
    let scheme = scheme.take_while(|byte| byte.is_ascii_alphanumeric() || b"+.-".contains(byte)).count();
    let web = WEB.contains(&&text[start - scheme..start]);
    let address = &text[end..text.floor_char_boundary(end + LONGEST)];
    let address = address.find("://").map_or(address, |next| &address[..next]);
    let address = address.split(stops).next().unwrap_or_default();
    let (from, to, class) = userinfo(address, web)?;
    Some(Span { start: end + from, end: end + to, class })
}

fn stops(c: char) -> bool {
    c.is_whitespace() || c.is_control() || "\"'`<>\\，。；、）】".contains(c)
}

/// The secret part of an address, which ends at the last `@` that a host can follow.
fn userinfo(address: &str, web: bool) -> Option<(usize, usize, Class)> {
    let (at, _) = address.rmatch_indices('@').take(16).find(|(at, _)| host_follows(&address[at + 1..]))?;
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
    // A key in the user's place, as in the addresses of Sentry, is a secret as well.
    let key = user.len() >= 20 && values::random(user);
    Some((if key { 0 } else { user.len() + 1 }, at, Class::Password))
}

fn host_follows(rest: &str) -> bool {
    let host = rest.split(['/', '?', '#', ',', ':', '@', ')', '}', ']', ';', '&']).next().unwrap_or_default();
    let bracketed = rest.starts_with('[') && !rest.starts_with("[[");
    let digest = rest.starts_with("sha256:") || rest.starts_with("sha512:");
    let named = !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
    // Drivers of databases write `@tcp(host)`, templates `@${HOST}` and `@{{ host }}`.
    let template = rest.starts_with("${") || rest.starts_with("{{") || rest.starts_with("$(") || rest.starts_with("%s");
    (bracketed || named || template || host.starts_with("tcp(") || host.starts_with("unix(")) && !digest
}

/// `user:password@tcp(host)`, `user/password@//host/service`.
fn driver(text: &str, at: usize) -> Option<Span> {
    let before = &text[text.ceil_char_boundary(at.saturating_sub(256))..at];
    let info = before.rsplit(|c: char| c.is_whitespace() || "\"'`=,".contains(c)).next().unwrap_or_default();
    let oracle = text[at..].starts_with("@//") || text[at..].starts_with("@(");
    let separator = if oracle { '/' } else { ':' };
    let info = info.rsplit_once("://").map_or(info, |(_, info)| info);
    let info = if oracle { info.rsplit(':').next().unwrap_or_default() } else { info };
    let (user, password) = info.split_once(separator)?;
    let named = !user.is_empty() && user.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-$#@".contains(&byte));
    (named && !password.is_empty() && !values::harmless(password)).then_some(Span {
        start: at - password.len(),
        end: at,
        class: Class::Password,
    })
}

/// `user:password@host:port` without a scheme, as in the address of a proxy: looked at from the `@`.
pub fn bare(text: &str, at: usize) -> Option<Span> {
    let bytes = text.as_bytes();
    let word = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
    let host = bytes[at + 1..].iter().take(256).take_while(|byte| word(byte)).count();
    let port = &bytes[at + 1 + host..];
    if host == 0 || port.first() != Some(&b':') || !port.get(1).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let inside = |byte: &u8| byte.is_ascii_graphic() && !b"\"'`<>,=\\".contains(byte);
    let info = bytes[..at].iter().rev().take(160).take_while(|byte| inside(byte)).count();
    let info = &text[at - info..at];
    let (user, password) = info.split_once(':')?;
    let wanted = !user.is_empty()
        && user.bytes().all(|byte| word(&byte))
        && !password.starts_with("//")
        && values::random(password)
        && !values::harmless(password);
    wanted.then_some(Span { start: at - password.len(), end: at, class: Class::Password })
}
