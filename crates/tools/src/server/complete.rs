//! Completion of what a person types into a prompt or a resource's address.

use std::collections::BTreeSet;

use cluster::discovery;
use rmcp::ErrorData;
use rmcp::model::{ArgumentInfo, CompleteResult, CompletionInfo, Reference};
use rmcp::service::{RequestContext, RoleServer};

use super::{Server, prompts, resources};
use crate::context::Caller;
use crate::tool::Arguments;

impl Server {
    /// Nothing at all is a good answer where there is nothing to offer, such as with no cluster in reach.
    pub(super) async fn completed(
        &self,
        caller: Caller,
        reference: &Reference,
        argument: &ArgumentInfo,
        rpc: &RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let known = match reference {
            Reference::Prompt(prompt) => prompts::listed().iter().any(|p| p.name == prompt.name),
            Reference::Resource(template) => resources::templates().iter().any(|t| t.uri_template == template.uri),
            // the protocol may grow
            _ => false,
        };
        if !known {
            return Err(ErrorData::invalid_params("there is nothing of this name to complete", None));
        }
        let offered = match argument.name.as_str() {
            "namespace" => self.namespaces(&caller, rpc).await,
            "kind" | "apiVersion" => self.kinds(&caller, &argument.name).await,
            "check_events" => BTreeSet::from(["true".to_owned(), "false".to_owned()]),
            _ => BTreeSet::new(),
        };
        let typed = argument.value.to_lowercase();
        let fitting: Vec<String> = offered.into_iter().filter(|o| o.to_lowercase().starts_with(&typed)).collect();
        let total = u32::try_from(fitting.len()).ok();
        let more = fitting.len() > CompletionInfo::MAX_VALUES;
        let shown = fitting.into_iter().take(CompletionInfo::MAX_VALUES).collect();
        let mut info = CompletionInfo::new(shown).map_err(|why| ErrorData::internal_error(why, None))?;
        info.total = total;
        info.has_more = Some(more);
        Ok(CompleteResult::new(info))
    }

    async fn namespaces(&self, caller: &Caller, rpc: &RequestContext<RoleServer>) -> BTreeSet<String> {
        let Some(tool) = self.open_to(caller).find(|tool| tool.name == "namespaces_list") else {
            return BTreeSet::new();
        };
        let Ok(answer) = self.run(tool, caller, Arguments::new(), rpc).await else { return BTreeSet::new() };
        let listed = answer.data["items"].as_array().cloned().unwrap_or_default();
        listed.iter().filter_map(|n| n["name"].as_str().map(str::to_owned)).collect()
    }

    async fn kinds(&self, caller: &Caller, which: &str) -> BTreeSet<String> {
        let Ok(cluster) = self.shared.hands.cluster(caller, None) else { return BTreeSet::new() };
        let found = discovery::discover(&cluster.client).await.kinds;
        let named = found.into_iter().map(|kind| match which {
            "kind" => kind.kind,
            _ if kind.group.is_empty() => kind.version,
            // an address has to be written in one piece
            _ => format!("{}%2F{}", kind.group, kind.version),
        });
        named.collect()
    }
}
