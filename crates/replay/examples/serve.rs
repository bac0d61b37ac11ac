//! Serves a recorded cluster: `cargo run -p replay --example serve -- DIR [PORT]`, then `kubectl --server=http://127.0.0.1:PORT get pods -A`.

use std::path::PathBuf;

use replay::{Recording, Replay};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let dir = PathBuf::from(arguments.next().ok_or("usage: serve DIR [PORT]")?);
    let port: u16 = arguments.next().map_or(Ok(0), |port| port.parse())?;
    let recording = Recording::load(&dir)?;
    for warning in recording.warnings() {
        eprintln!("{warning}");
    }
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, Replay::new(recording).router()).await?;
    Ok(())
}
