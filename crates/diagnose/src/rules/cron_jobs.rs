//! Cron jobs that do not run when they should: suspended, unreadable schedules, missed runs, a run that does not end.

use std::str::FromStr;

use croner::Cron;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::class::Class;
use crate::event::Event;
use crate::evidence::{Evidence, Target};
use crate::finding::{Cite, Finding, text};
use crate::object::{Object, ObjectRef};

pub fn cron_jobs(evidence: &Evidence) -> Vec<Finding> {
    evidence.kind("CronJob").filter(|c| c.deleting_since().is_none()).filter_map(|c| finding(evidence, c)).collect()
}

fn finding(evidence: &Evidence, cron: &Object) -> Option<Finding> {
    if cron.bool("/spec/suspend") == Some(true) {
        return Some(suspended(cron));
    }
    if let Some(finding) = unreadable(evidence, cron) {
        return Some(finding);
    }
    blocked(evidence, cron).or_else(|| missed(evidence, cron))
}

fn patch(cron: &Object, spec: &serde_json::Value) -> String {
    let body = serde_json::json!({"spec": spec});
    format!("kubectl patch cronjob {}{} --type merge -p '{body}'", cron.name(), cron.re.flag())
}

fn suspended(cron: &Object) -> Finding {
    let path = cron.re.path();
    let statement =
        text(format!("CronJob {path} 被挂起，不会再运行"), format!("cron job {path} is suspended and does not run"));
    Finding::new(Class::CronjobSuspended, &cron.re, statement)
        .cite(Cite::field(cron, "/spec/suspend"))
        .fix(text("恢复运行", "resume it"), patch(cron, &serde_json::json!({"suspend": false})))
}

/// The schedule as the controller reads it: five fields or a nickname; an interval (`@every`) has no calendar.
enum Schedule {
    Calendar(Box<Cron>),
    Interval,
    Invalid(String),
}

fn schedule(cron: &Object) -> Schedule {
    let text = cron.str("/spec/schedule").trim();
    if text.starts_with("@every") {
        return Schedule::Interval;
    }
    let fields = text.split_whitespace().count();
    if !text.starts_with('@') && fields != 5 {
        return Schedule::Invalid(format!("{fields} fields instead of 5"));
    }
    match Cron::from_str(text) {
        Ok(calendar) => Schedule::Calendar(Box::new(calendar)),
        Err(error) => Schedule::Invalid(error.to_string()),
    }
}

fn told<'a>(evidence: &'a Evidence, cron: &Object, reasons: &[&str]) -> Option<&'a Event> {
    let event = evidence.event(&cron.re, reasons)?;
    let since = cron.time("/status/lastScheduleTime");
    (since.is_none() || event.last > since).then_some(event)
}

fn unreadable(evidence: &Evidence, cron: &Object) -> Option<Finding> {
    let event = told(
        evidence,
        cron,
        &["UnparseableSchedule", "UnParseableCronJobSchedule", "InvalidSchedule", "UnknownTimeZone"],
    );
    let written = cron.str("/spec/schedule");
    let why = match (event, schedule(cron)) {
        (Some(event), _) => event.message.clone(),
        (None, Schedule::Invalid(why)) => why,
        (None, Schedule::Interval) => return None,
        (None, Schedule::Calendar(calendar)) => {
            // a day that no month has, such as the 31st of February
            next(&calendar, &TimeZone::UTC, evidence.now).is_none().then(|| "no date matches".to_owned())?
        }
    };
    let path = cron.re.path();
    let zone = cron.str("/spec/timeZone");
    let zone = if zone.is_empty() { String::new() } else { format!(" ({zone})") };
    let statement = text(
        format!("CronJob {path} 的 schedule「{written}」{zone}无法使用：{why}"),
        format!("the schedule \"{written}\"{zone} of cron job {path} cannot be used: {why}"),
    );
    let finding = Finding::new(Class::CronjobScheduleInvalid, &cron.re, statement)
        .cites(event.map(Event::cite))
        .cite(Cite::field(cron, "/spec/schedule"))
        .fix(
            text("改成合法的 schedule（例：每天 02:00）", "give it a valid schedule (here: every day at 02:00)"),
            patch(cron, &serde_json::json!({"schedule": "0 2 * * *"})),
        );
    Some(finding)
}

fn next(calendar: &Cron, zone: &TimeZone, after: Timestamp) -> Option<Timestamp> {
    calendar.find_next_occurrence(&after.to_zoned(zone.clone()), false).ok().map(|next| next.timestamp())
}

/// The first run that should have started after the last one and by now has not, with three minutes of grace. None in an
/// unknown zone.
fn overdue(evidence: &Evidence, cron: &Object) -> Option<Timestamp> {
    let Schedule::Calendar(calendar) = schedule(cron) else { return None };
    let zone = match cron.str("/spec/timeZone") {
        "" => TimeZone::UTC,
        name => TimeZone::get(name).ok()?,
    };
    let since = cron.time("/status/lastScheduleTime").or_else(|| cron.created())?;
    let due = next(&calendar, &zone, since)?;
    (evidence.now.duration_since(due).as_secs() > 180).then_some(due)
}

