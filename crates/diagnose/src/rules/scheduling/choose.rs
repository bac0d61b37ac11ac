//! Which of the scheduler's reasons counts: the one that excludes the nodes that would otherwise fit.

use std::collections::BTreeMap;

use super::fit::{self, Obstacle};
use super::message::{Reason, Said};
use crate::evidence::Evidence;
use crate::object::{Object, ObjectRef};
use crate::quantity;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// nodes that would fit if they were well
    Nodes(Vec<ObjectRef>),
    /// claims that must be bound first
    Claims(Vec<ObjectRef>),
    Reason(Reason),
    Nothing,
}

pub fn choose(evidence: &Evidence, pod: &Object, said: &[Said]) -> Choice {
    let says = |wanted: &dyn Fn(&Reason) -> bool| said.iter().map(|s| &s.reason).find(|r| wanted(r)).cloned();
    if let Some(reason) = says(&|r| matches!(r, Reason::ClaimNotFound(_) | Reason::NoNodes)) {
        return Choice::Reason(reason);
    }
    if says(&|r| matches!(r, Reason::UnboundClaims | Reason::NoVolumeToBind)).is_some() {
        return unbound(evidence, pod);
    }
    let nodes = Nodes::new(evidence, pod);
    let known = !nodes.worth.is_empty();
    let on = |wanted: Ground| said.iter().filter(move |s| ground(&s.reason) == wanted);
    let moving: Vec<&Said> = on(Ground::Moving).collect();
    let fixed: Vec<&Said> = on(Ground::Fixed).collect();
    if on(Ground::NodeTrouble).next().is_some() {
        let unwell = nodes.only(Obstacle::Unwell);
        if !unwell.is_empty() && moving.iter().all(|s| another_node_helps(&s.reason)) {
            return Choice::Nodes(unwell);
        }
        // a cordon is meant so: it is the trouble only where no other node was worth a closer look
        let cordoned = nodes.only(Obstacle::Cordoned);
        if !cordoned.is_empty() && moving.is_empty() {
            return Choice::Nodes(cordoned);
        }
    }
    if !moving.is_empty() && (fixed.is_empty() || !known || nodes.some_pass()) {
        return fullest(evidence, pod, &nodes, &moving);
    }
    if let Some(reason) = nodes.fixed_reason() {
        return Choice::Reason(reason);
    }
    let mut fixed: Vec<&Said> = fixed.into_iter().filter(|s| s.nodes > 0).collect();
    let plain = |s: &&Said| !matches!(&s.reason, Reason::Taint(Some(key)) if fit::is_reserved(key));
    if fixed.iter().any(plain) {
        fixed.retain(plain);
    }
    match fixed.iter().max_by_key(|s| s.nodes) {
        Some(said) => Choice::Reason(said.reason.clone()),
        None => Choice::Nothing,
    }
}

fn unbound(evidence: &Evidence, pod: &Object) -> Choice {
    let references = crate::graph::references(pod).into_iter().filter(|r| r.to.kind == "PersistentVolumeClaim");
    let references: Vec<ObjectRef> = references.map(|r| r.to).collect();
    if let Some(missing) = references.iter().find(|re| evidence.lookup(re).is_absent()) {
        return Choice::Reason(Reason::ClaimNotFound(missing.name.clone()));
    }
    let bound = |re: &ObjectRef| evidence.get(re).is_some_and(|c| c.str("/status/phase") == "Bound");
    Choice::Claims(references.into_iter().filter(|re| !bound(re)).collect())
}

/// What decides whether a reason holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ground {
    /// a node that is not well or not to be used
    NodeTrouble,
    /// pods that come and go; these filters run on nodes that passed the fixed ones
    Moving,
    /// fields of pod, node and volume
    Fixed,
    /// the pod as a whole
    Pod,
}

fn ground(reason: &Reason) -> Ground {
    match reason {
        Reason::Unschedulable | Reason::Taint(None) => Ground::NodeTrouble,
        Reason::Taint(Some(key)) if fit::is_health(key) || key == "node.kubernetes.io/unschedulable" => {
            Ground::NodeTrouble
        }
        Reason::Taint(Some(_)) | Reason::NodeAffinity | Reason::VolumeNodeAffinity | Reason::VolumeZone => {
            Ground::Fixed
        }
        Reason::Insufficient(_)
        | Reason::TooManyPods
        | Reason::PodAffinity
        | Reason::PodAntiAffinity
        | Reason::PodAffinityEither
        | Reason::TopologySpread
        | Reason::HostPort
        | Reason::VolumeLimit
        | Reason::StorageCapacity
        | Reason::ClaimInUse => Ground::Moving,
        Reason::NoVolumeToBind
        | Reason::UnboundClaims
        | Reason::ClaimNotFound(_)
        | Reason::NoNodes
        | Reason::Other(_) => Ground::Pod,
    }
}

/// Whether the pod could run if one more node like the others were well.
fn another_node_helps(reason: &Reason) -> bool {
    !matches!(reason, Reason::PodAffinity | Reason::TopologySpread | Reason::ClaimInUse)
}

