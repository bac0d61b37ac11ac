//! An image's name taken apart, as container runtimes read it.

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageName {
    /// host of the registry, `docker.io` when none is written
    pub registry: String,
    pub repository: String,
    /// the tag as written
    pub tag: Option<String>,
    pub digest: Option<String>,
}

impl ImageName {
    pub fn parse(image: &str) -> Self {
        let (name, digest) = match image.split_once('@') {
            Some((name, digest)) => (name, Some(digest.to_owned())),
            None => (image, None),
        };
        let (name, tag) = match name.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, Some(tag.to_owned())),
            _ => (name, None),
        };
        let host = name.split_once('/').filter(|(h, _)| h.contains(['.', ':']) || *h == "localhost");
        let (registry, repository) = match host {
            Some((host, rest)) => (normal(host), rest.to_owned()),
            None => ("docker.io".to_owned(), name.to_owned()),
        };
        let repository = if registry == "docker.io" && !repository.contains('/') {
            format!("library/{repository}")
        } else {
            repository
        };
        Self { registry, repository, tag, digest }
    }

    /// An image of Docker's own collection, which needs no account.
    pub fn is_official(&self) -> bool {
        self.registry == "docker.io" && self.repository.starts_with("library/")
    }

    pub fn is_docker_hub(&self) -> bool {
        self.registry == "docker.io"
    }

    /// The image without its tag, as a person writes it.
    pub fn short(&self) -> String {
        let repository = self.repository.strip_prefix("library/").filter(|_| self.is_docker_hub());
        match repository {
            Some(name) => name.to_owned(),
            None if self.is_docker_hub() => self.repository.clone(),
            None => format!("{}/{}", self.registry, self.repository),
        }
    }
}

/// A registry's host; Docker Hub answers to several names, and pull secrets hold URLs.
pub fn normal(host: &str) -> String {
    let host = host.trim().trim_start_matches("https://").trim_start_matches("http://");
    let host = host.split('/').next().unwrap_or_default().to_lowercase();
    match host.as_str() {
        "index.docker.io" | "registry-1.docker.io" | "registry.hub.docker.com" | "hub.docker.com" => {
            "docker.io".to_owned()
        }
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::ImageName;

    fn parts(image: &str) -> (String, String, Option<String>) {
        let name = ImageName::parse(image);
        (name.registry, name.repository, name.tag)
    }

    #[test]
    fn finds_registry_repository_and_tag() {
        assert_eq!(parts("noimage"), ("docker.io".into(), "library/noimage".into(), None));
        assert_eq!(parts("bitnami/redis:7"), ("docker.io".into(), "bitnami/redis".into(), Some("7".into())));
        assert_eq!(parts("reg.example.com:5000/a/b"), ("reg.example.com:5000".into(), "a/b".into(), None));
        assert_eq!(
            parts("index.docker.io/library/nginx:1"),
            ("docker.io".into(), "library/nginx".into(), Some("1".into()))
        );
        assert_eq!(ImageName::parse("a/b:1@sha256:00").digest.as_deref(), Some("sha256:00"));
    }
}
