//! The real program under load, killed again and again: nothing that was accepted may be lost.
//!
//! A producer log (what was answered 200) and a sink log (what the pretend channel took) are compared at the end, by way
//! of the store that the program leaves behind. `TORTURE=1` is the long form of `make torture`; `TORTURE=1200` is the same
//! at 1,200 alerts a minute.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::faultfs::Random;
use crate::program::{Producer, Program, Sink, client, send};
use crate::verdict::{Verdict, check, drain};

fn percentile(times: &mut [Duration], p: usize) -> Duration {
    times.sort_unstable();
    times.get(times.len() * p / 100).or(times.last()).copied().unwrap_or_default()
}

pub struct Campaign {
    pub alerts: u64,
    pub kills: u32,
    /// Alerts are sent evenly over this time, and the kills fall at random within it.
    pub over: Duration,
    /// Namespaces that the alerts are spread over; with as many as alerts, each is an incident of its own.
    pub spread: u64,
    pub digest_above: u32,
    pub patience: Duration,
}

impl Campaign {
    /// Sends the alerts, each until it is taken.
    pub fn load(&self, url: String, producer: Arc<Producer>) -> JoinHandle<()> {
        let (alerts, spread) = (self.alerts, self.spread);
        let pause = self.over / u32::try_from(alerts).unwrap();
        let client = client();
        tokio::spawn(async move {
            let start = tokio::time::Instant::now();
            let mut sends = tokio::task::JoinSet::new();
            for n in 0..alerts {
                tokio::time::sleep_until(start + pause * u32::try_from(n).unwrap()).await;
                let (client, producer, url) = (client.clone(), producer.clone(), url.clone());
                sends.spawn(async move { send(&client, &url, &producer, n, spread).await });
            }
            while let Some(done) = sends.join_next().await {
                done.unwrap();
            }
        })
    }

    /// How long the program lives before the next kill.
    pub fn life(&self, random: &mut Random) -> Duration {
        let mean = self.over.as_millis() as u64 / u64::from(self.kills);
        Duration::from_millis(mean / 2 + random.next() % mean.max(1))
    }
}

async fn run(campaign: &Campaign) -> (Verdict, Arc<Producer>) {
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::start().await;
    let mut program = Program::start(folder.path(), sink.address, campaign.digest_above, None);
    let producer = Arc::new(Producer::default());
    let load = campaign.load(program.url("/webhooks/alertmanager"), producer.clone());
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..campaign.kills {
        tokio::time::sleep(campaign.life(&mut random)).await;
        program.kill();
        program.again();
    }
    load.await.unwrap();
    drain(&mut program, campaign.patience).await;
    let log = sink.log.lock().unwrap().clone();
    let acked = producer.acked.lock().unwrap().clone();
    (check(&folder.path().join("midwatch.db"), &acked, &log).await, producer)
}

/// One line of figures.
pub fn print(what: &str, kills: u32, verdict: &Verdict, producer: &Producer) {
    let times = &mut *producer.times.lock().unwrap();
    println!(
        "{what}: {} acked, {} lost, {} messages, {} duplicates, {kills} kills, {} times 503, answer p50 {:?} p99 {:?}",
        verdict.acked,
        verdict.lost.len(),
        verdict.messages,
        verdict.duplicates,
        producer.refused.load(Ordering::Relaxed),
        percentile(times, 50),
        percentile(times, 99),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn torture_kills_at_random_moments_lose_nothing() {
    // the long form's rate, in alerts a minute: TORTURE=1 is the ten thousand that the goal names
    let rate =
        std::env::var("TORTURE").ok().map(|rate| rate.parse::<u64>().ok().filter(|rate| *rate > 1).unwrap_or(10_000));
    let campaign = if let Some(rate) = rate {
        Campaign {
            alerts: 5 * rate,
            kills: 200,
            over: Duration::from_secs(300),
            spread: 2_000,
            digest_above: 6,
            patience: Duration::from_secs(1_800),
        }
    } else {
        Campaign {
            alerts: 300,
            kills: 6,
            over: Duration::from_secs(6),
            spread: 300,
            digest_above: 100_000,
            patience: Duration::from_secs(90),
        }
    };
    let (verdict, producer) = run(&campaign).await;
    print("kill -9 at random moments", campaign.kills, &verdict, &producer);
    assert_eq!(verdict.acked as u64, campaign.alerts);
    assert!(verdict.lost.is_empty(), "{verdict:?}");
    // One channel has one sender, so a crash can double at most the message that was under way.
    assert!(verdict.duplicates <= campaign.kills as usize, "{verdict:?}");
}

/// Needs the feature `failpoints` in the program under test.
#[cfg(feature = "failpoints")]
#[tokio::test(flavor = "multi_thread")]
async fn torture_a_crash_at_each_step_loses_nothing() {
    const STEPS: [&str; 9] = [
        "before-parse",
        "after-parse",
        "before-insert",
        "before-commit:3",
        "after-commit:3",
        "before-ack",
        "after-claim",
        "after_claim_outbox",
        "after_send",
    ];
    // side by side: most of the time is a lease of the dead process running out
    futures::future::join_all(STEPS.map(crash)).await;
}

#[cfg(feature = "failpoints")]
async fn crash(step: &'static str) {
    let (client, sink) = (client(), Sink::start().await);
    let folder = tempfile::tempdir().unwrap();
    let mut program = Program::start(folder.path(), sink.address, 100_000, Some(step));
    let producer = Arc::new(Producer::default());
    let url = program.url("/webhooks/alertmanager");
    let sends: Vec<_> = (0..5)
        .map(|n| {
            let (client, producer, url) = (client.clone(), producer.clone(), url.clone());
            tokio::spawn(async move { send(&client, &url, &producer, n, 5).await })
        })
        .collect();
    let crashed = tokio::time::timeout(Duration::from_secs(60), async {
        while program.child.try_wait().unwrap().is_none() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    assert!(crashed.await.is_ok(), "{step} was never reached\n{}", program.log());
    program.again();
    for done in sends {
        done.await.unwrap();
    }
    drain(&mut program, Duration::from_secs(90)).await;
    let acked = producer.acked.lock().unwrap().clone();
    let log = sink.log.lock().unwrap().clone();
    let verdict = check(&folder.path().join("midwatch.db"), &acked, &log).await;
    assert_eq!((verdict.acked, verdict.lost.len()), (5, 0), "{step}: {verdict:?}");
    let may_double = usize::from(step == "after_send" || step == "after_claim_outbox");
    assert!(verdict.duplicates <= may_double, "{step}: {verdict:?}");
}
