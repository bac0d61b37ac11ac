//! Reads a request the way people type it for kubectl, to explain what would happen to it. Nothing is sent.

mod pretend;
mod resource;
mod word;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::canonical::{JSON_PATCH, MERGE_PATCH, Malformed, Request, STRATEGIC_MERGE_PATCH, Verb, strict_json};
use word::Words;

pub use pretend::Pretended;
pub use resource::resource;

/// A request, and what has to be assumed about the object for it to mean what was typed.
#[derive(Debug, Clone, PartialEq)]
pub struct Spoken {
    pub request: Request,
    pub pretended: Option<Pretended>,
}

impl From<Request> for Spoken {
    fn from(request: Request) -> Self {
        Self { request, pretended: None }
    }
}

/// Options that only say how an answer is shown, or which part of it.
const DISPLAY: [&str; 10] =
    ["-o", "--output", "-c", "--container", "--tail", "--since", "--sort-by", "--context", "--kubeconfig", "--timeout"];

/// `delete pod web-1 -n shop`, `scale deployment/web --replicas=3`, or `PATCH /apis/... {"spec": ...}`.
pub fn read(text: &str) -> Result<Spoken, Malformed> {
    let mut words = Words::of(text)?;
    if words.peek() == Some("kubectl") {
        words.next();
    }
    let first =
        words.next().ok_or_else(|| Malformed::new("there is nothing to explain; try \"delete pod web-1 -n shop\""))?;
    if !first.chars().all(|c| c.is_ascii_uppercase()) {
        words.drop_values(&DISPLAY);
    }
    let spoken = match first.as_str() {
        method @ ("GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE") => raw(method, words)?.into(),
        "get" | "describe" | "list" => reads(&mut words)?.into(),
        "logs" | "log" => below(&mut words, "pods", "log", Verb::Get)?.into(),
        "top" => top(&mut words)?.into(),
        "exec" | "attach" | "port-forward" | "cp" | "debug" | "proxy" => channel(&first, &mut words)?.into(),
        "delete" => delete(&mut words)?.into(),
        "scale" => scale(&mut words)?.into(),
        "rollout" => rollout(&mut words)?,
        "set" => set(&mut words)?.into(),
        "label" | "annotate" => marks(&first, &mut words)?.into(),
        "cordon" | "uncordon" => cordon(first == "cordon", &mut words)?.into(),
        "drain" | "evict" => evict(&first, &mut words)?.into(),
        "taint" => taint(&mut words)?.into(),
        "patch" => patch(&mut words)?.into(),
        "apply" | "replace" | "edit" | "create" | "run" | "expose" | "autoscale" => writes(&first, &mut words)?.into(),
        "certificate" => certificate(&mut words)?.into(),
        "auth" => question().into(),
        other => {
            return Err(Malformed::new(format!("{other:?} is not understood; try get, delete, scale, rollout, patch")));
        }
    };
    spoken.request.check()?;
    Ok(spoken)
}

fn raw(method: &str, mut words: Words) -> Result<Request, Malformed> {
    let path = words.next().ok_or_else(|| Malformed::new("after the method comes the path"))?;
    let kind = words.value(&["--content-type"]);
    let body = words.rest().join(" ");
    let kind = kind.unwrap_or_else(|| if method == "PATCH" { MERGE_PATCH } else { crate::canonical::JSON }.to_owned());
    let mut request = http::Request::builder().method(method).uri(path.as_str());
    if !body.is_empty() {
        request = request.header(http::header::CONTENT_TYPE, kind);
    }
    let request = request.body(body.into_bytes()).map_err(|error| Malformed::new(error.to_string()))?;
    Request::from_http(&request, "", None)
}

/// The request for an object that was named as `pod web`, `pod/web` or `deployments.v1.apps/web`.
fn object(words: &mut Words, verb: Verb) -> Result<Request, Malformed> {
    let namespace = words.value(&["-n", "--namespace"]);
    let everywhere = words.flag(&["-A", "--all-namespaces"]);
    let first = words.next().ok_or_else(|| Malformed::new("it names no resource"))?;
    let (kind, name) = match first.split_once('/') {
        Some((kind, name)) => (kind.to_owned(), Some(name.to_owned())),
        None => (first, words.next_name()),
    };
    let (group, version, plural, namespaced) = resource(&kind);
    let namespace = (namespaced && !everywhere).then(|| namespace.unwrap_or_else(|| "default".to_owned()));
    Ok(Request { verb, group, version, resource: plural, namespace, name, ..Request::default() })
}

