//! Reads from a pull secret for which registries it is. Hosts are no secret; everything else in it is.

use serde_json::Value;

/// The registry hosts in a `.dockerconfigjson` or a `.dockercfg`, sorted.
pub fn hosts(config: &[u8]) -> Vec<String> {
    let Ok(config) = serde_json::from_slice::<Value>(config) else {
        return Vec::new();
    };
    let auths = match config.get("auths") {
        Some(auths) => auths.as_object(),
        None => config.as_object(),
    };
    let mut hosts: Vec<String> = auths.into_iter().flatten().filter_map(|(address, _)| host(address)).collect();
    hosts.sort();
    hosts.dedup();
    hosts
}

/// The host of a registry's address; nothing if what stands there does not look like one.
fn host(address: &str) -> Option<String> {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let authority = rest.split('/').next()?;
    let host = authority.rsplit('@').next()?;
    let named = host == "localhost" || host.contains(['.', ':']);
    let plain = host.chars().all(|c| c.is_ascii_alphanumeric() || ".-:[]*".contains(c));
    (named && plain && host.len() <= 253).then(|| host.to_owned())
}
