//! `scripted good|hesitant|lying|obeying|prose|silent|broken`: a scripted model as a server, for scoring and for trying out.
//! It prints its address and serves until it is ended, in each wire format.

mod characters;

use std::io::Write;
use std::process::ExitCode;

use llm::pretend::Model;

fn main() -> ExitCode {
    let Err(why) = run() else { return ExitCode::SUCCESS };
    eprintln!("{why}");
    ExitCode::from(2)
}

fn run() -> Result<(), String> {
    let name = std::env::args().nth(1).unwrap_or_default();
    let act = characters::named(&name).ok_or_else(|| {
        let names: Vec<&str> = characters::ALL.iter().map(|(name, _)| *name).collect();
        format!("usage: scripted {}", names.join("|"))
    })?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let model = Model::acting(act).await.map_err(|error| error.to_string())?;
        println!("{}", model.url);
        std::io::stdout().flush().map_err(|error| error.to_string())?;
        std::future::pending().await
    })
}
