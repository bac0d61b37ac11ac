//! `helm_install`: proposes what a chart makes, rendered by the configured helm program.

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::resources_create_or_update::placed;
use super::{Arguments, Set, Tool};
use crate::answer::Answer;
use crate::arguments::{required, text};
use crate::context::Context;
use crate::proposing::{change, propose_all};
use crate::read::{Reader, segment};
use crate::shape;
use crate::trouble::Trouble;
use cluster::{Class, Verb};

pub const TOOL: Tool = Tool {
    name: "helm_install",
    title: "Helm: install",
    description: "Propose the objects of a chart.",
    class: Class::D,
    set: Set::Helm,
    cluster_aware: true,
    input,
    output: shape::object,
    old_spellings: &[],
    call,
};

/// Objects of one chart that are proposed at once. A person has to look at each.
const MOST: usize = 40;

fn input() -> Value {
    shape::input(
        &["chart"],
        &[
            ("chart", shape::text()),
            ("values", json!({"type": "object"})),
            ("name", shape::text()),
            ("namespace", shape::text()),
        ],
    )
}

fn call(context: &Context, arguments: Arguments) -> BoxFuture<'_, Result<Answer, Trouble>> {
    async move {
        let Some(helm) = context.hands.helm() else {
            return Err(Trouble::Missing {
                what: "No helm program is set up here.".to_owned(),
                how: "Render the chart with helm template and give the manifests to resources_create_or_update."
                    .to_owned(),
            });
        };
        let reader = Reader::new(context)?;
        let namespace = reader.namespace_or_own(text(&arguments, "namespace"))?;
        let chart = required(&arguments, "chart")?;
        let name = match text(&arguments, "name") {
            Some(name) => segment("name", name)?,
            None => chart.rsplit('/').next().and_then(|last| last.split([':', '.', '@']).next()).unwrap_or("release"),
        };
        if name.starts_with('-') {
            return Err(Trouble::unreadable("name", "it may not begin with a dash"));
        }
        let values = arguments.get("values").cloned().unwrap_or_else(|| json!({}));
        let objects = helm.render(chart, name, namespace, &values).await?;
        if objects.len() > MOST {
            let what = format!("Chart {chart} makes {} objects, more than can be proposed at once.", objects.len());
            return Err(Trouble::Missing { what, how: "Install it with the helm program.".to_owned() });
        }
        let mut changes = Vec::new();
        for mut object in objects {
            let (kind, place, object_name) = placed(context, &object).await?;
            // a chart leaves the namespace out and means the release's
            let own = object.pointer("/metadata/namespace").is_some_and(Value::is_string);
            let place = if kind.namespaced && !own { namespace.to_owned() } else { place };
            if kind.namespaced {
                object["metadata"]["namespace"] = place.clone().into();
            }
            let mut apply = change(context, Verb::Apply, &kind, &place, &object_name);
            apply.reason = Some(format!("chart {chart}, release {name}"));
            apply.body = Some(object);
            changes.push(apply);
        }
        propose_all(context, changes).await
    }
    .boxed()
}
