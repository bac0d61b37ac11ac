//! What a rule says about one object, and the facts it rests on.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::class::Class;
use crate::object::{Object, ObjectRef};

/// A sentence in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Text {
    pub zh: String,
    pub en: String,
}

pub fn text(zh: impl Into<String>, en: impl Into<String>) -> Text {
    Text { zh: zh.into(), en: en.into() }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    Zh,
    En,
}

impl Text {
    pub fn get(&self, lang: Lang) -> &str {
        match lang {
            Lang::Zh => &self.zh,
            Lang::En => &self.en,
        }
    }
}

/// How sure a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// an exact field or a component's own text says so
    Certain,
    /// inferred from several facts
    Likely,
    /// one of several explanations
    Possible,
}

/// Where a fact was read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// a field path, e.g. `spec.resources.requests.storage`
    Field(String),
    /// an event's reason
    Event(String),
    /// a container's log
    Log { container: String, previous: bool },
    /// a PromQL query
    Metric(String),
    /// the object was asked for and the API server said it does not exist
    Absent,
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Source::Field(path) => write!(f, "field:{path}"),
            Source::Event(reason) => write!(f, "event:{reason}"),
            Source::Log { container, previous: false } => write!(f, "log:{container}"),
            Source::Log { container, previous: true } => write!(f, "log:{container}:previous"),
            Source::Metric(query) => write!(f, "metric:{query}"),
            Source::Absent => f.write_str("absent"),
        }
    }
}

/// One fact a finding rests on. It becomes an evidence item `E1`... of the report.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cite {
    pub object: ObjectRef,
    pub source: Source,
    pub time: Option<Timestamp>,
    pub text: String,
}

impl Cite {
    /// A field of an object, given by its JSON pointer; the text is the field's value.
    pub fn field(object: &Object, pointer: &str) -> Self {
        let value = object.at(pointer);
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let path = pointer.trim_start_matches('/').replace('/', ".");
        Self { object: object.re.clone(), source: Source::Field(path), time: None, text }
    }

    /// The object does not exist, as the API server said.
    pub fn absent(object: &ObjectRef) -> Self {
        Self { object: object.clone(), source: Source::Absent, time: None, text: format!("{object} not found") }
    }
}

/// Something a person can paste, with what it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fix {
    pub text: Text,
    pub command: Option<String>,
}

#[derive(Debug, Clone)]
pub struct Finding {
    /// what has to change: for a fault of a pod template its top controller, not the pod
    pub object: ObjectRef,
    pub class: Class,
    pub confidence: Confidence,
    pub statement: Text,
    pub cites: Vec<Cite>,
    /// objects that explain this finding if they have a finding of their own
    pub because: Vec<ObjectRef>,
    /// further objects that this finding is seen on (the pods of the controller)
    pub seen_on: Vec<ObjectRef>,
    pub fixes: Vec<Fix>,
}

impl Finding {
    pub fn new(class: Class, object: &ObjectRef, statement: Text) -> Self {
        Self {
            object: object.clone(),
            class,
            confidence: Confidence::Certain,
            statement,
            cites: Vec::new(),
            because: Vec::new(),
            seen_on: Vec::new(),
            fixes: Vec::new(),
        }
    }

    pub fn likely(mut self) -> Self {
        self.confidence = Confidence::Likely;
        self
    }

    pub fn possible(mut self) -> Self {
        self.confidence = Confidence::Possible;
        self
    }

    pub fn cite(mut self, cite: Cite) -> Self {
        self.cites.push(cite);
        self
    }

    pub fn cites(mut self, cites: impl IntoIterator<Item = Cite>) -> Self {
        self.cites.extend(cites);
        self
    }

    pub fn because(mut self, object: ObjectRef) -> Self {
        self.because.push(object);
        self
    }

    pub fn seen_on(mut self, object: &ObjectRef) -> Self {
        if *object != self.object {
            self.seen_on.push(object.clone());
        }
        self
    }

    pub fn fix(mut self, text: Text, command: impl Into<String>) -> Self {
        self.fixes.push(Fix { text, command: Some(command.into()) });
        self
    }

    pub fn advice(mut self, text: Text) -> Self {
        self.fixes.push(Fix { text, command: None });
        self
    }
}
