//! A change waits for a person: how each kind of client is led to the page where that person decides.
//!
//! Whatever the client says of the person's answer, nothing follows from it: only the hub knows who decided what.

use std::time::Duration;

use rmcp::ErrorData;
use rmcp::model::{
    CallToolResponse, CallToolResult, ContentBlock, ElicitRequest, ElicitRequestParams, ElicitationAction,
    InputRequest, InputRequests, InputRequiredResult, InputResponses,
};
use rmcp::service::{RequestContext, RoleServer};
use tokio::time::{Instant, sleep};

use super::{Server, is_newest};
use crate::context::Caller;
use crate::hands::{Proposed, Standing};
use crate::seal::Bound;
use crate::trouble::Trouble;

/// The name of the one thing that is asked for.
const ASKED: &str = "approval";
/// How long a call waits for a decision after the person was shown the page; then it says how to go on.
const PATIENCE: Duration = Duration::from_secs(50);
const LOOK_AGAIN: Duration = Duration::from_millis(500);

impl Server {
    /// Leads the client to the page, as well as it can be led.
    pub(super) async fn approval(
        &self,
        caller: &Caller,
        bound: &Bound<'_>,
        proposed: Proposed,
        rpc: &RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let capabilities = rpc.client_capabilities();
        let opens_pages = capabilities.is_some_and(|c| c.elicitation.is_some_and(|e| e.url.is_some()));
        if proposed.standing != Standing::Waiting || !opens_pages {
            return Ok(self.told(&proposed).into());
        }
        let asked = ElicitRequestParams::UrlElicitationParams {
            meta: None,
            message: self.clean(&format!("Approval needed for {}: {}", proposed.id, proposed.summary)),
            url: proposed.url.clone(),
            elicitation_id: proposed.id.clone(),
        };
        if is_newest(rpc) {
            let state = self.shared.seals.seal(bound, &proposed.id, self.shared.hands.now());
            let state = state.map_err(|why| ErrorData::internal_error(why, None))?;
            let asked = InputRequest::Elicitation(ElicitRequest::new(asked));
            let asked = InputRequests::from([(ASKED.to_owned(), asked)]);
            return Ok(InputRequiredResult::new(Some(asked), Some(state)).into());
        }
        let answer = tokio::select! {
            () = rpc.ct.cancelled() => return Ok(self.result(Err(Trouble::Cancelled)).into()),
            answer = rpc.peer.create_elicitation_with_timeout(asked, Some(PATIENCE)) => answer,
        };
        match answer.map(|answer| answer.action) {
            Ok(ElicitationAction::Accept) => self.decided(caller, proposed, rpc).await,
            // declined, dismissed or not answered: the proposal stands, and its page too
            _ => Ok(self.told(&proposed).into()),
        }
    }

    /// The client comes back with the state that it was given.
    pub(super) async fn resumed(
        &self,
        caller: &Caller,
        bound: &Bound<'_>,
        state: &str,
        responses: Option<&InputResponses>,
        rpc: &RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let hands = &self.shared.hands;
        let Some(id) = self.shared.seals.open(state, bound, hands.now()) else {
            return Err(ErrorData::invalid_params("requestState is not valid: call again without it", None));
        };
        let proposed = match hands.status(caller, &id).await {
            Ok(Some(proposed)) => proposed,
            Ok(None) => {
                let what = format!("proposal {id}");
                return Ok(self.result(Err(Trouble::NotFound { what, near: Vec::new() })).into());
            }
            Err(trouble) => return Ok(self.result(Err(trouble)).into()),
        };
        let accepted = responses.and_then(|r| r.get(ASKED)).is_some_and(|answer| answer["action"] == "accept");
        if accepted { self.decided(caller, proposed, rpc).await } else { Ok(self.told(&proposed).into()) }
    }

    /// Waits a while for the person to decide and for what follows from it.
    async fn decided(
        &self,
        caller: &Caller,
        mut proposed: Proposed,
        rpc: &RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let end = Instant::now() + PATIENCE;
        while open(proposed.standing) && Instant::now() < end {
            tokio::select! {
                () = rpc.ct.cancelled() => return Ok(self.result(Err(Trouble::Cancelled)).into()),
                () = sleep(LOOK_AGAIN) => {}
            }
            match self.shared.hands.status(caller, &proposed.id).await {
                Ok(Some(now)) => proposed = now,
                Ok(None) => break,
                Err(trouble) => return Ok(self.result(Err(trouble)).into()),
            }
        }
        Ok(self.told(&proposed).into())
    }

    fn told(&self, proposed: &Proposed) -> CallToolResult {
        let mut result = CallToolResult::success(vec![ContentBlock::text(self.clean(&proposed.words()))]);
        result.structured_content = Some(crate::answer::redacted(proposed.data()));
        result
    }
}

fn open(standing: Standing) -> bool {
    match standing {
        Standing::Waiting | Standing::Approved | Standing::Running => true,
        Standing::Denied | Standing::Expired | Standing::Done | Standing::Failed | Standing::Unknown => false,
    }
}
