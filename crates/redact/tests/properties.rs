//! Properties of the redactor on random texts, targets 2 and 3 of the list for fuzzing. `FUZZ_CASES` makes them long.
//! What once failed is kept in `tests/properties.proptest-regressions`.

mod support;

use proptest::prelude::*;
use redact::Redactor;
use support::{Random, fill, hidden, rounds};

fn templates() -> Vec<&'static str> {
    include_str!("data/secret_templates.txt").split("\n%%\n").collect()
}

fn clean_lines() -> Vec<&'static str> {
    include_str!("data/clean_templates.txt").lines().collect()
}

/// Secrets of random templates between ordinary lines.
fn mixed(seed: u64, size: usize) -> (String, Vec<String>) {
    let mut random = Random(seed);
    let (templates, lines) = (templates(), clean_lines());
    let (mut text, mut secrets) = (String::new(), Vec::new());
    while text.len() < size {
        let filled = fill(random.pick(&templates).trim_end(), &mut random);
        text.push_str("---\n");
        text.push_str(&filled.text);
        text.push_str("\n---\n");
        secrets.extend(filled.secrets);
        for _ in 0..random.below(40) {
            text.push_str(random.pick(&lines));
            text.push('\n');
        }
    }
    (text, secrets)
}

/// Cuts the text at random places, between characters.
fn pieces(text: &str, cuts: usize, random: &mut Random) -> Vec<String> {
    let mut at: Vec<usize> = (0..cuts).map(|_| text.floor_char_boundary(random.below(text.len() + 1))).collect();
    at.extend([0, text.len()]);
    at.sort_unstable();
    at.windows(2).map(|pair| text[pair[0]..pair[1]].to_owned()).collect()
}

fn streamed(redactor: &Redactor, pieces: &[String]) -> String {
    let mut stream = redactor.stream();
    let mut output: String = pieces.iter().map(|piece| stream.push(piece)).collect();
    output.push_str(&stream.finish());
    output
}

/// Placeholders without their ids, which differ between sessions.
fn without_ids(text: &str) -> String {
    let mut parts = text.split("[[");
    let mut bare = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.split_once("]]").map_or(part, |(_, rest)| rest);
        bare.push_str("[[]]");
        bare.push_str(rest);
    }
    bare
}

proptest! {
    #![proptest_config(ProptestConfig { cases: rounds(2) as u32, ..ProptestConfig::default() })]

    #[test]
    fn in_pieces_as_in_one_and_no_secret_is_left(seed: u64, size in 70_000_usize..160_000, cuts in 0_usize..200) {
        let (text, secrets) = mixed(seed, size);
        let whole = Redactor::new().text(&text).into_owned();
        let mut random = Random(seed);
        let streamed = streamed(&Redactor::new(), &pieces(&text, cuts, &mut random));
        prop_assert_eq!(without_ids(&whole), without_ids(&streamed));
        let lost: Vec<&String> = secrets.iter().filter(|secret| !hidden(secret, &whole)).collect();
        prop_assert!(lost.len() * 50 <= secrets.len(), "{:?} of {}", lost, secrets.len());
        prop_assert!(whole.len() <= text.len() * 2);
    }
}

const PARTS: &str = "([ -~\\n密码：é\\[\\]]|password|token: |: |=|\"|\\\\|@|://|data:\\n|kind: Secret|eyJhbGci|-----BEGIN PRIVATE KEY-----|-----END |\\[\\[password:ABCDE\\]\\]|%3D|stringData|\\{\"|name: |value: |Bearer |cookie: a=|--token |\\$6\\$|sk-|LS0tLS1CRUdJTi){0,60}";

proptest! {
    #![proptest_config(ProptestConfig { cases: rounds(64) as u32, ..ProptestConfig::default() })]

    #[test]
    fn no_text_breaks_the_rules_and_twice_is_once(text in PARTS) {
        let redactor = Redactor::new();
        let once = redactor.text(&text).into_owned();
        prop_assert_eq!(redactor.text(&once), once.as_str());
    }

    #[test]
    fn no_object_breaks_the_rules_and_its_shape_stays(name in "[A-Za-z_]{1,12}|password|kind|data", text in PARTS, other in PARTS) {
        let before = serde_json::json!({"kind": text, name: [other, {"stringData": {"a": text}}], "n": 1});
        let mut after = before.clone();
        Redactor::new().value(&mut after);
        prop_assert_eq!(shape(&before), shape(&after));
    }

    #[test]
    fn a_seen_secret_goes_in_every_encoding(secret in "[A-Z][a-z]{3}[A-Za-z0-9!#%+/=&\"\\\\]{8,40}[0-9]{2}[a-z]", before in "[a-z ]{0,20}", after in "[a-z ]{0,20}") {
        let redactor = Redactor::new();
        redactor.learn(&secret);
        for (way, form) in support::encodings(&secret, &before, &after) {
            let text = format!("{before}\n{form}\n{after}");
            let clean = redactor.text(&text);
            prop_assert!(!clean.contains(&form), "{} {} -> {}", way, text, clean);
        }
    }

    #[test]
    fn equal_values_and_only_those_have_equal_placeholders(a in "[A-Za-z0-9]{8,30}", b in "[A-Za-z0-9]{8,30}") {
        let redactor = Redactor::new();
        let of = |text: String| redactor.text(&text).split_once("[[").and_then(|(_, rest)| rest.split_once("]]")).map(|(id, _)| id.to_owned());
        let one = of(format!("password={a}1A"));
        prop_assert!(one.is_some());
        prop_assert_eq!(&one, &of(format!("\"api_key\": \"{a}1A\"")));
        prop_assert_eq!(one == of(format!("token: {b}1A")), a == b);
    }
}

fn shape(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Object(map) => map.iter().map(|(key, value)| format!("{key}{{{}}}", shape(value))).collect(),
        serde_json::Value::Array(items) => items.iter().map(|item| format!("[{}]", shape(item))).collect(),
        serde_json::Value::String(_) => "s".to_owned(),
        other => other.to_string(),
    }
}

/// Several threads at once: each value keeps one placeholder, and no two values share one.
#[test]
fn threads_see_the_same_placeholders() {
    let redactor = Redactor::new();
    let texts: Vec<String> = (0..200).map(|n| format!("password=Value{n:05}x")).collect();
    let seen: Vec<Vec<String>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| texts.iter().map(|text| redactor.text(text).into_owned()).collect()))
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(seen.iter().all(|one| *one == seen[0]));
    let distinct: std::collections::HashSet<&String> = seen[0].iter().collect();
    assert_eq!(distinct.len(), texts.len());
}
