//! The only place that builds a Kubernetes client, with the gate under every request.
//!
//! `connect` reads a kubeconfig or an in-cluster account, `over` takes an HTTP service in this process (a recorded
//! cluster). Both hand out a client that can only read, within limits, and never sees the value of a Secret.

mod body;
pub mod discovery;
mod error;
mod gate;
mod limits;
mod registry;
mod request;
mod secrets;
mod source;
mod traffic;

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use kube::client::{Body, ClientBuilder};
use tower::{BoxError, Service};

pub use error::{Error, Fault, reason};
pub use gate::{Gate, GateLayer};
pub use limits::Limits;
pub use secrets::{REGISTRIES, SIZES};
pub use source::Source;
pub use traffic::{Totals, Traffic};

/// A cluster that can be read.
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
}

impl Cluster {
    /// Asks the API server for its version: proves address, certificate and credentials.
    ///
    /// An account that may not read `/version` is still a working account, so a 403 gives `None`.
    pub async fn check(&self) -> Result<Option<String>, Error> {
        let request =
            Request::get("/version").body(Vec::new()).map_err(|error| Error::from_kube(&self.server, &error))?;
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
    let layer = GateLayer::new(limits);
    let traffic = layer.traffic();
    let client = ClientBuilder::try_from(found.config)
        .map_err(|error| Error::from_kube(&server, &error))?
        .with_layer(&layer)
        .build();
    Ok(Cluster { name: found.name, server, namespace, client, traffic })
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
    S: Service<Request<Body>, Response = Response<B>> + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Into<BoxError>,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let namespace = "default".to_owned();
    let layer = GateLayer::new(limits);
    let traffic = layer.traffic();
    let client = ClientBuilder::new(service, namespace.clone()).with_layer(&layer).build();
    Cluster { name: name.to_owned(), server: format!("in-process:{name}"), namespace, client, traffic }
}
