//! The gate on a real control plane: a person's own rights are the ceiling, a permit lets out one request, preconditions
//! hold, and the API server's own audit log says the same.

use std::path::PathBuf;

use cluster::{Cluster, Identity, Limits, Outcome, Permit, Preconditions, Request, Source, Verb};
use serde_json::{Value, json};

use crate::testbed::TestBed;

const DEPLOYMENT: &str = r#"{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"},
    "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": {"metadata": {"labels": {"app": "web"}},
    "spec": {"containers": [{"name": "main", "image": "web:1"}]}}}}"#;

/// alice of oncall may read pods and change deployments in shop, and nothing else.
const RIGHTS: &str = r#"{"apiVersion": "v1", "kind": "List", "items": [
    {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "oncall", "namespace": "shop"}, "rules": [
        {"apiGroups": [""], "resources": ["pods", "configmaps"], "verbs": ["get", "list"]},
        {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "list", "patch", "update"]}]},
    {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "oncall", "namespace": "shop"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "oncall"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "oncall"}]}]}"#;

#[tokio::test(flavor = "multi_thread")]
async fn the_gate_on_a_real_control_plane() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let bed = tokio::task::spawn_blocking(|| TestBed::start(&["--no-prometheus"])).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let apply = |name: &str, text: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        bed.kubectl(&["apply", "-f", file.to_str().unwrap()]);
    };
    bed.kubectl(&["create", "namespace", "shop"]);
    apply("deployment.json", DEPLOYMENT);
    apply("rights.json", RIGHTS);

    let path = Some(PathBuf::from(bed.text("kubeconfig")));
    let source = Source::Kubeconfig { path, context: Some("admin".to_owned()) };
    let owner = cluster::connect(&source, &Limits::default()).await.unwrap();
    let alice = Identity::new("alice", ["oncall".to_owned()]).unwrap();
    let alice = alice.with_extra("midwatch.dev/plan", ["plan-1".to_owned()]).unwrap();
    let scene = Scene { bed: &bed, cluster: owner.acting_as(&alice), uid: owner.uid().await.unwrap(), alice, owner };

    scene.reads_are_those_of_the_person().await;
    let sent = scene.a_permit_lets_out_one_request().await;
    scene.what_is_stale_or_not_hers_is_refused().await;
    scene.a_dry_run_changes_nothing().await;
    scene.secret_values_do_not_come_back().await;
    scene.the_audit_log_agrees(&sent);
}

struct Scene<'a> {
    bed: &'a TestBed,
    owner: Cluster,
    /// as alice
    cluster: Cluster,
    uid: String,
    alice: Identity,
}

async fn get(cluster: &Cluster, path: &str) -> Result<Value, kube::Error> {
    cluster.client.request(http::Request::get(path).body(Vec::new()).unwrap()).await
}

const WEB: &str = "/apis/apps/v1/namespaces/shop/deployments/web";

