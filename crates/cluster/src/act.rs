//! Acting on a cluster: as whom, tried first, then sent once.

use http::StatusCode;
use http_body_util::BodyExt;
use kube::client::Body;
use serde_json::{Value, json};

use crate::Cluster;
use crate::canonical::{Request, strict_json};
use crate::class::Scope;
use crate::error::{Error, Fault};
use crate::gate::{BEFORE_SENDING, Leave};
use crate::identity::Identity;
use crate::pass::Pass;
use crate::permit::Permit;

/// What a server said to a write.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    pub code: u16,
    pub object: Value,
    /// The entry in the API server's own audit log.
    pub audit_id: Option<String>,
}

/// Why there is no answer that a write was done.
#[derive(Debug, thiserror::Error)]
pub enum Outcome {
    #[error("the API server refused it: HTTP {code}: {message}")]
    Refused { code: u16, reason: String, message: String, audit_id: Option<String> },
    /// It left. Whether it was done only a look at the object can tell; it must not be sent again.
    #[error("it was sent and no clear answer came: {why}")]
    Unknown { why: String, audit_id: Option<String> },
    #[error("it was not sent: {why}")]
    NotSent { why: String },
}

struct Answer {
    code: StatusCode,
    audit_id: Option<String>,
    body: Result<Value, String>,
}

impl Cluster {
    /// The same cluster as another person: the gate puts the impersonation headers under every request.
    ///
    /// Limits and counts are shared. Sensitive reads are refused until `reading` says who lets them through.
    pub fn acting_as(&self, identity: &Identity) -> Self {
        self.with_layer(self.layer.acting_as(identity))
    }

    /// The same client, with somebody who decides on each read of objects before it leaves.
    pub fn reading(&self, scope: Scope, leave: Leave) -> Self {
        self.with_layer(self.layer.asking(scope, leave))
    }

    /// Whom this client acts as; None is the account of the connection.
    pub fn identity(&self) -> Option<&Identity> {
        self.layer.identity()
    }

    /// The uid of the namespace kube-system, which names a cluster for ever.
    pub async fn uid(&self) -> Result<String, Error> {
        if let Some(uid) = self.layer.uid().get() {
            return Ok(uid.to_owned());
        }
        let request = http::Request::get("/api/v1/namespaces/kube-system").body(Vec::new());
        let request = request.map_err(|error| Error::from_kube(&self.server, &error))?;
        // Who may not read a namespace still acts on this cluster, so the connection's own account asks.
        let owner = self.with_layer(self.layer.of_the_account());
        let namespace: Value =
            owner.client.request(request).await.map_err(|error| Error::from_kube(&self.server, &error))?;
        let Some(uid) = namespace["metadata"]["uid"].as_str().filter(|uid| !uid.is_empty()) else {
            return Err(Error::NotAnApiServer {
                server: self.server.clone(),
                why: "the namespace kube-system has no uid".to_owned(),
            });
        };
        Ok(self.layer.uid().get_or_init(|| uid.to_owned()).clone())
    }

    /// What the server would make of a write. Nothing is stored.
    pub async fn dry_run(&self, request: &Request) -> Result<Value, Outcome> {
        let request = request.as_dry_run();
        self.knows(&request).await?;
        let answer = self.exchange(&request, Pass::dry_run(request.digest())).await?;
        accepted(answer).map(|sent| sent.object)
    }

    /// Sends a write that was approved, once. The gate lets out only the request that the permit is for.
    pub async fn execute(&self, request: &Request, permit: Permit) -> Result<Sent, Outcome> {
        self.knows(request).await?;
        if request.is_dry_run() {
            return Err(Outcome::NotSent { why: "a dry run needs no permit".to_owned() });
        }
        let answer = self.exchange(request, Pass::permit(permit)).await?;
        accepted(answer)
    }

