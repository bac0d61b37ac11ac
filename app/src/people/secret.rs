//! Passwords, tokens and session keys: how they are made, kept and compared.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Starts every token, so that people and scanners know what they found.
pub const PREFIX: &str = "mwt_";

/// 256 random bits as text.
pub fn random() -> Result<String, NoRandomness> {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the system gave no random numbers")]
pub struct NoRandomness;

/// A token for its owner: `mwt_<id>_<256 bits>`, and the id by which it is listed.
pub fn token() -> Result<(String, String), NoRandomness> {
    let id = random()?.chars().filter(char::is_ascii_alphanumeric).take(8).collect::<String>().to_lowercase();
    Ok((format!("{PREFIX}{id}_{}", random()?), id))
}

/// The id in a token, if it has a token's form.
pub fn id(token: &str) -> Option<&str> {
    token.strip_prefix(PREFIX)?.split_once('_').map(|(id, _)| id)
}

pub fn sha256(text: &str) -> Vec<u8> {
    digest(&SHA256, text.as_bytes()).as_ref().to_vec()
}

/// argon2id with the crate's defaults (OWASP's second recommendation: 19 MiB, two passes, one lane). Slow on purpose: run it where blocking is allowed.
pub fn hash_password(password: &str) -> Result<String, String> {
    Argon2::default().hash_password(password.as_bytes()).map(|hash| hash.to_string()).map_err(|e| e.to_string())
}

/// With no hash the same work is done for nothing, so that the time does not tell whether a user exists.
pub fn fits_password(password: &str, hash: Option<&str>) -> bool {
    const NOBODY: &str =
        "$argon2id$v=19$m=19456,t=2,p=1$bWlkd2F0Y2gtbm9ib2R5$zQbJTKyGuPDQDWbWiQhuvbjK3bFPdDRC1SWN6sQG7nA";
    let Ok(parsed) = PasswordHash::new(hash.unwrap_or(NOBODY)) else { return false };
    let fits = Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok();
    fits && hash.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_fits_its_own_hash_only() {
        let hash = hash_password("correct horse").unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert!(fits_password("correct horse", Some(&hash)));
        assert!(!fits_password("correct horsf", Some(&hash)));
        assert!(!fits_password("correct horse", None));
        assert!(!fits_password("x", Some("no hash")));
    }

    #[test]
    fn a_token_names_itself() {
        let (token, listed) = token().unwrap();
        assert_eq!(id(&token), Some(listed.as_str()));
        assert!(token.len() > 50, "{token}");
        assert_eq!(id("Bearer x"), None);
    }
}
