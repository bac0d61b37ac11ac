//! The disk is full, slow, silent or broken while the real program runs on it: 503 and never 2xx for what is not on the
//! disk, nothing lost, and on it goes by itself.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::faultfs::{Dial, Disk, ENDLESS, Sync};
use crate::program::{Producer, Program, Sink, client, send, send_once};
use crate::verdict::{check, drain, stored};

struct Bench {
    folder: tempfile::TempDir,
    disk: Arc<Disk>,
    sink: Sink,
    program: Program,
    client: reqwest::Client,
    producer: Arc<Producer>,
    url: String,
    next: u64,
}

impl Bench {
    /// A program that runs well: it has taken an alert.
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (disk, sink) = (Arc::new(Disk::new(folder.path())), Sink::start().await);
        let program = Program::start_on(disk.clone(), folder.path(), sink.address);
        let url = program.url("/webhooks/alertmanager");
        let mut bench = Self { folder, disk, sink, program, client: client(), producer: Arc::default(), url, next: 0 };
        bench.send().await;
        bench
    }

    /// A new alert, until it is taken.
    async fn send(&mut self) {
        send(&self.client, &self.url, &self.producer, self.next, u64::MAX).await;
        self.next += 1;
    }

    /// The next alert, once.
    async fn send_once(&mut self) -> u16 {
        let status = send_once(&self.client, &self.url, &self.producer, self.next, u64::MAX).await.unwrap();
        if status == 200 {
            self.next += 1;
        }
        status
    }

    async fn ready(&self) -> u16 {
        self.client.get(self.program.url("/readyz")).send().await.unwrap().status().as_u16()
    }

    /// All that was taken is there once and told, and the store is sound.
    async fn end(mut self, duplicates: usize) {
        assert!(self.program.child.try_wait().unwrap().is_none(), "it died\n{}", self.program.log());
        drain(&mut self.program, Duration::from_secs(90)).await;
        let database = self.folder.path().join("midwatch.db");
        let (acked, log) = (self.producer.acked.lock().unwrap().clone(), self.sink.log.lock().unwrap().clone());
        assert_eq!(stored(&database).await.len() as u64, self.next);
        let verdict = check(&database, &acked, &log).await;
        assert_eq!(verdict.acked as u64, self.next);
        assert!(verdict.lost.is_empty(), "{verdict:?}\n{}", self.program.log());
        assert!(verdict.duplicates <= duplicates, "{verdict:?}\n{}", self.program.log());
    }
}

/// Side by side: most of the time is a lease, of a job whose end could not be written, running out.
#[tokio::test(flavor = "multi_thread")]
async fn torture_a_disk_that_fails_loses_nothing_and_is_enough_again() {
    tokio::join!(
        a_full_disk_is_503_and_room_again_is_enough(),
        a_start_on_a_full_disk_says_so_and_leaves_the_store_alone(),
        a_sync_that_fails_is_503_and_the_next_one_counts(),
        a_failure_at_any_call_loses_nothing(),
        nothing_is_2xx_before_the_sync(),
        on_a_slow_disk_many_alerts_share_a_sync(),
    );
}

async fn a_full_disk_is_503_and_room_again_is_enough() {
    let mut bench = Bench::start().await;
    for room in 0..16 {
        bench.disk.set(Dial::Room, room);
        while bench.send_once().await == 200 {}
        assert_eq!(bench.send_once().await, 503);
        assert_eq!(bench.ready().await, 503);
        bench.disk.set(Dial::Room, ENDLESS);
        bench.send().await;
        assert_eq!(bench.ready().await, 200);
    }
    assert!(bench.disk.get(Dial::Refused) >= 16);
    bench.end(0).await;
}

async fn a_start_on_a_full_disk_says_so_and_leaves_the_store_alone() {
    let mut bench = Bench::start().await;
    bench.disk.set(Dial::Room, 0);
    bench.program.kill();
    bench.program.again();
    let ended = bench.program.child.wait().unwrap();
    assert!(!ended.success());
    assert!(bench.program.log().contains("no room to write"), "{}", bench.program.log());
    bench.disk.set(Dial::Room, ENDLESS);
    bench.program.again();
    bench.send().await;
    bench.end(1).await;
}

async fn a_sync_that_fails_is_503_and_the_next_one_counts() {
    let mut bench = Bench::start().await;
    for _ in 0..4 {
        bench.disk.sync(Sync::Fails);
        assert_eq!(bench.send_once().await, 503);
        assert_eq!(bench.ready().await, 503);
        bench.disk.sync(Sync::Honest);
        bench.send().await;
        assert_eq!(bench.ready().await, 200);
    }
    bench.end(0).await;
}

/// A failure at each call in turn: wherever it falls, in intake, delivery or a checkpoint.
async fn a_failure_at_any_call_loses_nothing() {
    let calls = if std::env::var_os("TORTURE").is_some() { 300 } else { 60 };
    let mut bench = Bench::start().await;
    for call in 1..=calls {
        bench.disk.set(Dial::FailIn, call);
        while bench.disk.get(Dial::FailIn) > 0 {
            bench.send().await;
        }
    }
    assert_eq!(bench.disk.get(Dial::Refused), calls);
    bench.end(0).await;
}

async fn nothing_is_2xx_before_the_sync() {
    let mut bench = Bench::start().await;
    bench.disk.sync(Sync::Held);
    for _ in 0..2 {
        assert_eq!(bench.send_once().await, 503);
    }
    assert!(bench.disk.get(Dial::Syncing) > 0, "a commit waits for the disk");
    bench.disk.sync(Sync::Honest);
    bench.send().await;
    bench.end(0).await;
}

async fn on_a_slow_disk_many_alerts_share_a_sync() {
    const ALERTS: u64 = 200;
    let mut bench = Bench::start().await;
    bench.disk.set(Dial::SyncMillis, 300);
    let before = bench.disk.get(Dial::Syncs);
    let sends = (bench.next..bench.next + ALERTS).map(|n| {
        let (client, disk, producer, url) =
            (bench.client.clone(), bench.disk.clone(), bench.producer.clone(), bench.url.clone());
        async move {
            let mut at_start = disk.get(Dial::Syncs);
            while send_once(&client, &url, &producer, n, u64::MAX).await != Some(200) {
                at_start = disk.get(Dial::Syncs);
            }
            assert!(disk.get(Dial::Syncs) > at_start, "answered before the sync");
        }
    });
    futures::future::join_all(sends).await;
    let syncs = bench.disk.get(Dial::Syncs) - before;
    println!(
        "slow disk: {ALERTS} alerts, {syncs} syncs of 300 ms, {} times 503",
        bench.producer.refused.load(Ordering::Relaxed)
    );
    assert!(u64::from(syncs) < ALERTS / 4, "{syncs} syncs for {ALERTS} alerts");
    bench.disk.set(Dial::SyncMillis, 0);
    bench.next += ALERTS;
    bench.end(0).await;
}
