//! The cluster: does it answer, do the clocks agree, what may be read.

use std::collections::BTreeMap;

use cluster::{Cluster, Limits, reason};
use diagnose::kinds::{KINDS, Kind};
use futures::{StreamExt, stream};
use http::{Request, header};
use jiff::Timestamp;
use kube::client::Body;
use serde_json::{Value, json};

use super::loss::without;
use super::{Line, bad, good, note};
use crate::app::cluster_source;
use crate::config::Config;

/// Ages and deadlines are wrong by as much; certificates begin to fail.
const SKEW_S: i64 = 30;
const REVIEW: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
/// Without these hardly anything can be said.
const NEEDED: [&str; 2] = ["pods", "events"];

pub async fn check(config: &Config, now: Timestamp) -> Vec<Line> {
    let limits = Limits { rate: 100, burst: 200, ..Limits::default() };
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

/// What is asked for: a list of a kind over all namespaces, or the logs of pods.
#[derive(Clone, Copy)]
enum Right {
    List(&'static Kind),
    Logs,
}

impl Right {
    fn resource(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::List(kind) => {
                let group = kind.api_version().split_once('/').map_or("", |(group, _)| group);
                (group, kind.plural, "")
            }
            Self::Logs => ("", "pods", "log"),
        }
    }
}

async fn rights(cluster: &Cluster) -> Vec<Line> {
    let all = KINDS.iter().map(Right::List).chain([Right::Logs]);
    let asked = stream::iter(all).map(|right| async move { (right, allowed(cluster, right).await) });
    let answers: Vec<(Right, Result<bool, String>)> = asked.buffered(8).collect().await;
    if let Some(why) = answers.iter().find_map(|(_, answer)| answer.as_ref().err()) {
        return vec![note(format!("权限：无法询问（{why}）"), format!("rights: they cannot be asked for ({why})"))];
    }
    let denied: Vec<Right> = answers.iter().filter(|(_, may)| *may == Ok(false)).map(|(right, _)| *right).collect();
    if denied.is_empty() {
        let count = answers.len() - 1;
        return vec![good(
            format!("权限：{count} 种对象和 Pod 日志均可读"),
            format!("rights: all {count} kinds and the logs of pods may be read"),
        )];
    }
    let mut lines: Vec<Line> = denied.iter().map(|right| loss(*right)).collect();
    let rules = role(&denied);
    lines.push(note(
        format!("授予以上权限的 ClusterRole：\n{rules}"),
        format!("a ClusterRole that grants these:\n{rules}"),
    ));
    lines
}

async fn allowed(cluster: &Cluster, right: Right) -> Result<bool, String> {
    let (group, resource, subresource) = right.resource();
    let verb = if subresource.is_empty() { "list" } else { "get" };
    let attributes = json!({"verb": verb, "group": group, "resource": resource, "subresource": subresource});
    let body = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes}});
    let request = Request::post(REVIEW)
        .header(header::CONTENT_TYPE, "application/json")
        .body(body.to_string().into_bytes())
        .map_err(|error| error.to_string())?;
    let answer = cluster.client.request::<Value>(request).await.map_err(|error| reason(&error))?;
    Ok(answer["status"]["allowed"] == true)
}

fn loss(right: Right) -> Line {
    let (_, resource, subresource) = right.resource();
    let (zh, en) = match right {
        Right::List(kind) => without(kind.name),
        Right::Logs => ("崩溃的原因和日志中点名的依赖", "reasons of crashes, and dependencies that a log names"),
    };
    let what = if subresource.is_empty() { resource.to_owned() } else { format!("{resource}/{subresource}") };
    let zh = format!("权限：不能读取所有命名空间的 {what}，看不到：{zh}");
    let en = format!("rights: {what} may not be read in all namespaces; unseen: {en}");
    if NEEDED.contains(&what.as_str()) { bad(zh, en) } else { note(zh, en) }
}

/// The YAML that mends it.
fn role(denied: &[Right]) -> String {
    let mut groups: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for right in denied {
        let (group, resource, subresource) = right.resource();
        let name = if subresource.is_empty() { resource.to_owned() } else { format!("{resource}/{subresource}") };
        groups.entry(group).or_default().push(name);
    }
    let mut text = "    apiVersion: rbac.authorization.k8s.io/v1\n    kind: ClusterRole\n    metadata: {name: midwatch}\n    rules:".to_owned();
    for (group, resources) in groups {
        let resources = resources.join(", ");
        text.push_str(&format!(
            "\n    - {{apiGroups: [\"{group}\"], resources: [{resources}], verbs: [get, list, watch]}}"
        ));
    }
    text
}
