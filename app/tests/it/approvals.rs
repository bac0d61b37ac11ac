//! Changes on a real control plane: proposed, approved, run, undone; objects that move meanwhile; answers that are lost.
//! `TORTURE=1` is the long form of `make torture`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use cluster::{Class, Cluster, Limits, Policy, PolicyFile, Source, Verb};
use midwatch::approvals::{Acting, Approvals, Grant, Scope, Seal, Settings, State, View, Wish};
use midwatch::people::{Method, Person, Role};
use midwatch::store::{self, Store, proposals};
use serde_json::{Value, json};

use crate::proxy::{Cut, Proxy};
use crate::testbed::TestBed;

pub fn long() -> bool {
    std::env::var_os("TORTURE").is_some()
}

pub fn person(name: &str, roles: &[Role]) -> Person {
    let roles: BTreeSet<Role> = roles.iter().copied().collect();
    Person { name: name.into(), groups: vec!["dev".into()], roles, method: Method::Password, auth_time: store::now() }
}

pub fn ann() -> Person {
    person("ann", &[Role::Operator])
}

pub fn bob() -> Person {
    person("bob", &[Role::Approver])
}

/// A hub with a store of its own.
pub struct Office {
    pub hub: Arc<Approvals>,
    pub store: Store,
    _folder: tempfile::TempDir,
}

impl Office {
    pub async fn open(cluster: Cluster, settings: Settings, acting: Acting) -> Self {
        Self::under(busy_policy, cluster, settings, acting).await
    }

    pub async fn under(
        policy: impl Fn(&Path) -> PathBuf,
        cluster: Cluster,
        settings: Settings,
        acting: Acting,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("midwatch.db");
        let store = Store::open(&store::Settings { path, ..store::Settings::default() }).await.unwrap();
        let policy = PolicyFile::open(Some(&policy(folder.path()))).unwrap();
        let seal = Seal::open(folder.path()).unwrap();
        let hub = Approvals::new(store.clone(), Some(cluster), policy, seal, settings, acting);
        Self { hub: Arc::new(hub), store, _folder: folder }
    }

    pub async fn seq(&self, id: &str) -> i64 {
        proposals::by_id(self.store.read(), id).await.unwrap().unwrap().seq
    }

    /// Runs the job as the worker would.
    pub async fn run(&self, id: &str) -> View {
        let seq = self.seq(id).await;
        self.hub.execute(seq).await.unwrap();
        self.hub.view(&bob(), id).await.unwrap()
    }

    pub async fn approved(&self, wish: Wish) -> View {
        let view = self.hub.propose(&ann(), wish).await.unwrap();
        self.hub.approve(&bob(), &view.id, &view.digest).await.unwrap()
    }
}

/// The built-in policy, for objects that were made a moment ago and are written to all the time.
pub fn busy_policy(folder: &Path) -> PathBuf {
    let path = folder.join("policy.yaml");
    let text = Policy::default_text()
        .replace("settle_seconds: 60", "settle_seconds: 0")
        .replace("unavailable_replicas_pct: 25", "unavailable_replicas_pct: 100")
        .replace("{ user: 10, namespace: 10, cluster: 30 }", "{ user: 1000000, namespace: 1000000, cluster: 1000000 }");
    assert!(text.contains("settle_seconds: 0") && text.contains("1000000"));
    std::fs::write(&path, text).unwrap();
    path
}

/// The same, and new Deployments and ConfigMaps in one namespace after one yes.
pub fn creating_policy(folder: &Path, namespace: &str) -> PathBuf {
    let path = busy_policy(folder);
    let rule = "  - approve: { class: W, quorum: 1, ttl: 15m }\n";
    let create = format!(
        "  - approve: {{ class: D, verbs: create, resources: [deployments, configmaps], namespaces: [{namespace}], quorum: 1, distinct_from_requester: false, hold: 0s, ttl: 15m }}\n"
    );
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(rule));
    std::fs::write(&path, text.replace(rule, &format!("{rule}{create}"))).unwrap();
    path
}

pub fn busy() -> Settings {
    Settings { settle_seconds: 0, most_waiting: 1_000_000, ..Settings::default() }
}

pub fn limits() -> Limits {
    Limits { rate: 100_000, burst: 100_000, concurrency: 64, ..Limits::default() }
}

pub fn admin(bed: &TestBed) -> Cluster {
    let source = Source::Kubeconfig { path: Some(bed.text("kubeconfig").into()), context: Some("admin".into()) };
    cluster::open(&source, &limits()).unwrap()
}

