//! What is written from the list of rights: the rules of the roles in `deploy/`, and `docs/rights.md`.

use std::fmt::Write;

use super::rights::{Grant, Right, of, parts};

const MADE: &str = "# Made from app/src/doctor/rights.rs by `make gen`; do not edit.\n";
/// What comes before a verb that is allowed on behalf of a person only.
const ON_BEHALF: &str = "impersonate-on:user-info:";
/// What every account may read, and so every person on whose behalf something is asked.
const DISCOVERY: &str = "# which kinds there are, as every account may ask\n\
    - nonResourceURLs: [/api, /api/*, /apis, /apis/*, /openapi, /openapi/*, /version]\n\
    \x20 verbs: [\"impersonate-on:user-info:get\"]\n";

/// Every file with its content, by its path from the root.
pub fn files() -> Vec<(&'static str, String)> {
    let reader = rules(Grant::Reader, "");
    let config_maps = rules(Grant::ConfigMaps, "");
    let mut ceiling: String =
        [Grant::Reader, Grant::ConfigMaps, Grant::Operator].map(|grant| rules(grant, ON_BEHALF)).concat();
    ceiling.push_str(DISCOVERY);
    vec![
        ("deploy/kustomize/base/reader.yaml", role("midwatch-reader", &reader)),
        ("deploy/kustomize/components/config-maps/role.yaml", role("midwatch-config-maps", &config_maps)),
        ("deploy/kustomize/components/constrained-impersonation/ceiling.yaml", role("midwatch-ceiling", &ceiling)),
        ("deploy/helm/midwatch/files/reader.yaml", format!("{MADE}{reader}")),
        ("deploy/helm/midwatch/files/config-maps.yaml", format!("{MADE}{config_maps}")),
        ("deploy/helm/midwatch/files/ceiling.yaml", format!("{MADE}{ceiling}")),
        ("docs/rights.md", page()),
    ]
}

fn role(name: &str, rules: &str) -> String {
    format!(
        "{MADE}apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: {name}\nrules:\n{rules}"
    )
}

/// The rules of a role, one for each API group of a right, each with its reason.
fn rules(grant: Grant, before: &str) -> String {
    of(grant).fold(String::new(), |mut text, right| {
        let verbs: Vec<String> = right.verbs.iter().map(|verb| quoted(&format!("{before}{verb}"))).collect();
        let _ = writeln!(text, "# {}", right.why.1);
        for (group, resources) in groups(right.resources.iter().copied()) {
            let _ = writeln!(
                text,
                "- apiGroups: [{}]\n  resources: [{}]\n  verbs: [{}]",
                quoted(group),
                resources.join(", "),
                verbs.join(", ")
            );
        }
        text
    })
}

/// What YAML would read as something else is quoted.
fn quoted(word: &str) -> String {
    if word.is_empty() || word.contains(':') { format!("\"{word}\"") } else { word.to_owned() }
}

/// Resources by their API group, in the order in which the groups first come.
pub fn groups(names: impl Iterator<Item = &'static str>) -> Vec<(&'static str, Vec<String>)> {
    let mut groups: Vec<(&'static str, Vec<String>)> = Vec::new();
    for name in names {
        let (group, resource, subresource) = parts(name);
        let resource = if subresource.is_empty() { resource.to_owned() } else { format!("{resource}/{subresource}") };
        match groups.iter_mut().find(|(known, _)| *known == group) {
            Some((_, resources)) => resources.push(resource),
            None => groups.push((group, vec![resource])),
        }
    }
    groups
}

const INTRODUCTION: &str = "# Rights\n\n\
    What the account of Midwatch may do in the cluster, and why. Made from `app/src/doctor/rights.rs` by `make gen`; do not edit.\n\
    The roles in `deploy/` are made from the same list, and `midwatch doctor` compares it with what the account really has: what is\n\
    missing, with what is lost, and what is too much. API discovery, `/version` and asking for one's own rights need nothing: every\n\
    account has them.\n\n\
    What it costs in practice, on the 132 faults of the test bed, each asked about by its namespace: an account that reads everything\n\
    names 132, the reader of `deploy/` 129. Without Secrets, a pull secret that is missing or does not fit is told as a pull that was not\n\
    authorised, and the missing certificate of an ingress is not seen. Without config maps no further cause is lost; a missing key is\n\
    named without the keys that there are.\n";

fn page() -> String {
    let mut text = INTRODUCTION.to_owned();
    let sections = [
        (
            Grant::Reader,
            "The reader",
            "`midwatch-reader`: the only role of `deploy/kustomize/overlays/read-only-without-config-maps`.",
        ),
        (
            Grant::ConfigMaps,
            "Config maps",
            "`midwatch-config-maps`: a role of its own, since people do put passwords there. Left out by\n\
             `deploy/kustomize/overlays/read-only-without-config-maps` and by `rights.configMaps: false` of the Helm chart.",
        ),
        (
            Grant::Operator,
            "On behalf of a person",
            "The account itself cannot change anything. In the `operator` overlays it may send an approved request as the named person\n\
             or group, who needs the right to it. `midwatch-ceiling` of `deploy/kustomize/overlays/operator-constrained` bounds what may\n\
             be done so, whatever that person may do (constrained impersonation, Kubernetes 1.36): everything above, and",
        ),
        (
            Grant::Withheld,
            "Not granted",
            "No role in `deploy/` grants these. Grant one yourself if you want what is lost; `midwatch doctor` will call it more than needed.",
        ),
    ];
    for (grant, title, what) in sections {
        let (why_zh, why) =
            if grant == Grant::Withheld { ("为何不授予", "why not") } else { ("用途", "what for") };
        let _ = write!(
            text,
            "\n## {title}\n\n{what}\n\n| right | verbs | {why} | lost without it | {why_zh} | 缺少时失去 |\n|---|---|---|---|---|---|\n"
        );
        of(grant).for_each(|right| row(&mut text, right));
    }
    text
}

fn row(text: &mut String, right: &Right) {
    let resources: Vec<String> = right.resources.iter().map(|name| format!("`{name}`")).collect();
    let _ = writeln!(
        text,
        "| {} | {} | {} | {} | {} | {} |",
        resources.join("<br>"),
        right.verbs.join(", "),
        right.why.1,
        right.loss.1,
        right.why.0,
        right.loss.0
    );
}
