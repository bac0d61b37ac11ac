//! Midwatch with the configuration and the account that were deployed: an alert comes in, the cause goes out.

use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};

use notify::pretend::{Pretend, feishu::Feishu};
use serde_json::{Value, json};

use super::account::Account;
use super::{AGENT_TOKEN, Admin, INTAKE_TOKEN, NAMESPACE};
use crate::testbed::{Midwatch, TestBed, free_address};

pub struct Running {
    pub address: SocketAddr,
    /// the pod that the alert was about
    pub pod: String,
    _midwatch: Midwatch,
}

/// `midwatch.yaml` as it is in the cluster; only what the pod would mount is put elsewhere.
fn deployed_configuration(admin: &Admin<'_>) -> Value {
    let maps = admin.json(&["-n", NAMESPACE, "get", "configmaps"]);
    let mut texts = maps["items"].as_array().unwrap().iter().filter_map(|map| map["data"]["midwatch.yaml"].as_str());
    let config: Value = serde_saphyr::from_str(texts.next().unwrap()).unwrap();
    assert_eq!(config["intake"]["credentials"][0]["bearer_token_file"], "/run/secrets/midwatch/intake-token");
    assert_eq!(config["people"]["tokens"][0]["token_file"], "/run/secrets/midwatch/agent-token");
    assert_eq!((config["listen"].as_str(), config["data_dir"].as_str()), (Some("0.0.0.0:8420"), Some("/data")));
    config
}

pub async fn from_alert_to_cause(admin: &Admin<'_>, account: &Account) -> Running {
    let secrets = tempfile::tempdir().unwrap();
    let secret = |name: &str, content: &str| {
        let file = secrets.path().join(name);
        std::fs::write(&file, content).unwrap();
        Value::from(file.to_str().unwrap())
    };
    let group = Pretend::start(Feishu::new("group", None)).await.unwrap();
    let mut config = deployed_configuration(admin);
    config["intake"]["credentials"][0]["bearer_token_file"] = secret("intake-token", INTAKE_TOKEN);
    config["people"]["tokens"][0]["token_file"] = secret("agent-token", AGENT_TOKEN);
    config["cluster"] = json!({"kubeconfig": account.kubeconfig, "name": "deployed"});
    config["channels"] = json!({"ops": {"type": "feishu_bot", "url": group.url("/open-apis/bot/v2/hook/group")}});
    let address = free_address();
    let midwatch = Midwatch::start(address, config).await;

    admin.bed.fault(&["seed-incident"]);
    let pods = admin.json(&["-n", "aiops", "get", "pods"]);
    let alert = json!({"version": "4", "groupKey": "{}", "status": "firing", "receiver": "midwatch", "groupLabels": {},
        "commonLabels": {}, "commonAnnotations": {}, "externalURL": "", "truncatedAlerts": 0, "alerts": [{
            "status": "firing", "startsAt": jiff::Timestamp::now().to_string(), "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "", "fingerprint": "0011223344556677", "annotations": {},
            "labels": {"alertname": "KubePodNotReady", "severity": "warning", "namespace": "aiops",
                "pod": pods["items"][0]["metadata"]["name"]}}]});
    let client = reqwest::Client::builder().timeout(Duration::from_secs(20)).build().unwrap();
    let post = client.post(format!("http://{address}/webhooks/alertmanager")).bearer_auth(INTAKE_TOKEN);
    assert_eq!(post.body(alert.to_string()).send().await.unwrap().status(), 200);
    let cause = |text: &String| text.contains("aiops/test-data") && text.contains("5Gi") && text.contains("10Gi");
    let began = Instant::now();
    while !group.with(|feishu| feishu.messages.iter().map(|message| message.text()).any(|text| cause(&text))) {
        assert!(began.elapsed() < Duration::from_secs(30), "no cause:\n{}", midwatch.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let pod = pods["items"][0]["metadata"]["name"].as_str().unwrap().to_owned();
    Running { address, pod, _midwatch: midwatch }
}

/// The kubelet names it; docs/rights.md promises that this is enough.
pub fn a_missing_secret_is_named_without_reading_secrets(bed: &TestBed, account: &Account) {
    bed.fault(&["secret-missing", "configmap-missing"]);
    for (name, class) in [("secret-missing", "secret_not_found"), ("configmap-missing", "config_map_not_found")] {
        let mut midwatch = Command::new(env!("CARGO_BIN_EXE_midwatch"));
        let asked = ["diagnose", "-o", "json", "-n", &format!("fault-{name}"), "--kubeconfig"];
        let done = midwatch.args(asked).arg(&account.kubeconfig).output().unwrap();
        let report: Value = serde_json::from_slice(&done.stdout)
            .unwrap_or_else(|error| panic!("{name}: {error}: {}", String::from_utf8_lossy(&done.stderr)));
        assert_eq!(report["causes"][0]["class"], class, "{report}");
    }
}
