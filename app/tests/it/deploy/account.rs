//! The account of the deployment: every right that the list names, and not one more.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use midwatch::doctor::rights::{Grant, of, parts};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Admin, NAMESPACE};
use crate::testbed::TestBed;

type Rules = BTreeSet<(String, String, String)>;

/// A service account, by a token that the cluster gave for it.
pub struct Account {
    pub server: String,
    pub token: String,
    pub kubeconfig: PathBuf,
    client: reqwest::Client,
}

impl Account {
    pub fn new(bed: &TestBed, namespace: &str, name: &str) -> Self {
        let token = bed.kubectl(&["-n", namespace, "create", "token", name]).trim().to_owned();
        let ca = reqwest::Certificate::from_pem(&std::fs::read(bed.text("ca")).unwrap()).unwrap();
        let client = reqwest::Client::builder().timeout(Duration::from_secs(20)).tls_certs_only([ca]).build().unwrap();
        let server = bed.text("apiserver").to_owned();
        let kubeconfig = PathBuf::from(bed.text("dir")).join(format!("{namespace}-{name}.kubeconfig"));
        let content = json!({"apiVersion": "v1", "kind": "Config", "current-context": "deployed",
            "clusters": [{"name": "deployed", "cluster": {"server": server, "certificate-authority": bed.text("ca")}}],
            "users": [{"name": "deployed", "user": {"token": token}}],
            "contexts": [{"name": "deployed", "context": {"cluster": "deployed", "user": "deployed"}}]});
        std::fs::write(&kubeconfig, content.to_string()).unwrap();
        Self { server, token, kubeconfig, client }
    }

    /// The status of an answer, and the body. `acting` are the headers that say on whose behalf.
    pub async fn ask(&self, method: Method, path: &str, acting: &[(&str, &str)], body: &Value) -> (u16, Value) {
        let merges = if method == Method::PATCH { "application/merge-patch+json" } else { "application/json" };
        let mut request = self.client.request(method.clone(), format!("{}{path}", self.server));
        request = request.bearer_auth(&self.token).header("Content-Type", merges);
        for (name, value) in acting {
            request = request.header(*name, *value);
        }
        if method != Method::GET {
            request = request.body(body.to_string());
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap_or_default())
    }

    async fn get(&self, path: &str) -> u16 {
        self.ask(Method::GET, path, &[], &Value::Null).await.0
    }

    /// What the API server says that the account may do, without names of single objects.
    async fn rules(&self, namespace: &str) -> Rules {
        let path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews";
        let asked = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview",
            "spec": {"namespace": namespace}});
        let (status, answer) = self.ask(Method::POST, path, &[], &asked).await;
        assert_eq!((status, &answer["status"]["incomplete"]), (201, &json!(false)), "{answer}");
        let texts = |rule: &Value, field: &str| -> Vec<String> { serde_json::from_value(rule[field].clone()).unwrap() };
        let mut rules = Rules::new();
        for rule in answer["status"]["resourceRules"].as_array().unwrap() {
            assert_eq!(rule["resourceNames"], Value::Null, "{rule}");
            for group in texts(rule, "apiGroups") {
                for resource in texts(rule, "resources") {
                    let verbs = texts(rule, "verbs").into_iter();
                    rules.extend(verbs.map(|verb| (group.clone(), resource.clone(), verb)));
                }
            }
        }
        rules
    }
}

fn listed(grants: &[Grant]) -> Rules {
    let pairs = grants.iter().flat_map(|grant| of(*grant)).flat_map(|right| right.pairs());
    pairs
        .map(|(name, verb)| {
            let (group, resource, subresource) = parts(name);
            let resource =
                if subresource.is_empty() { resource.to_owned() } else { format!("{resource}/{subresource}") };
            (group.to_owned(), resource, verb.to_owned())
        })
        .collect()
}

/// The proof that nothing can be written: the API server's own list of rights is ours, and ours only reads.
pub async fn has_exactly_the_listed_rights(admin: &Admin<'_>, account: &Account) {
    // what an account has that was given nothing
    let nobody = Account::new(admin.bed, NAMESPACE, "default");
    for namespace in [NAMESPACE, "default", "kube-system"] {
        let everybodys = nobody.rules(namespace).await;
        for (_, resource, verb) in &everybodys {
            assert!(resource.starts_with("selfsubject") && verb == "create", "everybody may {verb} {resource}");
        }
        let own: Rules = account.rules(namespace).await.difference(&everybodys).cloned().collect();
        assert_eq!(own, listed(&[Grant::Reader, Grant::ConfigMaps]), "in {namespace}");
    }
}

pub async fn reads_what_it_must(admin: &Admin<'_>, account: &Account) {
    let mut read = 0;
    for kind in diagnose::kinds::KINDS.iter().filter(|kind| kind.name != "Secret") {
        let status = account.get(&kind.list_path("")).await;
        // an add-on that is not there: the API server looks at the rights first
        let wanted = if installed(kind.root) { 200 } else { 404 };
        assert_eq!(status, wanted, "{}", kind.name);
        read += usize::from(status == 200);
    }
    assert!(read > 35, "only {read} kinds were there to be read");
    assert_eq!(account.get("/apis/metrics.k8s.io/v1beta1/nodes").await, 200);
    let pods = admin.json(&["-n", NAMESPACE, "get", "pods"]);
    let pod = pods["items"][0]["metadata"]["name"].as_str().unwrap();
    // the test bed's kubelet has no log of it; what counts is that the API server asks there
    let (status, body) =
        account.ask(Method::GET, &format!("/api/v1/namespaces/{NAMESPACE}/pods/{pod}/log"), &[], &Value::Null).await;
    assert_ne!(status, 403, "{body}");
}

