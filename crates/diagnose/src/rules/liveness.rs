//! Containers that the kubelet kills because a liveness or start-up probe fails.

use serde_json::json;

use super::down::Down;
use super::probe::{Kind, Probe, window};
use super::probe_text::ProbeError;
use crate::class::Class;
use crate::finding::{Finding, text};

pub fn killed(down: &Down<'_>) -> Option<Finding> {
    let killing = down.events().find(|e| e.reason == "Killing" && e.message.contains("probe"));
    let kind = match killing.map(|e| e.message.as_str()) {
        Some(message) if message.contains("startup probe") => Kind::Startup,
        Some(message) if message.contains("liveness probe") => Kind::Liveness,
        // the Killing event is the first to be lost; a kill from outside with failing probes says the same
        _ if matches!(down.exit.code, 137 | 143) => {
            let failing = |k: &Kind| Probe::of(down.evidence, down.container, *k).is_some_and(|p| p.event.is_some());
            [Kind::Startup, Kind::Liveness].into_iter().find(failing)?
        }
        _ => return None,
    };
    let probe = Probe::of(down.evidence, down.container, kind)?;
    let cites = killing.map(|e| e.cite());
    let exit = down.container.cite_status(down.exit.field, format!("exitCode {}", down.exit.code));
    let finding = probe.misconfigured().filter(|_| probe.error.is_some()).unwrap_or_else(|| match kind {
        Kind::Startup => too_slow(&probe),
        Kind::Liveness | Kind::Readiness if is_slow_start(down, &probe) => slow_start(down, &probe),
        Kind::Liveness | Kind::Readiness => failing(&probe),
    });
    Some(finding.cites(cites).cite(exit))
}

/// Killed at the first chance the probe had, by a probe that nobody answered.
fn is_slow_start(down: &Down<'_>, probe: &Probe<'_>) -> bool {
    let unanswered = match probe.error {
        Some(ProbeError::Refused) => true,
        Some(ProbeError::Timeout) => !probe.says_it_listens(),
        _ => false,
    };
    let grace = down.container.pod.int("/spec/terminationGracePeriodSeconds").unwrap_or(30);
    let first_chance = window(probe) + probe.number("periodSeconds", 10) + grace + 15;
    unanswered && down.ran_for().is_none_or(|ran| ran.as_secs() <= first_chance)
}

fn slow_start(down: &Down<'_>, probe: &Probe<'_>) -> Finding {
    let name = down.container.name;
    let after = window(probe);
    let delay = probe.number("initialDelaySeconds", 0);
    let statement = text(
        format!("容器 {name} 还没启动完成，存活探针就在约 {after} 秒后杀死了它（initialDelaySeconds {delay}）"),
        format!(
            "container {name} is still starting when its liveness probe kills it after about {after} s (initialDelaySeconds {delay})"
        ),
    );
    let finding = probe.make(Class::LivenessProbeKillsSlowStart, statement).likely();
    let mut startup = probe.spec.clone();
    if let Some(fields) = startup.as_object_mut() {
        fields.remove("initialDelaySeconds");
        fields.insert("periodSeconds".into(), json!(10));
        fields.insert("failureThreshold".into(), json!(30));
    }
    let what = text("加一个启动探针，给它最多 300 秒启动", "add a start-up probe that gives it up to 300 s to start");
    match super::template::patch_container(probe.root, &down.container, &json!({"startupProbe": startup})) {
        Some(command) => finding.fix(what, command),
        None => finding.advice(what),
    }
}

fn failing(probe: &Probe<'_>) -> Finding {
    let (_, zh, en) = probe.not_answered();
    let statement =
        text(format!("{zh}，容器因此被反复重启"), format!("{en}, so the container is restarted again and again"));
    probe.make(Class::LivenessProbeFailing, statement).advice(text(
        "查看程序为什么不响应或报告不健康（线程、锁、依赖）；健康检查不应依赖外部服务",
        "find out why the program does not answer or says it is unwell (threads, locks, dependencies); a liveness check should not depend on other services",
    ))
}

fn too_slow(probe: &Probe<'_>) -> Finding {
    let (_, zh, en) = probe.not_answered();
    let after = window(probe);
    let statement = text(
        format!("{zh}；启动探针在 {after} 秒内没有成功，容器被杀死"),
        format!("{en}; the start-up probe did not succeed within {after} s and the container was killed"),
    );
    let finding = probe.make(Class::StartupProbeFailed, statement);
    let more = probe.number("failureThreshold", 3) * 3;
    let what = text(
        format!("若程序只是启动慢，把 failureThreshold 提到 {more}"),
        format!("if it only starts slowly, raise failureThreshold to {more}"),
    );
    probe.fix(finding, what, &json!({"failureThreshold": more}))
}
