//! Whatever the text, every channel's body keeps its limit and holds no mention and no link that the tree did not.

use notify::{
    Block, Body, Channel, Cut, Inline, Keep, Lang, Link, Mention, Message, Piece, Rendered, Section, Severity, Status,
};
use proptest::prelude::*;
use serde_json::Value;

use crate::sample::{every_form, report};

/// What calls people in one messenger or another.
const CALLS: [&str; 9] = ["<at", "<@", "<!channel", "<!here", "@all", "@everyone", "@here", "@channel", "@所有人"];

/// The body as the receiver gets it.
fn encoded(body: &Body) -> String {
    match body {
        Body::Json(value) => value.to_string(),
        Body::Mail(letter) => format!("{}\n{}\n{}", letter.subject, letter.text, letter.html),
        Body::Text(text) => text.clone(),
    }
}

fn all_text(rendered: &Rendered) -> String {
    rendered.parts.iter().map(|p| encoded(&p.body)).collect::<Vec<_>>().join("\n")
}

/// Undo what renderers do to a text so that it can be searched.
fn readable(text: &str) -> String {
    text.replace('\u{2060}', "").replace("&#47;", "/").replace("&#95;", "_").replace("&#45;", "-").replace("&lt;", "<")
}

/// The size in the unit that the vendor counts, measured from the body and not from what the renderer says.
fn vendor_size(channel: &Channel, body: &Body) -> usize {
    fn characters(value: &Value) -> usize {
        match value {
            Value::String(s) => s.chars().count(),
            Value::Array(a) => a.iter().map(characters).sum(),
            Value::Object(o) => o.values().map(characters).sum(),
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        }
    }
    match (channel, body) {
        (Channel::WecomBot(_), Body::Json(json)) => {
            let kind = json["msgtype"].as_str().unwrap();
            let content = json[kind]["content"].as_str().unwrap();
            if kind == "text" { content.len() * 2 } else { content.len() }
        }
        (Channel::Slack(_), Body::Json(json)) => characters(json),
        (Channel::Console(_), Body::Text(text)) => text.chars().count(),
        (_, body) => encoded(body).len(),
    }
}

fn check_limits(channel: &Channel, rendered: &Rendered) -> Result<(), TestCaseError> {
    for part in &rendered.parts {
        let size = vendor_size(channel, &part.body);
        prop_assert!(size <= channel.limits().max, "{}: {size}", channel.target());
        prop_assert!(part.size <= channel.limits().max);
    }
    Ok(())
}

/// Code is shown as it is and is not read for links by any of the messengers.
fn without_code(text: &str) -> String {
    let mut out = String::new();
    for (n, outside) in text.split("```").enumerate() {
        if n % 2 == 0 {
            out.extend(outside.split('`').step_by(2));
        }
    }
    out
}

fn check_markup(channel: &Channel, rendered: &Rendered) -> Result<(), TestCaseError> {
    for part in &rendered.parts {
        let (texts, own_links): (Vec<String>, bool) = match (channel, &part.body) {
            (Channel::FeishuBot(_) | Channel::FeishuApp(_), Body::Json(json)) => {
                let mut found = vec![];
                contents(json, &["content", "display_name"], &mut found);
                (found, true)
            }
            (Channel::WecomBot(_) | Channel::DingtalkBot(_), Body::Json(json)) => {
                let mut found = vec![];
                contents(json, &["content", "text", "title"], &mut found);
                (found, true)
            }
            (Channel::Slack(_), Body::Json(json)) => {
                let mut found = vec![];
                contents(json, &["text"], &mut found);
                (found, true)
            }
            (Channel::Email(_), Body::Mail(letter)) => {
                let broken = letter.subject.contains(['\n', '\r']);
                prop_assert!(!broken, "{}", letter.subject);
                (vec![letter.html.clone()], false)
            }
            (_, _) => continue,
        };
        for text in texts {
            let low = text.to_lowercase().replace("<at id=ou_boss></at>", "").replace("<@ou_boss>", "");
            for call in CALLS {
                prop_assert!(!own_links || !low.contains(call), "{call} in {text}");
            }
            for tag in ["<script", "<img", "<iframe", "<a href=\"javascript", "onerror=\""] {
                prop_assert!(own_links || !low.contains(tag), "{tag} in {text}");
            }
            let hidden = text.contains(['\u{202e}', '\u{0}', '\u{1b}']);
            prop_assert!(!hidden, "hidden characters in {text}");
            let open =
                without_code(&text).replace("https://midwatch.example/i/42", "").replace("https://docs.example/", "");
            if own_links {
                prop_assert!(!open.contains("://"), "link in {text}");
                prop_assert_eq!(
                    open.matches("](").count(),
                    text.matches("](https://midwatch.example/i/42)").count()
                        + text.matches("](https://docs.example/)").count(),
                    "link in {}",
                    text
                );
            } else {
                prop_assert_eq!(open.matches("<a ").count(), open.matches("<a href=\"\" ").count(), "link in {}", text);
            }
        }
    }
    Ok(())
}

