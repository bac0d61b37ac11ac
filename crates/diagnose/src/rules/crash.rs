//! Containers that keep ending, and why: memory, start errors, probes, the program's own words, its exit code.

use serde_json::json;

use super::control_plane;
use super::dependency;
use super::down::Down;
use super::exit_code::{is_crash, shown};
use super::log_cause;
use super::logs::{Reason, last_words, recognise};
use super::template::patch_container;
use super::{liveness, memory, start};
use crate::class::Class;
use crate::evidence::Evidence;
use crate::finding::{Finding, text};
use crate::object::{Object, ObjectRef};
use crate::pod::{self, Role};

pub fn crashes(evidence: &Evidence) -> Vec<Finding> {
    let mut findings = Vec::new();
    let lives = |p: &&Object| !pod::is_over(p) && p.deleting_since().is_none() && !was_thrown_out(p);
    // the control plane's own pods have rules of their own
    for pod in evidence.kind("Pod").filter(lives).filter(|p| !control_plane::is_component(p)) {
        for down in pod::containers(pod).filter_map(|c| Down::of(evidence, c)) {
            findings.extend(crash_loop(&down));
            // the rules on the control plane speak of static pods
            findings.extend(cause(&down).filter(|_| !pod::is_static(pod)));
        }
    }
    findings
}

/// The kubelet ended the whole pod; that has rules of its own.
fn was_thrown_out(pod: &crate::object::Object) -> bool {
    pod.str("/status/phase") == "Failed" && !pod.str("/status/reason").is_empty()
}

fn crash_loop(down: &Down<'_>) -> Option<Finding> {
    let container = &down.container;
    if container.restarts() == 0 && container.waiting().0.is_empty() {
        return None;
    }
    let (zh, en) = shown(down.exit.code);
    let (name, restarts) = (container.name, container.restarts());
    let statement = text(
        format!("容器 {name} 已重启 {restarts} 次，上次退出码 {zh}"),
        format!("container {name} has restarted {restarts} times, its last exit code is {en}"),
    );
    let account = down.container.pod.str("/spec/serviceAccountName");
    let account = ObjectRef::new("ServiceAccount", container.pod.namespace(), account);
    Some(
        Finding::new(Class::CrashLoop, &container.pod.re, statement)
            .cite(container.cite_status("restartCount", restarts.to_string()))
            .because(account),
    )
}

fn cause(down: &Down<'_>) -> Option<Finding> {
    if let Some(finding) = memory::killed(down) {
        return Some(finding);
    }
    if down.is_start_error() || matches!(down.container.waiting().0, "RunContainerError" | "StartError") {
        return start::failure(down.evidence, &down.container);
    }
    let words = down.words();
    let said = recognise(&words);
    if let Some(said) = said.as_ref().filter(|s| s.reason.is_dependency()) {
        let make = |class, statement| down.make(class, statement).cite(down.cite_words(said.line));
        return Some(dependency::finding(down.evidence, &down.container, said, make));
    }
    if let Some(finding) = liveness::killed(down) {
        return Some(finding);
    }
    if let Some(said) = &said {
        // rules on rights speak of the API server's refusal
        return (said.reason != Reason::Rbac).then(|| log_cause::finding(down, said));
    }
    let unexplained = !matches!(down.exit.code, 0 | 126 | 127) && !is_crash(down.exit.code);
    // a job that gave up says more than the code of one of its tries
    if unexplained && down.container.role == Role::Main && job_gave_up(down) {
        return None;
    }
    Some(by_code(down, &words))
}

fn job_gave_up(down: &Down<'_>) -> bool {
    let job = down.evidence.owner(down.container.pod).filter(|o| o.kind() == "Job");
    job.and_then(|j| j.condition("Failed")).is_some_and(|c| c.is_true())
}

