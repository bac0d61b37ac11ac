//! `projects_list`: OpenShift's projects.

use std::borrow::Cow;

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::Value;

use super::{Arguments, Set, Tool};
use crate::answer::Answer;
use crate::arguments::cursor;
use crate::context::Context;
use crate::kind::Kind;
use crate::listing::{Wanted, answer};
use crate::read::Selectors;
use crate::shape;
use crate::trouble::Trouble;
use cluster::Class;

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
    shape::input(&[], &[("cursor", shape::text())])
}

/// Named here, so that nothing has to be looked up.
const PROJECT: Kind = Kind {
    name: Cow::Borrowed("Project"),
    api_version: Cow::Borrowed("project.openshift.io/v1"),
    plural: Cow::Borrowed("projects"),
    namespaced: false,
};

fn call(context: &Context, arguments: Arguments) -> BoxFuture<'_, Result<Answer, Trouble>> {
    async move {
        let wanted =
            Wanted { kind: PROJECT, namespace: "", selectors: Selectors::default(), cursor: cursor(&arguments)? };
        answer(context, wanted).await.map_err(|trouble| match trouble {
            Trouble::NotFound { .. } => Trouble::Missing {
                what: "This cluster has no projects: it is not OpenShift.".to_owned(),
                how: "Use namespaces_list.".to_owned(),
            },
            other => other,
        })
    }
    .boxed()
}
