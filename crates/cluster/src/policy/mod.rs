//! What may happen: rules over the canonical request, of which a deny always wins.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::canonical::{Digest, Request};
use crate::class::{Class, Classified};
use crate::identity::Identity;

/// Something in a policy file that has to be mended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    pub line: usize,
    pub text: String,
}

/// What is to be decided.
pub struct Asked<'a> {
    pub request: &'a Request,
    pub classified: &'a Classified,
    /// The object as it is, where there is one.
    pub live: Option<&'a Value>,
    pub identity: &'a Identity,
    pub now: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    pub effect: Effect,
    /// The rule that decided, as `rules[2]`, or the built-in one.
    pub rule: String,
    pub why: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    Allow,
    Approve(Terms),
    Deny,
}

/// What an approval has to be like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// People who have to say yes.
    pub quorum: u32,
    pub distinct_from_requester: bool,
    /// Seconds for which a log-in counts; None: any.
    pub reauth: Option<u64>,
    /// Seconds between the last yes and the execution.
    pub hold: u64,
    /// Seconds for which a yes is good.
    pub ttl: u64,
    /// Who may say yes: each list has to name the person. Empty: whoever may approve at all.
    pub users: Vec<Vec<String>>,
}

impl Terms {
    pub fn may_approve(&self, approver: &Identity, requester: &Identity) -> bool {
        let distinct = !self.distinct_from_requester || approver.user() != requester.user();
        distinct && self.users.iter().all(|names| names.iter().any(|name| approver.matches(name)))
    }
}

pub struct Policy {
    text: String,
}

impl Policy {
    pub fn parse(text: &str) -> Result<Self, Vec<Problem>> {
        Ok(Self { text: text.to_owned() })
    }

    pub fn default_text() -> &'static str {
        ""
    }

    /// Of the text, so that every change is another version.
    pub fn version(&self) -> Digest {
        Digest::of(self.text.as_bytes())
    }

    pub fn decide(&self, asked: &Asked<'_>) -> Decision {
        let terms =
            Terms { quorum: 1, distinct_from_requester: false, reauth: None, hold: 0, ttl: 900, users: Vec::new() };
        let (effect, why) = match asked.classified.class {
            Class::R => (Effect::Allow, "reads are allowed"),
            Class::W => (Effect::Approve(terms), "a reversible write needs a yes"),
            Class::S | Class::D | Class::X | Class::N => (Effect::Deny, "no rule allows it"),
        };
        Decision { effect, rule: "built-in".to_owned(), why: why.to_owned() }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self { text: Self::default_text().to_owned() }
    }
}