pub fn wish(verb: Verb, kind: &str, namespace: &str, name: &str, body: Option<Value>) -> Wish {
    let api_version = if matches!(kind, "Deployment" | "StatefulSet") { "apps/v1" } else { "v1" };
    Wish {
        verb,
        api_version: api_version.into(),
        kind: kind.into(),
        namespace: Some(namespace.into()),
        name: Some(name.into()),
        subresource: None,
        query: Vec::new(),
        body,
        reason: Some("because the log says so".into()),
    }
}

/// A namespace with a deployment `web`, and the right of ann to change it.
pub fn furnish(bed: &TestBed, namespace: &str) {
    bed.kubectl(&["create", "namespace", namespace]);
    bed.kubectl(&[
        "-n",
        namespace,
        "create",
        "deployment",
        "web",
        "--image=registry.example.com/web:1",
        "--replicas=2",
    ]);
    bed.kubectl(&["-n", namespace, "create", "rolebinding", "dev", "--clusterrole=edit", "--group=dev"]);
}

pub fn object(bed: &TestBed, namespace: &str, what: &str) -> Value {
    serde_json::from_str(&bed.kubectl(&["-n", namespace, "get", what, "-o", "json"])).unwrap()
}

fn scale(namespace: &str, replicas: i64) -> Wish {
    wish(Verb::Patch, "Deployment", namespace, "web", Some(json!({"spec": {"replicas": replicas}})))
}

fn bed() -> TestBed {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    TestBed::start(&["--no-prometheus"])
}

