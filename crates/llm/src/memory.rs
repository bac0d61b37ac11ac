//! What was learnt about a model at an address, so that the next turn's first request is accepted; kept as a file too.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;

use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use crate::ladder::Step;
use crate::settings::Model;

/// Providers mend things: what was learnt is tried anew after a week.
const KEPT_HOURS: i64 = 7 * 24;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Learnt {
    step: Step,
    at: Timestamp,
}

type Table = BTreeMap<String, Vec<Learnt>>;

#[derive(Debug)]
pub(crate) struct Memory {
    file: Option<PathBuf>,
    table: Mutex<Table>,
}

impl Memory {
    /// A file that is missing or damaged is an empty memory: everything in it can be learnt again.
    pub fn open(file: Option<PathBuf>) -> Self {
        let text = file.as_ref().and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
        let mut table: Table = serde_json::from_str(&text).unwrap_or_default();
        let since = Timestamp::now().checked_sub(KEPT_HOURS.hours()).unwrap_or_default();
        table.values_mut().for_each(|learnt| learnt.retain(|one| one.at > since));
        Self { file, table: Mutex::new(table) }
    }

    /// In the order in which it was learnt.
    pub fn learnt(&self, model: &Model) -> Vec<Step> {
        let table = self.table();
        table.get(&key(model)).into_iter().flatten().map(|learnt| learnt.step.clone()).collect()
    }

    pub fn learn(&self, model: &Model, steps: &[Step]) {
        if steps.is_empty() {
            return;
        }
        let at = Timestamp::now();
        let mut table = self.table();
        let known = table.entry(key(model)).or_default();
        for step in steps {
            if !known.iter().any(|one| one.step == *step) {
                known.push(Learnt { step: step.clone(), at });
            }
        }
        self.save(&table);
    }

    pub fn forget(&self, model: &Model) {
        let mut table = self.table();
        if table.remove(&key(model)).is_some() {
            self.save(&table);
        }
    }

    fn table(&self) -> std::sync::MutexGuard<'_, Table> {
        // nothing panics while it holds the lock, and a half-learnt table would do no harm
        self.table.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn save(&self, table: &Table) {
        let Some(path) = &self.file else { return };
        let saved = serde_json::to_string_pretty(table).map_err(std::io::Error::other).and_then(|text| {
            let beside = path.with_extension("new");
            std::fs::write(&beside, text)?;
            std::fs::rename(beside, path)
        });
        if let Err(error) = saved {
            tracing::warn!(file = %path.display(), %error, "what was learnt about a model could not be kept");
        }
    }
}

fn key(model: &Model) -> String {
    // without what may be a key in the address
    let address = model.url.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    let address = address.split_once('@').map_or(address, |(_, rest)| rest);
    format!("{address} {}", model.model)
}