fn installed(root: &str) -> bool {
    !["fluxcd.io", "argoproj.io", "cert-manager.io"].iter().any(|add_on| root.contains(add_on))
}

pub async fn reads_no_secret(account: &Account) {
    for path in [
        "/api/v1/secrets",
        "/api/v1/secrets?watch=true",
        "/api/v1/namespaces/midwatch/secrets",
        "/api/v1/namespaces/midwatch/secrets/midwatch",
        "/api/v1/namespaces/kube-system/secrets?limit=1",
        "/api/v1/watch/secrets",
    ] {
        assert_eq!(account.get(path).await, 403, "{path}");
    }
}

pub async fn writes_nothing(account: &Account) {
    let config_map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "new"}});
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "new"},
        "spec": {"containers": [{"name": "new", "image": "registry.example.com/new"}]}});
    let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "new"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "ServiceAccount", "name": "midwatch", "namespace": NAMESPACE}]});
    let token = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}});
    let three = json!({"spec": {"replicas": 3}});
    let nothing = json!({});
    let ours = format!("/api/v1/namespaces/{NAMESPACE}");
    let apps = format!("/apis/apps/v1/namespaces/{NAMESPACE}");
    for (method, path, body) in [
        (Method::POST, format!("{ours}/configmaps"), &config_map),
        (Method::POST, format!("{ours}/pods"), &pod),
        (Method::POST, format!("{ours}/secrets"), &config_map),
        (Method::POST, format!("{ours}/serviceaccounts/midwatch/token"), &token),
        (Method::POST, format!("{ours}/pods/any/exec?command=id"), &nothing),
        (Method::GET, format!("{ours}/pods/any/exec?command=id"), &nothing),
        (Method::POST, format!("{ours}/pods/any/eviction"), &nothing),
        (Method::GET, format!("{ours}/pods/any/proxy"), &nothing),
        (Method::GET, "/api/v1/nodes/node-1/proxy/pods".to_owned(), &nothing),
        (Method::PATCH, "/api/v1/nodes/node-1".to_owned(), &nothing),
        (Method::DELETE, "/api/v1/nodes/node-1".to_owned(), &nothing),
        (Method::DELETE, format!("/api/v1/namespaces/{NAMESPACE}"), &nothing),
        (Method::DELETE, format!("{ours}/pods"), &nothing),
        (Method::PATCH, format!("{apps}/deployments/midwatch"), &three),
        (Method::PATCH, format!("{apps}/deployments/midwatch/scale"), &three),
        (Method::PUT, format!("{apps}/deployments/midwatch"), &three),
        (Method::DELETE, format!("{apps}/deployments/midwatch"), &nothing),
        (Method::POST, "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings".to_owned(), &binding),
        (Method::POST, "/apis/certificates.k8s.io/v1/certificatesigningrequests".to_owned(), &nothing),
        (Method::POST, "/apis/batch/v1/namespaces/default/jobs".to_owned(), &nothing),
    ] {
        let (status, answer) = account.ask(method.clone(), &path, &[], body).await;
        assert_eq!(status, 403, "{method} {path}: {answer}");
    }
    let (status, answer) = account.ask(Method::GET, "/api/v1/pods", &[("Impersonate-User", "admin")], &nothing).await;
    assert_eq!(status, 403, "on behalf of somebody: {answer}");
}

pub fn doctor(account: &Account, people: &Value) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("midwatch.yaml");
    let config = json!({"cluster": {"kubeconfig": account.kubeconfig}, "data_dir": folder.path(), "people": people});
    std::fs::write(&file, config.to_string()).unwrap();
    let mut midwatch = Command::new(env!("CARGO_BIN_EXE_midwatch"));
    let done = midwatch.args(["doctor", "--lang", "en", "--config"]).arg(&file).output().unwrap();
    String::from_utf8(done.stdout).unwrap()
}

pub fn doctor_finds_nothing_missing_and_nothing_too_much(account: &Account) {
    let said = doctor(account, &json!({}));
    assert!(said.contains("that are needed to read are there"), "{said}");
    assert!(said.contains("Secrets may not be read, as it should be"), "{said}");
    assert!(!said.contains("more than needed") && !said.contains("missing in all namespaces"), "{said}");
}

/// Without the component, the same account reads no config map, and doctor says what that costs.
pub async fn config_maps_can_be_left_out(admin: &Admin<'_>, account: &Account) {
    let rendered = admin.run(&["kustomize", &super::overlay("read-only-without-config-maps")]);
    assert!(!rendered.contains("configmaps") && rendered.contains("midwatch-reader"), "{rendered}");
    assert_eq!(account.get("/api/v1/configmaps").await, 200);
    admin.run(&["delete", "clusterrolebinding", "midwatch-config-maps"]);
    let began = Instant::now();
    while account.get("/api/v1/configmaps").await != 403 {
        assert!(began.elapsed().as_secs() < 30, "config maps may still be read");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let said = doctor(account, &json!({}));
    assert!(said.contains("missing in all namespaces: configmaps (get, list); unseen: missing keys"), "{said}");
}
