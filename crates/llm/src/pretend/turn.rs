//! One turn of a scripted model: what it says, and what goes wrong meanwhile.

use std::time::Duration;

use serde_json::Value;

use super::stream::tokens;

/// What a model says in one turn. A turn is put together: `Turn::text("…").call("events_list", json!({})).rate(50)`.
#[derive(Debug, Clone)]
pub struct Turn {
    pub(super) what: What,
    pub(super) pace: Pace,
}

#[derive(Debug, Clone)]
pub(super) enum What {
    Said(Said),
    /// these bytes, whatever the format
    Raw {
        status: u16,
        headers: Vec<(String, String)>,
        body: String,
    },
}

/// What a model says, in no wire format.
#[derive(Debug, Clone, Default)]
pub(super) struct Said {
    pub reasoning: String,
    pub text: String,
    pub calls: Vec<(String, Value)>,
    /// it ends because its length is used up
    pub length: bool,
}

impl Said {
    /// The same for every request.
    pub fn input(&self) -> usize {
        100
    }

    pub fn cached(&self) -> usize {
        60
    }

    /// About as many tokens as pieces.
    pub fn output(&self) -> usize {
        tokens(&self.text).len() + tokens(&self.reasoning).len() + 8 * self.calls.len()
    }
}

/// When the bytes go out, and whether all do.
#[derive(Debug, Clone, Default)]
pub(super) struct Pace {
    /// before the first byte of the body
    pub delay: Duration,
    /// between two tokens
    pub between: Duration,
    /// between two bytes
    pub drip: Option<Duration>,
    /// the connection breaks after so many bytes
    pub cut: Option<usize>,
    /// all but the end is said again and again
    pub endless: bool,
}

impl Turn {
    fn said(said: Said) -> Self {
        Self { what: What::Said(said), pace: Pace::default() }
    }

    /// An answer of text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::said(Said { text: text.into(), ..Said::default() })
    }

    /// An answer with one call; more with [`Turn::and_call`].
    pub fn call(name: &str, arguments: Value) -> Self {
        Self::text("").and_call(name, arguments)
    }

    /// This body with status 200 as a stream, whatever the format.
    pub fn raw(body: impl Into<String>) -> Self {
        Self { what: What::Raw { status: 200, headers: Vec::new(), body: body.into() }, pace: Pace::default() }
    }

    /// This status with a JSON body.
    pub fn status(status: u16, body: &Value) -> Self {
        let what = What::Raw { status, headers: Vec::new(), body: body.to_string() };
        Self { what, pace: Pace::default() }.header("content-type", "application/json")
    }

    /// A page where an answer should be, as gateways give one.
    pub fn html(status: u16) -> Self {
        let body = "<!DOCTYPE html><html><head><title>Error</title></head><body>Bad gateway</body></html>".to_owned();
        let what = What::Raw { status, headers: Vec::new(), body };
        Self { what, pace: Pace::default() }.header("content-type", "text/html; charset=utf-8")
    }

    /// Status 200 and nothing.
    pub fn empty() -> Self {
        Self::raw("")
    }

    /// One more call.
    #[must_use]
    pub fn and_call(mut self, name: &str, arguments: Value) -> Self {
        if let What::Said(said) = &mut self.what {
            said.calls.push((name.to_owned(), arguments));
        }
        self
    }

    /// Thoughts before the answer.
    #[must_use]
    pub fn reasoning(mut self, text: impl Into<String>) -> Self {
        if let What::Said(said) = &mut self.what {
            said.reasoning = text.into();
        }
        self
    }

    /// The answer ends because its length is used up.
    #[must_use]
    pub fn length(mut self) -> Self {
        if let What::Said(said) = &mut self.what {
            said.length = true;
        }
        self
    }

    /// One more header, for raw answers.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let What::Raw { headers, .. } = &mut self.what {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// Wait before the first byte of the body.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.pace.delay = delay;
        self
    }

    /// So many tokens a second.
    #[must_use]
    pub fn rate(mut self, tokens: u32) -> Self {
        self.pace.between = Duration::from_secs(1) / tokens.max(1);
        self
    }

    /// One byte, then this wait, and so on.
    #[must_use]
    pub fn drip(mut self, wait: Duration) -> Self {
        self.pace.drip = Some(wait);
        self
    }

    /// Break the connection after so many bytes of the body.
    #[must_use]
    pub fn cut(mut self, bytes: usize) -> Self {
        self.pace.cut = Some(bytes);
        self
    }

    /// Never end.
    #[must_use]
    pub fn endless(mut self) -> Self {
        self.pace.endless = true;
        self
    }
}
