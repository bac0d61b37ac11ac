//! Selectors against a plain model of their meaning, and loading against whatever a file may hold.

use std::borrow::Cow;
use std::collections::BTreeMap;

use proptest::prelude::*;
use replay::{Recording, Replay};
use serde_json::json;

use crate::harness::{get, names};

type Labels = BTreeMap<String, String>;

fn label() -> impl Strategy<Value = (String, String)> {
    ("[abc]", "[xyz]?")
}

#[derive(Debug, Clone)]
enum Term {
    Equal(String, String),
    Unequal(String, String),
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Missing(String),
}

impl Term {
    fn text(&self) -> String {
        match self {
            Self::Equal(key, value) => format!("{key}={value}"),
            Self::Unequal(key, value) => format!("{key} != {value}"),
            Self::In(key, values) => format!("{key} in ({})", values.join(", ")),
            Self::NotIn(key, values) => format!("{key} notin ({})", values.join(",")),
            Self::Exists(key) => key.clone(),
            Self::Missing(key) => format!("!{key}"),
        }
    }

    fn holds(&self, labels: &Labels) -> bool {
        match self {
            Self::Equal(key, value) => labels.get(key) == Some(value),
            Self::Unequal(key, value) => labels.get(key) != Some(value),
            Self::In(key, values) => labels.get(key).is_some_and(|value| values.contains(value)),
            Self::NotIn(key, values) => !labels.get(key).is_some_and(|value| values.contains(value)),
            Self::Exists(key) => labels.contains_key(key),
            Self::Missing(key) => !labels.contains_key(key),
        }
    }
}

fn term() -> impl Strategy<Value = Term> {
    let values = || prop::collection::vec("[xyz]", 1..3);
    prop_oneof![
        label().prop_map(|(key, value)| Term::Equal(key, value)),
        label().prop_map(|(key, value)| Term::Unequal(key, value)),
        ("[abc]", values()).prop_map(|(key, values)| Term::In(key, values)),
        ("[abc]", values()).prop_map(|(key, values)| Term::NotIn(key, values)),
        "[abc]".prop_map(Term::Exists),
        "[abc]".prop_map(Term::Missing),
    ]
}

fn served(pods: &[Labels]) -> Replay {
    let items: Vec<_> = pods
        .iter()
        .enumerate()
        .map(|(number, labels)| {
            let metadata =
                json!({"name": format!("p{number:02}"), "namespace": format!("n{}", number % 3), "labels": labels});
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"nodeName": labels.get("a")}})
        })
        .collect();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string();
    Replay::new(Recording::from_files([("pods.json".to_owned(), Cow::Owned(list.into_bytes()))]).unwrap())
}

/// The wanted pods in the order of a list: by namespace, then by name.
fn expected(pods: &[Labels], wanted: impl Fn(&Labels) -> bool) -> Vec<String> {
    let mut names: Vec<(usize, String)> = pods
        .iter()
        .enumerate()
        .filter(|(_, labels)| wanted(labels))
        .map(|(number, _)| (number % 3, format!("p{number:02}")))
        .collect();
    names.sort();
    names.into_iter().map(|(_, name)| name).collect()
}

fn encode(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    #[test]
    fn label_selectors_leave_what_their_meaning_says(
        pods in prop::collection::vec(prop::collection::btree_map("[abc]", "[xyz]?", 0..4), 1..12),
        terms in prop::collection::vec(term(), 1..4),
        limit in 1_usize..5,
    ) {
        let selector: Vec<String> = terms.iter().map(Term::text).collect();
        let wanted = expected(&pods, |labels| terms.iter().all(|term| term.holds(labels)));
        let path = format!("/api/v1/pods?labelSelector={}", encode(&selector.join(",")));
        let replay = served(&pods);
        prop_assert_eq!(run(names(&replay, &path)), wanted.clone());
        let mut paged = Vec::new();
        let mut token = String::new();
        loop {
            let page = run(crate::harness::json(&replay, &format!("{path}&limit={limit}{token}")));
            let items = page["items"].as_array().unwrap();
            prop_assert!(items.len() <= limit);
            paged.extend(items.iter().map(|item| item["metadata"]["name"].as_str().unwrap().to_owned()));
            match page["metadata"]["continue"].as_str() {
                Some(next) => token = format!("&continue={next}"),
                None => break,
            }
        }
        prop_assert_eq!(paged, wanted);
    }

    #[test]
    fn field_selectors_leave_what_their_meaning_says(
        pods in prop::collection::vec(prop::collection::btree_map("[abc]", "[xyz]", 0..4), 1..12),
        value in "[xyz]?",
        equal in any::<bool>(),
    ) {
        let of = |labels: &Labels| labels.get("a").cloned().unwrap_or_default();
        let wanted = expected(&pods, |labels| (of(labels) == value) == equal);
        let operator = if equal { "=" } else { "!=" };
        let path = format!("/api/v1/pods?fieldSelector={}", encode(&format!("spec.nodeName{operator}{value}")));
        prop_assert_eq!(run(names(&served(&pods), &path)), wanted);
    }

    #[test]
    fn no_selector_and_no_token_stops_the_server(text in "\\PC{0,24}") {
        let replay = served(&[Labels::new()]);
        for parameter in ["labelSelector", "fieldSelector", "continue", "limit", "timeoutSeconds"] {
            let (status, _) = run(get(&replay, &format!("/api/v1/pods?{parameter}={}", encode(&text))));
            prop_assert!([200, 400, 410].contains(&status.as_u16()), "{parameter}: {status}");
        }
    }

    #[test]
    fn no_file_stops_the_loader(
        name in "(objects/a|logs/n/p/c|cluster|metrics|gaps|n/p/logs)\\.(yaml|json|log|txt)",
        text in prop_oneof![
            "\\PC{0,80}",
            "(apiVersion: v1\n|kind: (Pod|List|Event|Secret|CustomResourceDefinition)\n|metadata: (\\{name: a\\}|3|\\[\\])\n|items: \\[(3|\\{\\}|null)\\]\n|data: 3\n|spec: \\{names: 3\\}\n|---\n){0,8}",
            "(\\{\"kind\":\"(PodList|Secret)\",\"apiVersion\":\"v1\",\"(metadata|items|data)\":(\\{\"name\":\"a\"\\}|\\[1,\\{\\}\\]|null|7)\\}){0,3}",
        ],
    ) {
        let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: n}\n";
        let files = [(name, Cow::Borrowed(text.as_bytes())), ("z.yaml".to_owned(), Cow::Borrowed(pod.as_bytes()))];
        if let Ok(recording) = Recording::from_files(files) {
            let replay = Replay::new(recording);
            prop_assert_eq!(run(get(&replay, "/api/v1/namespaces/n/pods/p")).0.as_u16(), 200);
        }
    }
}
