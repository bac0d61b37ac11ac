//! The policy: what its file may hold, and what its rules come to.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use cluster::{Asked, Class, Decision, Effect, Identity, Policy, Request, Seen, Verb};
use serde_json::{Value, json};

fn who(user: &str, groups: &[&str]) -> Identity {
    Identity::new(user, groups.iter().map(|group| (*group).to_owned())).unwrap()
}

fn policy(text: &str) -> Policy {
    Policy::parse(text).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

fn request(verb: Verb, resource: &str, namespace: &str, name: &str, body: Option<Value>) -> Request {
    let (resource, group) = resource.split_once('.').unwrap_or((resource, ""));
    Request {
        verb,
        group: group.to_owned(),
        version: "v1".to_owned(),
        resource: resource.to_owned(),
        namespace: Some(namespace.to_owned()).filter(|namespace| !namespace.is_empty()),
        name: Some(name.to_owned()).filter(|name| !name.is_empty()),
        body,
        ..Request::default()
    }
}

fn decide(policy: &Policy, request: &Request, live: Option<&Value>, user: &Identity) -> Decision {
    let classified = policy.scope().classify(request, &Seen { live, ..Seen::default() });
    let now = "2026-11-24T12:00:00Z".parse().unwrap();
    policy.decide(&Asked { request, classified: &classified, live, identity: user, now })
}

fn scale(namespace: &str) -> Request {
    let body = json!({"spec": {"replicas": 3}});
    request(Verb::Patch, "deployments.apps", namespace, "web", Some(body))
}

fn effect(decision: &Decision) -> &'static str {
    match decision.effect {
        Effect::Allow => "allow",
        Effect::Approve(_) => "approve",
        Effect::Deny => "deny",
    }
}

#[test]
fn the_built_in_policy_has_no_problem_and_does_as_its_comments_say() {
    let policy = policy(Policy::default_text());
    assert_eq!(policy.version(), Policy::default().version());
    assert_eq!(policy.number(), 1);
    let alice = who("alice", &[]);
    for (request, expected) in [
        (request(Verb::Get, "pods", "shop", "web", None), "allow"),
        (request(Verb::Get, "configmaps", "shop", "web", None), "allow"),
        (scale("shop"), "approve"),
        (scale("kube-system"), "deny"),
        (scale("monitoring"), "deny"),
        (scale("midwatch"), "deny"),
        (request(Verb::Delete, "deployments.apps", "shop", "web", None), "deny"),
        (request(Verb::Create, "pods", "shop", "", Some(json!({}))), "deny"),
        (request(Verb::DeleteCollection, "pods", "shop", "", None), "deny"),
    ] {
        let decision = decide(&policy, &request, None, &alice);
        assert_eq!(effect(&decision), expected, "{}: {decision:?}", request.summary());
    }
    let frozen = json!({"metadata": {"annotations": {"midwatch.dev/freeze": "true"}}, "spec": {"replicas": 2}});
    let decision = decide(&policy, &scale("shop"), Some(&frozen), &alice);
    assert_eq!((effect(&decision), decision.rule.as_str()), ("deny", "rules[0]"));
    assert!(decision.why.contains("midwatch.dev/freeze") && decision.why.contains("line"), "{decision:?}");
}

/// The file of the issue, as it stands there.
const ISSUE: &str = r#"
version: 3
protected: { namespaces: [kube-system, monitoring, aiops], labels: ["tier=prod"] }
rules:
  - deny:    { class: [X, N] }
  - deny:    { resources: ["*"], when: "object.metadata.annotations['aiops/freeze'] == 'true'" }   # CEL
  - approve: { class: W, namespaces: ["shop-*"], users: ["group:oncall"], quorum: 1, ttl: 15m }
  - approve: { class: D, namespaces: ["shop-*"], quorum: 2, distinct_from_requester: true, reauth: 5m, hold: 30s }
  - allow:   { class: R, users: ["*"] }
limits:
  objects_per_plan: 1            # hard maximum 10
  unavailable_replicas_pct: 25   # of ready replicas of the target, PDBs respected
  writes_per_hour: { user: 10, namespace: 10, cluster: 30 }
  registries: ["registry.example.com/"]
