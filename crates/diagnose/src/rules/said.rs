//! What components and programs said about an object: its events, the messages of its conditions, the logs of its pods.

use crate::evidence::{Evidence, Log};
use crate::finding::{Cite, Source};
use crate::object::Object;

pub struct Said<'a> {
    pub about: &'a Object,
    pub cite: Cite,
    pub text: &'a str,
}

/// Warnings and the messages of conditions that are not as they should be, of every object.
pub fn by_components(evidence: &Evidence) -> impl Iterator<Item = Said<'_>> {
    evidence.objects().flat_map(|about| {
        let events = evidence.events(&about.re).iter().rev().filter(|e| e.warning);
        let events = events.map(move |e| Said { about, cite: e.cite(), text: e.message.as_str() });
        let conditions = about.conditions().filter(|c| c.status == "False" && !c.message.is_empty());
        let conditions = conditions.map(move |c| {
            let cite = Cite::field(about, &format!("/status/conditions/{}/message", c.index));
            Said { about, cite, text: c.message }
        });
        events.chain(conditions)
    })
}

/// The last lines of every pod's log, newest first. A log that ends with a line says more than one that began with it.
pub fn by_programs(evidence: &Evidence) -> impl Iterator<Item = Said<'_>> {
    evidence.logs.iter().filter_map(|log| Some((evidence.get(&log.pod)?, log))).flat_map(|(about, log)| {
        log.text.lines().rev().take(300).map(move |line| Said { about, cite: cite(log, line), text: line })
    })
}

pub fn cite(log: &Log, line: &str) -> Cite {
    Cite {
        object: log.pod.clone(),
        source: Source::Log { container: log.container.clone(), previous: log.previous },
        time: None,
        text: line.trim().chars().take(400).collect(),
    }
}
