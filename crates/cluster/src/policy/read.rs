//! From the text of a policy file to a policy, or to every problem in it.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde_json::Value;

use super::file::{self, File, Match};
use super::rule::{About, Asks, Effective, Rule};
use super::terms::LONGEST;
use super::when::Condition;
use super::{DEFAULT, Policy, Problem};
use crate::canonical::Digest;
use crate::class::{Class, Scope};
use crate::limits::Windows;
use crate::yaml;

/// Bytes of a policy file.
const LARGEST: usize = 256 << 10;

impl Policy {
    /// Reads a policy. One with a problem is none.
    pub fn parse(text: &str) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems { lines: yaml::lines(text), list: Vec::new() };
        if text.len() > LARGEST {
            return Err(vec![Problem { line: 1, text: format!("the file is larger than {LARGEST} bytes") }]);
        }
        let values = yaml::values(text).map_err(|(line, text)| vec![Problem { line, text }])?;
        let file = yaml::every_problem::<File>(Value::Object(values), &mut |pointer, text| problems.say(pointer, text));
        // After a problem the entries of lists stand elsewhere, so their content is looked at only in a file without.
        let Some(file) = file.filter(|_| problems.list.is_empty()) else {
            return Err(problems.done());
        };
        let policy = Self::build(text, file, &mut problems);
        match policy.filter(|_| problems.list.is_empty()) {
            Some(policy) => Ok(policy),
            None => Err(problems.done()),
        }
    }

    fn build(text: &str, file: File, problems: &mut Problems) -> Option<Self> {
        let zone = match TimeZone::get(&file.timezone) {
            Ok(zone) => zone,
            Err(_) => {
                problems.say("/timezone", format!("{:?} is no IANA time zone", file.timezone));
                TimeZone::UTC
            }
        };
        limits(&file, problems);
        let freeze = Windows::read(&file.limits.freeze, zone.clone()).unwrap_or_else(|wrong| {
            for (index, why) in wrong {
                problems.say(&format!("/limits/freeze/{index}"), why);
            }
            Windows::default()
        });
        let labels = labels(&file, problems);
        let rules: Vec<Option<Rule>> =
            file.rules.iter().enumerate().map(|(index, rule)| read_rule(index, rule, problems)).collect();
        let replicas = u64::from(file.limits.replicas.floor)..=u64::from(file.limits.replicas.ceiling);
        let scope = Scope {
            protected_namespaces: file.protected.namespaces,
            protected_labels: labels,
            own_namespaces: file.own,
            registries: file.limits.registries.clone(),
            replicas,
        };
        Some(Self {
            digest: Digest::of(text.as_bytes()),
            number: file.version,
            zone,
            scope,
            rules: rules.into_iter().collect::<Option<_>>()?,
            limits: file.limits,
            freeze,
        })
    }
}

impl Default for Policy {
    /// The built-in one; a test holds that it has no problem.
    fn default() -> Self {
        Self::parse(DEFAULT).unwrap_or_else(|_| Self {
            digest: Digest::of(DEFAULT.as_bytes()),
            number: 0,
            zone: TimeZone::UTC,
            scope: Scope::default(),
            rules: Vec::new(),
            limits: crate::limits::Limits::default(),
            freeze: Windows::default(),
        })
    }
}

struct Problems {
    lines: BTreeMap<String, usize>,
    list: Vec<Problem>,
}

impl Problems {
    fn say(&mut self, pointer: &str, text: impl Into<String>) {
        let line = yaml::line_of(&self.lines, pointer);
        let field = pointer.trim_start_matches('/').replace('/', ".");
        let text = text.into();
        let text = if field.is_empty() { text } else { format!("{field}: {text}") };
        self.list.push(Problem { line, text });
    }

    fn done(mut self) -> Vec<Problem> {
        self.list.sort();
        self.list.dedup();
        self.list
    }
}

fn limits(file: &File, problems: &mut Problems) {
    let limits = &file.limits;
    if !(1..=10).contains(&limits.objects_per_plan) {
        problems.say("/limits/objects_per_plan", "1 to 10 objects can be in a plan");
    }
    if limits.unavailable_replicas_pct > 100 {
        problems.say("/limits/unavailable_replicas_pct", "it is a share of at most 100");
    }
    if limits.replicas.floor == 0 || limits.replicas.floor > limits.replicas.ceiling {
        problems.say("/limits/replicas", "floor is at least 1 and at most ceiling");
    }
    for (index, registry) in limits.registries.iter().enumerate() {
        if registry.is_empty() || registry.contains(['*', ' ']) {
            problems.say(&format!("/limits/registries/{index}"), "it is the beginning of an image's name, without *");
        }
    }
}

