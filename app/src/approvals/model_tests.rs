//! The whole of it against a model, on a real store: random people, crashes, repeats and steps of the clock.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, Ordering};

use cluster::{Digest, Terms};
use proptest::prelude::*;

use super::execute::Came;
use super::plan::tests::plan;
use super::*;
use crate::people::Method;

/// The wall clock of these tests, set to and fro.
static WALL: AtomicI64 = AtomicI64::new(0);
static SENT: AtomicI64 = AtomicI64::new(0);

#[derive(Debug, Clone)]
enum Op {
    Propose,
    Approve(usize, usize),
    /// Both who may say yes do.
    Agree(usize),
    ApproveOther(usize),
    Deny(usize, usize),
    Withdraw(usize),
    Pause(bool),
    NewPolicy,
    Clock(i64),
    Expire,
    /// Try to send, and what comes of it: an answer, none, or a crash before anything is recorded.
    Execute(usize, Ending),
    Crash,
}

#[derive(Debug, Clone, Copy)]
enum Ending {
    Done,
    NotDone,
    Lost,
    Crash,
}

fn op() -> impl Strategy<Value = Op> {
    let ending = prop_oneof![Just(Ending::Done), Just(Ending::NotDone), Just(Ending::Lost), Just(Ending::Crash)];
    prop_oneof![
        2 => Just(Op::Propose),
        8 => (0usize..3, 0usize..4).prop_map(|(p, who)| Op::Approve(p, who)),
        6 => (0usize..3).prop_map(Op::Agree),
        1 => (0usize..4).prop_map(Op::ApproveOther),
        1 => (0usize..3, 0usize..4).prop_map(|(p, who)| Op::Deny(p, who)),
        1 => (0usize..3).prop_map(Op::Withdraw),
        1 => prop::bool::weighted(0.3).prop_map(Op::Pause),
        1 => Just(Op::NewPolicy),
        3 => (-200_000i64..400_000).prop_map(Op::Clock),
        1 => Just(Op::Expire),
        8 => (0usize..3, ending).prop_map(|(p, ending)| Op::Execute(p, ending)),
        2 => Just(Op::Crash),
    ]
}

fn person(who: usize) -> Person {
    // ann proposes; joe may not approve
    let (name, role) =
        [("ann", Role::Operator), ("bob", Role::Approver), ("eve", Role::Approver), ("joe", Role::Viewer)][who];
    let roles = BTreeSet::from([role]);
    Person {
        name: name.into(),
        groups: Vec::new(),
        roles,
        method: Method::Password,
        auth_time: WALL.load(Ordering::SeqCst),
    }
}

/// A policy that differs by a comment, which makes it another one.
fn write_policy(folder: &tempfile::TempDir, number: u32) -> std::path::PathBuf {
    let path = folder.path().join("policy.yaml");
    let text = Policy::default_text()
        .replace("{ user: 10, namespace: 10, cluster: 30 }", "{ user: 99, namespace: 99, cluster: 99 }");
    std::fs::write(&path, format!("{text}\n# {number}\n")).unwrap();
    path
}

/// What the model remembers of one proposal.
#[derive(Debug, Clone)]
struct Known {
    id: String,
    seq: i64,
    digest: String,
    expires_at: Millis,
    policy: Digest,
    yeses: BTreeSet<usize>,
    ended: bool,
    sent: u32,
}

struct World {
    hub: Arc<Approvals>,
    policy: PolicyFile,
    folder: tempfile::TempDir,
    known: Vec<Known>,
    paused: bool,
    high: Millis,
    policies: u32,
}

impl World {
    fn hub(store: &Store, policy: &PolicyFile) -> Arc<Approvals> {
        let settings = Settings { watch_minutes: 0, most_waiting: 1_000, ..Settings::default() };
        let seal = Seal::new(&[7; 32]).unwrap();
        let mut hub = Approvals::new(store.clone(), None, policy.clone(), seal, settings, Acting::Never);
        let wall = || WALL.load(Ordering::SeqCst);
        hub.clock = Clock { wall, began: wall(), steady: Instant::now() };
        Arc::new(hub)
    }

    /// The time that counts: it never goes back.
    fn now(&mut self) -> Millis {
        self.high = self.high.max(self.hub.now());
        self.high
    }

    async fn step(&mut self, op: Op) -> Result<(), TestCaseError> {
        let now = self.now();
        match op {
            Op::Propose if self.known.len() < 3 => self.propose(now).await,
            Op::Approve(which, who) if which < self.known.len() => {
                let known = self.known[which].clone();
                let done = self.hub.approve(&person(who), &known.id, &known.digest).await;
                if done.is_ok() {
                    prop_assert!(who == 1 || who == 2, "{} approved", person(who).name);
                    prop_assert!(!known.ended && !known.yeses.contains(&who));
                    self.known[which].yeses.insert(who);
                }
            }
            Op::Agree(which) => {
                for who in [1, 2] {
                    Box::pin(self.step(Op::Approve(which, who))).await?;
                }
            }
            Op::ApproveOther(who) if !self.known.is_empty() => {
                let id = self.known[0].id.clone();
                prop_assert!(self.hub.approve(&person(who), &id, &"0".repeat(64)).await.is_err());
            }
            Op::Deny(which, who) if which < self.known.len() => {
                let id = self.known[which].id.clone();
                if self.hub.deny(&person(who), &id, "no").await.is_ok() {
                    prop_assert!(who == 1 || who == 2);
                    prop_assert_eq!(self.known[which].sent, 0);
                    self.known[which].ended = true;
                }
            }
            Op::Withdraw(which) if which < self.known.len() => {
                let id = self.known[which].id.clone();
                if self.hub.withdraw(&person(0), &id).await.is_ok() {
                    self.known[which].ended = true;
                }
            }
            Op::Pause(true) => self.paused |= self.hub.pause(&person(1), "test").await.is_ok(),
            Op::Pause(false) => {
                self.hub.resume(&person(1)).await.unwrap();
                self.paused = false;
            }
            Op::NewPolicy => {
                self.policies += 1;
                write_policy(&self.folder, self.policies);
                self.hub.reload_policy().await.unwrap();
            }
            Op::Clock(by) => drop(WALL.fetch_add(by, Ordering::SeqCst)),
            Op::Expire => self.hub.expire().await.unwrap(),
            Op::Execute(which, ending) if which < self.known.len() => self.execute(which, ending).await?,
            // all that is in memory is gone
            Op::Crash => self.hub = Self::hub(&self.hub.store, &self.policy),
            _ => {}
        }
        Ok(())
    }

