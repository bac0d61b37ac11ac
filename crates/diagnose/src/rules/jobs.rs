//! Jobs that failed or are held back.

use crate::class::Class;
use crate::evidence::{Evidence, Target};
use crate::finding::{Cite, Finding, text};
use crate::object::{Condition, Object};

pub fn jobs(evidence: &Evidence) -> Vec<Finding> {
    let living = evidence.kind("Job").filter(|j| j.deleting_since().is_none());
    living.flat_map(|job| suspended(job).into_iter().chain(failed(evidence, job))).collect()
}

fn suspended(job: &Object) -> Option<Finding> {
    let over = job.conditions().any(|c| matches!(c.kind, "Complete" | "Failed") && c.is_true());
    if job.bool("/spec/suspend") != Some(true) || over {
        return None;
    }
    let path = job.re.path();
    let statement =
        text(format!("Job {path} 被挂起，不会创建 Pod"), format!("job {path} is suspended and makes no pods"));
    let finding = Finding::new(Class::JobSuspended, &job.re, statement).cite(Cite::field(job, "/spec/suspend")).fix(
        text("恢复运行", "resume it"),
        format!("kubectl patch job {}{} -p '{{\"spec\":{{\"suspend\":false}}}}'", job.name(), job.re.flag()),
    );
    Some(finding)
}

/// A failure that a later run of the same cron job made good is history, unless it was asked about.
fn made_good(evidence: &Evidence, job: &Object, failure: &Condition) -> bool {
    let Some(cron) = evidence.owner(job).filter(|o| o.kind() == "CronJob") else { return false };
    let asked = evidence.target == Target::Object(job.re.clone());
    !asked && failure.since.is_some() && cron.time("/status/lastSuccessfulTime") > failure.since
}

fn failed(evidence: &Evidence, job: &Object) -> Vec<Finding> {
    let Some(failure) = job.condition("Failed").filter(|c| c.is_true()) else { return Vec::new() };
    if made_good(evidence, job, &failure) {
        return Vec::new();
    }
    let path = job.re.path();
    let (reason, why) = (failure.reason, failure.message);
    let statement = text(format!("Job {path} 失败（{reason}）：{why}"), format!("job {path} failed ({reason}): {why}"));
    let cite = Cite::field(job, &format!("/status/conditions/{}/message", failure.index));
    let pods = evidence.pods_of(job);
    let because = |finding: Finding| pods.iter().fold(finding, |f, pod| f.because(pod.re.clone()));
    let symptom = because(Finding::new(Class::JobFailed, &job.re, statement).cite(cite.clone()));
    let cause = match reason {
        "DeadlineExceeded" => deadline(job),
        "BackoffLimitExceeded" | "FailedIndexes" | "MaxFailedIndexesExceeded" => backoff(job),
        _ => return vec![symptom],
    };
    vec![symptom, because(cause.cite(cite))]
}

fn deadline(job: &Object) -> Finding {
    let path = job.re.path();
    let limit = job.int("/spec/activeDeadlineSeconds").unwrap_or(0);
    let statement = text(
        format!("Job {path} 超过了期限 activeDeadlineSeconds={limit} 秒，被终止"),
        format!("job {path} ran longer than its deadline of {limit} s and was ended"),
    );
    Finding::new(Class::JobDeadlineExceeded, &job.re, statement)
        .cite(Cite::field(job, "/spec/activeDeadlineSeconds"))
        .fix(
            text(
                "导出清单，调大 activeDeadlineSeconds 后重新创建",
                "export it, raise activeDeadlineSeconds, and make it anew",
            ),
            format!("kubectl get {}{} -o yaml > {}.yaml", job.re.arg(), job.re.flag(), job.name()),
        )
}

fn backoff(job: &Object) -> Finding {
    let path = job.re.path();
    let limit = job.int("/spec/backoffLimit").unwrap_or(6);
    let failures = job.int("/status/failed").unwrap_or(0);
    let statement = text(
        format!("Job {path} 失败 {failures} 次，超过 backoffLimit={limit}"),
        format!("job {path} failed {failures} times, more than its back-off limit of {limit}"),
    );
    Finding::new(Class::JobBackoffLimitExceeded, &job.re, statement).cite(Cite::field(job, "/status/failed")).fix(
        text("看失败的 Pod 的日志，修好后重新创建 Job", "read the failed pods' logs, mend it, and make the job anew"),
        format!("kubectl logs -n {} -l job-name={} --all-containers --prefix --tail=50", job.namespace(), job.name()),
    )
}
