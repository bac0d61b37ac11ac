//! From a wish to a proposal: the canonical request, its preview as the person who asks, its class, the way back, and the
//! digest over all of it.

use cluster::{Asked, Classified, Cluster, Effect, JSON_PATCH, Policy, Preconditions, Request, Terms, Verb};
use jiff::Timestamp;
use serde_json::Value;

use super::object::{self, Seen};
use super::plan::Plan;
use super::undo::{Undo, undo};
use super::{Approvals, Refusal, State, View, blast, diff, grant, identity, lines, millis, seal, span};
use crate::audit::{self, Action, Entry};
use crate::people::{Person, Role};
use crate::store::proposals::Row;
use crate::store::{Millis, permissions, proposals};

/// How often a preview is tried on an object that moves meanwhile.
const TRIES: usize = 4;
/// Tools that put back what somebody else changes: their fields are changed at their source.
const GITOPS: [&str; 6] = ["argocd", "flux", "kustomize-controller", "helm-controller", "fleet", "config-sync"];

/// A change that somebody wishes.
#[derive(Debug, Clone, PartialEq)]
pub struct Wish {
    pub verb: Verb,
    pub api_version: String,
    pub kind: String,
    pub namespace: Option<String>,
    pub name: Option<String>,
    pub subresource: Option<String>,
    pub query: Vec<(String, String)>,
    pub body: Option<Value>,
    /// The model's words.
    pub reason: Option<String>,
}

/// What the object would be before and after, and how it would be asked for.
struct Previewed {
    request: Request,
    live: Option<Seen>,
    after: Option<Value>,
    takes_from: Vec<String>,
}

/// What the policy makes of it.
struct Judged {
    class: Classified,
    terms: Terms,
    rule: String,
    permission: Option<i64>,
}

impl Approvals {
    pub async fn propose(&self, person: &Person, wish: Wish) -> Result<View, Refusal> {
        let request = self.canonical(person, &wish).await?;
        self.propose_request(person, request, wish.reason, None).await
    }

    /// `undo_of` is the proposal that this one takes back.
    pub(super) async fn propose_request(
        &self,
        person: &Person,
        request: Request,
        reason: Option<String>,
        undo_of: Option<&Row>,
    ) -> Result<View, Refusal> {
        if !person.has(Role::Operator) {
            return Err(Refusal::NotAllowed("proposing a change needs the role operator".to_owned()));
        }
        let policy = self.current_policy();
        if let Err(error) = self.judge_early(person, &policy, &request) {
            return Err(self.note_refusal(person, error).await);
        }
        let as_user = self.as_user(request.as_user.as_ref())?;
        let reading = super::reading(&as_user, &policy);
        let found = preview(&as_user, &reading, request).await;
        let found = match found {
            Ok(found) => found,
            Err(error) => return Err(self.note_refusal(person, error).await),
        };
        let live = found.live.as_ref().map(|seen| &seen.clean);
        let way = provable(&as_user, &found, undo(&found.request, live, found.after.as_ref())).await;
        let judged = match self.judge(person, &found, &way, &reading, undo_of).await {
            Ok(judged) => judged,
            Err(error) => return Err(self.note_refusal(person, error).await),
        };
        let reach =
            self.within_limits(&policy, &reading, &found.request, found.live.as_ref(), found.after.as_ref()).await;
        if let Err(error) = reach {
            return Err(self.note_refusal(person, error).await);
        }
        let now = self.now();
        let ttl = millis(judged.terms.ttl).min(span(self.settings.ttl()));
        let plan = Plan {
            blast: blast::blast(&found.request, live, found.after.as_ref()),
            live: live.cloned(),
            generation: found.live.as_ref().and_then(|seen| seen.generation),
            after: found.after,
            request: found.request,
            requester: person.name.clone(),
            class: judged.class.class.as_str().to_owned(),
            why: judged.class.why.iter().map(|why| (*why).to_owned()).collect(),
            rule: judged.rule,
            terms: judged.terms,
            permission: judged.permission,
            policy: policy.version(),
            expires_at: now + ttl,
            takes_from: found.takes_from,
            undo: way,
        };
        self.store_plan(person, plan, reason, undo_of.map(|row| row.seq), now).await
    }

