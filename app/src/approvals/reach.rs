//! The limits of the policy, with what of the cluster they need: disruption budgets, and who keeps a pod.

use cluster::limits::{Counts, Plan, Target, check};
use cluster::{Cluster, Policy, Request, Verb};
use jiff::Timestamp;
use serde_json::Value;

use super::object::{self, Seen};
use super::{Approvals, Refusal};

impl Approvals {
    /// Everything but the writes per hour, which are counted where the intent is written.
    pub(super) async fn within_limits(
        &self,
        policy: &Policy,
        reading: &Cluster,
        request: &Request,
        seen: Option<&Seen>,
        after: Option<&Value>,
    ) -> Result<(), Refusal> {
        let budgets = budgets(reading, request).await?;
        let owner = match seen {
            Some(seen) if request.group.is_empty() && request.resource == "pods" => {
                owner(reading, request, &seen.raw).await?
            }
            Some(_) | None => None,
        };
        let live = seen.map(|seen| &seen.raw);
        let target = Target { request, live, after, owner: owner.as_ref().map(|seen| &seen.raw) };
        let now = Timestamp::from_millisecond(self.now()).unwrap_or_default();
        let plan = Plan { targets: &[target], budgets: &budgets, counts: Counts::default(), now };
        check(policy.limits(), policy.freeze(), &plan).map_err(|reasons| {
            let reasons: Vec<String> =
                reasons.iter().map(|reason| format!("{} ({})", reason.text, reason.limit)).collect();
            Refusal::Refused(format!("the policy's limits do not allow this: {}", reasons.join("; ")))
        })
    }
}

async fn budgets(reading: &Cluster, request: &Request) -> Result<Vec<Value>, Refusal> {
    let Some(namespace) = &request.namespace else { return Ok(Vec::new()) };
    let list = Request {
        cluster: request.cluster.clone(),
        verb: Verb::List,
        group: "policy".to_owned(),
        version: "v1".to_owned(),
        resource: "poddisruptionbudgets".to_owned(),
        namespace: Some(namespace.clone()),
        ..Request::default()
    };
    let http = list.to_http().map_err(|error| Refusal::Malformed(error.to_string()))?;
    match reading.client.request::<Value>(http).await {
        Ok(mut listed) => Ok(listed["items"].as_array_mut().map(std::mem::take).unwrap_or_default()),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(Vec::new()),
        // Without them nobody can say that a budget is kept.
        Err(error) => {
            let why = cluster::reason(&error);
            Err(Refusal::Refused(format!("the disruption budgets of {namespace} cannot be read: {why}")))
        }
    }
}

/// The ReplicaSet or other workload that keeps a pod.
async fn owner(reading: &Cluster, request: &Request, pod: &Value) -> Result<Option<Seen>, Refusal> {
    let owners = pod["metadata"]["ownerReferences"].as_array();
    let Some(owner) = owners.into_iter().flatten().find(|owner| owner["controller"] == true) else { return Ok(None) };
    let text = |field: &str| owner[field].as_str().unwrap_or_default().to_owned();
    let api_version = text("apiVersion");
    let (group, version) = api_version.split_once('/').unwrap_or(("", &api_version));
    let resource = match text("kind").as_str() {
        "ReplicaSet" => "replicasets",
        "StatefulSet" => "statefulsets",
        "DaemonSet" => "daemonsets",
        _ => return Ok(None),
    };
    let about = Request {
        group: group.to_owned(),
        version: version.to_owned(),
        resource: resource.to_owned(),
        subresource: None,
        ..request.clone()
    };
    object::read(reading, &about, &text("name")).await
}
