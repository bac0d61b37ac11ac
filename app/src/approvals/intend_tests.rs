//! The last look, tried on everything: nothing is sent without enough living yeses to exactly this.

use cluster::Terms;
use proptest::prelude::*;

use super::super::plan::tests::plan;
use super::*;

fn seal() -> Seal {
    Seal::new(&[7; 32]).unwrap()
}

fn row(plan: &Plan) -> Row {
    Row {
        seq: 1,
        id: "p".into(),
        requester: plan.requester.clone(),
        cluster: plan.request.cluster.clone(),
        target: plan.target(),
        namespace: "shop".into(),
        class: plan.class.clone(),
        summary: String::new(),
        reason: None,
        state: "approved".into(),
        digest: plan.digest().to_string(),
        sealed: None,
        permission: plan.permission,
        undo_of: None,
        created_at: 0,
        expires_at: plan.expires_at,
        due_at: None,
        intended_at: None,
        ended_at: None,
        outcome: None,
        health: None,
        health_at: None,
    }
}

fn yes(row: &Row, approver: &str, at: Millis) -> Yes {
    let mut yes = Yes {
        approver: approver.into(),
        digest: row.digest.clone(),
        auth_time: at - 1_000,
        method: "password".into(),
        at,
        mac: Vec::new(),
    };
    seal().sign(&row.id, &mut yes);
    yes
}

struct Case {
    plan: Plan,
    row: Row,
    yeses: Vec<Yes>,
    policy: Digest,
    paused: bool,
    busy: bool,
    written: Written,
    now: Millis,
}

impl Case {
    fn good() -> Self {
        let mut plan = plan();
        plan.terms = Terms { quorum: 2, distinct_from_requester: true, reauth: Some(300), hold: 30, ..plan.terms };
        let row = row(&plan);
        let yeses = vec![yes(&row, "bob", 100_000), yes(&row, "eve", 120_000)];
        let policy = plan.policy;
        Self { plan, row, yeses, policy, paused: false, busy: false, written: Written::default(), now: 150_000 }
    }

    fn decide(&self) -> Verdict {
        let moment = Moment {
            row: &self.row,
            plan: &self.plan,
            yeses: &self.yeses,
            policy: self.policy,
            paused: self.paused,
            busy: self.busy,
            written: self.written,
            caps: Writes::default(),
            now: self.now,
        };
        decide(&moment, &seal())
    }
}

type Break = fn(&mut Case);

#[test]
fn what_is_approved_goes_and_each_thing_that_is_missing_stops_it() {
    assert_eq!(Case::good().decide(), Verdict::Go);
    let breaks: [(&str, Break); 18] = [
        ("another state", |c| c.row.state = "proposed".into()),
        ("sent before", |c| c.row.state = "intended".into()),
        ("another digest", |c| c.row.digest.replace_range(0..1, if c.row.digest.starts_with('a') { "b" } else { "a" })),
        ("another body", |c| c.plan.request.body.as_mut().unwrap()["spec"]["replicas"] = 6.into()),
        ("another object", |c| c.plan.live.as_mut().unwrap()["spec"]["replicas"] = 4.into()),
        ("another preview", |c| c.plan.after.as_mut().unwrap()["spec"]["replicas"] = 6.into()),
        ("another user", |c| c.plan.request.as_user = None),
        ("another cluster", |c| c.plan.request.cluster.push('x')),
        ("looser terms", |c| c.plan.terms.quorum = 1),
        ("another policy", |c| c.policy = Digest::of(b"other")),
        ("too late", |c| c.now = c.plan.expires_at),
        ("a longer time", |c| c.plan.expires_at += 1),
        ("paused", |c| c.paused = true),
        ("a yes missing", |c| drop(c.yeses.pop())),
        ("one person twice", |c| {
            c.yeses.pop();
            c.yeses.push(c.yeses[0].clone());
        }),
        ("a forged yes", |c| c.yeses[1].approver = "mallory".into()),
        ("the requester's own yes", |c| c.yeses[1] = yes(&c.row, "ann", 120_000)),
        ("over the limit", |c| c.written.user = 10),
    ];
    for (name, change) in breaks {
        let mut case = Case::good();
        change(&mut case);
        assert!(matches!(case.decide(), Verdict::End(..)), "{name}: {:?}", case.decide());
    }
}

#[test]
fn a_stale_login_does_not_count_and_a_hold_is_waited_for() {
    let mut case = Case::good();
    let mut old = yes(&case.row, "eve", 120_000);
    old.auth_time = 120_000 - 300_001;
    seal().sign(&case.row.id, &mut old);
    case.yeses[1] = old;
    assert!(matches!(case.decide(), Verdict::End(..)));
    let mut case = Case::good();
    case.now = 149_999;
    assert_eq!(case.decide(), Verdict::Wait(150_000));
    case.now = 150_000;
    case.busy = true;
    assert_eq!(case.decide(), Verdict::Wait(152_000));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    /// Whatever stands in the table of yeses: it goes only with two genuine ones of two other people, in time.
    #[test]
    fn no_mix_of_yeses_lets_anything_else_through(
        picks in prop::collection::vec((0usize..4, 0i64..1_200_000, 0i64..400_000, any::<bool>(), any::<bool>()), 0..5),
        now in 0i64..1_100_000,
        paused in any::<bool>(),
        other_policy in any::<bool>(),
    ) {
        let names = ["ann", "bob", "eve", "joe"];
        let mut case = Case::good();
        (case.now, case.paused) = (now, paused);
        if other_policy {
            case.policy = Digest::of(b"other");
        }
        case.yeses.clear();
        let mut good: Vec<(&str, Millis)> = Vec::new();
        for (name, at, age, forged, other_digest) in picks {
            let mut one = yes(&case.row, names[name], at);
            one.auth_time = at - age;
            if other_digest {
                one.digest = "0".repeat(64);
            }
            seal().sign(&case.row.id, &mut one);
            if forged {
                one.mac[3] ^= 1;
            }
            let counts = !forged && !other_digest && name != 0 && at <= now && now - at < 900_000 && age <= 300_000;
            if counts {
                good.push((names[name], at));
            }
            case.yeses.push(one);
        }
        let mut people: Vec<&str> = good.iter().map(|(name, _)| *name).collect();
        people.sort_unstable();
        people.dedup();
        let held = good.iter().all(|(_, at)| now >= at + 30_000);
        let expected = people.len() >= 2 && held && !paused && !other_policy && now < case.plan.expires_at;
        prop_assert_eq!(case.decide() == Verdict::Go, expected);
    }
}
