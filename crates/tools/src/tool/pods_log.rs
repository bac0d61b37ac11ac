//! `pods_log`: the end of a container's log, alike lines folded.

use diagnose::Object;
use diagnose::object::text as field;
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::{Arguments, Set, Tool};
use crate::answer::Answer;
use crate::arguments::{flag, number, required, text};
use crate::context::Context;
use crate::fold::{fold, tail};
use crate::kind::{Kind, resolve};
use crate::read::{Reader, encoded, segment};
use crate::shape;
use crate::trouble::Trouble;
use cluster::Class;

pub const TOOL: Tool = Tool {
    name: "pods_log",
    title: "Pods: log",
    description: "End of a pod's log, repeated lines folded. previous: the run before the last restart.",
    class: Class::R,
    set: Set::Core,
    cluster_aware: true,
    input,
    output: shape::object,
    old_spellings: &[("pod", "name"), ("tail_lines", "tail"), ("tailLines", "tail")],
    call,
};

/// Lines read at most, and bytes of them.
const LINES: u64 = 10_000;
const BYTES: u64 = 8 << 20;

fn input() -> Value {
    let tail = json!({"type": "integer", "minimum": 0, "default": 100});
    shape::input(
        &["name"],
        &[
            ("name", shape::text()),
            ("namespace", shape::text()),
            ("container", shape::text()),
            ("previous", shape::flag()),
            ("tail", tail),
        ],
    )
}

fn call(context: &Context, arguments: Arguments) -> BoxFuture<'_, Result<Answer, Trouble>> {
    async move {
        let reader = Reader::new(context)?;
        let kind = resolve(context, Some("v1"), "Pod").await?;
        let namespace = reader.namespace_or_own(text(&arguments, "namespace"))?;
        let name = segment("name", required(&arguments, "name")?)?;
        let asked = Asked {
            container: text(&arguments, "container"),
            previous: flag(&arguments, "previous", false),
            // as with the others, 0 asks for everything
            tail: number(&arguments, "tail").map_or(100, |n| if n == 0 { LINES } else { n.min(LINES) }),
        };
        let read = read(&reader, &kind, namespace, name, &asked).await?;
        Ok(told(context, namespace, name, &asked, &read))
    }
    .boxed()
}

struct Asked<'a> {
    container: Option<&'a str>,
    previous: bool,
    tail: u64,
}

struct Log {
    container: String,
    others: Vec<String>,
    text: String,
}

async fn read(
    reader: &Reader<'_>,
    kind: &Kind,
    namespace: &str,
    name: &str,
    asked: &Asked<'_>,
) -> Result<Log, Trouble> {
    let path = |container: &str| {
        let container = if container.is_empty() { String::new() } else { format!("&container={}", encoded(container)) };
        let previous = if asked.previous { "&previous=true" } else { "" };
        let tail = asked.tail;
        format!("{}/log?tailLines={tail}&limitBytes={BYTES}{container}{previous}", kind.object_path(namespace, name))
    };
    let first = reader.text(&path(asked.container.unwrap_or_default())).await;
    let error = match first {
        Ok(text) => {
            let container = asked.container.unwrap_or_default().to_owned();
            return Ok(Log { container, others: Vec::new(), text });
        }
        Err(error) => error,
    };
    let code = match &error {
        kube::Error::Api(status) => status.code,
        _ => 0,
    };
    if code != 400 && code != 404 {
        return Err(Trouble::from_kube(error, "get", "pods/log", Some(namespace)));
    }
    // no such pod, several containers, or one that has not started: the pod itself says which
    let pod = reader.object(kind, namespace, name).await?;
    let names = names(&pod);
    match (asked.container, chosen(&pod)) {
        (Some(container), _) if !names.iter().any(|name| name == container) => {
            Err(Trouble::NotFound { what: format!("container {container} of pod {namespace}/{name}"), near: names })
        }
        (None, Some(container)) if names.len() > 1 => {
            let text = reader.text(&path(&container)).await;
            let text = text.map_err(|error| not_there(&pod, &container, asked.previous, error))?;
            let others = names.into_iter().filter(|name| *name != container).collect();
            Ok(Log { container, others, text })
        }
        (Some(container), _) => Err(not_there(&pod, container, asked.previous, error)),
        (None, container) => Err(not_there(&pod, &container.unwrap_or_default(), asked.previous, error)),
    }
}

fn names(pod: &Object) -> Vec<String> {
    let groups = ["/spec/containers", "/spec/initContainers", "/spec/ephemeralContainers"];
    groups.iter().flat_map(|group| pod.list(group)).map(|c| field(c, "name").to_owned()).collect()
}

/// The container that is meant where none is named: the annotated one, else one that is not well, else the first.
fn chosen(pod: &Object) -> Option<String> {
    let annotated = pod.annotation("kubectl.kubernetes.io/default-container");
    if !annotated.is_empty() {
        return Some(annotated.to_owned());
    }
    let unwell = diagnose::pod::containers(pod).find(|c| c.restarts() > 0 && !c.ready());
    unwell.map(|c| c.name.to_owned()).or_else(|| names(pod).into_iter().next())
}

/// A log that does not exist yet, with the reason that the pod gives.
fn not_there(pod: &Object, container: &str, previous: bool, error: kube::Error) -> Trouble {
    let found = crate::pods::condition(pod, jiff::Timestamp::UNIX_EPOCH);
    match error {
        kube::Error::Api(status) if status.code == 400 => {
            let what = if previous {
                format!("Container {container} of {} has no previous run.", pod.re.path())
            } else {
                format!("Container {container} of {} has no log: the pod is {}.", pod.re.path(), found.status)
            };
            let why = if found.why.is_empty() { status.message.clone() } else { found.why };
            Trouble::Missing { what, how: why }
        }
        other => Trouble::from_kube(other, "get", "pods/log", Some(pod.namespace())),
    }
}

fn told(context: &Context, namespace: &str, name: &str, asked: &Asked<'_>, log: &Log) -> Answer {
    let folded = fold(&log.text);
    let mut title = String::new();
    if !log.others.is_empty() {
        title = format!("container {} (others: {})\n", log.container, log.others.join(", "));
    }
    if folded.is_empty() {
        let which = if asked.previous { "the previous run" } else { "this container" };
        return Answer::new(
            format!("{title}{which} logged nothing\n"),
            json!({"namespace": namespace, "pod": name, "lines": []}),
        );
    }
    let (cut, kept) = tail(&folded, context.room.saturating_sub(title.len() + 100));
    if cut > 0 {
        title.push_str(&format!("... {cut} earlier lines left out: use a smaller tail, or logs_search\n"));
    }
    let lines: Vec<&str> = kept.iter().map(String::as_str).collect();
    Answer::new(
        format!("{title}{}\n", lines.join("\n")),
        json!({"namespace": namespace, "pod": name, "container": log.container, "lines": lines, "leftOut": cut}),
    )
}
