//! Secrets planted wherever they lie in a cluster and in an alert, each another one, are looked for in everything that
//! leaves: messages, mail, pages, metrics, tools' answers, questions to a model, logs, the audit, the store, recordings.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use llm::pretend::{Model, Turn};
use notify::pretend::{
    Incoming, Pretend, Vendor, dingtalk::Dingtalk, feishu::Feishu, slack::Slack, webhook, wecom::Wecom,
};
use serde_json::{Value, json};
use sqlx::{Column as _, Row as _};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

use crate::approvals::{busy_policy, furnish};
use crate::cli::run;
use crate::enemy::Enemy;
use crate::testbed::{Midwatch, TestBed, free_address};

/// Where each lies.
const PLANTED: [(&str, &str); 11] = [
    ("a Secret", "Sq7Rk2Vw9Zt4XcA1"),
    ("the environment", "Eh3Tn8Bm5Ys6QdA2"),
    ("an argument", "Ag5Wp1Kc7Jx9LfA3"),
    ("a log", "Lg2Xv6Hd8Nb4RzA4"),
    ("a message of a container", "Mg8Jq3Fs5Tk7PyA5"),
    ("an annotation", "Nt4Zb9Cw2Vh6GmA6"),
    ("a config map", "Cf6Kd1Rx3Qn8SjA7"),
    ("values of a Helm release", "Hv9Ym5Lp7Bt2WgA8"),
    ("an event", "Ev1Fc4Zk6Xr3DnA9"),
    ("an alert's label", "Lb7Hs2Jw8Mv5KqB1"),
    ("an alert's annotation", "An3Pt6Gy9Cd4FxB2"),
];

const PATIENCE: Duration = Duration::from_secs(60);

fn planted(place: &str) -> &'static str {
    PLANTED.iter().find(|(known, _)| *known == place).unwrap().1
}

/// What left, by where to.
#[derive(Default)]
struct Left(Vec<(String, String)>);

impl Left {
    fn add(&mut self, to: impl Into<String>, text: impl Into<String>) {
        self.0.push((to.into(), text.into()));
    }

    fn bytes(&mut self, to: impl Into<String>, bytes: &[u8]) {
        self.add(to, String::from_utf8_lossy(bytes));
    }

    /// A page or an answer of the server.
    async fn get(&mut self, base: &str, path: &str) {
        let token = "paula-0123456789abcdef0123";
        let response =
            midwatch::http::client().unwrap().get(format!("{base}{path}")).bearer_auth(token).send().await.unwrap();
        assert!(response.status().is_success(), "{path}: {}", response.status());
        self.add(path, response.text().await.unwrap());
    }

    /// What a command prints.
    fn command(&mut self, folder: &Path, arguments: &[&str]) {
        let ran = run(folder, arguments);
        assert!(!ran.out.is_empty() || !ran.err.is_empty(), "{arguments:?} says nothing");
        self.add(arguments.join(" "), ran.out + &ran.err);
    }

    fn requests<V: Vendor>(&mut self, to: &str, channel: &Pretend<V>) {
        let received: Vec<Incoming> = channel.received();
        assert!(received.len() >= 2, "{to} was not told: {}", received.len());
        for request in received {
            self.add(to, format!("{} {:?} {}", request.uri, request.headers, String::from_utf8_lossy(&request.body)));
        }
    }

