//! Model and tools in turn until there is an answer, within a budget.

mod announcement;
mod budget;
mod calls;
mod check;
mod closing;
mod conversation;
mod hands;
mod outcome;
mod policy;
mod repeats;
mod reply;
mod run;
mod suggest;
mod toolbox;
mod transcript;

pub use budget::{Budget, Limit, Spent};
pub use hands::{CallResult, Calling, Effect, Hands, NoHands};
pub use outcome::{Event, Outcome, Task, WhyEnded};
pub use policy::Policy;
pub use run::run;
pub use toolbox::{
    AttachError, Connection, Elicitation, Grant, Limits, OAuth, Pin, Pins, Quarantined, Redact, ToolServer, Toolbox,
    Transport,
};
pub use transcript::{NoRecord, Record, Step};