fn reads(words: &mut Words) -> Result<Request, Malformed> {
    let watches = words.flag(&["-w", "--watch"]);
    words.drop_values(&["-l", "--selector", "--field-selector"]);
    let mut request = object(words, Verb::Get)?;
    if watches {
        request.verb = Verb::Watch;
        request.query.insert("watch".to_owned(), vec!["true".to_owned()]);
    } else if request.name.is_none() {
        request.verb = Verb::List;
    }
    Ok(request)
}

fn below(words: &mut Words, kind: &str, subresource: &str, verb: Verb) -> Result<Request, Malformed> {
    let namespace = words.value(&["-n", "--namespace"]).unwrap_or_else(|| "default".to_owned());
    let first = words.next().ok_or_else(|| Malformed::new("it names no object"))?;
    let name = first.rsplit('/').next().unwrap_or_default().to_owned();
    Ok(Request {
        verb,
        version: "v1".to_owned(),
        resource: kind.to_owned(),
        subresource: Some(subresource.to_owned()),
        namespace: Some(namespace),
        name: Some(name),
        ..Request::default()
    })
}

fn top(words: &mut Words) -> Result<Request, Malformed> {
    let mut request = object(words, Verb::List)?;
    request.group = "metrics.k8s.io".to_owned();
    request.version = "v1beta1".to_owned();
    if request.name.is_some() {
        request.verb = Verb::Get;
    }
    Ok(request)
}

fn channel(first: &str, words: &mut Words) -> Result<Request, Malformed> {
    let subresource = match first {
        "exec" | "cp" => "exec",
        "attach" => "attach",
        "port-forward" => "portforward",
        "proxy" => {
            return Ok(Request {
                verb: Verb::Connect,
                version: "v1".to_owned(),
                resource: "nodes".to_owned(),
                subresource: Some("proxy".to_owned()),
                name: Some(words.next().unwrap_or_else(|| "node".to_owned())),
                ..Request::default()
            });
        }
        _ => "ephemeralcontainers",
    };
    let verb = if subresource == "ephemeralcontainers" { Verb::Patch } else { Verb::Connect };
    let mut request = below(words, "pods", subresource, verb)?;
    if verb == Verb::Patch {
        request.body = Some(json!({"spec": {"ephemeralContainers": []}}));
    }
    Ok(request)
}

fn delete(words: &mut Words) -> Result<Request, Malformed> {
    let force = words.flag(&["--force", "--now"]);
    let grace = words.value(&["--grace-period"]).or_else(|| force.then(|| "0".to_owned()));
    let cascade = words.value(&["--cascade"]);
    let all = words.flag(&["--all"]) | words.value(&["-l", "--selector", "--field-selector"]).is_some();
    let mut request = object(words, Verb::Delete)?;
    if request.name.is_some() && words.next_name().is_some() {
        return Err(Malformed::new("one object at a time: each is a request of its own"));
    }
    if all || request.name.is_none() {
        request.verb = Verb::DeleteCollection;
        request.name = None;
    }
    if let Some(seconds) = grace {
        request.query.insert("gracePeriodSeconds".to_owned(), vec![seconds]);
    }
    if let Some(policy) = cascade {
        let policy = match policy.as_str() {
            "orphan" => "Orphan",
            "foreground" => "Foreground",
            _ => "Background",
        };
        request.query.insert("propagationPolicy".to_owned(), vec![policy.to_owned()]);
    }
    Ok(request)
}

fn scale(words: &mut Words) -> Result<Request, Malformed> {
    let replicas = words.value(&["--replicas"]).ok_or_else(|| Malformed::new("scale needs --replicas=N"))?;
    let replicas: i64 = replicas.parse().map_err(|_| Malformed::new("--replicas is a number"))?;
    let mut request = object(words, Verb::Patch)?;
    request.subresource = Some("scale".to_owned());
    request.body = Some(json!({"spec": {"replicas": replicas}}));
    Ok(request)
}

