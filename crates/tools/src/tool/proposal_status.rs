//! `proposal_status`: how far a proposed change is.

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::Value;

use super::{Arguments, Set, Tool};
use crate::answer::Answer;
use crate::arguments::required;
use crate::context::Context;
use crate::proposing::item;
use crate::shape;
use crate::trouble::Trouble;
use cluster::Class;

pub const TOOL: Tool = Tool {
    name: "proposal_status",
    title: "Proposal: status",
    description: "How far a proposed change is.",
    class: Class::R,
    set: Set::Ours,
    cluster_aware: false,
    input,
    output: shape::object,
    old_spellings: &[],
    call,
};

fn input() -> Value {
    shape::input(&["id"], &[("id", shape::text())])
}

fn call(context: &Context, arguments: Arguments) -> BoxFuture<'_, Result<Answer, Trouble>> {
    async move {
        let id = required(&arguments, "id")?;
        match context.hands.status(&context.caller, id).await? {
            Some(proposed) => Ok(Answer::new(format!("{}\n", proposed.words()), item(&proposed))),
            None => Err(Trouble::NotFound { what: format!("proposal {id}"), near: Vec::new() }),
        }
    }
    .boxed()
}
