//! Who asks: a verified name with its groups, as it goes into impersonation headers.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

/// Built from what the app has verified, never from text of a chat or a cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Parts")]
pub struct Identity {
    user: String,
    groups: Vec<String>,
    extra: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parts {
    user: String,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    extra: BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    #[error("the {what} is empty")]
    Empty { what: &'static str },
    #[error("the {what} {name:?} has characters that cannot be seen")]
    Hidden { what: &'static str, name: String },
    #[error("the {what} {name:?} is longer than 253 bytes")]
    Long { what: &'static str, name: String },
    #[error("the {what} {name:?} belongs to Kubernetes itself; nobody acts as system:*")]
    System { what: &'static str, name: String },
    #[error("the extra key {0:?} is not lower case")]
    Key(String),
}

impl Identity {
    pub fn new(user: impl Into<String>, groups: impl IntoIterator<Item = String>) -> Result<Self, Unfit> {
        let user = fit("user", user.into())?;
        let mut groups = groups.into_iter().map(|group| fit("group", group)).collect::<Result<Vec<_>, _>>()?;
        groups.sort();
        groups.dedup();
        Ok(Self { user, groups, extra: BTreeMap::new() })
    }

    /// Adds what the API server writes into its audit log beside the user: session, proposal.
    pub fn with_extra(
        mut self,
        key: impl Into<String>,
        values: impl IntoIterator<Item = String>,
    ) -> Result<Self, Unfit> {
        let key = fit("extra key", key.into())?;
        // The API server lower-cases keys; two spellings of one key would be two identities here and one there.
        if key.chars().any(char::is_uppercase) {
            return Err(Unfit::Key(key));
        }
        let values = values.into_iter().map(|value| fit("extra value", value)).collect::<Result<Vec<_>, _>>()?;
        self.extra.insert(key, values);
        Ok(self)
    }

    pub fn user(&self) -> &str {
        &self.user
    }

    /// Sorted, each once.
    pub fn groups(&self) -> &[String] {
        &self.groups
    }

    pub fn extra(&self) -> &BTreeMap<String, Vec<String>> {
        &self.extra
    }

    /// Whether a name in a policy means this person: `*`, a user's name or pattern, or `group:` and a group's.
    pub fn matches(&self, pattern: &str) -> bool {
        match pattern.strip_prefix("group:") {
            Some(group) => self.groups.iter().any(|own| crate::glob::matches(group, own)),
            None => crate::glob::matches(pattern, &self.user),
        }
    }

    pub(crate) fn headers(&self) -> Result<HeaderMap, &'static str> {
        let unreadable = "the identity does not fit into a header";
        let value = |text: &str| HeaderValue::from_bytes(text.as_bytes()).map_err(|_| unreadable);
        let mut headers = HeaderMap::new();
        headers.insert("impersonate-user", value(&self.user)?);
        for group in &self.groups {
            headers.append("impersonate-group", value(group)?);
        }
        for (key, values) in &self.extra {
            let name = format!("impersonate-extra-{}", utf8_percent_encode(key, TOKEN));
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unreadable)?;
            for text in values {
                headers.append(name.clone(), value(text)?);
            }
        }
        Ok(headers)
    }
}

/// What may not stand in a header's name, and the escape itself.
const TOKEN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl TryFrom<Parts> for Identity {
    type Error = Unfit;

    fn try_from(parts: Parts) -> Result<Self, Unfit> {
        let identity = Self::new(parts.user, parts.groups)?;
        parts.extra.into_iter().try_fold(identity, |identity, (key, values)| identity.with_extra(key, values))
    }
}

fn fit(what: &'static str, name: String) -> Result<String, Unfit> {
    if name.trim().is_empty() {
        return Err(Unfit::Empty { what });
    }
    if name.len() > 253 {
        return Err(Unfit::Long { what, name });
    }
    if name.chars().any(hidden) || name.trim() != name {
        return Err(Unfit::Hidden { what, name });
    }
    if name.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("system:")) {
        return Err(Unfit::System { what, name });
    }
    Ok(name)
}

/// Control characters, and those that change how the rest is shown or show nothing.
fn hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod test {
    use super::*;

    fn group(name: &str) -> Result<Identity, Unfit> {
        Identity::new("alice", [name.to_owned()])
    }

    #[test]
    fn nobody_acts_as_the_system() {
        for name in ["system:admin", "system:masters", "SYSTEM:masters", "system:serviceaccount:a:b", "system:"] {
            assert!(matches!(Identity::new(name, []), Err(Unfit::System { .. })), "{name}");
            assert!(matches!(group(name), Err(Unfit::System { .. })), "{name}");
        }
        assert!(Identity::new("systematic", []).is_ok());
    }

    #[test]
    fn names_are_visible_and_bounded() {
        for name in ["", "  ", "a\nImpersonate-Group: x", "a\u{202e}b", " a", "a\u{0}", "a\u{200b}"] {
            assert!(Identity::new(name, []).is_err() && group(name).is_err(), "{name:?}");
        }
        assert!(Identity::new("a".repeat(254), []).is_err());
        assert!(Identity::new("张三@example.com", []).is_ok());
    }

    #[test]
    fn what_is_read_back_is_checked_again() {
        let alice = Identity::new("alice", ["b".to_owned(), "a".to_owned(), "b".to_owned()]).unwrap();
        assert_eq!(alice.groups(), ["a", "b"]);
        let text = serde_json::to_string(&alice).unwrap();
        assert_eq!(serde_json::from_str::<Identity>(&text).unwrap(), alice);
        assert!(serde_json::from_str::<Identity>(r#"{"user":"system:admin"}"#).is_err());
        assert!(serde_json::from_str::<Identity>(r#"{"user":"a","groups":["system:masters"]}"#).is_err());
    }

    #[test]
    fn headers_are_escaped() {
        let alice = Identity::new("alice", ["oncall".to_owned(), "dev".to_owned()]).unwrap();
        let alice = alice.with_extra("midwatch.dev/plan", ["p1".to_owned()]).unwrap();
        let headers = alice.headers().unwrap();
        assert_eq!(headers["impersonate-user"], "alice");
        assert_eq!(headers.get_all("impersonate-group").iter().count(), 2);
        assert_eq!(headers["impersonate-extra-midwatch.dev%2fplan"], "p1");
        assert!(alice.with_extra("Plan", []).is_err());
    }

    #[test]
    fn patterns_mean_users_or_groups() {
        let alice = Identity::new("alice", ["oncall".to_owned()]).unwrap();
        for (pattern, expected) in [
            ("*", true),
            ("alice", true),
            ("al*", true),
            ("oncall", false),
            ("group:oncall", true),
            ("group:dev", false),
        ] {
            assert_eq!(alice.matches(pattern), expected, "{pattern}");
        }
    }
}
