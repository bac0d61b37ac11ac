//! Writes through the gate: exactly what was permitted, once, as the person it is for, and nothing else.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use axum::Router;
use axum::body::Body;
use axum::extract::Request as Call;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use cluster::{Cluster, Identity, Limits, Outcome, Permit, Preconditions, Request, Scope, Verb};
use http_body_util::BodyExt;
use serde_json::{Value, json};

const UID: &str = "11111111-2222-3333-4444-555555555555";

/// What arrived: method, path with query, headers, body.
type Log = Arc<Mutex<Vec<(String, String, http::HeaderMap, Value)>>>;

fn answer(status: u16, body: &Value) -> Response {
    let head = [(header::CONTENT_TYPE, "application/json"), (header::HeaderName::from_static("audit-id"), "audit-1")];
    (StatusCode::from_u16(status).unwrap(), head, body.to_string()).into_response()
}

fn serve(status: u16, body: Value) -> (Cluster, Log) {
    let log = Log::default();
    let seen = log.clone();
    let router = Router::new().fallback(move |call: Call| {
        let (seen, body) = (seen.clone(), body.clone());
        async move {
            let (parts, content) = call.into_parts();
            let content = content.collect().await.unwrap().to_bytes();
            if parts.uri.path() == "/api/v1/namespaces/kube-system" {
                return answer(200, &json!({"metadata": {"uid": UID}}));
            }
            let content = serde_json::from_slice(&content).unwrap_or(Value::Null);
            let path = parts.uri.path_and_query().unwrap().to_string();
            seen.lock().unwrap().push((parts.method.to_string(), path, parts.headers, content));
            answer(status, &body)
        }
    });
    (cluster::over("test", router, &Limits::default()), log)
}

fn alice() -> Identity {
    let alice = Identity::new("alice", ["oncall".to_owned(), "dev".to_owned()]).unwrap();
    alice.with_extra("midwatch.dev/plan", ["p1".to_owned()]).unwrap()
}

fn scale(replicas: u32, who: Option<Identity>) -> Request {
    Request {
        cluster: UID.to_owned(),
        verb: Verb::Patch,
        group: "apps".to_owned(),
        version: "v1".to_owned(),
        resource: "deployments".to_owned(),
        namespace: Some("shop".to_owned()),
        name: Some("web".to_owned()),
        body: Some(json!({"spec": {"replicas": replicas}})),
        field_manager: Some("midwatch".to_owned()),
        as_user: who,
        preconditions: Some(Preconditions { uid: Some("u1".to_owned()), resource_version: Some("7".to_owned()) }),
        ..Request::default()
    }
}

fn why(outcome: Outcome) -> String {
    match outcome {
        Outcome::NotSent { why } => why,
        other => panic!("it should not have left: {other}"),
    }
}

#[tokio::test]
async fn a_permitted_request_leaves_as_the_person_with_its_conditions() {
    let (cluster, log) = serve(200, json!({"kind": "Deployment", "spec": {"replicas": 3}}));
    let cluster = cluster.acting_as(&alice());
    let request = scale(3, Some(alice()));
    let sent = cluster.execute(&request, Permit::new(request.digest())).await.unwrap();
    assert_eq!((sent.code, sent.audit_id.as_deref()), (200, Some("audit-1")));
    assert_eq!(sent.object["spec"]["replicas"], 3);
    let log = log.lock().unwrap();
    let [(method, path, headers, body)] = log.as_slice() else { panic!("once: {log:?}") };
    assert_eq!(method, "PATCH");
    assert_eq!(path, "/apis/apps/v1/namespaces/shop/deployments/web?fieldManager=midwatch");
    assert_eq!(body, &json!({"spec": {"replicas": 3}, "metadata": {"uid": "u1", "resourceVersion": "7"}}));
    assert_eq!(headers["impersonate-user"], "alice");
    let groups: Vec<_> = headers.get_all("impersonate-group").iter().collect();
    assert_eq!(groups, ["dev", "oncall"]);
    assert_eq!(headers["impersonate-extra-midwatch.dev%2fplan"], "p1");
    assert_eq!(headers["content-type"], "application/merge-patch+json");
}

