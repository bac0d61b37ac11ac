//! Which texts may become a part of a path.

use super::{Malformed, Request};

/// Groups whose objects may have names that are no DNS names: `system:node`, `sha256:...`, an IPv6 address.
const FREE_NAMES: [&str; 7] = [
    "rbac.authorization.k8s.io",
    "authorization.openshift.io",
    "user.openshift.io",
    "image.openshift.io",
    "certificates.k8s.io",
    "networking.k8s.io",
    "custom.metrics.k8s.io",
];

pub fn check(request: &Request) -> Result<(), Malformed> {
    let fits = |what: &str, text: &str, fits: bool| match fits {
        true => Ok(()),
        false => Err(Malformed::new(format!("{what} {text:?} is not one"))),
    };
    fits("the API group", &request.group, request.group.is_empty() || subdomain(&request.group))?;
    fits("the API version", &request.version, label(&request.version))?;
    fits("the resource", &request.resource, subdomain(&request.resource))?;
    for (index, part) in request.subresource.iter().flat_map(|text| text.split('/')).enumerate() {
        fits("the subresource", part, if index == 0 { label(part) } else { segment(part) })?;
    }
    if let Some(namespace) = &request.namespace {
        fits("the namespace", namespace, label(namespace))?;
    }
    if let Some(name) = &request.name {
        let free = request.verb.reads() || FREE_NAMES.contains(&request.group.as_str());
        fits("the name", name, if free { segment(name) } else { subdomain(name) })?;
    }
    Ok(())
}

/// RFC 1123 label, as Kubernetes checks it.
pub fn label(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let outer = |byte: Option<&u8>| byte.is_some_and(|byte| inner(*byte) && *byte != b'-');
    let bytes = text.as_bytes();
    bytes.len() <= 63 && outer(bytes.first()) && outer(bytes.last()) && bytes.iter().all(|byte| inner(*byte))
}

/// RFC 1123 subdomain: labels between dots, though a single one may be longer than 63.
pub fn subdomain(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let part = |part: &str| {
        let bytes = part.as_bytes();
        !bytes.is_empty() && !part.starts_with('-') && !part.ends_with('-') && bytes.iter().all(|byte| inner(*byte))
    };
    text.len() <= 253 && text.split('.').all(part)
}

/// Anything that stays one segment, however a server or a proxy decodes it.
pub fn segment(text: &str) -> bool {
    let fine = |c: char| !c.is_control() && !c.is_whitespace() && !"/\\%?#".contains(c);
    !text.is_empty() && text.len() <= 253 && text != "." && text != ".." && text.chars().all(fine)
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn names_follow_rfc_1123() {
        for (text, is_label, is_subdomain) in [
            ("web-1", true, true),
            ("web.v1", false, true),
            ("Web", false, false),
            ("-web", false, false),
            ("web-", false, false),
            ("a..b", false, false),
            (".a", false, false),
            ("", false, false),
            ("1", true, true),
            ("a_b", false, false),
            ("a%2fb", false, false),
            ("a/b", false, false),
            ("é", false, false),
        ] {
            assert_eq!((label(text), subdomain(text)), (is_label, is_subdomain), "{text:?}");
        }
        assert!(!label(&"a".repeat(64)) && subdomain(&"a".repeat(64)) && !subdomain(&"a".repeat(254)));
    }

    #[test]
    fn a_segment_stays_one() {
        for text in ["..", ".", "", "a/b", "a\\b", "a%2fb", "%2e%2e", "a?b", "a#b", "a b", "a\nb", "a\u{0}"] {
            assert!(!segment(text), "{text:?}");
        }
        assert!(segment("system:node") && segment("2001:db8::1"));
    }
}
