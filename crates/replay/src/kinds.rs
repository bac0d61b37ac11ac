//! The kinds that every API server knows, so that a recording without any object of a kind still answers for it.

use std::borrow::Cow;

/// What discovery says about one resource.
#[derive(Debug, Clone)]
pub(crate) struct Resource {
    pub group: Cow<'static, str>,
    pub version: Cow<'static, str>,
    pub kind: Cow<'static, str>,
    pub plural: Cow<'static, str>,
    pub singular: Cow<'static, str>,
    pub namespaced: bool,
    pub short_names: Vec<Cow<'static, str>>,
    pub categories: Vec<Cow<'static, str>>,
    pub subresources: Vec<&'static str>,
}

impl Resource {
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            return self.version.to_string();
        }
        format!("{}/{}", self.group, self.version)
    }

    /// The name the API server uses in messages: `pods`, `deployments.apps`.
    pub fn qualified(&self) -> String {
        if self.group.is_empty() {
            return self.plural.to_string();
        }
        format!("{}.{}", self.plural, self.group)
    }
}

const STATUS: &[&str] = &["status"];
const SCALE: &[&str] = &["scale", "status"];
const NONE: &[&str] = &[];
const ALL: &[&str] = &["all"];
const API_EXTENSIONS: &[&str] = &["api-extensions"];

struct Row {
    api: (&'static str, &'static str),
    kind: &'static str,
    plural: &'static str,
    namespaced: bool,
    short_names: &'static [&'static str],
    categories: &'static [&'static str],
    subresources: &'static [&'static str],
}

const fn row(
    api: (&'static str, &'static str),
    kind: &'static str,
    plural: &'static str,
    namespaced: bool,
    short_names: &'static [&'static str],
    categories: &'static [&'static str],
    subresources: &'static [&'static str],
) -> Row {
    Row { api, kind, plural, namespaced, short_names, categories, subresources }
}

const CORE: (&str, &str) = ("", "v1");
const ADMISSION: (&str, &str) = ("admissionregistration.k8s.io", "v1");
const APIEXTENSIONS: (&str, &str) = ("apiextensions.k8s.io", "v1");
const APIREGISTRATION: (&str, &str) = ("apiregistration.k8s.io", "v1");
const APPS: (&str, &str) = ("apps", "v1");
const AUTHORIZATION: (&str, &str) = ("authorization.k8s.io", "v1");
const AUTOSCALING: (&str, &str) = ("autoscaling", "v2");
const BATCH: (&str, &str) = ("batch", "v1");
const CERTIFICATES: (&str, &str) = ("certificates.k8s.io", "v1");
const COORDINATION: (&str, &str) = ("coordination.k8s.io", "v1");
const DISCOVERY: (&str, &str) = ("discovery.k8s.io", "v1");
const EVENTS: (&str, &str) = ("events.k8s.io", "v1");
const FLOWCONTROL: (&str, &str) = ("flowcontrol.apiserver.k8s.io", "v1");
const NETWORKING: (&str, &str) = ("networking.k8s.io", "v1");
const NODE: (&str, &str) = ("node.k8s.io", "v1");
const POLICY: (&str, &str) = ("policy", "v1");
const RBAC: (&str, &str) = ("rbac.authorization.k8s.io", "v1");
const RESOURCE: (&str, &str) = ("resource.k8s.io", "v1");
const SCHEDULING: (&str, &str) = ("scheduling.k8s.io", "v1");
const STORAGE: (&str, &str) = ("storage.k8s.io", "v1");

