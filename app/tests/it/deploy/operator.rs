//! The operator overlays: an approved request can be sent as the people that were named, as nobody else, and with constrained
//! impersonation never beyond the ceiling, whatever those people may do.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use super::account::{Account, doctor};
use super::{Admin, overlay};

const ALICE: (&str, &str) = ("Impersonate-User", "alice@example.com");
const ONCALL: (&str, &str) = ("Impersonate-Group", "oncall");
const SCALE: &str = "/apis/apps/v1/namespaces/midwatch/deployments/midwatch/scale";
const SECRET: &str = "/api/v1/namespaces/midwatch/secrets/midwatch";

async fn scale(account: &Account, acting: &[(&str, &str)]) -> (u16, Value) {
    account.ask(Method::PATCH, &format!("{SCALE}?dryRun=All"), acting, &json!({"spec": {"replicas": 0}})).await
}

/// A change of roles takes a moment to reach the API server's authoriser.
async fn until(what: &str, wanted: u16, mut ask: impl AsyncFnMut() -> (u16, Value)) {
    let began = Instant::now();
    loop {
        let (status, answer) = ask().await;
        if status == wanted {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(40), "{what}: {status} instead of {wanted}: {answer}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// What doctor says of the people, and that nothing else is more than needed.
fn told(account: &Account, lines: &[&str]) {
    let tokens = json!([{"user": "alice@example.com", "groups": ["oncall"], "roles": ["operator"], "token": "a"},
        {"user": "bob@example.com", "roles": ["viewer"], "token": "b"}]);
    let said = doctor(account, &json!({"impersonate": true, "tokens": tokens}));
    for line in lines {
        assert!(said.contains(&format!("on behalf of people: {line}")), "{line} is not in\n{said}");
    }
    assert!(said.contains("user bob@example.com may not be impersonated"), "{said}");
    assert!(!said.contains("more than needed"), "{said}");
}

async fn nobody_else(account: &Account) {
    for acting in [
        vec![],
        vec![("Impersonate-User", "bob@example.com")],
        vec![("Impersonate-User", "admin")],
        vec![("Impersonate-User", "system:admin")],
        vec![("Impersonate-User", "system:serviceaccount:kube-system:generic-garbage-collector")],
        vec![("Impersonate-User", "system:node:node-1")],
        vec![ALICE, ("Impersonate-Group", "system:masters")],
        vec![ALICE, ("Impersonate-Group", "developers")],
        vec![ALICE, ("Impersonate-Uid", "1")],
        vec![ALICE, ("Impersonate-Extra-scopes", "all")],
    ] {
        let (status, answer) = scale(account, &acting).await;
        assert_eq!(status, 403, "{acting:?}: {answer}");
    }
}

pub async fn named_people_only(admin: &Admin<'_>, account: &Account) {
    admin.run(&["apply", "-k", &overlay("operator")]);
    until("alice may not scale herself", 403, async || scale(account, &[ALICE]).await).await;
    admin.run(&["create", "clusterrolebinding", "alice", "--clusterrole=cluster-admin", "--user=alice@example.com"]);
    until("as alice", 200, async || scale(account, &[ALICE]).await).await;
    until("as alice of oncall", 200, async || scale(account, &[ALICE, ONCALL]).await).await;
    nobody_else(account).await;
    told(account, &["user alice@example.com, with all that", "group oncall, with all that"]);
    // this is why the other overlay is better: all that alice may do is within reach
    let (status, _) = account.ask(Method::GET, SECRET, &[ALICE], &Value::Null).await;
    assert_eq!(status, 200);
}

pub async fn the_ceiling_holds(admin: &Admin<'_>, account: &Account) {
    admin.run(&["apply", "-k", &overlay("operator-constrained")]);
    until("a secret as alice", 403, async || account.ask(Method::GET, SECRET, &[ALICE], &Value::Null).await).await;
    until("scaling as alice", 200, async || scale(account, &[ALICE]).await).await;
    until("scaling as alice of oncall", 200, async || scale(account, &[ALICE, ONCALL]).await).await;
    nobody_else(account).await;
    told(account, &["user alice@example.com, bounded", "group oncall, bounded"]);
    let pods = "/api/v1/namespaces/midwatch/pods";
    let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {"verb": "patch", "group": "apps", "resource": "deployments"}}});
    let reviews = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let template = json!({"spec": {"template": {"metadata": {"annotations": {"restarted": "now"}}}}});
    let restart = "/apis/apps/v1/namespaces/midwatch/deployments/midwatch?dryRun=All";
    let config_map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "new"}});
    for (method, path, body, wanted) in [
        (Method::GET, pods, &Value::Null, 200),
        (Method::GET, "/apis/apps/v1", &Value::Null, 200),
        (Method::GET, "/openapi/v3", &Value::Null, 200),
        (Method::GET, "/metrics", &Value::Null, 403),
        (Method::POST, reviews, &review, 201),
        (Method::PATCH, restart, &template, 200),
        (Method::POST, "/api/v1/namespaces/midwatch/configmaps", &config_map, 403),
        (Method::DELETE, "/api/v1/namespaces/midwatch?dryRun=All", &Value::Null, 403),
        (Method::DELETE, "/apis/apps/v1/namespaces/midwatch/deployments/midwatch?dryRun=All", &Value::Null, 403),
        (Method::DELETE, "/api/v1/namespaces/midwatch/pods?dryRun=All", &Value::Null, 403),
        (Method::POST, "/api/v1/namespaces/midwatch/pods/any/exec?command=id", &Value::Null, 403),
        (Method::GET, "/api/v1/nodes/node-1/proxy/pods", &Value::Null, 403),
    ] {
        let (status, answer) = account.ask(method.clone(), path, &[ALICE], body).await;
        assert_eq!(status, wanted, "{method} {path}: {answer}");
    }
    let (_, allowed) = account.ask(Method::POST, reviews, &[ALICE], &review).await;
    assert_eq!(allowed["status"]["allowed"], true, "alice is asked about, not the account: {allowed}");
    let (_, own) = account.ask(Method::POST, reviews, &[], &review).await;
    assert_ne!(own["status"]["allowed"], true, "{own}");
}
