//! The cluster: does it answer, do the clocks agree, does the account have the rights that it needs, and no more.

use cluster::{Cluster, Limits, reason};
use futures::{StreamExt, stream};
use http::{Request, header};
use jiff::Timestamp;
use kube::client::Body;
use serde_json::{Value, json};

use super::impersonation;
use super::manifest::groups;
use super::rights::{Grant, Right, of, parts};
use super::{Line, bad, good, note};
use crate::app::cluster_source;
use crate::config::Config;

/// Ages and deadlines are wrong by as much; certificates begin to fail.
const SKEW_S: i64 = 30;
const REVIEW: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
/// Without these hardly anything can be said.
const NEEDED: [&str; 2] = ["pods", "events"];

pub async fn check(config: &Config, now: Timestamp) -> Vec<Line> {
    let limits = Limits::default();
    let cluster = match cluster::open(&cluster_source(config), &limits) {
        Ok(cluster) => cluster,
        Err(error) => return vec![bad(format!("集群：{error}"), format!("cluster: {error}"))],
    };
    let (name, server) = (&cluster.name, &cluster.server);
    let version = match cluster.check().await {
        Ok(version) => version.unwrap_or_else(|| "?".to_owned()),
        Err(error) => return vec![bad(format!("集群 {name}：{error}"), format!("cluster {name}: {error}"))],
    };
    let mut lines = vec![good(
        format!("集群 {name}（{server}）有应答，版本 {version}"),
        format!("cluster {name} ({server}) answers, version {version}"),
    )];
    lines.extend(clock(&cluster, now).await);
    lines.extend(rights(&cluster).await);
    lines.extend(impersonation::check(&cluster, config).await);
    lines
}

async fn clock(cluster: &Cluster, now: Timestamp) -> Option<Line> {
    let request = Request::get("/version").body(Body::empty()).ok()?;
    let response = cluster.client.send(request).await.ok()?;
    let date = response.headers().get(header::DATE)?.to_str().ok()?;
    let theirs = jiff::fmt::rfc2822::parse(date).ok()?.timestamp();
    let skew = now.as_second() - theirs.as_second();
    Some(if skew.abs() > SKEW_S {
        bad(
            format!("时钟：本机与 API server 相差 {skew} 秒，请同步时间（NTP）"),
            format!("clock: this machine and the API server differ by {skew} s; synchronise it (NTP)"),
        )
    } else {
        good("时钟与 API server 一致", "clock agrees with the API server's")
    })
}

/// The account's answer for one verb on one resource.
struct Answer {
    right: &'static Right,
    name: &'static str,
    verb: &'static str,
    allowed: bool,
}

async fn rights(cluster: &Cluster) -> Vec<Line> {
    let asked = [Grant::Reader, Grant::ConfigMaps, Grant::Withheld]
        .into_iter()
        .flat_map(of)
        .flat_map(|right| right.pairs().map(move |(name, verb)| (right, name, verb)));
    let answers = stream::iter(asked).map(|(right, name, verb)| async move {
        allowed(cluster, name, verb).await.map(|allowed| Answer { right, name, verb, allowed })
    });
    let answers: Result<Vec<Answer>, String> = answers.buffered(8).collect::<Vec<_>>().await.into_iter().collect();
    match answers {
        Ok(answers) => compare(&answers),
        Err(why) => vec![note(format!("权限：无法询问（{why}）"), format!("rights: they cannot be asked for ({why})"))],
    }
}

async fn allowed(cluster: &Cluster, name: &'static str, verb: &str) -> Result<bool, String> {
    let (group, resource, subresource) = parts(name);
    may(cluster, &json!({"verb": verb, "group": group, "resource": resource, "subresource": subresource})).await
}

/// What the API server answers for the account that asks.
pub async fn may(cluster: &Cluster, attributes: &Value) -> Result<bool, String> {
    let body = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes}});
    let request = Request::post(REVIEW)
        .header(header::CONTENT_TYPE, "application/json")
        .body(body.to_string().into_bytes())
        .map_err(|error| error.to_string())?;
    let answer = cluster.client.request::<Value>(request).await.map_err(|error| reason(&error))?;
    Ok(answer["status"]["allowed"] == true)
}

/// What the account has beside what it needs.
fn compare(answers: &[Answer]) -> Vec<Line> {
    let needed = |answer: &&Answer| answer.right.grant != Grant::Withheld;
    let missing: Vec<&Answer> = answers.iter().filter(needed).filter(|answer| !answer.allowed).collect();
    let mut lines = Vec::new();
    if missing.is_empty() {
        let count = answers.iter().filter(needed).count();
        lines.push(good(
            format!("权限：所需的 {count} 条读取权限均已具备"),
            format!("rights: all {count} that are needed to read are there"),
        ));
    } else {
        lines.extend([Grant::Reader, Grant::ConfigMaps].into_iter().flat_map(of).filter_map(|right| {
            let of_right: Vec<&Answer> = missing.iter().copied().filter(|one| std::ptr::eq(one.right, right)).collect();
            (!of_right.is_empty()).then(|| loss(right, &of_right))
        }));
        let rules = role(&missing);
        lines.push(note(
            format!("授予以上权限的 ClusterRole：\n{rules}"),
            format!("a ClusterRole that grants these:\n{rules}"),
        ));
    }
    lines.extend(secrets(answers));
    lines.extend(excess(answers));
    lines
}