    fn folder(&mut self, folder: &Path) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.folder(&path);
            } else {
                self.bytes(path.display().to_string(), &std::fs::read(&path).unwrap());
            }
        }
    }

    /// Every value of every table: rows that a page of the file cuts, and what is compressed.
    async fn store(&mut self, pool: &sqlx::SqlitePool) {
        let tables: Vec<String> =
            sqlx::query_scalar("SELECT name FROM sqlite_master WHERE type = 'table'").fetch_all(pool).await.unwrap();
        for table in tables {
            let statement = sqlx::AssertSqlSafe(format!("SELECT * FROM \"{table}\""));
            for row in sqlx::query(statement).fetch_all(pool).await.unwrap() {
                for column in row.columns() {
                    let bytes: Vec<u8> = row.try_get_unchecked(column.ordinal()).unwrap_or_default();
                    let plain = zstd::bulk::decompress(&bytes, 16 << 20).unwrap_or(bytes);
                    self.bytes(format!("{table}.{}", column.name()), &plain);
                }
            }
        }
    }

    /// No eight letters of a planted secret, and none in base64, in hex or behind percent signs.
    fn holds_none(&self) {
        let mut found = BTreeMap::new();
        for (to, text) in &self.0 {
            // Mail breaks long lines.
            let joined = text.replace("=\r\n", "").replace("\r\n", "");
            for (place, secret) in PLANTED {
                if forms(secret).iter().any(|form| text.contains(form) || joined.contains(form)) {
                    found.entry((place, to)).or_insert_with(|| text.chars().take(1_500).collect::<String>());
                }
            }
        }
        assert!(found.is_empty(), "secrets left: {:?}\n{found:#?}", found.keys());
    }
}

fn forms(secret: &str) -> Vec<String> {
    let windows = secret.as_bytes().windows(8).map(|part| String::from_utf8_lossy(part).into_owned());
    let shifted = (0..3).map(|offset| {
        let whole = STANDARD.encode(" ".repeat(offset) + secret);
        // Letters that also hold bits of the neighbours are left out.
        whole[4..20].to_owned()
    });
    let coded = |prefix: &str| secret.bytes().map(|byte| format!("{prefix}{byte:02x}")).collect::<String>();
    windows.chain(shifted).chain([coded(""), coded("%")]).collect()
}

/// A mail server that takes everything.
async fn mail_server() -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mails: Arc<Mutex<Vec<String>>> = Arc::default();
    let kept = mails.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let kept = kept.clone();
            tokio::spawn(async move {
                let (read, mut write) = stream.into_split();
                let mut lines = BufReader::new(read).lines();
                let (mut mail, mut body) = (String::new(), false);
                let _ = write.write_all(b"220 mail\r\n").await;
                while let Ok(Some(line)) = lines.next_line().await {
                    let answer: &[u8] = match (body, line.as_str()) {
                        (true, ".") => {
                            kept.lock().unwrap().push(std::mem::take(&mut mail));
                            body = false;
                            b"250 taken\r\n"
                        }
                        (true, _) => {
                            mail += &format!("{line}\r\n");
                            continue;
                        }
                        (false, "DATA") => {
                            body = true;
                            b"354 go on\r\n"
                        }
                        (false, _) => b"250 ok\r\n",
                    };
                    let _ = write.write_all(answer).await;
                }
            });
        }
    });
    (port, mails)
}

/// Puts one into each place, and makes the deployment that has most of them crash.
fn plant(bed: &TestBed) {
    furnish(bed, "shop");
    let play = json!({"containers": {"main": {"exit": 1, "message": format!("panic: token={}", planted("a message of a container")),
        "log": format!("level=fatal msg=\"cannot reach the database\" dsn=\"postgres://app:{}@db:5432/orders\" error=\"pq: password \
            authentication failed for user \\\"app\\\"\"\n", planted("a log"))}}});
    let container = json!({"name": "main", "image": "registry.example.com/shop/api:1.4.2",
        "args": [format!("--redis-password={}", planted("an argument"))],
        "env": [{"name": "DB_PASSWORD", "value": planted("the environment")}]});
    let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "api", "namespace": "shop", "annotations": {"ops.example.com/api-token": planted("an annotation")}},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "api"}}, "template": {
            "metadata": {"labels": {"app": "api"}, "annotations": {"testbed.midwatch.dev/play": play.to_string()}},
            "spec": {"containers": [container]}}}});
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db", "namespace": "shop"},
        "stringData": {"password": planted("a Secret")}});
    let settings = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "shop"},
        "data": {"application.properties": format!("spring.datasource.password={}\nserver.port=80\n", planted("a config map"))}});
    let release = json!({"name": "api", "namespace": "shop", "version": 1, "info": {"status": "deployed",
        "last_deployed": "2026-11-24T00:00:00Z"}, "chart": {"metadata": {"name": "api", "version": "1.0.0"}},
        "config": {"auth": {"password": planted("values of a Helm release")}}});
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut packed, release.to_string().as_bytes()).unwrap();
    let packed = STANDARD.encode(STANDARD.encode(packed.finish().unwrap()));
    let release = json!({"apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1", "data": {"release": packed},
        "metadata": {"name": "sh.helm.release.v1.api.v1", "namespace": "shop",
            "labels": {"owner": "helm", "name": "api", "status": "deployed", "version": "1"}}});
    let event = json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "api.1", "namespace": "shop"},
        "type": "Warning", "reason": "Failed", "count": 3, "source": {"component": "kubelet"},
        "firstTimestamp": jiff::Timestamp::now().to_string(), "lastTimestamp": jiff::Timestamp::now().to_string(),
        "message": format!("exec: \"mysql -uroot -p{}\": executable file not found in $PATH", planted("an event")),
        "involvedObject": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api", "namespace": "shop"}});
    let all = json!({"apiVersion": "v1", "kind": "List", "items": [deployment, secret, settings, release, event]});
    let file = Path::new(bed.text("dir")).join("planted.json");
    std::fs::write(&file, all.to_string()).unwrap();
    bed.kubectl(&["apply", "-f", file.to_str().unwrap()]);
}

