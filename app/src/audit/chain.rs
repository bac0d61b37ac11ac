//! The chain: each row's hash covers its text and the hash before it, so a change in the middle breaks all that follow.

use aws_lc_rs::digest::{SHA256, digest};

use super::checkpoint::{self, Checkpoint};
use super::entry::Numbered;
use crate::store::audit::Row;

/// What the first row follows.
pub const START: [u8; 32] = [0; 32];

pub fn hash(before: &[u8], text: &str) -> [u8; 32] {
    let mut bytes = Vec::with_capacity(before.len() + text.len());
    bytes.extend_from_slice(before);
    bytes.extend_from_slice(text.as_bytes());
    let mut out = START;
    out.copy_from_slice(digest(&SHA256, &bytes).as_ref());
    out
}

/// The log up to here, walked row by row.
#[derive(Debug, Clone)]
pub struct Verdict {
    pub rows: i64,
    pub hash: [u8; 32],
    pub checkpoints: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    #[error("row {0} is missing")]
    Missing(i64),
    #[error("row {0} is not what was written: its text and the hash before it do not give its hash")]
    Changed(i64),
    #[error("row {0} cannot be read, or says that it is another row")]
    Unreadable(i64),
    #[error("the checkpoint of row {0} has a signature that does not fit its key")]
    Signature(i64),
    #[error("the checkpoint of row {0} is signed by another key than the expected one")]
    Key(i64),
    #[error("the checkpoint of row {0} has another hash than the row")]
    Mismatch(i64),
    #[error("a checkpoint signed row {signed}, but the log ends at row {end}: its tail was cut off")]
    Cut { signed: i64, end: i64 },
}

/// Walks the whole log, given in order, against checkpoints from inside the store or from a copy outside of it.
/// With `key` (base64) only checkpoints by that key count.
pub fn verify<'a>(
    rows: impl IntoIterator<Item = &'a Row>,
    checkpoints: &[Checkpoint],
    key: Option<&str>,
) -> Result<Verdict, Broken> {
    for one in checkpoints {
        if key.is_some_and(|key| key != one.key) {
            return Err(Broken::Key(one.seq));
        }
        if !checkpoint::is_signed(one) {
            return Err(Broken::Signature(one.seq));
        }
    }
    let mut walked = Verdict { rows: 0, hash: START, checkpoints: 0 };
    for row in rows {
        let expected = walked.rows + 1;
        if row.seq != expected {
            return Err(Broken::Missing(expected));
        }
        let hash = hash(&walked.hash, &row.text);
        if row.hash != hash {
            return Err(Broken::Changed(row.seq));
        }
        let read: Numbered = serde_json::from_str(&row.text).map_err(|_| Broken::Unreadable(row.seq))?;
        if read.seq != row.seq {
            return Err(Broken::Unreadable(row.seq));
        }
        for one in checkpoints.iter().filter(|one| one.seq == row.seq) {
            if one.hash != hash {
                return Err(Broken::Mismatch(row.seq));
            }
            walked.checkpoints += 1;
        }
        walked = Verdict { rows: row.seq, hash, checkpoints: walked.checkpoints };
    }
    match checkpoints.iter().map(|one| one.seq).max() {
        Some(signed) if signed > walked.rows => Err(Broken::Cut { signed, end: walked.rows }),
        Some(_) | None => Ok(walked),
    }
}
