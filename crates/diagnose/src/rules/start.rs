//! Containers that the runtime cannot make or start, and why.

use serde_json::json;

use super::down::{Down, events_of};
use super::exit_code::shown;
use super::log_cause;
use super::logs::recognise;
use super::start_error::{StartError, parse};
use super::template::{patch, patch_container};
use crate::class::Class;
use crate::evidence::Evidence;
use crate::finding::{Cite, Finding, Text, text};
use crate::object::Object;
use crate::pod::{self, Container};

const CONFIG: [&str; 8] = [
    "CreateContainerConfigError",
    "CreateContainerError",
    "PreCreateHookError",
    "PreStartHookError",
    "PostStartHookError",
    "RunContainerError",
    "StartError",
    "ContainerCannotRun",
];

pub fn starts(evidence: &Evidence) -> Vec<Finding> {
    let mut findings = Vec::new();
    for pod in evidence.kind("Pod").filter(|p| !pod::is_over(p) && p.deleting_since().is_none()) {
        for container in pod::containers(pod).filter(|c| CONFIG.contains(&c.waiting().0)) {
            findings.push(not_created(&container));
            // one that ran and ended is told by its exit
            if container.exit().is_none() || container.waiting().0.starts_with("Create") {
                findings.extend(failure(evidence, &container));
            }
        }
    }
    findings
}

fn not_created(container: &Container<'_>) -> Finding {
    let (reason, message) = container.waiting();
    let shown: String = message.chars().take(200).collect();
    let name = container.name;
    let statement = text(
        format!("容器 {name} 无法创建（{reason}）：{shown}"),
        format!("container {name} cannot be created ({reason}): {shown}"),
    );
    Finding::new(Class::ContainerNotCreated, &container.pod.re, statement)
        .cite(container.cite_status("state.waiting", if message.is_empty() { reason } else { message }))
}

/// Why the runtime does not start this container, in its own words.
pub fn failure(evidence: &Evidence, container: &Container<'_>) -> Option<Finding> {
    let (error, cite) = said(evidence, container)?;
    let root = evidence.root(container.pod);
    let start = Start { container, root, cite };
    match error {
        StartError::CommandNotFound(command) => Some(start.command_not_found(&command)),
        StartError::NotExecutable(command) => Some(start.not_executable(&command)),
        StartError::Architecture => Some(start.architecture(evidence)),
        StartError::NoCommand => Some(start.command_not_found("")),
        StartError::NonRoot => Some(start.non_root()),
        StartError::MissingReference | StartError::Passing => None,
        StartError::Other => Some(start.other()),
    }
}

/// The most telling text: a known error before an unknown, newer before older.
fn said(evidence: &Evidence, container: &Container<'_>) -> Option<(StartError, Cite)> {
    let mut texts: Vec<Cite> = Vec::new();
    let (reason, message) = container.waiting();
    if !message.is_empty() && reason != "CrashLoopBackOff" {
        texts.push(container.cite_status("state.waiting.message", message));
    }
    if let Some(exit) = container.exit().filter(|e| !e.message.is_empty()) {
        texts.push(container.cite_status(&format!("{}.message", exit.field), exit.message));
    }
    let events = events_of(evidence, *container);
    texts.extend(
        events
            .filter(|e| {
                matches!(e.reason.as_str(), "Failed" | "FailedPostStartHook" | "FailedPreStartHook" | "InspectFailed")
            })
            .filter(|e| !e.message.contains("pull") && !e.message.contains("Pull"))
            .map(|e| e.cite()),
    );
    let mut read: Vec<(StartError, Cite)> = texts.into_iter().map(|c| (parse(&c.text), c)).collect();
    let best = read.iter().position(|(e, _)| !matches!(e, StartError::Other | StartError::Passing));
    let best = best.or_else(|| read.iter().position(|(e, _)| *e == StartError::Other)).or(read.first().map(|_| 0))?;
    Some(read.swap_remove(best))
}

struct Start<'a> {
    container: &'a Container<'a>,
    root: &'a Object,
    cite: Cite,
}

