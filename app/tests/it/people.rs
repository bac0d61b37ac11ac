//! Who may come in: passwords, tokens, sessions, and the bearer tokens of a provider.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use axum::Json;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use midwatch::audit::Audit;
use midwatch::http::{self, Doors};
use midwatch::people::{Denied, Method, Oidc, People, Role, Settings, StaticToken, secret};
use midwatch::store::{self, Store, people as rows};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::RwLock;

use crate::harness;

async fn store() -> (tempfile::TempDir, Store) {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&harness::settings(folder.path().join("midwatch.db"))).await.unwrap();
    (folder, store)
}

async fn add(store: &Store, name: &str, password: Option<&str>, roles: &[Role], disabled: bool) {
    let user = rows::User {
        name: name.to_owned(),
        password: password.map(|password| secret::hash_password(password).unwrap()),
        groups: r#"["oncall"]"#.to_owned(),
        roles: serde_json::to_string(roles).unwrap(),
        disabled,
        created_at: store::now(),
    };
    store.write(move |c| Box::pin(async move { rows::put(c, &user).await })).await.unwrap();
}

async fn token(store: &Store, user: &str, roles: &[Role], ends: Option<i64>) -> String {
    let (token, id) = secret::token().unwrap();
    let row = rows::Token {
        id,
        sha256: secret::sha256(&token),
        user: user.to_owned(),
        note: String::new(),
        roles: serde_json::to_string(roles).unwrap(),
        created_at: store::now(),
        expires_at: ends,
        used_at: None,
    };
    store.write(move |c| Box::pin(async move { rows::put_token(c, &row).await })).await.unwrap();
    token
}

#[tokio::test]
async fn a_token_opens_what_its_user_may_and_no_more() {
    let (_folder, store) = store().await;
    add(&store, "n8n", None, &[Role::Operator], false).await;
    add(&store, "gone", None, &[Role::Admin], true).await;
    let people = People::new(store.clone(), &Settings::default()).unwrap();
    let good = token(&store, "n8n", &[Role::Viewer], None).await;
    let person = people.bearer(&good).await.unwrap();
    assert_eq!((person.name.as_str(), person.groups.as_slice()), ("n8n", ["oncall".to_owned()].as_slice()));
    assert_eq!((person.roles, person.method), (BTreeSet::from([Role::Viewer]), Method::Token));

    let greedy = token(&store, "n8n", &[Role::Admin, Role::Viewer], None).await;
    assert_eq!(people.bearer(&greedy).await.unwrap().roles, BTreeSet::from([Role::Viewer]));
    let used = rows::tokens(store.read()).await.unwrap();
    assert!(used.iter().all(|token| token.used_at.is_some()));

    for (wrong, why) in [
        (token(&store, "n8n", &[Role::Viewer], Some(store::now() - 1)).await, "expired"),
        (token(&store, "gone", &[Role::Viewer], None).await, "not known"),
        (format!("{}x", &good[..good.len() - 1]), "not known"),
        ("mwt_nothere_abc".to_owned(), "not known"),
        ("something".to_owned(), "not known"),
        (String::new(), "not known"),
    ] {
        let denied = people.bearer(&wrong).await.err().unwrap().to_string();
        assert!(denied.contains(why), "{wrong}: {denied}");
    }
}

#[tokio::test]
async fn a_token_of_the_configuration_needs_no_user() {
    let (folder, store) = store().await;
    let file = folder.path().join("token");
    std::fs::write(&file, "from-a-file-0123456789\n").unwrap();
    let one = StaticToken {
        user: "dashboard".to_owned(),
        groups: Vec::new(),
        roles: BTreeSet::from([Role::Viewer]),
        token: None,
        token_file: Some(file),
    };
    let people = People::new(store, &Settings { tokens: vec![one], ..Settings::default() }).unwrap();
    assert_eq!(people.bearer("from-a-file-0123456789").await.unwrap().name, "dashboard");
    assert!(people.bearer("from-a-file-012345678").await.is_err());
    assert!(!people.is_empty().await.unwrap());
}

#[tokio::test]
async fn wrong_passwords_make_a_name_wait() {
    let (_folder, store) = store().await;
    add(&store, "alice", Some("correct horse battery"), &[Role::Approver], false).await;
    let people = People::new(store, &Settings::default()).unwrap();
    let (person, key) = people.login("alice", "correct horse battery").await.unwrap();
    assert!(person.has(Role::Approver) && person.has(Role::Viewer) && !person.has(Role::Operator));
    assert_eq!(people.session(&key).await.unwrap().unwrap().name, "alice");
    assert_eq!(people.login("nobody", "correct horse battery").await.err(), Some(Denied::Password));
    for _ in 0..5 {
        assert_eq!(people.login("alice", "wrong").await.err(), Some(Denied::Password));
    }
    assert_eq!(people.login("alice", "correct horse battery").await.err(), Some(Denied::Wait));
    people.logout(&key).await.unwrap();
    assert!(people.session(&key).await.unwrap().is_none());
}

