//! Orders become proposals. Nothing is changed here: a person says yes to each, as everywhere.

use cluster::Verb;
use diagnose::{Lang, ObjectRef, kinds};
use serde_json::{Value, json};

use super::answer::{Answer, Outcome};
use super::known::About;
use super::looks::{named, title};
use super::order::Order;
use super::phrases;
use super::question::Question;
use super::room::{Room, Tell, object};
use crate::approvals::{Approvals, Refusal, View, Wish};

impl Room {
    pub(super) async fn order(
        &mut self,
        lang: Lang,
        order: Order,
        about: &About,
        question: &Question,
        tell: Tell<'_>,
    ) -> Answer {
        let mut answer = Answer::new(lang, title(about));
        let Some(approvals) = self.approvals.clone() else {
            return answer.said(phrases::read_only(lang), Outcome::Unknown);
        };
        if let Order::Undo(id) = &order
            && question.names.is_empty()
        {
            return self.undo(answer, &approvals, id.clone()).await;
        }
        let Some(one) = object(about).cloned() else {
            return answer.said(phrases::which_object(lang), Outcome::Unknown);
        };
        let kind = kinds::kind(&one.kind);
        let api = kind.map_or("v1", |kind| kind.api_version());
        let mut whole = json!({"apiVersion": api, "kind": one.kind, "name": one.name});
        if !one.namespace.is_empty() {
            whole["namespace"] = one.namespace.as_str().into();
        }
        let mut rollout = named(&one);
        match order {
            Order::Scale(replicas) => {
                whole["scale"] = replicas.into();
                self.tool(&mut answer, "resources_scale", whole, tell).await;
            }
            Order::Restart if one.kind == "Pod" => {
                let arguments = json!({"name": one.name, "namespace": one.namespace});
                self.tool(&mut answer, "pods_delete", arguments, tell).await;
            }
            Order::Delete if one.kind == "Pod" => {
                let arguments = json!({"name": one.name, "namespace": one.namespace});
                self.tool(&mut answer, "pods_delete", arguments, tell).await;
            }
            Order::Delete => {
                self.tool(&mut answer, "resources_delete", whole, tell).await;
            }
            Order::Restart | Order::Pause | Order::Resume | Order::RollBack(_) | Order::Undo(_) => {
                rollout["action"] = action(&order).into();
                if let Order::RollBack(Some(revision)) = order {
                    rollout["revision"] = revision.into();
                }
                self.tool(&mut answer, "rollout", rollout, tell).await;
            }
            Order::Image(image) => match self.image(&one, &image, question, lang).await {
                Ok(body) => self.wish(&mut answer, &approvals, &one, api, body).await,
                Err(why) => return answer.said(why, Outcome::Unknown),
            },
            Order::Expand(size) => {
                let body = json!({"spec": {"resources": {"requests": {"storage": size}}}});
                self.wish(&mut answer, &approvals, &one, api, body).await;
            }
            Order::Cordon(on) => {
                let body = json!({"spec": {"unschedulable": on}});
                self.wish(&mut answer, &approvals, &one, api, body).await;
            }
        }
        answer
    }

    pub(super) async fn apply(&self, lang: Lang, manifest: &str, tell: Tell<'_>) -> Answer {
        let mut answer = Answer::new(lang, "");
        if self.approvals.is_none() {
            return answer.said(phrases::read_only(lang), Outcome::Unknown);
        }
        self.tool(&mut answer, "resources_create_or_update", json!({"resource": manifest}), tell).await;
        answer
    }

    async fn undo(&self, answer: Answer, approvals: &Approvals, id: Option<String>) -> Answer {
        let lang = answer.lang;
        match id.or_else(|| self.done.clone()) {
            Some(id) => proposed(answer, approvals.undo(&self.person, &id).await),
            None => answer.said(phrases::nothing_to_undo(lang), Outcome::Unknown),
        }
    }

