//! Reads from the API server within a budget: requests counted, a deadline kept, every failure turned into a gap.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::BoxFuture;
use futures::stream;
use futures::{FutureExt, StreamExt};
use kube::Client;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::lean::Lean;
use crate::evidence::Gap;
use crate::kinds::Kind;
use crate::object::{Object, ObjectRef};

pub struct Reader<'a> {
    client: &'a Client,
    deadline: Instant,
    requests_left: AtomicUsize,
    page: usize,
    pages: usize,
    gaps: Mutex<Vec<Gap>>,
}

/// Why something was not read.
enum Failure {
    NotFound,
    /// the continue token is too old; the list has to start again
    Expired,
    Other(String),
}

/// What a list gave, and whether that is all there is.
pub struct Listed {
    pub kind: &'static Kind,
    pub namespace: String,
    pub objects: Vec<Value>,
    pub complete: bool,
}

impl<'a> Reader<'a> {
    pub fn new(client: &'a Client, options: &super::Options, started: Instant) -> Self {
        Self {
            client,
            deadline: started + options.deadline,
            requests_left: AtomicUsize::new(options.requests),
            page: options.page,
            pages: options.pages,
            gaps: Mutex::new(Vec::new()),
        }
    }

    pub fn gap(&self, what: impl Into<String>, why: impl Into<String>) {
        if let Ok(mut gaps) = self.gaps.lock() {
            gaps.push(Gap { what: what.into(), why: why.into() });
        }
    }

    pub fn into_gaps(self) -> Vec<Gap> {
        let mut gaps = self.gaps.into_inner().unwrap_or_default();
        gaps.sort();
        gaps.dedup();
        gaps
    }

