//! What a cluster can list, also when some of its API groups are broken: each that does not answer is a gap, not an end.

use std::collections::HashSet;

use serde_json::Value;

use super::{Error, Gap, ask};

const PLAIN: &str = "application/json";
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

/// One kind that can be listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kind {
    pub group: String,
    pub version: String,
    pub kind: String,
    pub plural: String,
    pub namespaced: bool,
}

impl Kind {
    pub fn qualified(&self) -> String {
        if self.group.is_empty() { self.plural.clone() } else { format!("{}.{}", self.plural, self.group) }
    }

    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    pub fn path(&self) -> String {
        format!("/{}/{}", version_path(&self.group, &self.version), self.plural)
    }

    pub fn is_pods(&self) -> bool {
        self.group.is_empty() && self.plural == "pods"
    }
}

#[derive(Debug, Default)]
pub(super) struct Found {
    pub version: String,
    pub kinds: Vec<Kind>,
    pub gaps: Vec<Gap>,
    taken: HashSet<(String, String)>,
}

pub(super) async fn discover(client: &kube::Client) -> Result<Found, Error> {
    let version = ask::json(client, "/version", PLAIN).await.map_err(|refusal| Error::Discovery(refusal.why))?;
    let mut found =
        Found { version: version["gitVersion"].as_str().unwrap_or_default().to_owned(), ..Found::default() };
    for root in ["/api", "/apis"] {
        match ask::json(client, root, AGGREGATED).await {
            Ok(answer) if answer["kind"] == "APIGroupDiscoveryList" => found.take_aggregated(&answer),
            Ok(answer) => found.ask_each_version(client, &answer).await,
            // An old aggregation layer can fail at the aggregated form and still know the plain one.
            Err(_) => match ask::json(client, root, PLAIN).await {
                Ok(answer) => found.ask_each_version(client, &answer).await,
                Err(refusal) => found.gap(root, refusal.why),
            },
        }
    }
    if found.kinds.is_empty() {
        let reasons: Vec<String> = found.gaps.iter().map(|gap| format!("{}: {}", gap.what, gap.why)).collect();
        return Err(Error::Discovery(reasons.join("; ")));
    }
    found.kinds.sort_by_key(Kind::qualified);
    Ok(found)
}

impl Found {
    fn gap(&mut self, what: &str, why: impl Into<String>) {
        self.gaps.push(Gap { what: what.to_owned(), why: why.into() });
    }

    /// Takes a kind unless an earlier, preferred version of it was taken.
    fn take(&mut self, kind: Kind, verbs: &Value) {
        let can_list = verbs.as_array().is_some_and(|verbs| verbs.iter().any(|verb| verb == "list"));
        // The second group's events are the same objects again.
        let twin = kind.group == "events.k8s.io";
        if can_list && !twin && self.taken.insert((kind.group.clone(), kind.plural.clone())) {
            self.kinds.push(kind);
        }
    }

    fn take_aggregated(&mut self, answer: &Value) {
        for group in items(&answer["items"]) {
            let name = text(&group["metadata"]["name"]);
            for version in items(&group["versions"]) {
                let number = text(&version["version"]);
                if version["freshness"] == "Stale" {
                    self.gap(&group_version(&name, &number), "its API server does not answer");
                }
                for resource in items(&version["resources"]) {
                    let kind = Kind {
                        group: name.clone(),
                        version: number.clone(),
                        kind: text(&resource["responseKind"]["kind"]),
                        plural: text(&resource["resource"]),
                        namespaced: resource["scope"] == "Namespaced",
                    };
                    self.take(kind, &resource["verbs"]);
                }
            }
        }
    }

    async fn ask_each_version(&mut self, client: &kube::Client, answer: &Value) {
        let core = items(&answer["versions"]).iter().map(|version| (String::new(), text(version)));
        let grouped = items(&answer["groups"]).iter().flat_map(|group| {
            let name = text(&group["name"]);
            let preferred = text(&group["preferredVersion"]["version"]);
            let mut versions: Vec<String> =
                items(&group["versions"]).iter().map(|version| text(&version["version"])).collect();
            versions.sort_by_key(|version| *version != preferred);
            versions.into_iter().map(move |version| (name.clone(), version))
        });
        for (group, version) in core.chain(grouped) {
            match ask::json(client, &format!("/{}", version_path(&group, &version)), PLAIN).await {
                Ok(list) => self.take_plain(&group, &version, &list),
                Err(refusal) => self.gap(&group_version(&group, &version), refusal.why),
            }
        }
    }

    fn take_plain(&mut self, group: &str, version: &str, list: &Value) {
        for resource in items(&list["resources"]) {
            let plural = text(&resource["name"]);
            if plural.contains('/') {
                continue;
            }
            let kind = Kind {
                group: group.to_owned(),
                version: version.to_owned(),
                kind: text(&resource["kind"]),
                plural,
                namespaced: resource["namespaced"] == true,
            };
            self.take(kind, &resource["verbs"]);
        }
    }
}

fn version_path(group: &str, version: &str) -> String {
    if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") }
}

fn group_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

fn items(list: &Value) -> &[Value] {
    list.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
