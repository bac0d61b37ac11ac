//! A recorded run once more, with another model or prompt, against what was recorded. No cluster, no channel, no store.

use agent::{Budget, NoRecord, Policy, Task};
use diagnose::Lang;
use llm::Message;

use super::figures::Figures;
use super::tape::Tape;
use super::transcript::{Transcript, Verdict};
use crate::investigate::prompt;
use crate::investigate::task::{kept, task};

pub struct Wish<'a> {
    pub models: &'a llm::Models,
    /// own instructions in place of the recorded ones
    pub instructions: Option<String>,
    pub lang: Lang,
    pub budget: Budget,
    /// the tools that there are now, for their descriptions
    pub tools: &'a [llm::Tool],
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Replayed {
    pub figures: Figures,
    pub verdict: Verdict,
    /// calls that the recording does not hold
    pub missing: usize,
}

pub async fn replay(run: &Transcript, wish: Wish<'_>) -> Result<Replayed, String> {
    let (recorded, offered) = run.first().ok_or("nothing was asked in this run: it cannot be run again")?;
    let tape = Tape::new(&run.known(), &offered, wish.tools);
    // a conversation is prose, and nobody but the person judges it
    let checked = match run.kind.as_str() {
        "chat" | "ask" => None,
        _ => Some(run.report.as_ref().ok_or("the report that this run rests on is not kept any more")?),
    };
    let messages = match (wish.instructions, checked) {
        (None, _) => recorded,
        (Some(own), Some(report)) => prompt::messages(prompt::formed(&own, wish.lang), report, wish.lang),
        (Some(own), None) => instead(recorded, own),
    };
    let task = task(&run.id, messages, wish.lang);
    let task = if checked.is_some() { task } else { Task { schema: None, policy: Policy::MayPropose, ..task } };
    let outcome = agent::run(wish.models, &tape, task, wish.budget, &NoRecord, Vec::new(), &mut |_| {}).await;
    let verdict = match checked {
        Some(report) => Verdict::Checked(kept(&outcome, report)),
        None => Verdict::Spoken {
            text: redact::text(&outcome.text).into_owned(),
            unbacked: Vec::new(),
            failure: outcome.by_program.then(|| super::figures::reason(&outcome.why_ended)),
        },
    };
    Ok(Replayed { figures: Figures::of(&outcome.steps), verdict, missing: tape.missing() })
}

/// The same conversation under other instructions.
fn instead(messages: Vec<Message>, own: String) -> Vec<Message> {
    let rest = messages.into_iter().filter(|message| !matches!(message, Message::System { .. }));
    std::iter::once(Message::System { content: own }).chain(rest).collect()
}
