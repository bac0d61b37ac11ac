//! Decides from method, path and headers alone whether a request may leave, and what its answer must be like.

use http::{HeaderMap, Method, header, request::Parts};
use percent_encoding::percent_decode_str;

use crate::error::Fault;

/// What may be asked of a resource besides the object itself. Everything else that hangs below an object (exec, attach,
/// portforward, proxy, consoles of extensions) opens a channel into a workload or a node.
const SUBRESOURCES: [&str; 5] = ["status", "scale", "log", "resize", "approval"];

/// What may besides be written below an object by whoever has a permit.
const WRITTEN: [&str; 3] = ["eviction", "ephemeralcontainers", "binding"];

/// Paths of the server itself that only tell about it. `/logs` and `/debug` are left out: they give files and dumps.
const SERVER_PATHS: [&str; 6] = ["version", "healthz", "livez", "readyz", "openapi", "metrics"];

/// Questions that only come as POST and change nothing.
const QUESTIONS: [&str; 2] = ["selfsubjectaccessreviews", "selfsubjectrulesreviews"];

const ONLY_READS: &str = "only GET and HEAD are allowed, and POST only to ask for one's own rights";

/// How the answer has to be handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Objects of a kind: JSON.
    Objects,
    /// Secrets: JSON, with the values taken out.
    Secrets,
    /// Text of a log, or a page of the server itself.
    Text,
}

/// A request that may leave.
#[derive(Debug, Clone)]
pub struct Allowed {
    pub method: Method,
    pub path: String,
    pub content: Content,
    /// A watch or a followed log: read as it comes.
    pub stream: bool,
    /// It leads to objects, not to a page of the server.
    pub object: bool,
    /// It reads from a node's kubelet.
    pub node: bool,
    /// Sent once, never again.
    pub writes: bool,
}

/// Checks a request and asks for JSON where it left the format open. `passes`: something is with it that lets a write out.
pub fn admit(parts: &mut Parts, passes: bool) -> Result<Allowed, Fault> {
    let path = parts.uri.path().to_owned();
    let method = parts.method.clone();
    let refuse = |why| Fault::Refused { method: method.clone(), path: path.clone(), why };

    let segments = segments(&path).map_err(refuse)?;
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let place = place(&segments, passes).map_err(refuse)?;
    let reads = readable(&method, &segments);
    if !reads && !passes {
        return Err(refuse(ONLY_READS));
    }
    if reads && passes {
        return Err(refuse("a read needs no permit"));
    }
    if parts.headers.contains_key(header::UPGRADE) {
        return Err(refuse("connections are not upgraded"));
    }
    json_only(&mut parts.headers, place.content).map_err(refuse)?;

    let query = parts.uri.query().unwrap_or_default();
    let stream =
        reads && ((place.content != Content::Text && flag(query, "watch")) || (place.log && flag(query, "follow")));
    let object = matches!(segments.as_slice(), ["api", _, _, ..] | ["apis", _, _, _, ..]);
    Ok(Allowed { method, path, content: place.content, stream, object, node: place.node, writes: !reads })
}

/// The decoded parts of a path. Anything that a server or a proxy could read in another way is refused.
pub fn segments(path: &str) -> Result<Vec<String>, &'static str> {
    let trimmed = path.strip_prefix('/').ok_or("the path is not absolute")?;
    let trimmed = trimmed.strip_suffix('/').unwrap_or(trimmed);
    trimmed
        .split('/')
        .map(|raw| {
            let segment = percent_decode_str(raw).decode_utf8().map_err(|_| "the path is not UTF-8")?;
            if segment.is_empty() || segment == "." || segment == ".." {
                return Err("the path has an empty or a dot part");
            }
            if segment.contains(['/', '\\', '%', '?', '#']) || segment.chars().any(char::is_control) {
                return Err("the path hides a separator");
            }
            Ok(segment.into_owned())
        })
        .collect()
}

struct Place {
    content: Content,
    log: bool,
    node: bool,
}

/// Pages of a kubelet that only tell. The rest below `nodes/proxy` runs programs.
fn tells(page: &[&str]) -> bool {
    matches!(page, ["stats", "summary"] | ["metrics"] | ["metrics", "cadvisor" | "resource" | "probes"] | ["logs", ..])
}

fn place(segments: &[&str], passes: bool) -> Result<Place, &'static str> {
    let objects = Place { content: Content::Objects, log: false, node: false };
    let rest = match segments {
        ["api"] | ["apis"] | ["api", _] | ["apis", _] | ["apis", _, _] => return Ok(objects),
        ["api", _, rest @ ..] => rest,
        ["apis", _, _, rest @ ..] => rest,
        [first, ..] if SERVER_PATHS.contains(first) => {
            return Ok(Place { content: Content::Text, log: false, node: false });
        }
        _ => return Err("this path of the server is not on the list of those that may be read"),
    };
    let (resource, subresource) = match rest {
        ["watch" | "proxy" | "redirect", ..] => {
            return Err("the old watch and proxy paths are not used");
        }
        ["nodes", _, "proxy", page @ ..] if tells(page) && !passes => {
            return Ok(Place { content: Content::Text, log: false, node: true });
        }
        [resource] | [resource, _] => (*resource, None),
        ["namespaces", _, "status" | "finalize"] => ("namespaces", Some("status")),
        ["namespaces", _, resource] | ["namespaces", _, resource, _] => (*resource, None),
        ["namespaces", _, resource, _, subresource] => (*resource, Some(*subresource)),
        [resource, _, subresource] => (*resource, Some(*subresource)),
        _ => return Err("what lies below a subresource is not read"),
    };
    if let Some(subresource) = subresource
        && !SUBRESOURCES.contains(&subresource)
        && !(passes && WRITTEN.contains(&subresource))
    {
        return Err("this subresource opens a channel into a workload or a node, or is unknown");
    }
    if resource.eq_ignore_ascii_case("secrets") {
        return Ok(Place { content: Content::Secrets, log: false, node: false });
    }
    let log = resource == "pods" && subresource == Some("log");
    let content = if log { Content::Text } else { Content::Objects };
    Ok(Place { content, log, node: false })
}

fn readable(method: &Method, segments: &[&str]) -> bool {
    if method == Method::GET || method == Method::HEAD {
        return true;
    }
    let asks = matches!(segments, ["apis", "authorization.k8s.io", _, question] if QUESTIONS.contains(question));
    method == Method::POST && asks
}

/// Only JSON can be looked through for Secrets, so only JSON is asked for.
fn json_only(headers: &mut HeaderMap, content: Content) -> Result<(), &'static str> {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let kinds: Vec<String> = accepted
        .flat_map(|value| value.split(','))
        .filter_map(|part| part.split(';').next())
        .map(|kind| kind.trim().to_ascii_lowercase())
        .collect();
    let open = |kind: &String| kind == "*/*" || kind == "application/*";
    let text = |kind: &String| content == Content::Text && kind == "text/plain";
    if !kinds.iter().all(|kind| kind == "application/json" || open(kind) || text(kind)) {
        return Err("only JSON is read: other formats cannot be looked through for Secrets");
    }
    if content != Content::Text && (kinds.is_empty() || kinds.iter().any(open)) {
        headers.insert(header::ACCEPT, header::HeaderValue::from_static("application/json"));
    }
    Ok(())
}

/// The server takes every value of a boolean parameter but these for true, also none.
fn flag(query: &str, name: &str) -> bool {
    query.split('&').any(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        percent_decode_str(key).decode_utf8_lossy() == name && value != "0" && !value.eq_ignore_ascii_case("false")
    })
}