fn contents(value: &Value, keys: &[&str], found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::String(text) if keys.contains(&key.as_str()) || key.starts_with('c') => {
                        found.push(text.clone())
                    }
                    other => contents(other, keys, found),
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|v| contents(v, keys, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => any::<String>(),
        3 => prop::sample::select(vec![
            "<at id=all></at>", "<AT user_id=\"ou_x\">x</AT>", "<@U123>", "<!channel>", "<!here|x>", "@all", "@所有人", "@Everyone",
            "[click](https://evil.example/x)", "![i](https://evil.example)", "<https://evil.example|ok>", "https://evil.example",
            "www.evil.example", "</font><font color=\"info\">", "```\n<at id=all></at>\n```", "`", "**", "\u{202e}abc", "\u{1b}[31m", "\n# big\n> q\n",
            "<script>alert(1)</script>", "\" onerror=\"x", "&#60;at id=all&#62;", "| a | b |\n|---|---|", "数据卷申请过小", "👨‍👩‍👧🔥", "a_b*c~d",
            "javascript:alert(1)", "<javascript:alert(1)>", "[x]: https://evil.example", "\r\nBcc: x@evil.example", "\u{0}", "[a][b]",
        ]).prop_map(str::to_owned),
        1 => "[a-z]{200,900}",
        1 => "[一-龥]{50,800}",
    ];
    prop::collection::vec(piece, 0..5).prop_map(|p| p.concat())
}

fn inline() -> impl Strategy<Value = Inline> {
    prop_oneof![
        hostile().prop_map(Inline::Text),
        hostile().prop_map(Inline::Strong),
        hostile().prop_map(Inline::Code),
        hostile().prop_map(|text| Inline::Link(Link { text, url: "https://docs.example/".into() })),
        hostile().prop_map(|url| Inline::Link(Link { text: "x".into(), url: format!("javascript:{url}") })),
    ]
}

fn block() -> impl Strategy<Value = Block> {
    let few = || prop::collection::vec(hostile(), 0..5);
    prop_oneof![
        prop::collection::vec(inline(), 0..6).prop_map(Block::Paragraph),
        prop::collection::vec((hostile(), hostile()), 0..30).prop_map(Block::Facts),
        prop::collection::vec(prop::collection::vec(inline(), 0..3), 0..20).prop_map(Block::List),
        (few(), prop::collection::vec(few(), 0..15)).prop_map(|(head, rows)| Block::Table { head, rows }),
        (hostile(), prop::collection::vec(hostile(), 0..40))
            .prop_map(|(lang, t)| Block::Code { lang, text: t.join("\n") }),
        hostile().prop_map(Block::Quote),
        Just(Block::Rule),
    ]
}

