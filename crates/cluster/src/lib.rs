//! The only place that builds a Kubernetes client, with the gate under every request.
//!
//! `connect` reads a kubeconfig or an in-cluster account, `over` takes an HTTP service in this process (a recorded
//! cluster). Both hand out a client that reads within limits and never sees the value of a
//! Secret. Nothing is written but a request that carries a permit for exactly itself.

mod act;
mod body;
mod canonical;
mod class;
pub mod discovery;
mod error;
mod gate;
mod glob;
mod helm;
mod identity;
pub mod limits;
mod pace;
mod pass;
mod permit;
pub mod policy;
mod registry;
mod request;
mod secrets;
mod source;
pub mod spoken;
mod traffic;
pub mod yaml;

use std::sync::Arc;

use bytes::Bytes;
use kube::client::{Body, ClientBuilder};
use tower::{BoxError, Service};

pub use act::{Outcome, Sent};
pub use canonical::{
    APPLY_PATCH, Digest, JSON, JSON_PATCH, MERGE_PATCH, Malformed, NoDigest, Preconditions, Request,
    STRATEGIC_MERGE_PATCH, Verb, canonical_json, strict_json,
};
pub use class::{Class, Classified, Scope, Seen, classify};
pub use error::{Error, Fault, reason};
pub use gate::{Gate, GateLayer, Leave};
pub use helm::RELEASE;
pub use identity::{Identity, Unfit};
pub use pace::Limits;
pub use permit::Permit;
pub use policy::{Asked, Decision, Effect, Policy, PolicyFile, Problem, Terms};
pub use secrets::{REGISTRIES, SIZES};
pub use source::{Choice, Source, choices};
pub use traffic::{Totals, Traffic};

/// A cluster that can be read, and written where a permit says so.
#[derive(Clone)]
pub struct Cluster {
    /// The context's name, `in-cluster`, or the host of a server given by address.
    pub name: String,
    /// The API server's address, without credentials.
    pub server: String,
    /// The namespace that the context names.
    pub namespace: String,
    pub client: kube::Client,
    pub traffic: Arc<Traffic>,
    /// The gate that `client` has, for clients beside it.
    layer: GateLayer,
    /// Connection and credentials without a gate: nothing outside this crate gets it.
    bare: kube::Client,
}

impl Cluster {
    fn gated(name: String, server: String, namespace: String, layer: GateLayer, bare: kube::Client) -> Self {
        let traffic = layer.traffic();
        let transport = bare.clone();
        let service = tower::service_fn(move |request| {
            let transport = transport.clone();
            async move { transport.send(request).await }
        });
        let client = ClientBuilder::new(service, namespace.clone()).with_layer(&layer).build();
        Self { name, server, namespace, client, traffic, layer, bare }
    }

    fn with_layer(&self, layer: GateLayer) -> Self {
        Self::gated(self.name.clone(), self.server.clone(), self.namespace.clone(), layer, self.bare.clone())
    }

    /// Asks the API server for its version: proves address, certificate and credentials.
    ///
    /// An account that may not read `/version` is still a working account, so a 403 gives `None`.
    pub async fn check(&self) -> Result<Option<String>, Error> {
        let request =
            http::Request::get("/version").body(Vec::new()).map_err(|error| Error::from_kube(&self.server, &error))?;
        match self.client.request::<serde_json::Value>(request).await {
            Ok(version) => Ok(version["gitVersion"].as_str().map(str::to_owned)),
            Err(kube::Error::Api(status)) if status.code == 403 => Ok(None),
            Err(error) => Err(Error::from_kube(&self.server, &error)),
        }
    }
}

/// Reads the configuration and builds the client, without a request to the server.
pub fn open(source: &Source, limits: &Limits) -> Result<Cluster, Error> {
    let found = source::find(source, &source::Surroundings::from_environment())?;
    let server = source::without_credentials(&found.config.cluster_url);
    let namespace = found.config.default_namespace.clone();
    let layer = GateLayer::new(limits, found.impersonates);
    let bare = ClientBuilder::try_from(found.config).map_err(|error| Error::from_kube(&server, &error))?.build();
    Ok(Cluster::gated(found.name, server, namespace, layer, bare))
}

/// Builds the client and proves that the server answers it.
pub async fn connect(source: &Source, limits: &Limits) -> Result<Cluster, Error> {
    let cluster = open(source, limits)?;
    cluster.check().await?;
    Ok(cluster)
}

/// A cluster served by an HTTP service in this process, under the same gate.
pub fn over<S, B>(name: &str, service: S, limits: &Limits) -> Cluster
where
    S: Service<http::Request<Body>, Response = http::Response<B>> + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Into<BoxError>,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let namespace = "default".to_owned();
    let bare = ClientBuilder::new(service, namespace.clone()).build();
    Cluster::gated(name.to_owned(), format!("in-process:{name}"), namespace, GateLayer::new(limits, false), bare)
}
