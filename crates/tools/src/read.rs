//! Reads from the cluster for the tools, and says in words why something could not be read.

use diagnose::collect::Lean;
use diagnose::{Object, near};
use futures::future::join_all;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::context::Context;
use crate::kind::{Kind, built_in};
use crate::trouble::Trouble;

/// Objects in a page of a list.
const PAGE: usize = 1000;
/// Objects that a list reads at most.
pub const MOST: usize = 20_000;

/// Which objects of a list are wanted.
#[derive(Debug, Clone, Copy, Default)]
pub struct Selectors<'a> {
    pub labels: Option<&'a str>,
    pub fields: Option<&'a str>,
}

/// What a list holds; `cut` when there was more than is read.
pub struct Listed {
    pub objects: Vec<Object>,
    pub cut: bool,
}

pub struct Reader<'a> {
    client: &'a kube::Client,
    /// The namespace that is meant where none is named.
    pub namespace: &'a str,
}

/// A part of a path. What could lead to another path is refused before the gate sees it.
pub fn segment<'a>(argument: &str, value: &'a str) -> Result<&'a str, Trouble> {
    let odd = |c: char| c.is_control() || c.is_whitespace() || matches!(c, '/' | '\\' | '%' | '?' | '#' | '&');
    if value.is_empty() || value == "." || value == ".." || value.len() > 253 || value.contains(odd) {
        return Err(Trouble::unreadable(argument, format!("{value:?} is no name of an object")));
    }
    Ok(value)
}

pub fn encoded(value: &str) -> String {
    utf8_percent_encode(value, NON_ALPHANUMERIC).to_string()
}

impl<'a> Reader<'a> {
    pub fn new(context: &'a Context) -> Result<Self, Trouble> {
        let cluster = context.cluster()?;
        Ok(Self { client: &cluster.client, namespace: &cluster.namespace })
    }

    /// The namespace of an argument, else the context's own.
    pub fn namespace_or_own<'b>(&'b self, asked: Option<&'b str>) -> Result<&'b str, Trouble> {
        asked.map_or(Ok(self.namespace), |asked| segment("namespace", asked))
    }

    /// The same for an object of a kind: `""` where the kind has no namespaces.
    pub fn namespace_for<'b>(&'b self, kind: &Kind, asked: Option<&'b str>) -> Result<&'b str, Trouble> {
        if kind.namespaced { self.namespace_or_own(asked) } else { Ok("") }
    }

    pub async fn text(&self, path: &str) -> Result<String, kube::Error> {
        let request = http::Request::get(path).body(Vec::new()).map_err(kube::Error::HttpError)?;
        self.client.request_text(request).await
    }

    async fn text_as(&self, path: &str, accept: &str) -> Result<String, kube::Error> {
        let request = http::Request::get(path).header(http::header::ACCEPT, accept).body(Vec::new());
        self.client.request_text(request.map_err(kube::Error::HttpError)?).await
    }

    /// JSON without field ownership and the other bulk that nobody asks for.
    pub async fn json(&self, path: &str) -> Result<Value, kube::Error> {
        let text = self.text(path).await?;
        let Lean(value) = serde_json::from_str(&text).map_err(kube::Error::SerdeError)?;
        Ok(value)
    }

    /// JSON as it came.
    pub async fn whole(&self, path: &str) -> Result<Value, kube::Error> {
        serde_json::from_str(&self.text(path).await?).map_err(kube::Error::SerdeError)
    }

    /// One object. Where it does not exist, the error says where it is or what is called alike.
    pub async fn object(&self, kind: &Kind, namespace: &str, name: &str) -> Result<Object, Trouble> {
        let path = kind.object_path(namespace, segment("name", name)?);
        match self.json(&path).await {
            Ok(value) => Object::new(value)
                .ok_or_else(|| Trouble::Unreachable(format!("{path} answered something else than an object"))),
            Err(kube::Error::Api(status)) if status.code == 404 => Err(self.missing(kind, namespace, name).await),
            Err(error) => Err(Self::trouble(error, "get", kind, namespace)),
        }
    }

    pub fn trouble(error: kube::Error, verb: &str, kind: &Kind, namespace: &str) -> Trouble {
        Trouble::from_kube(error, verb, &kind.plural, Some(namespace).filter(|n| kind.namespaced && !n.is_empty()))
    }

    /// All objects of a kind, in one namespace or (`""`) over all, page by page.
    pub async fn list(&self, kind: &Kind, namespace: &str, selectors: Selectors<'_>) -> Result<Listed, Trouble> {
        self.list_as(kind, namespace, selectors, true).await
    }

    /// The same with field ownership.
    pub async fn list_with_fields(&self, kind: &Kind, namespace: &str) -> Result<Listed, Trouble> {
        self.list_as(kind, namespace, Selectors::default(), false).await
    }

    async fn list_as(
        &self,
        kind: &Kind,
        namespace: &str,
        selectors: Selectors<'_>,
        lean: bool,
    ) -> Result<Listed, Trouble> {
        let base = format!("{}?limit={PAGE}{}", kind.list_path(namespace), query(selectors));
        let mut objects = Vec::new();
        let mut next = String::new();
        loop {
            let path = if next.is_empty() { base.clone() } else { format!("{base}&continue={}", encoded(&next)) };
            let answer = if lean { self.json(&path).await } else { self.whole(&path).await };
            let mut page = answer.map_err(|error| Self::trouble(error, "list", kind, namespace))?;
            if let Value::Array(items) = page["items"].take() {
                objects.extend(items.into_iter().filter_map(|item| named(item, kind)));
            }
            next = page.pointer("/metadata/continue").and_then(Value::as_str).unwrap_or_default().to_owned();
            if next.is_empty() || objects.len() >= MOST {
                return Ok(Listed { objects, cut: !next.is_empty() });
            }
        }
    }

