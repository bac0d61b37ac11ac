//! Objects keep their shape, and every value that the structure of Kubernetes makes a secret goes.

use redact::Redactor;
use serde_json::{Value, json};

/// What must go holds `HIDE`, what must stay `KEEP`; neither looks like a secret by itself.
fn check(mut object: Value) {
    let keep = object.to_string().matches("KEEP").count();
    Redactor::new().value(&mut object);
    let clean = object.to_string();
    assert!(!clean.contains("HIDE"), "{clean}");
    assert_eq!(clean.matches("KEEP").count(), keep, "{clean}");
}

#[test]
fn secrets_and_lists_of_them() {
    let secret = json!({"kind": "Secret", "metadata": {"name": "KEEP"}, "type": "Opaque",
        "data": {"KEEP": "HIDE", "other": "HIDE"}, "stringData": {"KEEP": "HIDE", "flag": "HIDE"}});
    check(secret.clone());
    check(json!({"kind": "List", "items": [secret, {"kind": "ConfigMap", "data": {"LEVEL": "KEEP"}}]}));
    check(json!({"data": {"KEEP": "HIDE"}, "type": "Opaque"}));
    check(json!({"kind": "ExternalSecret", "spec": {"template": {"stringData": {"KEEP": "HIDE"}}}}));
    let data = json!({"kind": "Secret", "data": {"a": "HIDE", "empty": "", "mask": "***"}});
    let mut clean = data;
    Redactor::new().value(&mut clean);
    assert_eq!((&clean["data"]["empty"], &clean["data"]["mask"]), (&json!(""), &json!("***")));
}

#[test]
fn last_applied_inside_any_object() {
    let applied = json!({"kind": "Secret", "data": {"any": "HIDE"}, "metadata": {"name": "KEEP"}}).to_string();
    check(json!({"kind": "Deployment", "metadata": {"annotations": {
        "kubectl.kubernetes.io/last-applied-configuration": applied, "note": "KEEP"}}}));
}

#[test]
fn containers() {
    check(json!({"kind": "Pod", "spec": {
        "imagePullSecrets": [{"name": "KEEP"}],
        "containers": [{
            "name": "KEEP", "image": "KEEP",
            "env": [
                {"name": "DB_PASSWORD", "value": "HIDE"},
                {"name": "MODE", "value": "KEEP"},
                {"value": "HIDE", "name": "API_TOKEN"},
                {"name": "TOKEN_FILE", "value": "/KEEP/token"},
                {"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "KEEP", "key": "KEEP"}}}
            ],
            "args": ["--token", "HIDE", "--password=HIDE", "--level", "KEEP"],
            "command": ["mysqladmin", "ping", "-uroot", "-pHIDE"],
            "livenessProbe": {"exec": {"command": ["redis-cli", "-a", "HIDE", "ping"]}, "httpGet": {
                "path": "KEEP", "httpHeaders": [{"name": "X-Api-Key", "value": "HIDE"}, {"name": "Accept", "value": "KEEP"}]}}
        }],
        "volumes": [{"secret": {"secretName": "KEEP"}}]
    }}));
}

#[test]
fn config_maps_by_the_format_of_their_values() {
    check(json!({"kind": "ConfigMap", "data": {
        "password": "HIDE",
        "app.properties": "host=KEEP\ndb.password=HIDE\nport=1",
        "app.ini": "[a]\nhost = KEEP\npassword = HIDE\n",
        "app.toml": "host = \"KEEP\"\npassword = \"HIDE\"\n",
        "app.yaml": "db:\n  host: KEEP\n  password: HIDE\n",
        "app.json": "{\"host\":\"KEEP\",\"password\":\"HIDE\"}",
        ".env": "HOST=KEEP\nDB_PASSWORD=HIDE\n",
        "LEVEL": "KEEP"
    }}));
}

#[test]
fn kubeconfigs_and_registries() {
    check(json!({"kind": "Config", "users": [{"name": "KEEP", "user": {
        "token": "HIDE1", "client-key-data": "HIDE1", "password": "HIDE", "username": "KEEP",
        "client-certificate-data": "KEEP",
        "auth-provider": {"config": {"client-secret": "HIDE", "id-token": "HIDE1", "refresh-token": "HIDE1", "client-id": "KEEP"}},
        "exec": {"command": "KEEP", "env": [{"name": "AWS_SECRET_ACCESS_KEY", "value": "HIDE"}]}
    }}]}));
    check(json!({"auths": {"KEEP": {"username": "KEEP", "password": "HIDE", "identitytoken": "HIDE1"}}}));
}

#[test]
fn values_of_a_release_and_statuses() {
    check(
        json!({"chart": "KEEP", "config": {"auth": {"rootPassword": "HIDE", "existingSecret": "KEEP"}, "replicas": 3,
        "tokens": {"adminToken": "HIDE1"}, "smtp": {"password": "HIDE", "host": "KEEP"}}}),
    );
    check(
        json!({"status": {"containerStatuses": [{"lastState": {"terminated": {"message": "dial failed password=HIDE host KEEP"}}}]}}),
    );
    check(json!({"kind": "Event", "message": "Error: exec: \"mysql --password=HIDE -h KEEP\" failed"}));
    check(json!({"type": "random_password", "instances": [{"attributes": {"result": "HIDE", "special": "KEEP"}}]}));
}

#[test]
fn what_correlates_stays() {
    let object = json!({"metadata": {"uid": "ef5e7f32-1a6d-48ec-a555-474f919ff024", "resourceVersion": "8812345",
            "name": "web-6db6fb878d-mgzzn", "annotations": {"checksum/secret": "e6def5095fef9c5426b53cabfe33f86482bf9253d050dec29ffabd51ca982768"}},
        "spec": {"serviceAccountName": "token-service", "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists"}],
            "affinity": {"topologyKey": "kubernetes.io/hostname"}, "automountServiceAccountToken": false},
        "status": {"imageID": "docker.io/library/nginx@sha256:8db6c12215f4159df61d423a2967be90c8c0ac2a4894a857a33790ab2c5098ab",
            "containerID": "containerd://0025914f2647ac21363d19bc4b3958760025914f2647ac21363d19bc4b395876"},
        "webhooks": [{"clientConfig": {"caBundle": "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUM="}}],
        "usage": {"prompt_tokens": 1532, "total_tokens": 1950}});
    let mut clean = object.clone();
    Redactor::new().value(&mut clean);
    assert_eq!(clean, object);
}

/// What an object has shown as a secret is hidden in a text of the same session, and under the same placeholder.
#[test]
fn a_session_is_one() {
    let redactor = Redactor::new();
    let mut secret = json!({"kind": "Secret", "data": {"any": "WHI1ZjFZRU8xNTN4Y3hUTA=="}});
    redactor.value(&mut secret);
    let placeholder = secret["data"]["any"].as_str().unwrap_or_default().to_owned();
    assert_eq!(redactor.text("login with Xr5f1YEO153xcxTL failed"), format!("login with {placeholder} failed"));
}
