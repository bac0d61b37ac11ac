//! Why a program stopped, as its own log says. Pure: text in, a reason and the line that proves it out.

use super::log_words::WORDS;
use crate::pattern::{Pattern, part};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    Refused,
    Timeout,
    NameUnresolved,
    AuthFailed,
    Environment,
    ConfigFile,
    PortInUse,
    ReadOnly,
    DiskFull,
    PermissionDenied,
    CommandNotFound,
    NotExecutable,
    Architecture,
    /// the API server's refusal; the rules on rights speak of it
    Rbac,
    Panic,
    Exception,
}

impl Reason {
    /// The other end of a connection is what is wrong.
    pub fn is_dependency(self) -> bool {
        matches!(self, Reason::Refused | Reason::Timeout | Reason::NameUnresolved | Reason::AuthFailed)
    }

    fn is_crash(self) -> bool {
        matches!(self, Reason::Panic | Reason::Exception)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said<'t> {
    pub reason: Reason,
    pub line: &'t str,
    /// lines near it, where a host or a path may stand
    pub near: Vec<&'t str>,
}

const LAST: usize = 400;
/// A reason further from the end is something the program lived through.
const FROM_END: usize = 40;
/// A crash follows its reason within a few lines.
const BEFORE_CRASH: usize = 4;

static CALM: Pattern = Pattern::new(
    r#"(?:^|[\s\[|])(?:INFO|DEBUG|TRACE|NOTICE)(?:[\s\]|:]|$)|level="?(?:info|debug|trace)\b|"(?:level|severity|lvl)"\s*:\s*"(?i:info|debug|trace)"|^[ID]\d{4} "#,
);
static RECOVERED: Pattern = Pattern::new(
    r"(?i)\b(?:re)?connected (?:to|successfully)|connection (?:re-?)?established|successfully (?:re)?connected|connection (?:is )?(?:ok|restored)|连接成功|已连接|重连成功",
);

/// The reason for the end of a program that wrote this.
pub fn recognise(log: &str) -> Option<Said<'_>> {
    let mut lines: Vec<&str> = log.lines().map(str::trim_end).filter(|l| !l.trim().is_empty()).collect();
    let lines = lines.split_off(lines.len().saturating_sub(LAST));
    let found: Vec<(usize, Reason)> =
        lines.iter().enumerate().filter_map(|(at, line)| Some((at, reason(line)?))).collect();
    let recovered = lines.iter().rposition(|line| RECOVERED.is_match(line));
    let gone = |at: usize, reason: Reason| reason.is_dependency() && recovered.is_some_and(|r| r > at);
    let crash = crash_start(&lines, &found);
    let from = crash.map_or(lines.len().saturating_sub(FROM_END), |at| at.saturating_sub(BEFORE_CRASH));
    let mut named = found.iter().filter(|(at, reason)| !reason.is_crash() && *at >= from && !gone(*at, *reason));
    // the last thing a crash says is the deepest; without one, too, the last words count
    if let Some(&(at, reason)) = named.next_back() {
        return Some(said(&lines, at, reason));
    }
    let (at, reason) = (crash?, found.iter().rev().find(|(_, r)| r.is_crash())?.1);
    let reason = if found.iter().any(|(a, r)| *a >= at && *r == Reason::Panic) { Reason::Panic } else { reason };
    Some(said(&lines, headline(&lines, at), reason))
}

fn said<'t>(lines: &[&'t str], at: usize, reason: Reason) -> Said<'t> {
    let near = lines[at.saturating_sub(4)..(at + 4).min(lines.len())].to_vec();
    Said { reason, line: lines[at].trim(), near }
}

fn reason(line: &str) -> Option<Reason> {
    let (_, reason) = WORDS.iter().find(|(pattern, _)| pattern.is_match(line.trim()))?;
    // what is logged calmly is no failure; a shell's own complaint has no level
    (!CALM.is_match(line)).then_some(*reason)
}

