//! The limits of a plan, each at its edge.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use cluster::limits::{Counts, Freeze, Limits, Plan, Target, Windows, check};
use cluster::{Request, Verb};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value, json};

const NOW: &str = "2026-11-24T12:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn request(verb: Verb, resource: &str, namespace: &str) -> Request {
    let group = if resource == "pods" { "" } else { "apps" };
    Request {
        verb,
        group: group.to_owned(),
        version: "v1".to_owned(),
        resource: resource.to_owned(),
        namespace: Some(namespace.to_owned()),
        name: Some("web".to_owned()),
        field_manager: Some("midwatch".to_owned()),
        ..Request::default()
    }
}

fn target<'a>(request: &'a Request, live: Option<&'a Value>, after: Option<&'a Value>) -> Target<'a> {
    Target { request, live, after, owner: None }
}

fn plan<'a>(targets: &'a [Target<'a>]) -> Plan<'a> {
    Plan { targets, budgets: &[], counts: Counts::default(), now: now() }
}

/// The limits that are exceeded.
fn exceeded(limits: &Limits, plan: &Plan<'_>) -> Vec<&'static str> {
    match check(limits, &Windows::default(), plan) {
        Ok(()) => Vec::new(),
        Err(reasons) => {
            assert!(reasons.iter().all(|reason| !reason.text.is_empty()));
            reasons.into_iter().map(|reason| reason.limit).collect()
        }
    }
}

fn deployment(replicas: u64, ready: u64) -> Value {
    json!({"metadata": {"uid": "u1"}, "spec": {"replicas": replicas, "template": {"a": 1}}, "status": {"readyReplicas": ready}})
}

#[test]
fn a_plan_has_few_objects_in_one_namespace() {
    let patch = request(Verb::Patch, "deployments", "shop");
    let other = request(Verb::Patch, "deployments", "pay");
    let one = target(&patch, None, None);
    assert!(exceeded(&Limits::default(), &plan(&[one])).is_empty());
    assert_eq!(exceeded(&Limits::default(), &plan(&[one, one])), ["objects_per_plan"]);
    let many = Limits { objects_per_plan: 99, ..Limits::default() };
    assert!(exceeded(&many, &plan(&[one; 10])).is_empty());
    assert_eq!(exceeded(&many, &plan(&[one; 11])), ["objects_per_plan"], "ten is the most, whatever a file says");
    assert_eq!(exceeded(&many, &plan(&[one, target(&other, None, None)])), ["objects_per_plan"]);
}

#[test]
fn writes_within_the_hour_are_counted_for_user_namespace_and_cluster() {
    let patch = request(Verb::Patch, "deployments", "shop");
    let targets = [target(&patch, None, None)];
    for (counts, fine) in [
        (Counts { user: 9, namespace: 9, cluster: 29 }, true),
        (Counts { user: 10, namespace: 0, cluster: 0 }, false),
        (Counts { user: 0, namespace: 10, cluster: 0 }, false),
        (Counts { user: 0, namespace: 0, cluster: 30 }, false),
    ] {
        let plan = Plan { counts, ..plan(&targets) };
        assert_eq!(exceeded(&Limits::default(), &plan).is_empty(), fine, "{counts:?}");
    }
}

#[test]
fn replicas_stay_between_floor_and_ceiling() {
    let patch = request(Verb::Patch, "deployments", "shop");
    let live = deployment(3, 0);
    for (replicas, fine) in [(1, true), (100, true), (0, false), (101, false)] {
        let after = deployment(replicas, 0);
        let targets = [target(&patch, Some(&live), Some(&after))];
        assert_eq!(exceeded(&Limits::default(), &plan(&targets)).is_empty(), fine, "{replicas}");
    }
    let stopped = deployment(0, 0);
    let targets = [target(&patch, Some(&stopped), Some(&stopped))];
    assert!(exceeded(&Limits::default(), &plan(&targets)).is_empty(), "what does not change is not scaled");
}

#[test]
fn a_quarter_of_the_ready_replicas_may_go_and_one_always() {
    let patch = request(Verb::Patch, "deployments", "shop");
    for (ready, replicas, fine) in
        [(8, 6, true), (8, 5, false), (2, 1, true), (3, 1, false), (100, 75, true), (100, 74, false)]
    {
        let (live, after) = (deployment(ready, ready), deployment(replicas, ready));
        let targets = [target(&patch, Some(&live), Some(&after))];
        assert_eq!(exceeded(&Limits::default(), &plan(&targets)).is_empty(), fine, "{ready} to {replicas}");
    }
    let broken = (deployment(8, 1), deployment(2, 1));
    let targets = [target(&patch, Some(&broken.0), Some(&broken.1))];
    assert!(exceeded(&Limits::default(), &plan(&targets)).is_empty(), "what is not ready is not lost");
    let delete = request(Verb::Delete, "deployments", "shop");
    let live = deployment(8, 8);
    assert_eq!(
        exceeded(&Limits::default(), &plan(&[target(&delete, Some(&live), None)])),
        ["unavailable_replicas_pct"]
    );
}

#[test]
fn a_roll_out_counts_what_its_strategy_takes_away() {
    let patch = request(Verb::Patch, "deployments", "shop");
    let live = deployment(8, 8);
    for (strategy, fine) in [
        (json!({}), true),
        (json!({"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%"}}), true),
        (json!({"rollingUpdate": {"maxUnavailable": "50%"}}), false),
        (json!({"rollingUpdate": {"maxUnavailable": 2}}), true),
        (json!({"rollingUpdate": {"maxUnavailable": 3}}), false),
        (json!({"type": "Recreate"}), false),
    ] {
        let mut after = deployment(8, 8);
        after["spec"]["template"] = json!({"a": 2});
        after["spec"]["strategy"] = strategy.clone();
        let targets = [target(&patch, Some(&live), Some(&after))];
        assert_eq!(exceeded(&Limits::default(), &plan(&targets)).is_empty(), fine, "{strategy}");
    }
}

fn pod(ready: &str) -> Value {
    json!({"metadata": {"labels": {"app": "web"}}, "status": {"conditions": [{"type": "Ready", "status": ready}]}})
}

#[test]
fn pods_count_against_their_workload_and_their_budget() {
    let delete = request(Verb::Delete, "pods", "shop");
    let (ready, broken, owner) = (pod("True"), pod("False"), deployment(4, 4));
    let of = |pod| Target { request: &delete, live: Some(pod), after: None, owner: Some(&owner) };
    let many = Limits { objects_per_plan: 10, ..Limits::default() };
    assert!(exceeded(&many, &plan(&[of(&ready)])).is_empty());
    assert_eq!(exceeded(&many, &plan(&[of(&ready), of(&ready)])), ["unavailable_replicas_pct"]);
    assert!(exceeded(&many, &plan(&[of(&ready), of(&broken), of(&broken)])).is_empty());
    let budget = |allowed: u64, selector: Value| json!({"metadata": {"name": "web"}, "spec": {"selector": selector}, "status": {"disruptionsAllowed": allowed}});
    for (budget, fine) in [
        (budget(1, json!({"matchLabels": {"app": "web"}})), true),
        (budget(0, json!({"matchLabels": {"app": "web"}})), false),
        (budget(0, json!({"matchLabels": {"app": "api"}})), true),
        (budget(0, json!({"matchExpressions": [{"key": "app", "operator": "In", "values": ["web"]}]})), false),
        (budget(0, json!({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]})), true),
        (budget(0, json!({})), false),
    ] {
        let targets = [of(&ready)];
        let budgets = [budget];
        let plan = Plan { budgets: &budgets, ..plan(&targets) };
        assert_eq!(exceeded(&many, &plan).is_empty(), fine, "{budgets:?}");
    }
    let (targets, budgets) = ([of(&broken)], [budget(0, json!({"matchLabels": {"app": "web"}}))]);
    assert!(exceeded(&many, &Plan { budgets: &budgets, ..plan(&targets) }).is_empty(), "it was not ready anyway");
}

