//! Every rule, one symptom family a file. A rule is pure: it reads the evidence and says what it sees, nothing else.

mod admission;
mod apis;
mod autoscaler;
mod callers;
mod claims;
mod control_plane;
mod cron_jobs;
mod daemon_sets;
mod deletion;
mod disruption;
mod dns;
mod image_name;
mod images;
mod ingress;
mod jobs;
mod load_balancer;
mod names;
mod network_policy;
mod nodes;
mod pull_error;
mod pull_secrets;
mod rbac;
mod refusal;
mod rollout;
mod said;
mod scheduling;
mod services;
mod serving;
mod target_port;
mod template;
mod workloads;

use crate::evidence::Evidence;
use crate::finding::Finding;

pub struct Rule {
    pub name: &'static str,
    pub run: fn(&Evidence) -> Vec<Finding>,
}

pub const RULES: &[Rule] = &[
    Rule { name: "scheduling", run: scheduling::scheduling },
    Rule { name: "nodes", run: nodes::nodes },
    Rule { name: "control_plane", run: control_plane::control_plane },
    Rule { name: "claims", run: claims::claims },
    Rule { name: "images", run: images::images },
    Rule { name: "admission", run: admission::refused },
    Rule { name: "rollout", run: rollout::rollouts },
    Rule { name: "services", run: services::services },
    Rule { name: "target_port", run: target_port::target_ports },
    Rule { name: "workloads", run: workloads::workloads },
    Rule { name: "rbac", run: rbac::denied },
    Rule { name: "deletion", run: deletion::deletions },
    Rule { name: "apis", run: apis::apis },
    Rule { name: "autoscaler", run: autoscaler::autoscalers },
    Rule { name: "disruption", run: disruption::budgets },
    Rule { name: "ingress", run: ingress::ingresses },
    Rule { name: "load_balancer", run: load_balancer::load_balancers },
    Rule { name: "jobs", run: jobs::jobs },
    Rule { name: "cron_jobs", run: cron_jobs::cron_jobs },
    Rule { name: "daemon_sets", run: daemon_sets::daemon_sets },
    Rule { name: "callers", run: callers::dependencies },
    Rule { name: "names", run: names::names },
    Rule { name: "dns", run: dns::dns },
    Rule { name: "network_policy", run: network_policy::policies },
];
