//! The server with what the published conformance suite expects to find on it: its tools, prompts and resources are added
//! to ours and served by the same front. Prints its address and serves until its input ends.

mod content;
mod fixtures;
mod rounds;

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::io::AsyncReadExt;
use tokio_util::sync::CancellationToken;
use tools::http::{Authenticate, Denied, Front, router};
use tools::{Caller, OnlyReading, Server, Settings};

use fixtures::Fixtures;

struct Anyone;

impl Authenticate for Anyone {
    fn bearer<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Caller, Denied>> {
        std::future::ready(Err(Denied::Invalid)).boxed()
    }

    fn anonymous(&self) -> Option<Caller> {
        Some(Caller::new("conformance", Vec::new()))
    }

    fn issuers(&self) -> Vec<String> {
        Vec::new()
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cluster = Err("the suite runs without a cluster".to_owned());
    let hands = OnlyReading { cluster, contexts: Vec::new(), prometheus: None, time: None };
    let fixtures = Fixtures::new(Server::new(Arc::new(hands), Settings::default())?)?;
    let stop = CancellationToken::new();
    let front = Front { stop: stop.clone(), ..Front::default() };
    let make =
        move |caller: Option<Caller>| fixtures.with(|server| caller.map_or_else(|| server.another(), |c| server.of(c)));
    let router = router(make, Arc::new(Anyone), front);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}/mcp", listener.local_addr()?);
    let until_input_ends = async move {
        let mut rest = Vec::new();
        let _ = tokio::io::stdin().read_to_end(&mut rest).await;
        stop.cancel();
    };
    axum::serve(listener, router).with_graceful_shutdown(until_input_ends).await?;
    Ok(())
}
