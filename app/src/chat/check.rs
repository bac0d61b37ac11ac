//! Holds a model's prose against what was read: ids that do not exist, objects that are nowhere, quantities that nothing
//! names, deeds that nobody did.
//!
//! Pure. The words stay as they are; what nothing backs is listed beside them.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use diagnose::Lang;
use regex::Regex;

use super::answer::Guess;
use super::words;
use crate::investigate::verify::{occurs, plain};

/// More is noise.
const MOST: usize = 8;

/// What a model could know when it spoke.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    pub ids: BTreeSet<String>,
    pub namespaces: BTreeSet<String>,
    /// everything that was read, as `plain` writes it
    pub whole: String,
}

impl Seen {
    pub fn add(&mut self, text: &str) {
        self.whole.push_str(&plain(text));
        self.whole.push('\n');
    }
}

#[expect(clippy::expect_used, reason = "the pattern is a literal, and is compiled by every test")]
static ID: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?-u:\b)[ER][0-9]{1,4}(?-u:\b)").expect("a pattern"));

/// The model has no hands of its own: whoever says "I have scaled it" tells a story.
#[expect(clippy::expect_used, reason = "the pattern is a literal, and is compiled by every test")]
static DEED: LazyLock<Regex> = LazyLock::new(|| {
    let english = r"(?-u:\b)i(?:'ve| have)(?: now| just| already| successfully)* (?:scaled|restarted|deleted|removed|patched|updated|applied|rolled back|created|changed|fixed|set|expanded|cordoned)";
    let chinese = "我已经?|我刚刚?|已(?:经)?(?:为|帮|替)[您你]|已成功";
    let verbs = "扩容|缩容|扩到|缩到|重启|删除|修改|更新|应用|回滚|创建|修复|设置|调整";
    Regex::new(&format!("{english}|(?:{chinese})[^。\n]{{0,16}}(?:{verbs})")).expect("a pattern")
});

/// A word between marks of code.
#[expect(clippy::expect_used, reason = "the pattern is a literal, and is compiled by every test")]
static CODE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"`([a-z0-9][a-z0-9.-]*[a-z0-9])`").expect("a pattern"));

/// Sizes, shares and codes of an end: numbers that only a reading can give. Counts and times are not among them, a
/// sentence may add them up.
#[expect(clippy::expect_used, reason = "the pattern is a literal, and is compiled by every test")]
static QUANTITY: LazyLock<Regex> = LazyLock::new(|| {
    let sized = r"(?-u:\b)([0-9]+(?:\.[0-9]+)?(?:[kmgtp](?:ib?|b)(?-u:\b)|%))";
    Regex::new(&format!(r"{sized}|(?:exit(?:ed with)? code|退出码)[ :：为是]*([0-9]+)(?-u:\b)")).expect("a pattern")
});

/// What of the words is not backed.
pub fn guesses(said: &str, seen: &Seen, lang: Lang) -> Vec<Guess> {
    let mut found = Vec::new();
    let mut add = |text: &str, zh: &str, en: &str| {
        let why = match lang {
            Lang::Zh => zh,
            Lang::En => en,
        };
        if found.len() < MOST && !found.iter().any(|guess: &Guess| guess.text == text) {
            found.push(Guess { text: text.to_owned(), why: why.to_owned() });
        }
    };
    for id in ID.find_iter(said).map(|found| found.as_str()).filter(|id| !seen.ids.contains(*id)) {
        add(id, "没有这条证据", "there is no such evidence");
    }
    let flat = plain(said);
    for name in names(&flat, &seen.namespaces).into_iter().filter(|name| !occurs(&seen.whole, name)) {
        add(&name, "读到的内容里没有它，是猜测", "it occurs in nothing that was read, a guess");
    }
    let quantities = QUANTITY.captures_iter(&flat).filter_map(|found| found.get(1).or_else(|| found.get(2)));
    for one in quantities.map(|found| found.as_str()).filter(|one| !occurs(&seen.whole, one)) {
        add(one, "读到的内容里没有这个数", "nothing that was read names this number");
    }
    if let Some(deed) = DEED.find(&flat) {
        add(deed.as_str(), "什么都没有改动：模型只能提出", "nothing has changed: a model only proposes");
    }
    found
}

