//! `projects_list`: OpenShift's projects.

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::Value;

use super::{Arguments, Set, Tool};
use crate::answer::Answer;
use crate::class::Class;
use crate::context::Context;
use crate::kind::resolve;
use crate::listing::{Wanted, answer};
use crate::read::Selectors;
use crate::shape;
use crate::trouble::Trouble;

pub const TOOL: Tool = Tool {
    name: "projects_list",
    title: "Projects",
    description: "OpenShift projects.",
    class: Class::R,
    set: Set::Core,
    cluster_aware: true,
    input,
    output: shape::items,
    old_spellings: &[],
    call,
};

fn input() -> Value {
    shape::input(&[], &[])
}

fn call(context: &Context, _: Arguments) -> BoxFuture<'_, Result<Answer, Trouble>> {
    async move {
        let found = resolve(context, Some("project.openshift.io/v1"), "Project").await;
        let kind = found.map_err(|trouble| match trouble {
            Trouble::NotFound { .. } => Trouble::Missing {
                what: "This cluster has no projects: it is not OpenShift.".to_owned(),
                how: "Use namespaces_list.".to_owned(),
            },
            other => other,
        })?;
        answer(context, Wanted { kind, namespace: "", selectors: Selectors::default(), cursor: 0 }).await
    }
    .boxed()
}
