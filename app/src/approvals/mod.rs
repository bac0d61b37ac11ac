//! Changes to a cluster: proposed by anyone, approved by people, run exactly as approved, watched, undone.
//!
//! The steps are one file each: [`propose`](Approvals::propose) makes a plan and binds it by its digest, `agree` takes
//! the yes and no of people, `execute` runs what was approved once, `settle` finds out what became of a lost answer,
//! `watch` looks whether the cluster is well afterwards. What may follow what is in `state`.

mod agree;
mod blast;
mod canonical;
mod clean;
mod diff;
mod execute;
mod grant;
mod intend;
mod leave;
mod lines;
mod mask;
mod object;
mod plan;
mod propose;
mod reach;
mod reload;
mod seal;
mod settings;
mod settle;
mod state;
mod stop;
mod undo;
mod undoing;
mod view;
mod watch;

use std::sync::Arc;
use std::time::{Duration, Instant};

use cluster::{Classified, Cluster, Identity, Policy, PolicyFile, Request};
use serde_json::Value;

pub use grant::{Grant, Scope};
pub use lines::{Kind, Line, is_hidden, visible};
pub use plan::Plan;
pub use propose::Wish;
pub use seal::Seal;
pub use settings::{Acting, Settings};
pub use state::{Event, State};
pub use undo::{NoWayBack, Undo};
pub use view::View;

use crate::people::{Person, Role};
use crate::store::proposals::Row;
use crate::store::{self, Millis, Store, proposals};

/// Why something about a proposal does not happen. Each is a whole sentence.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("there is no proposal {0}")]
    NoSuch(String),
    #[error("{0}")]
    NotAllowed(String),
    /// The API server, or the policy, or a limit says no.
    #[error("{0}")]
    Refused(String),
    #[error("{0}")]
    Stale(String),
    #[error("the API server says no: {message}")]
    Forbidden { verb: String, resource: String, namespace: Option<String>, message: String },
    #[error("the cluster does not answer: {0}")]
    Unreachable(String),
    #[error("{0}")]
    Malformed(String),
    #[error("it was not stored: {0}")]
    Store(#[from] store::Error),
    #[error("{0}")]
    Internal(#[from] anyhow::Error),
}

pub struct Approvals {
    pub store: Store,
    cluster: Option<Cluster>,
    policy: PolicyFile,
    seal: Seal,
    settings: Settings,
    acting: Acting,
    clock: Clock,
}

/// The wall clock, unless that is set back while the program runs: time only goes on.
struct Clock {
    wall: fn() -> Millis,
    began: Millis,
    steady: Instant,
}

impl Clock {
    fn now(&self) -> Millis {
        let elapsed = Millis::try_from(self.steady.elapsed().as_millis()).unwrap_or(Millis::MAX);
        (self.wall)().max(self.began.saturating_add(elapsed))
    }
}

impl Approvals {
    pub fn new(
        store: Store,
        cluster: Option<Cluster>,
        policy: PolicyFile,
        seal: Seal,
        settings: Settings,
        acting: Acting,
    ) -> Self {
        let clock = Clock { wall: store::now, began: store::now(), steady: Instant::now() };
        Self { store, cluster, policy, seal, settings, acting, clock }
    }

    fn now(&self) -> Millis {
        self.clock.now()
    }

    /// The name of the one cluster whose objects are changed.
    pub fn context(&self) -> Option<&str> {
        self.cluster.as_ref().map(|cluster| cluster.name.as_str())
    }

    fn cluster(&self) -> Result<&Cluster, Refusal> {
        let missing = || Refusal::Unreachable("no kubeconfig and no in-cluster account was found".to_owned());
        self.cluster.as_ref().ok_or_else(missing)
    }

    /// Whose rights a change of this person uses; None is the connection's own account.
    fn acting_for(&self, person: &Person) -> Result<Option<Identity>, Refusal> {
        match self.acting {
            Acting::AsPerson => Ok(Some(identity(person)?)),
            Acting::AsOwner => Ok(None),
            Acting::Never => Err(Refusal::NotAllowed(
                "changes run with the rights of the person who asks, and people.impersonate is off".to_owned(),
            )),
        }
    }

    /// The cluster as the person whose rights a plan uses. There is no account to fall back to.
    fn as_user(&self, user: Option<&Identity>) -> Result<Cluster, Refusal> {
        let own = self.cluster()?;
        match (self.acting, user) {
            (Acting::AsPerson, Some(identity)) => Ok(own.acting_as(identity)),
            (Acting::AsOwner, None) => Ok(own.clone()),
            (Acting::AsPerson | Acting::Never, None) | (Acting::AsOwner | Acting::Never, Some(_)) => {
                Err(Refusal::NotAllowed("this change is for other rights than Midwatch has here".to_owned()))
            }
        }
    }

    fn current_policy(&self) -> Arc<Policy> {
        self.policy.current()
    }

    /// The proposal, if this person may know of it: their own, or one that they might approve.
    async fn row(&self, person: &Person, id: &str) -> Result<Row, Refusal> {
        let row = proposals::by_id(self.store.read(), id).await?.filter(|row| may_see(person, row));
        row.ok_or_else(|| Refusal::NoSuch(id.to_owned()))
    }

    /// The plan as it was sealed. None when it was forgotten; an error when somebody touched it.
    fn plan(&self, row: &Row) -> Result<Option<Plan>, Refusal> {
        let Some(sealed) = &row.sealed else { return Ok(None) };
        let touched = || Refusal::Stale(format!("the stored plan of {} is not the one that was made", row.id));
        let text = self.seal.open_sealed(&row.id, sealed).ok_or_else(touched)?;
        let plan: Plan = serde_json::from_slice(&text).map_err(|_| touched())?;
        let same = plan.digest().to_string() == row.digest
            && plan.requester == row.requester
            && plan.expires_at == row.expires_at
            && plan.class == row.class
            && plan.permission == row.permission
            && plan.target() == row.target;
        if same { Ok(Some(plan)) } else { Err(touched()) }
    }
}

/// The same cluster for looking at the object that a change is about. What is read stays here: it is shown with its
/// secrets hidden, to people who may see the proposal.
fn reading(cluster: &Cluster, policy: &Policy) -> Cluster {
    cluster.reading(policy.scope().clone(), Arc::new(|_, _| Box::pin(std::future::ready(Ok(())))))
}

fn classified(policy: &Policy, request: &Request, seen: &cluster::Seen<'_>) -> Classified {
    policy.scope().classify(request, seen)
}

fn may_see(person: &Person, row: &Row) -> bool {
    row.requester == person.name || person.has(Role::Approver)
}

/// Who someone is for the policy: the verified name and groups.
fn identity(person: &Person) -> Result<Identity, Refusal> {
    Identity::new(person.name.clone(), person.groups.iter().cloned())
        .map_err(|error| Refusal::NotAllowed(format!("nobody can act under this name: {error}")))
}

fn millis(seconds: u64) -> Millis {
    Millis::try_from(seconds.saturating_mul(1_000)).unwrap_or(Millis::MAX)
}

fn span(time: Duration) -> Millis {
    Millis::try_from(time.as_millis()).unwrap_or(Millis::MAX)
}

/// Two texts for one thing.
fn json(value: &impl serde::Serialize) -> Result<Value, Refusal> {
    serde_json::to_value(value).map_err(|error| Refusal::Internal(error.into()))
}

#[cfg(test)]
mod model_tests;