impl Start<'_> {
    fn make(&self, class: Class, statement: Text) -> Finding {
        Finding::new(class, &self.root.re, statement).seen_on(&self.container.pod.re).cite(self.cite.clone())
    }

    fn command_not_found(&self, command: &str) -> Finding {
        let (name, image) = (self.container.name, self.container.image());
        let statement = if command.is_empty() {
            text(
                format!("镜像 {image} 没有默认命令，容器 {name} 也没有写 command"),
                format!("image {image} has no command of its own and container {name} gives none"),
            )
        } else {
            text(
                format!("镜像 {image} 里没有容器 {name} 要执行的 {command}"),
                format!("image {image} does not have {command}, which container {name} runs"),
            )
        };
        let finding = self.make(Class::CommandNotFound, statement).cites(self.written());
        let what =
            text("改成镜像里存在的命令（替换 COMMAND）", "use a command that the image has (put it for COMMAND)");
        match patch_container(self.root, self.container, &json!({"command": ["COMMAND"]})) {
            Some(fix) => finding.fix(what, fix),
            None => finding.advice(what),
        }
    }

    /// The command as the spec has it, if it has.
    fn written(&self) -> Option<Cite> {
        let key = ["command", "args"].into_iter().find(|k| self.container.spec[*k].is_array())?;
        Some(self.container.cite_spec(key, self.container.spec[key].to_string()))
    }

    fn not_executable(&self, command: &str) -> Finding {
        let name = self.container.name;
        let statement = text(
            format!("容器 {name} 要执行的 {command} 没有执行权限"),
            format!("{command}, which container {name} runs, may not be executed"),
        );
        let finding = self.make(Class::CommandNotExecutable, statement).cites(self.written());
        let finding = finding.advice(text(
            format!("在镜像里执行 chmod +x {command}；若它来自 ConfigMap，给该卷设置 defaultMode: 0755"),
            format!(
                "run chmod +x {command} in the image; if it comes from a config map, give that volume defaultMode: 0755"
            ),
        ));
        let script = command
            .ends_with(".sh")
            .then(|| patch_container(self.root, self.container, &json!({"command": ["sh", command]})));
        match script.flatten() {
            Some(fix) => finding.fix(text("或用 sh 来执行它", "or let sh run it"), fix),
            None => finding,
        }
    }

    fn architecture(&self, evidence: &Evidence) -> Finding {
        let node = self.container.pod.str("/spec/nodeName");
        let arch = evidence.find("Node", "", node).map_or("?", |n| n.str("/status/nodeInfo/architecture"));
        let image = self.container.image();
        let statement = text(
            format!("镜像 {image} 的程序不是为节点 {node} 的架构（{arch}）编译的"),
            format!("the program in image {image} is not built for node {node} ({arch})"),
        );
        let other = if arch == "arm64" { "amd64" } else { "arm64" };
        let what = text(
            "把 Pod 调度到镜像支持的架构，或重新构建镜像",
            "run it on nodes that the image is built for, or build it anew",
        );
        let finding = self.make(Class::ImageArchitectureMismatch, statement);
        match patch(self.root, &json!({"nodeSelector": {"kubernetes.io/arch": other}})) {
            Some(fix) => finding.fix(what, fix),
            None => finding.advice(what),
        }
    }

    fn non_root(&self) -> Finding {
        let (name, image) = (self.container.name, self.container.image());
        let named = self.cite.text.contains("non-numeric");
        let statement = if named {
            text(
                format!("镜像 {image} 的用户不是数字，容器 {name} 的 runAsNonRoot 无法确认"),
                format!(
                    "the user of image {image} is not a number, so runAsNonRoot of container {name} cannot be verified"
                ),
            )
        } else {
            text(
                format!("镜像 {image} 以 root 运行，而容器 {name} 要求 runAsNonRoot"),
                format!("image {image} runs as root where container {name} demands runAsNonRoot"),
            )
        };
        let finding = self.make(Class::RunAsNonRootConflict, statement);
        let what = text(
            "指定一个非 root 的用户号（程序须能以它运行）",
            "give it a user id that is not root's (the program must work with it)",
        );
        match patch_container(self.root, self.container, &json!({"securityContext": {"runAsUser": 1000}})) {
            Some(fix) => finding.fix(what, fix),
            None => finding.advice(what),
        }
    }

    fn other(&self) -> Finding {
        let name = self.container.name;
        let said: String = self.cite.text.chars().take(300).collect();
        let statement = text(
            format!("运行时无法启动容器 {name}：{said}"),
            format!("the runtime cannot start container {name}: {said}"),
        );
        self.make(Class::ContainerStartFailed, statement).advice(text(
            "按运行时给出的原因修改容器的挂载、用户或安全设置",
            "change the container's mounts, user or security settings as the runtime's words say",
        ))
    }
}

/// A shell ended with 126 or 127: its own code for a command that it could not run.
pub fn by_shell_code(down: &Down<'_>, code: i64) -> Finding {
    let words = down.words();
    if let Some(said) = recognise(&words) {
        return log_cause::finding(down, &said);
    }
    let (zh, en) = shown(code);
    let name = down.container.name;
    let class = if code == 127 { Class::CommandNotFound } else { Class::CommandNotExecutable };
    let statement = text(format!("容器 {name} 的退出码是 {zh}"), format!("container {name} ended with {en}"));
    down.make(class, statement).likely().advice(text(
        "核对 command、args 和入口脚本里的命令在镜像中存在且可执行",
        "see that the commands in command, args and the entry script exist in the image and may be executed",
    ))
}
