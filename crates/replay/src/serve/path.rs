//! What a request path below `/api` or `/apis` asks for.

use percent_encoding::percent_decode_str;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub group: String,
    pub version: String,
    pub namespace: Option<String>,
    pub plural: String,
    pub name: Option<String>,
    pub subresource: Option<String>,
}

pub(super) fn parse(path: &str) -> Option<Target> {
    let segments: Vec<String> = path
        .trim_matches('/')
        .split('/')
        .map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned())
        .collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let (group, version, rest) = match segments.as_slice() {
        ["api", version, rest @ ..] => ("", *version, rest),
        ["apis", group, version, rest @ ..] => (*group, *version, rest),
        _ => return None,
    };
    let owned = |text: &str| Some(text.to_owned());
    let (namespace, plural, name, subresource) = match rest {
        // A namespace is itself a resource with these two subresources, no namespace holds resources of that name.
        ["namespaces", name, sub @ ("status" | "finalize")] => (None, "namespaces", owned(name), owned(sub)),
        ["namespaces", namespace, plural] => (owned(namespace), *plural, None, None),
        ["namespaces", namespace, plural, name] => (owned(namespace), *plural, owned(name), None),
        ["namespaces", namespace, plural, name, sub @ ..] if !sub.is_empty() => {
            (owned(namespace), *plural, owned(name), owned(&sub.join("/")))
        }
        [plural] => (None, *plural, None, None),
        [plural, name] => (None, *plural, owned(name), None),
        [plural, name, sub @ ..] => (None, *plural, owned(name), owned(&sub.join("/"))),
        [] => return None,
    };
    Some(Target {
        group: group.to_owned(),
        version: version.to_owned(),
        namespace,
        plural: plural.to_owned(),
        name,
        subresource,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_their_target() {
        let target = |path: &str| {
            let t = parse(path).unwrap();
            let text = |value: Option<String>| value.unwrap_or("-".to_owned());
            format!(
                "{}|{}|{}|{}|{}|{}",
                t.group,
                t.version,
                text(t.namespace),
                t.plural,
                text(t.name),
                text(t.subresource)
            )
        };
        for (path, expected) in [
            ("/api/v1/pods", "|v1|-|pods|-|-"),
            ("/api/v1/namespaces/shop", "|v1|-|namespaces|shop|-"),
            ("/api/v1/namespaces/shop/status", "|v1|-|namespaces|shop|status"),
            ("/api/v1/namespaces/shop/pods/cart/log", "|v1|shop|pods|cart|log"),
            ("/apis/apps/v1/namespaces/shop/deployments", "apps|v1|shop|deployments|-|-"),
            (
                "/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode",
                "rbac.authorization.k8s.io|v1|-|clusterroles|system:node|-",
            ),
        ] {
            assert_eq!(target(path), expected, "{path}");
        }
        assert_eq!(parse("/metrics"), None);
    }
}
