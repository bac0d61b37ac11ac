//! The gate in front of a service in this process: what it lets out, what it lets in, and its limits.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use cluster::{Cluster, Fault, Limits};
use futures::{AsyncReadExt, StreamExt};
use tokio::sync::Notify;

fn serve<F, Fut>(limits: &Limits, answer: F) -> Cluster
where
    F: Fn(Request) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Response> + Send + 'static,
{
    cluster::over("test", Router::new().fallback(answer), limits)
}

fn json(text: &str) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text.to_owned()).into_response()
}

fn request(method: &str, path: &str) -> http::Request<Vec<u8>> {
    http::Request::builder().method(method).uri(path).body(Vec::new()).unwrap()
}

async fn get(cluster: &Cluster, path: &str) -> Result<String, kube::Error> {
    cluster.client.request_text(request("GET", path)).await
}

fn fault(error: &kube::Error) -> &Fault {
    match error {
        kube::Error::Service(inner) => inner.downcast_ref().expect("a fault of the gate"),
        other => panic!("not from the gate: {other}"),
    }
}

#[tokio::test]
async fn everything_but_reads_is_refused_before_it_leaves() {
    let reached = Arc::new(AtomicUsize::new(0));
    let count = reached.clone();
    let cluster = serve(&Limits::default(), move |_| {
        count.fetch_add(1, SeqCst);
        async { json("{}") }
    });
    let pod = "/api/v1/namespaces/aiops/pods/web";
    let mut refused = vec![
        ("GET", "/api/v1/nodes/n1/proxy/stats".to_owned()),
        ("GET", "/api/v1/nodes/n1/proxy".to_owned()),
        ("GET", "/api/v1/namespaces/a/services/http:web:80/proxy/".to_owned()),
        ("GET", "/api/v1/proxy/namespaces/a/services/web".to_owned()),
        ("GET", "/api/v1/watch/namespaces/a/secrets".to_owned()),
        ("GET", format!("{pod}/e%78ec")),
        ("GET", format!("{pod}%2Fexec")),
        ("GET", "/api/v1/namespaces/a/../../secrets".to_owned()),
        ("GET", "/api/v1//namespaces/a/pods/web/exec".to_owned()),
        ("GET", "/api/v1/namespaces/%2e%2e/secrets".to_owned()),
        ("GET", "/logs/kube-apiserver.log".to_owned()),
        ("GET", "/debug/pprof/heap".to_owned()),
        ("GET", "/apis/subresources.kubevirt.io/v1/namespaces/a/virtualmachineinstances/v/console".to_owned()),
        ("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews".to_owned()),
        ("POST", "/apis/authorization.k8s.io/v1/namespaces/a/localsubjectaccessreviews".to_owned()),
        ("POST", "/api/v1/namespaces/a/pods/web/eviction".to_owned()),
        ("POST", "/api/v1/namespaces/a/serviceaccounts/default/token".to_owned()),
    ];
    for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE", "BREW"] {
        refused.push((method, pod.to_owned()));
        refused.push((method, "/api/v1/namespaces/aiops/pods".to_owned()));
    }
    for subresource in ["exec", "attach", "portforward", "proxy", "EXEC", "unknown"] {
        for method in ["GET", "HEAD", "POST"] {
            refused.push((method, format!("{pod}/{subresource}")));
        }
    }
    for (method, path) in &refused {
        let error = cluster.client.request_text(request(method, path)).await.unwrap_err();
        let Fault::Refused { path: named, why, .. } = fault(&error) else {
            panic!("{method} {path}: {error}");
        };
        assert!(named == path && !why.is_empty(), "{method} {path}: {error}");
    }
    assert_eq!(reached.load(SeqCst), 0, "nothing left");
    assert_eq!(cluster.traffic.snapshot().denied, refused.len() as u64);
}

