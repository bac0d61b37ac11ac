//! What a kubelet, a runtime or a registry means by its words on a failed pull.

use super::image_name::ImageName;
use crate::pattern::Pattern;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PullError {
    InvalidName,
    PolicyNever,
    RateLimited,
    Tls,
    Architecture,
    /// the registry does not know the repository
    NoRepository,
    /// the registry knows no such tag or digest
    NoManifest,
    /// not found, and the words do not say what
    NotFound,
    /// Docker's words for "it does not exist, or you may not see it"
    DeniedOrAbsent,
    Unauthorized,
    Unreachable,
    DiskFull,
    Other,
}

static INVALID_NAME: Pattern = Pattern::new(
    r"(?i)invalid ?image ?name|couldn't parse image (?:name|reference)|invalid reference format|invalid (?:tag|repository) (?:name|format)|repository name must be (?:lowercase|canonical)|short-name .* did not resolve|failed to apply default image tag",
);
static POLICY_NEVER: Pattern =
    Pattern::new(r"(?i)is not present with pull policy of Never|ErrImageNeverPull|no local image .* pull policy");
static RATE: Pattern = Pattern::new(
    r"(?i)toomanyrequests|too many requests|\b429\b|pull rate limit|rate limit(?:ed)? exceeded|rate exceeded|pull QPS exceeded|request ?limit ?exceeded",
);
static TLS: Pattern = Pattern::new(
    r"(?i)x509:|certificate signed by unknown authority|failed to verify certificate|certificate has expired|certificate is not trusted|server gave HTTP response to HTTPS client|first record does not look like a TLS handshake|remote error: tls|tls: (?:bad certificate|handshake failure|unknown certificate|protocol version)|self[- ]signed certificate",
);
static ARCHITECTURE: Pattern = Pattern::new(
    r"(?i)no match for platform in manifest|no matching manifest for|no image found in (?:image index|manifest list) for architecture|does not match the specified platform|cannot be used on this platform|no child with platform|exec format error",
);
static NO_REPOSITORY: Pattern = Pattern::new(
    r"(?i)name[_ ]unknown|repository name not known|repository (?:with name )?'?\S+'? (?:was )?(?:does not exist|not found)|the repository .* does not exist|repository [^,;]{0,200}not found|project \S+ not found|repo(?:sitory)?(?: \S+)? (?:is )?not (?:exist|found)|unknown repository",
);
static NO_MANIFEST: Pattern = Pattern::new(
    r"(?i)manifest[_ ]unknown|manifest (?:for \S+ )?(?:is )?not found|manifest .{0,120}not found|artifact \S+ not found|tag \S+ not found|tag does not exist|requested image not found|Failed to fetch \S+ manifest|reading manifest \S+ in \S+: (?:manifest )?(?:unknown|not found)|no such manifest",
);
static DENIED_OR_ABSENT: Pattern = Pattern::new(
    r"(?i)repository does not exist or may require|insufficient_scope|requested access to the resource is denied|may not exist\)?|or it may not exist",
);
static UNAUTHORIZED: Pattern = Pattern::new(
    r"(?i)unauthori[sz]ed|\b401\b|\b403\b|forbidden|no basic auth credentials|authentication required|authorization failed|authorization token has expired|incorrect username or password|access denied|access to the (?:requested )?resource is (?:denied|not authorized)|permission .{0,120}denied|denied: |invalid username|bad credentials|login attempt .* failed|failed to fetch (?:anonymous|oauth) token",
);
static UNREACHABLE: Pattern = Pattern::new(
    r"(?i)no such host|server misbehaving|connection refused|i/o timeout|no route to host|network is unreachable|context deadline exceeded|Client\.Timeout|TLS handshake timeout|connection reset|connection timed out|operation timed out|temporary failure in name resolution|proxyconnect|\b50[0234]\b|bad gateway|service unavailable|gateway time-?out|unexpected EOF|: EOF\b|RegistryUnavailable|dial tcp",
);
static DISK_FULL: Pattern = Pattern::new(r"(?i)no space left on device|disk quota exceeded");
static NOT_FOUND: Pattern = Pattern::new(r"(?i)not found|\b404\b|does not exist");

