//! The hub as the tools see it.

use std::sync::Arc;

use cluster::{Class, Cluster, Identity};
use diagnose::collect::Prometheus;
use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use serde_json::Value;
use tools::{Caller, Change, ContextName, Decision, Document, Hands, Helm, Proposed, Tool, Trouble};

use super::{Clusters, Desk};
use crate::people::Role;

pub struct Hub {
    pub clusters: Clusters,
    pub prometheus: Option<Arc<dyn Prometheus>>,
    /// None: nothing is kept here, and nothing can be proposed.
    pub desk: Option<Desk>,
    /// The API server is asked in the caller's name.
    pub impersonate: bool,
}

fn no_desk() -> Trouble {
    let what = "This server keeps no alerts and no proposals.".to_owned();
    let how = "Start midwatch serve and connect to its /mcp.".to_owned();
    Trouble::Missing { what, how }
}

impl Hands for Hub {
    fn cluster(&self, caller: &Caller, context: Option<&str>) -> Result<Cluster, String> {
        let cluster = self.clusters.get(context)?;
        let identity = Identity::new(caller.name.clone(), caller.groups.iter().cloned());
        let identity = identity.map_err(|error| error.to_string())?;
        let cluster = if self.impersonate { cluster.acting_as(&identity) } else { cluster };
        // The policy decides on a caller's reads whoever's account does the reading. Without a desk there is no policy:
        // then it is the account of whoever started the program, or nothing sensitive is read.
        Ok(match &self.desk {
            Some(desk) => desk.approvals.asking(&cluster, &identity),
            None => cluster,
        })
    }

    fn contexts(&self) -> Vec<ContextName> {
        self.clusters.names()
    }

    fn prometheus(&self) -> Option<Arc<dyn Prometheus>> {
        self.prometheus.clone()
    }

    fn helm(&self) -> Option<Helm> {
        self.desk.as_ref()?.helm.clone()
    }

    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn may_use(&self, caller: &Caller, tool: &Tool) -> bool {
        let has = |role: Role| caller.roles.iter().any(|name| name == role.name() || name == Role::Admin.name());
        match tool.class {
            Class::R | Class::S => !caller.roles.is_empty(),
            Class::W | Class::D | Class::X | Class::N => self.desk.is_some() && has(Role::Operator),
        }
    }

    fn propose<'a>(&'a self, caller: &'a Caller, change: Change) -> BoxFuture<'a, Result<Proposed, Trouble>> {
        async move { self.desk.as_ref().ok_or_else(no_desk)?.propose(caller, change).await }.boxed()
    }

    fn status<'a>(&'a self, caller: &'a Caller, id: &'a str) -> BoxFuture<'a, Result<Option<Proposed>, Trouble>> {
        async move { self.desk.as_ref().ok_or_else(no_desk)?.status(caller, id).await }.boxed()
    }

    fn alerts<'a>(&'a self, _: &'a Caller, firing: bool) -> BoxFuture<'a, Result<Value, Trouble>> {
        async move { self.desk.as_ref().ok_or_else(no_desk)?.alerts(firing).await }.boxed()
    }

    fn document<'a>(&'a self, _: &'a Caller, which: Document) -> BoxFuture<'a, Result<Option<Value>, Trouble>> {
        async move { self.desk.as_ref().ok_or_else(no_desk)?.document(&which).await }.boxed()
    }

    fn record<'a>(
        &'a self,
        caller: &'a Caller,
        tool: &'a Tool,
        arguments: &'a Value,
        decision: Decision,
    ) -> BoxFuture<'a, Result<(), Trouble>> {
        async move {
            match &self.desk {
                Some(desk) => desk.record(caller, tool, arguments, decision).await,
                None => Ok(()),
            }
        }
        .boxed()
    }
}
