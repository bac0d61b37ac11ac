//! Texts of all the places where secrets turn up, with values from a seed: how many are hidden, what stays.

mod support;

use support::{Random, fill, hidden, rounds};

#[test]
fn secrets_of_every_template_are_hidden_and_what_stands_around_them_stays() {
    let templates: Vec<&str> = include_str!("data/secret_templates.txt").split("\n%%\n").collect();
    assert!(templates.len() >= 150);
    let mut random = Random(20_261_124);
    let (mut secrets, mut lost, mut kept, mut gone) = (0, Vec::new(), 0, Vec::new());
    for _ in 0..rounds(3) {
        for template in &templates {
            let filled = fill(template.trim_end_matches('\n'), &mut random);
            let redactor = redact::Redactor::new();
            let clean = redactor.text(&filled.text);
            for secret in &filled.secrets {
                secrets += 1;
                if !hidden(secret, &clean) {
                    lost.push(format!("{secret:?} of {template:?}\n     in {clean:?}"));
                }
            }
            let mut rest: &str = &clean;
            for keep in &filled.keep {
                kept += 1;
                match rest.find(keep.as_str()) {
                    Some(at) => rest = &rest[at + keep.len()..],
                    None => gone.push(format!("{keep:?} of {template:?}\n     in {clean:?}")),
                }
            }
        }
    }
    println!(
        "{} of {secrets} not hidden:\n{}\n{} of {kept} not kept:\n{}",
        lost.len(),
        lost.join("\n"),
        gone.len(),
        gone.join("\n")
    );
    assert!(lost.len() * 100 <= secrets * 2, "less than 98 % hidden");
    assert!(gone.len() * 100 <= kept * 2, "less than 98 % kept");
}