impl Scene<'_> {
    async fn web(&self) -> Value {
        get(&self.cluster, WEB).await.unwrap()
    }

    async fn replicas(&self) -> u64 {
        self.web().await["spec"]["replicas"].as_u64().unwrap()
    }

    /// A scale as alice, good for the object as it is now.
    async fn scale(&self, replicas: u64) -> Request {
        let web = self.web().await;
        let text = |field: &str| web["metadata"][field].as_str().map(str::to_owned);
        Request {
            cluster: self.uid.clone(),
            verb: Verb::Patch,
            group: "apps".to_owned(),
            version: "v1".to_owned(),
            resource: "deployments".to_owned(),
            namespace: Some("shop".to_owned()),
            name: Some("web".to_owned()),
            body: Some(json!({"spec": {"replicas": replicas}})),
            field_manager: Some("midwatch".to_owned()),
            as_user: Some(self.alice.clone()),
            preconditions: Some(Preconditions { uid: text("uid"), resource_version: text("resourceVersion") }),
            ..Request::default()
        }
    }

    async fn execute(&self, request: &Request) -> Result<cluster::Sent, Outcome> {
        self.cluster.execute(request, Permit::new(request.digest())).await
    }

    async fn reads_are_those_of_the_person(&self) {
        get(&self.cluster, "/api/v1/namespaces/shop/pods").await.unwrap();
        for path in ["/api/v1/namespaces/kube-system/pods", "/api/v1/pods", "/api/v1/nodes"] {
            let Err(kube::Error::Api(status)) = get(&self.cluster, path).await else { panic!("{path} was read") };
            assert_eq!(status.code, 403, "{path}: {status:?}");
            assert!(status.message.contains("\"alice\""), "{status:?}");
            get(&self.owner, path).await.unwrap();
        }
        let maps = "/api/v1/namespaces/shop/configmaps";
        let error = get(&self.cluster, maps).await.unwrap_err();
        assert!(cluster::reason(&error).contains("class S"), "RBAC would allow it, nobody gave leave: {error}");
        let mine = self.scale(3).await;
        assert!(self.cluster.may(&mine).await.unwrap());
        assert!(!self.cluster.may(&Request { verb: Verb::Delete, ..mine }).await.unwrap());
    }

    async fn a_permit_lets_out_one_request(&self) -> cluster::Sent {
        let meant = self.scale(3).await;
        let tried = self.cluster.dry_run(&meant).await.unwrap();
        assert_eq!(tried["spec"]["replicas"], 3);
        let mut other = meant.clone();
        other.body = Some(json!({"spec": {"replicas": 0}}));
        let outcome = self.cluster.execute(&other, Permit::new(meant.digest())).await.unwrap_err();
        assert!(matches!(outcome, Outcome::NotSent { .. }), "{outcome}");
        assert_eq!(self.replicas().await, 2, "neither the dry run nor the other request changed it");
        let sent = self.execute(&meant).await.unwrap();
        assert_eq!((sent.code, self.replicas().await), (200, 3));
        sent
    }

    async fn what_is_stale_or_not_hers_is_refused(&self) {
        let refused = |outcome: Result<cluster::Sent, Outcome>, wanted: u16| match outcome {
            Err(Outcome::Refused { code, message, .. }) => assert_eq!(code, wanted, "{message}"),
            other => panic!("{other:?} instead of {wanted}"),
        };
        let stale = self.scale(4).await;
        self.bed.kubectl(&["-n", "shop", "annotate", "deployment", "web", "note=changed-meanwhile"]);
        refused(self.execute(&stale).await, 409);
        let mut another = self.scale(4).await;
        another.preconditions.as_mut().unwrap().uid = Some("00000000-0000-0000-0000-000000000000".to_owned());
        assert!(matches!(self.execute(&another).await, Err(Outcome::Refused { code: 409 | 422, .. })));
        let operations = json!([{"op": "replace", "path": "/spec/replicas", "value": 4}]);
        let patch = Request {
            content_type: Some(cluster::JSON_PATCH.to_owned()),
            body: Some(operations),
            preconditions: stale.preconditions.clone(),
            ..stale.clone()
        };
        assert!(matches!(self.execute(&patch).await, Err(Outcome::Refused { .. })), "the test operation fails");
        let delete = Request { verb: Verb::Delete, body: None, field_manager: None, ..self.scale(0).await };
        refused(self.execute(&delete).await, 403);
        let elsewhere = Request { namespace: Some("default".to_owned()), ..self.scale(1).await };
        refused(self.execute(&elsewhere).await, 403);
        let apply = Request {
            verb: Verb::Apply,
            body: Some(
                json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": {"spec": {"containers": [
                {"name": "main", "image": "web:2"}]}}}}),
            ),
            ..self.scale(3).await
        };
        refused(self.execute(&apply).await, 409);
        assert_eq!(self.replicas().await, 3);
    }

    async fn a_dry_run_changes_nothing(&self) {
        let delete =
            Request { verb: Verb::Delete, body: None, field_manager: None, as_user: None, ..self.scale(0).await };
        self.owner.dry_run(&delete).await.unwrap();
        assert_eq!(self.replicas().await, 3, "a delete with preconditions in its body is still a dry run");
        let stale = Request {
            preconditions: Some(Preconditions { uid: None, resource_version: Some("1".to_owned()) }),
            ..delete
        };
        let outcome = self.owner.execute(&stale, Permit::new(stale.digest())).await.unwrap_err();
        assert!(matches!(outcome, Outcome::Refused { code: 409, .. }), "{outcome}");
        assert_eq!(self.replicas().await, 3);
    }

    async fn secret_values_do_not_come_back(&self) {
        let create = Request {
            cluster: self.uid.clone(),
            verb: Verb::Create,
            version: "v1".to_owned(),
            resource: "secrets".to_owned(),
            namespace: Some("shop".to_owned()),
            body: Some(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"},
                "stringData": {"password": "canary-4711"}})),
            ..Request::default()
        };
        let tried = self.owner.dry_run(&create).await.unwrap();
        let made = self.owner.execute(&create, Permit::new(create.digest())).await.unwrap();
        for object in [tried, made.object] {
            let text = object.to_string();
            assert!(!text.contains("canary") && !text.contains("Y2FuYXJ5"), "{text}");
            assert_eq!(object["data"], json!({"password": ""}));
        }
        assert_eq!(made.code, 201);
    }

    /// Of all that was tried as alice, the server saw these writes, and let one through.
    fn the_audit_log_agrees(&self, sent: &cluster::Sent) {
        let text = std::fs::read_to_string(self.bed.text("audit_log")).unwrap();
        let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let hers: Vec<Value> = lines.filter(|line| line["impersonatedUser"]["username"] == "alice").collect();
        assert!(hers.iter().all(|line| line["impersonatedUser"]["groups"][0] == "oncall"), "{hers:#?}");
        assert!(hers.iter().all(|line| line["impersonatedUser"]["extra"]["midwatch.dev/plan"][0] == "plan-1"));
        let reads = ["get", "list", "watch"];
        let stored: Vec<&Value> = hers
            .iter()
            .filter(|line| !reads.iter().any(|verb| line["verb"] == *verb))
            .filter(|line| !line["requestURI"].as_str().unwrap().contains("selfsubjectaccessreviews"))
            .filter(|line| !line["requestURI"].as_str().unwrap().contains("dryRun=All"))
            .filter(|line| line["responseStatus"]["code"].as_u64().unwrap() < 300)
            .collect();
        let [one] = stored.as_slice() else { panic!("one write went through: {stored:#?}") };
        assert_eq!((&one["verb"], &one["objectRef"]["name"]), (&json!("patch"), &json!("web")));
        assert_eq!(one["auditID"].as_str(), sent.audit_id.as_deref(), "the answer names its line");
    }
}