#[tokio::test]
async fn a_permit_lets_nothing_else_out() {
    let (cluster, log) = serve(200, json!({}));
    let cluster = cluster.acting_as(&alice());
    let request = scale(3, Some(alice()));
    let permit = || Permit::new(request.digest());
    let other = |change: &dyn Fn(&mut Request)| {
        let mut other = request.clone();
        change(&mut other);
        other
    };
    let bob = Identity::new("bob", []).unwrap();
    for other in [
        other(&|r| r.body = Some(json!({"spec": {"replicas": 4}}))),
        other(&|r| r.name = Some("api".to_owned())),
        other(&|r| r.namespace = Some("pay".to_owned())),
        other(&|r| r.resource = "statefulsets".to_owned()),
        other(&|r| r.subresource = Some("scale".to_owned())),
        other(&|r| r.field_manager = None),
        other(&|r| r.preconditions = None),
        other(&|r| r.preconditions.as_mut().unwrap().resource_version = Some("8".to_owned())),
        other(&|r| _ = r.query.insert("force".to_owned(), vec!["true".to_owned()])),
        other(&|r| r.content_type = Some(cluster::STRATEGIC_MERGE_PATCH.to_owned())),
        other(&|r| r.as_user = Some(bob.clone())),
        other(&|r| r.as_user = None),
        other(&|r| r.cluster = "another".to_owned()),
        other(&|r| r.version = "v1beta1".to_owned()),
    ] {
        let refused = cluster.execute(&other, permit()).await.unwrap_err();
        assert!(!why(refused).is_empty(), "{other:?}");
    }
    assert!(log.lock().unwrap().is_empty(), "nothing left: {log:?}");
    // Another person's client does not carry it either.
    let refused = cluster.acting_as(&bob).execute(&request, permit()).await.unwrap_err();
    assert!(why(refused).contains("another person"));
    assert!(log.lock().unwrap().is_empty());
}

#[tokio::test]
async fn without_a_permit_no_write_leaves() {
    let (cluster, log) = serve(200, json!({}));
    for who in [None, Some(alice())] {
        let acting = who.as_ref().map_or_else(|| cluster.clone(), |who| cluster.acting_as(who));
        for request in [scale(3, who.clone()), scale(3, who.clone()).as_dry_run()] {
            let error = acting.client.request_text(request.to_http().unwrap()).await.unwrap_err();
            assert!(cluster::reason(&error).contains("refused before it left"), "{error}");
        }
    }
    assert!(log.lock().unwrap().is_empty());
    assert_eq!(cluster.traffic.snapshot().denied, 4);
}

#[tokio::test]
async fn a_dry_run_is_one_whatever_it_is_asked_to_be() {
    let (cluster, log) = serve(200, json!({"spec": {"replicas": 3}}));
    let after = cluster.dry_run(&scale(3, None)).await.unwrap();
    assert_eq!(after["spec"]["replicas"], 3);
    let delete = Request { verb: Verb::Delete, body: None, field_manager: None, ..scale(0, None) };
    cluster.dry_run(&delete).await.unwrap();
    let execute =
        cluster.execute(&scale(3, None).as_dry_run(), Permit::new(scale(3, None).as_dry_run().digest())).await;
    assert!(why(execute.unwrap_err()).contains("dry run"));
    let log = log.lock().unwrap();
    assert!(log[0].1.contains("dryRun=All"), "{log:?}");
    // A server that gets a body does not look at the query of a delete.
    assert_eq!(log[1].1, "/apis/apps/v1/namespaces/shop/deployments/web");
    let options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "dryRun": ["All"],
        "preconditions": {"uid": "u1", "resourceVersion": "7"}});
    assert_eq!(log[1].3, options);
    assert_eq!(log.len(), 2);
}

