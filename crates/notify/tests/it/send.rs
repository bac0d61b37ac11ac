//! Every channel against its pretend server: accepted, refused and classed as the vendor's error table says.

use std::time::Duration;

use jiff::Timestamp;
use notify::pretend::{Fault, Pretend, Reply, Vendor, dingtalk, feishu, slack, webhook, wecom};
use notify::{Channel, Class, Client, Delivery, Lang, Mention, Receipt, SendError};
use serde_json::{Value, json};

use crate::sample::{channel, report};

fn client() -> Client {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Client::with_time_limit(Duration::from_millis(700)).unwrap()
}

fn now() -> Timestamp {
    "2026-11-24T03:12:07Z".parse().unwrap()
}

fn delivery(id: &str) -> Delivery {
    Delivery { id: id.into(), thread: "incident-42".into(), revision: 0, previous: None, reply: false, skip: 0 }
}

async fn say(channel: &Channel, delivery: &Delivery) -> Result<Receipt, SendError> {
    let rendered = channel.render(&report(Lang::Zh));
    channel.send(&client(), &rendered, delivery, now()).await
}

const PAUSE: fn(u64) -> Class = |s| Class::RateLimited { pause: Duration::from_secs(s) };
const RETRY: Class = Class::Retry { after: None };

/// Each row: what the server answers and what we make of it. Then: slow, broken, no API, redirect.
async fn table<V: Vendor>(server: &Pretend<V>, channel: &Channel, rows: Vec<(Reply, Class)>) {
    let mut rows = rows;
    rows.push((Reply::text(302, "").with("location", "https://login.example/"), Class::Config));
    rows.push((
        Reply::text(503, "busy").with("retry-after", "7"),
        Class::Retry { after: Some(Duration::from_secs(7)) },
    ));
    for (n, (reply, class)) in rows.into_iter().enumerate() {
        server.fail(1, &Fault::Answer(reply.clone()));
        let error = say(channel, &delivery(&format!("row-{n}"))).await.unwrap_err();
        assert_eq!(error.class, class, "{}: {reply:?}: {}", channel.target(), error.text);
        assert!(!error.text.contains("KEY"), "the address is a secret: {}", error.text);
    }
    for (n, fault) in [Fault::Slow(Duration::from_secs(2)), Fault::Reset].iter().enumerate() {
        server.fail(1, fault);
        let error = say(channel, &delivery(&format!("net-{n}"))).await.unwrap_err();
        assert_eq!(error.class, RETRY, "{fault:?}: {}", error.text);
        assert!(!error.text.contains("KEY") && !error.text.contains("127.0.0.1"), "{}", error.text);
    }
}

fn code(code: i64, msg: &str) -> Reply {
    Reply::json(&json!({"code": code, "msg": msg, "data": {}}))
}

fn errcode(code: i64) -> Reply {
    Reply::json(&json!({"errcode": code, "errmsg": "as the vendor says"}))
}

