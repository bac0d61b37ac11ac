//! From rows of the outbox to stand-ins for the messengers: what arrives, how often, and what is seen of what does not.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use diagnose::{Evidence, Lang, Report, Target};
use jiff::tz::TimeZone;
use midwatch::alerts::tell::{Diagnosed, diagnosed};
use midwatch::alerts::{IncidentView, Intake, Settings};
use midwatch::config::{QuietHours, Route};
use midwatch::deliver::{Composer, Deliver, Quiet, Routes, Templates};
use midwatch::message::Voice;
use midwatch::store::{self, Store};
use notify::Channel;
use notify::pretend::{Fault, Pretend, Reply, dingtalk::Dingtalk, feishu::Feishu, slack::Slack, webhook, wecom::Wecom};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::harness::settings;

/// A store with its intake; alerts go to all of `channels`.
struct Desk {
    _folder: tempfile::TempDir,
    intake: Intake,
    channels: Value,
    fallback: Vec<String>,
    quiet: Vec<QuietHours>,
    routes: Vec<Route>,
}

struct Running {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Running {
    async fn stop(self) {
        self.stop.send(true).unwrap();
        self.task.await.unwrap();
    }
}

impl Desk {
    async fn new(told: &[&str], channels: Value) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&settings(folder.path().join("midwatch.db"))).await.unwrap();
        let told: Vec<String> = told.iter().map(|name| (*name).to_owned()).collect();
        let routes = Arc::new(move |_: &IncidentView<'_>| told.clone());
        let intake = Intake { store, settings: Arc::new(Settings::default()), routes, queue: Arc::default() };
        Self { _folder: folder, intake, channels, fallback: vec![], quiet: vec![], routes: vec![] }
    }

    fn deliver(&self) -> Running {
        self.deliver_on(self.intake.store.clone())
    }

    fn deliver_on(&self, store: Store) -> Running {
        let channels: BTreeMap<String, Channel> = serde_json::from_value(self.channels.clone()).unwrap();
        let composer = Composer {
            store: store.clone(),
            voice: Voice { lang: Lang::Zh, zone: TimeZone::get("Asia/Shanghai").unwrap() },
            cluster: "test".to_owned(),
            public_url: None,
            routes: Arc::new(Routes::new(&self.routes, channels.keys().cloned().collect())),
            templates: Templates::default(),
        };
        let deliver = Deliver::new(store, composer.into(), Quiet::new(&self.quiet), self.fallback.clone()).unwrap();
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(async move { Arc::new(deliver).run(&channels, stopped).await.unwrap() });
        Running { stop, task }
    }

    /// Takes one alert in, as Alertmanager sends it.
    async fn alert(&self, status: &str, name: &str, severity: &str) {
        let ends = if status == "resolved" { "2026-11-24T02:30:00Z" } else { "0001-01-01T00:00:00Z" };
        let body = json!({"version": "4", "status": status, "alerts": [{
            "status": status, "startsAt": "2026-11-24T02:00:00Z", "endsAt": ends,
            "labels": {"alertname": name, "severity": severity, "namespace": format!("ns-{name}")},
            "annotations": {"summary": format!("summary of {name}")},
        }]});
        self.intake.accept("alertmanager", body.to_string().into(), store::now()).await.unwrap();
        self.intake.store.wake().outbox.notify_waiters();
    }

    async fn diagnose(&self, incident: i64) {
        let report = Report::of(&Evidence::new(jiff::Timestamp::now(), Target::Cluster));
        let news =
            Diagnosed { incident, report: serde_json::to_string(&report).unwrap(), cause: None, wants_words: false };
        let told = self
            .intake
            .store
            .write(move |connection| Box::pin(async move { diagnosed(connection, &news, store::now()).await }));
        told.await.unwrap();
        self.intake.store.wake().outbox.notify_waiters();
    }

    async fn run(&self, statement: &'static str) {
        let work = self.intake.store.write(move |connection| {
            Box::pin(async move {
                sqlx::query(statement).execute(connection).await?;
                Ok(())
            })
        });
        work.await.unwrap();
        self.intake.store.wake().outbox.notify_waiters();
    }

    /// The rows as `channel/kind/state`, in the order of their making.
    async fn rows(&self) -> Vec<String> {
        let statement = "SELECT channel || '/' || kind || '/' || state FROM outbox ORDER BY id";
        sqlx::query_scalar(statement).fetch_all(self.intake.store.read()).await.unwrap()
    }

