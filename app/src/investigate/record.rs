//! A run's steps in the store, each on disk before the run goes on.

use agent::{Record, Step};

use crate::failpoint::crash_at;
use crate::store::{self, Store, runs};

/// Steps in the store, secrets hidden.
pub struct Written {
    store: Store,
}

impl Written {
    pub fn new(store: Store) -> Self {
        Self { store }
    }
}

impl Record for Written {
    fn step(&self, run: &str, step: &Step) -> Result<(), String> {
        let mut value = serde_json::to_value(step).map_err(|error| error.to_string())?;
        redact::session().value(&mut value);
        let place = value["step"].as_str().unwrap_or_default().to_owned();
        let (run, step) = (run.to_owned(), value.to_string());
        crash_at(&format!("before-{place}"));
        let write = self
            .store
            .write(move |connection| Box::pin(async move { runs::step(connection, &run, &step, store::now()).await }));
        // a step is short work, and the run must not go on before it is on disk
        let written = tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(write));
        written.map_err(|error| error.to_string())?;
        crash_at(&format!("after-{place}"));
        Ok(())
    }
}
