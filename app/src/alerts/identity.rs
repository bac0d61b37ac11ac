//! What makes two messages speak of the same thing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use aws_lc_rs::digest::{Context, Digest, SHA256, digest};

/// Equal for equal labels, whoever sent them: the sender's own fingerprint is neither collision-safe nor always there.
pub fn alert_id(realm: &str, labels: &BTreeMap<String, String>, ignored: &BTreeSet<String>) -> String {
    let mut context = Context::new(&SHA256);
    framed(&mut context, realm);
    for (name, value) in labels.iter().filter(|(name, _)| !ignored.contains(*name)) {
        framed(&mut context, name);
        framed(&mut context, value);
    }
    hex(&context.finish())
}

/// Equal for equal bytes: the same request, sent again.
pub fn receipt(body: &[u8]) -> String {
    hex(&digest(&SHA256, body))
}

/// With its length before it, so that no text can pass for two.
fn framed(context: &mut Context, text: &str) {
    context.update(&(text.len() as u64).to_be_bytes());
    context.update(text.as_bytes());
}

fn hex(digest: &Digest) -> String {
    digest.as_ref().iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn replicas_of_a_prometheus_are_one_sender() {
        let ignored = BTreeSet::from(["prometheus_replica".to_owned()]);
        let a = alert_id("", &labels(&[("alertname", "A"), ("prometheus_replica", "p-0")]), &ignored);
        let b = alert_id("", &labels(&[("alertname", "A"), ("prometheus_replica", "p-1")]), &ignored);
        assert_eq!(a, b);
    }

    #[test]
    fn neither_a_realm_nor_a_moved_border_makes_equal() {
        let none = BTreeSet::new();
        let id = |realm, pairs| alert_id(realm, &labels(pairs), &none);
        assert_ne!(id("", &[("a", "bc")]), id("", &[("ab", "c")]));
        assert_ne!(id("", &[("a", "b")]), id("x", &[("a", "b")]));
        assert_ne!(id("", &[("a", "b"), ("c", "d")]), id("", &[("a", "bcd")]));
    }
}
