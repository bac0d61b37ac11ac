//! `nodes_log`: the log of a node's service or file, through the kubelet.

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::{Arguments, Set, Tool};
use crate::answer::Answer;
use crate::arguments::{number, required};
use crate::context::Context;
use crate::fold::{fold, tail};
use crate::kind::resolve;
use crate::read::{Reader, encoded};
use crate::shape;
use crate::trouble::Trouble;
use cluster::Class;

pub const TOOL: Tool = Tool {
    name: "nodes_log",
    title: "Nodes: log",
    description: "End of a node's log. query: a service (kubelet) or a file (/syslog).",
    class: Class::S,
    set: Set::Core,
    cluster_aware: true,
    input,
    output: shape::object,
    old_spellings: &[("tail_lines", "tailLines"), ("tail", "tailLines")],
    call,
};

fn input() -> Value {
    let tail = json!({"type": "integer", "minimum": 0, "default": 100});
    shape::input(&["name", "query"], &[("name", shape::text()), ("query", shape::text()), ("tailLines", tail)])
}

fn call(context: &Context, arguments: Arguments) -> BoxFuture<'_, Result<Answer, Trouble>> {
    async move {
        let reader = Reader::new(context)?;
        let kind = resolve(context, Some("v1"), "Node").await?;
        let node = reader.object(&kind, "", required(&arguments, "name")?).await?;
        let query = required(&arguments, "query")?;
        if query.split('/').any(|part| part == "..") {
            return Err(Trouble::unreadable("query", "name a service, or a file below /var/log"));
        }
        let lines = match number(&arguments, "tailLines").unwrap_or(100) {
            0 => String::new(),
            lines => format!("&tailLines={lines}"),
        };
        let path = format!("/api/v1/nodes/{}/proxy/logs/?query={}{lines}", node.name(), encoded(query));
        let log = reader.text(&path).await.map_err(|error| refused(error, "logs"))?;
        let folded = fold(&log);
        let (cut, kept) = tail(&folded, context.room.saturating_sub(120));
        let note = if cut > 0 {
            format!("... {cut} earlier lines left out: use a smaller tailLines\n")
        } else {
            String::new()
        };
        let text = if kept.is_empty() { "nothing was logged".to_owned() } else { kept.join("\n") };
        Ok(Answer::new(format!("{note}{text}\n"), json!({"node": node.name(), "lines": kept, "leftOut": cut})))
    }
    .boxed()
}

/// What a kubelet's refusal means.
pub fn refused(error: kube::Error, page: &str) -> Trouble {
    match &error {
        kube::Error::Api(status) if matches!(status.code, 404 | 405 | 503) => Trouble::Missing {
            what: format!("The node's kubelet does not serve {page} ({}).", cluster::reason(&error)),
            how: "Logs need NodeLogQuery and enableSystemLogQuery in the kubelet's configuration.".to_owned(),
        },
        _ => Trouble::from_kube(error, "get", "nodes/proxy", None),
    }
}