#[rustfmt::skip]
const BUILT_IN: &[Row] = &[
    row(CORE, "ComponentStatus", "componentstatuses", false, &["cs"], NONE, NONE),
    row(CORE, "ConfigMap", "configmaps", true, &["cm"], NONE, NONE),
    row(CORE, "Endpoints", "endpoints", true, &["ep"], NONE, NONE),
    row(CORE, "Event", "events", true, &["ev"], NONE, NONE),
    row(CORE, "LimitRange", "limitranges", true, &["limits"], NONE, NONE),
    row(CORE, "Namespace", "namespaces", false, &["ns"], NONE, STATUS),
    row(CORE, "Node", "nodes", false, &["no"], NONE, STATUS),
    row(CORE, "PersistentVolume", "persistentvolumes", false, &["pv"], NONE, STATUS),
    row(CORE, "PersistentVolumeClaim", "persistentvolumeclaims", true, &["pvc"], NONE, STATUS),
    row(CORE, "Pod", "pods", true, &["po"], ALL, &["log", "status"]),
    row(CORE, "PodTemplate", "podtemplates", true, NONE, NONE, NONE),
    row(CORE, "ReplicationController", "replicationcontrollers", true, &["rc"], ALL, SCALE),
    row(CORE, "ResourceQuota", "resourcequotas", true, &["quota"], NONE, STATUS),
    row(CORE, "Secret", "secrets", true, NONE, NONE, NONE),
    row(CORE, "Service", "services", true, &["svc"], ALL, STATUS),
    row(CORE, "ServiceAccount", "serviceaccounts", true, &["sa"], NONE, NONE),
    row(APIREGISTRATION, "APIService", "apiservices", false, NONE, API_EXTENSIONS, STATUS),
    row(APPS, "ControllerRevision", "controllerrevisions", true, NONE, NONE, NONE),
    row(APPS, "DaemonSet", "daemonsets", true, &["ds"], ALL, STATUS),
    row(APPS, "Deployment", "deployments", true, &["deploy"], ALL, SCALE),
    row(APPS, "ReplicaSet", "replicasets", true, &["rs"], ALL, SCALE),
    row(APPS, "StatefulSet", "statefulsets", true, &["sts"], ALL, SCALE),
    row(EVENTS, "Event", "events", true, &["ev"], NONE, NONE),
    row(AUTHORIZATION, "SelfSubjectAccessReview", "selfsubjectaccessreviews", false, NONE, NONE, NONE),
    row(AUTOSCALING, "HorizontalPodAutoscaler", "horizontalpodautoscalers", true, &["hpa"], ALL, STATUS),
    row(BATCH, "CronJob", "cronjobs", true, &["cj"], ALL, STATUS),
    row(BATCH, "Job", "jobs", true, NONE, ALL, STATUS),
    row(CERTIFICATES, "CertificateSigningRequest", "certificatesigningrequests", false, &["csr"], NONE, STATUS),
    row(NETWORKING, "Ingress", "ingresses", true, &["ing"], NONE, STATUS),
    row(NETWORKING, "IngressClass", "ingressclasses", false, NONE, NONE, NONE),
    row(NETWORKING, "IPAddress", "ipaddresses", false, &["ip"], NONE, NONE),
    row(NETWORKING, "NetworkPolicy", "networkpolicies", true, &["netpol"], NONE, NONE),
    row(NETWORKING, "ServiceCIDR", "servicecidrs", false, NONE, NONE, STATUS),
    row(POLICY, "PodDisruptionBudget", "poddisruptionbudgets", true, &["pdb"], NONE, STATUS),
    row(RBAC, "ClusterRole", "clusterroles", false, NONE, NONE, NONE),
    row(RBAC, "ClusterRoleBinding", "clusterrolebindings", false, NONE, NONE, NONE),
    row(RBAC, "Role", "roles", true, NONE, NONE, NONE),
    row(RBAC, "RoleBinding", "rolebindings", true, NONE, NONE, NONE),
    row(STORAGE, "CSIDriver", "csidrivers", false, NONE, NONE, NONE),
    row(STORAGE, "CSINode", "csinodes", false, NONE, NONE, NONE),
    row(STORAGE, "CSIStorageCapacity", "csistoragecapacities", true, NONE, NONE, NONE),
    row(STORAGE, "StorageClass", "storageclasses", false, &["sc"], NONE, NONE),
    row(STORAGE, "VolumeAttachment", "volumeattachments", false, NONE, NONE, STATUS),
    row(STORAGE, "VolumeAttributesClass", "volumeattributesclasses", false, &["vac"], NONE, NONE),
    row(ADMISSION, "MutatingAdmissionPolicy", "mutatingadmissionpolicies", false, NONE, API_EXTENSIONS, NONE),
    row(ADMISSION, "MutatingAdmissionPolicyBinding", "mutatingadmissionpolicybindings", false, NONE, API_EXTENSIONS, NONE),
    row(ADMISSION, "MutatingWebhookConfiguration", "mutatingwebhookconfigurations", false, NONE, API_EXTENSIONS, NONE),
    row(ADMISSION, "ValidatingAdmissionPolicy", "validatingadmissionpolicies", false, NONE, API_EXTENSIONS, STATUS),
    row(ADMISSION, "ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings", false, NONE, API_EXTENSIONS, NONE),
    row(ADMISSION, "ValidatingWebhookConfiguration", "validatingwebhookconfigurations", false, NONE, API_EXTENSIONS, NONE),
    row(APIEXTENSIONS, "CustomResourceDefinition", "customresourcedefinitions", false, &["crd", "crds"], API_EXTENSIONS, STATUS),
    row(SCHEDULING, "PriorityClass", "priorityclasses", false, &["pc"], NONE, NONE),
    row(COORDINATION, "Lease", "leases", true, NONE, NONE, NONE),
    row(NODE, "RuntimeClass", "runtimeclasses", false, NONE, NONE, NONE),
    row(DISCOVERY, "EndpointSlice", "endpointslices", true, NONE, NONE, NONE),
    row(FLOWCONTROL, "FlowSchema", "flowschemas", false, NONE, NONE, STATUS),
    row(FLOWCONTROL, "PriorityLevelConfiguration", "prioritylevelconfigurations", false, NONE, NONE, STATUS),
    row(RESOURCE, "DeviceClass", "deviceclasses", false, NONE, NONE, NONE),
    row(RESOURCE, "ResourceClaim", "resourceclaims", true, NONE, NONE, STATUS),
    row(RESOURCE, "ResourceClaimTemplate", "resourceclaimtemplates", true, NONE, NONE, NONE),
    row(RESOURCE, "ResourceSlice", "resourceslices", false, NONE, NONE, NONE),
];

