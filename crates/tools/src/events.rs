//! Groups events: the same said of many objects, or many times, is one line with its counts.

use std::collections::{BTreeMap, BTreeSet};

use diagnose::ObjectRef;
use diagnose::event::Event;
use jiff::Timestamp;

use crate::fold::pattern;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub warning: bool,
    pub reason: String,
    pub kind: String,
    /// How often it happened.
    pub times: i64,
    pub objects: BTreeSet<ObjectRef>,
    /// As the newest event has it.
    pub message: String,
    pub first: Option<Timestamp>,
    pub last: Option<Timestamp>,
}

/// Warnings first, then the newest first.
pub fn group(events: &[Event]) -> Vec<Group> {
    let mut groups: BTreeMap<(bool, &str, &str, String), Group> = BTreeMap::new();
    for event in events {
        let said = event.message.replace(&event.object.name, "{}");
        let key = (event.warning, event.reason.as_str(), event.object.kind.as_str(), same(&said));
        let group = groups.entry(key).or_insert_with(|| Group {
            warning: event.warning,
            reason: event.reason.clone(),
            kind: event.object.kind.clone(),
            times: 0,
            objects: BTreeSet::new(),
            message: event.message.clone(),
            first: event.first,
            last: None,
        });
        group.times += event.count.max(1);
        group.objects.insert(event.object.clone());
        group.first = [group.first, event.first].into_iter().flatten().min();
        // of two from the same moment the text decides, so that the order of the list does not
        if (event.last, &event.message) >= (group.last, &group.message) || group.last.is_none() {
            group.last = event.last;
            group.message.clone_from(&event.message);
        }
    }
    let mut groups: Vec<Group> = groups.into_values().collect();
    groups.sort_by(|a, b| {
        (b.warning, b.last, &a.kind, &a.reason, &a.message).cmp(&(a.warning, a.last, &b.kind, &b.reason, &b.message))
    });
    groups
}

/// The message without numbers, ids and generated names: words that hold a digit, and words in several parts, vary.
fn same(message: &str) -> String {
    let words = message.split_whitespace().map(|word| {
        let parts = word.split(['-', '/', '.']).filter(|part| !part.is_empty()).count();
        if parts > 2 || word.contains('/') { "*".to_owned() } else { pattern(word).into_owned() }
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(kind: &str, name: &str, reason: &str, message: &str, warning: bool, last: &str, count: i64) -> Event {
        Event::new(&json!({"involvedObject": {"kind": kind, "namespace": "shop", "name": name}, "reason": reason,
            "message": message, "type": if warning { "Warning" } else { "Normal" }, "count": count, "lastTimestamp": last}))
        .unwrap()
    }

    #[test]
    fn what_is_said_of_many_pods_is_one_group() {
        let events: Vec<Event> = (0..40)
            .map(|n| {
                let pod = format!("web-7d9f8b6c5-abc{n}");
                let message = format!("Successfully assigned shop/{pod} to node-{}", n % 3);
                event("Pod", &pod, "Scheduled", &message, false, "2026-01-01T00:00:00Z", 1)
            })
            .chain([event(
                "PersistentVolumeClaim",
                "data",
                "ProvisioningFailed",
                "disk size is invalid",
                true,
                "2025-12-31T23:00:00Z",
                12,
            )])
            .collect();
        let groups = group(&events);
        assert_eq!(groups.len(), 2);
        assert_eq!((groups[0].reason.as_str(), groups[0].times), ("ProvisioningFailed", 12));
        assert_eq!((groups[1].objects.len(), groups[1].times), (40, 40));
        let mut turned = events;
        turned.reverse();
        assert_eq!(group(&turned), groups);
    }

    #[test]
    fn different_messages_stay_apart() {
        let at = "2026-01-01T00:00:00Z";
        let events = [
            event("Pod", "a", "Failed", "Error: ImagePullBackOff", true, at, 1),
            event("Pod", "a", "Failed", "Error: secret not found", true, at, 1),
        ];
        assert_eq!(group(&events).len(), 2);
    }
}