fn rollout(words: &mut Words) -> Result<Spoken, Malformed> {
    let step = words.next().unwrap_or_default();
    words.value(&["--to-revision"]);
    let mut request = object(words, Verb::Patch)?;
    let body = match step.as_str() {
        "restart" => json!({"spec": {"template": {"metadata": {"annotations": {
            "kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z"}}}}}),
        "pause" => json!({"spec": {"paused": true}}),
        "resume" => json!({"spec": {"paused": null}}),
        "undo" => {
            request.content_type = Some(JSON_PATCH.to_owned());
            request.body = Some(pretend::undo_body());
            return Ok(Spoken { request, pretended: Some(Pretended::EarlierRevision) });
        }
        "status" | "history" => {
            request.verb = Verb::Get;
            return Ok(request.into());
        }
        other => {
            return Err(Malformed::new(format!(
                "rollout {other:?} is not known: restart, undo, pause, resume, status"
            )));
        }
    };
    request.content_type = Some(STRATEGIC_MERGE_PATCH.to_owned());
    request.body = Some(body);
    Ok(request.into())
}

fn set(words: &mut Words) -> Result<Request, Malformed> {
    let what = words.next().unwrap_or_default();
    let pairs = words.pairs();
    let mut request = object(words, Verb::Patch)?;
    let field = |container: &str, value: &str| match what.as_str() {
        "image" => json!({"name": container, "image": value}),
        "env" => json!({"name": "*", "env": [{"name": container, "value": value}]}),
        _ => json!({"name": container, "resources": {"limits": {container: value}}}),
    };
    let containers: Vec<Value> = pairs.iter().map(|(key, value)| field(key, value)).collect();
    request.content_type = Some(STRATEGIC_MERGE_PATCH.to_owned());
    let template = json!({"spec": {"template": {"spec": {"containers": containers}}}});
    request.body = Some(match request.resource.as_str() {
        "cronjobs" => json!({"spec": {"jobTemplate": template}}),
        "pods" => json!({"spec": {"containers": containers}}),
        _ => template,
    });
    Ok(request)
}

fn marks(first: &str, words: &mut Words) -> Result<Request, Malformed> {
    let field = if first == "label" { "labels" } else { "annotations" };
    words.flag(&["--overwrite"]);
    let pairs = words.pairs();
    let mut request = object(words, Verb::Patch)?;
    let mut marks: BTreeMap<String, Value> = pairs.into_iter().map(|(key, value)| (key, json!(value))).collect();
    marks.extend(words.rest().into_iter().filter_map(|word| Some((word.strip_suffix('-')?.to_owned(), Value::Null))));
    request.body = Some(json!({"metadata": {field: marks}}));
    Ok(request)
}

fn node(words: &mut Words) -> Result<Request, Malformed> {
    let name = words.next().ok_or_else(|| Malformed::new("it names no node"))?;
    Ok(Request {
        verb: Verb::Patch,
        version: "v1".to_owned(),
        resource: "nodes".to_owned(),
        name: Some(name.trim_start_matches("node/").to_owned()),
        ..Request::default()
    })
}

fn cordon(closed: bool, words: &mut Words) -> Result<Request, Malformed> {
    let mut request = node(words)?;
    request.body = Some(json!({"spec": {"unschedulable": if closed { json!(true) } else { Value::Null }}}));
    Ok(request)
}

fn evict(first: &str, words: &mut Words) -> Result<Request, Malformed> {
    let mut request = match first {
        // A drain is one eviction for each pod.
        "drain" => {
            words.next();
            let mut words = Words::of("pod-on-the-node")?;
            below(&mut words, "pods", "eviction", Verb::Create)?
        }
        _ => {
            if words.peek() == Some("pod") {
                words.next();
            }
            below(words, "pods", "eviction", Verb::Create)?
        }
    };
    request.body = Some(json!({"apiVersion": "policy/v1", "kind": "Eviction"}));
    Ok(request)
}

