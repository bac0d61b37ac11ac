//! "May I?": everyone may read a recording, nobody may change it.

use axum::extract::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

pub(super) async fn access(Json(review): Json<Value>) -> Response {
    let spec = &review["spec"];
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
    (StatusCode::CREATED, axum::Json(answer)).into_response()
}
