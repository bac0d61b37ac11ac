//! The configuration as people write it: the guides' examples, precedence, and hundreds of mistakes.

use std::path::Path;

use midwatch::config::{Loaded, load};
use serde_json::{Value, json};

/// Every section and every type of channel.
pub const FULL: &str = include_str!("data/full.yaml");

fn read(text: &str) -> Loaded {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("midwatch.yaml");
    std::fs::write(&path, text).unwrap();
    load(Some(&path), std::iter::empty(), &[])
}

fn problems(loaded: &Loaded) -> Vec<String> {
    loaded.problems.iter().map(ToString::to_string).collect()
}

#[test]
fn the_full_example_is_right_and_keeps_its_secrets() {
    let loaded = read(FULL);
    assert_eq!(problems(&loaded), Vec::<String>::new());
    assert_eq!(loaded.config.channels.len(), 8, "one channel of each type");
    let shown = serde_json::to_string(&loaded.config).unwrap() + &format!("{:?}", loaded.config);
    assert!(!shown.contains("hush"), "a secret is shown: {shown}");
}

#[test]
fn what_the_guides_show_is_a_right_configuration() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for guide in ["README.md", "README.zh.md"] {
        let text = std::fs::read_to_string(root.join(guide)).unwrap();
        let blocks = text.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
        let ours: Vec<&str> = blocks.filter(|block| block.contains("channels:")).collect();
        assert!(!ours.is_empty(), "{guide} shows no configuration");
        for block in ours {
            assert_eq!(problems(&read(block)), Vec::<String>::new(), "{guide}:\n{block}");
        }
    }
}

#[test]
fn flags_win_over_variables_and_variables_over_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("midwatch.yaml");
    std::fs::write(&path, "listen: 127.0.0.1:1\nlang: zh\nlog: {level: warn}\nretention_days: 7\n").unwrap();
    let env =
        [("MIDWATCH_LISTEN", "127.0.0.1:2"), ("MIDWATCH_LOG__LEVEL", "debug"), ("MIDWATCH_LANG", "en"), ("PATH", "/")];
    let env = env.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let loaded = load(Some(&path), env.into_iter(), &[("listen", json!("127.0.0.1:3"))]);
    assert_eq!(problems(&loaded), Vec::<String>::new());
    let config = loaded.config;
    assert_eq!(config.listen.port(), 3);
    assert_eq!(config.log.level, "debug");
    assert_eq!(config.retention_days, 7);
    assert_eq!(serde_json::to_value(config.lang).unwrap(), "en");
}

#[test]
fn a_problem_in_a_variable_or_flag_is_told_by_its_name() {
    let env =
        [("MIDWATCH_LISTEN".to_owned(), "nowhere".to_owned()), ("MIDWATCH_LOGG__LEVEL".to_owned(), "x".to_owned())];
    let found = problems(&load(None, env.into_iter(), &[("data_dir", json!(7))]));
    for name in ["variable MIDWATCH_LISTEN", "variable MIDWATCH_LOGG__LEVEL", "--data-dir"] {
        assert!(found.iter().any(|problem| problem.contains(name)), "{name} in {found:#?}");
    }
}

#[test]
fn several_problems_are_told_in_one_run_each_with_its_line() {
    let found = problems(&read(
        "listen: nowhere\nlogs: {level: info}\nchannels:\n  ops: {type: telegraph}\n  mail: {type: email, host: h, form: x, from: a@b.c, to: [a@b.c]}\nroutes:\n- channels: [opps]\nincidents:\n  concurrency: many\n",
    ));
    for place in [
        ":1: listen",
        ":2: logs",
        ":4: channels.ops",
        ":5: channels.mail",
        ":7: routes.0.channels.0",
        ":9: incidents.concurrency",
    ] {
        assert!(found.iter().any(|problem| problem.contains(place)), "{place} in {found:#?}");
    }
}

/// A small generator with a fixed seed: the same mistakes in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % below
    }
}

/// Pointers of all values but the root.