fn taint(words: &mut Words) -> Result<Request, Malformed> {
    if matches!(words.peek(), Some("node" | "nodes")) {
        words.next();
    }
    let mut request = node(words)?;
    let taints = words.rest();
    let taints = taints.iter().map(|taint| {
        let (key, effect) = taint.rsplit_once(':').unwrap_or((taint, ""));
        json!({"key": key.split('=').next(), "effect": effect})
    });
    request.body = Some(json!({"spec": {"taints": taints.collect::<Vec<_>>()}}));
    Ok(request)
}

fn body(words: &mut Words) -> Result<Option<Value>, Malformed> {
    let text = words.value(&["-p", "--patch", "--body", "-f", "--filename"]);
    let read = |text: String| {
        strict_json(text.as_bytes()).map_err(|error| Malformed::new(format!("the body is no JSON text: {error}")))
    };
    text.map(read).transpose()
}

fn patch(words: &mut Words) -> Result<Request, Malformed> {
    let kind = words.value(&["--type"]);
    let subresource = words.value(&["--subresource"]);
    let body = body(words)?.ok_or_else(|| Malformed::new("patch needs -p '{...}'"))?;
    let mut request = object(words, Verb::Patch)?;
    let kind = match kind.as_deref() {
        Some("json") => JSON_PATCH,
        Some("merge") => MERGE_PATCH,
        None | Some("strategic") => STRATEGIC_MERGE_PATCH,
        Some(other) => return Err(Malformed::new(format!("--type {other:?} is not json, merge or strategic"))),
    };
    request.content_type = Some(kind.to_owned());
    request.subresource = subresource;
    request.body = Some(body);
    Ok(request)
}

fn writes(first: &str, words: &mut Words) -> Result<Request, Malformed> {
    let force = words.flag(&["--force-conflicts"]);
    let image = words.value(&["--image"]);
    let bounds = (words.value(&["--min"]), words.value(&["--max"]));
    words.value(&["--from"]);
    let given = body(words)?;
    let mut request = match first {
        "run" => {
            words.push_front("pod");
            object(words, Verb::Create)?
        }
        "create" if words.peek() == Some("token") => {
            words.next();
            let mut request = below(words, "serviceaccounts", "token", Verb::Create)?;
            request.body = Some(json!({}));
            return Ok(request);
        }
        "expose" | "autoscale" => {
            let of = object(words, Verb::Create)?;
            let kind = if first == "expose" { "services" } else { "horizontalpodautoscalers" };
            let (group, version, plural, _) = resource(kind);
            Request { group, version, resource: plural, ..of }
        }
        _ => object(words, if first == "create" { Verb::Create } else { Verb::Apply })?,
    };
    if matches!(first, "replace" | "edit") {
        request.verb = Verb::Update;
    }
    let spec = match (image, bounds) {
        (Some(image), _) => json!({"containers": [{"name": "main", "image": image}]}),
        (None, (None, None)) => Value::Null,
        (None, (min, max)) => json!({"minReplicas": min, "maxReplicas": max}),
    };
    let usual = json!({"metadata": {"name": request.name}, "spec": spec});
    request.body = Some(given.unwrap_or(usual));
    if request.verb == Verb::Create {
        request.name = None;
    }
    if force {
        request.query.insert("force".to_owned(), vec!["true".to_owned()]);
    }
    Ok(request)
}

fn certificate(words: &mut Words) -> Result<Request, Malformed> {
    words.next();
    let name = words.next().ok_or_else(|| Malformed::new("it names no certificate request"))?;
    Ok(Request {
        verb: Verb::Update,
        group: "certificates.k8s.io".to_owned(),
        version: "v1".to_owned(),
        resource: "certificatesigningrequests".to_owned(),
        subresource: Some("approval".to_owned()),
        name: Some(name),
        body: Some(json!({})),
        ..Request::default()
    })
}

fn question() -> Request {
    Request {
        verb: Verb::Create,
        group: "authorization.k8s.io".to_owned(),
        version: "v1".to_owned(),
        resource: "selfsubjectaccessreviews".to_owned(),
        body: Some(json!({"spec": {}})),
        ..Request::default()
    }
}
