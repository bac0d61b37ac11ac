//! Asks a model what rules and tools do not answer: with their verdict in its message, the tools at hand, changes as
//! proposals only; and holds its words against what was read.

use std::collections::HashMap;
use std::time::Instant;

use agent::{Effect, Event, Outcome as Ended, Policy, Step, Task, WhyEnded};
use cluster::Class;
use diagnose::Target;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use super::answer::{Answer, Outcome, Proof, Spoken, Tokens, Used};
use super::check::{Seen, guesses};
use super::clean::shown;
use super::known::{About, Known};
use super::model::Advisor;
use super::phrases;
use super::prompt::{self, Place};
use super::question::{Intent, Question};
use super::room::{News, Room, Ruled, Tell, target};
use crate::investigate::Asking;
use crate::investigate::cited::{Cited, brought};
use crate::investigate::verify;
use crate::toolbox;

/// What a tool does: those above plain reading only propose, and only where somebody can say yes.
fn effect(name: &str) -> Option<Effect> {
    let tool = tools::TOOLS.iter().find(|tool| tool.name == name)?;
    Some(if tool.class <= Class::S { Effect::Read } else { Effect::Propose })
}

impl Room {
    /// Whether a model is asked as well.
    pub(super) fn wants(&self, advisor: &Advisor, question: &Question, ruled: &Ruled) -> bool {
        let answer = &ruled.answer;
        let follows = question.bare_why && !self.past.is_empty();
        let more = answer.needs_model || question.thought || question.guessed || follows;
        match &ruled.intent {
            // orders are taken by the letter; what was asked back is for the person to answer
            Intent::Order(_) | Intent::Incomplete(_) | Intent::Manifest(_) | Intent::Help | Intent::Proposals => false,
            Intent::Diagnose
            | Intent::Count
            | Intent::List
            | Intent::Show
            | Intent::Logs { .. }
            | Intent::Events
            | Intent::Changes
            | Intent::WhoCan { .. }
            | Intent::Usage
            | Intent::Alerts
            | Intent::Unclear => match &ruled.about {
                Some(About::Several(_) | About::Nothing { .. }) => more,
                Some(About::Object(_) | About::Namespace(_) | About::Cluster) | None => {
                    let unsure = answer.report.as_ref().is_some_and(|report| Asking::WhenUnsure.asks(report));
                    more || unsure || advisor.always
                }
            },
        }
    }

    /// What rules and tools said, and what a model adds to it.
    pub(super) async fn advised(
        &self,
        advisor: &Advisor,
        (text, question): (&str, &Question),
        ruled: Ruled,
        tell: Tell<'_>,
        cancel: &CancellationToken,
    ) -> Answer {
        let began = Instant::now();
        let Ruled { answer, intent, about, known } = ruled;
        let target = match about {
            Some(about @ (About::Object(_) | About::Namespace(_))) => Some(target(&about)),
            Some(About::Nothing { .. }) => known.place(question).map(Target::Namespace),
            Some(About::Several(_) | About::Cluster) | None => None,
        };
        let mut answer = self.looked_into(answer, target).await;
        if !answer.needs_model {
            tell(News::Ruled(&answer));
        }
        tell(News::Asking(advisor.name()));
        let run = format!("{}-{}", advisor.kind.name(), uuid::Uuid::now_v7().simple());
        let mut heard = Heard { tell, begun: HashMap::new(), used: Vec::new() };
        let ended = self.run(advisor, &run, text, &answer, cancel, &mut heard).await;
        answer.tools.append(&mut heard.used);
        let mut spoken = Spoken { run, ..spoken(&ended, &answer) };
        let steps = ended.as_ref().map(|ended| ended.steps.as_slice()).unwrap_or_default();
        answer.proposals = proposals(steps);
        answer.evidence.extend(self.proofs(steps));
        if spoken.failure.is_none() {
            spoken.unchecked = guesses(&spoken.words, &self.seen(&answer, steps, &known, text), answer.lang);
        } else if answer.needs_model && answer.report.is_none() {
            answer.text = phrases::unanswered(answer.lang);
        }
        spoken.seconds = began.elapsed().as_secs_f64();
        advisor.end(&spoken).await;
        answer.outcome = outcome(&answer, &intent, spoken.failure.is_none());
        answer.model = Some(spoken);
        answer
    }

