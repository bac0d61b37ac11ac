//! One change in full, as it is approved and as it will run; and the digest that binds a yes to all of it.

use cluster::{Digest, Request, Terms, canonical_json};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::blast::Blast;
use super::undo::Undo;
use crate::store::Millis;

const DOMAIN: &[u8] = b"midwatch-proposal-v1";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// With the uid and resourceVersion that the object had.
    pub request: Request,
    /// The object as it is, without bookkeeping. None: there is none yet.
    pub live: Option<Value>,
    /// What a dry run as the asking person made of it. None: it is gone.
    pub after: Option<Value>,
    pub generation: Option<i64>,
    pub requester: String,
    pub class: String,
    pub why: Vec<String>,
    pub rule: String,
    pub terms: Terms,
    /// A grant that opened what is otherwise off.
    pub permission: Option<i64>,
    pub policy: Digest,
    pub expires_at: Millis,
    pub blast: Blast,
    /// Other managers whose fields a forced apply takes over.
    pub takes_from: Vec<String>,
    pub undo: Undo,
}

impl Plan {
    /// Changes with every bit of what a person says yes to.
    pub fn digest(&self) -> Digest {
        let conditions = (&self.requester, &self.class, &self.rule, &self.terms, &self.permission, self.generation);
        let conditions = canonical_json(&serde_json::to_value(conditions).unwrap_or_default());
        let (live, after) = (object_digest(self.live.as_ref()), object_digest(self.after.as_ref()));
        let request = self.request.canonical();
        let expires = self.expires_at.to_be_bytes();
        let parts: [&[u8]; 7] =
            [DOMAIN, &request, live.as_bytes(), after.as_bytes(), self.policy.as_bytes(), &expires, &conditions];
        // Each part with its length before it, so that none can run into the next.
        let bound: Vec<u8> =
            parts.iter().flat_map(|part| [&(part.len() as u64).to_be_bytes()[..], part].concat()).collect();
        Digest::of(&bound)
    }

    /// What is changed there is changed by nobody else meanwhile: the object, without its subresource.
    pub fn target(&self) -> String {
        let Request { cluster, group, resource, namespace, name, .. } = &self.request;
        let name = name.clone().or_else(|| self.body_name());
        let none = String::new();
        // A name that the cluster makes up is a target of its own.
        let name = name.unwrap_or_else(|| format!("?{}", self.request.digest()));
        format!("{cluster}/{resource}.{group}/{}/{name}", namespace.as_ref().unwrap_or(&none))
    }

    fn body_name(&self) -> Option<String> {
        Some(self.request.body.as_ref()?["metadata"]["name"].as_str()?.to_owned())
    }

    /// The name of the object, also of one that is only being made.
    pub fn object_name(&self) -> Option<String> {
        self.request.name.clone().or_else(|| self.body_name())
    }
}

/// Of an object that is not there: the digest of nothing, which no JSON has.
pub fn object_digest(object: Option<&Value>) -> Digest {
    Digest::of(&object.map(canonical_json).unwrap_or_default())
}

#[cfg(test)]
pub mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    pub fn plan() -> Plan {
        let request = json!({"cluster": "c1", "verb": "patch", "group": "apps", "version": "v1", "resource": "deployments",
            "namespace": "shop", "name": "web", "content_type": "application/merge-patch+json", "field_manager": "midwatch",
            "body": {"spec": {"replicas": 5}}, "query": {}, "as_user": {"user": "ann", "groups": ["dev"]},
            "preconditions": {"uid": "u1", "resource_version": "7"}});
        Plan {
            request: serde_json::from_value(request).unwrap(),
            live: Some(json!({"kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replicas": 3}})),
            after: Some(json!({"kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replicas": 5}})),
            generation: Some(2),
            requester: "ann".into(),
            class: "W".into(),
            why: vec!["scales".into()],
            rule: "rules[0]".into(),
            terms: Terms {
                quorum: 1,
                distinct_from_requester: false,
                reauth: None,
                hold: 0,
                ttl: 900,
                users: Vec::new(),
            },
            permission: None,
            policy: Digest::of(b"policy"),
            expires_at: 1_000_000,
            blast: Blast::default(),
            takes_from: Vec::new(),
            undo: Undo::Patch(Vec::new()),
        }
    }

    /// Every leaf of a JSON value, bent a little.
    fn bent(value: &Value, leaf: usize) -> Option<Value> {
        fn walk(value: &mut Value, left: &mut usize) -> bool {
            match value {
                Value::Object(map) => map.values_mut().any(|value| walk(value, left)),
                Value::Array(list) => list.iter_mut().any(|value| walk(value, left)),
                leaf if *left == 0 => {
                    *leaf = match leaf {
                        Value::Bool(yes) => (!*yes).into(),
                        Value::Number(number) => (number.as_i64().unwrap_or_default() + 1).into(),
                        Value::String(text) => {
                            let mut text = text.clone().into_bytes();
                            match text.last_mut() {
                                Some(last) => *last ^= 1,
                                None => text.push(b'x'),
                            }
                            String::from_utf8(text).unwrap().into()
                        }
                        _ => json!(7),
                    };
                    true
                }
                _ => {
                    *left -= 1;
                    false
                }
            }
        }
        let (mut value, mut left) = (value.clone(), leaf);
        walk(&mut value, &mut left).then_some(value)
    }

    #[test]
    fn any_changed_leaf_of_the_plan_changes_the_digest() {
        // these tell about the plan and follow from what is bound
        const DERIVED: [&str; 4] = ["why", "blast", "takes_from", "undo"];
        let plan = plan();
        let whole = serde_json::to_value(&plan).unwrap();
        let mut checked = 0;
        for (field, part) in whole.as_object().unwrap() {
            let mut leaf = 0;
            while let Some(other) = bent(part, leaf) {
                leaf += 1;
                if DERIVED.contains(&field.as_str()) {
                    continue;
                }
                let mut changed = whole.clone();
                changed[field] = other;
                // what is no plan any more cannot be approved either
                let Ok(changed) = serde_json::from_value::<Plan>(changed) else { continue };
                assert_ne!(changed.digest(), plan.digest(), "{field} leaf {leaf}");
                checked += 1;
            }
        }
        assert!(checked >= 25, "only {checked} leaves were changed");
    }

    proptest! {
        #[test]
        fn any_flipped_bit_of_the_body_changes_the_digest(bit in 0usize..200) {
            let plan = plan();
            let mut bytes = canonical_json(plan.request.body.as_ref().unwrap());
            let at = bit % (bytes.len() * 8);
            bytes[at / 8] ^= 1 << (at % 8);
            let Ok(body) = serde_json::from_slice::<Value>(&bytes) else { return Ok(()) };
            let mut changed = plan.clone();
            changed.request.body = Some(body);
            prop_assert_ne!(changed.digest(), plan.digest());
        }
    }

    #[test]
    fn a_target_is_the_object_whatever_is_done_to_it() {
        let mut scaled = plan();
        scaled.request.subresource = Some("scale".into());
        assert_eq!(scaled.target(), plan().target());
        let mut other = plan();
        other.request.cluster = "c2".into();
        assert_ne!(other.target(), plan().target());
    }
}