/// The reason given for most of the nodes that are large enough; among resources the one that is furthest from fitting.
fn fullest(evidence: &Evidence, pod: &Object, nodes: &Nodes<'_>, moving: &[&Said]) -> Choice {
    let wanted = fit::requests(pod.at("/spec"));
    let rank = |said: &&&Said| {
        let Reason::Insufficient(resource) = &said.reason else { return (said.nodes, 0) };
        let never = nodes.too_small(&wanted, resource);
        (said.nodes.saturating_sub(never), shortage(evidence, &wanted, resource))
    };
    let best = moving.iter().rev().max_by_key(rank);
    best.map_or(Choice::Nothing, |said| Choice::Reason(said.reason.clone()))
}

/// How many thousandths of the roomiest node's free amount the pod asks for.
fn shortage(evidence: &Evidence, wanted: &BTreeMap<String, f64>, resource: &str) -> i64 {
    let wanted = wanted.get(resource).copied().unwrap_or(0.0);
    let most = evidence.kind("Node").filter_map(|node| fit::room(evidence, node).get(resource).copied());
    let most = most.fold(0.0, f64::max);
    if most <= 0.0 { i64::MAX } else { (wanted / most * 1000.0) as i64 }
}

struct Nodes<'a> {
    /// the nodes that ordinary pods may use, with what keeps this pod from each
    worth: Vec<(&'a Object, Vec<Obstacle>)>,
}

impl<'a> Nodes<'a> {
    fn new(evidence: &'a Evidence, pod: &Object) -> Self {
        let all: Vec<_> = evidence.kind("Node").map(|n| (n, fit::obstacles(evidence, pod, n))).collect();
        let worth: Vec<_> = all.iter().filter(|(_, o)| !o.contains(&Obstacle::Reserved)).cloned().collect();
        Self { worth: if worth.is_empty() { all } else { worth } }
    }

    /// Nodes that nothing but this (and perhaps a cordon) keeps the pod from.
    fn only(&self, what: Obstacle) -> Vec<ObjectRef> {
        let alone = |o: &[Obstacle]| o.contains(&what) && o.iter().all(|o| *o == what || *o == Obstacle::Cordoned);
        self.worth.iter().filter(|(_, o)| alone(o)).map(|(node, _)| node.re.clone()).collect()
    }

    /// Whether some node passes all that fields decide.
    fn some_pass(&self) -> bool {
        self.worth.iter().any(|(_, o)| fixed_kinds(o).is_empty() && !o.contains(&Obstacle::Cordoned))
    }

    /// Nodes that could never hold so much of this resource, where others could hold all that is asked.
    fn too_small(&self, wanted: &BTreeMap<String, f64>, resource: &str) -> u32 {
        let lacks = |node: &Object, resource: &str| {
            let all = node.at("/status/allocatable")[resource].as_str().and_then(quantity::parse).unwrap_or(0.0);
            wanted.get(resource).is_some_and(|&w| w > all)
        };
        let open: Vec<&Object> =
            self.worth.iter().filter(|(_, o)| fixed_kinds(o).is_empty()).map(|(node, _)| *node).collect();
        if !open.iter().any(|node| wanted.keys().all(|r| !lacks(node, r))) {
            return 0;
        }
        u32::try_from(open.iter().filter(|node| lacks(node, resource)).count()).unwrap_or(0)
    }

    /// What alone keeps the pod from some node: a taint there, else its volume, else its own selector.
    fn fixed_reason(&self) -> Option<Reason> {
        let kinds: Vec<Vec<Kind>> = self.worth.iter().map(|(_, o)| fixed_kinds(o)).collect();
        let fewest = kinds.iter().map(Vec::len).filter(|&n| n > 0).min()?;
        let near = kinds.iter().filter(|k| k.len() == fewest);
        let kind = if fewest == 1 { near.flatten().min()? } else { near.flatten().max()? };
        match kind {
            Kind::Taint => {
                let taint = self.worth.iter().find(|(_, o)| fixed_kinds(o).contains(&Kind::Taint));
                let key = taint.and_then(|(_, o)| o.iter().find_map(taint_key));
                Some(Reason::Taint(key.or_else(|| reserved_key(self.worth.first()?.0))))
            }
            Kind::Volume => Some(Reason::VolumeNodeAffinity),
            Kind::Own => Some(Reason::NodeAffinity),
        }
    }
}

fn taint_key(obstacle: &Obstacle) -> Option<String> {
    let Obstacle::Taint(taint) = obstacle else { return None };
    taint["key"].as_str().map(str::to_owned)
}

fn reserved_key(node: &Object) -> Option<String> {
    let keys = node.list("/spec/taints").iter().filter_map(|t| t["key"].as_str());
    keys.into_iter().find(|key| fit::is_reserved(key)).map(str::to_owned)
}

/// In the order in which one counts before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Taint,
    Volume,
    Own,
}

fn fixed_kinds(obstacles: &[Obstacle]) -> Vec<Kind> {
    let mut kinds: Vec<Kind> = obstacles
        .iter()
        .filter_map(|obstacle| match obstacle {
            Obstacle::Taint(_) | Obstacle::Reserved => Some(Kind::Taint),
            Obstacle::Volume(_) => Some(Kind::Volume),
            Obstacle::Selector | Obstacle::Affinity => Some(Kind::Own),
            Obstacle::Unwell | Obstacle::Cordoned | Obstacle::Resource(_) | Obstacle::Pods => None,
        })
        .collect();
    kinds.sort();
    kinds.dedup();
    kinds
}