#[tokio::test]
async fn reads_and_questions_about_own_rights_leave() {
    let cluster = serve(&Limits::default(), |request| async move {
        let accept = request.headers()[header::ACCEPT].to_str().unwrap_or_default().to_owned();
        json(&format!("{{\"accept\":\"{accept}\"}}"))
    });
    let allowed = [
        ("GET", "/api/v1/namespaces/a/pods/web"),
        ("GET", "/api/v1/namespaces/a"),
        ("GET", "/api/v1/namespaces/a/status"),
        ("GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:node"),
        ("GET", "/apis/apps/v1/namespaces/a/deployments/web/scale"),
        ("GET", "/apis"),
        ("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"),
        ("POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"),
    ];
    for (method, path) in allowed {
        let text = cluster.client.request_text(request(method, path)).await.unwrap();
        assert_eq!(text, r#"{"accept":"application/json"}"#, "{method} {path}");
    }
    assert_eq!(cluster.traffic.snapshot().requests, allowed.len() as u64);
    assert_eq!(cluster.traffic.snapshot().denied, 0);
}

#[tokio::test]
async fn formats_and_upgrades_that_cannot_be_checked_are_refused() {
    let cluster = serve(&Limits::default(), |_| async { json("{}") });
    let tries = [
        ("accept", "application/vnd.kubernetes.protobuf"),
        ("accept", "application/json, application/cbor"),
        ("accept", "application/yaml"),
        ("upgrade", "websocket"),
    ];
    for (name, value) in tries {
        let mut request = request("GET", "/api/v1/pods");
        request.headers_mut().insert(name, value.parse().unwrap());
        let error = cluster.client.request_text(request).await.unwrap_err();
        assert!(matches!(fault(&error), Fault::Refused { .. }), "{value}: {error}");
    }
    let cluster = serve(&Limits::default(), |_| async {
        ([(header::CONTENT_TYPE, "application/vnd.kubernetes.protobuf")], "k8s\0").into_response()
    });
    let error = get(&cluster, "/api/v1/pods").await.unwrap_err();
    assert!(matches!(fault(&error), Fault::Unreadable { .. }), "{error}");
}

#[tokio::test]
async fn the_time_out_covers_answer_and_body() {
    let limits = Limits { timeout: Duration::from_millis(50), ..Limits::default() };
    let silent = serve(&limits, |_| std::future::pending());
    let error = get(&silent, "/api/v1/pods").await.unwrap_err();
    assert!(error.to_string().contains("while waiting for the answer"), "{error}");

    let stuck = serve(&limits, |_| async {
        let first = futures::stream::iter([Ok::<_, std::io::Error>("{")]);
        let body = Body::from_stream(first.chain(futures::stream::pending()));
        ([(header::CONTENT_TYPE, "application/json")], body).into_response()
    });
    let error = get(&stuck, "/api/v1/pods").await.unwrap_err();
    assert!(error.to_string().contains("while reading the answer"), "{error}");
}

#[tokio::test]
async fn only_so_many_requests_are_under_way() {
    let limits = Limits { concurrency: 3, ..Limits::default() };
    let (now, most, go) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let (inside, peak, wait) = (now.clone(), most.clone(), go.clone());
    let cluster = serve(&limits, move |_| {
        let (inside, peak, wait) = (inside.clone(), peak.clone(), wait.clone());
        async move {
            peak.fetch_max(inside.fetch_add(1, SeqCst) + 1, SeqCst);
            wait.notified().await;
            inside.fetch_sub(1, SeqCst);
            json("{}")
        }
    });
    let asks = futures::future::join_all((0..12).map(|_| get(&cluster, "/api/v1/pods")));
    let release = async {
        while now.load(SeqCst) < 3 {
            tokio::task::yield_now().await;
        }
        for _ in 0..12 {
            go.notify_one();
            for _ in 0..50 {
                tokio::task::yield_now().await;
            }
        }
    };
    let (answers, ()) = futures::join!(asks, release);
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(most.load(SeqCst), 3);
}

#[tokio::test]
async fn no_more_leave_than_the_rate_allows() {
    let limits = Limits { rate: 1, burst: 2, timeout: Duration::from_millis(100), ..Limits::default() };
    let cluster = serve(&limits, |_| async { json("{}") });
    let answers = futures::future::join_all((0..5).map(|_| get(&cluster, "/api/v1/pods"))).await;
    let (sent, held): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!((sent.len(), held.len()), (2, 3));
    for error in held {
        assert!(error.unwrap_err().to_string().contains("while waiting for the rate limit"));
    }
    assert_eq!(cluster.traffic.snapshot().requests, 2);
}

fn overloaded(
    retry_after: &'static str,
    times: usize,
) -> (Arc<AtomicUsize>, impl Fn(Request) -> std::future::Ready<Response> + Clone) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let answer = move |_| {
        let refuse = count.fetch_add(1, SeqCst) < times;
        std::future::ready(if refuse {
            (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, retry_after)], "slow down").into_response()
        } else {
            json("{}")
        })
    };
    (asked, answer)
}