pub(crate) fn built_in() -> impl Iterator<Item = Resource> {
    BUILT_IN.iter().map(|row| Resource {
        group: Cow::Borrowed(row.api.0),
        version: Cow::Borrowed(row.api.1),
        kind: Cow::Borrowed(row.kind),
        plural: Cow::Borrowed(row.plural),
        singular: Cow::Owned(row.kind.to_lowercase()),
        namespaced: row.namespaced,
        short_names: row.short_names.iter().map(|name| Cow::Borrowed(*name)).collect(),
        categories: row.categories.iter().map(|name| Cow::Borrowed(*name)).collect(),
        subresources: row.subresources.to_vec(),
    })
}

/// The plural of a kind that no definition names, by the rule of English that API authors follow.
pub(crate) fn pluralise(kind: &str) -> String {
    let kind = kind.to_lowercase();
    if kind.ends_with(['s', 'x', 'z']) || kind.ends_with("ch") || kind.ends_with("sh") {
        return format!("{kind}es");
    }
    match kind.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'i', 'o', 'u']) => format!("{stem}ies"),
        Some(_) | None => format!("{kind}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plurals_follow_the_rule() {
        for (kind, plural) in [
            ("Gateway", "gateways"),
            ("NetworkPolicy", "networkpolicies"),
            ("Ingress", "ingresses"),
            ("Rollout", "rollouts"),
            ("Patch", "patches"),
        ] {
            assert_eq!(pluralise(kind), plural);
        }
    }

    #[test]
    fn built_in_kinds_are_named_once() {
        let mut seen = std::collections::HashSet::new();
        for resource in built_in() {
            assert!(seen.insert((resource.api_version(), resource.kind.to_string())), "{resource:?}");
        }
    }
}