    async fn wish(&self, answer: &mut Answer, approvals: &Approvals, one: &ObjectRef, api: &str, body: Value) {
        let wish = Wish {
            verb: Verb::Patch,
            api_version: api.to_owned(),
            kind: one.kind.clone(),
            namespace: Some(one.namespace.clone()).filter(|namespace| !namespace.is_empty()),
            name: Some(one.name.clone()),
            subresource: None,
            query: Vec::new(),
            body: Some(body),
            reason: None,
        };
        let empty = Answer::new(answer.lang, answer.about.clone());
        *answer = proposed(empty, approvals.propose(&self.person, wish).await);
    }

    /// A patch that gives one container another image: the only one, the one that is named, or the one whose image it is.
    async fn image(&self, one: &ObjectRef, image: &str, question: &Question, lang: Lang) -> Result<Value, String> {
        let path = kinds::kind(&one.kind).map(|kind| kind.object_path(&one.namespace, &one.name)).unwrap_or_default();
        let read = self.object(&path).await;
        let object = read.map_err(|why| phrases::unread(&one.to_string(), &why, lang))?;
        let base = if one.kind == "CronJob" { "/spec/jobTemplate/spec/template/spec" } else { "/spec/template/spec" };
        let containers = object.pointer(&format!("{base}/containers")).and_then(Value::as_array);
        let containers = containers.ok_or_else(|| phrases::no_template(one, lang))?;
        let names: Vec<&str> = containers.iter().filter_map(|container| container["name"].as_str()).collect();
        let by_name = names.iter().position(|name| *name != one.name && question.names.iter().any(|n| n == name));
        let by_image = || {
            let same: Vec<usize> = (0..containers.len())
                .filter(|at| containers[*at]["image"].as_str().is_some_and(|own| bare(own) == bare(image)))
                .collect();
            (same.len() == 1).then(|| same[0])
        };
        let at = match by_name.or_else(by_image) {
            Some(at) => at,
            None if containers.len() == 1 => 0,
            None => return Err(phrases::which_container(&names, lang)),
        };
        Ok(json!([
            {"op": "test", "path": format!("{base}/containers/{at}/name"), "value": names[at]},
            {"op": "replace", "path": format!("{base}/containers/{at}/image"), "value": image},
        ]))
    }

    pub(super) async fn proposals(&self, lang: Lang) -> Answer {
        let answer = Answer::new(lang, "");
        let Some(approvals) = &self.approvals else {
            return answer.said(phrases::read_only(lang), Outcome::Unknown);
        };
        match approvals.list(&self.person, None).await {
            Ok(rows) if rows.is_empty() => answer.said(phrases::no_proposals(lang), Outcome::Answered),
            Ok(rows) => {
                let lines = rows.iter().take(20).map(|row| format!("{}  {}  {}", row.id, row.state, row.summary));
                answer.said(lines.collect::<Vec<_>>().join("\n"), Outcome::Answered)
            }
            Err(error) => answer.said(error.to_string(), Outcome::Unknown),
        }
    }
}

fn proposed(mut answer: Answer, made: Result<View, Refusal>) -> Answer {
    match made {
        Ok(view) => {
            answer.proposals.push(view.id);
            answer.said(view.summary, Outcome::Proposed)
        }
        Err(error) => answer.said(error.to_string(), Outcome::Unknown),
    }
}

fn action(order: &Order) -> &'static str {
    match order {
        Order::Pause => "pause",
        Order::Resume => "resume",
        Order::RollBack(_) | Order::Undo(_) => "undo",
        Order::Restart | Order::Scale(_) | Order::Delete | Order::Image(_) | Order::Expand(_) | Order::Cordon(_) => {
            "restart"
        }
    }
}

/// An image without its tag and digest.
fn bare(image: &str) -> &str {
    let image = image.split('@').next().unwrap_or(image);
    match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        Some(_) | None => image,
    }
}
