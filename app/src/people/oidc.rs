//! Bearer tokens of an OpenID Connect provider: signature, issuer, audience and times are checked, keys are fetched
//! when a token names one that is not known (rotation).

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use jsonwebtoken::jwk::{Jwk, JwkSet, KeyAlgorithm};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::sync::Mutex;

use super::settings::Oidc;
use super::{Denied, Method, Person, Role};
use crate::store::Millis;

/// Signatures by a key pair only: with a shared secret, whoever can check a token can make one.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];
/// How far clocks may be apart, in seconds.
const LEEWAY: u64 = 60;
/// A token that names an unknown key makes us ask for keys; at most so often.
const ASK_EVERY: Duration = Duration::from_secs(10);
/// Keys are asked for again after this time, so that one that was taken back stops working.
const KEEP: Duration = Duration::from_secs(600);
const MOST_BYTES: usize = 1 << 20;

pub struct Provider {
    settings: Oidc,
    client: reqwest::Client,
    keys: Mutex<Keys>,
}

#[derive(Default)]
struct Keys {
    set: Vec<Jwk>,
    asked: Option<Instant>,
    fetched: Option<Instant>,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

impl Provider {
    pub fn new(settings: Oidc) -> anyhow::Result<Self> {
        // A redirect could lead to anywhere; a provider has no need of one here.
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(10))
            .build()?;
        Ok(Self { settings, client, keys: Mutex::default() })
    }

    pub fn issuer(&self) -> &str {
        &self.settings.issuer
    }