fn loss(right: &Right, missing: &[&Answer]) -> Line {
    let what = listed(missing);
    let (zh, en) = right.loss;
    let zh = format!("权限：在所有命名空间中缺少 {what}；看不到：{zh}");
    let en = format!("rights: missing in all namespaces: {what}; unseen: {en}");
    if missing.iter().any(|one| NEEDED.contains(&one.name)) { bad(zh, en) } else { note(zh, en) }
}

/// That Secrets cannot be read is as it should be, and what a diagnosis does without is said.
fn secrets(answers: &[Answer]) -> Option<Line> {
    let mut of_secrets = answers.iter().filter(|one| one.name == "secrets");
    let (zh, en) = of_secrets.clone().next()?.right.loss;
    of_secrets.all(|one| !one.allowed).then(|| {
        good(
            format!("权限：不能读取 Secret，理应如此；看不到：{zh}"),
            format!("rights: Secrets may not be read, as it should be; unseen: {en}"),
        )
    })
}

/// What the account may and does not need: nothing uses it, and who takes the account has it.
fn excess(answers: &[Answer]) -> Option<Line> {
    let too_much: Vec<&Answer> =
        answers.iter().filter(|one| one.right.grant == Grant::Withheld && one.allowed).collect();
    let what = listed(&too_much);
    (!too_much.is_empty()).then(|| {
        note(
            format!("权限：多于所需：{what}。闸门不会放行这些请求，但更稳妥的是 `deploy/` 中的专用账号"),
            format!("rights: more than needed: {what}. The gate lets none of it out; an account of its own, as in `deploy/`, is safer"),
        )
    })
}

/// `pods (get, list), nodes (list)`
fn listed(answers: &[&Answer]) -> String {
    let mut verbs: Vec<(&str, Vec<&str>)> = Vec::new();
    for one in answers {
        match verbs.iter_mut().find(|(name, _)| *name == one.name) {
            Some((_, verbs)) => verbs.push(one.verb),
            None => verbs.push((one.name, vec![one.verb])),
        }
    }
    verbs.iter().map(|(name, verbs)| format!("{name} ({})", verbs.join(", "))).collect::<Vec<_>>().join("; ")
}

/// The YAML that mends it.
fn role(missing: &[&Answer]) -> String {
    let mut text = "    apiVersion: rbac.authorization.k8s.io/v1\n    kind: ClusterRole\n    metadata: {name: midwatch}\n    rules:".to_owned();
    let mut names: Vec<&'static str> = missing.iter().map(|one| one.name).collect();
    names.dedup();
    let (subresources, objects): (Vec<_>, Vec<_>) = names.into_iter().partition(|name| name.contains('/'));
    for (names, verbs) in [(objects, "get, list"), (subresources, "get")] {
        for (group, resources) in groups(names.into_iter()) {
            let resources = resources.join(", ");
            text.push_str(&format!("\n    - {{apiGroups: [\"{group}\"], resources: [{resources}], verbs: [{verbs}]}}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Mark;

    fn answers(allowed: impl Fn(&Right, &str) -> bool) -> Vec<Answer> {
        let rights = [Grant::Reader, Grant::ConfigMaps, Grant::Withheld].into_iter().flat_map(of);
        let each = rights.flat_map(|right| right.pairs().map(move |(name, verb)| (right, name, verb)));
        each.map(|(right, name, verb)| Answer { right, name, verb, allowed: allowed(right, name) }).collect()
    }

    fn told(lines: &[Line]) -> String {
        lines.iter().map(|line| format!("{:?} {}\n", line.mark, line.text.en)).collect()
    }

    #[test]
    fn exactly_what_is_needed_is_all_well() {
        let lines = compare(&answers(|right, _| right.grant != Grant::Withheld));
        assert!(lines.iter().all(|line| line.mark == Mark::Good), "{}", told(&lines));
        assert!(told(&lines).contains("Secrets may not be read"));
    }

    #[test]
    fn what_is_missing_is_told_with_its_loss_and_the_role_that_mends_it() {
        let lines = compare(&answers(|right, name| {
            right.grant != Grant::Withheld && !matches!(name, "pods" | "pods/log" | "jobs.batch")
        }));
        let told = told(&lines);
        assert!(
            told.contains("Bad rights: missing in all namespaces: pods (get, list); unseen: almost nothing"),
            "{told}"
        );
        assert!(
            told.contains("Note rights: missing in all namespaces: jobs.batch (get, list); unseen: failed"),
            "{told}"
        );
        for rule in [
            r#"{apiGroups: [""], resources: [pods], verbs: [get, list]}"#,
            r#"{apiGroups: ["batch"], resources: [jobs], verbs: [get, list]}"#,
            r#"{apiGroups: [""], resources: [pods/log], verbs: [get]}"#,
        ] {
            assert!(told.contains(rule), "{rule} is not in {told}");
        }
        assert!(!told.contains("[secrets"), "the role must not ask for Secrets: {told}");
    }

    #[test]
    fn an_administrator_is_told_that_it_is_more_than_needed() {
        let told = told(&compare(&answers(|_, _| true)));
        assert!(
            told.contains("more than needed: secrets (get, list)") && told.contains("pods/exec (get, create)"),
            "{told}"
        );
        assert!(!told.contains("as it should be"), "{told}");
    }
}
