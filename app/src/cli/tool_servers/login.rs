//! `midwatch tool-servers login`: a person says yes in a browser, and the token is kept for the server.

use std::io::BufRead as _;
use std::time::Duration;

use agent::{AttachError, Grant};
use anyhow::{Context, bail};
use axum::Router;
use axum::extract::{OriginalUri, State};
use axum::http::{StatusCode, Uri};
use axum::response::Html;
use axum::routing::get;
use clap::Args;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::super::say;
use super::super::setup::StoreArgs;
use super::named;
use crate::toolbox::{connection, looked};

/// A person has to find the password first.
const PATIENCE: Duration = Duration::from_secs(600);

#[derive(Debug, Args)]
pub struct Login {
    #[command(flatten)]
    store: StoreArgs,
    /// Name of a server in the configuration, with `oauth`
    name: String,
    /// A right to ask for beside those that the server names and those granted before
    #[arg(long)]
    scope: Vec<String>,
    /// Also where there is a token that works
    #[arg(long)]
    again: bool,
}

impl Login {
    pub async fn run(self) -> anyhow::Result<u8> {
        let config = self.store.config()?;
        let server = named(&config, &self.name)?;
        let port = match &server.oauth {
            None => bail!("{} has no `oauth` in the configuration", self.name),
            Some(oauth) if oauth.grant == Grant::ClientCredentials => {
                bail!("{} logs in by itself, with its client secret", self.name)
            }
            Some(oauth) => oauth.redirect_port.unwrap_or(0),
        };
        let connection = connection(&config, server);
        // what the server says when it refuses names the rights that it wants
        match looked(&connection).await {
            Ok(()) if self.scope.is_empty() && !self.again => {
                say(&format!("{} needs no login: its tools can be called\n", self.name))?;
                return Ok(0);
            }
            Ok(()) | Err(AttachError::Login { .. }) => {}
            Err(error) => bail!("{error}"),
        }
        let listener = TcpListener::bind(("127.0.0.1", port)).await.context("listening for the browser")?;
        let redirect = format!("http://{}/callback", listener.local_addr()?);
        let visit = |url| visited(listener, redirect.clone(), url);
        connection.login(&redirect, &self.scope, visit).await.map_err(anyhow::Error::msg)?;
        match looked(&connection).await {
            Ok(()) => say(&format!("{}: logged in\n", self.name))?,
            Err(error) => bail!("logged in, and yet: {error}"),
        }
        Ok(0)
    }
}

#[derive(Clone)]
struct Waiting {
    redirect: String,
    /// what only the browser that was sent there knows
    state: String,
    came: mpsc::Sender<String>,
}

impl Waiting {
    /// An address that the browser was sent back to, if it is ours.
    fn ours(&self, address: &str) -> Option<String> {
        let url = reqwest::Url::parse(address.trim()).ok()?;
        let state = url.query_pairs().any(|(name, value)| name == "state" && value == self.state);
        (address.trim().starts_with(&self.redirect) && state).then(|| url.to_string())
    }
}

/// Brings a person to this address, and gives the one that they are sent back to: by the browser, or by hand where the
/// browser is on another machine.
async fn visited(listener: TcpListener, redirect: String, url: String) -> Result<String, String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let parsed = reqwest::Url::parse(&url).map_err(|error| text(&error))?;
    let state = parsed.query_pairs().find(|(name, _)| name == "state").map(|(_, value)| value.into_owned());
    let (came, mut coming) = mpsc::channel(1);
    let waiting = Waiting { redirect, state: state.unwrap_or_default(), came };
    say(&format!(
        "Open this address in a browser and say yes there:\n\n{url}\n\nWhere the browser is on another machine, paste \
         here the address that it is sent back to (it begins with {}).\n",
        waiting.redirect
    ))
    .map_err(|error| text(&error))?;
    let router = Router::new().route("/callback", get(back)).with_state(waiting.clone());
    let serving = tokio::spawn(async move { axum::serve(listener, router).await });
    // a thread that nobody waits for: a read of the terminal cannot be given up
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            match waiting.ours(&line) {
                Some(address) => return drop(waiting.came.blocking_send(address)),
                None if line.trim().is_empty() => {}
                None => eprintln!("this is not the address that the browser was sent back to"),
            }
        }
    });
    let came = tokio::time::timeout(PATIENCE, coming.recv()).await;
    // the browser gets its page before the door is closed
    tokio::time::sleep(Duration::from_millis(200)).await;
    serving.abort();
    came.ok().flatten().ok_or_else(|| "nobody came back from the browser in ten minutes".to_owned())
}

async fn back(State(waiting): State<Waiting>, OriginalUri(uri): OriginalUri) -> (StatusCode, Html<&'static str>) {
    match waiting.ours(&absolute(&waiting.redirect, &uri)) {
        Some(address) => {
            // of two pages that come back the first one counts
            let _ = waiting.came.try_send(address);
            (
                StatusCode::OK,
                Html("<meta charset=utf-8><title>Midwatch</title><p>Done: go back to the terminal. 完成，请回到终端。"),
            )
        }
        None => (
            StatusCode::BAD_REQUEST,
            Html("<meta charset=utf-8><title>Midwatch</title><p>This login is over. 此次登录已失效。"),
        ),
    }
}

fn absolute(redirect: &str, uri: &Uri) -> String {
    format!("{redirect}?{}", uri.query().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_browser_that_was_sent_comes_back() {
        let redirect = "http://127.0.0.1:8/callback".to_owned();
        let waiting = Waiting { redirect, state: "s1".to_owned(), came: mpsc::channel(1).0 };
        assert!(waiting.ours(" http://127.0.0.1:8/callback?code=c&state=s1\n").is_some());
        for other in ["http://127.0.0.1:8/callback?code=c&state=s2", "http://evil/callback?state=s1", "s1", ""] {
            assert!(waiting.ours(other).is_none(), "{other}");
        }
    }
}
