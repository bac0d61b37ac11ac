//! From the wire to the canonical request and back.

use std::collections::BTreeMap;

use ::http::{Method, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::Value;

use super::precondition::{self, DELETE_OPTIONS};
use super::{APPLY_PATCH, JSON, JSON_PATCH, MERGE_PATCH, Malformed, Request, STRATEGIC_MERGE_PATCH, Verb, json, name};
use crate::identity::Identity;

/// Subresources that open a channel, with whatever method they are asked for.
const CHANNELS: [&str; 4] = ["exec", "attach", "portforward", "proxy"];

/// Kept as they are in a path or a query.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':');

impl Request {
    /// Reads a request for an object or a list of them. `cluster` and `as_user` are what the sender knows beside it.
    pub fn from_http<B: AsRef<[u8]>>(
        request: &::http::Request<B>,
        cluster: &str,
        as_user: Option<&Identity>,
    ) -> Result<Self, Malformed> {
        let segments = crate::request::segments(request.uri().path()).map_err(Malformed::new)?;
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let mut own = place(&segments)?;
        own.cluster = cluster.to_owned();
        own.as_user = as_user.cloned();
        own.query = query(request.uri().query().unwrap_or_default())?;
        if let Some(mut managers) = own.query.remove("fieldManager") {
            own.field_manager = managers.pop();
            if !managers.is_empty() {
                return Err(Malformed::new("there is more than one fieldManager"));
            }
        }
        let kind = request.headers().get(header::CONTENT_TYPE).map(|kind| kind.to_str().unwrap_or("?").to_owned());
        own.verb = verb(request.method(), &own, kind.as_deref())?;
        own.content_type = kind;
        own.read_body(request.body().as_ref())?;
        own.check()?;
        Ok(own.normal())
    }

    fn read_body(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        if bytes.trim_ascii().is_empty() {
            self.content_type = None;
            return Ok(());
        }
        if self.verb.reads() {
            return Err(Malformed::new("a read has no body"));
        }
        let kind = self.content_type.as_deref().map(|kind| kind.split(';').next().unwrap_or_default().trim());
        let kind = kind.map(str::to_ascii_lowercase);
        let known: &[&str] = match self.verb {
            Verb::Patch => &[JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE_PATCH],
            Verb::Apply => &[APPLY_PATCH],
            _ => &[JSON],
        };
        // Without a type the server takes its default, which is JSON everywhere but in a patch.
        let fits = kind.as_deref().map_or(known.contains(&JSON), |kind| known.contains(&kind));
        if !fits {
            return Err(Malformed::new(format!("a body of type {:?} is not read", kind.unwrap_or_default())));
        }
        let body = json::strict(bytes).map_err(|error| Malformed::new(format!("the body is not read: {error}")))?;
        let deletes = matches!(self.verb, Verb::Delete | Verb::DeleteCollection);
        if let Some(lost) = DELETE_OPTIONS.iter().find(|name| deletes && self.query.contains_key(**name)) {
            return Err(Malformed::new(format!("the server would not look at {lost} in the query beside a body")));
        }
        self.body = Some(body);
        Ok(())
    }

    /// Whether every part of it can stand where it would be sent to.
    pub fn check(&self) -> Result<(), Malformed> {
        name::check(self)?;
        let named = self.name.is_some();
        let needs_name = match self.verb {
            Verb::Get | Verb::Update | Verb::Patch | Verb::Apply | Verb::Delete | Verb::Connect => true,
            Verb::List | Verb::Watch | Verb::Create | Verb::DeleteCollection => self.subresource.is_some(),
        };
        if needs_name && !named {
            return Err(Malformed::new(format!("{} needs a name", self.verb.as_str())));
        }
        let refuses_name = matches!(self.verb, Verb::List | Verb::DeleteCollection)
            || (self.verb == Verb::Create && self.subresource.is_none());
        if refuses_name && named {
            return Err(Malformed::new(format!("{} of one object is not a request", self.verb.as_str())));
        }
        // Below a namespace the path would lead to something else in it.
        let misread = self.group.is_empty() && self.resource == "namespaces" && self.namespace.is_none();
        if misread && !matches!(self.subresource.as_deref(), None | Some("status" | "finalize")) {
            return Err(Malformed::new("a namespace has only status and finalize below it"));
        }
        let needs_body = matches!(self.verb, Verb::Create | Verb::Update | Verb::Patch | Verb::Apply);
        if needs_body && self.body.is_none() {
            return Err(Malformed::new(format!("{} needs a body", self.verb.as_str())));
        }
        // What is stored and read again must still have its digest; a few fractions with many digits do not.
        let stable = |body: &Value| {
            json::strict(&json::canonical(body)).is_ok_and(|again| json::canonical(&again) == json::canonical(body))
        };
        if !self.body.as_ref().is_none_or(stable) {
            return Err(Malformed::new("the body has a number that does not read back as it is written"));
        }
        Ok(())
    }

    /// The request as it goes out. Who it is for is added by the gate.
    pub fn to_http(&self) -> Result<::http::Request<Vec<u8>>, Malformed> {
        self.check()?;
        let own = self.normal();
        let method = match own.verb {
            Verb::Get | Verb::List | Verb::Watch => Method::GET,
            Verb::Create | Verb::Connect => Method::POST,
            Verb::Update => Method::PUT,
            Verb::Patch | Verb::Apply => Method::PATCH,
            Verb::Delete | Verb::DeleteCollection => Method::DELETE,
        };
        let body = precondition::give(&own);
        let sent = Self { body: body.clone(), preconditions: None, ..own.clone() };
        if sent.normal().preconditions != own.preconditions {
            return Err(Malformed::new("its preconditions have no place to travel in"));
        }
        let mut builder = ::http::Request::builder().method(method).uri(own.uri());
        builder = builder.header(header::ACCEPT, JSON);
        if let Some(kind) = own.content_type.as_deref().or(body.as_ref().map(|_| JSON)) {
            builder = builder.header(header::CONTENT_TYPE, kind);
        }
        let bytes = body.map(|body| json::canonical(&body)).unwrap_or_default();
        builder.body(bytes).map_err(|error| Malformed::new(error.to_string()))
    }

    fn uri(&self) -> String {
        let mut parts = vec![if self.group.is_empty() { "api" } else { "apis" }];
        parts.extend(Some(self.group.as_str()).filter(|group| !group.is_empty()));
        parts.push(&self.version);
        if let Some(namespace) = &self.namespace {
            parts.extend(["namespaces", namespace]);
        }
        parts.push(&self.resource);
        parts.extend(self.name.as_deref());
        parts.extend(self.subresource.iter().flat_map(|subresource| subresource.split('/')));
        let path: String = parts.iter().map(|part| format!("/{}", utf8_percent_encode(part, PLAIN))).collect();

        let deletes = matches!(self.verb, Verb::Delete | Verb::DeleteCollection);
        let manager = self.field_manager.iter().map(|manager| ("fieldManager", manager));
        let rest = self.query.iter().filter(|(name, _)| !(deletes && DELETE_OPTIONS.contains(&name.as_str())));
        let rest = rest.flat_map(|(name, values)| values.iter().map(move |value| (name.as_str(), value)));
        let pairs: Vec<String> = rest
            .chain(manager)
            .map(|(name, value)| format!("{}={}", utf8_percent_encode(name, PLAIN), utf8_percent_encode(value, PLAIN)))
            .collect();
        if pairs.is_empty() { path } else { format!("{path}?{}", pairs.join("&")) }
    }
}

fn place(segments: &[&str]) -> Result<Request, Malformed> {
    let (group, version, rest) = match segments {
        ["api", version, rest @ ..] => ("", *version, rest),
        ["apis", group, version, rest @ ..] => (*group, *version, rest),
        _ => return Err(Malformed::new("the path does not lead to objects")),
    };
    if matches!(rest, ["watch" | "proxy" | "redirect", ..]) {
        return Err(Malformed::new("the old watch and proxy paths are not used"));
    }
    let (namespace, resource, name, below) = match rest {
        [resource] => (None, *resource, None, &[][..]),
        ["namespaces", name] => (None, "namespaces", Some(*name), &[][..]),
        ["namespaces", name, "status" | "finalize"] => (None, "namespaces", Some(*name), &rest[2..]),
        ["namespaces", namespace, resource] => (Some(*namespace), *resource, None, &[][..]),
        ["namespaces", namespace, resource, name, below @ ..] => (Some(*namespace), *resource, Some(*name), below),
        [resource, name, below @ ..] => (None, *resource, Some(*name), below),
        [] => return Err(Malformed::new("the path does not lead to objects")),
    };
    if below.len() > 1 && below[0] != "proxy" {
        return Err(Malformed::new("nothing lies below a subresource but paths of a proxy"));
    }
    Ok(Request {
        group: group.to_owned(),
        version: version.to_owned(),
        resource: resource.to_owned(),
        subresource: (!below.is_empty()).then(|| below.join("/")),
        namespace: namespace.map(str::to_owned),
        name: name.map(str::to_owned),
        ..Request::default()
    })
}

fn verb(method: &Method, place: &Request, kind: Option<&str>) -> Result<Verb, Malformed> {
    let channel = place.subresource.as_deref().and_then(|subresource| subresource.split('/').next());
    // Reading below a proxy stays a read here: its class is decided by the subresource.
    let reads = *method == Method::GET || *method == Method::HEAD;
    if channel.is_some_and(|channel| CHANNELS.contains(&channel)) && !(reads && channel == Some("proxy")) {
        return Ok(Verb::Connect);
    }
    let named = place.name.is_some();
    let watches = place
        .query
        .get("watch")
        .is_some_and(|values| values.iter().any(|value| value != "0" && !value.eq_ignore_ascii_case("false")));
    match method.as_str() {
        "GET" | "HEAD" if watches => Ok(Verb::Watch),
        "GET" | "HEAD" if named => Ok(Verb::Get),
        "GET" | "HEAD" => Ok(Verb::List),
        "POST" => Ok(Verb::Create),
        "PUT" => Ok(Verb::Update),
        "PATCH" if kind.is_some_and(|kind| kind.to_ascii_lowercase().starts_with(APPLY_PATCH)) => Ok(Verb::Apply),
        "PATCH" => Ok(Verb::Patch),
        "DELETE" if named => Ok(Verb::Delete),
        "DELETE" => Ok(Verb::DeleteCollection),
        _ => Err(Malformed::new(format!("{method} is not used with objects"))),
    }
}

fn query(text: &str) -> Result<BTreeMap<String, Vec<String>>, Malformed> {
    let decode = |part: &str| {
        let spaced = part.replace('+', " ");
        let text = percent_decode_str(&spaced).decode_utf8().map_err(|_| Malformed::new("the query is not UTF-8"))?;
        if text.chars().any(char::is_control) {
            return Err(Malformed::new("the query has control characters"));
        }
        Ok(text.into_owned())
    };
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        // Some servers take a semicolon for a separator; none of Kubernetes' parameters has one.
        if pair.contains(';') {
            return Err(Malformed::new("the query has a semicolon"));
        }
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        found.entry(decode(name)?).or_default().push(decode(value)?);
    }
    Ok(found)
}