#[tokio::test]
async fn what_never_happens_does_not_leave_with_a_permit_either() {
    let (cluster, log) = serve(200, json!({}));
    let base = Request { preconditions: None, field_manager: None, ..scale(1, None) };
    let core = |resource: &str| Request { group: String::new(), resource: resource.to_owned(), ..base.clone() };
    for request in [
        Request { verb: Verb::DeleteCollection, name: None, body: None, ..base.clone() },
        Request { verb: Verb::Connect, subresource: Some("exec".to_owned()), body: None, ..core("pods") },
        Request { verb: Verb::Create, subresource: Some("token".to_owned()), ..core("serviceaccounts") },
        Request { verb: Verb::Delete, namespace: None, body: None, ..core("nodes") },
        Request { verb: Verb::Update, namespace: None, subresource: Some("finalize".to_owned()), ..core("namespaces") },
        Request { group: "admissionregistration.k8s.io".to_owned(), ..base.clone() },
    ] {
        let permit = Permit::new(request.digest());
        assert!(
            matches!(cluster.execute(&request, permit).await, Err(Outcome::NotSent { .. })),
            "{}",
            request.summary()
        );
        assert!(matches!(cluster.dry_run(&request).await, Err(Outcome::NotSent { .. })), "{}", request.summary());
    }
    assert!(log.lock().unwrap().is_empty(), "{log:?}");
}

#[tokio::test]
async fn nobody_but_the_gate_says_for_whom_a_request_is() {
    let (cluster, log) = serve(200, json!({}));
    for name in ["impersonate-user", "Impersonate-Group", "impersonate-uid", "Impersonate-Extra-x"] {
        for acting in [cluster.clone(), cluster.acting_as(&alice())] {
            let request = http::Request::get("/api/v1/pods").header(name, "system:masters").body(Vec::new()).unwrap();
            let error = acting.client.request_text(request).await.unwrap_err();
            assert!(cluster::reason(&error).contains("only the gate"), "{error}");
        }
    }
    assert!(log.lock().unwrap().is_empty());
    let request = || http::Request::get("/api/v1/pods").body(Vec::new()).unwrap();
    cluster.acting_as(&alice()).client.request_text(request()).await.unwrap();
    cluster.client.request_text(request()).await.unwrap();
    let log = log.lock().unwrap();
    assert_eq!(log[0].2["impersonate-user"], "alice");
    assert!(!log[1].2.contains_key("impersonate-user"), "the account itself stays itself");
}

#[tokio::test]
async fn refusals_and_unclear_answers_are_told_apart_and_nothing_is_sent_twice() {
    let status = json!({"kind": "Status", "reason": "Conflict", "message": "the object has been modified"});
    for (code, refused) in
        [(409, true), (403, true), (422, true), (429, true), (408, false), (500, false), (503, false), (504, false)]
    {
        let (cluster, log) = serve(code, status.clone());
        let request = scale(3, None);
        match cluster.execute(&request, Permit::new(request.digest())).await {
            Err(Outcome::Refused { code: said, reason, message, audit_id }) if refused => {
                assert_eq!((said, reason.as_str(), audit_id.as_deref()), (code, "Conflict", Some("audit-1")));
                assert!(message.contains("modified"));
            }
            Err(Outcome::Unknown { .. }) if !refused => {}
            other => panic!("{code}: {other:?}"),
        }
        assert_eq!(log.lock().unwrap().len(), 1, "{code}");
    }
}