    /// Whatever the question is, a model begins with the verdict on what it is about.
    async fn looked_into(&self, answer: Answer, target: Option<Target>) -> Answer {
        match target {
            Some(target) if answer.needs_model && answer.report.is_none() => {
                Answer { needs_model: true, ..self.diagnose(answer.lang, target).await }
            }
            Some(_) | None => answer,
        }
    }

    async fn run(
        &self,
        advisor: &Advisor,
        run: &str,
        text: &str,
        ruled: &Answer,
        cancel: &CancellationToken,
        heard: &mut Heard<'_>,
    ) -> Result<Ended, String> {
        let own = self.server.of(self.caller.clone());
        let toolbox = match &self.servers {
            Some(servers) => servers.toolbox(own, effect).await?,
            None => toolbox::alone(own, effect).await?,
        };
        let hands = Cited::new(toolbox, self.results_before());
        let record = advisor.begin(run, text, ruled.report.as_ref()).await?;
        let may_propose = self.approvals.is_some() && advisor.store.is_some();
        let namespace = self.before.namespace.as_deref();
        let place = Place { cluster: &self.cluster.name, now: self.now(), namespace };
        let task = Task {
            id: run.to_owned(),
            messages: prompt::messages(place, &self.past, ruled, &redact::text(text)),
            schema: None,
            wrap_up: prompt::wrap_up(ruled.lang).to_owned(),
            closing: String::new(),
            policy: if may_propose { Policy::MayPropose } else { Policy::ReadOnly },
            thinking: llm::Thinking::Low,
            max_tokens: None,
            cancel: cancel.clone(),
        };
        let mut on = |event: Event| heard.event(event);
        Ok(agent::run(&advisor.models, &hands, task, advisor.budget, &*record, Vec::new(), &mut on).await)
    }

    /// The highest number of a result in this conversation: the ids go on from there.
    fn results_before(&self) -> usize {
        let proofs = self.past.iter().flat_map(|past| &past.evidence);
        proofs.filter_map(|proof| proof.id.strip_prefix('R')?.parse().ok()).max().unwrap_or_default()
    }

    fn proofs(&self, steps: &[Step]) -> Vec<Proof> {
        let read = brought(steps).filter(|one| !one.result.error).map(|one| Proof {
            id: one.id.to_owned(),
            object: String::new(),
            source: format!("{} {}", one.call.name, Value::Object(one.call.arguments.clone())),
            time: Some(self.now().to_string()),
            text: one.text.to_owned(),
        });
        read.collect()
    }

    /// What the model could know. What it said itself before does not count.
    fn seen(&self, answer: &Answer, steps: &[Step], known: &Known, question: &str) -> Seen {
        let mut seen = Seen { namespaces: known.namespaces.iter().cloned().collect(), ..Seen::default() };
        seen.ids.extend(brought(steps).map(|one| one.id.to_owned()));
        seen.add(question);
        if let Some(report) = &answer.report {
            seen.whole.push_str(verify::Known::new(report, &[]).whole());
        }
        for past in &self.past {
            seen.add(&past.question);
            if past.by_rules {
                seen.add(&past.answer);
            }
        }
        for proof in self.past.iter().flat_map(|past| &past.evidence).chain(&answer.evidence) {
            seen.ids.insert(proof.id.clone());
            seen.add(&format!("{} {}", proof.object, proof.text));
        }
        known.namespaces.iter().for_each(|name| seen.add(name));
        known.objects.iter().for_each(|entry| seen.add(&entry.object.to_string()));
        seen
    }
}

