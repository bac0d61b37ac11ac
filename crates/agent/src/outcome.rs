//! What a run is given, what it tells while it goes, and how it ended.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use crate::budget::Limit;
use crate::hands::Effect;
use crate::policy::Policy;
use crate::transcript::Step;

#[derive(Debug, Clone)]
pub struct Task {
    /// the run's name in the record
    pub id: String,
    pub messages: Vec<llm::Message>,
    /// the form that the answer has to have; prose without it
    pub schema: Option<Value>,
    /// the order that ends the collecting, in the reader's language
    pub wrap_up: String,
    /// what the program's own answer begins with, where it has to write one, in the reader's language
    pub closing: String,
    pub policy: Policy,
    pub thinking: llm::Thinking,
    /// the most tokens of one answer
    pub max_tokens: Option<u32>,
    pub cancel: CancellationToken,
}

/// What happens while a run goes, for a reader who watches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    Round {
        round: u32,
    },
    Model {
        model: llm::Event,
    },
    CallBegan {
        id: String,
        name: String,
        arguments: Map<String, Value>,
        effect: Effect,
    },
    CallEnded {
        id: String,
        name: String,
        ok: bool,
        bytes: usize,
        took: Duration,
    },
    /// what was streamed in this round was an announcement, not the answer
    Nudged,
    WrappingUp {
        why: WhyEnded,
    },
    Ended {
        why: WhyEnded,
    },
}

/// Why a run collected no further.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum WhyEnded {
    /// the model said all it had to say
    Answered,
    Budget {
        limit: Limit,
    },
    /// the same call for the third time
    Repeating {
        name: String,
    },
    /// three calls of tools that do not exist
    UnknownTools,
    /// three announcements without a call
    NothingButAnnouncements,
    Cancelled,
    /// no model answered
    Model {
        message: String,
        /// each that was asked, with the class of its error
        #[serde(default)]
        tried: Vec<llm::Tried>,
    },
    /// a step could not be written down
    Record {
        message: String,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// never empty
    pub text: String,
    /// the answer in the task's form, where it is one
    pub structured: Option<Value>,
    /// the program wrote the text because no model did
    pub by_program: bool,
    pub why_ended: WhyEnded,
    /// the conversation as it stands, the answer last
    pub messages: Vec<llm::Message>,
    pub usage: llm::Usage,
    /// None where no price is configured
    pub cost: Option<f64>,
    pub rounds: u32,
    /// those of this run, earlier ones of a resumed run first
    pub steps: Vec<Step>,
}