    async fn text(&self, path: &str, accept: &str) -> Result<String, Failure> {
        let left = |n: usize| n.checked_sub(1);
        if self.requests_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, left).is_err() {
            return Err(Failure::Other("the budget of requests for one diagnosis is used up".to_owned()));
        }
        let request = http::Request::get(path)
            .header(http::header::ACCEPT, accept)
            .body(Vec::new())
            .map_err(|e| Failure::Other(e.to_string()))?;
        match timeout_at(self.deadline, self.client.request_text(request)).await {
            Err(_) => Err(Failure::Other("not answered before the diagnosis had to go out".to_owned())),
            Ok(Ok(text)) => Ok(text),
            Ok(Err(kube::Error::Api(status))) if status.code == 404 => Err(Failure::NotFound),
            Ok(Err(kube::Error::Api(status))) if status.code == 410 => Err(Failure::Expired),
            Ok(Err(kube::Error::Api(status))) => Err(Failure::Other(format!("{} {}", status.code, status.message))),
            Ok(Err(error)) => Err(Failure::Other(reason(&error))),
        }
    }

    async fn json(&self, path: &str) -> Result<Value, Failure> {
        let text = self.text(path, "application/json").await?;
        let lean: Result<Lean, _> = serde_json::from_str(&text);
        lean.map(|Lean(value)| value).map_err(|e| Failure::Other(format!("the answer is no JSON: {e}")))
    }

    pub async fn version(&self) -> String {
        match self.json("/version").await {
            Ok(version) => version["gitVersion"].as_str().unwrap_or_default().to_owned(),
            Err(Failure::Other(why)) => {
                self.gap("the API server's version", why);
                String::new()
            }
            Err(Failure::NotFound | Failure::Expired) => String::new(),
        }
    }

    /// One object: found, or surely absent, or (None, false) unknown with a gap noted.
    pub async fn get(&self, re: &ObjectRef) -> (Option<Value>, bool) {
        let Some(kind) = crate::kinds::kind(&re.kind) else { return (None, false) };
        let path = kind.object_path(&re.namespace, &re.name);
        match self.json(&path).await {
            Ok(value) => (Some(value), false),
            Err(Failure::NotFound) => (None, true),
            Err(Failure::Expired) => (None, false),
            Err(Failure::Other(why)) => {
                self.gap(re.to_string(), why);
                (None, false)
            }
        }
    }

    /// A list in pages. A page that fails leaves what came before, and a gap.
    pub async fn list(&self, kind: &'static Kind, namespace: &str, filter: &str) -> Listed {
        let mut listed = Listed { kind, namespace: namespace.to_owned(), objects: Vec::new(), complete: false };
        let mut token = String::new();
        let mut restarted = false;
        for page in 0.. {
            if page >= self.pages {
                self.gap(list_name(kind, namespace), format!("only the first {} were read", listed.objects.len()));
                break;
            }
            let path = format!("{}?limit={}{filter}{token}", kind.list_path(namespace), self.page);
            let mut answer = match self.json(&path).await {
                Ok(answer) => answer,
                Err(Failure::NotFound) => {
                    // the kind itself is not served: an older cluster, or an add-on that is not there
                    listed.complete = true;
                    break;
                }
                Err(Failure::Expired) if !restarted => {
                    restarted = true;
                    listed.objects.clear();
                    token.clear();
                    continue;
                }
                Err(Failure::Expired) => {
                    self.gap(list_name(kind, namespace), "the list expired twice while it was read");
                    break;
                }
                Err(Failure::Other(why)) => {
                    self.gap(list_name(kind, namespace), why);
                    break;
                }
            };
            if let Some(items) = answer["items"].as_array_mut() {
                listed.objects.append(items);
            }
            let next = answer["metadata"]["continue"].as_str().unwrap_or_default();
            if next.is_empty() {
                listed.complete = true;
                break;
            }
            token = format!("&continue={}", escape(next));
        }
        listed.complete &= filter.is_empty();
        for object in &mut listed.objects {
            object["kind"] = kind.name.into();
            object["apiVersion"] = kind.api_version().into();
        }
        listed
    }

    pub async fn lists(&self, wanted: Vec<(&'static Kind, String, String)>) -> Vec<Listed> {
        let mut reads: Vec<BoxFuture<'_, Listed>> = Vec::new();
        for (kind, namespace, filter) in wanted {
            reads.push(async move { self.list(kind, &namespace, &filter).await }.boxed());
        }
        stream::iter(reads).buffered(PARALLEL).collect().await
    }

    /// Each object as far as it was found, and whether it is surely absent.
    pub async fn gets(&self, wanted: Vec<ObjectRef>) -> Vec<(ObjectRef, Option<Value>, bool)> {
        let mut reads: Vec<BoxFuture<'_, (ObjectRef, Option<Value>, bool)>> = Vec::new();
        for re in wanted {
            reads.push(
                async move {
                    let (value, absent) = self.get(&re).await;
                    (re, value, absent)
                }
                .boxed(),
            );
        }
        stream::iter(reads).buffered(PARALLEL).collect().await
    }

    /// A container's log, newest lines. A log that is not there (never started, node gone) is no gap unless it is refused.
    pub async fn log(
        &self,
        pod: &Object,
        container: &str,
        previous: bool,
        lines: usize,
        bytes: usize,
    ) -> Option<String> {
        let path = format!(
            "/api/v1/namespaces/{}/pods/{}/log?container={}&previous={previous}&tailLines={lines}&limitBytes={bytes}",
            pod.namespace(),
            pod.name(),
            escape(container),
        );
        match self.text(&path, "*/*").await {
            Ok(text) => Some(text),
            Err(Failure::NotFound | Failure::Expired) => None,
            Err(Failure::Other(why)) if why.starts_with("400 ") => None,
            Err(Failure::Other(why)) => {
                self.gap(format!("log of {} container {container}", pod.re), why);
                None
            }
        }
    }
}

/// How many requests of one diagnosis are under way at once; the gate bounds them all together.
const PARALLEL: usize = 12;

fn list_name(kind: &Kind, namespace: &str) -> String {
    if namespace.is_empty() {
        format!("list of {}", kind.plural)
    } else {
        format!("list of {} in {namespace}", kind.plural)
    }
}

/// Percent-encodes what may not stand in a query value.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// The innermost reason: what a person can act on.
fn reason(error: &kube::Error) -> String {
    let mut reason: &dyn std::error::Error = error;
    while let Some(source) = reason.source() {
        reason = source;
    }
    reason.to_string()
}