/// The pod, once it crashes again and again.
fn crashing(bed: &TestBed) -> String {
    let began = Instant::now();
    loop {
        let pods = bed.kubectl(&["-n", "shop", "get", "pods", "-l", "app=api", "-o", "json"]);
        if pods.contains("CrashLoopBackOff") {
            let pods: Value = serde_json::from_str(&pods).unwrap();
            return pods["items"][0]["metadata"]["name"].as_str().unwrap().to_owned();
        }
        assert!(began.elapsed() < PATIENCE, "{pods}");
        std::thread::sleep(Duration::from_millis(300));
    }
}

/// Every tool that reads, and some that propose.
async fn tools(base: &str, pod: &str, left: &mut Left) -> Vec<String> {
    let caller = Enemy::new(base, "olga-0123456789abcdef0123").await;
    let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "api"});
    let of = |kind: &str| json!({"apiVersion": "v1", "kind": kind, "namespace": "shop"});
    let named = |kind: &str, name: &str| json!({"apiVersion": "v1", "kind": kind, "namespace": "shop", "name": name});
    let shop = json!({"namespace": "shop"});
    let about = json!({"namespace": "shop", "object": "deploy/api"});
    let logs = json!({"namespace": "shop", "name": pod});
    let calls = [
        ("configuration_view", json!({})),
        ("events_list", shop.clone()),
        ("pods_list_in_namespace", shop.clone()),
        ("pods_get", logs.clone()),
        ("pods_log", logs.clone()),
        ("pods_log", json!({"namespace": "shop", "name": pod, "previous": true})),
        ("resources_list", of("Secret")),
        ("resources_list", of("ConfigMap")),
        ("resources_list", of("Event")),
        ("resources_get", deployment.clone()),
        ("resources_get", named("Secret", "db")),
        ("resources_get", named("Secret", "sh.helm.release.v1.api.v1")),
        ("resources_get", named("ConfigMap", "settings")),
        ("resources_get", named("Pod", pod)),
        ("helm_list", shop.clone()),
        ("diagnose", about.clone()),
        ("diagnose", json!({"namespace": "shop", "object": format!("pod/{pod}")})),
        ("evidence", json!({"namespace": "shop", "object": "deploy/api", "id": "E1"})),
        ("evidence", json!({"namespace": "shop", "object": "deploy/api", "id": "E2"})),
        ("evidence", json!({"incident": 1, "id": "E1"})),
        ("describe", about.clone()),
        ("describe", json!({"namespace": "shop", "object": "secret/db"})),
        ("describe", json!({"namespace": "shop", "object": "configmap/settings"})),
        ("changes", shop.clone()),
        ("search", json!({"name": "api"})),
        ("logs_search", json!({"namespace": "shop", "pattern": "database|dsn"})),
        ("rollout", json!({"namespace": "shop", "object": "deploy/api", "action": "history"})),
        ("alerts_list", json!({"all": true})),
        (
            "apply_preview",
            json!({"resource": json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata":
            {"name": "api", "namespace": "shop", "labels": {"tier": "back"}}}).to_string()}),
        ),
        (
            "resources_scale",
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "api", "scale": 2}),
        ),
        ("rollout", json!({"namespace": "shop", "object": "deploy/api", "action": "restart"})),
        ("resources_delete", deployment),
        ("resources_delete", named("ConfigMap", "settings")),
        ("pods_delete", logs),
    ];
    let mut proposals = Vec::new();
    for (tool, arguments) in calls {
        let answer = caller.call(tool, &arguments).await;
        if let Some((_, after)) = answer.split_once("approval needed: ") {
            proposals.push(after.chars().take_while(char::is_ascii_alphanumeric).collect());
        }
        left.add(format!("{tool} {arguments}"), answer);
    }
    proposals
}

