//! Labels and annotations: which of them only say something, and which steer a controller or us.

/// Ours: they freeze objects and mark what must not be touched.
pub fn ours(key: &str) -> bool {
    domain(key).is_some_and(|domain| domain == "midwatch.dev" || domain.ends_with(".midwatch.dev"))
}

/// Kubernetes' own: they decide on security levels, scheduling, load balancers.
pub fn steers(key: &str) -> bool {
    const HARMLESS: [&str; 2] = ["kubernetes.io/change-cause", "kubernetes.io/description"];
    let reserved = |domain: &str| {
        ["kubernetes.io", "k8s.io"].iter().any(|own| domain == *own || domain.ends_with(&format!(".{own}")))
    };
    domain(key).is_some_and(reserved) && !key.starts_with("app.kubernetes.io/") && !HARMLESS.contains(&key)
}

fn domain(key: &str) -> Option<&str> {
    key.split_once('/').map(|(domain, _)| domain)
}
