//! Things with an address: incidents, reports, objects of the cluster.

use percent_encoding::percent_decode_str;
use rmcp::ErrorData;
use rmcp::model::{ReadResourceResult, Resource, ResourceContents, ResourceTemplate};
use rmcp::service::{RequestContext, RoleServer};
use serde_json::{Value, json};

use super::Server;
use crate::answer::{MOST, redacted};
use crate::context::Caller;
use crate::hands::Document;
use crate::tool::Arguments;

pub const OBJECT: &str = "midwatch://object/{apiVersion}/{kind}/{namespace}/{name}";
const INCIDENT: &str = "midwatch://incident/{id}";
const REPORT: &str = "midwatch://report/{id}";
/// Stands for the namespace of what has none.
const NO_NAMESPACE: &str = "_";
const TEXT: &str = "text/plain";
const JSON: &str = "application/json";

pub fn templates() -> Vec<ResourceTemplate> {
    vec![
        ResourceTemplate::new(OBJECT, "object").with_title("Object").with_mime_type(TEXT).with_description(
            "An object of the cluster. Write apps/v1 as apps%2Fv1, and _ as the namespace of what has none",
        ),
        ResourceTemplate::new(INCIDENT, "incident")
            .with_title("Incident")
            .with_mime_type(JSON)
            .with_description("Alerts that share a cause, with their newest diagnosis"),
        ResourceTemplate::new(REPORT, "report")
            .with_title("Report")
            .with_mime_type(JSON)
            .with_description("The newest diagnosis of an incident with all its evidence"),
    ]
}

#[derive(Debug, PartialEq)]
enum Address {
    Object { api_version: String, kind: String, namespace: Option<String>, name: String },
    Document(Document),
}

/// None for every address that is not one of ours, letter by letter.
fn parse(uri: &str) -> Option<Address> {
    let path = uri.strip_prefix("midwatch://")?;
    let parts: Vec<String> = path.split('/').map(segment).collect::<Option<_>>()?;
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match parts.as_slice() {
        ["object", api_version, kind, namespace, name] => Some(Address::Object {
            api_version: (*api_version).to_owned(),
            kind: (*kind).to_owned(),
            namespace: (*namespace != NO_NAMESPACE).then(|| (*namespace).to_owned()),
            name: (*name).to_owned(),
        }),
        ["incident", id] => Some(Address::Document(Document::Incident((*id).to_owned()))),
        ["report", id] => Some(Address::Document(Document::Report((*id).to_owned()))),
        _ => None,
    }
}

fn segment(text: &str) -> Option<String> {
    let decoded = percent_decode_str(text).decode_utf8().ok()?;
    let fine = !decoded.is_empty() && decoded.len() <= 253 && !decoded.chars().any(char::is_control);
    fine.then(|| decoded.into_owned())
}

impl Server {
    /// The incidents that are open now. Without a hub there are none.
    pub(super) async fn incidents(&self, caller: &Caller) -> Vec<Resource> {
        let found = self.shared.hands.alerts(caller, true).await.unwrap_or_else(|_| json!({}));
        let incidents = found["incidents"].as_array().cloned().unwrap_or_default();
        let listed = incidents.iter().filter_map(|incident| {
            let id = match &incident["id"] {
                Value::Number(id) => id.to_string(),
                Value::String(id) => id.clone(),
                Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
            };
            let title = incident["title"].as_str().unwrap_or("Incident");
            let resource = Resource::new(format!("midwatch://incident/{id}"), format!("incident-{id}"));
            Some(resource.with_title(self.clean(title)).with_mime_type(JSON))
        });
        listed.collect()
    }

    pub(super) async fn read(
        &self,
        caller: Caller,
        uri: &str,
        rpc: &RequestContext<RoleServer>,
    ) -> Result<ReadResourceResult, ErrorData> {
        let missing = || ErrorData::resource_not_found("Resource not found", Some(json!({"uri": uri})));
        if let Err(trouble) = self.shared.limit.admit(&caller.name) {
            return Err(ErrorData::internal_error(trouble.to_string(), None));
        }
        let (text, kind) = match parse(uri).ok_or_else(missing)? {
            Address::Document(which) => {
                let found = self.shared.hands.document(&caller, which).await;
                let found =
                    found.map_err(|trouble| ErrorData::internal_error(self.clean(&trouble.to_string()), None))?;
                let data = crate::answer::fit(redacted(found.ok_or_else(missing)?), MOST);
                (data.to_string(), JSON)
            }
            Address::Object { api_version, kind, namespace, name } => {
                // the same tool under the same rules, only by another door
                let tool = self.open_to(&caller).find(|tool| tool.name == "resources_get").ok_or_else(missing)?;
                let mut arguments = Arguments::new();
                arguments.insert("apiVersion".to_owned(), api_version.into());
                arguments.insert("kind".to_owned(), kind.into());
                arguments.insert("name".to_owned(), name.into());
                if let Some(namespace) = namespace {
                    arguments.insert("namespace".to_owned(), namespace.into());
                }
                let answer = self.run(tool, &caller, arguments, rpc).await.map_err(|trouble| {
                    ErrorData::resource_not_found(self.clean(&trouble.to_string()), Some(json!({"uri": uri})))
                })?;
                (self.clean(&answer.text), TEXT)
            }
        };
        Ok(ReadResourceResult::new(vec![ResourceContents::text(text, uri).with_mime_type(kind)]))
    }
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn addresses_are_read_part_by_part() {
        let object = Address::Object {
            api_version: "apps/v1".to_owned(),
            kind: "Deployment".to_owned(),
            namespace: Some("shop".to_owned()),
            name: "api".to_owned(),
        };
        assert_eq!(parse("midwatch://object/apps%2Fv1/Deployment/shop/api"), Some(object));
        let node = parse("midwatch://object/v1/Node/_/node-1");
        assert!(matches!(node, Some(Address::Object { namespace: None, .. })), "{node:?}");
        assert_eq!(parse("midwatch://incident/7"), Some(Address::Document(Document::Incident("7".to_owned()))));
        for wrong in [
            "",
            "midwatch://",
            "midwatch://incident/",
            "midwatch://incident/7/8",
            "file:///etc/passwd",
            "midwatch://object/v1/Pod/shop/a%00b",
            "midwatch://object/v1/Pod/shop/%ff",
            "midwatch://object/v1/Pod//a",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
