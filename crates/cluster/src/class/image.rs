//! Where an image comes from.

/// Whether an image may take the place of another: out of an allowed registry, or of the same repository as before.
pub fn allowed(registries: &[String], before: Option<&str>, after: &str) -> bool {
    if after.is_empty() || after.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return false;
    }
    let full = full(after);
    let begins = |prefix: &String| {
        let whole = prefix.ends_with('/');
        full.strip_prefix(prefix.as_str())
            .is_some_and(|rest| whole || rest.is_empty() || rest.starts_with(['/', ':', '@']))
    };
    before.is_some_and(|before| repository(before) == repository(after)) || registries.iter().any(begins)
}

/// The name with the registry and the folder that are left out for Docker Hub.
fn full(image: &str) -> String {
    match image.split_once('/') {
        None => format!("docker.io/library/{image}"),
        Some((host, _)) if host == "localhost" || host.contains(['.', ':']) => image.to_owned(),
        Some(_) => format!("docker.io/{image}"),
    }
}

fn repository(image: &str) -> String {
    let full = full(image);
    let name = full.split('@').next().unwrap_or_default();
    let (path, last) = name.rsplit_once('/').unwrap_or(("", name));
    format!("{path}/{}", last.split(':').next().unwrap_or_default())
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn the_same_repository_or_an_allowed_registry() {
        let registries = ["registry.example.com/".to_owned(), "ghcr.io/shop".to_owned()];
        for (before, after, expected) in [
            (Some("nginx:1.25"), "nginx:1.27", true),
            (Some("nginx"), "docker.io/library/nginx@sha256:00", true),
            (Some("nginx"), "evil/nginx", false),
            (Some("shop/web:1"), "shop/api:1", false),
            (Some("localhost:5000/web:1"), "localhost:5000/web:2", true),
            (Some("localhost:5000/web:1"), "localhost:5001/web:2", false),
            (None, "nginx", false),
            (None, "registry.example.com/web:2", true),
            (None, "registry.example.com.evil.net/web:2", false),
            (None, "ghcr.io/shop/web", true),
            (None, "ghcr.io/shopping/web", false),
            (Some("nginx"), "", false),
            (Some("nginx"), "nginx:1 --x", false),
        ] {
            assert_eq!(allowed(&registries, before, after), expected, "{before:?} {after}");
        }
    }
}