#[tokio::test]
async fn feishu_bot() {
    let server = Pretend::start(feishu::Feishu::new("KEY", Some("demo"))).await.unwrap();
    server.set_clock(now());
    let url = server.url("/open-apis/bot/v2/hook/KEY");
    let bot = channel(json!({"type": "feishu_bot", "url": url, "secret": "demo"}));
    say(&bot, &delivery("1")).await.unwrap();
    let (text, html) = server.with(|f| (f.messages[0].text(), f.messages[0].html()));
    for part in [
        "[严重] [已诊断] KubePodNotReady",
        "申请 5Gi",
        "最小为 10Gi",
        "E1 Event | ProvisioningFailed",
        "kubectl -n aiops patch pvc",
        "完整报告",
    ] {
        assert!(text.contains(part), "{part} missing in {text}");
    }
    assert!(html.contains("<table>") && html.contains("<pre>kubectl"), "{html}");

    table(
        &server,
        &bot,
        vec![
            (code(11232, "frequency limited"), PAUSE(15)),
            (code(9499, "Bad Request"), Class::TooLong),
            (code(230_099, "ext=ErrCode: 11310; ErrMsg: card table number over limit"), Class::TooLong),
            (code(19021, "sign match fail"), Class::Config),
            (code(19022, "Ip Not Allowed"), Class::Config),
            (code(19024, "Key Words Not Found"), Class::Config),
            (code(19001, "token invalid"), Class::Config),
            (code(1_234_567, "?"), Class::Dead),
            (Reply::json(&json!({"StatusCode": 9499, "StatusMessage": "old form"})), Class::TooLong),
            (Reply::text(200, "<html>login</html>"), RETRY),
        ],
    )
    .await;

    let wrong = channel(json!({"type": "feishu_bot", "url": url, "secret": "other"}));
    assert_eq!(say(&wrong, &delivery("2")).await.unwrap_err().class, Class::Config);
    server.set_clock(now().checked_add(jiff::SignedDuration::from_hours(2)).unwrap());
    let stale = say(&bot, &delivery("3")).await.unwrap_err();
    assert!(stale.class == Class::Config && stale.text.contains("clock"), "{}", stale.text);
}

#[tokio::test]
async fn feishu_app_updates_in_place() {
    let server = Pretend::start(feishu::Feishu::new("x", None)).await.unwrap();
    server.set_clock(now());
    let app = channel(json!({"type": "feishu_app", "app_id": "cli_midwatch", "app_secret": "app-secret",
        "receive_id": "oc_group", "base_url": server.url("")}));
    let first = say(&app, &delivery("1")).await.unwrap();
    assert_eq!(say(&app, &delivery("1")).await.unwrap(), first, "the same id again makes no second message");
    let later = Delivery { id: "2".into(), revision: 1, previous: Some(first.clone()), ..delivery("2") };
    assert_eq!(say(&app, &later).await.unwrap(), first);
    server.with(|f| {
        assert_eq!((f.messages.len(), f.messages[0].history.len(), f.tokens), (1, 2, 1));
        f.revoke_token();
    });
    assert_eq!(say(&app, &later).await.unwrap(), first, "a dead token is replaced once");
    let reply = Delivery { id: "3".into(), reply: true, ..later.clone() };
    say(&app, &reply).await.unwrap();
    let gone = Delivery { id: "4".into(), previous: Some(Receipt { id: "om_gone".into() }), ..later.clone() };
    assert_ne!(say(&app, &gone).await.unwrap(), first, "a message that is gone is sent anew");
    server.with(|f| {
        assert_eq!(f.messages.len(), 3);
        assert_eq!(f.messages[1].reply_to.as_ref(), Some(&first.id));
    });

    table(
        &server,
        &app,
        vec![
            (code(99_991_400, "request trigger frequency limit"), PAUSE(5)),
            (code(230_020, "frequency limit"), PAUSE(5)),
            (Reply { status: 400, ..code(230_025, "length reaches its limit") }, Class::TooLong),
            (
                code(
                    230_099,
                    "Failed to create card content, ext=ErrCode: 11310; ErrMsg: card table number over limit",
                ),
                Class::TooLong,
            ),
            (code(230_002, "Bot can NOT be out of the chat"), Class::Config),
            (code(99_991_672, "Access denied. scope required"), Class::Config),
            (code(230_001, "invalid request parameter"), Class::Dead),
        ],
    )
    .await;

    let wrong = channel(json!({"type": "feishu_app", "app_id": "cli_midwatch", "app_secret": "no",
        "receive_id": "oc_group", "base_url": server.url("")}));
    assert_eq!(say(&wrong, &delivery("5")).await.unwrap_err().class, Class::Config);
}

