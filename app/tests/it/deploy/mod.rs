//! `deploy/` on a real control plane: accepted under restricted Pod Security, the account can do what the list of rights says
//! and nothing else, and Midwatch works with exactly that account.

mod account;
mod alert;
mod chart;
mod monitoring;
mod operator;
mod tools;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::testbed::TestBed;

const NAMESPACE: &str = "midwatch";
const INTAKE_TOKEN: &str = "token-of-the-alertmanager";
const AGENT_TOKEN: &str = "token-of-an-agent-0123456789";
/// The manifests leave the class of the disk to the cluster, so there has to be a default.
const STORAGE: &str = r#"{"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "standard",
    "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}, "provisioner": "com.tencent.cloud.csi.cbs"}"#;

#[tokio::test(flavor = "multi_thread")]
async fn the_manifests_on_a_real_control_plane() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let bed = tokio::task::spawn_blocking(|| TestBed::start(&[])).await.unwrap();
    let admin = Admin { bed: &bed };
    admin.fed(&["apply", "-f", "-"], STORAGE);
    admin.fed(&["apply", "--server-side", "-f", "-"], &testbed(&["crds"]));

    // the commands of the README
    admin.run(&["apply", "-k", &overlay("read-only")]);
    let intake = format!("--from-literal=intake-token={INTAKE_TOKEN}");
    let agent = format!("--from-literal=agent-token={AGENT_TOKEN}");
    admin.run(&["-n", NAMESPACE, "create", "secret", "generic", "midwatch", &intake, &agent]);
    ready(&admin, NAMESPACE, "midwatch");
    pod_security_is_on(&admin);

    let account = account::Account::new(&bed, NAMESPACE, "midwatch");
    account::has_exactly_the_listed_rights(&admin, &account).await;
    account::reads_what_it_must(&admin, &account).await;
    account::reads_no_secret(&account).await;
    account::writes_nothing(&account).await;
    account::doctor_finds_nothing_missing_and_nothing_too_much(&account);
    let running = alert::from_alert_to_cause(&admin, &account).await;
    alert::a_missing_secret_is_named_without_reading_secrets(&bed, &account);
    tools::read_what_the_account_reads(&running).await;
    monitoring::rules_and_monitor(&admin, &running).await;
    drop(running);

    operator::named_people_only(&admin, &account).await;
    operator::the_ceiling_holds(&admin, &account).await;
    chart::gives_the_same_objects(&admin);
    chart::refuses_wrong_values();
    chart::is_accepted(&admin);
    account::config_maps_can_be_left_out(&admin, &account).await;
}

/// kubectl as the cluster's administrator. A warning of the API server fails the test: Pod Security speaks that way.
pub struct Admin<'a> {
    pub bed: &'a TestBed,
}

impl Admin<'_> {
    pub fn output(&self, arguments: &[&str], input: &str) -> Output {
        let mut kubectl = Command::new(self.bed.text("kubectl"));
        kubectl.args(["--kubeconfig", self.bed.text("kubeconfig")]).args(arguments);
        fed(&mut kubectl, input)
    }

    pub fn run(&self, arguments: &[&str]) -> String {
        self.fed(arguments, "")
    }

    pub fn fed(&self, arguments: &[&str], input: &str) -> String {
        succeeded(self.output(arguments, input), &format!("kubectl {}", arguments.join(" ")))
    }

    pub fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.run(&[arguments, &["-o", "json"]].concat())).unwrap()
    }
}

fn fed(command: &mut Command, input: &str) -> Output {
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = piped.spawn().unwrap();
    process.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    process.wait_with_output().unwrap()
}

fn succeeded(output: Output, what: &str) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !said.contains("Warning"), "{what}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// A program of the test bed that needs no cluster.
fn testbed(arguments: &[&str]) -> String {
    let mut program = Command::new(root().join("testbed/run"));
    succeeded(fed(program.args(arguments), ""), &format!("testbed {}", arguments.join(" ")))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn overlay(name: &str) -> String {
    root().join("deploy/kustomize/overlays").join(name).to_str().unwrap().to_owned()
}

/// The objects of a rendered manifest.
fn objects(yaml: &str) -> Vec<Value> {
    let all: Vec<Value> = serde_saphyr::from_multiple(yaml).unwrap();
    all.into_iter().filter(|object| !object.is_null()).collect()
}

/// The pod is really there, with its disk.
fn ready(admin: &Admin<'_>, namespace: &str, name: &str) {
    let waits =
        admin.output(&["-n", namespace, "rollout", "status", &format!("deployment/{name}"), "--timeout=90s"], "");
    let seen = || String::from_utf8(admin.output(&["-n", namespace, "describe", "pods,pvc"], "").stdout).unwrap();
    assert!(waits.status.success(), "{namespace}/{name} is not ready:\n{}", seen());
    let pods = admin.json(&["-n", namespace, "get", "pods"]);
    assert_eq!(pods["items"][0]["status"]["phase"], "Running", "{pods}");
    let claims = admin.json(&["-n", namespace, "get", "pvc"]);
    assert_eq!(claims["items"][0]["status"]["phase"], "Bound", "{claims}");
}

/// What is accepted above means something only if the namespace refuses other pods.
fn pod_security_is_on(admin: &Admin<'_>) {
    let refused = admin.output(&["-n", NAMESPACE, "run", "ordinary", "--image=registry.example.com/shop/api:1"], "");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("violates PodSecurity \"restricted"), "{said}");
}
