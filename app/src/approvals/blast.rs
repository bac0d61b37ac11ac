//! How far a change reaches: in words for the person who decides, read off the object and its preview.

use cluster::{Request, Verb};
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blast {
    /// Each a sentence in English and in Chinese.
    pub lines: Vec<(String, String)>,
}

/// Kinds whose pods follow their template.
const WORKLOADS: [&str; 4] = ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"];

pub fn blast(request: &Request, live: Option<&Value>, after: Option<&Value>) -> Blast {
    let mut lines = Vec::new();
    let mut say = |en: String, zh: String| lines.push((en, zh));
    let object = live.or(after);
    let kind = object.and_then(|object| object["kind"].as_str()).unwrap_or_default();
    let namespace = request.within().map_or_else(
        || ("the whole cluster".to_owned(), "整个集群".to_owned()),
        |name| (format!("the namespace {name}"), format!("命名空间 {name}")),
    );
    say(format!("one object, in {}", namespace.0), format!("一个对象，位于{}", namespace.1));
    let replicas = |object: Option<&Value>| object.and_then(|object| object["spec"]["replicas"].as_i64());
    match (replicas(live), replicas(after)) {
        (Some(old), Some(new)) if old != new => {
            say(format!("replicas {old} -> {new}"), format!("副本数 {old} -> {new}"));
            if new == 0 {
                say("nothing of it runs afterwards".to_owned(), "之后不再有任何副本运行".to_owned());
            }
        }
        (Some(old), None) if request.verb == Verb::Delete => {
            say(format!("its {old} replicas stop"), format!("它的 {old} 个副本会停止"));
        }
        _ => {}
    }
    if let (Some(live), Some(after)) = (live, after)
        && WORKLOADS.contains(&kind)
        && live["spec"]["template"] != after["spec"]["template"]
    {
        let count = replicas(Some(live)).map_or_else(|| "all".to_owned(), |count| count.to_string());
        say(
            format!("the pod template changes: {count} pods are replaced, a few at a time"),
            format!("Pod 模板有变化：{count} 个 Pod 会被逐步替换"),
        );
    }
    if request.verb == Verb::Delete && request.query.get("propagationPolicy").is_none_or(|p| p != &["Orphan"]) {
        say("what it owns goes with it".to_owned(), "它拥有的对象会一起删除".to_owned());
    }
    Blast { lines }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_scale_to_nothing_says_so() {
        let object = |n: i64| json!({"kind": "Deployment", "spec": {"replicas": n, "template": {}}});
        let request = Request { verb: Verb::Patch, namespace: Some("shop".into()), ..Request::default() };
        let found = blast(&request, Some(&object(3)), Some(&object(0)));
        let english: Vec<&str> = found.lines.iter().map(|(en, _)| en.as_str()).collect();
        assert_eq!(english, ["one object, in the namespace shop", "replicas 3 -> 0", "nothing of it runs afterwards"]);
    }

    #[test]
    fn a_changed_template_replaces_the_pods() {
        let object = |image: &str| json!({"kind": "Deployment", "spec": {"replicas": 2, "template": {"image": image}}});
        let found = blast(&Request::default(), Some(&object("a")), Some(&object("b")));
        assert!(found.lines.iter().any(|(en, _)| en.contains("2 pods are replaced")), "{found:?}");
    }
}
