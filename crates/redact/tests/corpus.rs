//! The corpus of fake secrets: how many are hidden, and how much of what operators need stays.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    id: String,
    text: String,
    secrets: Vec<String>,
    keep: Vec<String>,
}

fn cases() -> Vec<Case> {
    let lines = include_str!("data/redaction_cases.jsonl").lines();
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Hidden means that no eight characters of it in a row are left (all of it, if it is shorter).
fn hidden(secret: &str, clean: &str) -> bool {
    let characters: Vec<char> = secret.chars().collect();
    let size = characters.len().min(8);
    !characters.windows(size).any(|run| clean.contains(&run.iter().collect::<String>()))
}

#[test]
fn secrets_are_hidden_and_context_stays() {
    let (mut secrets, mut lost, mut kept, mut gone) = (0, Vec::new(), 0, Vec::new());
    for case in cases() {
        let redactor = redact::Redactor::new();
        let clean = redactor.text(&case.text);
        for secret in &case.secrets {
            secrets += 1;
            if !hidden(secret, &clean) {
                lost.push(format!("{} {secret:?} in {clean:?}", case.id));
            }
        }
        for keep in &case.keep {
            kept += 1;
            if !clean.contains(keep.as_str()) {
                gone.push(format!("{} {keep:?} from {clean:?}", case.id));
            }
        }
    }
    let share = |of: usize, missing: usize| 100.0 * (of - missing) as f64 / of as f64;
    println!(
        "hidden {:.1} % of {secrets}, kept {:.1} % of {kept}",
        share(secrets, lost.len()),
        share(kept, gone.len())
    );
    println!("not hidden:\n{}\nnot kept:\n{}", lost.join("\n"), gone.join("\n"));
    // The one left is a key in base64, whose first letters are those of the certificate that has to stay beside it.
    assert!(share(secrets, lost.len()) >= 98.5 && share(kept, gone.len()) >= 100.0);
}

#[test]
fn what_is_clean_stays_as_it_is() {
    for case in cases() {
        let redactor = redact::Redactor::new();
        let once = redactor.text(&case.text).into_owned();
        assert_eq!(redactor.text(&once), once, "{}", case.id);
    }
}
