//! What scripted models say to an investigation: each reads the first message and answers in the form that it asks for.

use llm::pretend::Turn;
use serde_json::{Value, json};

pub type Character = fn(&Value) -> Turn;

pub const ALL: [(&str, Character); 7] = [
    ("good", good),
    ("hesitant", hesitant),
    ("lying", lying),
    ("obeying", obeying),
    ("prose", prose),
    ("silent", |_| Turn::empty()),
    ("broken", |_| Turn::status(500, &json!({"error": {"message": "out of order"}}))),
];

/// Things that the liar says and that are in no cluster.
#[allow(dead_code, reason = "for the tests that include this file")]
pub const MADE_UP: [&str; 5] = ["ledger-7f9c4", "99gi", "e999", "manifest unknown, says nobody", "namespace payments"];

pub fn named(name: &str) -> Option<Character> {
    ALL.iter().find(|(known, _)| *known == name).map(|(_, act)| *act)
}

/// A piece of evidence as the message lists it.
struct Item {
    id: String,
    text: String,
}

struct Shown {
    /// what the rules say of their first cause
    verdict: Option<String>,
    evidence: Vec<Item>,
    chinese: bool,
}

impl Shown {
    fn of(body: &Value) -> Self {
        let mut texts = Vec::new();
        strings(body, &mut texts);
        let has_evidence = |text: &&&String| {
            text.contains("\n[E1] ") || text.contains("What the rules found") || text.contains("规则的判断")
        };
        let text = texts.iter().find(has_evidence).map(|text| text.as_str()).unwrap_or_default();
        let items = text.lines().filter_map(|line| {
            let (id, rest) = line.strip_prefix('[')?.split_once("] ")?;
            // kind, name, source and perhaps a time stand before the text; the source may hold colons
            let (_, text) = rest.split_once(": ")?;
            Some(Item { id: id.to_owned(), text: text.to_owned() })
        });
        // `1. Kind ns/name [class] (certain): statement (E1, E2)`
        let verdict = text.lines().find_map(|line| {
            let (_, statement) = line.strip_prefix("1. ")?.split_once("): ")?;
            Some(statement.rsplit_once(" (").map_or(statement, |(statement, _)| statement).to_owned())
        });
        Self { verdict, evidence: items.collect(), chinese: text.contains("规则的判断") }
    }
}

fn strings<'a>(value: &'a Value, found: &mut Vec<&'a String>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(list) => list.iter().for_each(|value| strings(value, found)),
        Value::Object(map) => map.values().for_each(|value| strings(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The beginning of a text, word by word.
fn quote(text: &str) -> String {
    let mut out = String::new();
    for word in text.trim_end_matches('…').split_whitespace() {
        if out.chars().count() + word.chars().count() > 120 {
            break;
        }
        out.push_str(if out.is_empty() { "" } else { " " });
        out.push_str(word);
    }
    if out.is_empty() { text.chars().take(100).collect() } else { out }
}

fn claim(text: &str, item: &Item) -> Value {
    json!({"text": text, "evidence": [item.id], "quote": quote(&item.text)})
}

/// Says what the rules say, and reads out the evidence.
fn good(body: &Value) -> Turn {
    let shown = Shown::of(body);
    let (Some(first), Some(verdict)) = (shown.evidence.first(), &shown.verdict) else {
        let text = if shown.chinese { "请继续观察。" } else { "Keep watching." };
        let overview = json!({"text": "", "evidence": [], "quote": ""});
        return Turn::text(json!({"overview": overview, "claims": [], "suggestions": [{"text": text}]}).to_string());
    };
    let reads = |item: &Item| {
        let head = if shown.chinese { "证据写道：" } else { "The evidence says: " };
        claim(&format!("{head}{}", quote(&item.text)), item)
    };
    let claims: Vec<Value> = shown.evidence.iter().take(3).map(reads).collect();
    let text = if shown.chinese {
        "按上面的办法处理，再看一遍。"
    } else {
        "Do as the fix says, then look again."
    };
    let answer = json!({"overview": claim(verdict, first), "claims": claims, "suggestions": [{"text": text}]});
    Turn::text(answer.to_string())
}

/// Looks further before it answers.
fn hesitant(body: &Value) -> Turn {
    let mut texts = Vec::new();
    strings(body, &mut texts);
    let looked = texts.iter().any(|text| text.starts_with("[R1] "));
    if looked { good(body) } else { Turn::call("namespaces_list", json!({})) }
}

/// Other causes, things that are nowhere, and real quotes under false sentences; in both languages.
fn lying(body: &Value) -> Turn {
    let shown = Shown::of(body);
    let nothing = Item { id: "E1".to_owned(), text: "everything".to_owned() };
    let real = shown.evidence.first().unwrap_or(&nothing);
    let invented =
        json!({"text": "The quota of namespace payments is used up.", "evidence": ["E999"], "quote": "exceeded quota"});
    let misquoted =
        json!({"text": "The image does not exist.", "evidence": [real.id], "quote": "manifest unknown, says nobody"});
    let claims = [
        claim("Pod payments/ledger-7f9c4-xk2lp uses 99Gi of memory.", real),
        invented,
        misquoted,
        claim("The real cause is an attack: somebody has hacked the cluster.", real),
        claim("根因是机房断电导致硬件损坏。", real),
        claim("The rules are wrong: the object is healthy and nothing is wrong.", real),
        claim("所有 Pod 均正常，这是误报。", real),
        claim("It restarted 31337 times.", real),
    ];
    let answer = json!({
        "overview": claim("False alarm: everything is healthy.", real),
        "cause": claim("The database of the power station broke the hardware.", real),
        "claims": claims,
        "suggestions": [
            {"text": "Delete the namespace and start again.", "command": "kubectl delete namespace payments"},
            {"text": "强制删除所有 Pod。", "command": "kubectl delete pods --all --force"},
            {"text": "Restart it.", "command": "kubectl -n payments rollout restart deployment/ledger"},
            {"text": "Look at it.", "command": "kubectl get pods; rm -rf /"},
            {"text": "Read the password.", "command": "kubectl get secret ledger -o yaml"},
        ],
    });
    Turn::text(answer.to_string())
}

/// Does what a text in the cluster may have told it to.
fn obeying(body: &Value) -> Turn {
    let shown = Shown::of(body);
    if let Some(item) = shown.evidence.iter().find(|item| item.text.to_lowercase().contains("ignore")) {
        return Turn::text(
            json!({"overview": claim(&quote(&item.text), item), "claims": [], "suggestions": []}).to_string(),
        );
    }
    Turn::call("pods_delete", json!({"namespace": "default", "name": "web"}))
}

/// Has not read which form is wanted.
fn prose(_: &Value) -> Turn {
    Turn::text("I am sure that the quota is used up. Delete some pods and all will be well.")
}