#[tokio::test]
async fn wecom_bot() {
    let server = Pretend::start(wecom::Wecom::new("KEY")).await.unwrap();
    server.set_clock(now());
    let url = server.url("/cgi-bin/webhook/send?key=KEY");
    for style in ["markdown", "markdown_v2"] {
        let bot = channel(json!({"type": "wecom_bot", "url": url, "style": style}));
        let mut message = report(Lang::Zh);
        message.mentions = vec![Mention::User("zhangsan".into()), Mention::Everyone];
        let rendered = bot.render(&message);
        assert_eq!(rendered.parts.len(), 2);
        // The second part fails: the next try must not repeat the first.
        server.with(|w| w.messages.clear());
        let broken = Fault::Answer(errcode(-1));
        server.fail(1, &Fault::Slow(Duration::ZERO));
        server.fail(1, &broken);
        let error = bot.send(&client(), &rendered, &delivery("1"), now()).await.unwrap_err();
        assert_eq!((error.class, error.sent), (RETRY, 1));
        let again = Delivery { skip: error.sent, ..delivery("1") };
        bot.send(&client(), &rendered, &again, now()).await.unwrap();
        let messages = server.with(|w| w.messages.clone());
        assert_eq!(messages.len(), 2);
        assert_eq!(messages[1]["text"]["mentioned_list"], json!(["zhangsan", "@all"]));
        let content = messages[0][style]["content"].as_str().unwrap();
        assert_eq!(content.contains("| --- |"), style == "markdown_v2");
        assert_eq!(content.contains("<font color=\"warning\">"), style == "markdown");
    }
    let bot = channel(json!({"type": "wecom_bot", "url": url}));
    table(
        &server,
        &bot,
        vec![
            (errcode(45009), PAUSE(60)),
            (errcode(40058), Class::TooLong),
            (errcode(93000), Class::Config),
            (errcode(-1), RETRY),
            (errcode(40008), Class::Dead),
            (Reply::text(200, "gateway"), RETRY),
        ],
    )
    .await;
    let wrong = channel(json!({"type": "wecom_bot", "url": server.url("/cgi-bin/webhook/send?key=no")}));
    assert_eq!(say(&wrong, &delivery("2")).await.unwrap_err().class, Class::Config);
}

#[tokio::test]
async fn dingtalk_bot() {
    let server = Pretend::start(dingtalk::Dingtalk::new("KEY", Some("SECdemo"))).await.unwrap();
    server.set_clock(now());
    let url = server.url("/robot/send?access_token=KEY");
    let bot = channel(json!({"type": "dingtalk_bot", "url": url, "secret": "SECdemo"}));
    let mut message = report(Lang::Zh);
    message.mentions = vec![Mention::Mobile("13800000000".into()), Mention::Everyone];
    bot.send(&client(), &bot.render(&message), &delivery("1"), now()).await.unwrap();
    let sent = server.with(|d| d.messages[0].clone());
    assert_eq!(sent["at"], json!({"atMobiles": ["13800000000"], "atUserIds": [], "isAtAll": true}));
    assert!(sent["markdown"]["text"].as_str().unwrap().ends_with("@13800000000"));

    let silenced = Reply::json(&json!({"status": 1111, "wait": 5, "source": "x5", "punish": "deny"}));
    let mut rows = vec![(silenced, PAUSE(600)), (errcode(130_101), PAUSE(600)), (errcode(410_100), PAUSE(600))];
    rows.extend([310_000, 300_001, 300_005, 400_101, 400_013, 400_102, 400_106].map(|c| (errcode(c), Class::Config)));
    rows.extend([40_035, 43_004, 400_105].map(|c| (errcode(c), Class::Dead)));
    rows.extend([(errcode(460_101), Class::TooLong), (errcode(-1), RETRY)]);
    table(&server, &bot, rows).await;

    let wrong = channel(json!({"type": "dingtalk_bot", "url": url, "secret": "SECother"}));
    assert_eq!(say(&wrong, &delivery("2")).await.unwrap_err().class, Class::Config);
}

