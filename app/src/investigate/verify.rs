//! Holds what a model says against the evidence. What is not backed is dropped, with the reason; nobody is believed.
//!
//! Pure: the report and what the run's own calls returned are all that is looked at.

use std::sync::LazyLock;

use diagnose::{Confidence, Report};
use regex::Regex;
use serde::{Deserialize, Serialize};

use super::claims::{Claim, Claims};
use super::topics::{says_why, topics};

/// What is left of a model's answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Words {
    pub overview: Option<String>,
    pub cause: Option<Guess>,
    pub claims: Vec<Backed>,
    pub suggestions: Vec<Advice>,
    pub dropped: Vec<Dropped>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backed {
    pub text: String,
    pub evidence: Vec<String>,
}

/// A cause that only the model names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guess {
    pub text: String,
    /// the evidence that it quotes rightly; none: unconfirmed
    pub confirmed_by: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advice {
    pub text: String,
    /// only what reads, on objects that are in the evidence
    pub command: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    pub text: String,
    pub why: String,
}

/// More of one list is noise.
const MOST: usize = 12;
/// Characters of a quote.
const SHORTEST: usize = 6;
/// A longer sentence is no sentence.
const LONGEST: usize = 600;

/// What was read: the report's evidence, and results of calls that the run made, each with an id.
pub struct Known<'a> {
    report: &'a Report,
    results: &'a [(String, String)],
    /// all of it, for numbers and names
    whole: String,
    /// what the rules' causes say, and their classes
    verdict: String,
}

impl<'a> Known<'a> {
    pub fn new(report: &'a Report, results: &'a [(String, String)]) -> Self {
        let mut whole = String::new();
        let mut add = |text: &str| {
            whole.push_str(&plain(text));
            whole.push('\n');
        };
        for item in &report.evidence {
            add(&format!("{} {} {}", item.object, item.source, item.text));
        }
        let mut verdict = String::new();
        for cause in &report.causes {
            verdict.push_str(&format!("{} ", cause.class.name().replace('_', " ")));
            verdict.push_str(&plain(&format!("{} {} {} ", cause.object, cause.statement.zh, cause.statement.en)));
            cause.chain.iter().for_each(|(_, text)| verdict.push_str(&plain(&format!("{} {} ", text.zh, text.en))));
            add(&format!("{} {} {}", cause.object, cause.statement.zh, cause.statement.en));
            cause.chain.iter().for_each(|(object, text)| add(&format!("{object} {} {}", text.zh, text.en)));
            for fix in &cause.fixes {
                add(&format!("{} {} {}", fix.text.zh, fix.text.en, fix.command.as_deref().unwrap_or_default()));
            }
        }
        report.symptoms.iter().for_each(|s| add(&format!("{} {} {}", s.object, s.statement.zh, s.statement.en)));
        results.iter().for_each(|(_, text)| add(text));
        Self { report, results, whole, verdict }
    }

    /// All that was read, as [`plain`] writes it.
    pub fn whole(&self) -> &str {
        &self.whole
    }

    fn certain(&self) -> bool {
        self.report.causes.iter().any(|cause| cause.confidence == Confidence::Certain)
    }

    fn text(&self, id: &str) -> Option<&str> {
        let item = self.report.evidence.iter().find(|item| item.id == id).map(|item| item.text.as_str());
        item.or_else(|| self.results.iter().find(|(result, _)| result == id).map(|(_, text)| text.as_str()))
    }

    /// Ids that exist and whose text holds the quote of a sound sentence. The reason where there is none.
    fn backing(&self, claim: &Claim) -> Result<Vec<String>, String> {
        if let Some(id) = claim.evidence.iter().find(|id| self.text(id).is_none()) {
            return Err(format!("there is no evidence {id}"));
        }
        self.sound(&claim.text)?;
        if claim.evidence.is_empty() {
            return Err("no evidence is cited".to_owned());
        }
        let quote = plain(&claim.quote);
        if quote.is_empty() {
            return Err("nothing is quoted".to_owned());
        }
        // a letter stands everywhere and proves nothing; a value may be as short as `5Gi` where it is the whole item
        let holds = |id: &&String| {
            let text = self.text(id).map(plain).unwrap_or_default();
            text == quote || quote.chars().count() >= SHORTEST && text.contains(&quote)
        };
        let holding: Vec<String> = claim.evidence.iter().filter(holds).cloned().collect();
        if holding.is_empty() { Err("the quoted words do not stand in the evidence".to_owned()) } else { Ok(holding) }
    }