fn active(cron: &Object) -> Vec<ObjectRef> {
    let jobs = cron.list("/status/active").iter();
    jobs.filter_map(|j| j["name"].as_str()).map(|name| ObjectRef::new("Job", cron.namespace(), name)).collect()
}

/// `Forbid` and a run that has not ended. Runs that merely overlap once are no fault: the next one has to be late.
fn blocked(evidence: &Evidence, cron: &Object) -> Option<Finding> {
    let jobs = active(cron);
    let first = jobs.first()?;
    if cron.str("/spec/concurrencyPolicy") != "Forbid" {
        return None;
    }
    let event = told(evidence, cron, &["JobAlreadyActive"]);
    let due = overdue(evidence, cron);
    if event.is_none() && due.is_none() {
        return None;
    }
    let path = cron.re.path();
    let started = evidence.get(first).and_then(|job| job.time("/status/startTime")).map(|t| t.to_string());
    let (zh, en) = started.map_or_else(Default::default, |t| (format!("（{t} 开始）"), format!(" (started {t})")));
    let statement = text(
        format!(
            "CronJob {path} 的上一次运行 {}{zh} 还没有结束，concurrencyPolicy 为 Forbid，新的运行被跳过",
            first.name
        ),
        format!(
            "the run {}{en} of cron job {path} has not ended, and with concurrencyPolicy Forbid new runs are skipped",
            first.name
        ),
    );
    let mut finding = Finding::new(Class::CronjobConcurrencyBlocked, &cron.re, statement)
        .cites(event.map(Event::cite))
        .cite(Cite::field(cron, "/spec/concurrencyPolicy"))
        .cite(Cite::field(cron, "/status/active"));
    if event.is_none() {
        finding = finding.likely();
    }
    for job in &jobs {
        let pods = evidence.get(job).map(|job| evidence.pods_of(job)).unwrap_or_default();
        finding = pods.iter().fold(finding.because(job.clone()), |f, pod| f.because(pod.re.clone()));
    }
    let finding = finding
        .fix(
            text("看没有结束的运行卡在哪里", "see where the run that does not end is stuck"),
            format!("kubectl logs -n {} -l job-name={} --all-containers --tail=50", cron.namespace(), first.name),
        )
        .advice(text(
            "给 Job 设置 activeDeadlineSeconds，让卡住的运行自动结束",
            "set activeDeadlineSeconds on the job template, so that a stuck run ends by itself",
        ));
    Some(finding)
}

fn missed(evidence: &Evidence, cron: &Object) -> Option<Finding> {
    let reasons = ["MissSchedule", "TooManyMissedTimes", "FailedNeedsStart"];
    let event = told(evidence, cron, &reasons);
    let due = overdue(evidence, cron);
    let asked = evidence.target == Target::Object(cron.re.clone());
    // a creation that the API server refuses is told by the refusal
    if evidence.event(&cron.re, &["FailedCreate"]).is_some() && event.is_none() {
        return None;
    }
    if event.is_none() && due.is_none_or(|due| !asked && evidence.now.duration_since(due).as_secs() < 900) {
        return None;
    }
    let path = cron.re.path();
    let deadline = cron.int("/spec/startingDeadlineSeconds");
    let when = due.map_or_else(String::new, |due| due.to_string());
    let why = event.map_or_else(String::new, |e| format!("：{}", e.message));
    let statement = text(
        format!("CronJob {path} 错过了计划的运行 {when}{why}"),
        format!("cron job {path} missed the run of {when}{}", why.replace('：', ": ")),
    );
    let mut finding = Finding::new(Class::CronjobMissedRuns, &cron.re, statement)
        .cites(event.map(Event::cite))
        .cite(Cite::field(cron, "/spec/schedule"))
        .cite(Cite::field(cron, "/status/lastScheduleTime"));
    if event.is_none() {
        finding = finding.likely();
    }
    if deadline.is_none_or(|seconds| seconds < 60) {
        finding = finding.cite(Cite::field(cron, "/spec/startingDeadlineSeconds")).fix(
            text(
                "把 startingDeadlineSeconds 设为 300，短暂的停顿不再使运行丢失",
                "set startingDeadlineSeconds to 300, so that a short pause loses no run",
            ),
            patch(cron, &serde_json::json!({"startingDeadlineSeconds": 300})),
        );
    }
    let finding = finding.fix(
        text("补跑一次", "run it once now"),
        format!("kubectl create job {0}-manual --from=cronjob/{0}{1}", cron.name(), cron.re.flag()),
    );
    Some(finding)
}
