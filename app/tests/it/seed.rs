//! The seed's incident on a real control plane: real Prometheus, real Alertmanager, Midwatch as a process, and three ways:
//! Alertmanager with a password -> Feishu, Alertmanager -> a real mail server, and Prometheus itself -> Feishu.

use std::time::{Duration, Instant};

use notify::pretend::{Pretend, feishu::Feishu};
use serde_json::{Value, json};

use crate::sdk::{self, MailServer};
use crate::testbed::{Midwatch, TestBed, free_address};

const SECRET: &str = "group-secret";
const PASSWORD: &str = "intake-password";
/// Alerts fire seconds after the fault; a hang must fail all the same.
const PATIENCE: Duration = Duration::from_secs(90);

#[tokio::test(flavor = "multi_thread")]
async fn from_prometheus_to_the_messenger() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let (with_password, with_mail, pushed) = (free_address(), free_address(), free_address());
    let bed = tokio::task::spawn_blocking(move || {
        let webhook = format!("http://alertmanager:{PASSWORD}@{with_password}/webhooks/alertmanager");
        let mail = format!("http://{with_mail}/webhooks/alertmanager");
        let push = format!("http://{pushed}");
        TestBed::start(&["--webhook", &webhook, "--webhook", &mail, "--prometheus-push", &push])
    })
    .await
    .unwrap();
    let base = json!({
        "cluster": {"kubeconfig": bed.reader(), "name": "testbed"},
        "prometheus": {"url": bed.text("prometheus")},
        "alertmanagers": [{"url": bed.text("alertmanager")}],
        // the test bed's alerts fire after 3 s instead of minutes, so they come and go with the kubelet's back-off
        "incidents": {"flapping_changes": 100},
    });

    let group = Pretend::start(Feishu::new("group", Some(SECRET))).await.unwrap();
    let other = Pretend::start(Feishu::new("other", Some(SECRET))).await.unwrap();
    let mails = MailServer::start().await;
    let mut first = base.clone();
    first["channels"] = feishu(&group.url("/open-apis/bot/v2/hook/group"));
    first["intake"] = json!({"credentials": [{"username": "alertmanager", "password": PASSWORD}]});
    let mut second = base.clone();
    second["channels"] = json!({"mail": {"type": "email", "host": "127.0.0.1", "port": mails.port, "encryption": "none",
        "from": "midwatch@example.com", "to": ["sre@example.com"]}});
    let mut third = base;
    third["alertmanagers"] = json!([]);
    third["channels"] = feishu(&other.url("/open-apis/bot/v2/hook/other"));
    let midwatch = Midwatch::start(with_password, first).await;
    let mailing = Midwatch::start(with_mail, second).await;
    let pushing = Midwatch::start(pushed, third).await;
    assert_eq!(unauthorised(with_password).await, 401);

    let says = |needles: &[&str]| {
        let all = |texts: Vec<String>| texts.iter().any(|text| needles.iter().all(|needle| text.contains(needle)));
        (all(cards(&group)), all(mails.texts()), all(cards(&other)))
    };
    bed.fault(&["seed-incident"]);
    let logs = || format!("{}\n---\n{}\n---\n{}", midwatch.log(), mailing.log(), pushing.log());
    wait("the claim as the cause", logs, || says(&["aiops/test-data", "5Gi", "10Gi"])).await;
    // on a busy machine the standard rules also tell of a late target
    let first_card = cards(&group).into_iter().find(|text| text.contains("aiops")).unwrap();
    assert!(!first_card.contains("10Gi"), "the plain alert comes first: {first_card}");
    let proof = cards(&group).into_iter().find(|text| text.contains("10Gi")).unwrap();
    for part in ["告警概览", "诊断分析", "处理建议", "disk size is invalid: requested 5Gi", "kubectl"] {
        assert!(proof.contains(part), "{part} is not in {proof}");
    }

    bed.mend("seed-incident");
    wait("the image as the cause", logs, || says(&["noimage"])).await;

    bed.kubectl(&["delete", "namespace", "aiops", "--wait=false"]);
    let ended = |texts: Vec<String>| {
        texts.iter().rfind(|text| text.contains("aiops")).is_some_and(|text| text.contains("已恢复"))
    };
    wait("the end", logs, || (ended(cards(&group)), ended(mails.texts()), ended(cards(&other)))).await;

    let refused = group.received().len() - cards(&group).len();
    assert_eq!(refused, 0, "a request was refused by the group");
    for request in group.received() {
        assert_eq!(sdk::run("feishu_sign.py", &[SECRET], &request.json().to_string()).await, "ok");
    }
    lark_takes(&group).await;
    for (name, served) in
        [("Alertmanager, Feishu", &midwatch), ("Alertmanager, e-mail", &mailing), ("Prometheus, Feishu", &pushing)]
    {
        let (plain, cause) = figures(served).await;
        println!("{name}: intake to plain alert {plain} ms, intake to cause {cause} ms");
        assert!(plain < 10_000 && cause < 10_000, "{name}: plain {plain} ms, cause {cause} ms");
    }
}

fn feishu(url: &str) -> Value {
    json!({"feishu": {"type": "feishu_bot", "url": url, "secret": SECRET}})
}

fn cards(server: &Pretend<Feishu>) -> Vec<String> {
    server.with(|feishu| feishu.messages.iter().map(|message| message.text()).collect())
}

async fn wait(what: &str, logs: impl Fn() -> String, said: impl Fn() -> (bool, bool, bool)) {
    let began = Instant::now();
    while said() != (true, true, true) {
        assert!(began.elapsed() < PATIENCE, "{what}: Feishu, mail, push: {:?}\n{}", said(), logs());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    println!("{what}: said by all three {:.1} s after the change", began.elapsed().as_secs_f64());
}

async fn unauthorised(address: std::net::SocketAddr) -> u16 {
    let url = format!("http://{address}/webhooks/alertmanager");
    let client = reqwest::Client::builder().timeout(Duration::from_secs(10)).build().unwrap();
    client.post(url).body("{}").send().await.unwrap().status().as_u16()
}

/// The vendor's own client sends each card that the group got, to a pretend server that this client is happy with.
async fn lark_takes(group: &Pretend<Feishu>) {
    let server = Pretend::start(Feishu::new("h", None)).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    for request in group.received() {
        let file = folder.path().join("card.json");
        std::fs::write(&file, request.json()["card"].to_string()).unwrap();
        sdk::run("feishu_app.py", &[&server.url(""), file.to_str().unwrap()], "").await;
    }
}

/// Milliseconds from the alert's intake to the first plain message, and to the first diagnosis, of the fastest incident.
async fn figures(midwatch: &Midwatch) -> (i64, i64) {
    let store = midwatch.store().await;
    let first = async |kind: &str| -> i64 {
        let query = "SELECT o.sent_at - i.opened_at FROM outbox o JOIN incidents i ON i.id = o.incident
                     WHERE o.kind = $1 AND o.state = 'sent' AND i.kind = 'alert' ORDER BY o.sent_at LIMIT 1";
        sqlx::query_scalar(query).bind(kind.to_owned()).fetch_one(&store).await.unwrap()
    };
    (first("plain").await, first("diagnosis").await)
}
