//! The `midwatch` program: reads the command line, runs one command, ends with its exit code.

use std::process::ExitCode;

use clap::Parser;
use midwatch::cli::Cli;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // the whole tree uses one TLS provider; installed twice means a second main, which there is not
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    // huge pages would round the heap up by some 30 MiB; where they cannot be switched off it is only larger
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("midwatch: cannot start: {error}");
            return ExitCode::from(3);
        }
    };
    match runtime.block_on(cli.run()) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("midwatch: {error:#}");
            ExitCode::from(3)
        }
    }
}