    async fn propose(&mut self, now: Millis) {
        let mut plan = plan();
        plan.terms = Terms { quorum: 2, distinct_from_requester: true, reauth: Some(300), ..plan.terms };
        plan.policy = self.hub.current_policy().version();
        plan.expires_at = now + 600_000;
        plan.request.name = Some(format!("web-{}", self.known.len()));
        let (policy, expires_at) = (plan.policy, plan.expires_at);
        let view = self.hub.store_plan(&person(0), plan, Some("please".into()), None, now).await.unwrap();
        let seq = proposals::by_id(self.hub.store.read(), &view.id).await.unwrap().unwrap().seq;
        let known = Known {
            id: view.id,
            seq,
            digest: view.digest,
            expires_at,
            policy,
            yeses: BTreeSet::new(),
            ended: false,
            sent: 0,
        };
        self.known.push(known);
    }

    async fn execute(&mut self, which: usize, ending: Ending) -> Result<(), TestCaseError> {
        let seq = self.known[which].seq;
        let row = proposals::by_seq(self.hub.store.read(), seq).await.unwrap().unwrap();
        let plan = self.hub.plan(&row).unwrap().unwrap();
        let came = |event| Came { event, text: "t".into(), code: None, audit_id: None, object: None, applied: None };
        // what the job does with what a crash left
        if row.state == "intended" {
            self.hub.record(&row, &plan, came(Event::Lost)).await.unwrap();
            return Ok(());
        }
        let now = self.now();
        if !self.hub.intend(&row, &plan).await.unwrap() {
            return Ok(());
        }
        let known = &mut self.known[which];
        known.sent += 1;
        prop_assert_eq!(known.sent, 1, "sent twice");
        prop_assert!(known.yeses.len() >= 2, "sent with {} yeses", known.yeses.len());
        prop_assert!(!known.ended, "sent after its end");
        prop_assert!(!self.paused, "sent while paused");
        prop_assert!(now < known.expires_at, "sent after its time");
        prop_assert_eq!(known.policy, self.hub.current_policy().version());
        let event = match ending {
            Ending::Done => Event::Done,
            Ending::NotDone => Event::NotDone,
            Ending::Lost => Event::Lost,
            Ending::Crash => {
                self.hub = Self::hub(&self.hub.store, &self.policy);
                return Ok(());
            }
        };
        self.hub.record(&row, &plan, came(event)).await.unwrap();
        Ok(())
    }
}

#[test]
fn whatever_people_crashes_and_clocks_do_nothing_runs_unapproved_or_twice() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(24);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig { cases, ..ProptestConfig::default() });
    let outcome = runner.run(&prop::collection::vec(op(), 20..60), |ops| {
        runtime.block_on(async {
            WALL.store(1_000_000_000_000, Ordering::SeqCst);
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("midwatch.db");
            let store = Store::open(&store::Settings { path, ..store::Settings::default() }).await.unwrap();
            let policy = PolicyFile::open(Some(&write_policy(&folder, 0))).unwrap();
            let hub = World::hub(&store, &policy);
            let mut world = World { hub, policy, folder, known: Vec::new(), paused: false, high: 0, policies: 0 };
            world.step(Op::Propose).await?;
            for op in ops {
                world.step(op).await?;
            }
            SENT.fetch_add(world.known.iter().map(|known| i64::from(known.sent)).sum(), Ordering::SeqCst);
            store.close().await;
            Ok(())
        })
    });
    outcome.unwrap();
    assert!(SENT.load(Ordering::SeqCst) > 0, "nothing was ever sent, so nothing was tried");
}

#[tokio::test]
async fn two_changes_that_left_their_objects_unwell_stop_all_writes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("midwatch.db");
    let store = Store::open(&store::Settings { path, ..store::Settings::default() }).await.unwrap();
    let policy = PolicyFile::open(None).unwrap();
    let hub = Approvals::new(store, None, policy, Seal::new(&[7; 32]).unwrap(), Settings::default(), Acting::Never);
    for (number, stopped) in [(1, false), (2, true)] {
        let mut plan = plan();
        plan.expires_at = hub.now() + 600_000;
        plan.request.name = Some(format!("web-{number}"));
        let view = hub.store_plan(&person(0), plan, None, None, hub.now()).await.unwrap();
        let row = proposals::by_id(hub.store.read(), &view.id).await.unwrap().unwrap();
        hub.conclude(&row, Err("not ready".to_owned())).await.unwrap();
        assert_eq!(hub.paused().await.unwrap().is_some(), stopped, "after {number}");
    }
    // once a person let writes go on, the old failures have been looked at
    hub.resume(&person(1)).await.unwrap();
    let row = proposals::list(hub.store.read(), None, None, 1).await.unwrap().remove(0);
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    hub.conclude(&row, Err("not ready".to_owned())).await.unwrap();
    assert_eq!(hub.paused().await.unwrap(), None);
}
