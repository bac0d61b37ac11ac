//! One probe of a container: what it asks, what came back, and whether the probe itself is wrong.

use serde_json::{Value, json};

use super::down::{cite_log, events_of};
use super::logs::listening;
use super::probe_text::{ProbeError, parse};
use super::template::patch_container;
use crate::class::Class;
use crate::event::Event;
use crate::evidence::{Evidence, Log};
use crate::finding::{Finding, Text, text};
use crate::object::{Object, text as field};
use crate::pod::{self, Container};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Readiness,
    Liveness,
    Startup,
}

impl Kind {
    pub fn key(self) -> &'static str {
        match self {
            Kind::Readiness => "readinessProbe",
            Kind::Liveness => "livenessProbe",
            Kind::Startup => "startupProbe",
        }
    }

    pub fn zh(self) -> &'static str {
        match self {
            Kind::Readiness => "就绪探针",
            Kind::Liveness => "存活探针",
            Kind::Startup => "启动探针",
        }
    }

    pub fn en(self) -> &'static str {
        match self {
            Kind::Readiness => "readiness probe",
            Kind::Liveness => "liveness probe",
            Kind::Startup => "start-up probe",
        }
    }

    fn begins(self, message: &str) -> bool {
        let word = match self {
            Kind::Readiness => "Readiness probe",
            Kind::Liveness => "Liveness probe",
            Kind::Startup => "Startup probe",
        };
        message.starts_with(word)
    }
}

/// A port on which the program does, or does not, listen.
enum Listens {
    /// on these, as the log says, and not on the probe's
    Elsewhere(Vec<u16>),
    /// on the probe's port, on the loopback address only
    LoopbackOnly,
    OnPort,
    Unknown,
}

pub struct Probe<'a> {
    pub evidence: &'a Evidence,
    pub container: Container<'a>,
    pub root: &'a Object,
    pub kind: Kind,
    pub spec: &'a Value,
    /// the newest failure, if an event tells of one
    pub event: Option<&'a Event>,
    pub error: Option<ProbeError>,
}

impl<'a> Probe<'a> {
    /// None where the container has no such probe.
    pub fn of(evidence: &'a Evidence, container: Container<'a>, kind: Kind) -> Option<Self> {
        let spec = container.spec.get(kind.key()).filter(|p| p.is_object())?;
        let mut events = events_of(evidence, container);
        let event = events.find(|e| {
            matches!(e.reason.as_str(), "Unhealthy" | "ProbeError" | "ProbeWarning") && kind.begins(&e.message)
        });
        let error = event.map(|e| parse(&e.message));
        let root = evidence.root(container.pod);
        Some(Self { evidence, container, root, kind, spec, event, error })
    }

    pub fn number(&self, key: &str, default: i64) -> i64 {
        self.spec[key].as_i64().unwrap_or(default)
    }

