//! What a file in a recording is, by its path: our own layout, a must-gather, a `kubectl cluster-info dump`.

use crate::recording::LogKey;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Kubernetes objects, one or many.
    Objects,
    /// One container's log.
    Log(LogKey),
    /// All containers' logs of a pod in one file, as `kubectl cluster-info dump` writes them.
    DumpLog {
        namespace: String,
        pod: String,
    },
    Cluster,
    Metrics,
    Gaps,
    /// A file that is there for people: passed over without a warning.
    Note,
    Unknown,
}

pub(super) fn role(path: &str) -> Role {
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        ["cluster.yaml" | "cluster.yml"] => return Role::Cluster,
        ["metrics.json"] => return Role::Metrics,
        ["gaps.json"] => return Role::Gaps,
        [.., "namespaces", namespace, "pods", pod, container, _, "logs", file] => match file.strip_suffix(".log") {
            Some("current") => return Role::Log(LogKey::new(namespace, pod, container, false)),
            Some("previous") => return Role::Log(LogKey::new(namespace, pod, container, true)),
            Some(_) | None => {}
        },
        [.., "logs", namespace, pod, file] => {
            if let Some(container) = file.strip_suffix(".previous.log") {
                return Role::Log(LogKey::new(namespace, pod, container, true));
            }
            if let Some(container) = file.strip_suffix(".log") {
                return Role::Log(LogKey::new(namespace, pod, container, false));
            }
        }
        [.., namespace, pod, "logs.txt"] => {
            return Role::DumpLog { namespace: (*namespace).to_owned(), pod: (*pod).to_owned() };
        }
        _ => {}
    }
    let file = parts.last().copied().unwrap_or_default();
    if file.starts_with('.') || file.ends_with(".md") {
        return Role::Note;
    }
    if [".yaml", ".yml", ".json"].iter().any(|suffix| file.ends_with(suffix)) {
        return Role::Objects;
    }
    Role::Unknown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_layout_is_recognised() {
        let log = |previous| Role::Log(LogKey::new("shop", "cart-1", "cart", previous));
        for (path, expected) in [
            ("cluster.yaml", Role::Cluster),
            ("gaps.json", Role::Gaps),
            ("metrics.json", Role::Metrics),
            ("objects/apps/deployments.json", Role::Objects),
            ("pods.yml", Role::Objects),
            ("logs/shop/cart-1/cart.log", log(false)),
            ("logs/shop/cart-1/cart.previous.log", log(true)),
            ("quay-io/namespaces/shop/pods/cart-1/cart/cart/logs/current.log", log(false)),
            ("namespaces/shop/pods/cart-1/cart/cart/logs/previous.log", log(true)),
            ("namespaces/shop/core/pods.yaml", Role::Objects),
            ("shop/cart-1/logs.txt", Role::DumpLog { namespace: "shop".into(), pod: "cart-1".into() }),
            ("event-filter.html", Role::Unknown),
            ("README.md", Role::Note),
        ] {
            assert_eq!(role(path), expected, "{path}");
        }
    }
}
