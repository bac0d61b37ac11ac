//! Properties of classes, policy, canonical requests and names, on generated input. `FUZZ_CASES` makes the runs long.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use cluster::{
    Asked, Class, Effect, Identity, JSON_PATCH, MERGE_PATCH, Policy, Preconditions, Request, STRATEGIC_MERGE_PATCH,
    Seen, Verb, canonical_json, classify, strict_json,
};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use serde_json::{Map, Value, json};

fn config() -> ProptestConfig {
    let cases = std::env::var("FUZZ_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(100);
    let kept = FileFailurePersistence::Direct("tests/property.regressions");
    ProptestConfig {
        cases,
        failure_persistence: Some(Box::new(kept)),
        max_global_rejects: cases.saturating_mul(50),
        ..ProptestConfig::default()
    }
}

const KINDS: [(&str, &str); 22] = [
    ("", "pods"),
    ("", "services"),
    ("", "secrets"),
    ("", "configmaps"),
    ("", "nodes"),
    ("", "namespaces"),
    ("", "persistentvolumes"),
    ("", "persistentvolumeclaims"),
    ("", "serviceaccounts"),
    ("apps", "deployments"),
    ("apps", "statefulsets"),
    ("apps", "daemonsets"),
    ("batch", "jobs"),
    ("batch", "cronjobs"),
    ("autoscaling", "horizontalpodautoscalers"),
    ("policy", "poddisruptionbudgets"),
    ("rbac.authorization.k8s.io", "roles"),
    ("networking.k8s.io", "ingresses"),
    ("certificates.k8s.io", "certificatesigningrequests"),
    ("apiextensions.k8s.io", "customresourcedefinitions"),
    ("example.com", "backups"),
    ("made.up", "things"),
];

fn key() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "metadata",
        "spec",
        "labels",
        "annotations",
        "replicas",
        "template",
        "containers",
        "image",
        "name",
        "finalizers",
        "unschedulable",
        "suspend",
        "privileged",
        "hostPath",
        "rules",
        "verbs",
        "data",
        "status",
        "$patch",
        "a",
        "é",
    ])
    .prop_map(str::to_owned)
}

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-5_i64..200).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("finite", |float| float.is_finite()).prop_map(Value::from),
        prop::sample::select(vec!["", "web:2", "escalate", "true", "x\u{202e}y", "é\n"]).prop_map(Value::from),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec((key(), inner), 0..4)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

fn object() -> impl Strategy<Value = Value> {
    prop::collection::vec((key(), value()), 0..4).prop_map(|entries| Value::Object(entries.into_iter().collect()))
}

fn request() -> impl Strategy<Value = Request> {
    let subresource = prop::option::weighted(
        0.3,
        prop::sample::select(vec!["scale", "status", "exec", "log", "proxy", "eviction", "finalize", "token", "other"]),
    );
    let kind = prop::sample::select(KINDS.to_vec());
    let content = prop::sample::select(vec![JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE_PATCH]);
    let verb = prop::sample::select(Verb::ALL.to_vec());
    let namespace = prop::option::of(prop::sample::select(vec!["shop", "kube-system", "midwatch", "pay"]));
    (verb, kind, subresource, namespace, object(), content, any::<bool>()).prop_map(
        |(verb, (group, resource), subresource, namespace, body, content, conditions)| {
            let writes = matches!(verb, Verb::Create | Verb::Update | Verb::Patch | Verb::Apply);
            let collection = matches!(verb, Verb::List | Verb::Watch | Verb::DeleteCollection);
            let named = !collection && (verb != Verb::Create || subresource.is_some());
            Request {
                cluster: "c".to_owned(),
                verb,
                group: group.to_owned(),
                version: "v1".to_owned(),
                resource: resource.to_owned(),
                subresource: subresource.filter(|_| !collection).map(str::to_owned),
                namespace: namespace.map(str::to_owned),
                name: named.then(|| "web".to_owned()),
                content_type: (verb == Verb::Patch).then(|| content.to_owned()),
                body: writes.then_some(body),
                preconditions: (conditions && writes && verb != Verb::Create)
                    .then(|| Preconditions { uid: Some("u".to_owned()), resource_version: Some("1".to_owned()) }),
                ..Request::default()
            }
        },
    )
}