    /// Numbers and names of a sentence have to be known; a certain verdict is not talked away.
    fn sound(&self, text: &str) -> Result<(), String> {
        if text.trim().is_empty() || text.chars().count() > LONGEST {
            return Err("it is empty or too long for a sentence".to_owned());
        }
        let flat = plain(text);
        for found in NAME.find_iter(&flat) {
            if !occurs(&self.whole, found.as_str()) {
                return Err(format!("{} is in no evidence", found.as_str()));
            }
        }
        for found in NUMBER.find_iter(&flat) {
            if !occurs(&self.whole, found.as_str()) {
                return Err(format!("the number {} is in no evidence", found.as_str()));
            }
        }
        if self.certain() && DENIAL.is_match(&flat) {
            return Err("it speaks against what is certain".to_owned());
        }
        if !self.report.healthy && ALL_WELL.is_match(&flat) {
            return Err("it says that all is well, and the rules found otherwise".to_owned());
        }
        let spoken_of = topics(&flat);
        let known = topics(&self.whole);
        if let Some(topic) = spoken_of.iter().find(|topic| !known.contains(topic)) {
            return Err(format!("it speaks of {topic}, which is in no evidence"));
        }
        let ruled = topics(&self.verdict);
        let another = !spoken_of.is_empty() && !spoken_of.iter().any(|topic| ruled.contains(topic));
        if self.certain() && another && says_why(&flat) {
            return Err("it names another cause than the certain one".to_owned());
        }
        match HARM.captures(&flat).and_then(|found| found.iter().skip(1).find_map(|part| part)) {
            Some(found) => Err(format!("it would have somebody {}", found.as_str())),
            None => Ok(()),
        }
    }
}

/// Quantities, counts, codes: what a model likes to invent.
#[expect(clippy::expect_used, reason = "the pattern is a literal, and is compiled by every test")]
static NUMBER: LazyLock<Regex> = LazyLock::new(|| {
    // the boundary is ASCII's: a number may follow a Chinese character, and `E3` is none; a word that begins with a digit
    // is looked for as a whole
    Regex::new(r"(?-u:\b)[0-9][0-9a-z]*(?:\.[0-9][0-9a-z]*)*%?").expect("a pattern")
});

/// Names as Kubernetes writes them: `ns/name`, and words in which a hyphen meets a digit.
#[expect(clippy::expect_used, reason = "the pattern is a literal, and is compiled by every test")]
static NAME: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"[a-z0-9][a-z0-9.-]*/[a-z0-9][a-z0-9./:-]*[a-z0-9]|[a-z0-9]+(?:-[a-z0-9]+)*-[a-z]*[0-9][a-z0-9-]*[a-z0-9]",
    )
    .expect("a pattern")
});

#[expect(clippy::expect_used, reason = "the pattern is a literal, and is compiled by every test")]
static DENIAL: LazyLock<Regex> = LazyLock::new(|| {
    let words = "healthy|not the cause|no problem|is fine|works as|is bound|is normal|nothing wrong|unrelated|no longer|\
                 was resolved|is resolved|has been fixed|was fixed|正常|没有问题|无问题|不是原因|并非原因|无关|健康|已修复|已解决|已恢复";
    Regex::new(words).expect("a pattern")
});

/// Of the whole, not of one object that was ruled out.
#[expect(clippy::expect_used, reason = "the pattern is a literal, and is compiled by every test")]
static ALL_WELL: LazyLock<Regex> = LazyLock::new(|| {
    let english = "false alarm|nothing (?:is |was )?wrong|(?:everything|all)(?: [a-z]+){0,3} (?:healthy|fine|well|ok|normal)|\
                   (?:rules?|verdict|diagnosis) (?:is|are|was) (?:wrong|mistaken)";
    Regex::new(&format!(
        "{english}|误报|一切正常|(?:都|均|全部)(?:很)?(?:正常|健康)|没有问题|无需处理|规则.{{0,6}}(?:错|误)"
    ))
    .expect("a pattern")
});

