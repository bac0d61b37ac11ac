//! What a runtime means by its words when a container cannot be made or started.

use crate::pattern::{Pattern, part};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartError {
    CommandNotFound(String),
    NotExecutable(String),
    Architecture,
    /// the image or the pod gives no command at all
    NoCommand,
    NonRoot,
    /// handled where references are looked up
    MissingReference,
    /// the kubelet will try again; it says nothing of a fault
    Passing,
    Other,
}

static MISSING: Pattern = Pattern::new(
    r#"(?i)(?:configmap|secret) "[^"]+" not found|couldn't find key \S+ in|non-existent (?:config|secret) key"#,
);
static NON_ROOT: Pattern = Pattern::new(
    r"(?i)runAsNonRoot and image|cannot verify user is non-root|breaks non-root policy|container has runAsNonRoot",
);
static ARCHITECTURE: Pattern = Pattern::new(r"(?i)exec format error");
static NOT_EXECUTABLE: Pattern = Pattern::new(r#"(?i)exec:? "?([^":]*)"?: permission denied"#);
static NOT_FOUND: Pattern = Pattern::new(
    r#"(?i)exec:? "([^"]*)": (?:executable file not found|stat [^:]+: no such file or directory|no such file or directory|is a directory)|exec (\S+): no such file or directory|executable `([^`]*)` not found|executable file `?'?([^`']*)`?'? not found|starting container process caused.*?"([^"\\]+)\\?": (?:executable file not found|stat)"#,
);
static NO_COMMAND: Pattern = Pattern::new(r"(?i)no command specified");
static PASSING: Pattern = Pattern::new(
    r"(?i)services have not yet been read|failed to sync (?:configmap|secret) cache|object has been modified|not registered|pod sandbox .* (?:changed|not ready)",
);

pub fn parse(message: &str) -> StartError {
    if MISSING.is_match(message) {
        return StartError::MissingReference;
    }
    if NON_ROOT.is_match(message) {
        return StartError::NonRoot;
    }
    if ARCHITECTURE.is_match(message) {
        return StartError::Architecture;
    }
    if let Some(command) = NOT_EXECUTABLE.first(message) {
        return StartError::NotExecutable(command.to_owned());
    }
    if let Some(captures) = NOT_FOUND.captures(message) {
        let command = (1..=5).map(|i| part(&captures, i)).find(|c| !c.is_empty()).unwrap_or_default();
        return StartError::CommandNotFound(command.to_owned());
    }
    if NO_COMMAND.is_match(message) {
        return StartError::NoCommand;
    }
    if PASSING.is_match(message) { StartError::Passing } else { StartError::Other }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_words_of_runtimes() {
        let not_found = |c: &str| StartError::CommandNotFound(c.into());
        for (message, wanted) in [
            (
                r#"failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: exec: "python3.13": executable file not found in $PATH: unknown"#,
                not_found("python3.13"),
            ),
            (
                r#"OCI runtime create failed: container_linux.go:380: starting container process caused: exec: "/app/run": stat /app/run: no such file or directory: unknown"#,
                not_found("/app/run"),
            ),
            (
                r#"container create failed: executable file `foo` not found in $PATH: No such file or directory"#,
                not_found("foo"),
            ),
            (r#"exec: "/app/start.sh": permission denied"#, StartError::NotExecutable("/app/start.sh".into())),
            ("exec /app/server: exec format error", StartError::Architecture),
            (
                r#"container has runAsNonRoot and image will run as root (pod: "a_b(1)", container: app)"#,
                StartError::NonRoot,
            ),
            (r#"configmap "app-settings" not found"#, StartError::MissingReference),
            (
                "failed to generate container \"1\" spec: failed to generate spec: no command specified",
                StartError::NoCommand,
            ),
            (r#"error mounting "/x" to rootfs at "/etc/a": not a directory"#, StartError::Other),
        ] {
            assert_eq!(parse(message), wanted, "{message}");
        }
    }
}
