//! Every layout that people have at hand gives the same kind of recording, and the same folder the same bytes.

use std::borrow::Cow;

use replay::{LoadError, Recording, Replay};

use crate::harness::{folder, get, json, names, recording, replay};

#[tokio::test]
async fn a_broken_document_is_named_and_the_rest_is_served() {
    let recording = recording("mixed");
    assert_eq!((recording.name.as_str(), recording.version.as_str()), ("mixed", "v1.36.1"));
    assert_eq!(recording.time, "2026-03-01T03:00:00Z".parse().unwrap());
    let warnings = recording.warnings();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].starts_with("objects/documents.yaml:1"), "{warnings:?}");
    let replay = Replay::new(recording);
    assert_eq!(names(&replay, "/api/v1/pods").await, ["dns-1", "cart-1", "web-1"]);
    assert_eq!(names(&replay, "/apis/apps/v1/deployments").await, ["cart"]);
}

#[tokio::test]
async fn a_must_gather_is_served_with_the_younger_of_two_states() {
    let recording = recording("must-gather");
    assert_eq!(recording.version, "v1.33.2");
    assert_eq!(recording.time, "2026-02-01T11:00:00Z".parse().unwrap());
    assert_eq!(recording.warnings(), ["audit.tar: skipped, neither objects nor a log nor metrics"]);
    let replay = Replay::new(recording);
    let pod = json(&replay, "/api/v1/namespaces/shop/pods/cart-1").await;
    assert_eq!(pod["status"]["phase"], "Running");
    assert_eq!(get(&replay, "/api/v1/namespaces/shop/pods/cart-1/log").await.1, "ready\n");
    assert_eq!(get(&replay, "/api/v1/namespaces/shop/pods/cart-1/log?previous=true").await.1, "gone\n");
}

#[tokio::test]
async fn a_cluster_info_dump_is_served() {
    let replay = replay("dump");
    assert_eq!(names(&replay, "/api/v1/nodes").await, ["node-1"]);
    assert_eq!(names(&replay, "/api/v1/namespaces").await, ["shop"]);
    assert_eq!(names(&replay, "/api/v1/events").await, [""; 0]);
    assert_eq!(get(&replay, "/api/v1/namespaces/shop/pods/cart-1/log?container=proxy").await.1, "proxy up\n");
}

#[tokio::test]
async fn the_same_folder_gives_the_same_bytes() {
    let paths = ["/api/v1/pods", "/api/v1/events", "/apis", "/api/v1", "/apis/apps/v1/replicasets", "/api/v1/secrets"];
    let first = replay("mixed");
    for _ in 0..3 {
        let again = replay("mixed");
        for path in paths {
            assert_eq!(get(&first, path).await, get(&again, path).await, "{path}");
        }
    }
}

#[tokio::test]
async fn files_in_memory_serve_as_a_folder_does() {
    let mut files = Vec::new();
    for path in ["cluster.yaml", "objects/list.yaml", "objects/documents.yaml", "objects/custom.json"] {
        files.push((path.to_owned(), Cow::Owned(std::fs::read(folder("mixed").join(path)).unwrap())));
    }
    files.reverse();
    let memory = Replay::new(Recording::from_files(files).unwrap());
    let disk = replay("mixed");
    for path in ["/api/v1/pods", "/apis/sea.example.com/v1/octopi"] {
        assert_eq!(get(&memory, path).await, get(&disk, path).await, "{path}");
    }
}

#[tokio::test]
async fn one_file_is_enough() {
    let recording = Recording::load(&folder("dump").join("shop/pods.json")).unwrap();
    assert_eq!(names(&Replay::new(recording), "/api/v1/pods").await, ["cart-1"]);
}

#[test]
fn folders_without_a_cluster_say_what_is_wrong() {
    let empty = tempfile::tempdir().unwrap();
    assert!(matches!(Recording::load(empty.path()), Err(LoadError::Empty(..))));
    assert!(matches!(Recording::load(&empty.path().join("absent")), Err(LoadError::Unreadable { .. })));
    std::fs::write(empty.path().join("cluster.yaml"), "name: a\ntime: yesterday\n").unwrap();
    let error = Recording::load(empty.path()).unwrap_err().to_string();
    assert!(error.starts_with("cluster.yaml: line 2"), "{error}");
}

#[tokio::test]
async fn secrets_keep_keys_and_sizes_only() {
    let replay = replay("mixed");
    let (_, body) = get(&replay, "/api/v1/namespaces/shop/secrets/db").await;
    assert!(!body.contains("aHVudGVyMg"), "{body}");
    let secret: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(secret["data"], serde_json::json!({"password": ""}));
    assert_eq!(secret["metadata"]["annotations"]["midwatch.dev/secret-sizes"], "{\"password\":7}");
}

#[tokio::test]
async fn references_without_a_uid_point_at_the_object_of_that_name() {
    let replay = replay("mixed");
    let pod = json(&replay, "/api/v1/namespaces/shop/pods/cart-1").await;
    let set = json(&replay, "/apis/apps/v1/namespaces/shop/replicasets/cart").await;
    let event = json(&replay, "/api/v1/namespaces/shop/events/cart-1.2").await;
    assert_eq!(pod["metadata"]["ownerReferences"][0]["uid"], set["metadata"]["uid"]);
    assert_eq!(event["involvedObject"]["uid"], pod["metadata"]["uid"]);
    let bare = json(&replay, "/api/v1/namespaces/shop/events/web-1.1").await;
    assert_eq!(bare["involvedObject"]["namespace"], "shop");
    assert_eq!(bare["involvedObject"]["apiVersion"], "v1");
}
