//! What we are to a server: a client that offers nearly nothing. It samples for nobody and shows no folders. A form that
//! a server sends back is declined, or where the settings say so handed in with the server's own defaults.

use rmcp::model::{
    ClientCapabilities, ClientConfig, ElicitRequestParams, ElicitResult, ElicitationAction, ElicitationCapability,
    FormElicitationCapability, Implementation,
};
use rmcp::service::RequestContext;
use rmcp::{ClientHandler, ErrorData, RoleClient};
use serde_json::{Map, Value};

use super::settings::Elicitation;

#[derive(Debug, Clone, Copy)]
pub struct Client {
    pub elicitation: Elicitation,
}

impl ClientHandler for Client {
    fn get_info(&self) -> ClientConfig {
        let mut offered = ClientCapabilities::default();
        offered.elicitation = match self.elicitation {
            Elicitation::Decline => None,
            Elicitation::Defaults => Some(ElicitationCapability::new().with_form(FormElicitationCapability::new())),
        };
        ClientConfig::new(offered, Implementation::new("midwatch", env!("CARGO_PKG_VERSION")))
    }

    async fn create_elicitation(
        &self,
        request: ElicitRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        let filled = match (self.elicitation, request) {
            (Elicitation::Defaults, ElicitRequestParams::FormElicitationParams { requested_schema, .. }) => {
                serde_json::to_value(requested_schema).ok().and_then(|schema| filled(&schema))
            }
            (Elicitation::Decline | Elicitation::Defaults, _) => None,
        };
        Ok(match filled {
            Some(form) => ElicitResult::new(ElicitationAction::Accept).with_content(Value::Object(form)),
            None => ElicitResult::new(ElicitationAction::Decline),
        })
    }
}

/// The form with its defaults. None where a field that has to be given has none: nobody is here to fill it in.
fn filled(schema: &Value) -> Option<Map<String, Value>> {
    let fields = schema["properties"].as_object()?;
    let form: Map<String, Value> =
        fields.iter().filter_map(|(name, field)| Some((name.clone(), field.get("default")?.clone()))).collect();
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    required.into_iter().all(|name| form.contains_key(name)).then_some(form)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::filled;

    #[test]
    fn a_form_is_handed_in_only_with_its_own_defaults() {
        let field = |default: i32| json!({"type": "integer", "default": default});
        let form = filled(&json!({"properties": {"a": field(1), "b": {"type": "string"}}, "required": ["a"]}));
        assert_eq!(form.unwrap(), *json!({"a": 1}).as_object().unwrap());
        assert!(filled(&json!({"properties": {"a": field(1), "b": {"type": "string"}}, "required": ["b"]})).is_none());
    }
}