/// What is left is the exit code.
fn by_code(down: &Down<'_>, words: &str) -> Finding {
    let (name, code) = (down.container.name, down.exit.code);
    let (zh, en) = shown(code);
    if code == 0 && down.container.role != Role::Init {
        return exits(down);
    }
    if is_crash(code) {
        let statement = text(
            format!("容器 {name} 的程序崩溃，退出码 {zh}"),
            format!("the program in container {name} crashed, exit code {en}"),
        );
        return down.make(Class::ApplicationPanic, statement).advice(text(
            "取得 core dump 或调用栈定位崩溃位置；若刚升级过，先回退到上一版",
            "get a core dump or a stack trace to see where it crashed; if it was upgraded lately, roll back first",
        ));
    }
    if code == 127 || code == 126 {
        return start::by_shell_code(down, code);
    }
    let mut finding = unexplained(down, words);
    if words.trim().is_empty() {
        finding = if log_is_gap(down) { unread(finding) } else { finding.likely() };
        // nothing was said: a service it calls that is down says more than the code
        for service in crate::calls::called_services(down.evidence, down.container.pod) {
            finding.because.extend(dependency::explains(down.evidence, &service));
        }
    }
    finding.fix(
        text("查看上一次运行的日志", "read the log of the last run"),
        format!("kubectl logs {}{} -c {name} --previous", down.container.pod.name(), down.container.pod.re.flag()),
    )
}

/// The log exists and could not be read: it may well say why.
fn log_is_gap(down: &Down<'_>) -> bool {
    let path = down.container.pod.re.path();
    down.evidence.gaps.iter().any(|gap| gap.what.starts_with("log of") && gap.what.contains(&path))
}

fn unread(mut finding: Finding) -> Finding {
    finding.statement.zh.push_str("（日志没有读到，原因可能在其中）");
    finding.statement.en.push_str(" (its log could not be read and may say why)");
    finding.possible()
}

fn unexplained(down: &Down<'_>, words: &str) -> Finding {
    let name = down.container.name;
    let (zh, en) = shown(down.exit.code);
    let last = last_words(words).map(|l| l.chars().take(200).collect::<String>()).unwrap_or_default();
    let (tail_zh, tail_en) = if last.is_empty() {
        (String::new(), String::new())
    } else {
        (format!("，最后一行：{last}"), format!("; last line: {last}"))
    };
    let (class, what_zh, what_en) = match down.container.role {
        Role::Init => (Class::InitContainerFailed, "初始化容器", "init container"),
        Role::Sidecar => (Class::SidecarFailed, "边车容器", "sidecar"),
        Role::Main if is_sidecar(down) => (Class::SidecarFailed, "边车容器", "sidecar"),
        Role::Main => (Class::ContainerExitError, "容器", "container"),
    };
    let statement = text(
        format!("{what_zh} {name} 以退出码 {zh} 结束{tail_zh}"),
        format!("{what_en} {name} ended with exit code {en}{tail_en}"),
    );
    let finding = down.make(class, statement);
    if last.is_empty() { finding } else { finding.cite(down.cite_words(&last)) }
}

/// One of several main containers, not the first, beside one that works.
fn is_sidecar(down: &Down<'_>) -> bool {
    let first = pod::containers(down.container.pod).find(|c| c.role == Role::Main);
    first.is_some_and(|c| c.name != down.container.name && c.running() && c.ready())
}

fn exits(down: &Down<'_>) -> Finding {
    let name = down.container.name;
    let kind = down.root.kind();
    let statement = text(
        format!("容器 {name} 的程序正常结束（退出码 0），但 {kind} 要求它一直运行"),
        format!("the program in container {name} ended by itself (exit code 0) where a {kind} should go on running"),
    );
    let finding = down.make(Class::ContainerExitsSuccessfully, statement);
    let what = text(
        "给出在前台持续运行的命令（把 COMMAND 换成实际命令）；若是一次性任务，改用 Job",
        "give it a command that stays in the foreground (put it for COMMAND); for work that ends use a Job",
    );
    match patch_container(down.root, &down.container, &json!({"command": ["COMMAND"]})) {
        Some(command) => finding.fix(what, command),
        None => finding.advice(what),
    }
}