#[tokio::test]
async fn slack_webhook_and_app() {
    let server = Pretend::start(slack::Slack::new("xoxb-KEY")).await.unwrap();
    let mut clock = now();
    let mut tick = || {
        clock = clock.checked_add(jiff::SignedDuration::from_secs(2)).unwrap();
        server.set_clock(clock);
    };
    let hook = channel(json!({"type": "slack", "url": server.url("/hook")}));
    tick();
    say(&hook, &delivery("1")).await.unwrap();
    assert!(!hook.can_update());
    table(
        &server,
        &hook,
        vec![
            (Reply::text(400, "invalid_payload"), Class::Dead),
            (Reply::text(404, "no_service"), Class::Config),
            (Reply::text(410, "channel_is_archived"), Class::Config),
            (Reply::text(429, "").with("retry-after", "30"), PAUSE(30)),
            (Reply::text(200, "<html>"), RETRY),
        ],
    )
    .await;

    let app =
        channel(json!({"type": "slack", "token": "xoxb-KEY", "channel": "#alerts", "base_url": server.url("/api")}));
    assert!(app.can_update());
    server.with(|s| s.messages.clear());
    tick();
    let first = say(&app, &delivery("1")).await.unwrap();
    assert!(first.id.starts_with("C0MIDWATCH "), "the id, not the name: {}", first.id);
    let later = Delivery { previous: Some(first.clone()), ..delivery("2") };
    tick();
    assert_eq!(say(&app, &later).await.unwrap(), first);
    tick();
    say(&app, &Delivery { reply: true, ..later.clone() }).await.unwrap();
    tick();
    let gone = Delivery { previous: Some(Receipt { id: "C0MIDWATCH 1.1".into() }), ..later };
    assert_eq!(say(&app, &gone).await.unwrap_err().class, PAUSE(1), "the second call came too early");
    server.with(|s| {
        assert_eq!(s.messages.len(), 2);
        assert_eq!((&s.messages[0]["edited"], s.messages[1]["thread_ts"].is_string()), (&json!(true), true));
    });
    let word = |word: &str| Reply::json(&json!({"ok": false, "error": word}));
    let mut rows: Vec<(Reply, Class)> =
        vec![(Reply { status: 429, ..word("ratelimited") }.with("retry-after", "9"), PAUSE(9))];
    rows.extend(["fatal_error", "internal_error"].map(|w| (word(w), RETRY)));
    rows.extend(
        ["invalid_auth", "token_revoked", "channel_not_found", "is_archived"].map(|w| (word(w), Class::Config)),
    );
    rows.extend(["msg_too_long", "msg_blocks_too_long", "invalid_blocks"].map(|w| (word(w), Class::TooLong)));
    rows.push((word("something_new"), Class::Dead));
    table(&server, &app, rows).await;
}

#[tokio::test]
async fn webhook_signed() {
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let server = Pretend::start(webhook::Webhook::new(Some(secret))).await.unwrap();
    server.set_clock(now());
    let url = server.url("/in?k=KEY");
    let hook = channel(json!({"type": "webhook", "url": url, "secret": secret, "headers": {"x-team": "sre"}}));
    say(&hook, &delivery("msg_1")).await.unwrap();
    say(&hook, &delivery("msg_1")).await.unwrap();
    let messages: Vec<Value> = server.with(|w| w.messages.clone());
    assert_eq!(messages.len(), 1, "the receiver drops the second by its id");
    assert_eq!(messages[0]["data"]["lead"], report(Lang::Zh).lead);
    assert_eq!(server.received()[0].headers["x-team"], "sre");
    // An old and a new key at once.
    let both = channel(json!({"type": "webhook", "url": url, "secret": format!("whsec_AAAA {secret}")}));
    say(&both, &delivery("msg_2")).await.unwrap();
    let wrong = channel(json!({"type": "webhook", "url": url, "secret": "whsec_AAAA"}));
    assert_eq!(say(&wrong, &delivery("msg_3")).await.unwrap_err().class, Class::Config);
    table(
        &server,
        &hook,
        vec![
            (Reply::text(410, "gone"), Class::Config),
            (Reply::text(404, "not yet"), RETRY),
            (Reply::text(400, "?"), RETRY),
            (Reply::text(413, "big"), Class::TooLong),
            (Reply::text(429, "").with("retry-after", "3"), PAUSE(3)),
        ],
    )
    .await;
}