    pub(super) async fn store_plan(
        &self,
        person: &Person,
        plan: Plan,
        reason: Option<String>,
        undo_of: Option<i64>,
        now: Millis,
    ) -> Result<View, Refusal> {
        let (before, after) = self.masked(&plan);
        if lines::lines(&diff::diff(before.as_ref(), after.as_ref()), after.as_ref()).is_none() {
            return Err(Refusal::Refused(
                "the change is too long to be read in full, so nobody can approve it; make smaller ones".to_owned(),
            ));
        }
        let id = seal::fresh_id()?;
        let text = serde_json::to_vec(&plan).map_err(anyhow::Error::from)?;
        let new = proposals::New {
            sealed: self.seal.seal(&id, &text)?,
            id: id.clone(),
            requester: person.name.clone(),
            cluster: plan.request.cluster.clone(),
            target: plan.target(),
            namespace: plan.request.within().unwrap_or_default().to_owned(),
            class: plan.class.clone(),
            summary: lines::visible(&summary(&plan)),
            reason: reason.map(|reason| self.seal.mask.text(&reason)),
            state: State::Proposed.name(),
            digest: plan.digest().to_string(),
            permission: plan.permission,
            undo_of,
            expires_at: plan.expires_at,
        };
        let entry = Entry {
            request: Some(super::json(&plan.request)?),
            class: Some(plan.class.clone()),
            decision: Some("approve".to_owned()),
            rule: Some(plan.rule.clone()),
            proposal: Some(id.clone()),
            digest: Some(new.digest.clone()),
            ..Entry::new(Action::Proposed, &person.name)
        };
        let most = self.settings.most_waiting;
        let added = self.store.write(move |connection| {
            Box::pin(async move {
                let now = proposals::present(connection, now).await?;
                if proposals::waiting_of(connection, &new.requester).await? >= most {
                    return Ok(false);
                }
                proposals::insert(connection, &new, now).await?;
                audit::append(connection, &entry, now).await?;
                Ok(true)
            })
        });
        if !added.await? {
            let text = format!("{most} of your proposals wait for an answer; have them answered or take some back");
            return Err(Refusal::Refused(text));
        }
        self.view(person, &id).await
    }

    /// What is refused whatever the object looks like is refused before anything is read.
    fn judge_early(&self, person: &Person, policy: &Policy, request: &Request) -> Result<(), Refusal> {
        let class = super::classified(policy, request, &cluster::Seen::default());
        if class.class < cluster::Class::X {
            return Ok(());
        }
        let who = identity(person)?;
        let now = Timestamp::from_millisecond(self.now()).unwrap_or_default();
        let asked = Asked { request, classified: &class, live: None, identity: &who, now };
        let decision = policy.decide(&asked);
        match decision.effect {
            Effect::Deny => Err(denied(&class, &decision.why, &decision.rule)),
            Effect::Allow | Effect::Approve(_) if request.verb == Verb::Connect => Err(Refusal::Refused(
                "a channel into a workload cannot be previewed, so nobody can approve it".to_owned(),
            )),
            Effect::Allow | Effect::Approve(_) => Ok(()),
        }
    }