"#;

#[test]
fn the_schema_of_the_design_is_read() {
    let policy = policy(ISSUE);
    assert_eq!(policy.number(), 3);
    let (alice, oncall) = (who("alice", &[]), who("olga", &["oncall"]));
    let Effect::Approve(terms) = decide(&policy, &scale("shop-a"), None, &alice).effect else {
        panic!("a yes is needed")
    };
    assert_eq!((terms.quorum, terms.ttl, terms.hold, terms.reauth), (1, 900, 0, None));
    assert!(terms.may_approve(&oncall, &alice) && !terms.may_approve(&alice, &alice));
    let delete = request(Verb::Delete, "deployments.apps", "shop-a", "web", None);
    let Effect::Approve(terms) = decide(&policy, &delete, None, &alice).effect else { panic!("a yes is needed") };
    assert_eq!((terms.quorum, terms.hold, terms.reauth), (2, 30, Some(300)));
    assert!(terms.distinct_from_requester && !terms.may_approve(&alice, &alice) && terms.may_approve(&oncall, &alice));
    assert_eq!(effect(&decide(&policy, &scale("other"), None, &alice)), "deny");
    let frozen = json!({"metadata": {"annotations": {"aiops/freeze": "true"}}});
    assert_eq!(effect(&decide(&policy, &scale("shop-a"), Some(&frozen), &alice)), "deny");
    let pods = request(Verb::List, "pods", "shop-a", "", None);
    assert_eq!(effect(&decide(&policy, &pods, None, &alice)), "allow");
    let maps = request(Verb::List, "configmaps", "shop-a", "", None);
    assert_eq!(effect(&decide(&policy, &maps, None, &alice)), "deny", "above R nothing is allowed without a rule");
}

#[test]
fn every_problem_is_named_with_its_line() {
    let text = "version: x\nsurprise: 1\nprotected: {namespaces: shop}\nrules:\n- allow: {class: Z}\n- deny: {klass: W}\n- approve: {class: W, ttl: 15 minutes}\n- forbid: {}\nlimits:\n  objects_per_plan: -1\n";
    let problems = Policy::parse(text).unwrap_err();
    let lines: Vec<usize> = problems.iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [1, 2, 3, 5, 6, 7, 8, 10], "{problems:#?}");

    let text = "version: 1\ntimezone: Mars/Olympus\nprotected: {labels: [tier]}\nrules:\n- allow: {class: W}\n- allow: {}\n- approve: {class: N}\n- approve:\n    class: D\n    quorum: 9\n    ttl: 1h\n- deny:\n    when: object.metadata.\n- deny: {when: 'nosuch(1)'}\n- deny: {namespaces: []}\n- deny: {users: ['a b']}\nlimits:\n  objects_per_plan: 11\n  unavailable_replicas_pct: 101\n  replicas: {floor: 0}\n  registries: ['*']\n  freeze:\n  - {from: '18:00', until: x}\n";
    let problems = Policy::parse(text).unwrap_err();
    let mut lines: Vec<usize> = problems.iter().map(|problem| problem.line).collect();
    lines.dedup();
    assert_eq!(lines, [2, 3, 5, 6, 7, 10, 11, 13, 14, 15, 16, 18, 19, 20, 21, 23], "{problems:#?}");
    assert!(Policy::parse("").is_err() && Policy::parse("version: 1\n").is_err() && Policy::parse("[").is_err());
    assert!(Policy::parse("version: 1\nversion: 2\nrules: []\n").is_err(), "a key twice");
}

#[test]
fn a_condition_that_cannot_be_told_denies_and_never_lets_through() {
    let alice = who("alice", &[]);
    let deny = policy("version: 1\nrules:\n- approve: {class: W}\n- deny: {when: 'object.spec.x.startsWith(\"a\")'}\n");
    let decision = decide(&deny, &scale("shop"), None, &alice);
    assert_eq!(effect(&decision), "deny");
    assert!(decision.why.contains("could not be evaluated"), "{decision:?}");
    let approve = policy("version: 1\nrules:\n- approve: {class: W, when: 'object.spec.x.startsWith(\"a\")'}\n");
    assert_eq!(effect(&decide(&approve, &scale("shop"), None, &alice)), "deny");
}