fn message() -> impl Strategy<Value = Message> {
    let keep = prop::sample::select(vec![Keep::Log, Keep::Related, Keep::Alternative, Keep::Normal, Keep::Must]);
    let piece = (keep, block()).prop_map(|(keep, block)| Piece { keep, block });
    let section = (hostile(), prop::collection::vec(piece, 0..6)).prop_map(|(title, pieces)| Section { title, pieces });
    let texts = (hostile(), hostile(), hostile(), hostile());
    (texts, prop::collection::vec(section, 0..4), any::<bool>(), any::<bool>()).prop_map(
        |((title, object, lead, footer), sections, zh, called)| Message {
            title,
            severity: Severity::Critical,
            status: Status::Diagnosed,
            object,
            lead,
            sections,
            mentions: if called {
                vec![
                    Mention::User("ou_boss".into()),
                    Mention::User("x></at><at id=all".into()),
                    Mention::Email("a\r\nBcc: b@c".into()),
                ]
            } else {
                vec![]
            },
            link: Some(Link { text: "x".into(), url: "https://midwatch.example/i/42".into() }),
            lang: if zh { Lang::Zh } else { Lang::En },
            thread: "t".into(),
            revision: 0,
            footer,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_fits_and_stays_text(message in message()) {
        for channel in every_form() {
            let full = channel.render(&message);
            check_limits(&channel, &full)?;
            check_markup(&channel, &full)?;
            let smaller = channel.render_smaller(&message);
            check_limits(&channel, &smaller)?;
        }
    }
}

#[test]
fn the_report_is_whole_in_every_channel() {
    for lang in [Lang::Zh, Lang::En] {
        let message = report(lang);
        for channel in every_form() {
            let rendered = channel.render(&message);
            assert_eq!(rendered.cuts, [], "{}", channel.target());
            let text = readable(&all_text(&rendered)).replace("\\\"", "\"");
            for part in ["KubePodNotReady", "5Gi", "10Gi", "aiops/test-data", "OutOfRange", "ProvisioningFailed"] {
                assert!(text.contains(part), "{}: {part} missing in {text}", channel.target());
            }
        }
    }
}

#[test]
fn the_cause_survives_a_megabyte_of_logs() {
    let mut message = report(Lang::Zh);
    for keep in [Keep::Log, Keep::Related, Keep::Alternative, Keep::Normal] {
        let text = "日志 connection refused 10.0.0.1:5432\n".repeat(6000);
        message.sections[1].pieces.push(Piece { keep, block: Block::Code { lang: "log".into(), text } });
    }
    for channel in every_form() {
        let rendered = channel.render(&message);
        assert!(!rendered.cuts.is_empty(), "{}", channel.target());
        assert!(!rendered.cuts.contains(&Cut::Bare), "{}", channel.target());
        let text = readable(&all_text(&rendered)).replace("\\\"", "\"");
        for part in [
            "KubePodNotReady",
            "申请 5Gi",
            "最小为 10Gi",
            "aiops/test-data",
            "kubectl -n aiops patch pvc",
            "midwatch.example/i/42",
        ] {
            assert!(
                text.contains(part) || matches!(channel, Channel::Console(_)),
                "{}: {part} missing",
                channel.target()
            );
        }
        check_limits(&channel, &rendered).unwrap();
    }
}

#[test]
fn wecom_splits_once_before_it_loses_content() {
    let mut message = report(Lang::Zh);
    let long = |n: usize| Block::text(format!("{n} {}", "说明".repeat(400)));
    message.sections[0].pieces.push(Piece { keep: Keep::Normal, block: long(1) });
    message.sections[2].pieces.push(Piece { keep: Keep::Normal, block: long(2) });
    message.mentions = vec![Mention::User("zhangsan".into())];
    let channel = &every_form()[3];
    let rendered = channel.render(&message);
    assert_eq!(rendered.parts.len(), 3, "two halves and the call");
    let text = all_text(&rendered);
    assert!(text.contains("(1/2)") && text.contains("(2/2)") && text.contains("mentioned_list"));
    check_limits(channel, &rendered).unwrap();
}

#[test]
fn chinese_is_counted_in_bytes_and_not_escaped() {
    let rendered = every_form()[2].render(&report(Lang::Zh));
    let Body::Json(json) = &rendered.parts[0].body else { panic!("no JSON") };
    let content = json["markdown"]["content"].as_str().unwrap();
    assert_eq!(rendered.parts[0].size, content.len());
    assert!(json.to_string().contains("存储声明"), "no \\u escapes");
}

#[test]
fn a_terminal_card_is_straight() {
    use unicode_width::UnicodeWidthStr;
    for lang in [Lang::Zh, Lang::En] {
        let rendered = every_form()[8].render(&report(lang));
        let text = all_text(&rendered);
        let (command, card): (Vec<&str>, Vec<&str>) = text.lines().partition(|l| l.contains("kubectl"));
        assert!(card.iter().all(|l| l.width() == 84), "{text}");
        assert!(command.len() == 1 && command[0].ends_with("\"10Gi\"}}}}'"), "fit to paste: {text}");
    }
}
