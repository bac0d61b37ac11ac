//! Ordinary logs and manifests: nothing in them may be taken for a secret.

mod support;

use support::{Random, rounds};

const WORDS: [&str; 24] = [
    "orders",
    "payment",
    "gateway",
    "billing",
    "catalog",
    "search",
    "ingress",
    "prometheus",
    "grafana",
    "redis",
    "mysql",
    "worker",
    "frontend",
    "auth-proxy",
    "token-service",
    "keycloak",
    "session-store",
    "scheduler",
    "reporter",
    "mailer",
    "secrets-store",
    "api-server",
    "cache-warmer",
    "sidecar",
];

/// One line of the templates with `{kind}` filled in; other braces stay.
fn line(template: &str, random: &mut Random) -> String {
    let mut line = String::new();
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        line.push_str(&rest[..open]);
        rest = &rest[open..];
        let kind = rest.find('}').map(|close| &rest[1..close]);
        let filled = kind.and_then(|kind| value(kind, random));
        match (kind, filled) {
            (Some(kind), Some(filled)) => {
                line.push_str(&filled);
                rest = &rest[kind.len() + 2..];
            }
            _ => {
                line.push('{');
                rest = &rest[1..];
            }
        }
    }
    line + rest
}

fn value(kind: &str, random: &mut Random) -> Option<String> {
    Some(match kind {
        "word" => random.pick(&WORDS).to_owned(),
        "WORD" => random.pick(&WORDS).to_uppercase().replace('-', "_"),
        "n" => random.below(100_000).to_string(),
        "ip" => format!("10.{}.{}.{}", random.below(256), random.below(256), random.below(256)),
        "uuid" => random.uuid(),
        "time" => format!("2026-11-22T09:{:02}:{:02}.{:03}Z", random.below(60), random.below(60), random.below(1000)),
        "b64hash" => random.alnum(43),
        _ if kind.starts_with("hex") => random.hex(kind[3..].parse().ok()?),
        _ if kind.starts_with("upper") => random.letters("ABCDEFGHJKMNPQRSTVWXYZ0123456789", kind[5..].parse().ok()?),
        _ => return None,
    })
}

/// At most one line in ten thousand. 5 MB with `FUZZ_CASES=5000`.
#[test]
fn ordinary_lines_stay_as_they_are() {
    let templates: Vec<&str> = include_str!("data/clean_templates.txt").lines().collect();
    let mut random = Random(5);
    let (mut lines, mut bytes) = (0, 0);
    let mut wrong = Vec::new();
    for _ in 0..rounds(100) / 10 {
        let text: Vec<String> = (0..200).map(|_| line(random.pick(&templates), &mut random)).collect();
        let text = text.join("\n") + "\n";
        lines += text.lines().count();
        bytes += text.len();
        let redactor = redact::Redactor::new();
        let clean = redactor.text(&text);
        for (before, after) in text.lines().zip(clean.lines()).filter(|(before, after)| before != after) {
            wrong.push(format!("{before}\n   {after}"));
        }
    }
    println!("{} of {lines} lines, {bytes} bytes:\n{}", wrong.len(), wrong.join("\n"));
    assert!(wrong.len() * 10_000 <= lines);
}

/// The manifests themselves, not mixed with logs.
#[test]
fn each_template_stays_as_it_is() {
    let mut random = Random(6);
    for template in include_str!("data/clean_templates.txt").lines() {
        let text = line(template, &mut random);
        assert_eq!(redact::Redactor::new().text(&text), text);
    }
}