#[test]
fn conditions_see_object_request_user_and_now() {
    let live = json!({"metadata": {"labels": {"team": "shop"}}, "spec": {"replicas": 2}});
    for (when, expected) in [
        ("object.metadata.labels.team == 'shop'", "approve"),
        ("request.verb == 'patch' && request.resource == 'deployments' && request.class == 'W'", "approve"),
        ("request.body.spec.replicas == 3", "approve"),
        ("'oncall' in user.groups", "approve"),
        ("user.name == 'bob'", "deny"),
        ("now.hour == 20 && now.weekday == 2", "approve"),
    ] {
        let policy = policy(&format!(
            "version: 1\ntimezone: Asia/Shanghai\nrules:\n- approve: {{class: W, when: \"{when}\"}}\n"
        ));
        let decision = decide(&policy, &scale("shop"), Some(&live), &who("alice", &["oncall"]));
        assert_eq!(effect(&decision), expected, "{when}: {decision:?}");
    }
}

#[test]
fn a_deny_sees_lists_over_all_namespaces_and_old_groups() {
    let policy = policy(
        "version: 1\nrules:\n- allow: {class: [R, S]}\n- deny: {resources: ingresses.networking.k8s.io}\n- deny: {namespaces: 'kube-*'}\n- deny: {resources: pods/log, namespaces: pay}\n",
    );
    let alice = who("alice", &[]);
    let mut log = request(Verb::Get, "pods", "pay", "web", None);
    log.subresource = Some("log".to_owned());
    for (request, expected) in [
        (request(Verb::List, "pods", "", "", None), "deny"),
        (request(Verb::List, "nodes", "", "", None), "allow"),
        (request(Verb::List, "pods", "shop", "", None), "allow"),
        (request(Verb::Get, "namespaces", "", "kube-system", None), "deny"),
        (request(Verb::Get, "namespaces", "", "shop", None), "allow"),
        (request(Verb::List, "ingresses.extensions", "shop", "", None), "deny"),
        (log, "deny"),
        (request(Verb::Get, "pods", "pay", "web", None), "allow"),
    ] {
        let decision = decide(&policy, &request, None, &alice);
        assert_eq!(effect(&decision), expected, "{}: {decision:?}", request.summary());
    }
}

#[test]
fn no_policy_lets_through_what_never_happens_nor_a_write_at_once() {
    let policy = policy("version: 1\nown: []\nrules:\n- allow: {class: [R, S]}\n- approve: {class: [W, D, X]}\n");
    let alice = who("alice", &[]);
    let node = request(Verb::Delete, "nodes", "", "n1", None);
    let decision = decide(&policy, &node, None, &alice);
    assert_eq!((effect(&decision), decision.rule.as_str()), ("deny", "built-in"));
    let Effect::Approve(terms) =
        decide(&policy, &request(Verb::Delete, "services", "shop", "a", None), None, &alice).effect
    else {
        panic!("a yes is needed")
    };
    assert_eq!((terms.quorum, terms.hold, terms.reauth), (1, 30, Some(300)), "the class brings its own terms");
    let job = request(Verb::Create, "jobs.batch", "shop", "", Some(json!({"spec": {}})));
    assert_eq!(policy.scope().classify(&job, &Seen::default()).class, Class::X);
    assert_eq!(effect(&decide(&policy, &job, None, &alice)), "approve");
}

#[test]
fn in_a_protected_place_a_destructive_write_takes_two_people_whatever_the_rule_says() {
    let text = "version: 1\nprotected: {namespaces: [pay], labels: [tier=prod]}\nrules:\n- approve: {class: D, quorum: 1, distinct_from_requester: false}\n";
    let policy = policy(text);
    let alice = who("alice", &[]);
    let prod = json!({"metadata": {"labels": {"tier": "prod"}}, "spec": {"replicas": 2}});
    for (request, live) in [(scale("pay"), None), (scale("shop"), Some(&prod))] {
        let Effect::Approve(terms) = decide(&policy, &request, live, &alice).effect else { panic!("a yes is needed") };
        assert!(terms.quorum == 2 && terms.distinct_from_requester, "{terms:?}");
    }
}