/// The first line of the last crash: lines of one trace stand close together.
fn crash_start(lines: &[&str], found: &[(usize, Reason)]) -> Option<usize> {
    let mut start: Option<usize> = None;
    for &(at, _) in found.iter().rev().filter(|(_, reason)| reason.is_crash()) {
        match start {
            None if lines.len() - at > 300 => return None,
            Some(later) if later - at > 60 || !lines[at + 1..later].iter().all(|l| is_trace(l)) => break,
            _ => start = Some(at),
        }
    }
    start
}

fn is_trace(line: &str) -> bool {
    line.starts_with([' ', '\t'])
        || ["at ", "...", "goroutine ", "Caused by", "During handling", "The above", "main.", "[signal", "note: run"]
            .iter()
            .any(|s| line.trim_start().starts_with(s))
        || reason(line).is_some()
}

/// The line that names the crash: Python puts it at the end of the trace, the others at its start.
fn headline(lines: &[&str], at: usize) -> usize {
    if !lines[at].contains("Traceback (most recent call last)") {
        return at;
    }
    (at + 1..lines.len()).find(|&i| !lines[i].starts_with([' ', '\t'])).unwrap_or(at)
}

/// The last line that a program wrote as an error, else its last line.
pub fn last_words(log: &str) -> Option<&str> {
    static ERROR: Pattern =
        Pattern::new(r"(?i)\b(?:fatal|panic|critical|error|err|failed|failure|cannot|emerg)\b|错误|失败|异常");
    let lines: Vec<&str> = log.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    let tail = &lines[lines.len().saturating_sub(FROM_END)..];
    tail.iter().rev().find(|l| ERROR.is_match(l) && !CALM.is_match(l)).or_else(|| tail.last()).copied()
}

/// A port that the program says it listens on, with the address it bound.
pub fn listening(log: &str) -> Vec<(String, u16)> {
    static LISTEN: Pattern = Pattern::new(
        r#"(?i)(?:listen(?:ing|s)?|serving|started(?: server)?|running|bound|bind(?:ing)?|available|ready|server|tomcat|netty|uvicorn|监听|启动).{0,60}?(?:[\s"'=(@：]|//)(\d{1,3}(?:\.\d{1,3}){3}|localhost|\[[0-9a-f:]*\]|\*)?:(\d{2,5})\b"#,
    );
    static PORT: Pattern = Pattern::new(
        r"(?i)(?:listen(?:ing|s)?|started|running|serving|initialized|监听|启动).{0,60}?(?:port\(?s?\)?|端口)[^0-9]{0,6}(\d{2,5})\b",
    );
    let mut found: Vec<(String, u16)> = Vec::new();
    for line in log.lines().take(2000) {
        let hit = LISTEN.captures(line).map(|c| (part(&c, 1).to_owned(), part(&c, 2).to_owned()));
        let hit = hit.or_else(|| PORT.first(line).map(|p| (String::new(), p.to_owned())));
        if let Some((address, port)) = hit
            && let Ok(port) = port.parse()
            && !found.contains(&(address.clone(), port))
        {
            found.push((address, port));
        }
    }
    found
}