    /// The person that a token speaks for.
    pub async fn person(&self, token: &str, now: Millis) -> Result<Person, Denied> {
        let bad = |why: &str| Denied::Invalid(why.to_owned());
        let header = decode_header(token).map_err(|_| bad("it is no JSON Web Token with a known signature"))?;
        if !ALGORITHMS.contains(&header.alg) {
            return Err(bad("its signature is of a kind that is not accepted"));
        }
        let kid = header.kid.as_deref().ok_or_else(|| bad("it does not name the key that signed it"))?;
        let key = self.key(kid).await?.ok_or_else(|| bad("it is signed by a key that its issuer does not list"))?;
        if !is_for(&key, header.alg) {
            return Err(bad("its signature is of another kind than its key"));
        }
        let decoding = DecodingKey::from_jwk(&key).map_err(|_| bad("its issuer's key cannot be used"))?;
        let mut validation = Validation::new(header.alg);
        validation.leeway = LEEWAY;
        validation.validate_nbf = true;
        validation.set_issuer(&[&self.settings.issuer]);
        validation.set_audience(&[&self.settings.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        let claims = decode::<Map<String, Value>>(token, &decoding, &validation)
            .map_err(|error| Denied::Invalid(reason(&error)))?
            .claims;
        self.claimed(&claims, now)
    }

    fn claimed(&self, claims: &Map<String, Value>, now: Millis) -> Result<Person, Denied> {
        let settings = &self.settings;
        let name = claims.get(&settings.username_claim).and_then(Value::as_str).filter(|name| !name.is_empty());
        let Some(name) = name else {
            return Err(Denied::Invalid(format!("it has no claim `{}`", settings.username_claim)));
        };
        // An address that nobody proved to own is no name.
        if settings.username_claim == "email" && claims.get("email_verified") == Some(&Value::Bool(false)) {
            return Err(Denied::Invalid("its e-mail address is not verified".to_owned()));
        }
        let groups: Vec<&str> = match claims.get(&settings.groups_claim) {
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(one)) => vec![one],
            Some(_) | None => Vec::new(),
        };
        let roles: BTreeSet<Role> =
            groups.iter().filter_map(|group| settings.roles.get(*group)).flatten().copied().collect();
        if roles.is_empty() {
            return Err(Denied::NoRole(name.to_owned()));
        }
        let seconds = claims.get("auth_time").or_else(|| claims.get("iat")).and_then(Value::as_i64);
        Ok(Person {
            name: format!("{}{name}", settings.username_prefix),
            groups: groups.iter().map(|group| format!("{}{group}", settings.groups_prefix)).collect(),
            roles,
            method: Method::Oidc,
            // A provider whose clock is ahead must not make a login look newer than now.
            auth_time: seconds.map_or(0, |seconds| seconds.saturating_mul(1_000)).min(now),
        })
    }

    async fn key(&self, kid: &str) -> Result<Option<Jwk>, Denied> {
        let mut keys = self.keys.lock().await;
        let known = |keys: &Keys| keys.set.iter().find(|key| key.common.key_id.as_deref() == Some(kid)).cloned();
        let found = known(&keys);
        let old = keys.fetched.is_none_or(|at| at.elapsed() > KEEP);
        let asked_lately = keys.asked.is_some_and(|at| at.elapsed() < ASK_EVERY);
        if (found.is_some() && !old) || asked_lately {
            return Ok(found);
        }
        keys.asked = Some(Instant::now());
        match self.fetch().await {
            Ok(set) => {
                keys.set = set;
                keys.fetched = Some(Instant::now());
            }
            // A provider that is down for a while locks nobody out who holds a token by a known key.
            Err(error) if found.is_some() => tracing::warn!(%error, "the OIDC provider's keys could not be read again"),
            Err(error) => {
                tracing::warn!(%error, "the OIDC provider's keys could not be read");
                return Err(Denied::Provider);
            }
        }
        Ok(known(&keys))
    }

    async fn fetch(&self) -> Result<Vec<Jwk>, String> {
        let issuer = self.settings.issuer.trim_end_matches('/');
        let found: Discovery = self.get(&format!("{issuer}/.well-known/openid-configuration")).await?;
        if found.issuer != self.settings.issuer {
            return Err(format!("{issuer} says that it is {}", found.issuer));
        }
        if !is_safe(&found.jwks_uri) {
            return Err(format!("{} is no https address", found.jwks_uri));
        }
        let set: JwkSet = self.get(&found.jwks_uri).await?;
        Ok(set.keys)
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, url: &str) -> Result<T, String> {
        let say = |error: &dyn std::fmt::Display| format!("{url}: {error}");
        let mut answer = self.client.get(url).send().await.map_err(|e| say(&e))?;
        if !answer.status().is_success() {
            return Err(say(&answer.status()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|e| say(&e))? {
            body.extend_from_slice(&chunk);
            if body.len() > MOST_BYTES {
                return Err(say(&"the answer is larger than 1 MiB"));
            }
        }
        serde_json::from_slice(&body).map_err(|e| say(&e))
    }
}

/// https, or a server on this machine.
pub fn is_safe(url: &str) -> bool {
    reqwest::Url::parse(url).is_ok_and(|url| match (url.scheme(), url.host_str()) {
        ("https", Some(_)) => true,
        ("http", Some(host)) => matches!(host, "127.0.0.1" | "localhost" | "[::1]"),
        _ => false,
    })
}

/// A key that names its algorithm is used for no other.
fn is_for(key: &Jwk, algorithm: Algorithm) -> bool {
    let Some(named) = key.common.key_algorithm else { return true };
    match named {
        KeyAlgorithm::RS256 => algorithm == Algorithm::RS256,
        KeyAlgorithm::RS384 => algorithm == Algorithm::RS384,
        KeyAlgorithm::RS512 => algorithm == Algorithm::RS512,
        KeyAlgorithm::PS256 => algorithm == Algorithm::PS256,
        KeyAlgorithm::PS384 => algorithm == Algorithm::PS384,
        KeyAlgorithm::PS512 => algorithm == Algorithm::PS512,
        KeyAlgorithm::ES256 => algorithm == Algorithm::ES256,
        KeyAlgorithm::ES384 => algorithm == Algorithm::ES384,
        KeyAlgorithm::EdDSA => algorithm == Algorithm::EdDSA,
        _ => false,
    }
}

fn reason(error: &jsonwebtoken::errors::Error) -> String {
    use jsonwebtoken::errors::ErrorKind;
    let text = match error.kind() {
        ErrorKind::ExpiredSignature => "it has expired",
        ErrorKind::ImmatureSignature => "it is not valid yet",
        ErrorKind::InvalidAudience => "it was made for another server (claim `aud`)",
        ErrorKind::InvalidIssuer => "it is from another issuer (claim `iss`)",
        ErrorKind::InvalidSignature => "its signature does not fit",
        ErrorKind::MissingRequiredClaim(claim) => return format!("it has no claim `{claim}`"),
        _ => "it cannot be read",
    };
    text.to_owned()
}