    async fn until_rows(&self, wanted: &[&str]) {
        let started = Instant::now();
        loop {
            let rows = self.rows().await;
            if rows == wanted {
                return;
            }
            assert!(started.elapsed() < Duration::from_secs(60), "{rows:?} instead of {wanted:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn text(&self, statement: &'static str) -> String {
        sqlx::query_scalar(statement).fetch_one(self.intake.store.read()).await.unwrap()
    }
}

fn feishu_bot(server: &Pretend<Feishu>) -> Value {
    json!({"type": "feishu_bot", "url": server.url("/open-apis/bot/v2/hook/h")})
}

fn wecom(server: &Pretend<Wecom>) -> Value {
    json!({"type": "wecom_bot", "url": server.url("/cgi-bin/webhook/send?key=k")})
}

fn dingtalk(server: &Pretend<Dingtalk>) -> Value {
    json!({"type": "dingtalk_bot", "url": server.url("/robot/send?access_token=t")})
}

fn answer(body: &Value) -> Fault {
    Fault::Answer(Reply::json(body))
}

#[tokio::test]
async fn one_card_lives_through_all_states_where_it_can_be_changed_and_follow_ups_tell_them_elsewhere() {
    let (app, bot) = (Pretend::start(Feishu::new("h", None)).await.unwrap(), Feishu::new("h", None));
    let bot = Pretend::start(bot).await.unwrap();
    let app_channel = json!({"type": "feishu_app", "app_id": "cli_midwatch", "app_secret": "app-secret",
                             "receive_id": "oc_1", "base_url": app.url("")});
    let desk = Desk::new(&["app", "bot"], json!({"app": app_channel, "bot": feishu_bot(&bot)})).await;
    let running = desk.deliver();
    desk.alert("firing", "KubeA", "warning").await;
    desk.until_rows(&["app/plain/sent", "bot/plain/sent"]).await;
    desk.diagnose(1).await;
    desk.until_rows(&["app/plain/sent", "bot/plain/sent", "app/diagnosis/sent", "bot/diagnosis/sent"]).await;
    desk.alert("resolved", "KubeA", "warning").await;
    let all = ["app/plain/sent", "bot/plain/sent", "app/diagnosis/sent", "bot/diagnosis/sent"];
    let all: Vec<&str> = all.into_iter().chain(["app/resolved/sent", "bot/resolved/sent"]).collect();
    desk.until_rows(&all).await;
    running.stop().await;
    app.with(|feishu| {
        assert_eq!((feishu.messages.len(), feishu.messages[0].history.len()), (1, 3));
        let text = feishu.messages[0].text();
        assert!(text.contains("已恢复") && text.contains("2026-11-24 10:00:00 +08:00"), "{text}");
    });
    let told: Vec<String> = bot.with(|bot| bot.messages.iter().map(|message| message.text()).collect());
    assert_eq!(told.len(), 3);
    assert!(told[0].contains("summary of KubeA") && told[2].contains("已恢复"), "{told:?}");
}

#[tokio::test]
async fn a_failure_inside_http_200_is_seen_on_each_channel_and_is_visible() {
    let f = Pretend::start(Feishu::new("h", None)).await.unwrap();
    let w = Pretend::start(Wecom::new("k")).await.unwrap();
    let d = Pretend::start(Dingtalk::new("t", None)).await.unwrap();
    let s = Pretend::start(Slack::new("xoxb")).await.unwrap();
    f.fail(1, &answer(&json!({"code": 19001, "msg": "token invalid"})));
    w.fail(1, &answer(&json!({"errcode": 93000, "errmsg": "invalid webhook url"})));
    d.fail(1, &answer(&json!({"errcode": 300_005, "errmsg": "token is not exist"})));
    s.fail(1, &answer(&json!({"ok": false, "error": "invalid_auth"})));
    let slack = json!({"type": "slack", "token": "xoxb", "channel": "#alerts", "base_url": s.url("/api")});
    let channels = json!({"d": dingtalk(&d), "f": feishu_bot(&f), "s": slack, "w": wecom(&w)});
    let desk = Desk::new(&["d", "f", "s", "w"], channels).await;
    let running = desk.deliver();
    desk.alert("firing", "KubeA", "warning").await;
    desk.until_rows(&["d/plain/dead", "f/plain/dead", "s/plain/dead", "w/plain/dead"]).await;
    running.stop().await;
    let why = desk.text("SELECT group_concat(error, ' | ') FROM outbox WHERE state = 'dead'").await;
    for word in ["19001", "93000", "300005", "invalid_auth"] {
        assert!(why.contains(word), "{word} in {why}");
    }
}

#[tokio::test]
async fn a_refusing_channel_and_a_hanging_one_delay_no_other() {
    let good = Pretend::start(Feishu::new("h", None)).await.unwrap();
    let hanging = Pretend::start(Wecom::new("k")).await.unwrap();
    hanging.fail(9, &Fault::Slow(Duration::from_secs(120)));
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refusing = json!({"type": "webhook", "url": format!("http://{closed}/")});
    let channels = json!({"good": feishu_bot(&good), "hanging": wecom(&hanging), "refusing": refusing});
    let desk = Desk::new(&["good", "hanging", "refusing"], channels).await;
    let running = desk.deliver();
    for name in ["KubeA", "KubeB", "KubeC"] {
        desk.alert("firing", name, "warning").await;
    }
    let started = Instant::now();
    while good.with(|feishu| feishu.messages.len()) < 3 {
        assert!(started.elapsed() < Duration::from_secs(60));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let rows = desk.rows().await;
    assert_eq!(rows.iter().filter(|row| *row == "hanging/plain/sent").count(), 0, "{rows:?}");
    assert_eq!(rows.iter().filter(|row| *row == "refusing/plain/sent").count(), 0, "{rows:?}");
    running.task.abort();
}

#[tokio::test]
async fn a_dead_channel_passes_its_news_on_at_once_and_a_stuck_critical_one_after_two_minutes() {
    let f = Pretend::start(Feishu::new("h", None)).await.unwrap();
    let w = Pretend::start(Wecom::new("k")).await.unwrap();
    f.fail(1, &answer(&json!({"code": 19001, "msg": "token invalid"})));
    let mut desk = Desk::new(&["f"], json!({"f": feishu_bot(&f), "w": wecom(&w)})).await;
    desk.fallback = vec!["f".to_owned(), "w".to_owned()];
    let running = desk.deliver();
    desk.alert("firing", "KubeA", "warning").await;
    desk.until_rows(&["f/plain/dead", "w/plain/sent"]).await;
    running.stop().await;
    f.fail(1_000, &Fault::Answer(Reply::text(502, "bad gateway")));
    desk.alert("firing", "KubeWarn", "warning").await;
    desk.alert("firing", "KubeCrit", "critical").await;
    desk.run("UPDATE outbox SET created_at = created_at - 180000 WHERE state = 'queued'").await;
    let running = desk.deliver();
    // only the critical one is passed on; both go on trying where they belong
    let started = Instant::now();
    while w.with(|wecom| wecom.messages.len()) < 2 {
        assert!(started.elapsed() < Duration::from_secs(60), "{:?}", desk.rows().await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    running.stop().await;
    assert_eq!(desk.rows().await, ["f/plain/dead", "w/plain/sent", "f/plain/queued", "f/plain/queued", "w/plain/sent"]);
    let told = w.with(|wecom| wecom.messages[1].to_string());
    assert!(told.contains("KubeCrit"), "{told}");
}

#[tokio::test]
async fn a_muted_robot_is_left_alone_and_critical_news_goes_elsewhere() {
    let d = Pretend::start(Dingtalk::new("t", None)).await.unwrap();
    let w = Pretend::start(Wecom::new("k")).await.unwrap();
    d.fail(1, &answer(&json!({"status": 1111, "wait": 5, "punish": "deny"})));
    let mut desk = Desk::new(&["d"], json!({"d": dingtalk(&d), "w": wecom(&w)})).await;
    desk.fallback = vec!["d".to_owned(), "w".to_owned()];
    let running = desk.deliver();
    desk.alert("firing", "KubeA", "critical").await;
    desk.until_rows(&["d/plain/queued", "w/plain/sent"]).await;
    desk.alert("firing", "KubeB", "critical").await;
    desk.until_rows(&["d/plain/queued", "w/plain/sent", "d/plain/queued", "w/plain/sent"]).await;
    running.stop().await;
    assert_eq!(d.received().len(), 1, "nothing is said to a robot that has to be silent");
}

#[tokio::test]
async fn what_cannot_be_told_for_a_day_or_has_no_channel_any_more_is_given_up_for_all_to_see() {
    let f = Pretend::start(Feishu::new("h", None)).await.unwrap();
    f.fail(1, &Fault::Answer(Reply::text(502, "bad gateway")));
    let desk = Desk::new(&["f", "gone"], json!({"f": feishu_bot(&f)})).await;
    desk.alert("firing", "KubeA", "warning").await;
    desk.run("UPDATE outbox SET created_at = created_at - 25 * 3600000").await;
    let running = desk.deliver();
    desk.until_rows(&["f/plain/dead", "gone/plain/dead"]).await;
    running.stop().await;
    let why = desk.text("SELECT error FROM outbox WHERE channel = 'gone'").await;
    assert_eq!(why, "the channel is not in the configuration any more");
}

#[tokio::test]
async fn quiet_hours_hold_all_but_critical_and_then_tell_the_last_state_only() {
    let f = Pretend::start(Feishu::new("h", None)).await.unwrap();
    let mut desk = Desk::new(&["f"], json!({"f": feishu_bot(&f)})).await;
    let local = jiff::Timestamp::now().to_zoned(TimeZone::UTC);
    let hours = |from: i64, to: i64| QuietHours {
        from: local.saturating_add(jiff::Span::new().hours(from)).strftime("%H:%M").to_string(),
        to: local.saturating_add(jiff::Span::new().hours(to)).strftime("%H:%M").to_string(),
        timezone: None,
        channels: vec![],
    };
    desk.quiet = vec![hours(-2, 2)];
    let running = desk.deliver();
    desk.alert("firing", "KubeA", "warning").await;
    desk.alert("firing", "KubeCrit", "critical").await;
    desk.until_rows(&["f/plain/queued", "f/plain/sent"]).await;
    desk.diagnose(1).await;
    desk.alert("resolved", "KubeA", "warning").await;
    let held = ["f/plain/superseded", "f/plain/sent", "f/diagnosis/superseded", "f/resolved/queued"];
    desk.until_rows(&held).await;
    running.stop().await;
    desk.quiet = vec![];
    desk.run("UPDATE outbox SET next_at = 0 WHERE state = 'queued'").await;
    let running = desk.deliver();
    desk.until_rows(&["f/plain/superseded", "f/plain/sent", "f/diagnosis/superseded", "f/resolved/sent"]).await;
    running.stop().await;
    let told: Vec<String> = f.with(|feishu| feishu.messages.iter().map(|message| message.text()).collect());
    assert_eq!(told.len(), 2);
    assert!(told[0].contains("KubeCrit") && told[1].contains("已恢复"), "{told:?}");
}

#[tokio::test]
async fn a_storm_of_500_incidents_keeps_every_robot_within_its_pace_and_loses_none() {
    let f = Pretend::start(Feishu::new("h", None)).await.unwrap();
    let d = Pretend::start(Dingtalk::new("t", None)).await.unwrap();
    let w = Pretend::start(Wecom::new("k")).await.unwrap();
    let channels = json!({"d": dingtalk(&d), "f": feishu_bot(&f), "w": wecom(&w)});
    let desk = Desk::new(&["d", "f", "w"], channels).await;
    let running = desk.deliver();
    for n in 0..500 {
        desk.alert("firing", &format!("Kube{n}"), "warning").await;
    }
    // the digest of the minute would wait for the minute's end
    let started = Instant::now();
    loop {
        desk.run("UPDATE outbox SET next_at = 0 WHERE state = 'queued' AND kind = 'digest'").await;
        let left = desk.text("SELECT count(*) || '' FROM outbox WHERE state IN ('queued', 'leased')").await;
        if left == "0" {
            break;
        }
        assert!(started.elapsed() < Duration::from_secs(240), "{left} rows are left");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    running.stop().await;
    let untold = "SELECT count(*) || '' FROM incidents i, (SELECT 'd' c UNION SELECT 'f' UNION SELECT 'w') WHERE
        NOT EXISTS (SELECT 1 FROM outbox o WHERE o.incident = i.id AND o.channel = c AND o.state = 'sent') AND
        NOT EXISTS (SELECT 1 FROM digests g JOIN outbox o ON o.incident = 0 AND o.revision = g.minute
                    AND o.channel = c AND o.state = 'sent' WHERE g.incident = i.id AND g.channel = c)";
    assert_eq!(desk.text("SELECT count(*) || '' FROM incidents").await, "500");
    assert_eq!(desk.text(untold).await, "0");
    assert_eq!(f.with(|feishu| feishu.pace.violations), 0);
    assert_eq!(d.with(|dingtalk| dingtalk.pace.violations), 0);
    assert_eq!(w.with(|wecom| wecom.pace.violations), 0);
}

#[tokio::test]
async fn a_try_whose_answer_was_lost_is_repeated_under_the_same_id() {
    let hook = Pretend::start(webhook::Webhook::new(None)).await.unwrap();
    hook.fail(1, &Fault::Reset);
    let channel = json!({"type": "webhook", "url": hook.url("/hook")});
    let desk = Desk::new(&["hook"], json!({"hook": channel})).await;
    let running = desk.deliver();
    desk.alert("firing", "KubeA", "warning").await;
    desk.until_rows(&["hook/plain/sent"]).await;
    running.stop().await;
    let ids: Vec<String> =
        hook.received().iter().map(|one| one.headers["webhook-id"].to_str().unwrap().to_owned()).collect();
    assert_eq!((ids.len(), ids.iter().collect::<std::collections::BTreeSet<_>>().len()), (2, 1), "{ids:?}");
}

#[tokio::test]
async fn parts_that_were_taken_are_not_said_again() {
    let w = Pretend::start(Wecom::new("k")).await.unwrap();
    w.fail(1, &Fault::Slow(Duration::ZERO));
    w.fail(1, &Fault::Answer(Reply::text(502, "bad gateway")));
    let mut channel = wecom(&w);
    channel["style"] = "markdown_v2".into();
    let mut desk = Desk::new(&["w"], json!({"w": channel})).await;
    let mentions = vec![notify::Mention::User("boss".to_owned())];
    desk.routes = vec![Route { matches: BTreeMap::new(), channels: vec!["w".to_owned()], mentions, model: None }];
    let running = desk.deliver();
    desk.alert("firing", "KubeA", "warning").await;
    desk.until_rows(&["w/plain/sent"]).await;
    running.stop().await;
    let kinds: Vec<Value> = w.with(|wecom| wecom.messages.iter().map(|body| body["msgtype"].clone()).collect());
    assert_eq!((kinds, w.received().len()), (vec![json!("markdown_v2"), json!("text")], 3));
}

#[tokio::test]
async fn a_merged_incident_is_not_told_and_a_stop_finishes_the_send_under_way() {
    let f = Pretend::start(Feishu::new("h", None)).await.unwrap();
    let desk = Desk::new(&["f"], json!({"f": feishu_bot(&f)})).await;
    desk.alert("firing", "KubeA", "warning").await;
    desk.alert("firing", "KubeB", "warning").await;
    desk.run("UPDATE incidents SET state = 'merged', merged_into = 2 WHERE id = 1").await;
    f.fail(1, &Fault::Slow(Duration::from_secs(2)));
    let running = desk.deliver();
    desk.until_rows(&["f/plain/superseded", "f/plain/leased"]).await;
    running.stop().await;
    assert_eq!(desk.rows().await, ["f/plain/superseded", "f/plain/sent"]);
    assert_eq!(f.with(|feishu| feishu.messages.len()), 1);
}

#[tokio::test]
async fn two_processes_on_one_store_share_the_work() {
    let hook = Pretend::start(webhook::Webhook::new(None)).await.unwrap();
    let channel = json!({"type": "webhook", "url": hook.url("/hook")});
    let desk = Desk::new(&["hook"], json!({"hook": channel})).await;
    for name in ["KubeA", "KubeB", "KubeC", "KubeD", "KubeE", "KubeF"] {
        desk.alert("firing", name, "warning").await;
    }
    let other = Store::open(&settings(desk._folder.path().join("midwatch.db"))).await.unwrap();
    let both = [desk.deliver(), desk.deliver_on(other)];
    desk.until_rows(&["hook/plain/sent"; 6]).await;
    for running in both {
        running.stop().await;
    }
    assert_eq!(hook.received().len(), 6);
}