fn midwatch(arguments: &[&str]) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    let done = std::process::Command::new(env!("CARGO_BIN_EXE_midwatch"))
        .args(arguments)
        .current_dir(folder.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
    (done.status.code().unwrap(), text)
}

#[test]
fn the_policy_explains_what_would_happen_without_a_cluster() {
    for (request, class, effect) in [
        ("get pods -n shop", "R", "allow"),
        ("scale deployment/web --replicas=3 -n shop", "W", "approve"),
        ("delete pod web-1 -n shop", "D", "deny"),
        ("exec web-1 -n shop -- sh", "X", "deny"),
        ("delete node n1", "N", "deny"),
    ] {
        let (code, text) = midwatch(&["policy", "explain", request, "--as", "alice", "-o", "json"]);
        assert_eq!(code, 0, "{text}");
        let told: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&told["class"], &told["effect"]), (&json!(class), &json!(effect)), "{request}: {text}");
        assert!(told["why"][0].is_string() && told["rule"].is_string(), "{text}");
        assert_eq!(told["terms"].is_object(), effect == "approve", "{text}");
    }
    let (code, text) =
        midwatch(&["policy", "explain", "delete pod web-1 -n shop", "--as", "alice", "--group", "oncall"]);
    assert_eq!(code, 0);
    for part in ["delete pods web-1 in shop", "alice of oncall", "D: destructive", "deny", "built-in", "--live"] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert_ne!(midwatch(&["policy", "explain", "get pods", "--as", "system:admin"]).0, 0);
}

#[test]
fn a_policy_file_is_checked_with_lines_and_through_the_configuration() {
    assert_eq!(midwatch(&["policy", "check"]).0, 0);
    let folder = tempfile::tempdir().unwrap();
    let (policy, config) = (folder.path().join("policy.yaml"), folder.path().join("midwatch.yaml"));
    std::fs::write(&policy, "version: 1\nrules:\n- allow: {class: W}\n- deny: {when: 'x.y'}\n").unwrap();
    std::fs::write(&config, format!("policy: {}\n", policy.display())).unwrap();
    let file = policy.to_str().unwrap();
    let (code, text) = midwatch(&["policy", "check", file]);
    assert!(code == 1 && text.contains("policy.yaml:3:") && text.contains("policy.yaml:4:"), "{text}");
    let (code, text) = midwatch(&["config", "check", "--config", config.to_str().unwrap()]);
    assert!(code == 1 && text.contains("policy.yaml:3:"), "{text}");
    std::fs::write(&policy, "version: 7\nrules: []\n").unwrap();
    let (code, text) = midwatch(&["policy", "show", "--config", config.to_str().unwrap()]);
    assert_eq!((code, text.as_str()), (0, "version: 7\nrules: []\n"));
}