/// A provider with keys that can be changed.
struct Issuer {
    url: String,
    keys: Arc<RwLock<Value>>,
}

struct Key {
    kid: &'static str,
    encoding: EncodingKey,
    public: Vec<u8>,
}

impl Key {
    fn new(kid: &'static str) -> Self {
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref()).unwrap();
        let public = pair.public_key().as_ref().to_vec();
        Self { kid, encoding: EncodingKey::from_ec_der(pkcs8.as_ref()), public }
    }

    fn jwk(&self) -> Value {
        let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.kid,
               "x": part(&self.public[1..33]), "y": part(&self.public[33..65])})
    }

    fn sign(&self, claims: &Value) -> String {
        let header = Header { kid: Some(self.kid.to_owned()), ..Header::new(Algorithm::ES256) };
        encode(&header, claims, &self.encoding).unwrap()
    }
}

async fn issuer(keys: Value) -> Issuer {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let keys = Arc::new(RwLock::new(json!({"keys": keys})));
    let discovery = json!({"issuer": url, "jwks_uri": format!("{url}/keys")});
    let served = keys.clone();
    let app = axum::Router::new()
        .route("/.well-known/openid-configuration", get(move || async move { Json(discovery) }))
        .route("/keys", get(move || async move { Json(served.read().await.clone()) }));
    tokio::spawn(async move { axum::serve(listener, app).await });
    Issuer { url, keys }
}

const AUDIENCE: &str = "https://midwatch.example/mcp";

fn trusting(issuer: &Issuer) -> Settings {
    let oidc = Oidc {
        issuer: issuer.url.clone(),
        audience: AUDIENCE.to_owned(),
        username_claim: "preferred_username".to_owned(),
        username_prefix: String::new(),
        groups_claim: "groups".to_owned(),
        groups_prefix: "sso:".to_owned(),
        roles: BTreeMap::from([("sre".to_owned(), BTreeSet::from([Role::Operator]))]),
    };
    Settings { oidc: Some(oidc), ..Settings::default() }
}

fn claims(issuer: &Issuer) -> Value {
    let now = store::now() / 1_000;
    json!({"iss": issuer.url, "aud": AUDIENCE, "sub": "u1", "preferred_username": "bob", "groups": ["sre", "x"],
           "iat": now, "exp": now + 300})
}

fn with(mut claims: Value, name: &str, value: Value) -> Value {
    match value {
        Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
        value => claims[name] = value,
    }
    claims
}

#[tokio::test]
async fn m04_a_bearer_token_must_be_made_by_the_provider_for_this_server() {
    let (_folder, store) = store().await;
    let key = Key::new("one");
    let issuer = issuer(json!([key.jwk()])).await;
    let people = People::new(store.clone(), &trusting(&issuer)).unwrap();
    let good = claims(&issuer);
    let person = people.bearer(&key.sign(&good)).await.unwrap();
    assert_eq!((person.name.as_str(), person.method), ("bob", Method::Oidc));
    assert_eq!(
        (person.groups, person.roles),
        (vec!["sso:sre".into(), "sso:x".into()], BTreeSet::from([Role::Operator]))
    );
    let several = with(good.clone(), "aud", json!(["https://other.example", AUDIENCE]));
    assert!(people.bearer(&key.sign(&several)).await.is_ok(), "our audience among others");

    let now = store::now() / 1_000;
    for (name, value, why) in [
        ("aud", json!("https://other.example/mcp"), "another server"),
        ("aud", json!(["https://other.example"]), "another server"),
        ("aud", json!(format!("{AUDIENCE}/")), "another server"),
        ("aud", Value::Null, "`aud`"),
        ("iss", json!("https://evil.example"), "another issuer"),
        ("iss", Value::Null, "`iss`"),
        ("exp", json!(now - 120), "expired"),
        ("exp", Value::Null, "`exp`"),
        ("nbf", json!(now + 600), "not valid yet"),
        ("preferred_username", Value::Null, "preferred_username"),
        ("preferred_username", json!(""), "preferred_username"),
        ("groups", json!(["strangers"]), "no group"),
        ("groups", Value::Null, "no group"),
    ] {
        let denied = people.bearer(&key.sign(&with(good.clone(), name, value.clone()))).await;
        let denied = denied.err().unwrap_or_else(|| panic!("{name}={value} was let in")).to_string();
        assert!(denied.contains(why), "{name}={value}: {denied}");
    }
}

