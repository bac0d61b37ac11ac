//! An answer and what it rests on.

use agent::WhyEnded;
use diagnose::{Lang, Report};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// One piece of what an answer rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// That of a diagnosis.
    pub fn of_exit_code(code: u8) -> Self {
        match code {
            0 => Self::Answered,
            1 => Self::Causes,
            _ => Self::Unknown,
        }
    }

    /// As `diagnose` ends.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Answered | Self::Proposed => 0,
            Self::Causes => 1,
            Self::Unknown => 2,
        }
    }
}

/// Something in a model's words that nothing backs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Guess {
    /// as the model wrote it
    pub text: String,
    pub why: String,
}

/// What a model added to what rules and tools can say.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Spoken {
    /// by its name in the configuration; empty where none answered
    pub name: String,
    /// the run that the store keeps
    pub run: String,
    /// the answer itself; of the program where the model gave none
    #[serde(skip)]
    pub words: String,
    pub ended: WhyEnded,
    /// why there are no words of a model, in a sentence
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// what of the words is not backed
    pub unchecked: Vec<Guess>,
    pub rounds: u32,
    pub tokens: Tokens,
    pub cost: Option<f64>,
    pub seconds: f64,
    /// steps of the run
    pub steps: usize,
    /// what was switched off or changed so that the provider took the request
    pub ladder: Vec<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tokens {
    pub input: u64,
    pub cached: u64,
    pub output: u64,
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
    /// ids of the proposals that orders became
    pub proposals: Vec<String>,
    /// nothing but a model could answer this
    pub needs_model: bool,
    /// what a model said; None: rules and tools alone
    pub model: Option<Spoken>,
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
            proposals: Vec::new(),
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
        let outcome = Outcome::of_exit_code(report.exit_code());
        let mut answer = Self::new(lang, about).said(crate::message::lead(&report).get(lang), outcome);
        answer.evidence = report.evidence.iter().map(proof).collect();
        answer.gaps = report.gaps.iter().map(|gap| format!("{}: {}", gap.what, gap.why)).collect();
        answer.report = Some(report);
        answer
    }

    /// The last word: a model's where one spoke.
    pub fn said_last(&self) -> &str {
        match &self.model {
            Some(spoken) if spoken.failure.is_none() => &spoken.words,
            Some(_) | None => &self.text,
        }
    }

    /// Who said it.
    pub fn by(&self) -> &str {
        match &self.model {
            Some(spoken) if spoken.failure.is_none() => &spoken.name,
            Some(_) | None => "rules",
        }
    }

    /// What the answer rests on, as programs read it.
    pub fn json(&self, question: &str) -> Value {
        let report = self.report.as_ref().map(|report| report.json(self.lang));
        let part = |name: &str| report.as_ref().map_or_else(|| json!([]), |report| report[name].clone());
        json!({
            "schema": 1,
            "question": question,
            "about": self.about,
            "answer": self.said_last(),
            "rules": self.text,
            "outcome": self.outcome,
            "by": self.by(),
            "needs_model": self.needs_model,
            "model": self.model,
            "causes": part("causes"),
            "symptoms": part("symptoms"),
            "evidence": self.evidence,
            "gaps": self.gaps,
            "tools": self.tools,
            "proposal": self.proposals.first(),
            "proposals": self.proposals,
        })
    }
}