#[test]
fn what_somebody_else_changed_just_now_is_left_alone() {
    let patch = request(Verb::Patch, "deployments", "shop");
    let live = |manager: &str, time: &str, below: &str| json!({"metadata": {"managedFields": [{"manager": manager, "time": time, "subresource": below}]}});
    for (live, fine) in [
        (live("kubectl-edit", "2026-11-24T11:59:01Z", ""), false),
        (live("kubectl-edit", "2026-11-24T11:59:00Z", ""), true),
        (live("midwatch", "2026-11-24T11:59:59Z", ""), true),
        (live("kube-controller-manager", "2026-11-24T11:59:59Z", "status"), true),
        (live("argocd", "2026-11-24T12:00:30Z", ""), false),
    ] {
        let targets = [target(&patch, Some(&live), None)];
        assert_eq!(exceeded(&Limits::default(), &plan(&targets)).is_empty(), fine, "{live}");
    }
}

#[test]
fn nothing_changes_in_a_freeze() {
    let patch = request(Verb::Patch, "deployments", "shop");
    let targets = [target(&patch, None, None)];
    let freeze = |from: &str, until: &str| Freeze {
        from: from.to_owned(),
        until: until.to_owned(),
        days: Vec::new(),
        reason: Some("release".to_owned()),
    };
    let windows = Windows::read(&[freeze("11:00", "13:00")], TimeZone::UTC).unwrap();
    let reasons = check(&Limits::default(), &windows, &plan(&targets)).unwrap_err();
    assert_eq!((reasons[0].limit, reasons[0].text.contains("release")), ("freeze", true));
    let windows = Windows::read(&[freeze("13:00", "14:00")], TimeZone::UTC).unwrap();
    assert!(check(&Limits::default(), &windows, &plan(&targets)).is_ok());
}