    pub fn message(&self) -> &'a str {
        self.event.map_or("", |e| e.message.as_str())
    }

    pub fn make(&self, class: Class, statement: Text) -> Finding {
        Finding::new(class, &self.root.re, statement)
            .seen_on(&self.container.pod.re)
            .cites(self.event.map(Event::cite))
            .cite(self.container.cite_spec(self.kind.key(), self.spec.to_string()))
    }

    fn action(&self) -> &'static str {
        ["httpGet", "tcpSocket", "grpc"].into_iter().find(|k| self.spec[*k].is_object()).unwrap_or("exec")
    }

    /// The port as written, and as a number where its name is one of the container's.
    fn port(&self) -> (String, Option<u16>) {
        let port = &self.spec[self.action()]["port"];
        let number = |v: &Value| v.as_u64().or_else(|| v.as_str()?.parse().ok()).and_then(|p| u16::try_from(p).ok());
        if let Some(port) = number(port) {
            return (port.to_string(), Some(port));
        }
        let name = port.as_str().unwrap_or_default();
        let named = self.ports().iter().find(|p| field(p, "name") == name);
        (name.to_owned(), named.and_then(|p| number(&p["containerPort"])))
    }

    fn ports(&self) -> &'a [Value] {
        self.container.spec["ports"].as_array().map_or(&[], Vec::as_slice)
    }

    /// What the container declares that it opens.
    fn declared(&self) -> Vec<u16> {
        self.ports().iter().filter_map(|p| p["containerPort"].as_u64().and_then(|p| u16::try_from(p).ok())).collect()
    }

    fn log(&self) -> Option<&'a Log> {
        let current = self.evidence.log(&self.container.pod.re, self.container.name, false);
        current.filter(|l| !listening(&l.text).is_empty()).or_else(|| self.container.last_log(self.evidence))
    }

    fn listens(&self, port: u16) -> Listens {
        let Some(log) = self.log() else { return Listens::Unknown };
        let all = listening(&log.text);
        let on: Vec<&(String, u16)> = all.iter().filter(|(_, p)| *p == port).collect();
        if on.iter().any(|(address, _)| !address.starts_with("127.") && address != "localhost" && address != "[::1]") {
            return Listens::OnPort;
        }
        if !on.is_empty() {
            return Listens::LoopbackOnly;
        }
        let others: Vec<u16> = all.into_iter().map(|(_, p)| p).collect();
        if others.is_empty() { Listens::Unknown } else { Listens::Elsewhere(others) }
    }

    /// Whether the program says that it listens where the probe asks.
    pub fn says_it_listens(&self) -> bool {
        self.port().1.is_some_and(|p| matches!(self.listens(p), Listens::OnPort))
    }

    /// A finding where the probe, not the program, is wrong.
    pub fn misconfigured(&self) -> Option<Finding> {
        match self.error {
            Some(ProbeError::NoSuchPath) => Some(self.path_wrong()),
            Some(ProbeError::NeedsTls) => Some(self.scheme_wrong("HTTPS", "HTTP")),
            Some(ProbeError::PlainHttp) => Some(self.scheme_wrong("HTTP", "HTTPS")),
            Some(ProbeError::OtherProtocol) => Some(self.protocol_wrong()),
            Some(ProbeError::PortNameUnknown) => Some(self.port_name_unknown()),
            Some(ProbeError::CommandNotFound) => Some(self.command_not_found()),
            Some(ProbeError::Refused) => self.port_wrong(),
            Some(ProbeError::Status(400)) => self.tls_by_port(),
            Some(ProbeError::Timeout) if self.action() == "grpc" => self.port_wrong(),
            None => self.port_wrong().map(Finding::likely),
            Some(ProbeError::Timeout | ProbeError::Status(_) | ProbeError::Other) => None,
        }
    }

    fn path_wrong(&self) -> Finding {
        let path = field(&self.spec["httpGet"], "path");
        let path = if path.is_empty() { "/" } else { path };
        let (name, port) = (self.container.name, self.port().0);
        let code = if self.message().contains("405") { "405" } else { "404" };
        let statement = text(
            format!("容器 {name} 的{}请求 {path}（端口 {port}），程序返回 {code}：没有这个路径", self.kind.zh()),
            format!(
                "the {} of container {name} asks for {path} on port {port}, and the program answers {code}: there is no such path",
                self.kind.en()
            ),
        );
        let finding = self.make(Class::ProbePathWrong, statement);
        let other = [Kind::Readiness, Kind::Liveness, Kind::Startup].into_iter().filter(|k| *k != self.kind);
        let good = other.filter_map(|k| Probe::of(self.evidence, self.container, k)).find(|p| {
            p.event.is_none()
                && !field(&p.spec["httpGet"], "path").is_empty()
                && field(&p.spec["httpGet"], "path") != path
        });
        let to = good.map_or("/PATH".to_owned(), |p| field(&p.spec["httpGet"], "path").to_owned());
        let what = text(
            format!("把探针路径改成程序实际提供的路径（{to}）"),
            format!("let the probe ask for a path that the program has ({to})"),
        );
        self.fix(finding, what, &json!({"httpGet": {"path": to}}))
    }

    fn scheme_wrong(&self, right: &str, wrong: &str) -> Finding {
        let (name, port) = (self.container.name, self.port().0);
        let statement = text(
            format!("容器 {name} 的{}用 {wrong} 访问端口 {port}，而程序在那里用 {right}", self.kind.zh()),
            format!(
                "the {} of container {name} speaks {wrong} to port {port}, where the program speaks {right}",
                self.kind.en()
            ),
        );
        let finding = self.make(Class::ProbeSchemeWrong, statement);
        let what = text(format!("把探针的 scheme 改为 {right}"), format!("set the probe's scheme to {right}"));
        self.fix(finding, what, &json!({"httpGet": {"scheme": right}}))
    }

    fn protocol_wrong(&self) -> Finding {
        let (name, port) = (self.container.name, self.port().0);
        let action = self.action();
        let statement = text(
            format!("容器 {name} 的{}用 {action} 访问端口 {port}，而程序在那里用另一种协议", self.kind.zh()),
            format!(
                "the {} of container {name} uses {action} on port {port}, where the program speaks another protocol",
                self.kind.en()
            ),
        );
        self.make(Class::ProbeSchemeWrong, statement).advice(text(
            "按程序的协议改用 httpGet、grpc 或 tcpSocket 探针",
            "use a probe of the program's protocol: httpGet, grpc or tcpSocket",
        ))
    }

    /// Go's HTTPS servers answer plain HTTP with 400; the port tells whether it is one.
    fn tls_by_port(&self) -> Option<Finding> {
        let (written, number) = self.port();
        let name = self
            .ports()
            .iter()
            .find(|p| p["containerPort"].as_u64() == number.map(u64::from))
            .map_or("", |p| field(p, "name"));
        let https = [written.as_str(), name].iter().any(|n| n.contains("https") || n.contains("tls"));
        let secure = https || matches!(number, Some(443 | 8443 | 6443 | 9443 | 10250));
        let plain = !field(&self.spec["httpGet"], "scheme").eq_ignore_ascii_case("HTTPS");
        (secure && plain).then(|| self.scheme_wrong("HTTPS", "HTTP").likely())
    }

    fn port_name_unknown(&self) -> Finding {
        let (name, port) = (self.container.name, self.port().0);
        let known: Vec<String> =
            self.ports().iter().map(|p| format!("{}={}", field(p, "name"), p["containerPort"])).collect();
        let known = known.join(", ");
        let statement = text(
            format!("容器 {name} 的{}使用端口名 {port}，而容器的端口是 [{known}]", self.kind.zh()),
            format!(
                "the {} of container {name} names port {port}, but the container's ports are [{known}]",
                self.kind.en()
            ),
        );
        let finding = self.make(Class::ProbePortWrong, statement);
        self.fix_port(finding, self.declared().first().copied())
    }

    fn fix_port(&self, finding: Finding, port: Option<u16>) -> Finding {
        let what = text("把探针端口改成程序监听的端口", "set the probe's port to the one that the program listens on");
        match port {
            Some(port) => self.fix(finding, what, &json!({self.action(): {"port": port}})),
            None => finding.advice(what),
        }
    }

    /// Nobody listens on the port: another one is in the log, or in the container's declared ports.
    fn port_wrong(&self) -> Option<Finding> {
        if self.action() == "exec" {
            return None;
        }
        let (written, number) = self.port();
        let Some(number) = number else { return (!written.is_empty()).then(|| self.port_name_unknown()) };
        let (name, declared) = (self.container.name, self.declared());
        let (others, proven) = match self.listens(number) {
            Listens::Elsewhere(ports) => (ports, true),
            Listens::Unknown if !declared.is_empty() && !declared.contains(&number) => (declared, false),
            Listens::Unknown | Listens::OnPort | Listens::LoopbackOnly => return None,
        };
        let shown = others.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
        let statement = text(
            format!("容器 {name} 的{}检查端口 {written}，而程序监听的是 {shown}", self.kind.zh()),
            format!(
                "the {} of container {name} asks port {written}, but the program listens on {shown}",
                self.kind.en()
            ),
        );
        let mut finding = self.make(Class::ProbePortWrong, statement);
        finding = match self.log().filter(|_| proven) {
            Some(log) => {
                let line = log.text.lines().find(|l| !listening(l).is_empty()).unwrap_or_default();
                finding.cite(cite_log(log, line))
            }
            None => finding.cite(self.container.cite_spec("ports", self.container.spec["ports"].to_string())).likely(),
        };
        if self.event.is_none() && !proven {
            return None;
        }
        Some(self.fix_port(finding, others.first().copied()))
    }

    fn command_not_found(&self) -> Finding {
        let name = self.container.name;
        let command = self.spec["exec"]["command"].to_string();
        let statement = text(
            format!("容器 {name} 的{}执行 {command}，而镜像里没有这个命令", self.kind.zh()),
            format!("the {} of container {name} runs {command}, which the image does not have", self.kind.en()),
        );
        self.make(Class::CommandNotFound, statement).advice(text(
            "改用镜像里有的命令，或改为 httpGet/tcpSocket 探针",
            "use a command that the image has, or an httpGet or tcpSocket probe",
        ))
    }

    pub fn fix(&self, finding: Finding, what: Text, fields: &Value) -> Finding {
        match patch_container(self.root, &self.container, &json!({self.kind.key(): fields})) {
            Some(command) => finding.fix(what, command),
            None => finding.advice(what),
        }
    }

    /// The probe is right and the program does not answer as it should.
    pub fn not_answered(&self) -> (Class, String, String) {
        let (name, port) = (self.container.name, self.port().0);
        let timeout = self.number("timeoutSeconds", 1);
        match self.error {
            Some(ProbeError::Timeout) => (
                Class::ProbeTimeout,
                format!("容器 {name} 的{}在 {timeout} 秒内没有得到响应", self.kind.zh()),
                format!("the {} of container {name} gets no answer within {timeout} s", self.kind.en()),
            ),
            Some(ProbeError::Status(code)) => (
                Class::ProbeFailing,
                format!("容器 {name} 的{}得到 HTTP {code}：程序自己报告未就绪", self.kind.zh()),
                format!(
                    "the {} of container {name} gets HTTP {code}: the program itself says that it is not ready",
                    self.kind.en()
                ),
            ),
            Some(ProbeError::Refused)
                if self.port().1.is_some_and(|p| matches!(self.listens(p), Listens::LoopbackOnly)) =>
            {
                (
                    Class::ProbeFailing,
                    format!("容器 {name} 只在 127.0.0.1 上监听端口 {port}，{}连不上", self.kind.zh()),
                    format!(
                        "container {name} listens on port {port} of 127.0.0.1 only, where the {} cannot reach it",
                        self.kind.en()
                    ),
                )
            }
            Some(ProbeError::Refused) => (
                Class::ProbeFailing,
                format!("容器 {name} 没有在端口 {port} 上监听，{}被拒绝", self.kind.zh()),
                format!("container {name} does not listen on port {port}, so its {} is refused", self.kind.en()),
            ),
            _ => {
                let said: String = self.message().chars().take(200).collect();
                (
                    Class::ProbeFailing,
                    format!("容器 {name} 的{}失败：{said}", self.kind.zh()),
                    format!("the {} of container {name} fails: {said}", self.kind.en()),
                )
            }
        }
    }
}

/// The seconds a container is given before this probe has failed for good.
pub fn window(probe: &Probe<'_>) -> i64 {
    probe.number("initialDelaySeconds", 0) + probe.number("periodSeconds", 10) * probe.number("failureThreshold", 3)
}

/// Whether all main containers of a pod run.
pub fn all_run(pod: &Object) -> bool {
    pod::containers(pod).filter(|c| c.role == pod::Role::Main).all(|c| c.running())
}
