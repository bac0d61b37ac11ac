//! Which kind a resource is, whatever group and version it is asked for through.

use crate::canonical::Request;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind<'a> {
    pub group: &'a str,
    pub resource: &'a str,
}

impl<'a> Kind<'a> {
    pub fn of(request: &'a Request) -> Self {
        let (group, resource) = (request.group.as_str(), request.resource.as_str());
        let group = match (group, resource) {
            ("extensions", "deployments" | "daemonsets" | "replicasets") => "apps",
            ("extensions", "ingresses" | "networkpolicies") => "networking.k8s.io",
            ("extensions", "replicationcontrollers") | ("events.k8s.io", "events") => "",
            ("authorization.openshift.io", "roles" | "rolebindings" | "clusterroles" | "clusterrolebindings") => {
                "rbac.authorization.k8s.io"
            }
            ("", "deploymentconfigs") => "apps.openshift.io",
            (group, _) => group,
        };
        Self { group, resource }
    }

    pub fn is(self, group: &str, resource: &str) -> bool {
        self.group == group && self.resource == resource
    }

    /// Keeps pods at a number of replicas that a request can change.
    pub fn scales(self) -> bool {
        matches!(
            (self.group, self.resource),
            ("apps", "deployments" | "statefulsets" | "replicasets")
                | ("", "replicationcontrollers")
                | ("apps.openshift.io", "deploymentconfigs")
        )
    }

    /// Replaces its pods when its template changes.
    pub fn rolls_out(self) -> bool {
        matches!(
            (self.group, self.resource),
            ("apps", "deployments" | "statefulsets" | "daemonsets") | ("apps.openshift.io", "deploymentconfigs")
        )
    }

    /// Runs what it is told to as soon as it exists.
    pub fn runs(self) -> bool {
        matches!((self.group, self.resource), ("", "pods") | ("batch", "jobs" | "cronjobs"))
    }

    pub fn rbac(self) -> bool {
        self.group == "rbac.authorization.k8s.io"
    }

    /// Kinds whose own labels and annotations steer nothing but what people build on them.
    pub fn plain_labels(self) -> bool {
        self.scales()
            || self.rolls_out()
            || self.runs()
            || self.is("", "services")
            || self.is("", "configmaps")
            || self.is("", "nodes")
            || self.is("autoscaling", "horizontalpodautoscalers")
    }

    /// Not bound to a namespace, among the kinds that Kubernetes itself has.
    pub fn cluster_scoped(self) -> bool {
        matches!(
            (self.group, self.resource),
            ("", "nodes" | "namespaces" | "persistentvolumes" | "componentstatuses")
                | ("rbac.authorization.k8s.io", "clusterroles" | "clusterrolebindings")
                | ("storage.k8s.io", "storageclasses" | "csidrivers" | "csinodes" | "volumeattachments")
                | ("apiextensions.k8s.io" | "apiregistration.k8s.io" | "admissionregistration.k8s.io", _)
                | ("certificates.k8s.io", "certificatesigningrequests" | "clustertrustbundles")
                | ("flowcontrol.apiserver.k8s.io", _)
                | ("scheduling.k8s.io", "priorityclasses")
                | ("networking.k8s.io", "ingressclasses" | "ipaddresses" | "servicecidrs")
                | ("node.k8s.io", "runtimeclasses")
                | ("metrics.k8s.io", "nodes")
                | (
                    "authentication.k8s.io" | "authorization.k8s.io",
                    "tokenreviews"
                        | "selfsubjectreviews"
                        | "selfsubjectaccessreviews"
                        | "selfsubjectrulesreviews"
                        | "subjectaccessreviews"
                )
        )
    }
}
