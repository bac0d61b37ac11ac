//! A container that ended and should not have: whether that still matters, and what is known of it.

use jiff::{SignedDuration, Timestamp};

use crate::class::Class;
use crate::event::Event;
use crate::evidence::Evidence;
use crate::finding::{Cite, Finding, Source, Text};
use crate::object::{Object, text as field};
use crate::pod::{Container, Exit, Role};

#[derive(Clone, Copy)]
pub struct Down<'a> {
    pub evidence: &'a Evidence,
    pub container: Container<'a>,
    pub root: &'a Object,
    pub exit: Exit<'a>,
}

impl<'a> Down<'a> {
    /// None for a container that is well, or has been well again for a while.
    pub fn of(evidence: &'a Evidence, container: Container<'a>) -> Option<Self> {
        let exit = container.exit()?;
        // the kubelet lost sight of it and made the code up
        if exit.reason == "ContainerStatusUnknown" {
            return None;
        }
        let (waiting, _) = container.waiting();
        let down = match waiting {
            "CrashLoopBackOff" | "RunContainerError" | "StartError" | "PostStartHookError" => true,
            "" if container.running() => is_recent(&container, &exit, evidence.now),
            "" => ended_wrongly(&container, &exit),
            _ => false,
        };
        (down && !work_was_done(evidence, container.pod, &exit)).then(|| Self {
            evidence,
            container,
            root: evidence.root(container.pod),
            exit,
        })
    }

    pub fn make(&self, class: Class, statement: Text) -> Finding {
        let exit = format!("exitCode {}, reason {}", self.exit.code, self.exit.reason);
        Finding::new(class, &self.root.re, statement)
            .seen_on(&self.container.pod.re)
            .cite(self.container.cite_status(self.exit.field, exit))
    }

    /// What the program last said: its log and the message it left.
    pub fn words(&self) -> String {
        let log = self.container.last_log(self.evidence).map_or("", |l| l.text.as_str());
        let message = if self.is_start_error() { "" } else { self.exit.message };
        format!("{log}\n{message}")
    }

    pub fn cite_words(&self, line: &str) -> Cite {
        if let Some(log) = self.container.last_log(self.evidence).filter(|l| l.text.contains(line)) {
            return cite_log(log, line);
        }
        self.container.cite_status(&format!("{}.message", self.exit.field), line)
    }

    pub fn is_start_error(&self) -> bool {
        matches!(self.exit.reason, "StartError" | "ContainerCannotRun" | "RunContainerError")
    }

    pub fn ran_for(&self) -> Option<SignedDuration> {
        let time = |key: &str| field(self.exit.value, key).parse::<Timestamp>().ok();
        Some(time("finishedAt")?.duration_since(time("startedAt")?))
    }

    /// Events about this container, newest first.
    pub fn events(&self) -> impl Iterator<Item = &'a Event> {
        events_of(self.evidence, self.container)
    }
}

/// Events about one container, newest first.
pub fn events_of<'a>(evidence: &'a Evidence, container: Container<'a>) -> impl Iterator<Item = &'a Event> {
    let events = evidence.events(&container.pod.re).iter().rev();
    events.filter(move |e| match e.container() {
        Some(name) => name == container.name,
        None => container.pod.list("/spec/containers").len() == 1 || e.message.contains(container.name),
    })
}

pub fn cite_log(log: &crate::evidence::Log, line: &str) -> Cite {
    let source = Source::Log { container: log.container.clone(), previous: log.previous };
    Cite { object: log.pod.clone(), source, time: None, text: line.trim().chars().take(400).collect() }
}

/// A container that runs now: whether its last end was lately, or is one of many.
fn is_recent(container: &Container<'_>, exit: &Exit<'_>, now: Timestamp) -> bool {
    let finished = field(exit.value, "finishedAt").parse::<Timestamp>().ok();
    let Some(ago) = finished.map(|at| now.duration_since(at)) else {
        return !container.ready() && container.restarts() > 0;
    };
    let often = container.restarts() >= 3 && ago < SignedDuration::from_hours(1);
    if container.ready() {
        return exit.code != 0 && (often || ago < SignedDuration::from_mins(10));
    }
    often || ago < SignedDuration::from_mins(15)
}

fn ended_wrongly(container: &Container<'_>, exit: &Exit<'_>) -> bool {
    let policy = container.pod.str("/spec/restartPolicy");
    match container.role {
        Role::Init => exit.code != 0,
        Role::Sidecar => exit.code != 0 && container.pod.str("/status/phase") != "Failed",
        Role::Main => exit.code != 0 || policy.is_empty() || policy == "Always",
    }
}

/// A job that got its work done with another pod, or a cron job whose later run did.
fn work_was_done(evidence: &Evidence, pod: &Object, exit: &Exit<'_>) -> bool {
    let finished = field(exit.value, "finishedAt").parse::<Timestamp>().ok();
    let Some(job) = evidence.owner(pod).filter(|o| o.kind() == "Job") else { return false };
    if job.condition("Complete").is_some_and(|c| c.is_true()) {
        return true;
    }
    let success = evidence.owner(job).and_then(|cron| cron.time("/status/lastSuccessfulTime"));
    matches!((success, finished), (Some(success), Some(finished)) if success > finished)
}