/// What a run tells, as the reader gets it.
struct Heard<'a> {
    tell: Tell<'a>,
    /// arguments by the call's id
    begun: HashMap<String, Map<String, Value>>,
    used: Vec<Used>,
}

impl Heard<'_> {
    fn event(&mut self, event: Event) {
        match event {
            Event::Model { model: llm::Event::Text { text } } => (self.tell)(News::Words(&text)),
            Event::Model { model: llm::Event::Step { model, what } } => {
                (self.tell)(News::Aside(&format!("{model}: {what}")));
            }
            Event::Model { model: llm::Event::Restart { model, why } } => {
                (self.tell)(News::Again);
                (self.tell)(News::Aside(&format!("{why} -> {model}")));
            }
            Event::CallBegan { id, arguments, .. } => {
                self.begun.insert(id, arguments);
            }
            Event::CallEnded { id, name, ok, .. } => {
                let arguments = Value::Object(self.begun.remove(&id).unwrap_or_default());
                let used = Used { name, arguments, ok };
                (self.tell)(News::Called(&used));
                self.used.push(used);
            }
            Event::Nudged | Event::WrappingUp { .. } => (self.tell)(News::Again),
            Event::Model { model: llm::Event::Reasoning { .. } | llm::Event::Call { .. } }
            | Event::Round { .. }
            | Event::Ended { .. } => {}
        }
    }
}

/// What a run came to, apart from what is checked afterwards.
fn spoken(ended: &Result<Ended, String>, answer: &Answer) -> Spoken {
    let lang = answer.lang;
    let mut spoken = Spoken {
        name: String::new(),
        run: String::new(),
        words: String::new(),
        ended: WhyEnded::Answered,
        failure: None,
        unchecked: Vec::new(),
        rounds: 0,
        tokens: Tokens::default(),
        cost: None,
        seconds: 0.0,
        steps: 0,
        ladder: Vec::new(),
    };
    let ended = match ended {
        Ok(ended) => ended,
        Err(message) => {
            spoken.ended = WhyEnded::Record { message: message.clone() };
            spoken.failure = Some(phrases::failure(&spoken.ended, lang));
            return spoken;
        }
    };
    for step in &ended.steps {
        if let Step::Replied { answer, .. } = step {
            spoken.name.clone_from(&answer.model);
            spoken.ladder.extend(answer.steps.iter().cloned());
        }
    }
    spoken.words = shown(&redact::text(&ended.text));
    spoken.failure = ended.by_program.then(|| phrases::failure(&ended.why_ended, lang));
    spoken.ended = ended.why_ended.clone();
    spoken.rounds = ended.rounds;
    let usage = ended.usage;
    spoken.tokens = Tokens { input: usage.input, cached: usage.cached, output: usage.output };
    spoken.cost = ended.cost;
    spoken.steps = ended.steps.len();
    spoken
}

/// The proposals that calls of this run became.
fn proposals(steps: &[Step]) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for one in brought(steps).filter(|one| effect(&one.call.name) == Some(Effect::Propose) && !one.result.error) {
        let id = one.result.structured.as_ref().and_then(|data| data["proposal"]["id"].as_str());
        ids.extend(id.filter(|id| !ids.iter().any(|known| known == id)).map(str::to_owned));
    }
    ids
}

/// How the question ended. Only rules say that something is well.
fn outcome(answer: &Answer, intent: &Intent, answered: bool) -> Outcome {
    let report = answer.report.as_ref();
    let ruled = report.map_or(answer.outcome, |report| Outcome::of_exit_code(report.exit_code()));
    match (answer.proposals.is_empty(), ruled, intent) {
        (false, _, _) => Outcome::Proposed,
        (true, ruled @ (Outcome::Causes | Outcome::Answered | Outcome::Proposed), _) => ruled,
        (true, Outcome::Unknown, Intent::Diagnose) => Outcome::Unknown,
        (true, Outcome::Unknown, _) if answered => Outcome::Answered,
        (true, Outcome::Unknown, _) => Outcome::Unknown,
    }
}