    /// The server's own table of a kind, each row with its object.
    pub async fn table(&self, kind: &Kind, namespace: &str, selectors: Selectors<'_>) -> Result<Value, Trouble> {
        let path = format!("{}?limit={PAGE}&includeObject=Object{}", kind.list_path(namespace), query(selectors));
        let answer = self.text_as(&path, "application/json;as=Table;v=v1;g=meta.k8s.io,application/json").await;
        let text = answer.map_err(|error| Self::trouble(error, "list", kind, namespace))?;
        let Lean(value) = serde_json::from_str(&text).map_err(|error| Trouble::Unreachable(error.to_string()))?;
        Ok(value)
    }

    /// Namespace and name of every object of a kind, which costs little even where the objects are large.
    pub async fn names(&self, kind: &Kind, namespace: &str) -> Result<Vec<(String, String)>, Trouble> {
        let path = format!("{}?limit={MOST}", kind.list_path(namespace));
        let accept = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json";
        let text = self.text_as(&path, accept).await.map_err(|error| Self::trouble(error, "list", kind, namespace))?;
        let Lean(value) = serde_json::from_str(&text).map_err(|error| Trouble::Unreachable(error.to_string()))?;
        let field = |item: &Value, key: &str| item["metadata"][key].as_str().unwrap_or_default().to_owned();
        let items = value["items"].as_array().into_iter().flatten();
        Ok(items.map(|item| (field(item, "namespace"), field(item, "name"))).collect())
    }

    /// What to say of an object that is not there: where one of that name is, else what is called alike, else which
    /// namespace was meant.
    pub async fn missing(&self, kind: &Kind, namespace: &str, name: &str) -> Trouble {
        let what = if kind.namespaced {
            format!("{} {name} in namespace {namespace}", kind.name)
        } else {
            format!("{} {name}", kind.name)
        };
        let all = self.names(kind, "").await.or(self.names(kind, namespace).await).unwrap_or_default();
        let elsewhere: Vec<String> = all
            .iter()
            .filter(|(at, found)| found == name && at != namespace)
            .map(|(at, found)| format!("{found} in namespace {at}"))
            .take(5)
            .collect();
        if !elsewhere.is_empty() {
            return Trouble::NotFound { what, near: elsewhere };
        }
        let mut near: Vec<(usize, String)> = all
            .iter()
            .filter_map(|(at, found)| {
                let near = near::distance(name, found).or_else(|| found.contains(name).then_some(50))?;
                let (far, place) =
                    if at == namespace { (0, String::new()) } else { (100, format!(" in namespace {at}")) };
                Some((near + far, format!("{found}{place}")))
            })
            .collect();
        near.sort();
        near.truncate(5);
        if near.is_empty()
            && kind.namespaced
            && let Some(trouble) = self.missing_namespace(namespace).await
        {
            return trouble;
        }
        Trouble::NotFound { what, near: near.into_iter().map(|(_, name)| name).collect() }
    }

    /// None when the namespace exists or cannot be looked up.
    pub async fn missing_namespace(&self, namespace: &str) -> Option<Trouble> {
        let names = self.names(&built_in("Namespace")?, "").await.ok()?;
        let names: Vec<&str> = names.iter().map(|(_, name)| name.as_str()).collect();
        if names.contains(&namespace) {
            return None;
        }
        let mut near: Vec<(usize, &str)> = names
            .iter()
            .filter_map(|found| {
                Some((near::distance(namespace, found).or_else(|| found.contains(namespace).then_some(50))?, *found))
            })
            .collect();
        near.sort_unstable();
        let near = near.into_iter().take(5).map(|(_, name)| name.to_owned()).collect();
        Some(Trouble::NotFound { what: format!("namespace {namespace}"), near })
    }

    /// Lists several kinds at once; a kind that cannot be read is left out and named.
    pub async fn lists(&self, kinds: &[Kind], namespace: &str) -> (Vec<Object>, Vec<String>) {
        let lists = kinds.iter().map(|kind| self.list_with_fields(kind, namespace));
        let mut objects = Vec::new();
        let mut gaps = Vec::new();
        for (kind, listed) in kinds.iter().zip(join_all(lists).await) {
            match listed {
                Ok(listed) => objects.extend(listed.objects),
                Err(trouble) => gaps.push(format!("{}: {trouble}", kind.plural)),
            }
        }
        (objects, gaps)
    }
}

/// The items of a list do not say what they are.
fn named(mut item: Value, kind: &Kind) -> Option<Object> {
    let fields = item.as_object_mut()?;
    fields.entry("kind").or_insert_with(|| kind.name.as_ref().into());
    fields.entry("apiVersion").or_insert_with(|| kind.api_version.as_ref().into());
    Object::new(item)
}

fn query(selectors: Selectors<'_>) -> String {
    let part =
        |name: &str, value: Option<&str>| value.map(|value| format!("&{name}={}", encoded(value))).unwrap_or_default();
    part("labelSelector", selectors.labels) + &part("fieldSelector", selectors.fields)
}