    /// The policy's word, and where it only says that nothing allows it: a grant's.
    async fn judge(
        &self,
        person: &Person,
        found: &Previewed,
        way: &Undo,
        reading: &Cluster,
        undo_of: Option<&Row>,
    ) -> Result<Judged, Refusal> {
        let policy = self.current_policy();
        let uid = found.live.as_ref().and_then(|seen| seen.uid.as_deref());
        let live = found.live.as_ref().map(Seen::identified);
        let after = found.after.as_ref().map(|after| object::identified(after, uid));
        let (live, after) = (live.as_ref(), after.as_ref());
        let none = cluster::Seen { live, after, revisions: &[] };
        let mut class = super::classified(&policy, &found.request, &none);
        if let Some(seen) = found.live.as_ref().filter(|_| class.class == cluster::Class::D) {
            let revisions = object::revisions(reading, &found.request, seen).await;
            class = super::classified(&policy, &found.request, &cluster::Seen { revisions: &revisions, ..none });
        }
        // Its way back was made and proved together with a reversible change, and the object was like that before.
        if class.class == cluster::Class::D && undo_of.is_some_and(|row| row.class == cluster::Class::W.as_str()) {
            class = Classified { class: cluster::Class::W, why: vec!["takes a reversible change back"] };
        }
        if class.class == cluster::Class::W && matches!(way, Undo::Impossible(_)) {
            class.class = cluster::Class::D;
            class.why.push("there is no way back that was proved");
        }
        let now = self.now();
        let who = identity(person)?;
        let at = Timestamp::from_millisecond(now).unwrap_or_default();
        let asked = Asked { request: &found.request, classified: &class, live, identity: &who, now: at };
        let decision = policy.decide(&asked);
        let protected = found.request.within().is_some_and(|namespace| policy.scope().protects_namespace(namespace));
        match decision.effect {
            Effect::Approve(terms) => Ok(Judged { class, terms, rule: decision.rule, permission: None }),
            // No policy lets a write through without a person.
            Effect::Allow => {
                Ok(Judged { terms: Terms::of(class.class, protected), class, rule: decision.rule, permission: None })
            }
            Effect::Deny if class.class == cluster::Class::D && grant::opens(&decision.rule) => {
                let (store, name) = (self.store.clone(), person.name.clone());
                let held = store
                    .write(move |connection| Box::pin(async move { permissions::live(connection, &name, now).await }));
                let object = live.or(after);
                let held = held.await?;
                let fits = held.iter().find(|row| grant::covers(row, class.class, &found.request, object));
                let Some(row) = fits else { return Err(denied(&class, &decision.why, &decision.rule)) };
                Ok(Judged {
                    terms: Terms::of(class.class, protected),
                    rule: format!("grant {}", row.id),
                    permission: Some(row.id),
                    class,
                })
            }
            Effect::Deny => Err(denied(&class, &decision.why, &decision.rule)),
        }
    }

    /// Writes down that a wish was refused.
    async fn note_refusal(&self, person: &Person, error: Refusal) -> Refusal {
        let entry = Entry {
            decision: Some("deny".to_owned()),
            ..Entry::new(Action::Decided, &person.name).note(error.to_string())
        };
        let now = self.now();
        let written = self
            .store
            .write(move |connection| Box::pin(async move { audit::append(connection, &entry, now).await }))
            .await;
        match written {
            Ok(_) => error,
            Err(failed) => Refusal::Store(failed),
        }
    }
}

fn denied(class: &Classified, why: &str, rule: &str) -> Refusal {
    let what = class.why.join(", ");
    Refusal::Refused(format!("the policy does not allow this (class {}: {what}): {why} ({rule})", class.class.as_str()))
}

async fn preview(as_user: &Cluster, reading: &Cluster, mut request: Request) -> Result<Previewed, Refusal> {
    let mut takes_from = Vec::new();
    let mut last = None;
    for _ in 0..TRIES {
        let live = match &request.name {
            Some(name) if request.verb != Verb::Create => object::read(reading, &request, name).await?,
            _ => None,
        };
        if let Some(seen) = &live {
            if seen.is_going() && request.verb != Verb::Delete {
                return Err(Refusal::Refused("the object is being deleted".to_owned()));
            }
        } else if request.verb == Verb::Apply {
            // Made only if it still is not there: an apply would change what somebody else made meanwhile.
            request.verb = Verb::Create;
            request.name = None;
            request.query.remove("force");
        } else if request.verb != Verb::Create {
            return Err(Refusal::Refused(format!("not found: {}", request.summary())));
        }
        request.preconditions = live.as_ref().map(conditions);
        let after = object::preview(as_user, &trial(&request), live.as_ref().map(|seen| &seen.clean)).await;
        match after {
            Ok(after) => {
                // What a controller writes between the look and the trial is not part of the change.
                if let (Some(name), Some(seen)) = (&request.name, &live) {
                    let again = object::read(reading, &request, name).await?;
                    if again.is_none_or(|again| again.clean != seen.clean) {
                        last = Some(Refusal::Stale("the object does not keep still".to_owned()));
                        continue;
                    }
                }
                if live.as_ref().map(|seen| &seen.clean) == after.as_ref() {
                    return Err(Refusal::Refused("nothing would change".to_owned()));
                }
                return Ok(Previewed { request, live, after, takes_from });
            }
            Err(Refusal::Stale(why)) => {
                let others = managers(&why);
                if let Some(gitops) = others.iter().find(|name| GITOPS.iter().any(|tool| name.contains(tool))) {
                    let text = format!("{gitops} keeps these fields as they are at its source; change them there");
                    return Err(Refusal::Refused(text));
                }
                if request.verb == Verb::Apply && !others.is_empty() {
                    request.query.insert("force".to_owned(), vec!["true".to_owned()]);
                    takes_from = others;
                }
                last = Some(Refusal::Stale(why));
            }
            Err(other) => return Err(other),
        }
    }
    Err(last.unwrap_or_else(|| Refusal::Stale("the object does not keep still".to_owned())))
}

