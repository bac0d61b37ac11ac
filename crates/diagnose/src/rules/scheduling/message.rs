//! The scheduler's sentence, taken apart: `0/5 nodes are available: 3 Insufficient cpu, 2 node(s) ...`.

use crate::pattern::Pattern;

/// Why a number of nodes cannot take the pod. The wording differs between releases; the meaning does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// a resource by name: `cpu`, `memory`, `nvidia.com/gpu`
    Insufficient(String),
    TooManyPods,
    /// key of the taint where the release names it
    Taint(Option<String>),
    /// cordoned
    Unschedulable,
    NodeAffinity,
    PodAffinity,
    PodAntiAffinity,
    /// older releases do not say which of the two
    PodAffinityEither,
    TopologySpread,
    HostPort,
    VolumeNodeAffinity,
    VolumeZone,
    VolumeLimit,
    NoVolumeToBind,
    /// the driver reports too little free space on the node
    StorageCapacity,
    /// a ReadWriteOncePod claim that another pod holds
    ClaimInUse,
    UnboundClaims,
    ClaimNotFound(String),
    NoNodes,
    Other(String),
}

/// What was said of how many nodes; 0 where it is said of the pod as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    pub nodes: u32,
    pub reason: Reason,
}

static HEAD: Pattern = Pattern::new(r"^\s*\d+/\d+ nodes are available:\s*");
static COUNTED: Pattern = Pattern::new(r"^(\d+) ");
static INSUFFICIENT: Pattern = Pattern::new(r"Insufficient ([A-Za-z0-9./_-]*[A-Za-z0-9])");
static TAINT: Pattern = Pattern::new(r"taint(?:\(s\))? \{([^:}\s]+)");
static CLAIM_NOT_FOUND: Pattern = Pattern::new(r#"persistentvolumeclaim "([^"]+)" (?:not found|is being deleted)"#);

pub fn parse(message: &str) -> Vec<Said> {
    let message = message.split(" preemption: ").next().unwrap_or_default();
    let body = HEAD.captures(message).and_then(|c| c.get(0)).map_or(message, |head| &message[head.end()..]);
    let mut parts: Vec<String> = Vec::new();
    for piece in body.split(", ") {
        // a taint's sentence has commas of its own
        match parts.last_mut() {
            Some(last) if !COUNTED.is_match(piece) => {
                last.push_str(", ");
                last.push_str(piece);
            }
            _ => parts.push(piece.to_owned()),
        }
    }
    parts.iter().map(|part| said(part.trim_end_matches(['.', ' ']))).collect()
}

fn said(part: &str) -> Said {
    let nodes = COUNTED.first(part).and_then(|n| n.parse().ok()).unwrap_or(0);
    Said { nodes, reason: reason(part) }
}

fn reason(part: &str) -> Reason {
    if let Some(name) = CLAIM_NOT_FOUND.first(part) {
        return Reason::ClaimNotFound(name.to_owned());
    }
    if let Some(resource) = INSUFFICIENT.first(part) {
        return Reason::Insufficient(resource.to_owned());
    }
    let has = |words: &[&str]| words.iter().any(|w| part.contains(w));
    if has(&["taint"]) {
        return Reason::Taint(TAINT.first(part).map(str::to_owned));
    }
    match () {
        () if has(&["Too many pods"]) => Reason::TooManyPods,
        () if has(&["were unschedulable", "were not ready", "were out of disk"]) => Reason::Unschedulable,
        () if has(&["unbound immediate PersistentVolumeClaims", "unbound PersistentVolumeClaims"]) => {
            Reason::UnboundClaims
        }
        () if has(&["volume node affinity conflict", "PersistentVolume's node affinity"]) => Reason::VolumeNodeAffinity,
        () if has(&["no available volume zone"]) => Reason::VolumeZone,
        () if has(&["exceed max volume count"]) => Reason::VolumeLimit,
        () if has(&["find available persistent volumes"]) => Reason::NoVolumeToBind,
        () if has(&["enough free storage"]) => Reason::StorageCapacity,
        () if has(&["ReadWriteOncePod"]) => Reason::ClaimInUse,
        () if has(&["free ports for the requested pod ports"]) => Reason::HostPort,
        () if has(&["topology spread"]) => Reason::TopologySpread,
        () if has(&["affinity/anti-affinity"]) => Reason::PodAffinityEither,
        () if has(&["anti-affinity"]) => Reason::PodAntiAffinity,
        () if has(&["pod affinity rules"]) => Reason::PodAffinity,
        () if has(&["node affinity", "node selector", "NodeAffinity", "requested node name"]) => Reason::NodeAffinity,
        () if has(&["no nodes available"]) => Reason::NoNodes,
        () if has(&["cannot allocate all claims", "resourceclaim"]) => {
            Reason::Insufficient("resource claims (DRA)".to_owned())
        }
        () => Reason::Other(part.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reasons(message: &str) -> Vec<(u32, Reason)> {
        parse(message).into_iter().map(|s| (s.nodes, s.reason)).collect()
    }

    #[test]
    fn reads_the_wordings_of_several_releases() {
        let taint = |key: &str| Reason::Taint(Some(key.to_owned()));
        let cpu = Reason::Insufficient("cpu".to_owned());
        assert_eq!(
            reasons(
                "0/4 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, 3 Insufficient cpu. preemption: 0/4 nodes are available: 1 Preemption is not helpful for scheduling, 3 No preemption victims found for incoming pod."
            ),
            [(1, taint("node-role.kubernetes.io/control-plane")), (3, cpu.clone())]
        );
        assert_eq!(
            reasons(
                "0/3 nodes are available: 1 node(s) had taint {dedicated: gpu}, that the pod didn't tolerate, 2 Insufficient cpu."
            ),
            [(1, taint("dedicated")), (2, cpu)]
        );
        assert_eq!(reasons("0/2 nodes are available: 2 node(s) had untolerated taint(s)."), [(2, Reason::Taint(None))]);
        assert_eq!(
            reasons("0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found"),
            [(0, Reason::UnboundClaims)]
        );
        assert_eq!(
            reasons(r#"0/3 nodes are available: persistentvolumeclaim "data" not found. preemption: none"#),
            [(0, Reason::ClaimNotFound("data".to_owned()))]
        );
        assert_eq!(reasons("no nodes available to schedule pods"), [(0, Reason::NoNodes)]);
        assert_eq!(
            reasons("0/2 nodes are available: 1 Insufficient nvidia.com/gpu, 1 node(s) were unschedulable."),
            [(1, Reason::Insufficient("nvidia.com/gpu".to_owned())), (1, Reason::Unschedulable)]
        );
        assert_eq!(
            reasons("0/3 nodes are available: 3 node(s) didn't match PersistentVolume's node affinity."),
            [(3, Reason::VolumeNodeAffinity)]
        );
        assert_eq!(
            reasons("0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector."),
            [(3, Reason::NodeAffinity)]
        );
    }
}
