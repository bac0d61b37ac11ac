//! `configuration_view`: the kubeconfig without its credentials.

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::{Arguments, Set, Tool};
use crate::answer::Answer;
use crate::arguments::flag;
use crate::context::Context;
use crate::shape;
use crate::trouble::Trouble;
use crate::yaml;
use cluster::Class;

pub const TOOL: Tool = Tool {
    name: "configuration_view",
    title: "Configuration: view",
    description: "Kubeconfig without credentials. minified: only the current context.",
    class: Class::R,
    set: Set::Config,
    cluster_aware: false,
    input,
    output: shape::object,
    old_spellings: &[],
    call,
};

fn input() -> Value {
    shape::input(&[], &[("minified", json!({"type": "boolean", "default": true}))])
}

fn call(context: &Context, arguments: Arguments) -> BoxFuture<'_, Result<Answer, Trouble>> {
    async move {
        let minified = flag(&arguments, "minified", true);
        let mut shown: Vec<Value> = Vec::new();
        let mut current = Value::Null;
        for named in &context.contexts {
            if named.current {
                current = named.name.clone().into();
            }
            if named.current || !minified {
                shown.push(json!({"name": named.name, "server": named.server, "namespace": named.namespace}));
            }
        }
        if shown.is_empty() {
            let cluster = context.cluster()?;
            current = cluster.name.clone().into();
            shown.push(json!({"name": cluster.name, "server": cluster.server, "namespace": cluster.namespace}));
        }
        let view = json!({"apiVersion": "v1", "kind": "Config", "current-context": current, "contexts": shown, "users": "hidden"});
        Ok(Answer::new(yaml::write(&view), view))
    }
    .boxed()
}