/// What cannot be taken back is advised by rules only: a text in the cluster may have told the model to say it.
#[expect(clippy::expect_used, reason = "the pattern is a literal, and is compiled by every test")]
static HARM: LazyLock<Regex> = LazyLock::new(|| {
    let english = r"(?-u:\b)(?:delete|drain|remove|wipe|destroy|purge|uninstall)(?-u:\b)|ignore (?:the|all|previous|your)|--force|--grace-period|rm -";
    Regex::new(&format!("({english}|清空|卸载|驱逐|忽略)|(?:^|[^被已])(删除)")).expect("a pattern")
});

/// Checks every part of an answer by itself.
pub fn verify(said: Claims, known: &Known<'_>) -> Words {
    let mut words = Words::default();
    let mut drop = |text: String, why: String| words.dropped.push(Dropped { text, why });
    if !said.overview.text.is_empty() {
        match known.backing(&said.overview) {
            Ok(_) => words.overview = Some(said.overview.text),
            Err(why) => drop(said.overview.text, why),
        }
    }
    if let Some(cause) = said.cause.filter(|cause| !cause.text.is_empty()) {
        match (known.sound(&cause.text), known.certain()) {
            (Err(why), _) => drop(cause.text, why),
            (Ok(()), true) => drop(cause.text, "the rules are certain of the cause".to_owned()),
            (Ok(()), false) => match known.backing(&cause) {
                Ok(confirmed_by) => words.cause = Some(Guess { text: cause.text, confirmed_by }),
                Err(why) if known.report.healthy => drop(cause.text, format!("the rules found all well, and {why}")),
                Err(_) => words.cause = Some(Guess { text: cause.text, confirmed_by: Vec::new() }),
            },
        }
    }
    for claim in said.claims.into_iter().take(MOST) {
        match known.backing(&claim) {
            Ok(evidence) => words.claims.push(Backed { text: claim.text, evidence }),
            Err(why) => drop(claim.text, why),
        }
    }
    for suggestion in said.suggestions.into_iter().take(MOST) {
        match known.sound(&suggestion.text) {
            Err(why) => drop(suggestion.text, why),
            Ok(()) => {
                let command = suggestion.command.filter(|command| !command.trim().is_empty());
                let checked = command.map(|command| reads(&command, known).map(|()| command));
                let command = match checked.transpose() {
                    Ok(command) => command,
                    Err(why) => {
                        drop(suggestion.text.clone(), why);
                        None
                    }
                };
                words.suggestions.push(Advice { text: suggestion.text, command });
            }
        }
    }
    words
}

/// A command of a model is shown only where it reads, and reads what is there.
fn reads(command: &str, known: &Known<'_>) -> Result<(), String> {
    const READING: [&str; 9] =
        ["get", "describe", "logs", "events", "top", "explain", "api-resources", "version", "cluster-info"];
    if command.contains(['|', ';', '&', '`', '$', '>', '<', '\n', '\\']) {
        return Err("a command of several parts is not shown".to_owned());
    }
    let mut words = command.split_whitespace();
    if words.next() != Some("kubectl") {
        return Err("a command that is not kubectl's is not shown".to_owned());
    }
    let words: Vec<&str> = words.collect();
    let verb = verb(&words);
    if !READING.contains(&verb) {
        return Err(format!("the model's `kubectl {verb}` would change something"));
    }
    if words.iter().any(|word| word.to_lowercase().starts_with("secret") || *word == "--raw") {
        return Err("secrets are not read".to_owned());
    }
    known.sound(command)
}

/// The first word that is neither an option nor the value of one that stands before it.
fn verb<'a>(words: &[&'a str]) -> &'a str {
    const WITH_VALUE: [&str; 4] = ["-n", "--namespace", "--context", "--cluster"];
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if WITH_VALUE.contains(word) {
            words.next();
        } else if !word.starts_with('-') {
            return word;
        }
    }
    ""
}

/// As a text is compared: small letters, one space between words.
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(&word.to_lowercase());
    }
    out
}

/// Whether a word stands in a text by itself and not as a part of a longer one: `5gi` is not in `15gi`.
pub fn occurs(text: &str, word: &str) -> bool {
    let part = |c: char| c.is_ascii_alphanumeric();
    text.match_indices(word).any(|(at, _)| {
        let before = text.get(..at).and_then(|head| head.chars().next_back());
        let after = text.get(at + word.len()..).and_then(|tail| tail.chars().next());
        !before.is_some_and(part) && !after.is_some_and(part)
    })
}

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;