pub fn conditions(seen: &Seen) -> Preconditions {
    Preconditions { uid: seen.uid.clone(), resource_version: seen.resource_version.clone() }
}

/// The request as it is tried: status moves all the time, so only a whole-object update is tied to a version.
pub fn trial(request: &Request) -> Request {
    let mut trial = request.clone();
    if request.verb != Verb::Update
        && let Some(conditions) = &mut trial.preconditions
    {
        conditions.resource_version = None;
    }
    trial
}

/// Who owns the fields that an apply meets: `conflict with "kubectl" using apps/v1: .spec.replicas`.
fn managers(message: &str) -> Vec<String> {
    let mut found: Vec<String> = message
        .match_indices("conflict")
        .filter_map(|(at, _)| {
            let rest = message[at..].split_once("with \"")?.1;
            Some(rest.split_once('"')?.0.to_owned())
        })
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// The way back, if the cluster would go it today.
async fn provable(as_user: &Cluster, found: &Previewed, way: Undo) -> Undo {
    let tried = match (&way, &found.live) {
        (Undo::Patch(_), Some(_)) => {
            // The object as it is, through admission once more: what refuses it now would refuse it later.
            let test = serde_json::json!([{"op": "test", "path": "/kind", "value": found.live.as_ref().map(|l| &l.clean["kind"])}]);
            let back = Request {
                verb: Verb::Patch,
                content_type: Some(JSON_PATCH.to_owned()),
                body: Some(test),
                preconditions: None,
                query: std::collections::BTreeMap::new(),
                ..found.request.clone()
            };
            as_user.dry_run(&back).await.map(drop).map_err(|error| error.to_string())
        }
        (Undo::Delete, _) => {
            let name = found.after.as_ref().and_then(|after| after["metadata"]["name"].as_str()).map(str::to_owned);
            let back = Request { verb: Verb::Delete, name, body: None, ..found.request.clone() };
            match as_user.may(&back).await {
                Ok(true) => Ok(()),
                Ok(false) => Err("you may not delete what this makes".to_owned()),
                Err(error) => Err(error.to_string()),
            }
        }
        (Undo::Patch(_) | Undo::Create(_) | Undo::Recreated | Undo::Impossible(_), _) => Ok(()),
    };
    match tried {
        Ok(()) => way,
        Err(why) => Undo::Impossible(format!("the way back was tried and is not open: {why}")),
    }
}

/// One line for people and models.
pub fn summary(plan: &Plan) -> String {
    let request = &plan.request;
    let kind = [&plan.live, &plan.after].into_iter().flatten().find_map(|object| object["kind"].as_str());
    // What lies below an object is of another kind than the object.
    let kind = kind.filter(|_| request.subresource.is_none());
    let name = plan.object_name().unwrap_or_else(|| "(new)".to_owned());
    let place = request.namespace.as_ref().map(|namespace| format!(" in {namespace}")).unwrap_or_default();
    let below = request.subresource.as_ref().map(|below| format!("/{below}")).unwrap_or_default();
    format!("{} {}{below} {name}{place}", request.verb.as_str(), kind.unwrap_or(&request.resource))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owners_of_fields_are_read_from_the_conflict() {
        let one =
            "Apply failed with 1 conflict: conflict with \"kubectl-client-side-apply\" using apps/v1: .spec.replicas";
        assert_eq!(managers(one), ["kubectl-client-side-apply"]);
        let two = "Apply failed with 2 conflicts: conflicts with \"a\":\n- .x\nconflicts with \"b\" using v1:\n- .y";
        assert_eq!(managers(two), ["a", "b"]);
        assert!(managers("Operation cannot be fulfilled: the object has been modified").is_empty());
    }
}
