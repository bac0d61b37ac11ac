//! The outbox as senders lease it.

use midwatch::store::outbox::{Kind, New, Row, enqueue};
use midwatch::store::sending::{self, Failure};
use midwatch::store::{Millis, Store};

use crate::harness::settings;

async fn store(revisions: &[i64]) -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&settings(folder.path().join("midwatch.db"))).await.unwrap();
    let row = |revision: &i64| New {
        incident: *revision,
        revision: *revision,
        kind: Kind::Plain,
        channel: "chat".to_owned(),
        next_at: 0,
    };
    let rows: Vec<New> = revisions.iter().map(row).collect();
    store.write(move |c| Box::pin(async move { enqueue(c, &rows, 0).await })).await.unwrap();
    (folder, store)
}

async fn claim(store: &Store, owner: &'static str, now: Millis) -> Option<Row> {
    store.write(move |c| Box::pin(async move { sending::claim(c, "chat", owner, 60_000, now).await })).await.unwrap()
}

async fn state(store: &Store) -> (String, i64, i64) {
    sqlx::query_as("SELECT state, attempts, next_at FROM outbox ORDER BY id").fetch_one(store.read()).await.unwrap()
}

#[tokio::test]
async fn a_lease_keeps_others_away_until_it_runs_out_and_the_late_owner_changes_nothing() {
    let (_folder, store) = store(&[1]).await;
    let first = claim(&store, "one", 0).await.unwrap();
    assert!(claim(&store, "two", 59_999).await.is_none());
    let second = claim(&store, "two", 60_000).await.unwrap();
    assert_eq!((second.id, second.attempts), (first.id, 2));
    store.write(move |c| Box::pin(async move { sending::put_back(c, &first, 5).await })).await.unwrap();
    assert_eq!(state(&store).await.0, "leased");
    store.write(move |c| Box::pin(async move { sending::sent(c, &second, 1, "id", 60_001).await })).await.unwrap();
    assert_eq!(state(&store).await.0, "sent");
}

#[tokio::test]
async fn a_row_is_put_back_given_up_and_queued_again_by_hand() {
    let (_folder, store) = store(&[1]).await;
    let row = claim(&store, "one", 0).await.unwrap();
    let again = row.clone();
    store.write(move |c| Box::pin(async move { sending::put_back(c, &row, 7).await })).await.unwrap();
    // a mark may be written twice
    store.write(move |c| Box::pin(async move { sending::put_back(c, &again, 7).await })).await.unwrap();
    assert_eq!(state(&store).await, ("queued".to_owned(), 0, 7));
    let row = claim(&store, "one", 7).await.unwrap();
    let failure = Failure { error: "no".to_owned(), next_at: None, parts: 1, parts_of: 1 };
    store.write(move |c| Box::pin(async move { sending::not_sent(c, &row, &failure).await })).await.unwrap();
    assert_eq!(state(&store).await, ("dead".to_owned(), 1, 7));
    assert!(claim(&store, "one", 1_000).await.is_none());
    let queued = store.write(|c| Box::pin(async move { sending::retry_dead(c, None, 9).await })).await.unwrap();
    assert_eq!((queued, state(&store).await), (1, ("queued".to_owned(), 0, 9)));
    let row = claim(&store, "one", 9).await.unwrap();
    assert_eq!((row.parts, row.parts_of), (1, Some(1)));
}

#[tokio::test]
async fn a_row_that_is_put_back_gives_way_to_news_that_came_meanwhile() {
    let (_folder, store) = store(&[1]).await;
    let row = claim(&store, "one", 0).await.unwrap();
    let news = New { incident: 1, revision: 2, kind: Kind::Resolved, channel: "chat".to_owned(), next_at: 0 };
    store.write(move |c| Box::pin(async move { enqueue(c, &[news], 0).await })).await.unwrap();
    // no second message of an incident overtakes the one on its way
    assert!(claim(&store, "two", 1).await.is_none());
    store.write(move |c| Box::pin(async move { sending::put_back(c, &row, 7).await })).await.unwrap();
    assert_eq!(state(&store).await.0, "superseded");
    assert_eq!(claim(&store, "two", 1).await.map(|row| row.revision), Some(2));
}
