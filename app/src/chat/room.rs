//! A conversation about one cluster: who asks, what was spoken of, what answers.

use std::sync::Arc;

use cluster::Cluster;
use diagnose::collect::Prometheus;
use diagnose::{Lang, ObjectRef, Target};
use jiff::Timestamp;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tools::{Caller, Server, Trouble};

use super::answer::{Answer, Outcome, Proof, Used};
use super::known::{About, Before, Known, settled};
use super::model::Advisor;
use super::names;
use super::phrases;
use super::prompt::Past;
use super::question::{Intent, Question, kept, read};
use crate::approvals::Approvals;
use crate::investigate::{Brief, investigate};
use crate::people::Person;
use crate::prometheus::Answers;
use crate::toolbox::Servers;

/// What happens while an answer is made.
#[derive(Debug, Clone, Copy)]
pub enum News<'a> {
    /// a tool was called
    Called(&'a Used),
    /// what rules and tools say, before a model is asked as well
    Ruled(&'a Answer),
    /// a model is asked, by its name
    Asking(&'a str),
    /// a piece of its answer
    Words(&'a str),
    /// the words so far are no answer: it begins again
    Again,
    /// something that was tried on the way
    Aside(&'a str),
}

pub type Tell<'a> = &'a mut (dyn for<'n> FnMut(News<'n>) + Send);

pub struct Room {
    pub cluster: Cluster,
    /// a recording's own time
    pub time: Option<Timestamp>,
    pub prometheus: Option<Answers>,
    pub server: Server,
    pub caller: Caller,
    pub person: Person,
    /// None: nothing can be proposed here
    pub approvals: Option<Arc<Approvals>>,
    pub before: Before,
    /// the last proposal of this conversation that was carried out
    pub done: Option<String>,
    /// None: that of each question
    pub lang: Option<Lang>,
    /// other people's tools; None: ours alone
    pub servers: Option<Servers>,
    /// None: rules and tools answer alone
    pub advisor: Option<Advisor>,
    /// what was asked and answered so far
    pub past: Vec<Past>,
}

/// What rules and tools made of a text, and what it was found to be about.
pub(super) struct Ruled {
    pub answer: Answer,
    pub intent: Intent,
    /// None where nothing was looked for
    pub about: Option<About>,
    pub known: Known,
}

impl Ruled {
    fn of(answer: Answer, intent: &Intent) -> Self {
        Self { answer, intent: intent.clone(), about: None, known: Known::default() }
    }
}

impl Room {
    /// Answers one typed text: by rules and tools, and by a model where they do not suffice. Always answers: what could not
    /// be read or understood is said. None: it was cancelled before there was anything to say.
    pub async fn answer(&mut self, text: &str, tell: Tell<'_>, cancel: &CancellationToken) -> Option<Answer> {
        let question = read(text);
        let mut ruled = tokio::select! {
            biased;
            () = cancel.cancelled() => return None,
            ruled = self.by_rules(&question, &mut *tell) => ruled,
        };
        let answer = match self.advisor.clone().filter(|advisor| self.wants(advisor, &question, &ruled)) {
            Some(advisor) => {
                ruled.answer.needs_model |= question.guessed;
                self.advised(&advisor, (text, &question), ruled, tell, cancel).await
            }
            None => ruled.answer,
        };
        self.past.push(Past {
            question: kept(text),
            answer: answer.said_last().to_owned(),
            by_rules: answer.by() == "rules",
            evidence: answer.evidence.clone(),
        });
        Some(answer)
    }

    async fn by_rules(&mut self, question: &Question, tell: Tell<'_>) -> Ruled {
        let lang = self.lang.unwrap_or(question.lang);
        let plainly = match &question.intent {
            Intent::Help => Some(Answer::new(lang, "").said(phrases::help(lang), Outcome::Answered)),
            Intent::Manifest(manifest) => Some(self.apply(lang, manifest, &mut *tell).await),
            Intent::Incomplete(lack) => Some(Answer::new(lang, "").said(phrases::lacks(*lack, lang), Outcome::Unknown)),
            Intent::Proposals => Some(self.proposals(lang).await),
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
            | Intent::Order(_)
            | Intent::Unclear => None,
        };
        if let Some(answer) = plainly {
            return Ruled::of(answer, &question.intent);
        }
        let (known, gaps) = names::known(&self.cluster, question.namespace.as_deref()).await;
        let about = known.about(question, &self.before);
        let intent = settled(question, &about);
        self.remember(&about);
        let mut answer = self.of(lang, question, intent.clone(), about.clone(), &known, tell).await;
        if answer.outcome == Outcome::Unknown {
            answer.gaps.extend(gaps);
        }
        Ruled { answer, intent, about: Some(about), known }
    }

    fn remember(&mut self, about: &About) {
        if let About::Object(object) = about {
            self.before.object = Some(object.clone());
        }
    }

    async fn of(
        &mut self,
        lang: Lang,
        question: &Question,
        intent: Intent,
        about: About,
        known: &Known,
        tell: Tell<'_>,
    ) -> Answer {
        match (&about, &intent) {
            (_, Intent::Unclear) => {
                let mut answer = Answer::new(lang, "").said(phrases::needs_model(lang), Outcome::Unknown);
                answer.needs_model = true;
                return answer;
            }
            (About::Nothing { wanted, near }, _) => {
                return Answer::new(lang, "").said(phrases::nothing(wanted, near, lang), Outcome::Unknown);
            }
            (About::Several(found), _) => {
                return Answer::new(lang, "").said(phrases::several(found, lang), Outcome::Unknown);
            }
            (About::Object(_) | About::Namespace(_) | About::Cluster, _) => {}
        }
        match intent {
            Intent::Diagnose => self.diagnose(lang, target(&about)).await,
            Intent::Order(order) => self.order(lang, order, &about, question, tell).await,
            other => self.look(lang, &other, question, &about, known, tell).await,
        }
    }

    /// The rules' verdict.
    pub async fn diagnose(&self, lang: Lang, target: Target) -> Answer {
        let prometheus = self.prometheus.as_ref().map(|answers| answers as &dyn Prometheus);
        let brief = Brief { target, expression: None };
        Answer::of_report(lang, investigate(&self.cluster, prometheus, &brief, self.now()).await)
    }

    pub fn now(&self) -> Timestamp {
        self.time.unwrap_or_else(Timestamp::now)
    }

    /// Calls one tool and keeps what it said as evidence. None: it failed, and the answer says why.
    pub async fn tool(&self, answer: &mut Answer, name: &str, arguments: Value, tell: Tell<'_>) -> Option<Value> {
        let map = arguments.as_object().cloned().unwrap_or_default();
        let result = self.server.call(&self.caller, name, map).await;
        let ok = matches!(result, Ok(_) | Err(Trouble::Approval(_)));
        let used = Used { name: name.to_owned(), arguments, ok };
        tell(News::Called(&used));
        answer.tools.push(used);
        let said = match result {
            Ok(said) => said,
            Err(Trouble::Approval(proposed)) => {
                answer.proposals.push(proposed.id.clone());
                answer.outcome = Outcome::Proposed;
                answer.text = proposed.summary.clone();
                return Some(Value::Null);
            }
            Err(trouble) => {
                // what the server would have redacted for a client
                let why = redact::text(&trouble.to_string()).into_owned();
                answer.text = if answer.text.is_empty() { why } else { format!("{}\n{why}", answer.text) };
                answer.outcome = Outcome::Unknown;
                return None;
            }
        };
        let id = format!("E{}", answer.evidence.len() + 1);
        let text = said.text.trim_end().to_owned();
        answer.text = if answer.text.is_empty() { text.clone() } else { format!("{}\n{text}", answer.text) };
        answer.evidence.push(Proof {
            id,
            object: answer.about.clone(),
            source: name.to_owned(),
            time: Some(self.now().to_string()),
            text,
        });
        Some(said.data)
    }

    pub(super) async fn object(&self, path: &str) -> Result<Value, String> {
        let request = http::Request::get(path).body(Vec::new()).map_err(|error| error.to_string())?;
        self.cluster.client.request::<Value>(request).await.map_err(|error| cluster::reason(&error))
    }

    /// Lists and counts are read without a tool; they are evidence all the same.
    pub fn read_proof(&self, answer: &mut Answer, source: String, text: String) {
        let id = format!("E{}", answer.evidence.len() + 1);
        let time = Some(self.now().to_string());
        answer.evidence.push(Proof { id, object: answer.about.clone(), source, time, text });
    }
}

pub(super) fn target(about: &About) -> Target {
    match about {
        About::Object(object) if object.kind == "Namespace" => Target::Namespace(object.name.clone()),
        About::Object(object) => Target::Object(object.clone()),
        About::Namespace(namespace) => Target::Namespace(namespace.clone()),
        About::Cluster | About::Several(_) | About::Nothing { .. } => Target::Cluster,
    }
}

/// The object that is spoken of, if it is one.
pub fn object(about: &About) -> Option<&ObjectRef> {
    match about {
        About::Object(object) => Some(object),
        About::Namespace(_) | About::Cluster | About::Several(_) | About::Nothing { .. } => None,
    }
}