#[tokio::test]
async fn m04_a_signature_of_another_kind_or_key_opens_nothing() {
    let (_folder, store) = store().await;
    let (key, stranger) = (Key::new("one"), Key::new("one"));
    let issuer = issuer(json!([key.jwk()])).await;
    let people = People::new(store.clone(), &trusting(&issuer)).unwrap();
    let good = claims(&issuer);
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let forged = |header: Value| format!("{}.{}.AAAA", part(header), part(good.clone()));
    let shared = EncodingKey::from_secret(&key.public);
    let confused = Header { kid: Some("one".to_owned()), ..Header::new(Algorithm::HS256) };
    let signed = key.sign(&good);
    let body = part(with(good.clone(), "preferred_username", json!("root")));
    let pieces: Vec<&str> = signed.split('.').collect();
    for (token, what) in [
        (forged(json!({"alg": "none", "kid": "one"})), "no signature"),
        (forged(json!({"alg": "RS256", "kid": "one"})), "an RSA signature for an EC key"),
        (encode(&confused, &good, &shared).unwrap(), "the public key as a shared secret"),
        (stranger.sign(&good), "a stranger's key under the same name"),
        (Key::new("two").sign(&good), "an unknown key"),
        (format!("{}.{body}.{}", pieces[0], pieces[2]), "other claims under the same signature"),
        (format!("{}.{}.", pieces[0], pieces[1]), "an empty signature"),
        (encode(&Header::new(Algorithm::ES256), &good, &key.encoding).unwrap(), "no key named"),
    ] {
        assert!(people.bearer(&token).await.is_err(), "{what} was let in");
    }
    assert!(people.bearer(&signed).await.is_ok());
}

#[tokio::test]
async fn a_new_key_of_the_provider_is_found_and_a_name_has_one_door() {
    let (_folder, store) = store().await;
    let (old, new) = (Key::new("old"), Key::new("new"));
    let issuer = issuer(json!([new.jwk()])).await;
    let people = People::new(store.clone(), &trusting(&issuer)).unwrap();
    assert!(people.bearer(&new.sign(&claims(&issuer))).await.is_ok());
    *issuer.keys.write().await = json!({"keys": [old.jwk(), new.jwk()]});
    let early = people.bearer(&old.sign(&claims(&issuer))).await;
    assert!(early.is_err(), "the provider is not asked again at once");
    let fresh = People::new(store.clone(), &trusting(&issuer)).unwrap();
    assert!(fresh.bearer(&old.sign(&claims(&issuer))).await.is_ok());

    add(&store, "bob", None, &[Role::Admin], false).await;
    let denied = people.bearer(&new.sign(&claims(&issuer))).await.err().unwrap().to_string();
    assert!(denied.contains("local user"), "{denied}");
}

async fn doors(store: &Store) -> String {
    let people = Arc::new(People::new(store.clone(), &Settings::default()).unwrap());
    let doors = Arc::new(Doors { people, audit: Audit::new(store.clone()), https: false });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, http::people(doors)).await });
    url
}

#[tokio::test]
async fn the_login_page_opens_a_session_and_closes_it() {
    let (_folder, store) = store().await;
    add(&store, "alice", Some("correct horse battery"), &[Role::Approver], false).await;
    let url = doors(&store).await;
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let page = client.get(format!("{url}/login?next=/approvals/P-1")).send().await.unwrap();
    assert!(page.headers()["content-security-policy"].to_str().unwrap().contains("frame-ancestors 'none'"));
    let text = page.text().await.unwrap();
    assert!(
        text.contains(r#"name="next" value="&#x2f;approvals&#x2f;P-1""#) || text.contains("/approvals/P-1"),
        "{text}"
    );

    let send = |password: &'static str, origin: &'static str| {
        let form = [("name", "alice"), ("password", password), ("next", "//evil.example")];
        let request = client.post(format!("{url}/login")).form(&form);
        if origin.is_empty() { request } else { request.header("origin", origin) }.send()
    };
    assert_eq!(send("wrong", "").await.unwrap().status(), 401);
    assert_eq!(send("correct horse battery", "https://evil.example").await.unwrap().status(), 403);
    let opened = send("correct horse battery", "").await.unwrap();
    assert_eq!((opened.status().as_u16(), opened.headers()["location"].to_str().unwrap()), (303, "/approvals"));
    let cookie = opened.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let key = cookie.split_once(';').unwrap().0.to_owned();

    let leave = |token: &'static str| {
        client.post(format!("{url}/logout")).header("cookie", &key).form(&[("token", token)]).send()
    };
    assert_eq!(leave("").await.unwrap().status(), 403);
    assert_eq!(leave("guessed").await.unwrap().status(), 403);
    let rows = midwatch::store::audit::newest(store.read(), 10).await.unwrap();
    let seen: Vec<bool> = ["logged_in", "login_failed"].map(|a| rows.iter().any(|row| row.text.contains(a))).to_vec();
    assert_eq!(seen, [true, true]);
}