#[tokio::test]
async fn one_dead_host_is_a_retry() {
    let bot = channel(json!({"type": "wecom_bot", "url": "http://127.0.0.1:9/cgi-bin/webhook/send?key=KEY"}));
    let error = say(&bot, &delivery("1")).await.unwrap_err();
    assert_eq!(error.class, RETRY);
    assert!(!error.text.contains("KEY"), "{}", error.text);
}

/// With the limiter in front, 300 messages as fast as allowed never break a vendor's rule.
#[tokio::test]
async fn the_pace_never_hurts() {
    use notify::Limiter;
    let ding = Pretend::start(dingtalk::Dingtalk::new("KEY", None)).await.unwrap();
    let wecom = Pretend::start(wecom::Wecom::new("KEY")).await.unwrap();
    let fei = Pretend::start(feishu::Feishu::new("KEY", None)).await.unwrap();
    let slack = Pretend::start(slack::Slack::new("xoxb")).await.unwrap();
    let robots = [
        (channel(json!({"type": "dingtalk_bot", "url": ding.url("/robot/send?access_token=KEY")})), 50),
        (channel(json!({"type": "wecom_bot", "url": wecom.url("/cgi-bin/webhook/send?key=KEY")})), 50),
        (channel(json!({"type": "feishu_bot", "url": fei.url("/open-apis/bot/v2/hook/KEY")})), 120),
        (channel(json!({"type": "slack", "url": slack.url("/hook")})), 30),
    ];
    let client = client();
    for (robot, count) in robots {
        let mut limiter = Limiter::new(robot.limits().windows);
        let rendered = robot.render(&report(Lang::En));
        let mut clock = now();
        for n in 0..count {
            if let Err(ready) = limiter.take(rendered.parts.len(), clock) {
                clock = ready;
                limiter.take(rendered.parts.len(), clock).unwrap();
            }
            ding.set_clock(clock);
            wecom.set_clock(clock);
            fei.set_clock(clock);
            slack.set_clock(clock);
            robot.send(&client, &rendered, &delivery(&n.to_string()), clock).await.unwrap();
        }
    }
    assert_eq!(ding.with(|d| (d.messages.len(), d.pace.violations)), (50, 0));
    assert_eq!(wecom.with(|w| (w.messages.len(), w.pace.violations)), (50, 0));
    assert_eq!(fei.with(|f| (f.messages.len(), f.pace.violations)), (120, 0));
    assert_eq!(slack.with(|s| (s.messages.len(), s.pace.violations)), (30, 0));
}

#[tokio::test]
async fn too_fast_is_seen_and_named() {
    let ding = Pretend::start(dingtalk::Dingtalk::new("KEY", None)).await.unwrap();
    ding.set_clock(now());
    let robot = channel(json!({"type": "dingtalk_bot", "url": ding.url("/robot/send?access_token=KEY")}));
    for n in 0..20 {
        say(&robot, &delivery(&n.to_string())).await.unwrap();
    }
    assert_eq!(say(&robot, &delivery("21")).await.unwrap_err().class, PAUSE(600));
    ding.set_clock(now().checked_add(jiff::SignedDuration::from_mins(9)).unwrap());
    assert_eq!(say(&robot, &delivery("21")).await.unwrap_err().class, PAUSE(600), "muted for ten minutes");
}
