//! The power goes: what was not synced is gone, whole or in part. A `kill -9` cannot show a missing fsync, this does.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use crate::accepted::{Campaign, print};
use crate::faultfs::{Cut, Dial, Disk, Random, Sync};
use crate::program::{Producer, Program, Sink, client, send};
use crate::verdict::{check, drain, end_leases, stored};

#[tokio::test(flavor = "multi_thread")]
async fn torture_power_cuts_at_random_moments_lose_nothing() {
    let mut campaign = Campaign {
        alerts: 160,
        kills: 8,
        over: Duration::from_secs(12),
        spread: 160,
        digest_above: 100_000,
        patience: Duration::from_secs(90),
    };
    if std::env::var_os("TORTURE").is_some() {
        campaign = Campaign { alerts: 10_000, kills: 200, over: Duration::from_secs(200), spread: 2_000, ..campaign };
    }
    let folder = tempfile::tempdir().unwrap();
    let (disk, sink) = (Arc::new(Disk::new(folder.path())), Sink::start().await);
    // so slow that a cut can be aimed into a sync
    disk.set(Dial::SyncMillis, 20);
    let mut program = Program::start_on(disk.clone(), folder.path(), sink.address);
    let producer = Arc::new(Producer::default());
    let load = campaign.load(program.url("/webhooks/alertmanager"), producer.clone());
    let database = folder.path().join("midwatch.db");
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let mut dropped = 0;
    for n in 0..campaign.kills {
        tokio::time::sleep(campaign.life(&mut random)).await;
        if n % 2 == 0 {
            disk.syncing().await;
        }
        program.kill();
        let acked: HashSet<u64> = producer.acked.lock().unwrap().iter().copied().collect();
        // every third time nothing that was not synced is left, else some of it
        dropped += disk.cut(if n % 3 == 0 { Cut::Nothing } else { Cut::Some { seed: random.next() } });
        let lost: Vec<u64> = acked.difference(&stored(&database).await).copied().collect();
        assert!(lost.is_empty(), "cut {n} took {lost:?}");
        program.again();
    }
    load.await.unwrap();
    program.kill();
    end_leases(&database).await;
    program.again();
    drain(&mut program, campaign.patience).await;
    let log = sink.log.lock().unwrap().clone();
    let acked = producer.acked.lock().unwrap().clone();
    let verdict = check(&database, &acked, &log).await;
    print(&format!("power cuts ({dropped} unsynced changes)"), campaign.kills, &verdict, &producer);
    assert_eq!(verdict.acked as u64, campaign.alerts);
    assert!(dropped > 0, "no cut took anything");
    assert!(verdict.lost.is_empty(), "{verdict:?}");
    assert!(verdict.duplicates <= campaign.kills as usize + 1, "{verdict:?}");
}

/// How many of twenty accepted alerts a power cut leaves.
async fn kept(sync: Sync) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let (disk, sink) = (Arc::new(Disk::new(folder.path())), Sink::start().await);
    let mut program = Program::start_on(disk.clone(), folder.path(), sink.address);
    let (client, producer, url) = (client(), Producer::default(), program.url("/webhooks/alertmanager"));
    send(&client, &url, &producer, 20, 100).await;
    disk.sync(sync);
    for n in 0..20 {
        send(&client, &url, &producer, n, 100).await;
    }
    program.kill();
    disk.cut(Cut::Nothing);
    let stored = stored(&folder.path().join("midwatch.db")).await;
    assert!(stored.contains(&20), "what was synced before stays");
    stored.len() - 1
}

/// The control: the same cut must take alerts from a disk whose fsync does nothing, or these tests show nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_power_cut_shows_a_missing_fsync() {
    assert_eq!(kept(Sync::Honest).await, 20);
    assert_eq!(kept(Sync::Ignored).await, 0);
}
