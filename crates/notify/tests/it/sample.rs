//! Messages and channels that the tests share.

use notify::{Block, Channel, Inline, Keep, Lang, Link, Message, Section, Severity, Status};

/// The report that everything began with: a claim below the smallest disk.
pub fn report(lang: Lang) -> Message {
    let zh = lang == Lang::Zh;
    let say = |a: &str, b: &str| if zh { a.to_owned() } else { b.to_owned() };
    Message {
        title: "KubePodNotReady".into(),
        severity: Severity::Critical,
        status: Status::Diagnosed,
        object: "PersistentVolumeClaim aiops/test-data".into(),
        lead: say(
            "存储声明 aiops/test-data 申请 5Gi，而存储类 cloud-ssd 的磁盘最小为 10Gi",
            "Claim aiops/test-data asks for 5Gi; disks of class cloud-ssd start at 10Gi",
        ),
        sections: vec![
            Section::new(say("告警概览", "Overview")).with(
                Keep::Normal,
                Block::Facts(vec![
                    (say("命名空间", "Namespace"), "aiops".into()),
                    (say("开始时间", "Since"), "2026-11-24 03:12:07 +08:00".into()),
                ]),
            ),
            Section::new(say("诊断分析", "Diagnosis"))
                .with(
                    Keep::Must,
                    Block::Quote("rpc error: code = OutOfRange desc = disk size 5Gi is below the minimum 10Gi".into()),
                )
                .with(
                    Keep::Normal,
                    Block::Table {
                        head: vec![say("证据", "Evidence"), say("内容", "Text")],
                        rows: vec![
                            vec!["E1 Event".into(), "ProvisioningFailed ×28".into()],
                            vec!["E2 PVC".into(), "requests.storage=5Gi".into()],
                        ],
                    },
                )
                .with(
                    Keep::Alternative,
                    Block::List(vec![vec![Inline::Text(say("已排除：节点资源不足", "Ruled out: node out of room"))]]),
                )
                .with(Keep::Log, Block::Code { lang: "log".into(), text: "E1124 03:12:07 provision failed".into() }),
            Section::new(say("处理建议", "What to do")).with(
                Keep::Must,
                Block::Code {
                    lang: "sh".into(),
                    text: "kubectl -n aiops patch pvc test-data --type merge -p '{\"spec\":{\"resources\":{\"requests\":{\"storage\":\"10Gi\"}}}}'".into(),
                },
            ),
        ],
        mentions: vec![],
        link: Some(Link { text: String::new(), url: "https://midwatch.example/i/42".into() }),
        lang,
        thread: "incident-42".into(),
        revision: 1,
        footer: "midwatch 0.1.0".into(),
    }
}

/// A channel from its configuration.
pub fn channel(json: serde_json::Value) -> Channel {
    serde_json::from_value(json).unwrap()
}

/// One channel of each form that a message can take.
pub fn every_form() -> Vec<Channel> {
    let url = "http://127.0.0.1:1/hook";
    [
        serde_json::json!({"type": "feishu_bot", "url": url, "secret": "s"}),
        serde_json::json!({"type": "feishu_app", "app_id": "cli_a", "app_secret": "s", "receive_id": "oc_1"}),
        serde_json::json!({"type": "wecom_bot", "url": url}),
        serde_json::json!({"type": "wecom_bot", "url": url, "style": "markdown_v2"}),
        serde_json::json!({"type": "dingtalk_bot", "url": url}),
        serde_json::json!({"type": "slack", "url": url}),
        serde_json::json!({"type": "email", "host": "localhost", "from": "a@b.example", "to": ["c@d.example"]}),
        serde_json::json!({"type": "webhook", "url": url}),
        serde_json::json!({"type": "console", "colour": false}),
    ]
    .into_iter()
    .map(channel)
    .collect()
}
