//! The key of this store's approvals: plans are encrypted under it, a yes is signed with it.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::{Context as _, anyhow, ensure};
use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use aws_lc_rs::{hmac, rand};

use super::mask::Mask;
use crate::store::proposals::Yes;

const FILE: &str = "approvals.key";
const BYTES: usize = 32;
/// What `seal` puts before the text: the nonce.
const NONCE: usize = 12;

pub struct Seal {
    cipher: RandomizedNonceKey,
    signer: hmac::Key,
    pub mask: Mask,
}

impl Seal {
    /// Reads the key from the data directory, or makes one there that only its owner can read.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join(FILE);
        let key = match std::fs::read(&path) {
            Ok(key) => key,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                make(&path).with_context(|| format!("making {}", path.display()))?
            }
            Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
        };
        ensure!(key.len() == BYTES, "{} is not a key of {BYTES} bytes; move it away to get a new one", path.display());
        Self::new(&key)
    }

    pub fn new(key: &[u8]) -> anyhow::Result<Self> {
        // One key for each purpose, so that no output of one can be passed off as another's.
        let derive = |purpose: &str| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), purpose.as_bytes());
        let cipher =
            RandomizedNonceKey::new(&AES_256_GCM, derive("plan").as_ref()).map_err(|_| anyhow!("no cipher"))?;
        Ok(Self {
            cipher,
            signer: hmac::Key::new(hmac::HMAC_SHA256, derive("yes").as_ref()),
            mask: Mask::new(derive("fingerprint").as_ref()),
        })
    }

    /// Encrypts a plan; `bound` is the row that it belongs to and opens nowhere else.
    pub fn seal(&self, bound: &str, text: &[u8]) -> anyhow::Result<Vec<u8>> {
        let mut sealed = text.to_vec();
        let nonce = self.cipher.seal_in_place_append_tag(Aad::from(bound), &mut sealed);
        let nonce = nonce.map_err(|_| anyhow!("the plan could not be encrypted"))?;
        Ok([nonce.as_ref().as_slice(), &sealed].concat())
    }

    pub fn open_sealed(&self, bound: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, text) = sealed.split_at_checked(NONCE)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut text = text.to_vec();
        let plain = self.cipher.open_in_place(nonce, Aad::from(bound), &mut text).ok()?;
        Some(plain.to_vec())
    }

    /// Signs a yes, so that a row somebody wrote into the database counts for nothing.
    pub fn sign(&self, id: &str, yes: &mut Yes) {
        yes.mac = hmac::sign(&self.signer, &said(id, yes)).as_ref().to_vec();
    }

    pub fn is_genuine(&self, id: &str, yes: &Yes) -> bool {
        hmac::verify(&self.signer, &said(id, yes), &yes.mac).is_ok()
    }
}

fn make(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut key = [0; BYTES];
    rand::fill(&mut key).map_err(|_| anyhow!("the system gives no randomness"))?;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    match file {
        Ok(mut file) => {
            file.write_all(&key)?;
            file.sync_all()?;
            Ok(key.to_vec())
        }
        // Another process was quicker: its key is the one.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(std::fs::read(path)?),
        Err(error) => Err(error.into()),
    }
}

fn said(id: &str, yes: &Yes) -> Vec<u8> {
    parts(&[id, &yes.digest, &yes.approver, &yes.auth_time.to_string(), &yes.method, &yes.at.to_string()])
}

/// Each part with its length before it, so that none can run into the next.
fn parts(parts: &[&str]) -> Vec<u8> {
    parts.iter().flat_map(|part| [&(part.len() as u64).to_be_bytes()[..], part.as_bytes()].concat()).collect()
}

/// A name for a proposal that nobody can guess: 80 bits, in letters that are hard to confuse.
pub fn fresh_id() -> anyhow::Result<String> {
    const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).map_err(|_| anyhow!("the system gives no randomness"))?;
    Ok(bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte & 31)])).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn yes() -> Yes {
        Yes {
            approver: "ann".into(),
            digest: "d".into(),
            auth_time: 5,
            method: "password".into(),
            at: 9,
            mac: Vec::new(),
        }
    }

    #[test]
    fn a_plan_opens_only_whole_and_only_for_its_row() {
        let seal = Seal::new(&[7; 32]).unwrap();
        let sealed = seal.seal("row", b"plan").unwrap();
        assert_eq!(seal.open_sealed("row", &sealed).as_deref(), Some(&b"plan"[..]));
        assert_eq!(seal.open_sealed("other", &sealed), None);
        assert_eq!(Seal::new(&[8; 32]).unwrap().open_sealed("row", &sealed), None);
        for bit in 0..sealed.len() * 8 {
            let mut bent = sealed.clone();
            bent[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(seal.open_sealed("row", &bent), None, "bit {bit}");
        }
    }

    #[test]
    fn a_yes_is_genuine_only_as_it_was_said() {
        let seal = Seal::new(&[7; 32]).unwrap();
        let mut said = yes();
        seal.sign("p", &mut said);
        assert!(seal.is_genuine("p", &said));
        assert!(!seal.is_genuine("q", &said));
        let changes: [fn(&mut Yes); 6] = [
            |y| y.approver.push('x'),
            |y| y.digest.push('x'),
            |y| y.auth_time += 1,
            |y| y.method.push('x'),
            |y| y.at += 1,
            |y| y.mac[0] ^= 1,
        ];
        for change in changes {
            let mut bent = said.clone();
            change(&mut bent);
            assert!(!seal.is_genuine("p", &bent), "{bent:?}");
        }
    }

    #[test]
    fn the_key_is_made_once_and_only_its_owner_reads_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let sealed = Seal::open(folder.path()).unwrap().seal("row", b"plan").unwrap();
        let again = Seal::open(folder.path()).unwrap();
        assert_eq!(again.open_sealed("row", &sealed).as_deref(), Some(&b"plan"[..]));
        let mode = folder.path().join(FILE).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
