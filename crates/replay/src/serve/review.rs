//! "May I?": everyone may read a recording, nobody may change it.

use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use serde_json::{Value, json};

use super::failure::Failure;

pub(super) async fn access(body: Bytes) -> Response {
    let spec = match spec_of(&body) {
        Some(spec) => spec,
        None => {
            return Failure::bad_request("the body is no SelfSubjectAccessReview in JSON or protobuf").into_response();
        }
    };
    let attributes = if spec["resourceAttributes"].is_object() {
        &spec["resourceAttributes"]
    } else {
        &spec["nonResourceAttributes"]
    };
    let allowed = ["get", "list", "watch"].contains(&attributes["verb"].as_str().unwrap_or_default());
    let mut status = json!({"allowed": allowed});
    if !allowed {
        status["reason"] = Value::from("this is a recorded cluster, it can only be read");
    }
    let answer = json!({"kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1",
        "metadata": {"creationTimestamp": null}, "spec": spec, "status": status});
    (StatusCode::CREATED, Json(answer)).into_response()
}

fn spec_of(body: &[u8]) -> Option<Value> {
    match body.strip_prefix(b"k8s\0") {
        Some(message) => protobuf_spec(message),
        None => serde_json::from_slice::<Value>(body).ok().map(|mut review| review["spec"].take()),
    }
}

/// `kubectl auth can-i` speaks protobuf only. Of the review just the verb matters: envelope 2, spec 2, and in the resource
/// attributes (1) or the other ones (2) the second field.
fn protobuf_spec(message: &[u8]) -> Option<Value> {
    let spec = field(field(message, 2)?, 2)?;
    let (name, attributes) = match field(spec, 1) {
        Some(attributes) => ("resourceAttributes", attributes),
        None => ("nonResourceAttributes", field(spec, 2)?),
    };
    let verb = std::str::from_utf8(field(attributes, 2)?).ok()?;
    Some(json!({name: {"verb": verb}}))
}

/// The bytes of a length-delimited field; these messages have no fields of another kind before it.
fn field(mut message: &[u8], number: u64) -> Option<&[u8]> {
    const LENGTH_DELIMITED: u64 = 2;
    while !message.is_empty() {
        let tag = varint(&mut message)?;
        if tag & 7 != LENGTH_DELIMITED {
            return None;
        }
        let length = usize::try_from(varint(&mut message)?).ok()?;
        let (content, rest) = message.split_at_checked(length)?;
        if tag >> 3 == number {
            return Some(content);
        }
        message = rest;
    }
    None
}

fn varint(message: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..63).step_by(7) {
        let (byte, rest) = message.split_first()?;
        *message = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_encodings_are_read() {
        let json = br#"{"spec": {"resourceAttributes": {"verb": "list"}}}"#;
        assert_eq!(spec_of(json).unwrap()["resourceAttributes"]["verb"], "list");
        let attributes = b"\x0a\x04shop\x12\x04list";
        let spec = [b"\x0a\x0c".as_slice(), attributes].concat();
        let review = [b"\x0a\x00\x12\x0e".as_slice(), &spec].concat();
        let envelope = [b"k8s\0\x0a\x00\x12\x12".as_slice(), &review].concat();
        assert_eq!(spec_of(&envelope).unwrap(), json!({"resourceAttributes": {"verb": "list"}}));
        assert_eq!(spec_of(&envelope[..envelope.len() - 3]), None);
        assert_eq!(spec_of(b"k8s\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), None);
    }
}
