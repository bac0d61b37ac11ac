//! A conversation about one cluster: who asks, what was spoken of, what answers.

use std::sync::Arc;

use cluster::Cluster;
use diagnose::collect::Prometheus;
use diagnose::{Lang, ObjectRef, Target};
use jiff::Timestamp;
use serde_json::Value;
use tools::{Caller, Server, Trouble};

use super::answer::{Answer, Outcome, Proof, Used};
use super::known::{About, Before, Known, settled};
use super::names;
use super::phrases;
use super::question::{Intent, Question, read};
use crate::approvals::Approvals;
use crate::investigate::{Brief, investigate};
use crate::people::Person;
use crate::prometheus::Answers;

/// What is told while an answer is made, one line for each call.
pub type Told<'a> = &'a mut (dyn FnMut(&Used) + Send);

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
}

impl Room {
    /// Answers one typed text. Always answers: what could not be read or understood is said.
    pub async fn answer(&mut self, text: &str, told: Told<'_>) -> Answer {
        let question = read(text);
        let lang = self.lang.unwrap_or(question.lang);
        match &question.intent {
            Intent::Help => return Answer::new(lang, "").said(phrases::help(lang), Outcome::Answered),
            Intent::Manifest(manifest) => return self.apply(lang, manifest, told).await,
            Intent::Incomplete(lack) => {
                return Answer::new(lang, "").said(phrases::lacks(*lack, lang), Outcome::Unknown);
            }
            Intent::Proposals => return self.proposals(lang).await,
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
            | Intent::Unclear => {}
        }
        let (known, gaps) = names::known(&self.cluster, question.namespace.as_deref()).await;
        let about = known.about(&question, &self.before);
        let intent = settled(&question, &about);
        self.remember(&about);
        let mut answer = self.of(lang, &question, intent, about, &known, told).await;
        if answer.outcome == Outcome::Unknown {
            answer.gaps.extend(gaps);
        }
        answer
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
        told: Told<'_>,
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
            Intent::Order(order) => self.order(lang, order, &about, question, told).await,
            other => self.look(lang, &other, question, &about, known, told).await,
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
    pub async fn tool(&self, answer: &mut Answer, name: &str, arguments: Value, told: Told<'_>) -> Option<Value> {
        let map = arguments.as_object().cloned().unwrap_or_default();
        let result = self.server.call(&self.caller, name, map).await;
        let ok = matches!(result, Ok(_) | Err(Trouble::Approval(_)));
        let used = Used { name: name.to_owned(), arguments, ok };
        told(&used);
        answer.tools.push(used);
        let said = match result {
            Ok(said) => said,
            Err(Trouble::Approval(proposed)) => {
                answer.proposal = Some(proposed.id.clone());
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

fn target(about: &About) -> Target {
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
