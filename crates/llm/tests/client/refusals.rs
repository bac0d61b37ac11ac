//! Every recorded refusal has its class and what it names.

use llm::refusal;
use serde_json::{Value, json};

const ROWS: &str = include_str!("data/errors.jsonl");
/// Other wordings of the same refusals.
const WORDINGS: &str = include_str!("data/wordings.jsonl");

fn rows() -> Vec<Value> {
    ROWS.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn read(row: &Value) -> Value {
    let header = |name: &str| row["headers"][name].as_str().map(str::to_owned);
    let status = u16::try_from(row["status"].as_u64().unwrap()).unwrap();
    let now = "2026-11-24T03:00:00Z".parse().unwrap();
    let refusal = refusal::read(status, &header, row["body"].as_str().unwrap(), now);
    json!({
        "class": refusal.class,
        "param": refusal.param,
        "limit": refusal.limit,
        "used": refusal.used,
        "retry_after_ms": refusal.wait.map(|wait| wait.as_millis()),
    })
}

#[test]
fn every_sample_is_classed() {
    assert_eq!(rows().len(), 49);
    for row in rows() {
        let found = read(&row);
        for member in ["class", "param", "limit", "used", "retry_after_ms"] {
            assert_eq!(found[member], row[member], "{} {member}: {}", row["id"], row["body"]);
        }
    }
}

#[test]
fn other_wordings_are_known() {
    let rows: Vec<Value> = WORDINGS.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 91);
    for row in rows {
        let found = read(&row);
        assert_eq!((&found["class"], &found["limit"]), (&row["class"], &row["limit"]), "{}", row["body"]);
    }
}

#[test]
fn no_body_whatever_panics() {
    for row in rows() {
        let body = row["body"].as_str().unwrap();
        for end in (0..body.len()).filter(|end| body.is_char_boundary(*end)) {
            let cut = read(&json!({"status": row["status"], "headers": {}, "body": &body[..end]}));
            assert!(cut["class"].is_string());
        }
    }
}
