//! A run step by step, as it is written down before the run goes on, and read again after a crash.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::hands::{CallResult, Effect};
use crate::outcome::WhyEnded;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// The model is asked; `new` are the messages that no other step tells: those that the run begins with.
    Asked {
        round: u32,
        new: Vec<llm::Message>,
        tools: Vec<String>,
    },
    Replied {
        round: u32,
        answer: llm::Answer,
    },
    /// Written before the call starts: after a crash it says that the call may have been done.
    Calling {
        call: llm::ToolCall,
        effect: Effect,
    },
    Called {
        call: llm::ToolCall,
        result: CallResult,
        took: Duration,
    },
    /// The model announced a call and made none, or answered nothing.
    Nudged {
        text: String,
    },
    /// A message was shortened or left out so that the conversation fits.
    Cut {
        what: String,
    },
    /// The model was ordered to sum up.
    WrappedUp {
        why: WhyEnded,
    },
    Ended {
        why: WhyEnded,
        text: String,
    },
}

pub trait Record: Send + Sync {
    /// Returns when the step is durable. A run whose steps cannot be written makes no call with an effect.
    fn step(&self, run: &str, step: &Step) -> Result<(), String>;
}

/// For runs whose steps nobody wants to read again.
#[derive(Debug, Clone, Copy)]
pub struct NoRecord;

impl Record for NoRecord {
    fn step(&self, _: &str, _: &Step) -> Result<(), String> {
        Ok(())
    }
}
