//! What goes out: causes, symptoms, the evidence they cite, what could not be read. Its JSON is the contract of
//! `midwatch diagnose -o json`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::evidence::{Evidence, Gap, Target};
use crate::finding::{Cite, Confidence, Finding, Fix, Lang, Text};
use crate::judge::{Verdict, judge};
use crate::object::ObjectRef;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Report {
    pub target: Target,
    pub time: Timestamp,
    pub causes: Vec<ReportCause>,
    pub symptoms: Vec<ReportFinding>,
    pub evidence: Vec<EvidenceItem>,
    pub ruled_out: Vec<Text>,
    pub gaps: Vec<Gap>,
    pub healthy: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReportCause {
    pub rank: usize,
    pub object: ObjectRef,
    pub class: crate::class::Class,
    pub confidence: Confidence,
    pub statement: Text,
    pub chain: Vec<(ObjectRef, Text)>,
    pub evidence: Vec<String>,
    pub fixes: Vec<Fix>,
    /// the further objects it is seen on
    pub seen_on: Vec<ObjectRef>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReportFinding {
    pub object: ObjectRef,
    pub class: crate::class::Class,
    pub statement: Text,
    pub evidence: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceItem {
    pub id: String,
    pub object: ObjectRef,
    pub source: String,
    pub time: Option<Timestamp>,
    pub text: String,
}

impl Report {
    /// Judges the evidence and writes the report.
    pub fn of(evidence: &Evidence) -> Self {
        Self::new(evidence, judge(evidence))
    }

    fn new(evidence: &Evidence, verdict: Verdict) -> Self {
        let mut items = Items::default();
        let causes: Vec<ReportCause> = verdict
            .causes
            .into_iter()
            .enumerate()
            .map(|(i, cause)| {
                let evidence = items.ids(cause.finding.cites);
                for step in &cause.chain {
                    items.ids(step.cites.clone());
                }
                ReportCause {
                    rank: i + 1,
                    object: cause.finding.object,
                    class: cause.finding.class,
                    confidence: cause.finding.confidence,
                    statement: cause.finding.statement,
                    chain: cause.chain.into_iter().map(|f| (f.object, f.statement)).collect(),
                    evidence,
                    fixes: cause.finding.fixes,
                    seen_on: cause.finding.seen_on,
                }
            })
            .collect();
        let symptoms: Vec<ReportFinding> = verdict.symptoms.into_iter().map(|f| items.finding(f)).collect();
        let healthy = causes.is_empty() && symptoms.is_empty() && evidence.gaps.is_empty();
        Self {
            target: evidence.target.clone(),
            time: evidence.now,
            ruled_out: crate::ruled_out::ruled_out(evidence, &causes),
            causes,
            symptoms,
            evidence: items.list,
            gaps: evidence.gaps.clone(),
            healthy,
        }
    }

    /// Passes every text that came from the cluster through `change`; names and classes stay.
    pub fn redact(&mut self, change: impl Fn(&str) -> String) {
        let both = |text: &mut Text| {
            text.zh = change(&text.zh);
            text.en = change(&text.en);
        };
        for cause in &mut self.causes {
            both(&mut cause.statement);
            cause.chain.iter_mut().for_each(|(_, statement)| both(statement));
            for fix in &mut cause.fixes {
                both(&mut fix.text);
                fix.command = fix.command.as_deref().map(&change);
            }
        }
        self.symptoms.iter_mut().for_each(|symptom| both(&mut symptom.statement));
        self.evidence.iter_mut().for_each(|item| item.text = change(&item.text));
        for gap in &mut self.gaps {
            gap.why = change(&gap.why);
        }
    }

    /// 0 healthy, 1 causes found, 2 could not tell.
    pub fn exit_code(&self) -> u8 {
        match (self.causes.is_empty(), self.healthy) {
            (false, _) => 1,
            (true, true) => 0,
            (true, false) => 2,
        }
    }

    /// The JSON of section 4 of the design; the same report gives the same bytes.
    pub fn json(&self, lang: Lang) -> Value {
        let brief = match &self.target {
            Target::Object(object) => json!({"object": object}),
            Target::Namespace(namespace) => json!({"namespace": namespace}),
            Target::Cluster => json!({"cluster": true}),
        };
        let causes: Vec<Value> = self.causes.iter().map(|c| c.json(lang)).collect();
        let symptoms: Vec<Value> = self
            .symptoms
            .iter()
            .map(|s| json!({"object": s.object, "class": s.class.name(), "statement": s.statement.get(lang), "evidence": s.evidence}))
            .collect();
        let ruled_out: Vec<&str> = self.ruled_out.iter().map(|t| t.get(lang)).collect();
        json!({
            "schema": 1,
            "brief": brief,
            "causes": causes,
            "symptoms": symptoms,
            "evidence": self.evidence,
            "ruled_out": ruled_out,
            "gaps": self.gaps,
            "healthy": self.healthy,
        })
    }
}

impl ReportCause {
    fn json(&self, lang: Lang) -> Value {
        let chain: Vec<Value> = self
            .chain
            .iter()
            .map(|(object, finding)| json!({"object": object, "finding": finding.get(lang)}))
            .collect();
        let fixes: Vec<Value> =
            self.fixes.iter().map(|f| json!({"text": f.text.get(lang), "command": f.command})).collect();
        json!({
            "rank": self.rank,
            "object": self.object,
            "class": self.class.name(),
            "confidence": self.confidence,
            "statement": self.statement.get(lang),
            "chain": chain,
            "evidence": self.evidence,
            "fixes": fixes,
            "seen_on": self.seen_on,
        })
    }
}

/// Numbers the cited facts in the order they are first cited.
#[derive(Default)]
struct Items {
    list: Vec<EvidenceItem>,
    known: BTreeMap<Cite, String>,
}

impl Items {
    fn ids(&mut self, cites: Vec<Cite>) -> Vec<String> {
        cites.into_iter().map(|cite| self.id(cite)).collect()
    }

    fn id(&mut self, cite: Cite) -> String {
        if let Some(id) = self.known.get(&cite) {
            return id.clone();
        }
        let id = format!("E{}", self.list.len() + 1);
        self.list.push(EvidenceItem {
            id: id.clone(),
            object: cite.object.clone(),
            source: cite.source.to_string(),
            time: cite.time,
            text: cite.text.clone(),
        });
        self.known.insert(cite, id.clone());
        id
    }

    fn finding(&mut self, finding: Finding) -> ReportFinding {
        ReportFinding {
            object: finding.object,
            class: finding.class,
            statement: finding.statement,
            evidence: self.ids(finding.cites),
        }
    }
}
