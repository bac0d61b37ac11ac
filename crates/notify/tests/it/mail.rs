//! E-mail against a real mail server (aiosmtpd): encryption, account, threads, refusals, encodings.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use notify::{Channel, Class, Client, Delivery, Lang, Mention, Message, Receipt, SendError};
use serde_json::{Value, json};

use crate::sample::{channel, report};
use crate::sdk;

/// A mail server; it stops when its standard input closes.
struct MailServer {
    process: Child,
    folder: tempfile::TempDir,
    port: u16,
}

impl MailServer {
    async fn start(arguments: &[&str]) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let arguments: Vec<String> = arguments.iter().map(|a| (*a).to_owned()).collect();
        let start = move || {
            let folder = tempfile::tempdir().unwrap();
            let mut process = Command::new(sdk::python())
                .arg(sdk::folder().join("smtp_server.py"))
                .arg(folder.path())
                .args(&arguments)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let mut line = String::new();
            BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
            Self { process, folder, port: line.trim().parse().expect("the mail server prints its port") }
        };
        tokio::task::spawn_blocking(start).await.unwrap()
    }

    fn channel(&self, more: Value) -> Channel {
        let mut config = json!({"type": "email", "host": "127.0.0.1", "port": self.port, "encryption": "none",
            "from": "值班 Midwatch <midwatch@example.com>", "to": ["sre@example.com"]});
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        channel(config)
    }

    fn mails(&self) -> Vec<Value> {
        (1..)
            .map_while(|n| std::fs::read(self.folder.path().join(format!("{n}.json"))).ok())
            .map(|bytes| serde_json::from_slice(&bytes).unwrap())
            .collect()
    }

    fn authority(&self) -> String {
        Path::to_str(&self.folder.path().join("ca.pem")).unwrap().to_owned()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

async fn say(channel: &Channel, message: &Message, revision: u32) -> Result<Receipt, SendError> {
    let id = format!("d{revision}");
    let thread = "incident-42".to_owned();
    let delivery = Delivery { id, thread, revision, previous: None, reply: false, skip: 0 };
    let now = "2026-11-24T03:12:07Z".parse().unwrap();
    channel.send(&Client::new().unwrap(), &channel.render(message), &delivery, now).await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_incident_is_one_thread_of_text_and_html() {
    let server = MailServer::start(&["none"]).await;
    let mut message = report(Lang::Zh);
    message.title = "存储声明过小\r\nBcc: evil@example.com".into();
    message.mentions = vec![Mention::Email("boss@example.com".into()), Mention::User("ou_x".into())];
    let mail = server.channel(json!({}));
    let first = say(&mail, &message, 0).await.unwrap();
    let second = say(&mail, &message, 1).await.unwrap();
    let mails = server.mails();
    assert_eq!(mails.len(), 2);
    let (a, b) = (&mails[0]["headers"], &mails[1]["headers"]);
    assert_eq!(a["subject"], "[严重] 存储声明过小 Bcc: evil@example.com");
    assert_eq!(b["subject"], "Re: [严重] 存储声明过小 Bcc: evil@example.com");
    assert_eq!(mails[0]["to"], json!(["sre@example.com", "boss@example.com"]));
    assert!(a.get("bcc").is_none() && a["from"].as_str().unwrap().contains("值班 Midwatch"));
    assert_eq!(
        (a["message-id"].as_str(), b["message-id"].as_str()),
        (Some(first.id.as_str()), Some(second.id.as_str()))
    );
    assert_eq!(
        (b["in-reply-to"].as_str(), b["references"].as_str()),
        (Some(first.id.as_str()), Some(first.id.as_str()))
    );
    assert!(a.get("in-reply-to").is_none());
    assert_eq!((&a["auto-submitted"], &a["x-auto-response-suppress"]), (&json!("auto-generated"), &json!("All")));
    assert_eq!(a["date"], "Tue, 24 Nov 2026 03:12:07 +0000");
    assert_eq!(mails[0]["kinds"], json!(["text/plain", "text/html"]), "the best form stands last");
    assert!(mails[0]["longest_line"].as_u64().unwrap() <= 998 && mails[0]["ascii"] == true);
    assert_eq!(mails[0]["defects"], json!([]));
    for text in mails[0]["texts"].as_array().unwrap() {
        let text = text.as_str().unwrap();
        assert!(text.contains("申请 5Gi") && text.contains("kubectl -n aiops patch pvc"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn starttls_and_tls_with_an_account() {
    for mode in ["starttls", "tls"] {
        let server = MailServer::start(&[mode, "midwatch", "pass word"]).await;
        let good =
            json!({"encryption": mode, "ca_file": server.authority(), "username": "midwatch", "password": "pass word"});
        say(&server.channel(good.clone()), &report(Lang::En), 0).await.unwrap();
        assert_eq!((server.mails().len(), &server.mails()[0]["tls"]), (1, &json!(true)), "{mode}");

        let mut wrong = good.clone();
        wrong["password"] = "no-SECRET".into();
        let error = say(&server.channel(wrong), &report(Lang::En), 0).await.unwrap_err();
        assert_eq!(error.class, Class::Config, "{mode}: {}", error.text);
        assert!(!error.text.contains("no-SECRET"), "{}", error.text);

        let mut unknown = good;
        unknown.as_object_mut().unwrap().remove("ca_file");
        let error = say(&server.channel(unknown), &report(Lang::En), 0).await.unwrap_err();
        assert_eq!(error.class, Class::Config, "{mode}: an authority that is not known: {}", error.text);
        assert_eq!(server.mails().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_tls_gets_no_mail() {
    let server = MailServer::start(&["none"]).await;
    let mail = server.channel(json!({"encryption": "starttls"}));
    let error = say(&mail, &report(Lang::En), 0).await.unwrap_err();
    assert_eq!(error.class, Class::Config, "{}", error.text);
    assert_eq!(server.mails().len(), 0);
    let outside = channel(
        json!({"type": "email", "host": "mail.example.com", "encryption": "none", "from": "a@b.example", "to": ["c@d.example"]}),
    );
    assert_eq!(say(&outside, &report(Lang::En), 0).await.unwrap_err().class, Class::Config);
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_classed_and_the_rest_still_get_it() {
    let server = MailServer::start(&["none"]).await;
    let some = server.channel(json!({"to": ["refused@example.com", "sre@example.com", "dba@example.com"]}));
    say(&some, &report(Lang::En), 0).await.unwrap();
    let got: Vec<Value> = server.mails().iter().map(|m| m["to"].clone()).collect();
    assert_eq!(got, [json!(["sre@example.com"]), json!(["dba@example.com"])]);

    let none = server.channel(json!({"to": ["refused@example.com"]}));
    assert_eq!(say(&none, &report(Lang::En), 0).await.unwrap_err().class, Class::Dead);
    let busy = server.channel(json!({"to": ["busy@example.com"]}));
    assert_eq!(say(&busy, &report(Lang::En), 0).await.unwrap_err().class, Class::Retry { after: None });
    let mut big = report(Lang::En);
    big.title = "toobig".into();
    assert_eq!(say(&server.channel(json!({})), &big, 0).await.unwrap_err().class, Class::TooLong);
    let nobody = channel(
        json!({"type": "email", "host": "127.0.0.1", "port": 9, "encryption": "none", "from": "a@b.example", "to": ["c@d.example"]}),
    );
    assert_eq!(say(&nobody, &report(Lang::En), 0).await.unwrap_err().class, Class::Retry { after: None });
}