static PLACES: [Pattern; 11] = [
    Pattern::new(r"lookup ([\w.-]+)()"),
    Pattern::new(
        r"(?:ENOTFOUND|EAI_AGAIN|UnknownHostException:|can't find|getaddrinfo for|gaierror.*host)\s+([\w.-]*[A-Za-z][\w.-]*)()",
    ),
    Pattern::new(
        r#"(?:host name|bad address|resolve(?: host(?:name)?)?:?|in upstream|upstream host|can't resolve|主机|域名)\s*["'“]?([A-Za-z][\w.-]*)["'”]?(?::(\d{2,5}))?"#,
    ),
    Pattern::new(r"[Cc]onnect to ([\w.-]+) port (\d{2,5})"),
    Pattern::new(r"server at `([\w.-]+)`:`(\d{2,5})`"),
    Pattern::new(r"->(\d+\.\d+\.\d+\.\d+|[\w.-]+):(\d{2,5})"),
    Pattern::new(r"(?:dial|connect) (?:tcp|udp)?\s*([\w.-]+):(\d{2,5})"),
    Pattern::new(r#"host=["']?([\w.-]+)["']?(?:,? port=["']?(\d{2,5}))?"#),
    Pattern::new(r#"server (?:at|on) ["']([\w.-]+)["'],?(?: \([\d.]+\),)?(?: port (\d{2,5}))?"#),
    Pattern::new(r"\w+://(?:[^@/\s]*@)?([\w.-]+)(?::(\d{2,5}))?"),
    Pattern::new(r"(?:^|[\s'\x22(/@\[=])((?:[A-Za-z][\w-]*(?:\.[\w-]+)*)|\d+\.\d+\.\d+\.\d+):(\d{2,5})\b"),
];

/// Host and port that a line about a connection names.
pub fn place(line: &str) -> Option<(String, Option<u16>)> {
    PLACES.iter().find_map(|pattern| {
        let captures = pattern.captures(line)?;
        let host = part(&captures, 1).trim_end_matches(['.', ':']).to_owned();
        let is_source =
            [".go", ".py", ".java", ".js", ".ts", ".rb", ".rs", ".php", ".cs"].iter().any(|s| host.ends_with(s));
        (!is_source && !host.is_empty()).then(|| (host, part(&captures, 2).parse().ok()))
    })
}

/// The first path that a line names.
pub fn path(line: &str) -> Option<&str> {
    static PATH: Pattern = Pattern::new(r#"(?:^|[\s'"`(:=“])(/[\w.@+-]+(?:/[\w.@+-]*)*)"#);
    PATH.first(line).map(|p| p.trim_end_matches(['.', ':']))
}

/// The environment variable that a line names.
pub fn variable(line: &str) -> Option<&str> {
    static VARIABLE: Pattern =
        Pattern::new(r#"(?:["'`$(\[{\s]|^|变量)\$?\{?([A-Z][A-Z0-9]*_[A-Z0-9_]*|[A-Z]{3,}[A-Z0-9]*)\b"#);
    const LEVELS: [&str; 9] = ["FATAL", "ERROR", "WARN", "WARNING", "CRITICAL", "ERR", "KEYERROR", "PANIC", "EMERG"];
    static PLACEHOLDER: Pattern = Pattern::new(r"(?i)could not resolve placeholder '([^']+)'");
    PLACEHOLDER.first(line).or_else(|| VARIABLE.all(line).into_iter().find(|v| !LEVELS.contains(v)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason_of(log: &str) -> Option<Reason> {
        recognise(log).map(|s| s.reason)
    }

    #[test]
    fn tells_reasons_apart() {
        for (line, wanted) in [
            (
                "level=fatal msg=\"cannot reach\" error=\"dial tcp 10.0.0.1:5432: connect: connection refused\"",
                Reason::Refused,
            ),
            ("Error: connect ECONNREFUSED 10.0.0.1:6379", Reason::Refused),
            (
                "redis.exceptions.ConnectionError: Error 111 connecting to redis:6379. Connection refused.",
                Reason::Refused,
            ),
            ("ERROR 数据库连接失败: jdbc:mysql://db:3306/shop", Reason::Refused),
            ("dial tcp: lookup db on 10.96.0.10:53: no such host", Reason::NameUnresolved),
            ("java.net.UnknownHostException: kafka", Reason::NameUnresolved),
            (
                "nginx: [emerg] host not found in upstream \"api\" in /etc/nginx/conf.d/default.conf:3",
                Reason::NameUnresolved,
            ),
            ("dial tcp 198.51.100.21:5672: i/o timeout", Reason::Timeout),
            ("ERROR 连接 10.0.0.3:3306 超时", Reason::Timeout),
            ("pq: password authentication failed for user \"shop\"", Reason::AuthFailed),
            ("ERROR 1045 (28000): Access denied for user 'app'@'10.0.0.1' (using password: YES)", Reason::AuthFailed),
            ("KeyError: 'DATABASE_URL'", Reason::Environment),
            ("FATAL: environment variable API_TOKEN is not set", Reason::Environment),
            ("缺少环境变量 REDIS_URL", Reason::Environment),
            ("./run.sh: line 4: DB_HOST: unbound variable", Reason::Environment),
            (
                "level=error msg=\"cannot parse /etc/app/config.yaml: yaml: line 14: did not find expected key\"",
                Reason::ConfigFile,
            ),
            ("nginx: [emerg] unknown directive \"serverr\" in /etc/nginx/nginx.conf:10", Reason::ConfigFile),
            ("listen tcp :8080: bind: address already in use", Reason::PortInUse),
            ("端口 8080 被占用", Reason::PortInUse),
            ("OSError: [Errno 30] Read-only file system: '/app/cache'", Reason::ReadOnly),
            ("nginx: [emerg] bind() to 0.0.0.0:80 failed (13: Permission denied)", Reason::PermissionDenied),
            ("PANIC:  could not write to file \"pg_wal/x\": No space left on device", Reason::DiskFull),
            ("/app/start.sh: line 3: gunicorn: command not found", Reason::CommandNotFound),
            ("sh: gunicorn: not found", Reason::CommandNotFound),
            ("exec /app/server: exec format error", Reason::Architecture),
            ("panic: runtime error: index out of range [3] with length 3", Reason::Panic),
            ("thread 'main' panicked at src/main.rs:4:5:", Reason::Panic),
            ("Exception in thread \"main\" java.lang.IllegalStateException: cart total is negative", Reason::Exception),
            ("TypeError: Cannot read properties of undefined (reading 'id')", Reason::Exception),
            (
                "configmaps is forbidden: User \"system:serviceaccount:a:b\" cannot list resource \"configmaps\"",
                Reason::Rbac,
            ),
        ] {
            assert_eq!(reason_of(line), Some(wanted), "{line}");
        }
        for line in ["starting", "2026-11-24 INFO connection refused earlier, all well", "nothing to do, bye"] {
            assert_eq!(reason_of(line), None, "{line}");
        }
    }

    #[test]
    fn the_reason_inside_a_crash_wins_and_an_early_one_does_not() {
        let inside = "Traceback (most recent call last):\n  File \"a.py\", line 1, in <module>\npsycopg2.OperationalError: could not connect to server: Connection refused";
        assert_eq!(reason_of(inside), Some(Reason::Refused));
        let early = "ERROR dial tcp 10.0.0.1:5432: connect: connection refused, retry\na\nb\nc\nd\ne\nf\npanic: runtime error: nil map";
        assert_eq!(reason_of(early), Some(Reason::Panic));
        let recovered = "ERROR connection refused by db:5432\nconnected to db:5432\nbye";
        assert_eq!(reason_of(recovered), None);
        let python = "Traceback (most recent call last):\n  File \"a.py\", line 1, in <module>\nValueError: bad total";
        assert_eq!(recognise(python).map(|s| s.line), Some("ValueError: bad total"));
    }

    #[test]
    fn finds_places_ports_paths_and_variables() {
        assert_eq!(
            place("dial tcp: lookup db-old.shop on 10.0.0.10:53: no such host"),
            Some(("db-old.shop".into(), None))
        );
        assert_eq!(place("connect ECONNREFUSED 10.0.0.1:6379"), Some(("10.0.0.1".into(), Some(6379))));
        assert_eq!(place("Can't connect to MySQL server on 'mysql' (111)"), Some(("mysql".into(), None)));
        assert_eq!(place("jdbc:mysql://db:3306/shop"), Some(("db".into(), Some(3306))));
        assert_eq!(
            place("connection to server at \"pg\" (10.96.0.4), port 5432 failed"),
            Some(("pg".into(), Some(5432)))
        );
        assert_eq!(place("failed to connect to `host=pg user=app database=shop`"), Some(("pg".into(), None)));
        assert_eq!(place("curl: (7) Failed to connect to api port 80 after 3 ms"), Some(("api".into(), Some(80))));
        assert_eq!(listening("msg=\"listening on :8080\""), [(String::new(), 8080)]);
        assert_eq!(listening("Tomcat started on port(s): 8081 (http)"), [(String::new(), 8081)]);
        assert_eq!(listening("Server listening at http://127.0.0.1:3000"), [("127.0.0.1".to_owned(), 3000)]);
        assert_eq!(path("Read-only file system: '/app/cache'"), Some("/app/cache"));
        assert_eq!(variable("FATAL: environment variable API_TOKEN is not set"), Some("API_TOKEN"));
    }
}
