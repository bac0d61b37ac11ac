//! The built-in kinds that evidence is made of, and where the API serves them. One table; no discovery is needed to read them.

/// How the API serves a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    pub name: &'static str,
    /// `/api/v1` or `/apis/GROUP/VERSION`
    pub root: &'static str,
    pub plural: &'static str,
    pub namespaced: bool,
}

const fn namespaced(name: &'static str, root: &'static str, plural: &'static str) -> Kind {
    Kind { name, root, plural, namespaced: true }
}

const fn cluster(name: &'static str, root: &'static str, plural: &'static str) -> Kind {
    Kind { name, root, plural, namespaced: false }
}

const CORE: &str = "/api/v1";
const APPS: &str = "/apis/apps/v1";
const BATCH: &str = "/apis/batch/v1";
const NET: &str = "/apis/networking.k8s.io/v1";
const STORAGE: &str = "/apis/storage.k8s.io/v1";
const ADMISSION: &str = "/apis/admissionregistration.k8s.io/v1";
const RBAC: &str = "/apis/rbac.authorization.k8s.io/v1";

pub const KINDS: &[Kind] = &[
    namespaced("Pod", CORE, "pods"),
    namespaced("Event", CORE, "events"),
    namespaced("Service", CORE, "services"),
    namespaced("ConfigMap", CORE, "configmaps"),
    namespaced("Secret", CORE, "secrets"),
    namespaced("ServiceAccount", CORE, "serviceaccounts"),
    namespaced("PersistentVolumeClaim", CORE, "persistentvolumeclaims"),
    namespaced("ResourceQuota", CORE, "resourcequotas"),
    namespaced("LimitRange", CORE, "limitranges"),
    namespaced("ReplicationController", CORE, "replicationcontrollers"),
    namespaced("Deployment", APPS, "deployments"),
    namespaced("ReplicaSet", APPS, "replicasets"),
    namespaced("StatefulSet", APPS, "statefulsets"),
    namespaced("DaemonSet", APPS, "daemonsets"),
    namespaced("ControllerRevision", APPS, "controllerrevisions"),
    namespaced("Job", BATCH, "jobs"),
    namespaced("CronJob", BATCH, "cronjobs"),
    namespaced("EndpointSlice", "/apis/discovery.k8s.io/v1", "endpointslices"),
    namespaced("Ingress", NET, "ingresses"),
    namespaced("NetworkPolicy", NET, "networkpolicies"),
    namespaced("HorizontalPodAutoscaler", "/apis/autoscaling/v2", "horizontalpodautoscalers"),
    namespaced("PodDisruptionBudget", "/apis/policy/v1", "poddisruptionbudgets"),
    namespaced("Lease", "/apis/coordination.k8s.io/v1", "leases"),
    namespaced("Role", RBAC, "roles"),
    namespaced("RoleBinding", RBAC, "rolebindings"),
    namespaced("HelmRelease", "/apis/helm.toolkit.fluxcd.io/v2", "helmreleases"),
    namespaced("Kustomization", "/apis/kustomize.toolkit.fluxcd.io/v1", "kustomizations"),
    namespaced("Application", "/apis/argoproj.io/v1alpha1", "applications"),
    namespaced("Certificate", "/apis/cert-manager.io/v1", "certificates"),
    cluster("Namespace", CORE, "namespaces"),
    cluster("Node", CORE, "nodes"),
    cluster("PersistentVolume", CORE, "persistentvolumes"),
    cluster("StorageClass", STORAGE, "storageclasses"),
    cluster("CSIDriver", STORAGE, "csidrivers"),
    cluster("CSINode", STORAGE, "csinodes"),
    cluster("VolumeAttachment", STORAGE, "volumeattachments"),
    cluster("IngressClass", NET, "ingressclasses"),
    cluster("PriorityClass", "/apis/scheduling.k8s.io/v1", "priorityclasses"),
    cluster("RuntimeClass", "/apis/node.k8s.io/v1", "runtimeclasses"),
    cluster("ValidatingWebhookConfiguration", ADMISSION, "validatingwebhookconfigurations"),
    cluster("MutatingWebhookConfiguration", ADMISSION, "mutatingwebhookconfigurations"),
    cluster("APIService", "/apis/apiregistration.k8s.io/v1", "apiservices"),
    cluster("CustomResourceDefinition", "/apis/apiextensions.k8s.io/v1", "customresourcedefinitions"),
    cluster("CertificateSigningRequest", "/apis/certificates.k8s.io/v1", "certificatesigningrequests"),
    cluster("ClusterRole", RBAC, "clusterroles"),
    cluster("ClusterRoleBinding", RBAC, "clusterrolebindings"),
];

pub fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|k| k.name == name)
}

pub fn is_cluster_scoped(name: &str) -> bool {
    kind(name).is_some_and(|k| !k.namespaced)
}

impl Kind {
    /// The path of the kind's list, in one namespace or over all (`""`).
    pub fn list_path(&self, namespace: &str) -> String {
        if self.namespaced && !namespace.is_empty() {
            return format!("{}/namespaces/{namespace}/{}", self.root, self.plural);
        }
        format!("{}/{}", self.root, self.plural)
    }

    pub fn object_path(&self, namespace: &str, name: &str) -> String {
        format!("{}/{name}", self.list_path(namespace))
    }

    /// `apps/v1`, `v1`
    pub fn api_version(&self) -> &'static str {
        self.root.trim_start_matches("/apis/").trim_start_matches("/api/")
    }
}

/// The kind a person means by `po`, `deploy`, `pvc`, `Deployment`, `deployments` ...
pub fn by_word(word: &str) -> Option<&'static Kind> {
    let word = word.to_lowercase();
    let word = word.split_once('.').map_or(word.as_str(), |(first, _)| first);
    let short = match word {
        "po" => "pods",
        "svc" => "services",
        "deploy" => "deployments",
        "rs" => "replicasets",
        "sts" => "statefulsets",
        "ds" => "daemonsets",
        "cj" => "cronjobs",
        "pvc" => "persistentvolumeclaims",
        "pv" => "persistentvolumes",
        "sc" => "storageclasses",
        "cm" => "configmaps",
        "sa" => "serviceaccounts",
        "no" => "nodes",
        "ns" => "namespaces",
        "ing" => "ingresses",
        "netpol" => "networkpolicies",
        "hpa" => "horizontalpodautoscalers",
        "pdb" => "poddisruptionbudgets",
        "quota" => "resourcequotas",
        "limits" => "limitranges",
        "ev" => "events",
        "crd" => "customresourcedefinitions",
        other => other,
    };
    KINDS.iter().find(|k| k.plural == short || k.name.to_lowercase() == short)
}