/// The kind of failure, the most telling words first.
pub fn parse(message: &str, image: &ImageName) -> PullError {
    let order: [(&Pattern, PullError); 12] = [
        (&POLICY_NEVER, PullError::PolicyNever),
        (&INVALID_NAME, PullError::InvalidName),
        (&RATE, PullError::RateLimited),
        (&DISK_FULL, PullError::DiskFull),
        (&ARCHITECTURE, PullError::Architecture),
        (&TLS, PullError::Tls),
        (&DENIED_OR_ABSENT, PullError::DeniedOrAbsent),
        (&NO_REPOSITORY, PullError::NoRepository),
        (&NO_MANIFEST, PullError::NoManifest),
        (&UNAUTHORIZED, PullError::Unauthorized),
        (&UNREACHABLE, PullError::Unreachable),
        (&NOT_FOUND, PullError::NotFound),
    ];
    // an image called `x509` or tagged `429` must not speak for the registry
    let short = image.short();
    let tag = image.tag.as_deref().filter(|tag| tag.len() > 1).unwrap_or_default();
    let digest = image.digest.as_deref().unwrap_or_default();
    let mut words = message.to_owned();
    for name in [digest, &image.registry, &image.repository, &short, tag] {
        words = without(&words, name);
    }
    order.iter().find(|(pattern, _)| pattern.is_match(&words)).map_or(PullError::Other, |(_, kind)| *kind)
}

/// A text with a name taken out where it stands as a word.
fn without(text: &str, name: &str) -> String {
    let inside = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    let mut rest = text;
    let mut out = String::with_capacity(text.len());
    while let Some(at) = rest.find(name).filter(|_| !name.is_empty()) {
        let (before, after) = (&rest[..at], &rest[at + name.len()..]);
        out.push_str(before);
        out.push_str(if before.ends_with(inside) || after.starts_with(inside) { name } else { "IMAGE" });
        rest = after;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_words_of_runtimes_and_registries() {
        for (image, message, kind) in [
            (
                "noimage",
                r#"failed to pull and unpack image "docker.io/library/noimage:latest": failed to resolve reference "docker.io/library/noimage:latest": pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed"#,
                PullError::DeniedOrAbsent,
            ),
            (
                "nginx:9",
                r#"rpc error: code = NotFound desc = failed to pull and unpack image "docker.io/library/nginx:9": failed to resolve reference "docker.io/library/nginx:9": docker.io/library/nginx:9: not found"#,
                PullError::NotFound,
            ),
            (
                "nginx:9",
                "rpc error: code = Unknown desc = Error response from daemon: manifest for nginx:9 not found: manifest unknown: manifest unknown",
                PullError::NoManifest,
            ),
            (
                "r.example.com/a:1",
                r#"name unknown: The repository with name 'a' does not exist in the registry with id '123'"#,
                PullError::NoRepository,
            ),
            (
                "r.example.com/a:1",
                "unexpected status from HEAD request to https://r.example.com/v2/a/manifests/1: 403 Forbidden",
                PullError::Unauthorized,
            ),
            (
                "r.example.com/a:1",
                "failed to do request: Head \"https://r.example.com/v2/a/manifests/1\": tls: failed to verify certificate: x509: certificate signed by unknown authority",
                PullError::Tls,
            ),
            (
                "r.example.com/a:1",
                "failed to do request: Head \"https://r.example.com/v2/a/manifests/1\": dial tcp: lookup r.example.com on 10.0.0.2:53: no such host",
                PullError::Unreachable,
            ),
            ("a:1", "no match for platform in manifest: not found", PullError::Architecture),
            (
                "a:1",
                "429 Too Many Requests - Server message: toomanyrequests: You have reached your unauthenticated pull rate limit.",
                PullError::RateLimited,
            ),
            (
                "A:1",
                r#"Failed to apply default image tag "A:1": couldn't parse image name "A:1": invalid reference format: repository name (library/A) must be lowercase"#,
                PullError::InvalidName,
            ),
            (
                "r.example.com/a:1.0.429",
                "failed to resolve reference \"r.example.com/a:1.0.429\": r.example.com/a:1.0.429: not found",
                PullError::NotFound,
            ),
            (
                "r.example.com/forbidden:x509",
                "dial tcp 10.0.0.9:443: connect: connection refused for forbidden:x509",
                PullError::Unreachable,
            ),
            ("a:1", "unexpected media type text/html for sha256:00", PullError::Other),
        ] {
            assert_eq!(parse(message, &ImageName::parse(image)), kind, "{message}");
        }
    }
}