/// Names of objects in a flat text, as far as they cannot be mistaken for words.
fn names(flat: &str, namespaces: &BTreeSet<String>) -> Vec<String> {
    let part = |c: char| c.is_ascii_alphanumeric() || "-./:".contains(c);
    let mut found = Vec::new();
    for token in flat.split(|c: char| !part(c)).map(|token| token.trim_matches(['.', ':', '/', '-'])) {
        // an image or an address is no object
        if token.contains(':') {
            continue;
        }
        let of_kind = |word: &str| words::kind(word).is_some();
        match token.split('/').collect::<Vec<_>>().as_slice() {
            [kind, name] if of_kind(kind) => found.push(*name),
            [namespace, name] if namespaces.contains(*namespace) => found.push(*name),
            [kind, namespace, name] if of_kind(kind) || namespaces.contains(*namespace) => found.push(*name),
            [one] if one.contains('-') && one.chars().any(|c| c.is_ascii_digit()) => found.push(*one),
            _ => {}
        }
    }
    found.extend(
        CODE.captures_iter(flat).filter_map(|found| Some(found.get(1)?.as_str())).filter(|one| one.contains('-')),
    );
    found.retain(|name| name.len() > 2 && !words::is_plain(name) && !of_no_object(name));
    found.into_iter().map(str::to_owned).collect()
}

/// Dates, ranges and standards have hyphens and digits, too.
fn of_no_object(name: &str) -> bool {
    let known = ["utf-8", "iso-8601", "sha-256", "x86-64", "amd64", "base-64"];
    known.contains(&name) || name.chars().all(|c| c.is_ascii_digit() || "-.tz".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen() -> Seen {
        let mut seen = Seen {
            ids: ["E1", "R2"].map(str::to_owned).into(),
            namespaces: ["shop".to_owned()].into(),
            whole: String::new(),
        };
        seen.add(
            "Pod shop/cart-7d9f-xyz12 FailedScheduling; Deployment shop/cart; kube-system; limit 512Mi, exit code 137",
        );
        seen
    }

    fn marked(said: &str) -> Vec<String> {
        guesses(said, &seen(), Lang::En).into_iter().map(|guess| guess.text).collect()
    }

    #[test]
    fn what_was_read_is_not_marked() {
        for said in [
            "Pod cart-7d9f-xyz12 of shop/cart waits [E1][R2]; see kubectl -n shop describe deployment/cart.",
            "Pod `cart-7d9f-xyz12` 未就绪 [E1]，属于 deployment/cart。",
            "Use apps/v1 and/or a read-only UTF-8 file from 2026-11-24; `kube-system` is fine, `--previous` too.",
            "Run registry.example.com/other:2 as https://example.com/x-1 says.",
            "Pods were restarted 3 times. 已重启 3 次。",
            "It has a limit of 512Mi and ended with exit code 137. 限制为512Mi，退出码为 137。Wait 5m, at 10:30.",
        ] {
            assert_eq!(marked(said), Vec::<String>::new(), "{said}");
        }
    }

    #[test]
    fn what_nothing_backs_is_marked_once() {
        assert_eq!(marked("It is full [E99], [E99] and R7."), ["E99", "R7"]);
        assert_eq!(marked("Pod shop/web-9 and pod/ghost and cart-9000 fail."), ["web-9", "ghost", "cart-9000"]);
        assert_eq!(marked("The claim `data-old` is lost."), ["data-old"]);
        assert_eq!(marked("It used 12Mi, 93.5% of its 1.5GB."), ["12mi", "93.5%", "1.5gb"]);
        assert_eq!(marked("退出码为 139，内存用到 700Mi。"), ["139", "700mi"]);
        assert_eq!(marked("I have now scaled shop/cart to 5."), ["i have now scaled"]);
        assert_eq!(marked("我已经把 shop/cart 扩容了。").len(), 1);
        assert_eq!(marked("命名空间 shop 里的 cart-9000 挂了 [R9]"), ["R9", "cart-9000"]);
        assert_eq!(marked(&(10..60).map(|n| format!("E{n} ")).collect::<String>()).len(), MOST);
    }
}
