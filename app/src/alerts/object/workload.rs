//! A pod's workload by the pod's name alone, for grouping before anything is read from the cluster.

/// Letters and digits of which Kubernetes makes random suffixes: no vowels, so that they spell nothing.
fn is_random(word: &str, lengths: std::ops::RangeInclusive<usize>) -> bool {
    lengths.contains(&word.len()) && word.bytes().all(|byte| b"bcdfghjklmnpqrstvwxz2456789".contains(&byte))
}

fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// `cart` for a pod `cart-7c9f8d5b4-x2x4z`, `cart-0` or `cart-x2x4z`, for a replica set `cart-7c9f8d5b4` and for a job
/// `cart-29384756`; the name itself where nothing was added.
pub fn workload<'a>(kind: &str, name: &'a str) -> &'a str {
    let cut = |name: &'a str| name.rsplit_once('-').filter(|(rest, _)| !rest.is_empty());
    match kind {
        "Pod" => {
            let Some((rest, last)) = cut(name) else { return name };
            if is_number(last) {
                return rest;
            }
            if !is_random(last, 5..=5) {
                return name;
            }
            match cut(rest) {
                Some((shorter, hash)) if is_random(hash, 6..=10) || (is_number(hash) && hash.len() >= 8) => shorter,
                _ => rest,
            }
        }
        "ReplicaSet" => cut(name).filter(|(_, hash)| is_random(hash, 6..=10)).map_or(name, |(rest, _)| rest),
        "Job" => cut(name).filter(|(_, at)| is_number(at) && at.len() >= 8).map_or(name, |(rest, _)| rest),
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::workload;

    #[test]
    fn a_workload_is_found_by_what_its_controller_added() {
        for (kind, name, wanted) in [
            ("Pod", "cart-7c9f8d5b4-x2x4z", "cart"),
            ("Pod", "shop-cart-66b6c48dd5-x2x4z", "shop-cart"),
            ("Pod", "db-0", "db"),
            ("Pod", "agent-x2x4z", "agent"),
            ("Pod", "backup-29384756-x2x4z", "backup"),
            ("Pod", "cart-canary", "cart-canary"),
            ("Pod", "web", "web"),
            ("ReplicaSet", "cart-7c9f8d5b4", "cart"),
            ("Job", "backup-29384756", "backup"),
            ("Job", "backup-1", "backup-1"),
            ("Deployment", "cart-7c9f8d5b4", "cart-7c9f8d5b4"),
        ] {
            assert_eq!(workload(kind, name), wanted, "{kind} {name}");
        }
    }
}
