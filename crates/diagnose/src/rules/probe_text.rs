//! What a kubelet means by its words on a failed probe.

use crate::pattern::Pattern;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProbeError {
    /// nobody listens on the port
    Refused,
    /// the port's name is not one of the container's
    PortNameUnknown,
    /// 404 and its like
    NoSuchPath,
    /// HTTP to a port that speaks TLS
    NeedsTls,
    /// HTTPS to a port that speaks plain HTTP
    PlainHttp,
    /// HTTP to a port that speaks another protocol
    OtherProtocol,
    Timeout,
    /// the program answered that it is not well
    Status(u16),
    /// the command of an exec probe is not in the image
    CommandNotFound,
    Other,
}

static STATUS: Pattern = Pattern::new(r"statuscode: (\d{3})");
static TLS_ANSWER: Pattern =
    Pattern::new(r#"malformed HTTP (?:response|status code) "?\\x1[56]\\x03|malformed HTTP response "\\x15"#);
static OTHER_PROTOCOL: Pattern =
    Pattern::new(r"malformed HTTP|HTTP/2 frame|server sent GOAWAY|does not implement the grpc health protocol");
static PLAIN: Pattern = Pattern::new(
    r"server gave HTTP response to HTTPS client|first record does not look like a TLS handshake|tls: oversized record|wrong version number",
);
static TIMEOUT: Pattern = Pattern::new(
    r"(?i)context deadline exceeded|Client\.Timeout|i/o timeout|timed out|timeout: (?:health rpc|failed to connect)|request canceled|deadline ?exceeded",
);
static PORT_NAME: Pattern =
    Pattern::new(r"(?i)couldn't find port|invalid port number|unknown port|strconv\.(?:Atoi|ParseInt)");
static NO_COMMAND: Pattern =
    Pattern::new(r"(?i)executable file .*not found|exec failed.*no such file or directory|: (?:command )?not found$");

pub fn parse(message: &str) -> ProbeError {
    if let Some(code) = STATUS.first(message).and_then(|c| c.parse().ok()) {
        return match code {
            404 | 405 | 410 => ProbeError::NoSuchPath,
            _ => ProbeError::Status(code),
        };
    }
    for (pattern, error) in [
        (&PORT_NAME, ProbeError::PortNameUnknown),
        (&TLS_ANSWER, ProbeError::NeedsTls),
        (&PLAIN, ProbeError::PlainHttp),
        (&OTHER_PROTOCOL, ProbeError::OtherProtocol),
        (&NO_COMMAND, ProbeError::CommandNotFound),
    ] {
        if pattern.is_match(message.trim()) {
            return error;
        }
    }
    if message.contains("connection refused") {
        return ProbeError::Refused;
    }
    if TIMEOUT.is_match(message) { ProbeError::Timeout } else { ProbeError::Other }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_words_of_kubelets() {
        for (message, error) in [
            ("Readiness probe failed: HTTP probe failed with statuscode: 404", ProbeError::NoSuchPath),
            ("Readiness probe failed: HTTP probe failed with statuscode: 503", ProbeError::Status(503)),
            (
                r#"Readiness probe failed: Get "http://10.0.0.1:8080/": dial tcp 10.0.0.1:8080: connect: connection refused"#,
                ProbeError::Refused,
            ),
            (
                r#"Readiness probe failed: Get "http://10.0.0.1:8080/": net/http: HTTP/1.x transport connection broken: malformed HTTP response "\x15\x03\x01\x00\x02\x02""#,
                ProbeError::NeedsTls,
            ),
            (
                r#"Readiness probe failed: Get "https://10.0.0.1:8080/": http: server gave HTTP response to HTTPS client"#,
                ProbeError::PlainHttp,
            ),
            (
                r#"Readiness probe failed: Get "http://10.0.0.1:8080/": context deadline exceeded (Client.Timeout exceeded while awaiting headers)"#,
                ProbeError::Timeout,
            ),
            ("Readiness probe failed: command timed out: \"/check\" timed out after 1s", ProbeError::Timeout),
            ("Readiness probe errored: couldn't find port: {1 0 web}", ProbeError::PortNameUnknown),
            ("Readiness probe failed: service unhealthy (responded with \"NOT_SERVING\")", ProbeError::Other),
            (
                r#"Readiness probe failed: OCI runtime exec failed: exec failed: unable to start container process: exec: "curl": executable file not found in $PATH: unknown"#,
                ProbeError::CommandNotFound,
            ),
        ] {
            assert_eq!(parse(message), error, "{message}");
        }
    }
}
