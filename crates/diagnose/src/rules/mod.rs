//! Every rule, one symptom family a file. A rule is pure: it reads the evidence and says what it sees, nothing else.

mod admission;
mod apis;
mod autoscaler;
mod callers;
mod certificates;
mod claims;
mod control_plane;
mod crash;
mod cron_jobs;
mod daemon_sets;
mod deletion;
mod dependency;
mod disruption;
mod dns;
mod down;
mod evictions;
mod exit_code;
mod image_name;
mod images;
mod ingress;
mod jobs;
mod liveness;
mod load_balancer;
mod log_cause;
mod log_words;
mod logs;
mod memory;
mod missing;
mod names;
mod network_policy;
mod nodes;
mod probe;
mod probe_text;
mod probes;
mod pull_error;
mod pull_secrets;
mod rbac;
mod refusal;
mod rollout;
mod said;
mod sandbox;
mod scheduling;
mod services;
mod serving;
mod start;
mod start_error;
mod target_port;
mod template;
mod throttling;
mod volume_space;
mod volumes;
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
    Rule { name: "volumes", run: volumes::volumes },
    Rule { name: "volume_space", run: volume_space::volume_space },
    Rule { name: "certificates", run: certificates::certificates },
    Rule { name: "throttling", run: throttling::throttling },
    Rule { name: "images", run: images::images },
    Rule { name: "missing", run: missing::missing },
    Rule { name: "start", run: start::starts },
    Rule { name: "sandbox", run: sandbox::sandboxes },
    Rule { name: "crash", run: crash::crashes },
    Rule { name: "probes", run: probes::probes },
    Rule { name: "evictions", run: evictions::evictions },
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
