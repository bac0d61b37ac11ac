//! What people call a resource, and where its objects are served.

/// Short and singular names besides the plural: `(names, group, version, plural, namespaced)`.
const KNOWN: &[(&[&str], &str, &str, &str, bool)] = &[
    (&["po", "pod"], "", "v1", "pods", true),
    (&["svc", "service"], "", "v1", "services", true),
    (&["cm", "configmap"], "", "v1", "configmaps", true),
    (&["secret"], "", "v1", "secrets", true),
    (&["ns", "namespace"], "", "v1", "namespaces", false),
    (&["no", "node"], "", "v1", "nodes", false),
    (&["ev", "event"], "", "v1", "events", true),
    (&["pvc", "persistentvolumeclaim"], "", "v1", "persistentvolumeclaims", true),
    (&["pv", "persistentvolume"], "", "v1", "persistentvolumes", false),
    (&["sa", "serviceaccount"], "", "v1", "serviceaccounts", true),
    (&["ep", "endpoint"], "", "v1", "endpoints", true),
    (&["rc", "replicationcontroller"], "", "v1", "replicationcontrollers", true),
    (&["quota", "resourcequota"], "", "v1", "resourcequotas", true),
    (&["limits", "limitrange"], "", "v1", "limitranges", true),
    (&["deploy", "deployment"], "apps", "v1", "deployments", true),
    (&["sts", "statefulset"], "apps", "v1", "statefulsets", true),
    (&["ds", "daemonset"], "apps", "v1", "daemonsets", true),
    (&["rs", "replicaset"], "apps", "v1", "replicasets", true),
    (&["controllerrevision"], "apps", "v1", "controllerrevisions", true),
    (&["job"], "batch", "v1", "jobs", true),
    (&["cj", "cronjob"], "batch", "v1", "cronjobs", true),
    (&["hpa", "horizontalpodautoscaler"], "autoscaling", "v2", "horizontalpodautoscalers", true),
    (&["pdb", "poddisruptionbudget"], "policy", "v1", "poddisruptionbudgets", true),
    (&["ing", "ingress"], "networking.k8s.io", "v1", "ingresses", true),
    (&["netpol", "networkpolicy"], "networking.k8s.io", "v1", "networkpolicies", true),
    (&["role"], "rbac.authorization.k8s.io", "v1", "roles", true),
    (&["rolebinding"], "rbac.authorization.k8s.io", "v1", "rolebindings", true),
    (&["clusterrole"], "rbac.authorization.k8s.io", "v1", "clusterroles", false),
    (&["clusterrolebinding"], "rbac.authorization.k8s.io", "v1", "clusterrolebindings", false),
    (&["sc", "storageclass"], "storage.k8s.io", "v1", "storageclasses", false),
    (&["csr", "certificatesigningrequest"], "certificates.k8s.io", "v1", "certificatesigningrequests", false),
    (&["crd", "customresourcedefinition"], "apiextensions.k8s.io", "v1", "customresourcedefinitions", false),
    (&["apiservice"], "apiregistration.k8s.io", "v1", "apiservices", false),
    (&["pc", "priorityclass"], "scheduling.k8s.io", "v1", "priorityclasses", false),
    (&["lease"], "coordination.k8s.io", "v1", "leases", true),
    (
        &["validatingwebhookconfiguration"],
        "admissionregistration.k8s.io",
        "v1",
        "validatingwebhookconfigurations",
        false,
    ),
    (&["mutatingwebhookconfiguration"], "admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations", false),
    (&["validatingadmissionpolicy"], "admissionregistration.k8s.io", "v1", "validatingadmissionpolicies", false),
];

/// Group, version, plural, and whether its objects lie in namespaces. What is not known is taken for a custom resource
/// `plural.group` or `plural.version.group` in namespaces.
pub fn resource(spoken: &str) -> (String, String, String, bool) {
    let spoken = spoken.to_ascii_lowercase();
    let (name, rest) = spoken.split_once('.').unwrap_or((&spoken, ""));
    let (version, group) = match rest.split_once('.') {
        Some((version, group)) if is_version(version) => (Some(version), group),
        _ => (None, rest),
    };
    let known = KNOWN.iter().find(|(names, of, _, plural, _)| {
        (names.contains(&name) || *plural == name) && (rest.is_empty() || *of == group)
    });
    match known {
        Some((_, group, usual, plural, namespaced)) => {
            ((*group).to_owned(), version.unwrap_or(usual).to_owned(), (*plural).to_owned(), *namespaced)
        }
        None => (group.to_owned(), version.unwrap_or("v1").to_owned(), name.to_owned(), true),
    }
}

fn is_version(text: &str) -> bool {
    text.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}
