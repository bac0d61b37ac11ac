//! Checkpoints: the newest hash, signed with Ed25519. A copy kept elsewhere shows a cut tail or a rewritten log, which
//! the chain alone cannot.

use std::io::Write as _;
use std::path::Path;

use anyhow::{Context, bail};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::store::Millis;
use crate::store::audit::CheckpointRow;

/// One line of `audit-checkpoints.jsonl`; bytes are base64.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    pub seq: i64,
    pub at: Millis,
    #[serde(with = "bytes")]
    pub hash: Vec<u8>,
    pub key: String,
    #[serde(with = "bytes")]
    pub signature: Vec<u8>,
}

pub struct Signer {
    pair: Ed25519KeyPair,
}

impl Signer {
    /// Reads the key, or makes one that only its owner can read.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => create(path)?,
            Err(error) => bail!("{shown}: {error}"),
        };
        let Ok(pair) = Ed25519KeyPair::from_pkcs8(&bytes) else {
            bail!("{shown}: no Ed25519 key in PKCS#8 form; restore it, or move it away to start with a new key");
        };
        Ok(Self { pair })
    }

    pub fn key(&self) -> String {
        STANDARD.encode(self.pair.public_key().as_ref())
    }

    pub fn sign(&self, seq: i64, at: Millis, hash: &[u8]) -> Checkpoint {
        let signature = self.pair.sign(&message(seq, at, hash)).as_ref().to_vec();
        Checkpoint { seq, at, hash: hash.to_vec(), key: self.key(), signature }
    }
}

fn create(path: &Path) -> anyhow::Result<Vec<u8>> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let Ok(document) = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()) else {
        bail!("the system gave no random numbers for the audit key");
    };
    let bytes = document.as_ref().to_vec();
    let open = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    match open {
        Ok(mut file) => {
            file.write_all(&bytes)
                .and_then(|()| file.sync_all())
                .with_context(|| format!("writing {}", path.display()))?;
            Ok(bytes)
        }
        // Another process was first: its key is the key.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            std::fs::read(path).with_context(|| format!("reading {}", path.display()))
        }
        Err(error) => Err(error).with_context(|| format!("writing {}", path.display())),
    }
}

fn message(seq: i64, at: Millis, hash: &[u8]) -> Vec<u8> {
    let mut message = format!("midwatch audit checkpoint v1\n{seq}\n{at}\n").into_bytes();
    message.extend_from_slice(hash);
    message
}

pub fn is_signed(checkpoint: &Checkpoint) -> bool {
    let Ok(key) = STANDARD.decode(&checkpoint.key) else { return false };
    let message = message(checkpoint.seq, checkpoint.at, &checkpoint.hash);
    UnparsedPublicKey::new(&ED25519, key).verify(&message, &checkpoint.signature).is_ok()
}

impl From<CheckpointRow> for Checkpoint {
    fn from(row: CheckpointRow) -> Self {
        Self { seq: row.seq, at: row.at, hash: row.hash, key: row.key, signature: row.signature }
    }
}

impl From<Checkpoint> for CheckpointRow {
    fn from(one: Checkpoint) -> Self {
        Self { seq: one.seq, at: one.at, hash: one.hash, key: one.key, signature: one.signature }
    }
}

mod bytes {
    //! Bytes as base64 in JSON.

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        STANDARD.decode(String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