#[tokio::test(flavor = "multi_thread")]
async fn approvals_from_wish_to_undo() {
    let bed = bed();
    from_wish_to_undo(&bed).await;
    refused_where_something_moved(&bed).await;
    a_grant_opens_what_is_off_for_one_change(&bed).await;
    crate::approvals_http::every_route_with_every_role(&bed).await;
    crate::approvals_helm::a_chart_is_proposed_object_by_object(&bed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn approvals_race_with_others_and_never_write_over_a_newer_object() {
    races(&bed()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn approvals_with_a_lost_answer_are_never_sent_again() {
    lost_answers(&bed()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn approvals_of_random_changes_are_undone() {
    random_changes(&bed()).await;
}

async fn from_wish_to_undo(bed: &TestBed) {
    furnish(bed, "path");
    let office = Office::open(admin(bed), busy(), Acting::AsPerson).await;
    let before = object(bed, "path", "deployment/web");
    let view = office.hub.propose(&ann(), scale("path", 3)).await.unwrap();
    let plan = view.plan.as_ref().unwrap();
    let lines: Vec<&str> = plan.lines.iter().map(|line| line.text.as_str()).collect();
    assert_eq!((lines.as_slice(), plan.class.as_str()), (&["spec.replicas", "2", "3"][..], "W"), "{plan:?}");
    assert_eq!(plan.as_user.as_deref(), Some("ann"));
    assert_eq!(object(bed, "path", "deployment/web")["spec"], before["spec"], "a proposal changes nothing");

    // who may not approve, and what was not looked at
    assert!(office.hub.approve(&ann(), &view.id, &view.digest).await.is_err());
    assert!(office.hub.approve(&bob(), &view.id, &"0".repeat(64)).await.is_err());
    assert!(office.hub.view(&person("joe", &[Role::Operator]), &view.id).await.is_err());
    assert_eq!(office.run(&view.id).await.state, State::Proposed, "nothing runs without a yes");

    office.hub.approve(&bob(), &view.id, &view.digest).await.unwrap();
    let done = office.run(&view.id).await;
    assert_eq!(done.state, State::Executed, "{:?}", done.outcome);
    assert_eq!(object(bed, "path", "deployment/web")["spec"]["replicas"], 3);
    // the job comes again, and the row is what it was
    assert_eq!(office.run(&view.id).await.state, State::Executed);

    let back = office.hub.undo(&ann(), &view.id).await.unwrap();
    office.hub.approve(&bob(), &back.id, &back.digest).await.unwrap();
    assert_eq!(office.run(&back.id).await.state, State::Executed);
    assert_eq!(object(bed, "path", "deployment/web")["spec"], before["spec"]);

    // the health of what was changed is watched until it is known
    let seq = office.seq(&back.id).await;
    for _ in 0..100 {
        office.hub.watch(seq).await.unwrap();
        if office.hub.view(&bob(), &back.id).await.unwrap().health.as_deref() == Some("good") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    assert_eq!(office.hub.view(&bob(), &back.id).await.unwrap().health.as_deref(), Some("good"));

    // the rights are ann's: what she may not do is not even proposed
    bed.kubectl(&["create", "namespace", "foreign"]);
    bed.kubectl(&["-n", "foreign", "create", "deployment", "web", "--image=registry.example.com/web:1"]);
    let refused = office.hub.propose(&ann(), scale("foreign", 3)).await.unwrap_err();
    assert!(refused.to_string().contains("forbidden"), "{refused}");
    // and what the policy forbids is refused whoever asks
    let exec = Wish { subresource: Some("exec".into()), ..wish(Verb::Connect, "Pod", "path", "web-0", None) };
    assert!(office.hub.propose(&ann(), exec).await.is_err());
    assert!(office.hub.propose(&ann(), wish(Verb::Delete, "Deployment", "path", "web", None)).await.is_err());
}

async fn refused_where_something_moved(bed: &TestBed) {
    furnish(bed, "moved");
    let office = Office::open(admin(bed), busy(), Acting::AsPerson).await;
    let move_it: [(&str, &[&str]); 4] = [
        ("scaled by somebody else", &["scale", "deployment/web", "--replicas=4"]),
        ("another image", &["set", "image", "deployment/web", "web=registry.example.com/web:2"]),
        ("labelled", &["label", "deployment/web", "moved=yes"]),
        ("deleted", &["delete", "deployment/web"]),
    ];
    for (what, command) in move_it {
        let view = office.approved(scale("moved", 3)).await;
        bed.kubectl(&[&["-n", "moved"], command].concat());
        let after = office.run(&view.id).await;
        assert_eq!(after.state, State::Stale, "{what}: {:?}", after.outcome);
        // a denied, a withdrawn and a paused one do not run either
        if what == "labelled" {
            let denied = office.approved(scale("moved", 5)).await;
            office.hub.deny(&bob(), &denied.id, "no").await.unwrap();
            assert_eq!(office.run(&denied.id).await.state, State::Denied);
            let withdrawn = office.approved(scale("moved", 5)).await;
            office.hub.withdraw(&ann(), &withdrawn.id).await.unwrap();
            assert_eq!(office.run(&withdrawn.id).await.state, State::Withdrawn);
            let paused = office.approved(scale("moved", 5)).await;
            office.hub.pause(&ann(), "wait").await.unwrap();
            assert_eq!(office.run(&paused.id).await.state, State::Stale);
            office.hub.resume(&bob()).await.unwrap();
            assert_eq!(object(bed, "moved", "deployment/web")["spec"]["replicas"], 4);
        }
    }
}

async fn a_grant_opens_what_is_off_for_one_change(bed: &TestBed) {
    furnish(bed, "granted");
    bed.kubectl(&["-n", "granted", "create", "configmap", "old", "--from-literal=a=b"]);
    bed.kubectl(&["-n", "granted", "create", "configmap", "other", "--from-literal=a=b"]);
    let office = Office::open(admin(bed), busy(), Acting::AsPerson).await;
    let delete = |name: &str| wish(Verb::Delete, "ConfigMap", "granted", name, None);
    assert!(office.hub.propose(&ann(), delete("old")).await.is_err(), "off without a grant");
    let grant = |subject: &str, class: Class, hours: f64| Grant {
        subject: subject.into(),
        scope: Scope {
            classes: vec![class],
            namespaces: vec!["granted".into()],
            kinds: vec!["ConfigMap".into()],
            names: vec!["o*".into()],
        },
        max_uses: 1,
        hours,
        reason: "cleaning up".into(),
    };
    let root = person("root", &[Role::Admin]);
    for (who, wanted) in [
        (&bob(), grant("ann", Class::D, 1.0)),
        (&root, grant("root", Class::D, 1.0)),
        (&root, grant("ann", Class::X, 1.0)),
        (&root, grant("ann", Class::D, 8.1)),
    ] {
        assert!(office.hub.grant(who, wanted.clone()).await.is_err(), "{} {wanted:?}", who.name);
    }
    office.hub.grant(&root, grant("ann", Class::D, 1.0)).await.unwrap();
    let (old, other) = (
        office.hub.propose(&ann(), delete("old")).await.unwrap(),
        office.hub.propose(&ann(), delete("other")).await.unwrap(),
    );
    // D asks for somebody else, who logged in lately
    let mut both = person("ann", &[Role::Operator, Role::Approver]);
    assert!(office.hub.approve(&both, &old.id, &old.digest).await.is_err());
    (both.name, both.auth_time) = ("eve".into(), store::now() - 301_000);
    assert!(office.hub.approve(&both, &old.id, &old.digest).await.is_err());
    office.hub.approve(&bob(), &old.id, &old.digest).await.unwrap();
    office.hub.approve(&bob(), &other.id, &other.digest).await.unwrap();
    assert_eq!(office.run(&old.id).await.state, State::Approved, "it is held for half a minute");
    tokio::time::sleep(Duration::from_secs(31)).await;
    let done = office.run(&old.id).await;
    assert_eq!(done.state, State::Executed, "{:?}", done.outcome);
    let second = office.run(&other.id).await;
    assert_eq!(second.state, State::Stale, "one use is one use: {:?}", second.outcome);
    assert!(bed.kubectl(&["-n", "granted", "get", "configmaps", "-o", "name"]).contains("configmap/other"));
    // and what was deleted comes back by its undo, which is a change like any other
    assert!(office.hub.undo(&ann(), &old.id).await.is_err(), "making it again is off too");
}

/// C10: somebody writes at a random moment around the execution. Whoever comes second must have seen the first.
async fn races(bed: &TestBed) {
    furnish(bed, "race");
    let proxy = Proxy::start(bed).await;
    let office = Office::open(admin(bed), busy(), Acting::AsPerson).await;
    let races = if long() { 1_000 } else { 30 };
    let (mut won, mut lost, mut stale) = (0, 0, 0);
    for race in 0..races {
        let wanted = 1 + (race % 2);
        proxy.patch("race", "web", &json!({"spec": {"replicas": 3 - wanted}})).await;
        let view = office.approved(scale("race", wanted)).await;
        let wait = Duration::from_micros(u64::try_from(race * 7_919 % 90_000).unwrap());
        let annotation = json!({"metadata": {"annotations": {"race": race.to_string()}}});
        let other = async {
            tokio::time::sleep(wait).await;
            proxy.patch("race", "web", &annotation).await
        };
        let (ours, theirs) = tokio::join!(office.run(&view.id), other);
        let they_were_first = theirs["spec"]["replicas"] != wanted;
        match (ours.state, they_were_first) {
            (State::Executed, false) => won += 1,
            (State::Executed, true) => {
                // after theirs only if the last look came after theirs too, and then it would have been refused
                stale += 1;
                println!("race {race}: written over a newer object");
            }
            (State::Stale, _) => lost += 1,
            (other, _) => panic!("race {race}: {other:?} {:?}", ours.outcome),
        }
    }
    println!("{races} races: {won} written, {lost} refused, {stale} written over a newer object");
    assert_eq!(stale, 0);
    assert!(won > 0 && lost > 0, "the races were no races");
}

/// C9: the write is taken and the answer is lost. It is read, and not sent again.
async fn lost_answers(bed: &TestBed) {
    furnish(bed, "lost");
    let proxy = Proxy::start(bed).await;
    let quick = Limits { timeout: Duration::from_millis(1_500), ..limits() };
    let cluster = cluster::open(&Source::Server(proxy.url()), &quick).unwrap();
    let office = Office::open(cluster, busy(), Acting::AsOwner).await;
    let trials = if long() { 1_000 } else { 12 };
    let mut outcomes = std::collections::BTreeMap::<String, u32>::new();
    let (mut trial, mut overtaken) = (0, 0);
    while trial < trials {
        let wanted = 1 + (trial % 2);
        proxy.patch("lost", "web", &json!({"spec": {"replicas": 3 - wanted}})).await;
        let view = office.approved(scale("lost", wanted)).await;
        let cut = [Cut::AfterWrite, Cut::BeforeWrite, Cut::ErrorAfterWrite][usize::try_from(trial).unwrap() % 3];
        proxy.cut(cut);
        let before = proxy.writes.load(Ordering::SeqCst);
        let mut seen = office.run(&view.id).await;
        proxy.cut(Cut::Never);
        // the deployment controller was quicker, and nothing was written: once more
        if seen.state == State::Stale {
            assert_eq!(proxy.writes.load(Ordering::SeqCst), before, "trial {trial}");
            overtaken += 1;
            assert!(overtaken <= trials, "nearly all were overtaken");
            continue;
        }
        assert_eq!(seen.state, State::Unknown, "trial {trial}: {:?}", seen.outcome);
        let began = std::time::Instant::now();
        while seen.state == State::Unknown {
            assert!(began.elapsed() < Duration::from_secs(60), "trial {trial}: never settled");
            seen = office.run(&view.id).await;
            tokio::time::sleep(Duration::from_millis(if seen.state == State::Unknown { 500 } else { 0 })).await;
        }
        let writes = proxy.writes.load(Ordering::SeqCst) - before;
        let replicas = proxy.get("lost", "web").await["spec"]["replicas"].clone();
        let text = seen.outcome.unwrap()["text"].as_str().unwrap().to_owned();
        assert_eq!(writes, 1, "trial {trial}: sent {writes} times");
        let took = replicas == wanted;
        assert_eq!(took, cut != Cut::BeforeWrite, "trial {trial}");
        assert_eq!(text, if took { "it took effect" } else { "it did not take effect" }, "trial {trial} {cut:?}");
        *outcomes.entry(format!("{cut:?}: {text}")).or_default() += 1;
        trial += 1;
    }
    println!("{trials} lost answers, 0 double writes, {overtaken} more were overtaken: {outcomes:?}");
}

/// I6: random reversible changes, each undone: the specification is what it was, byte for byte.
async fn random_changes(bed: &TestBed) {
    furnish(bed, "undo");
    let proxy = Proxy::start(bed).await;
    let office = Office::open(admin(bed), busy(), Acting::AsPerson).await;
    let wanted = if long() { 1_000 } else { 40 };
    let (mut equal, mut skipped) = (0, 0);
    let mut rest = Vec::new();
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    for trial in 0.. {
        if equal + rest.len() == wanted {
            break;
        }
        assert!(skipped < wanted, "too few were tried");
        let before = proxy.get("undo", "web").await;
        let body = random_change(&mut random, &before);
        let view = match office
            .hub
            .propose(&ann(), wish(Verb::Patch, "Deployment", "undo", "web", Some(body.clone())))
            .await
        {
            Ok(view) => view,
            Err(refused) if refused.to_string().contains("nothing would change") => {
                skipped += 1;
                continue;
            }
            Err(refused) => panic!("trial {trial} {body}: {refused}"),
        };
        office.hub.approve(&bob(), &view.id, &view.digest).await.unwrap();
        // the deployment controller writes its own annotation now and then: then it is proposed anew
        let done = office.run(&view.id).await;
        if done.state == State::Stale {
            skipped += 1;
            continue;
        }
        assert_eq!(done.state, State::Executed, "trial {trial} {body}: {:?}", done.outcome);
        assert_ne!(relevant(&proxy.get("undo", "web").await), relevant(&before), "trial {trial} {body}");
        match undone(&office, &view.id).await {
            Ok(()) if relevant(&proxy.get("undo", "web").await) == relevant(&before) => equal += 1,
            Ok(()) => rest.push(format!("{trial} {body}: not equal")),
            Err(why) => rest.push(format!("{trial} {body}: {why}")),
        }
    }
    println!(
        "{wanted} changes undone, {equal} equal, {skipped} more changed nothing or were overtaken; the rest: {rest:#?}"
    );
    assert!(rest.len() * 1_000 <= wanted, "{rest:#?}");
}

/// What a person would compare: specification, labels, and annotations that no controller writes.
fn relevant(object: &Value) -> String {
    let mut annotations = object["metadata"]["annotations"].clone();
    if let Some(map) = annotations.as_object_mut() {
        map.remove("deployment.kubernetes.io/revision");
    }
    json!([object["spec"], object["metadata"]["labels"], annotations]).to_string()
}

fn random_change(random: &mut impl FnMut(u64) -> u64, before: &Value) -> Value {
    let pick = random(5);
    match pick {
        0 => json!({"spec": {"replicas": 1 + random(4)}}),
        1 => json!({"metadata": {"labels": {format!("label-{}", random(3)): format!("v{}", random(9))}}}),
        2 => {
            json!({"metadata": {"annotations": {format!("note.example.com/{}", random(3)): format!("line\n{}", random(9))}}})
        }
        3 => {
            let mut containers = before["spec"]["template"]["spec"]["containers"].clone();
            containers[0]["image"] = format!("registry.example.com/web:{}", 1 + random(5)).into();
            json!({"spec": {"template": {"spec": {"containers": containers}}}})
        }
        _ => {
            let at = format!("2026-11-24T0{}:00:00Z", random(9));
            json!({"spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": at}}}}})
        }
    }
}

async fn undone(office: &Office, id: &str) -> Result<(), String> {
    for _ in 0..3 {
        let back = office.hub.undo(&ann(), id).await.map_err(|error| error.to_string())?;
        office.hub.approve(&bob(), &back.id, &back.digest).await.map_err(|error| error.to_string())?;
        let done = office.run(&back.id).await;
        match done.state {
            State::Executed => return Ok(()),
            // a controller wrote in between: look again
            State::Stale => {}
            other => return Err(format!("{other:?} {:?}", done.outcome)),
        }
    }
    Err("the object did not keep still".to_owned())
}