    /// Whether this account may do it, as far as the server says beforehand. Its answer to the request itself is final.
    pub async fn may(&self, request: &Request) -> Result<bool, Error> {
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {
                "verb": request.verb.rbac(), "group": request.group, "resource": request.resource,
                "subresource": request.subresource, "namespace": request.namespace, "name": request.name}}});
        let question = http::Request::post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews")
            .header(http::header::CONTENT_TYPE, crate::canonical::JSON)
            .body(review.to_string().into_bytes())
            .map_err(|error| Error::from_kube(&self.server, &error))?;
        let answer: Value =
            self.client.request(question).await.map_err(|error| Error::from_kube(&self.server, &error))?;
        Ok(answer["status"]["allowed"] == true)
    }

    /// The request has to be for this cluster and this person; the gate proves the same once more from the bytes.
    async fn knows(&self, request: &Request) -> Result<(), Outcome> {
        let uid = self.uid().await.map_err(|error| Outcome::NotSent { why: error.to_string() })?;
        if request.cluster != uid {
            return Err(Outcome::NotSent {
                why: format!("it is for the cluster {:?}, this is {uid:?}", request.cluster),
            });
        }
        if request.as_user.as_ref() != self.identity() {
            return Err(Outcome::NotSent { why: "it is for another person than this client acts as".to_owned() });
        }
        Ok(())
    }

    async fn exchange(&self, request: &Request, pass: Pass) -> Result<Answer, Outcome> {
        let not_sent = |why: String| Outcome::NotSent { why };
        let mut http = request.to_http().map_err(|error| not_sent(error.to_string()))?;
        http.extensions_mut().insert(pass);
        let response = match self.client.send(http.map(Body::from)).await {
            Ok(response) => response,
            Err(error) if sent_nothing(&error) => return Err(not_sent(crate::reason(&error))),
            Err(error) => return Err(Outcome::Unknown { why: crate::reason(&error), audit_id: None }),
        };
        let audit_id = response.headers().get("audit-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
        let code = response.status();
        let body = match response.into_body().collect().await {
            Ok(body) => strict_json(&body.to_bytes()).map_err(|error| format!("the answer is not JSON: {error}")),
            Err(error) => Err(error.to_string()),
        };
        Ok(Answer { code, audit_id, body })
    }
}

fn accepted(answer: Answer) -> Result<Sent, Outcome> {
    let (code, audit_id) = (answer.code.as_u16(), answer.audit_id);
    let text = |field: &str| {
        let body = answer.body.as_ref().ok();
        body.and_then(|body| body[field].as_str()).unwrap_or_default().to_owned()
    };
    // A 5xx is no refusal, nor is a time-out: both may come after the write, and from a proxy.
    if answer.code.is_client_error() && answer.code != StatusCode::REQUEST_TIMEOUT {
        return Err(Outcome::Refused { code, reason: text("reason"), message: text("message"), audit_id });
    }
    if !answer.code.is_success() {
        return Err(Outcome::Unknown { why: format!("HTTP {code}: {}", text("message")), audit_id });
    }
    match answer.body {
        Ok(object) => Ok(Sent { code, object, audit_id }),
        Err(why) => Err(Outcome::Unknown { why, audit_id }),
    }
}

/// Whether an error proves that nothing left.
fn sent_nothing(error: &kube::Error) -> bool {
    if matches!(error, kube::Error::Auth(_) | kube::Error::HttpError(_)) {
        return true;
    }
    let mut current: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = current {
        match error.downcast_ref::<Fault>() {
            Some(Fault::Refused { .. } | Fault::NeedsLeave { .. }) => return true,
            Some(Fault::Timeout { step, .. }) => return BEFORE_SENDING.contains(step),
            Some(
                Fault::StreamOver { .. }
                | Fault::TooLarge { .. }
                | Fault::Redirect { .. }
                | Fault::Unreadable { .. }
                | Fault::Broken { .. },
            ) => return false,
            Some(Fault::Connection { .. }) | None => {}
        }
        if error.downcast_ref::<hyper_util::client::legacy::Error>().is_some_and(|error| error.is_connect()) {
            return true;
        }
        current = error.source();
    }
    false
}