/// Every place in a value where something can be added.
fn objects(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            found.push(path.to_owned());
            for (key, value) in map {
                objects(value, &format!("{path}/{}", key.replace('~', "~0").replace('/', "~1")), found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                objects(item, &format!("{path}/{index}"), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn shuffled(value: &Value, seed: usize) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().map(|(key, value)| (key.clone(), shuffled(value, seed))).collect();
            let turn = seed % entries.len().max(1);
            entries.rotate_left(turn);
            Value::Object(entries.into_iter().collect::<Map<_, _>>())
        }
        Value::Array(items) => items.iter().map(|item| shuffled(item, seed)).collect(),
        other => other.clone(),
    }
}

#[derive(Debug, Clone)]
struct Draft {
    effect: &'static str,
    classes: Vec<Class>,
    namespaces: Option<&'static str>,
    users: Option<&'static str>,
    quorum: u32,
}

fn draft() -> impl Strategy<Value = Draft> {
    let effect = prop::sample::select(vec!["deny", "approve", "allow"]);
    let namespaces = prop::option::of(prop::sample::select(vec!["shop", "sh*", "pay", "*"]));
    let users = prop::option::of(prop::sample::select(vec!["alice", "bob", "group:oncall", "*"]));
    (effect, prop::sample::subsequence(Class::ALL.to_vec(), 1..=3), namespaces, users, 1..4_u32).prop_filter_map(
        "classes that the effect can have",
        |(effect, classes, namespaces, users, quorum)| {
            let fits = |class: &Class| match effect {
                "allow" => *class <= Class::S,
                "approve" => (Class::W..=Class::X).contains(class),
                _ => true,
            };
            let classes: Vec<Class> = classes.into_iter().filter(fits).collect();
            (!classes.is_empty()).then_some(Draft { effect, classes, namespaces, users, quorum })
        },
    )
}

fn policy(drafts: &[Draft]) -> Policy {
    let rules: Vec<Value> = drafts
        .iter()
        .map(|draft| {
            let mut about = json!({"class": draft.classes});
            let users = if draft.effect == "approve" { "requesters" } else { "users" };
            for (field, value) in [("namespaces", draft.namespaces), (users, draft.users)] {
                if let Some(value) = value {
                    about[field] = json!(value);
                }
            }
            if draft.effect == "approve" {
                about["quorum"] = json!(draft.quorum);
            }
            json!({draft.effect: about})
        })
        .collect();
    let text = json!({"version": 1, "own": [], "rules": rules}).to_string();
    Policy::parse(&text).unwrap_or_else(|problems| panic!("{text}: {problems:?}"))
}

fn decide(policy: &Policy, request: &Request, user: &Identity) -> Effect {
    let classified = policy.scope().classify(request, &Seen::default());
    let now = "2026-11-24T12:00:00Z".parse().unwrap();
    policy.decide(&Asked { request, classified: &classified, live: None, identity: user, now }).effect
}

/// The same decision, written down as the text of the design says it.
fn reference(drafts: &[Draft], request: &Request, class: Class, user: &Identity) -> (&'static str, u32) {
    let simple = |pattern: &str, text: &str| match pattern.strip_suffix('*') {
        Some(start) => text.starts_with(start),
        None => pattern == text,
    };
    let applies = |draft: &&Draft| {
        let cluster_scoped =
            ["nodes", "namespaces", "persistentvolumes", "certificatesigningrequests", "customresourcedefinitions"]
                .contains(&request.resource.as_str());
        let namespace =
            if request.resource == "namespaces" { request.name.as_deref() } else { request.namespace.as_deref() };
        let inside = draft.namespaces.is_none_or(|pattern| match namespace {
            Some(namespace) => simple(pattern, namespace),
            None => draft.effect == "deny" && !cluster_scoped,
        });
        let asks = draft.users.is_none_or(|name| match name.strip_prefix("group:") {
            Some(group) => user.groups().iter().any(|own| own == group),
            None => simple(name, user.user()),
        });
        draft.classes.contains(&class) && inside && asks
    };
    let of = |effect: &str| drafts.iter().filter(|draft| draft.effect == effect).filter(applies).collect::<Vec<_>>();
    if class == Class::N || !of("deny").is_empty() {
        return ("deny", 0);
    }
    if let Some(quorum) = of("approve").iter().map(|draft| draft.quorum).max() {
        return ("approve", quorum);
    }
    if !of("allow").is_empty() || class == Class::R { ("allow", 0) } else { ("deny", 0) }
}

fn rank(effect: &Effect) -> (u8, u32) {
    match effect {
        Effect::Deny => (0, 0),
        Effect::Approve(terms) => (1, 10 - terms.quorum),
        Effect::Allow => (2, 0),
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn row_4_classes_are_total_and_a_channel_is_at_least_x(request in request(), live in prop::option::of(value()), after in prop::option::of(value())) {
        let found = classify(&request, live.as_ref(), after.as_ref());
        prop_assert!(!found.why.is_empty());
        let channel = ["exec", "proxy", "token", "other"].iter().any(|below| request.subresource.as_deref() == Some(below));
        prop_assert!(!channel || found.class >= Class::X, "{found:?}");
        prop_assert!(request.verb.reads() || found.class >= Class::W, "{found:?}");
        prop_assert!(request.verb != Verb::DeleteCollection || found.class == Class::N);
    }

    #[test]
    fn row_4_a_field_more_never_lowers_the_class(request in request(), key in key(), value in value(), at in any::<prop::sample::Index>()) {
        prop_assume!(request.body.is_some() && request.content_type.as_deref() != Some(JSON_PATCH));
        let before = classify(&request, None, None).class;
        let mut more = request.clone();
        let body = more.body.as_mut().unwrap();
        let mut places = Vec::new();
        objects(body, "", &mut places);
        let place = &places[at.index(places.len())];
        let map = body.pointer_mut(place).unwrap().as_object_mut().unwrap();
        prop_assume!(!map.contains_key(&key));
        map.insert(key, value);
        let after = classify(&more, None, None);
        prop_assert!(after.class >= before, "{before:?} became {after:?} by {:?}", more.body);
    }

    #[test]
    fn row_4_a_parameter_more_never_lowers_the_class(request in request(), name in "[a-zA-Z]{1,12}", value in "[a-z0-9]{0,5}") {
        let before = classify(&request, None, None).class;
        let mut more = request;
        more.query.insert(name, vec![value]);
        prop_assert!(classify(&more, None, None).class >= before);
    }

    #[test]
    fn row_4_versions_agree_and_an_unknown_write_is_at_least_d(mut request in request(), version in "v[1-9](beta[1-9])?") {
        let before = classify(&request, None, None);
        request.version = version;
        prop_assert_eq!(&classify(&request, None, None), &before);
        request.group = "unknown.example.org".to_owned();
        let unknown = classify(&request, None, None);
        prop_assert!(request.verb.reads() || unknown.class >= Class::D, "{unknown:?}");
    }

    #[test]
    fn row_5_the_policy_agrees_with_a_slow_reference(drafts in prop::collection::vec(draft(), 0..6), request in request(), user in prop::sample::select(vec!["alice", "bob", "carol"]), oncall in any::<bool>()) {
        let user = Identity::new(user, oncall.then(|| "oncall".to_owned())).unwrap();
        let policy = policy(&drafts);
        let class = policy.scope().classify(&request, &Seen::default()).class;
        let (effect, quorum) = match decide(&policy, &request, &user) {
            Effect::Allow => ("allow", 0),
            Effect::Approve(terms) => ("approve", terms.quorum),
            Effect::Deny => ("deny", 0),
        };
        prop_assert_eq!((effect, quorum), reference(&drafts, &request, class, &user), "{:?}", class);
    }

    #[test]
    fn row_5_order_does_not_matter_a_deny_wins_and_less_allows_less(drafts in prop::collection::vec(draft(), 1..6), request in request(), turn in 0..6_usize, gone in any::<prop::sample::Index>()) {
        let user = Identity::new("alice", ["oncall".to_owned()]).unwrap();
        let before = decide(&policy(&drafts), &request, &user);
        let mut other = drafts.clone();
        other.rotate_left(turn % drafts.len());
        other.reverse();
        prop_assert_eq!(&decide(&policy(&other), &request, &user), &before);
        let mut denied = drafts.clone();
        denied.insert(turn % drafts.len(), Draft { effect: "deny", classes: Class::ALL.to_vec(), namespaces: None, users: None, quorum: 1 });
        prop_assert_eq!(decide(&policy(&denied), &request, &user), Effect::Deny);
        let at = gone.index(drafts.len());
        prop_assume!(drafts[at].effect == "allow");
        let mut fewer = drafts.clone();
        fewer.remove(at);
        prop_assert!(rank(&decide(&policy(&fewer), &request, &user)) <= rank(&before));
    }

    #[test]
    fn row_6_form_does_not_matter_and_content_does(value in value(), other in value(), seed in 0..7_usize) {
        let text = serde_json::to_string_pretty(&shuffled(&value, seed)).unwrap();
        let read = strict_json(text.as_bytes()).unwrap();
        // Fractions with many digits do not read back, and requests with them are refused.
        let again = strict_json(&canonical_json(&value)).unwrap();
        prop_assume!(again == value || !value.to_string().contains('.'));
        prop_assert_eq!(canonical_json(&read), canonical_json(&value));
        prop_assert_eq!(canonical_json(&again), canonical_json(&value), "canonical form is stable");
        let same = canonical_json(&value) == canonical_json(&other);
        prop_assert!(!same || again == strict_json(&canonical_json(&other)).unwrap());
    }

    #[test]
    fn row_6_every_part_of_a_request_is_in_its_digest(request in request(), other in request()) {
        prop_assert_eq!(request.digest() == other.digest(), request.canonical() == other.canonical());
        let digest = request.digest();
        let mut changed = request.clone();
        changed.cluster.push('x');
        prop_assert_ne!(changed.digest(), digest);
        let mut changed = request.clone();
        changed.as_user = Some(Identity::new("mallory", []).unwrap());
        prop_assert_ne!(changed.digest(), digest);
        let mut changed = request.clone();
        changed.query.insert("force".to_owned(), vec!["true".to_owned()]);
        prop_assert_ne!(changed.digest(), digest);
        let mut changed = request.clone();
        changed.preconditions = Some(Preconditions { uid: Some("other".to_owned()), resource_version: None });
        prop_assert_ne!(changed.digest(), digest);
        let mut changed = request;
        changed.field_manager = Some("other".to_owned());
        prop_assert_ne!(changed.digest(), digest);
    }

    #[test]
    fn row_6_what_is_sent_is_what_was_meant(request in request()) {
        // A channel is read as one, by whatever verb it is asked for.
        let channel = matches!(request.subresource.as_deref(), Some("exec" | "proxy"));
        prop_assume!(!channel && request.verb != Verb::Connect);
        let Ok(http) = request.to_http() else { return Ok(()) };
        let read = Request::from_http(&http, "c", None).unwrap();
        prop_assert_eq!(read.digest(), request.digest(), "{:?} {:?}", http.uri(), request);
    }

    #[test]
    fn row_6_a_key_twice_is_refused(value in object(), key in key(), one in leaf(), two in leaf(), at in any::<prop::sample::Index>()) {
        let mut places = Vec::new();
        objects(&value, "", &mut places);
        let place = places[at.index(places.len())].clone();
        let mut marked = value;
        let map = marked.pointer_mut(&place).unwrap().as_object_mut().unwrap();
        map.insert(key.clone(), json!("@@"));
        let twice = format!("{one},{}:{two}", json!(key));
        let text = marked.to_string().replace("\"@@\"", &twice);
        prop_assert!(strict_json(text.as_bytes()).is_err(), "{text}");
    }

    #[test]
    fn row_12_no_name_leaves_its_segment(name in "\\PC{0,40}|[a-z0-9.%/-]{0,20}|(\\.\\.|%2f|%2e|/|\\\\|a){1,6}", namespace in "[a-z0-9.%/-]{0,12}", write in any::<bool>()) {
        let request = Request {
            verb: if write { Verb::Delete } else { Verb::Get },
            version: "v1".to_owned(),
            resource: "pods".to_owned(),
            namespace: Some(namespace.clone()),
            name: Some(name.clone()),
            ..Request::default()
        };
        if let Ok(http) = request.to_http() {
            let path = http.uri().path().to_owned();
            prop_assert_eq!(path.split('/').count(), 7, "{}", path);
            let lower = path.to_ascii_lowercase();
            prop_assert!(!lower.contains("%2f") && !lower.contains("%5c") && !lower.contains("%25"), "{}", path);
            prop_assert!(path.split('/').all(|segment| segment != ".." && segment != "."), "{}", path);
            let read = Request::from_http(&http, "", None).unwrap();
            prop_assert_eq!((read.name, read.namespace), (Some(name), Some(namespace)));
        }
    }
}
