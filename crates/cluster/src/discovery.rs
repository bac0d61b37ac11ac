//! Asks which kinds a cluster serves. A broken API group is a gap; the others are still found.

use std::collections::HashSet;

use http::{Request, header};
use kube::Client;
use serde::Deserialize;
use serde_json::Value;

use crate::error::reason;

/// One media type a version of the format, and the old form for servers that have neither.
const FORMATS: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
    application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

/// A kind in the version that its group prefers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kind {
    /// Empty for the core group.
    pub group: String,
    pub version: String,
    pub kind: String,
    pub plural: String,
    pub namespaced: bool,
    pub verbs: Vec<String>,
}

/// Something that could not be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    pub what: String,
    pub why: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Discovery {
    pub kinds: Vec<Kind>,
    pub gaps: Vec<Gap>,
}

/// Two requests where the server aggregates, else one more for each version of each group.
pub async fn discover(client: &Client) -> Discovery {
    let (core, groups) = futures::join!(root(client, "/api"), root(client, "/apis"));
    let mut found = Discovery::default();
    for part in [core, groups] {
        found.kinds.extend(part.kinds);
        found.gaps.extend(part.gaps);
    }
    let mut seen = HashSet::new();
    found.kinds.retain(|kind| seen.insert((kind.group.clone(), kind.plural.clone())));
    found
}

async fn root(client: &Client, path: &str) -> Discovery {
    let answer = match fetch(client, path, FORMATS).await {
        Err(kube::Error::Api(status)) if status.code == 406 => fetch(client, path, "application/json").await,
        other => other,
    };
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return gap(path, reason(&error)),
    };
    match answer["kind"].as_str() {
        Some("APIGroupDiscoveryList") => read(answer, path, aggregated),
        Some("APIVersions") => match read(answer, path, core_versions) {
            Ok(versions) => return each(client, versions).await,
            Err(gap) => Err(gap),
        },
        Some("APIGroupList") => match read(answer, path, group_versions) {
            Ok(versions) => return each(client, versions).await,
            Err(gap) => Err(gap),
        },
        other => {
            return gap(path, format!("the answer is a {other:?}, not a list of API groups"));
        }
    }
    .unwrap_or_else(|gap| gap)
}

async fn fetch(client: &Client, path: &str, accept: &str) -> Result<Value, kube::Error> {
    let request = Request::get(path).header(header::ACCEPT, accept).body(Vec::new()).map_err(kube::Error::HttpError)?;
    client.request(request).await
}

fn gap(what: &str, why: String) -> Discovery {
    Discovery { kinds: Vec::new(), gaps: vec![Gap { what: what.to_owned(), why }] }
}

fn read<T, R>(answer: Value, what: &str, then: impl FnOnce(T) -> R) -> Result<R, Discovery>
where
    T: for<'de> Deserialize<'de>,
{
    serde_json::from_value(answer)
        .map(then)
        .map_err(|error| gap(what, format!("the answer is not understood: {error}")))
}

#[derive(Deserialize)]
struct GroupDiscoveryList {
    #[serde(default)]
    items: Vec<GroupDiscovery>,
}

#[derive(Deserialize)]
struct GroupDiscovery {
    #[serde(default)]
    metadata: GroupName,
    #[serde(default)]
    versions: Vec<VersionDiscovery>,
}

#[derive(Deserialize, Default)]
struct GroupName {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct VersionDiscovery {
    version: String,
    #[serde(default)]
    resources: Vec<ResourceDiscovery>,
    #[serde(default)]
    freshness: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceDiscovery {
    resource: String,
    /// Missing where only subresources exist.
    response_kind: Option<KindName>,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    verbs: Vec<String>,
}

#[derive(Deserialize)]
struct KindName {
    #[serde(default)]
    kind: String,
}

fn aggregated(list: GroupDiscoveryList) -> Discovery {
    let mut found = Discovery::default();
    for group in list.items {
        for version in group.versions {
            // The aggregator keeps the last answer of an extension server that no longer answers.
            if version.freshness == "Stale" {
                let why = "the extension API server behind it does not answer".to_owned();
                found.gaps.push(Gap { what: group_version(&group.metadata.name, &version.version), why });
            }
            let kinds = version.resources.into_iter().filter_map(|resource| {
                let kind = resource.response_kind?.kind;
                Some(Kind {
                    group: group.metadata.name.clone(),
                    version: version.version.clone(),
                    kind,
                    plural: resource.resource,
                    namespaced: resource.scope == "Namespaced",
                    verbs: resource.verbs,
                })
            });
            found.kinds.extend(kinds.filter(|kind| !kind.kind.is_empty()));
        }
    }
    found
}

fn group_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

#[derive(Deserialize)]
struct CoreVersions {
    #[serde(default)]
    versions: Vec<String>,
}

#[derive(Deserialize)]
struct GroupList {
    #[serde(default)]
    groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    name: String,
    #[serde(default)]
    versions: Vec<GroupVersion>,
    preferred_version: Option<GroupVersion>,
}

#[derive(Deserialize)]
struct GroupVersion {
    version: String,
}

#[derive(Deserialize)]
struct ResourceList {
    #[serde(default)]
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
struct Resource {
    name: String,
    #[serde(default)]
    namespaced: bool,
    kind: String,
    #[serde(default)]
    verbs: Vec<String>,
}

type Versions = Vec<(String, String)>;

fn core_versions(core: CoreVersions) -> Versions {
    core.versions.into_iter().map(|version| (String::new(), version)).collect()
}

/// Every version of every group, the preferred one of a group first.
fn group_versions(list: GroupList) -> Versions {
    let versions = list.groups.into_iter().flat_map(|group| {
        let preferred = group.preferred_version.map(|preferred| preferred.version);
        let mut versions: Vec<String> = group.versions.into_iter().map(|version| version.version).collect();
        versions.sort_by_key(|version| Some(version) != preferred.as_ref());
        versions.into_iter().map(move |version| (group.name.clone(), version))
    });
    versions.collect()
}

async fn each(client: &Client, versions: Versions) -> Discovery {
    let lists = versions.into_iter().map(|(group, version)| resources(client, group, version));
    let mut found = Discovery::default();
    for part in futures::future::join_all(lists).await {
        found.kinds.extend(part.kinds);
        found.gaps.extend(part.gaps);
    }
    found
}

async fn resources(client: &Client, group: String, version: String) -> Discovery {
    let what = group_version(&group, &version);
    let path = if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
    let answer = match fetch(client, &path, "application/json").await {
        Ok(answer) => answer,
        Err(error) => return gap(&what, reason(&error)),
    };
    let listed = read(answer, &what, |list: ResourceList| {
        let kinds = list.resources.into_iter().filter(|resource| !resource.name.contains('/')).map(|resource| Kind {
            group: group.clone(),
            version: version.clone(),
            kind: resource.kind,
            plural: resource.name,
            namespaced: resource.namespaced,
            verbs: resource.verbs,
        });
        Discovery { kinds: kinds.collect(), gaps: Vec::new() }
    });
    listed.unwrap_or_else(|gap| gap)
}
