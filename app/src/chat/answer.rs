//! An answer and what it rests on.

use diagnose::{Lang, Report};
use serde::Serialize;
use serde_json::{Value, json};

/// One piece of what an answer rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Proof {
    pub id: String,
    pub object: String,
    pub source: String,
    pub time: Option<String>,
    pub text: String,
}

/// A tool that was called.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Used {
    pub name: String,
    pub arguments: Value,
    pub ok: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// what was asked is answered, or all is well
    Answered,
    /// causes were found
    Causes,
    /// it could not be told
    Unknown,
    /// a change waits for a person's yes
    Proposed,
}

impl Outcome {
    /// As `diagnose` ends.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Answered | Self::Proposed => 0,
            Self::Causes => 1,
            Self::Unknown => 2,
        }
    }
}

#[derive(Debug, Clone)]
pub struct Answer {
    pub lang: Lang,
    /// the object, namespace or cluster that it is about
    pub about: String,
    pub text: String,
    /// the diagnosis, where the answer is one
    pub report: Option<Report>,
    pub evidence: Vec<Proof>,
    pub tools: Vec<Used>,
    pub gaps: Vec<String>,
    pub outcome: Outcome,
    /// id of the proposal that an order became
    pub proposal: Option<String>,
    /// nothing but a model could answer this
    pub needs_model: bool,
    /// the model that worded it; None: rules and tools alone
    pub model: Option<String>,
}

impl Answer {
    pub fn new(lang: Lang, about: impl Into<String>) -> Self {
        Self {
            lang,
            about: about.into(),
            text: String::new(),
            report: None,
            evidence: Vec::new(),
            tools: Vec::new(),
            gaps: Vec::new(),
            outcome: Outcome::Answered,
            proposal: None,
            needs_model: false,
            model: None,
        }
    }

    pub fn said(mut self, text: impl Into<String>, outcome: Outcome) -> Self {
        self.text = text.into();
        self.outcome = outcome;
        self
    }

    /// In the reader's language.
    pub fn word(&self, zh: &str, en: &str) -> String {
        match self.lang {
            Lang::Zh => zh.to_owned(),
            Lang::En => en.to_owned(),
        }
    }

    pub fn of_report(lang: Lang, report: Report) -> Self {
        let about = match &report.target {
            diagnose::Target::Object(object) => object.to_string(),
            diagnose::Target::Namespace(namespace) => format!("Namespace {namespace}"),
            diagnose::Target::Cluster => "Cluster".to_owned(),
        };
        let proof = |item: &diagnose::report::EvidenceItem| Proof {
            id: item.id.clone(),
            object: item.object.to_string(),
            source: item.source.clone(),
            time: item.time.map(|time| time.to_string()),
            text: item.text.clone(),
        };
        let outcome = match report.exit_code() {
            0 => Outcome::Answered,
            1 => Outcome::Causes,
            _ => Outcome::Unknown,
        };
        let mut answer = Self::new(lang, about).said(crate::message::lead(&report).get(lang), outcome);
        answer.evidence = report.evidence.iter().map(proof).collect();
        answer.gaps = report.gaps.iter().map(|gap| format!("{}: {}", gap.what, gap.why)).collect();
        answer.report = Some(report);
        answer
    }

    /// What the answer rests on, as programs read it.
    pub fn json(&self, question: &str) -> Value {
        let report = self.report.as_ref().map(|report| report.json(self.lang));
        let part = |name: &str| report.as_ref().map_or_else(|| json!([]), |report| report[name].clone());
        json!({
            "schema": 1,
            "question": question,
            "about": self.about,
            "answer": self.text,
            "outcome": self.outcome,
            "by": self.model.as_deref().unwrap_or("rules"),
            "needs_model": self.needs_model,
            "causes": part("causes"),
            "symptoms": part("symptoms"),
            "evidence": self.evidence,
            "gaps": self.gaps,
            "tools": self.tools,
            "proposal": self.proposal,
        })
    }
}