fn labels(file: &File, problems: &mut Problems) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (index, label) in file.protected.labels.iter().enumerate() {
        match label.split_once('=') {
            Some((key, value)) if !key.is_empty() => found.push((key.to_owned(), value.to_owned())),
            _ => problems.say(&format!("/protected/labels/{index}"), "a label is written as key=value"),
        }
    }
    found
}

fn read_rule(index: usize, rule: &file::Rule, problems: &mut Problems) -> Option<Rule> {
    let (word, about) = match rule {
        file::Rule::Deny(about) => ("deny", about.clone()),
        file::Rule::Approve(approve) => ("approve", approve.matcher()),
        file::Rule::Allow(about) => ("allow", about.clone()),
    };
    let place = format!("/rules/{index}/{word}");
    let before = problems.list.len();
    let classes = about.class.as_ref().map(|list| list.0.as_slice()).unwrap_or_default();
    let kind = match rule {
        file::Rule::Deny(_) => Effective::Deny,
        file::Rule::Allow(_) => {
            let probes = about
                .resources
                .as_ref()
                .is_some_and(|list| !list.0.is_empty() && list.0.iter().all(|name| name.starts_with("nodes/proxy/")));
            let fits = |class: &Class| *class <= Class::S || (*class == Class::X && probes);
            if classes.is_empty() || !classes.iter().all(fits) {
                let field = if classes.is_empty() { place.clone() } else { format!("{place}/class") };
                let text = "only reads are allowed at once: class R, S, and X for resources such as nodes/proxy/logs";
                problems.say(&field, text);
            }
            Effective::Allow
        }
        file::Rule::Approve(approve) => {
            if classes.is_empty() || classes.iter().any(|class| *class < Class::W || *class == Class::N) {
                let field = if classes.is_empty() { place.clone() } else { format!("{place}/class") };
                problems.say(&field, "an approve is for class W, D or X; N never happens and reads wait for nobody");
            }
            terms(&place, approve, problems);
            Effective::Approve(Asks::of(approve))
        }
    };
    let when = about.when.as_deref().and_then(|text| match Condition::parse(text) {
        Ok(condition) => Some(condition),
        Err(why) => {
            problems.say(&format!("{place}/when"), why);
            None
        }
    });
    patterns(&place, &about, problems);
    let reason = about.reason.clone();
    let line = yaml::line_of(&problems.lines, &place);
    (problems.list.len() == before).then(|| Rule { kind, about: About::of(about, when), line, reason })
}

fn terms(place: &str, approve: &file::Approve, problems: &mut Problems) {
    if approve.quorum.is_some_and(|quorum| !(1..=5).contains(&quorum)) {
        problems.say(&format!("{place}/quorum"), "1 to 5 people can be asked");
    }
    if approve.ttl.is_some_and(|ttl| ttl.0 == 0 || ttl.0 > LONGEST) {
        problems.say(&format!("{place}/ttl"), "a yes is good for at most 15m");
    }
    let ttl = approve.ttl.map_or(LONGEST, |ttl| ttl.0);
    if approve.hold.is_some_and(|hold| hold.0 >= ttl) {
        problems.say(&format!("{place}/hold"), "it would end after the yes itself (ttl)");
    }
}

/// An empty list fits nothing, which nobody means; a hidden space neither.
fn patterns(place: &str, about: &Match, problems: &mut Problems) {
    let lists = [
        ("resources", &about.resources),
        ("namespaces", &about.namespaces),
        ("names", &about.names),
        ("users", &about.users),
    ];
    for (field, list) in lists {
        let Some(list) = list else { continue };
        if list.0.is_empty() {
            problems.say(&format!("{place}/{field}"), "an empty list fits nothing; leave it out to mean all");
        }
        for (index, text) in list.0.iter().enumerate() {
            if text.is_empty() || text.chars().any(char::is_whitespace) {
                problems.say(&format!("{place}/{field}/{index}"), "it is empty or has a space in it");
            }
        }
    }
}