#[test]
fn a_prompt_file_that_cannot_be_used_is_named_before_a_job_needs_it() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("midwatch.yaml");
    let prompt = folder.path().join("prompt.md");
    let told = |content: Option<&[u8]>| {
        if let Some(content) = content {
            std::fs::write(&prompt, content).unwrap();
        }
        std::fs::write(&config, format!("\nprompt: {}\n", prompt.display())).unwrap();
        problems(&load(Some(&config), std::iter::empty(), &[])).join("\n")
    };
    let missing = told(None);
    assert!(missing.contains(":2:") && missing.contains("prompt.md") && missing.contains("No such file"), "{missing}");
    assert!(told(Some(b" \n")).contains("the file is empty"));
    assert!(told(Some(b"\xff\xfe")).contains("UTF-8"));
    assert_eq!(told(Some("先看事件。".as_bytes())), "");
}

fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(list) => list.iter().enumerate().map(|(i, value)| (i.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    for (key, child) in children {
        let pointer = format!("{at}/{key}");
        pointers(child, &pointer, found);
        found.push(pointer);
    }
}

/// A value of a type that cannot stand there.
fn wrong(value: &Value) -> Value {
    match value {
        Value::Object(_) => json!(7),
        Value::Array(_) => json!({"zz": 1}),
        Value::Number(_) | Value::Bool(_) => json!("perhaps"),
        Value::String(_) | Value::Null => json!({"zz": [1]}),
    }
}

/// A wrong configuration, and the words of which one must be in what is said about it.
fn mutate(full: &Value, dice: &mut Dice) -> (String, Vec<String>) {
    let mut all = Vec::new();
    pointers(full, "", &mut all);
    let pointer = all[dice.roll(all.len())].clone();
    let mut value = full.clone();
    let first = pointer.split('/').nth(1).unwrap().to_owned();
    match dice.roll(4) {
        0 => {
            let place = value.pointer_mut(&pointer).unwrap();
            *place = wrong(place);
            (serde_saphyr::to_string(&value).unwrap(), vec![first])
        }
        1 => {
            let maps: Vec<&String> = all.iter().filter(|p| full.pointer(p).is_some_and(Value::is_object)).collect();
            let map = maps[dice.roll(maps.len())].clone();
            let name = format!("zz_{}", dice.roll(100));
            // a label's pattern or a header's value may have any name, so the value is wrong as well
            value.pointer_mut(&map).unwrap()[&name] = json!({"zz": 1});
            (serde_saphyr::to_string(&value).unwrap(), vec![name, map.split('/').nth(1).unwrap().to_owned()])
        }
        2 => {
            let references =
                ["/routes/0/channels/0", "/routes/1/channels/0", "/fallback/0", "/quiet_hours/0/channels/0"];
            let name = format!("nobody-{}", dice.roll(1000));
            *value.pointer_mut(references[dice.roll(references.len())]).unwrap() = json!(name);
            (serde_saphyr::to_string(&value).unwrap(), vec![name])
        }
        _ => {
            let mut lines: Vec<&str> = FULL.lines().collect();
            let broken = ["\t- x", "  : [unclosed", "key: 'unclosed", "}{", "a: b: c", "&a *b", "%bad"];
            lines.insert(dice.roll(lines.len()), broken[dice.roll(broken.len())]);
            (lines.join("\n"), vec!["midwatch.yaml:".to_owned()])
        }
    }
}

#[test]
fn five_hundred_mistakes_are_each_told_with_their_place() {
    let full: Value = serde_saphyr::from_str(FULL).unwrap();
    let mut dice = Dice(20_261_124);
    for round in 0..500 {
        let (text, words) = mutate(&full, &mut dice);
        let found = problems(&read(&text));
        let named = |problem: &String| words.iter().any(|word| problem.contains(word.as_str()));
        assert!(found.iter().any(named), "round {round}: none of {words:?} in {found:#?} for\n{text}");
        let numbered = |problem: &String| {
            let rest = problem.split("midwatch.yaml:").nth(1).unwrap_or_default();
            rest.starts_with(|c: char| c.is_ascii_digit())
        };
        assert!(found.iter().all(numbered), "round {round}: no line in {found:#?}");
    }
}
