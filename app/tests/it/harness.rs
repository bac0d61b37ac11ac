//! A Midwatch in this process, on a store of its own in a temporary folder and a port of its own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use midwatch::alerts::{self, IncidentView, Intake};
use midwatch::http::{self, Http};
use midwatch::store::{self, Store};
use tokio::sync::watch;

pub struct Harness {
    pub folder: tempfile::TempDir,
    pub intake: Intake,
    pub address: SocketAddr,
    pub client: reqwest::Client,
    stop: watch::Sender<bool>,
}

impl Harness {
    pub async fn start() -> Self {
        Self::with(alerts::Settings::default(), http::Settings::default()).await
    }

    pub async fn with(alerts: alerts::Settings, http: http::Settings) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&settings(folder.path().join("midwatch.db"))).await.unwrap();
        let routes = |_: &IncidentView<'_>| vec!["chat".to_owned()];
        let intake = Intake { store, settings: Arc::new(alerts), routes: Arc::new(routes), queue: Arc::default() };
        let (stop, stopped) = watch::channel(false);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = http::router(Http::new(intake.clone(), http, Box::new(Vec::new)));
        tokio::spawn(http::serve(listener, router, stopped));
        let client = reqwest::Client::builder().timeout(std::time::Duration::from_secs(20)).build().unwrap();
        Self { folder, intake, address, client, stop }
    }

    pub fn store(&self) -> &Store {
        &self.intake.store
    }

    /// Posts a body and gives status and text.
    pub async fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> (u16, String) {
        let url = format!("http://{}{path}", self.address);
        let response = self.client.post(url).body(body).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    pub async fn get(&self, path: &str) -> (u16, String) {
        let response = self.client.get(format!("http://{}{path}", self.address)).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    pub async fn count(&self, statement: &'static str) -> i64 {
        sqlx::query_scalar(statement).fetch_one(self.store().read()).await.unwrap()
    }
}

impl Drop for Harness {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
    }
}

pub fn settings(path: PathBuf) -> store::Settings {
    store::Settings { path, ..store::Settings::default() }
}