#[tokio::test]
async fn a_broken_connection_after_sending_is_an_unknown_outcome() {
    let sent = Arc::new(AtomicUsize::new(0));
    let count = sent.clone();
    let service = tower::service_fn(move |call: http::Request<kube::client::Body>| {
        let count = count.clone();
        async move {
            if call.method() == http::Method::GET {
                return Ok(answer(200, &json!({"metadata": {"uid": UID}})).map(Body::new));
            }
            count.fetch_add(1, SeqCst);
            Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))
        }
    });
    let cluster = cluster::over("test", service, &Limits::default());
    let request = scale(3, None);
    let outcome = cluster.execute(&request, Permit::new(request.digest())).await.unwrap_err();
    assert!(matches!(outcome, Outcome::Unknown { .. }), "{outcome:?}");
    assert_eq!(sent.load(SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_time_out_is_unknown_only_if_the_request_had_left() {
    let router = Router::new().fallback(|call: Call| async move {
        if call.method() == http::Method::GET {
            return answer(200, &json!({"metadata": {"uid": UID}}));
        }
        std::future::pending().await
    });
    let limits = Limits { concurrency: 1, ..Limits::default() };
    let cluster = cluster::over("test", router, &limits);
    let request = scale(3, None);
    let first = cluster.execute(&request, Permit::new(request.digest()));
    let second = async {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        cluster.execute(&request, Permit::new(request.digest())).await
    };
    cluster.uid().await.unwrap();
    let long = Limits { timeout: limits.timeout, ..limits.clone() };
    let (first, second) =
        futures::join!(first, async { tokio::time::timeout(long.timeout * 3, second).await.unwrap() });
    assert!(matches!(first, Err(Outcome::Unknown { .. })), "{first:?}");
    // The second got its turn only after the first had given up, or never.
    assert!(second.is_err(), "{second:?}");
}

#[tokio::test]
async fn values_of_secrets_do_not_come_back_from_writes_and_dry_runs() {
    let secret =
        json!({"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "db"}, "data": {"password": "aHVudGVyMiE="}});
    let (cluster, _) = serve(200, secret.clone());
    let request = Request {
        group: String::new(),
        resource: "secrets".to_owned(),
        name: Some("db".to_owned()),
        body: Some(json!({"data": {"password": "aHVudGVyMiE="}})),
        preconditions: None,
        ..scale(1, None)
    };
    let sent = cluster.execute(&request, Permit::new(request.digest())).await.unwrap();
    let tried = cluster.dry_run(&request).await.unwrap();
    for object in [sent.object, tried] {
        assert!(!object.to_string().contains("aHVudGVyMiE"), "{object}");
        assert_eq!(object["data"], json!({"password": ""}));
    }
    // Nor from a write of another kind that shows one.
    let (cluster, _) = serve(200, json!({"kind": "List", "items": [secret]}));
    let request = scale(3, None);
    let sent = cluster.execute(&request, Permit::new(request.digest())).await.unwrap();
    assert!(!sent.object.to_string().contains("aHVudGVyMiE"), "{}", sent.object);
}

#[tokio::test]
async fn sensitive_reads_of_a_person_need_leave() {
    let (cluster, log) = serve(200, json!({"kind": "List", "items": []}));
    let sensitive = [
        "/api/v1/namespaces/shop/configmaps",
        "/apis/rbac.authorization.k8s.io/v1/clusterroles",
        "/api/v1/namespaces/kube-system/pods/p/log",
        "/api/v1/secrets",
    ];
    let get = |cluster: Cluster, path: &'static str| async move {
        cluster.client.request_text(http::Request::get(path).body(Vec::new()).unwrap()).await
    };
    let plain = cluster.acting_as(&alice());
    for path in sensitive {
        let error = get(plain.clone(), path).await.unwrap_err();
        assert!(cluster::reason(&error).contains("class S"), "{path}: {error}");
        get(cluster.clone(), path).await.unwrap();
    }
    assert_eq!(log.lock().unwrap().len(), sensitive.len(), "the account itself reads what RBAC lets it");
    get(plain.clone(), "/api/v1/namespaces/shop/pods").await.unwrap();

    let asked = Arc::new(Mutex::new(Vec::new()));
    let note = asked.clone();
    let leave: cluster::Leave = Arc::new(move |request, classified| {
        note.lock().unwrap().push((request.summary(), classified.class.as_str()));
        let fine = request.resource == "configmaps" || classified.class == cluster::Class::R;
        Box::pin(async move { if fine { Ok(()) } else { Err("not you".to_owned()) } })
    });
    let reading = plain.reading(Scope::default(), leave);
    get(reading.clone(), sensitive[0]).await.unwrap();
    let error = get(reading.clone(), sensitive[1]).await.unwrap_err();
    assert!(cluster::reason(&error).contains("not you"), "{error}");
    get(reading, "/api/v1/namespaces/shop/pods").await.unwrap();
    let asked = asked.lock().unwrap();
    assert_eq!(asked.len(), 3, "a policy may deny any read: {asked:?}");
    assert_eq!(asked[0], ("list configmaps in shop".to_owned(), "S"));
    let log = log.lock().unwrap();
    assert_eq!(log.last().unwrap().2["impersonate-user"], "alice", "who reads stays who reads");
}

#[tokio::test]
async fn pages_of_a_kubelet_are_read_only_with_leave() {
    let (cluster, log) = serve(200, json!({"node": {}}));
    let page = "/api/v1/nodes/n1/proxy/stats/summary";
    let get = |cluster: Cluster, path: &'static str| async move {
        cluster.client.request_text(http::Request::get(path).body(Vec::new()).unwrap()).await
    };
    assert!(get(cluster.clone(), page).await.is_err() && get(cluster.acting_as(&alice()), page).await.is_err());
    let leave: cluster::Leave = Arc::new(|_, _| Box::pin(async { Ok(()) }));
    let reading = cluster.reading(Scope::default(), leave);
    get(reading.clone(), page).await.unwrap();
    for path in [
        "/api/v1/nodes/n1/proxy/run/shop/web/app",
        "/api/v1/nodes/n1/proxy/exec/a/b/c",
        "/api/v1/nodes/n1/proxy",
        "/api/v1/nodes/n1/proxy/logs/../run/x",
        "/api/v1/namespaces/shop/pods/web/proxy/metrics",
    ] {
        assert!(get(reading.clone(), path).await.is_err(), "{path}");
    }
    assert_eq!(log.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn the_policy_decides_on_reads_under_every_request() {
    let (cluster, log) = serve(200, json!({"items": []}));
    let text = "version: 1\nrules:\n- allow: {class: S, users: ['group:oncall']}\n- deny: {namespaces: pay}\n\
                - allow: {class: X, verbs: get, resources: [nodes/proxy/stats/summary]}\n";
    let policy = Arc::new(cluster::Policy::parse(text).unwrap());
    let reading = |who: &Identity| {
        let (policy, who) = (policy.clone(), who.clone());
        let scope = policy.scope().clone();
        let acting = cluster.acting_as(&who);
        let leave: cluster::Leave = Arc::new(move |request, classified| {
            let now = jiff::Timestamp::UNIX_EPOCH;
            let asked = cluster::Asked { request, classified, live: None, identity: &who, now };
            let decision = policy.decide(&asked);
            let allowed = decision.effect == cluster::Effect::Allow;
            Box::pin(std::future::ready(if allowed { Ok(()) } else { Err(decision.why) }))
        });
        acting.reading(scope, leave)
    };
    let (alice, bob) = (reading(&alice()), reading(&Identity::new("bob", []).unwrap()));
    for (path, hers, his) in [
        ("/api/v1/namespaces/shop/pods", true, true),
        ("/api/v1/namespaces/shop/configmaps", true, false),
        ("/api/v1/namespaces/pay/pods", false, false),
        ("/api/v1/pods", false, false),
        ("/api/v1/nodes", true, true),
        ("/api/v1/nodes/n1/proxy/stats/summary", true, true),
        ("/api/v1/nodes/n1/proxy/logs/kubelet.log", false, false),
        ("/apis", true, true),
    ] {
        for (cluster, expected) in [(&alice, hers), (&bob, his)] {
            let request = http::Request::get(path).body(Vec::new()).unwrap();
            assert_eq!(cluster.client.request_text(request).await.is_ok(), expected, "{path}");
        }
    }
    assert_eq!(log.lock().unwrap().len(), 9);
}
