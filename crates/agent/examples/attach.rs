//! Attaches one tool server the way a run does, and makes calls: what other people's servers and suites are tried with.
//!
//! `attach http URL [TOOL ARGUMENTS]...`, `attach stdio COMMAND [TOOL ARGUMENTS]...` (the command in one word, split at
//! spaces), or `attach URL` as the conformance suite calls it, which says its scenario in the environment.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use agent::{AttachError, Connection, Elicitation, Hands, Limits, OAuth, Pins, ToolServer, Toolbox};
use llm::settings::Secret;
use serde_json::{Map, Value, json};

/// A person gives up as well.
const LOGINS: u32 = 2;
const LOGIN: Duration = Duration::from_secs(20);

#[tokio::main]
async fn main() -> ExitCode {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["http", url, calls @ ..] => attach(http(url), pairs(calls)).await,
        ["stdio", command, calls @ ..] => attach(stdio(command), pairs(calls)).await,
        [url] => attach(suite(url), scenario()).await,
        _ => Err("usage: attach http|stdio ADDRESS [TOOL ARGUMENTS]...".to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn http(url: &str) -> ToolServer {
    ToolServer::at("s", url)
}

fn stdio(command: &str) -> ToolServer {
    let mut words = command.split_whitespace().map(str::to_owned);
    ToolServer::program("s", words.next().unwrap_or_default(), words.collect())
}

fn pairs(words: &[&str]) -> Vec<(String, Value)> {
    let read = |text: &str| serde_json::from_str(text).unwrap_or(Value::Null);
    words.chunks(2).map(|pair| (pair[0].to_owned(), pair.get(1).map_or(json!({}), |text| read(text)))).collect()
}

/// What the suite says beside the scenario's name.
fn context() -> Value {
    let context = std::env::var("MCP_CONFORMANCE_CONTEXT").ok();
    context.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
}

/// What the suite wants called in this scenario; its context may name the calls itself.
fn scenario() -> Vec<(String, Value)> {
    let asked = |call: &Value| Some((call["name"].as_str()?.to_owned(), call["arguments"].clone()));
    let named: Vec<_> = context()["toolCalls"].as_array().into_iter().flatten().filter_map(asked).collect();
    match std::env::var("MCP_CONFORMANCE_SCENARIO").as_deref() {
        _ if !named.is_empty() => named,
        Ok("tools_call") => vec![("add_numbers".to_owned(), json!({"a": 5, "b": 3}))],
        Ok("initialize") => Vec::new(),
        // every tool, with nothing
        _ => vec![("*".to_owned(), json!({}))],
    }
}

/// A server that may want a login, with the client that the suite registered if it did.
fn suite(url: &str) -> ToolServer {
    let context = context();
    let given = |name: &str| context[name].as_str().map(str::to_owned);
    let oauth = OAuth {
        client_id: given("client_id"),
        client_secret: given("client_secret").map(Secret::new),
        client_metadata_url: Some("https://conformance-test.local/client-metadata.json".to_owned()),
        ..OAuth::default()
    };
    ToolServer { oauth: Some(oauth), elicitation: Elicitation::Defaults, ..http(url) }
}

/// A person who says yes to everything: the authorization server of the suite sends back at once.
async fn yes(url: String) -> Result<String, String> {
    let text = |error: reqwest::Error| error.to_string();
    let none = reqwest::redirect::Policy::none();
    let browser = reqwest::Client::builder().redirect(none).timeout(LOGIN).build().map_err(text)?;
    let page = browser.get(url).send().await.map_err(text)?;
    let back = page.headers().get("location").and_then(|to| to.to_str().ok());
    back.map(str::to_owned).ok_or_else(|| format!("nobody is sent back: {}", page.status()))
}

async fn login(connection: &Connection) -> Result<(), String> {
    connection.login("http://127.0.0.1:1/callback", &[], yes).await
}

async fn attach(server: ToolServer, calls: Vec<(String, Value)>) -> Result<(), String> {
    let connection = Arc::new(Connection::new(ToolServer { attach_s: 60, ..server }, None));
    let mut logins = 0;
    let toolbox = loop {
        let mut toolbox = Toolbox::new(Limits::default(), Arc::new(|text: &str| text.to_owned()), Pins::default());
        match toolbox.attach(std::slice::from_ref(&connection)).await.pop() {
            None => break toolbox,
            Some(AttachError::Login { .. }) if logins < LOGINS => login(&connection).await?,
            Some(missing) => return Err(missing.to_string()),
        }
        logins += 1;
    };
    let names: Vec<String> = toolbox.tools().into_iter().map(|tool| tool.name).collect();
    println!("tools: {}", names.join(" "));
    for (wanted, arguments) in calls {
        let arguments: Map<String, Value> = arguments.as_object().cloned().unwrap_or_default();
        for name in names.iter().filter(|name| wanted == "*" || **name == format!("s_{wanted}")) {
            let mut result = toolbox.call(name, &arguments).await;
            while result.error && connection.wants_login() && logins < LOGINS {
                login(&connection).await?;
                logins += 1;
                result = toolbox.call(name, &arguments).await;
            }
            println!("{name}: {}{}", if result.error { "error: " } else { "" }, result.text);
        }
    }
    Ok(())
}
