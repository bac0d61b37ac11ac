//! From the message tree to a channel's own form: what all renderers share.

pub(crate) mod clean;
pub(crate) mod feishu;
pub(crate) mod html;
pub(crate) mod markup;
pub(crate) mod plain;
pub(crate) mod shrink;
pub(crate) mod slack;
pub(crate) mod terminal;
pub(crate) mod wecom;
pub(crate) mod words;

pub use shrink::Cut;

/// How much of its limit a message may fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// All of it.
    Full,
    /// Half of it and nothing fancy: the channel refused the full form.
    Half,
}

impl Room {
    pub(crate) fn of(self, budget: usize) -> usize {
        match self {
            Self::Full => budget,
            Self::Half => budget / 2,
        }
    }
}

/// A name that may stand in a mention: anything else could end the mention and begin something new.
pub(crate) fn is_handle(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'+' | b'@'))
}

/// The bytes of a JSON body as it is sent.
pub(crate) fn json_size(body: &serde_json::Value) -> usize {
    body.to_string().len()
}
