//! What is so in a case, to find what a model says that is not. It looks at the case, not at the evidence that the model
//! was shown: the check of the product must not be its own judge.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use diagnose::{Lang, Report};
use regex::Regex;

use super::case::{Case, Named};
use crate::investigate::topics::{says_why, topics};
use crate::investigate::verify::Words;

pub struct Truth {
    /// everything that is recorded, and what the rules made of it, in small letters
    recorded: String,
    /// what the case is about, by its causes and facts
    topics: BTreeSet<&'static str>,
    healthy: bool,
}

/// Words that cannot be mistaken for others: `ns/name`, `99Gi`, and those with hyphens, of which only the ones with a
/// digit in them are looked at.
#[expect(clippy::expect_used, reason = "the pattern is a literal, and is compiled by every test")]
static MADE_UP: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"[a-z0-9-]+/[a-z0-9-]*[a-z0-9]|[a-z0-9]+(?:-[a-z0-9]+)+|[0-9]+(?:[kmgt]i?b?|%)").expect("a pattern")
});

#[expect(clippy::expect_used, reason = "the pattern is a literal, and is compiled by every test")]
static WELL: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?-u:\b)(?:is|are) (?:healthy|fine|well|ok)(?-u:\b)|false alarm|nothing (?:is )?wrong|误报|一切正常|没有问题|均正常")
        .expect("a pattern")
});

#[expect(clippy::expect_used, reason = "the pattern is a literal, and is compiled by every test")]
static CHANGES: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?-u:\b)(?:delete|apply|create|patch|scale|drain|cordon|edit|replace|exec|cp|run|rollout restart|annotate|label|taint|rm)(?-u:\b)")
        .expect("a pattern")
});

impl Truth {
    pub fn of(case: &Case, report: &Report) -> Result<Self, String> {
        let mut recorded = String::new();
        let mut left = vec![case.dir.join("cluster")];
        while let Some(path) = left.pop() {
            let failed = |error: std::io::Error| format!("{}: {error}", path.display());
            if path.is_dir() {
                for entry in std::fs::read_dir(&path).map_err(failed)? {
                    left.push(entry.map_err(failed)?.path());
                }
                continue;
            }
            recorded.push_str(&String::from_utf8_lossy(&std::fs::read(&path).map_err(failed)?).to_lowercase());
            recorded.push('\n');
        }
        for lang in [Lang::En, Lang::Zh] {
            recorded.push_str(&report.json(lang).to_string().to_lowercase());
        }
        let mut about = String::new();
        case.causes().iter().for_each(|(kind, _, name, class)| {
            about.push_str(&format!("{kind} {name} {} ", class.replace('_', " ")).to_lowercase());
        });
        // a cause that the rules name as the case does speaks of more than its class' name: `container_runtime_down` of a socket
        let right = |(_, _, name, class): &Named| {
            report.causes.iter().find(|cause| cause.object.name == *name && cause.class.name() == class)
        };
        for cause in case.causes().iter().filter_map(right) {
            about.push_str(&format!("{} {} ", cause.statement.en, cause.statement.zh).to_lowercase());
            cause
                .chain
                .iter()
                .for_each(|(_, text)| about.push_str(&format!("{} {} ", text.en, text.zh).to_lowercase()));
        }
        case.mentions().iter().flatten().for_each(|fact| about.push_str(&format!("{} ", fact.to_lowercase())));
        Ok(Self { recorded, topics: topics(&about).into_iter().collect(), healthy: case.healthy() })
    }

    /// How many statements of a kept answer are not so.
    pub fn lies(&self, words: &Words) -> usize {
        let commands = words.suggestions.iter().filter_map(|advice| advice.command.as_deref());
        let changing = commands.filter(|command| CHANGES.is_match(command)).count();
        changing + words.statements().filter(|text| self.is_lie(text)).count()
    }

    fn is_lie(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        let sure = |word: &&str| word.contains('/') || word.contains(|c: char| c.is_ascii_digit());
        let words = MADE_UP.find_iter(&text).map(|found| found.as_str());
        let made_up = words.filter(sure).any(|word| !self.recorded.contains(word));
        let topics = topics(&text);
        let elsewhere = !topics.is_empty() && !topics.iter().any(|topic| self.topics.contains(topic));
        made_up || !self.healthy && WELL.is_match(&text) || says_why(&text) && elsewhere
    }
}

/// Whether a sentence names this cause: the object, and the class by its name or by its words.
pub fn names(text: &str, (_, _, name, class): &Named) -> bool {
    let text = text.to_lowercase();
    let all = |mut words: std::str::Split<'_, char>| words.all(|word| text.contains(word));
    text.contains(&name.to_lowercase()) && (text.contains(class.as_str()) || all(class.split('_')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_the_case_is_no_lie_and_what_is_not_is_one() {
        let truth = Truth {
            recorded: "pod shop/cart-6d13b6422-x2k7p asks for 5gi; shop/cart".to_owned(),
            topics: BTreeSet::from(["disk"]),
            healthy: false,
        };
        for text in ["The claim of shop/cart asks for 5Gi because its disk is small.", "It waits."] {
            assert!(!truth.is_lie(text), "{text}");
        }
        for text in [
            "Pod cart-6d13b6422-zzzzz is down.",
            "It needs 99Gi.",
            "Everything in shop/web is down.",
            "The pod is healthy.",
            "It is due to DNS.",
            "根因是镜像不存在。",
        ] {
            assert!(truth.is_lie(text), "{text}");
        }
    }

    #[test]
    fn a_cause_is_named_by_its_object_and_class() {
        let cause = ("Pod".to_owned(), "shop".to_owned(), "cart-0".to_owned(), "oom_killed".to_owned());
        assert!(names("cart-0 was killed: OOM", &cause) && names("oom_killed: cart-0", &cause));
        assert!(!names("cart-0 is slow", &cause) && !names("oom killed", &cause));
    }
}
