//! Model and tools in turn until there is an answer, within a budget.

mod budget;
mod hands;
mod outcome;
mod policy;
mod transcript;

pub use budget::{Budget, Limit, Spent};
pub use hands::{CallResult, Calling, Effect, Hands, NoHands};
pub use outcome::{Event, Outcome, Task, WhyEnded};
pub use policy::Policy;
pub use transcript::{NoRecord, Record, Replied, Step};