async fn settled(store: &sqlx::SqlitePool) {
    let began = Instant::now();
    loop {
        let count = |statement: &'static str| sqlx::query_scalar::<_, i64>(statement).fetch_one(store);
        let runs = count("SELECT count(*) FROM runs WHERE state = 'ended'").await.unwrap();
        let waiting = count("SELECT count(*) FROM outbox WHERE state NOT IN ('sent', 'superseded')").await.unwrap();
        let sent = count("SELECT count(*) FROM outbox WHERE state = 'sent'").await.unwrap();
        if runs > 0 && waiting == 0 && sent >= 12 {
            return;
        }
        if began.elapsed() > PATIENCE {
            let rows: Vec<(String, String, String, Option<String>)> =
                sqlx::query_as("SELECT channel, kind, state, error FROM outbox").fetch_all(store).await.unwrap();
            panic!("{runs} runs, {waiting} waiting, {sent} sent: {rows:#?}");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The alert, and a body that cannot be read: it is kept and shown as well.
async fn tell(base: &str, pod: &str) {
    let alert = json!({"version": "4", "status": "firing", "alerts": [{"status": "firing", "startsAt": jiff::Timestamp::now().to_string(),
        "endsAt": "0001-01-01T00:00:00Z", "labels": {"alertname": "KubePodCrashLooping", "namespace": "shop", "pod": pod, "container": "main",
            "severity": "critical", "target": format!("https://probe:{}@api.example.com/health", planted("an alert's label"))},
        "annotations": {"summary": "restarts", "description": format!("last login with password={} failed", planted("an alert's annotation"))}}]});
    let client = midwatch::http::client().unwrap();
    let sent = client.post(format!("{base}/webhooks/alertmanager")).json(&alert).send().await.unwrap();
    assert_eq!(sent.status(), 200);
    let odd = format!("{{\"alerts\": password={}", planted("an alert's annotation"));
    client.post(format!("{base}/webhooks/alertmanager")).body(odd).send().await.unwrap();
}

/// What the program prints, and a recording of the cluster.
fn commands(left: &mut Left, bed: &TestBed, home: &Path, recorded: &Path, config: &str) {
    let cluster = ["--kubeconfig", bed.text("kubeconfig"), "--context", "admin"];
    let record = ["record", recorded.to_str().unwrap()];
    left.command(home, &[&record[..], &cluster].concat());
    let replay = ["diagnose", "-n", "shop", "deploy/api", "--replay", recorded.to_str().unwrap()];
    left.command(home, &replay);
    for output in ["text", "json", "markdown"] {
        let diagnose = ["diagnose", "-n", "shop", "deploy/api", "-o", output];
        left.command(home, &[&diagnose[..], &cluster].concat());
    }
    left.command(home, &[&["ask", "why is shop/api not ready"][..], &cluster].concat());
    for command in [
        "audit list",
        "audit export",
        "approvals list",
        "alerts list",
        "alerts show 1",
        "outbox list --state sent",
        "config show",
    ] {
        let words: Vec<&str> = command.split(' ').chain(["--config", config]).collect();
        left.command(home, &words);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn planted_secrets_are_in_nothing_that_leaves() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let bed = TestBed::start(&["--no-prometheus"]);
    plant(&bed);
    let group = Pretend::start(Feishu::new("h", None)).await.unwrap();
    let wecom = Pretend::start(Wecom::new("k")).await.unwrap();
    let dingtalk = Pretend::start(Dingtalk::new("t", None)).await.unwrap();
    let slack = Pretend::start(Slack::new("xoxb")).await.unwrap();
    let hook = Pretend::start(webhook::Webhook::new(None)).await.unwrap();
    let (smtp, mails) = mail_server().await;
    // A model that repeats everything it was shown.
    let model = Model::acting(|body| {
        let shown = body["messages"].to_string();
        Turn::text(json!({"overview": {"text": shown, "evidence": ["E1"], "quote": shown}}).to_string())
    });
    let model = model.await.unwrap();
    let address = free_address();
    let folder = tempfile::tempdir().unwrap();
    let token = |user: &str, role: &str| json!({"user": user, "groups": ["dev"], "roles": [role], "token": format!("{user}-0123456789abcdef0123")});
    let config = json!({
        "cluster": {"kubeconfig": bed.text("kubeconfig"), "context": "admin"}, "policy": busy_policy(folder.path()),
        "log": {"level": "debug"}, "lang": "en", "model": "always",
        "models": [{"name": "pretend", "url": model.url, "model": "m", "deadline_s": 5}],
        "people": {"impersonate": true, "tokens": [token("olga", "operator"), token("paula", "approver")]},
        "mcp": {"toolsets": ["core", "config", "helm", "ours"]},
        "channels": {
            "feishu": {"type": "feishu_bot", "url": group.url("/open-apis/bot/v2/hook/h")},
            "wecom": {"type": "wecom_bot", "url": wecom.url("/cgi-bin/webhook/send?key=k")},
            "dingtalk": {"type": "dingtalk_bot", "url": dingtalk.url("/robot/send?access_token=t")},
            "slack": {"type": "slack", "token": "xoxb", "channel": "#alerts", "base_url": slack.url("/api")},
            "mail": {"type": "email", "host": "127.0.0.1", "port": smtp, "encryption": "none", "from": "a@example.com", "to": ["b@example.com"]},
            "hook": {"type": "webhook", "url": hook.url("/")},
        },
    });
    let midwatch = Midwatch::start(address, config).await;
    let base = format!("http://{address}");
    let pod = crashing(&bed);
    tell(&base, &pod).await;
    let store = midwatch.store().await;
    settled(&store).await;

    let mut left = Left::default();
    let proposals = tools(&base, &pod, &mut left).await;
    assert!(!proposals.is_empty(), "nothing could be proposed: {:?}", left.0.iter().rev().take(4).collect::<Vec<_>>());
    for path in ["/metrics", "/incidents/1", "/approvals", "/api/v1/proposals"] {
        left.get(&base, path).await;
    }
    for id in &proposals {
        left.get(&base, &format!("/approvals/{id}")).await;
        left.get(&base, &format!("/api/v1/proposals/{id}")).await;
    }
    left.requests("Feishu", &group);
    left.requests("WeCom", &wecom);
    left.requests("DingTalk", &dingtalk);
    left.requests("Slack", &slack);
    left.requests("the webhook", &hook);
    let mails = mails.lock().unwrap().clone();
    assert!(mails.len() >= 2, "{} mails", mails.len());
    mails.into_iter().for_each(|mail| left.add("mail", mail));
    let asked = model.requests();
    assert!(!asked.is_empty() && asked[0].to_string().contains("shop"), "{asked:?}");
    asked.into_iter().for_each(|request| left.add("the model", request.to_string()));

    let data = midwatch.folder.path();
    let config = data.join("midwatch.yaml");
    let config = config.to_str().unwrap();
    let recorded = folder.path().join("recorded");
    commands(&mut left, &bed, folder.path(), &recorded, config);
    assert!(left.0.iter().any(|(_, text)| text.contains("[[")), "no placeholder anywhere: the secrets were not near");
    left.folder(data);
    left.folder(&recorded);
    left.store(&store).await;
    println!("{} texts looked through", left.0.len());
    left.holds_none();
}
