//! What one run may call. It is asked twice: for the list that the model sees, and again before each call.

use serde::{Deserialize, Serialize};

use crate::hands::{Effect, Hands};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// what an alert or a schedule started: nobody asked for a change
    #[default]
    ReadOnly,
    /// what a person asks: changes may be proposed, and a person approves each
    MayPropose,
}

impl Policy {
    pub fn allows(self, effect: Effect) -> bool {
        match (self, effect) {
            (Policy::ReadOnly | Policy::MayPropose, Effect::Read) | (Policy::MayPropose, Effect::Propose) => true,
            (Policy::ReadOnly, Effect::Propose) => false,
        }
    }

    /// The tools that this run is offered.
    pub fn offered(self, hands: &dyn Hands) -> Vec<llm::Tool> {
        let allowed = |tool: &llm::Tool| hands.effect(&tool.name).is_some_and(|effect| self.allows(effect));
        hands.tools().into_iter().filter(allowed).collect()
    }
}
