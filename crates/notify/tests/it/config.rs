//! Channels as configuration: strict, described by a schema, secrets from files and never shown.

use notify::{Channel, Class, Client, Delivery, Lang};
use serde_json::{Value, json};

use crate::sample::{channel, report};

fn parse(value: Value) -> Result<Channel, String> {
    serde_json::from_value(value).map_err(|e| e.to_string())
}

#[test]
fn unknown_fields_and_types_are_named() {
    let error = parse(json!({"type": "feishu_bot", "url": "http://x", "secrets": "s"})).unwrap_err();
    assert!(error.contains("secrets") && error.contains("secret_file"), "{error}");
    let error = parse(json!({"type": "feishu", "url": "http://x"})).unwrap_err();
    assert!(error.contains("feishu_bot") && error.contains("console"), "{error}");
    let error = parse(json!({"type": "wecom_bot", "url": "http://x", "style": "html"})).unwrap_err();
    assert!(error.contains("markdown_v2"), "{error}");
}

#[test]
fn debug_output_holds_no_secret() {
    for channel in [
        json!({"type": "feishu_bot", "url": "https://x/hook/S3CRET", "secret": "S3CRET"}),
        json!({"type": "feishu_app", "app_id": "a", "app_secret": "S3CRET", "receive_id": "oc"}),
        json!({"type": "wecom_bot", "url": "https://x/send?key=S3CRET"}),
        json!({"type": "dingtalk_bot", "url": "https://x/send?access_token=S3CRET", "secret": "S3CRET"}),
        json!({"type": "slack", "token": "S3CRET", "channel": "#a"}),
        json!({"type": "slack", "url": "https://hooks/S3CRET"}),
        json!({"type": "email", "host": "h", "username": "u", "password": "S3CRET", "from": "a@b.example", "to": ["c@d.example"]}),
        json!({"type": "webhook", "url": "https://x/S3CRET", "secret": "S3CRET", "headers": {"Authorization": "S3CRET"}}),
    ] {
        let channel = self::channel(channel);
        assert!(!format!("{channel:?}{}", channel.target()).contains("S3CRET"), "{channel:?}");
        assert_eq!(channel.problems(), Vec::<String>::new(), "{channel:?}");
    }
}

#[test]
fn problems_are_found_without_the_network() {
    let rows = [
        (json!({"type": "feishu_bot"}), "set url or url_file"),
        (json!({"type": "feishu_bot", "url": "http://x", "url_file": "f"}), "not both"),
        (
            json!({"type": "feishu_app", "app_id": "a", "app_secret": "s", "receive_id": "o", "receive_id_type": "chat"}),
            "receive_id_type",
        ),
        (json!({"type": "feishu_app", "app_id": "a", "receive_id": "o"}), "app_secret"),
        (json!({"type": "slack", "token": "t"}), "set channel"),
        (json!({"type": "slack"}), "or token and channel"),
        (json!({"type": "email", "host": "h", "from": "nobody", "to": ["c@d.example"]}), "no e-mail address"),
        (json!({"type": "email", "host": "h", "from": "a@b.example", "to": []}), "to is empty"),
        (
            json!({"type": "email", "host": "h", "encryption": "none", "from": "a@b.example", "to": ["c@d.example"]}),
            "starttls",
        ),
    ];
    for (config, expected) in rows {
        let found = channel(config.clone()).problems().join("; ");
        assert!(found.contains(expected), "{config}: {found}");
    }
}

#[tokio::test]
async fn a_secret_file_is_read_at_each_use() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("url");
    let bot = channel(json!({"type": "wecom_bot", "url_file": file}));
    let delivery = Delivery { id: "1".into(), thread: "t".into(), revision: 0, previous: None, reply: false, skip: 0 };
    let now = "2026-11-24T03:12:07Z".parse().unwrap();
    let client = Client::new().unwrap();
    let rendered = bot.render(&report(Lang::Zh));
    let error = bot.send(&client, &rendered, &delivery, now).await.unwrap_err();
    assert!(error.class == Class::Config && error.text.contains("url_file"), "{}", error.text);
    let server = notify::pretend::Pretend::start(notify::pretend::wecom::Wecom::new("k")).await.unwrap();
    std::fs::write(&file, format!("{}\n", server.url("/cgi-bin/webhook/send?key=k"))).unwrap();
    bot.send(&client, &rendered, &delivery, now).await.unwrap();
}

/// The schema takes what the parser takes, as far as property names go.
#[test]
fn the_schema_knows_every_field() {
    let schema = serde_json::to_value(schemars::schema_for!(Channel)).unwrap();
    let kinds = schema["oneOf"].as_array().unwrap();
    assert_eq!(kinds.len(), 8);
    for kind in kinds {
        let name = kind["properties"]["type"]["const"].as_str().unwrap();
        assert_eq!(kind["additionalProperties"], false, "{name}");
        assert!(kind["required"].as_array().unwrap().contains(&json!("type")), "{name}");
    }
    let of = |name: &str| kinds.iter().find(|k| k["properties"]["type"]["const"] == name).unwrap();
    assert!(of("feishu_bot")["properties"]["secret_file"].is_object());
    assert!(of("feishu_app")["properties"]["token"].is_null(), "inner state is no setting");
}