#[tokio::test]
async fn retry_after_is_honoured_a_bounded_number_of_times_and_within_the_time_out() {
    let limits = Limits { retries: 2, ..Limits::default() };
    let (asked, answer) = overloaded("0", 2);
    let cluster = serve(&limits, answer);
    assert!(get(&cluster, "/api/v1/pods").await.is_ok());
    assert_eq!((asked.load(SeqCst), cluster.traffic.snapshot().retries), (3, 2));

    let (asked, answer) = overloaded("0", 9);
    let error = get(&serve(&limits, answer), "/api/v1/pods").await.unwrap_err();
    assert!(matches!(&error, kube::Error::Api(status) if status.code == 429), "{error}");
    assert_eq!(asked.load(SeqCst), 3);

    // It would come too late, so the answer goes to the caller at once.
    let (asked, answer) = overloaded("3600", 1);
    assert!(get(&serve(&limits, answer), "/api/v1/pods").await.is_err());
    assert_eq!(asked.load(SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn retry_after_seconds_are_waited() {
    let (asked, answer) = overloaded("7", 1);
    let cluster = serve(&Limits::default(), answer);
    let before = tokio::time::Instant::now();
    assert!(get(&cluster, "/api/v1/pods").await.is_ok());
    assert_eq!(asked.load(SeqCst), 2);
    // The clock is paused: it moves by what was slept, not by what the machine took.
    assert!(before.elapsed() >= Duration::from_secs(7));
}

#[tokio::test]
async fn a_body_over_the_limit_is_named() {
    let limits = Limits { body: 1000, ..Limits::default() };
    let known = serve(&limits, |_| async { json(&" ".repeat(1001)) });
    let error = get(&known, "/api/v1/pods").await.unwrap_err();
    assert!(error.to_string().contains("the limit of 1000 bytes"), "{error}");

    let endless = serve(&limits, |_| async {
        let body = Body::from_stream(futures::stream::repeat_with(|| Ok::<_, std::io::Error>("x".repeat(100))));
        ([(header::CONTENT_TYPE, "application/json")], body).into_response()
    });
    let error = get(&endless, "/api/v1/pods").await.unwrap_err();
    assert!(matches!(fault(&error), Fault::TooLarge { limit: 1000, .. }), "{error}");
    let mut stream = Box::pin(endless.client.request_stream(request("GET", "/api/v1/pods?watch=1")).await.unwrap());
    let error = stream.read_to_end(&mut Vec::new()).await.unwrap_err();
    assert!(error.to_string().contains("limit of 1000 bytes"), "{error}");
    let fits = serve(&limits, |_| async { json(&" ".repeat(1000)) });
    assert_eq!(get(&fits, "/api/v1/pods").await.unwrap().len(), 1000);
    assert_eq!(fits.traffic.snapshot().bytes, 1000);
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let cluster = serve(&Limits::default(), |_| async {
        (StatusCode::FOUND, [(header::LOCATION, "http://evil.example/")]).into_response()
    });
    let error = get(&cluster, "/api/v1/pods").await.unwrap_err();
    assert!(matches!(fault(&error), Fault::Redirect { to, .. } if to == "http://evil.example/"), "{error}");
    assert_eq!(cluster.traffic.snapshot().requests, 1);
}

#[tokio::test(start_paused = true)]
async fn a_watch_outlives_the_time_out_and_ends_at_its_own() {
    let limits = Limits { timeout: Duration::from_secs(1), stream: Duration::from_secs(60), ..Limits::default() };
    let cluster = serve(&limits, |_| async {
        let events = futures::stream::unfold(0, |n| async move {
            tokio::time::sleep(Duration::from_secs(5)).await;
            Some((Ok::<_, std::io::Error>(format!("{{\"n\":{n}}}\n")), n + 1))
        });
        ([(header::CONTENT_TYPE, "application/json")], Body::from_stream(events)).into_response()
    });
    let mut stream = Box::pin(cluster.client.request_stream(request("GET", "/api/v1/pods?watch=true")).await.unwrap());
    let mut read = Vec::new();
    let error = stream.read_to_end(&mut read).await.unwrap_err();
    assert!(error.to_string().contains("the stream was open for 60s"), "{error}");
    assert!(read.starts_with(b"{\"n\":0}\n{\"n\":1}\n") && read.ends_with(b"}\n"));
}
