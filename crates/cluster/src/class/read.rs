//! Reads: most are plain, some show what should not be passed on without leave.

use super::{Case, Class, Verdict};

pub fn judge(case: &Case<'_>, verdict: &mut Verdict) {
    verdict.add(Class::R, "reads");
    let (group, resource) = (case.kind.group, case.kind.resource);
    let sensitive = match (group, resource) {
        ("", "secrets") => Some("lists keys of Secrets (values never pass)"),
        ("", "configmaps") => Some("reads values of ConfigMaps"),
        ("", "pods") if case.below == Some("log") && case.protected() => {
            Some("reads logs in a protected namespace or of a protected pod")
        }
        ("rbac.authorization.k8s.io", _) => Some("reads who may do what (RBAC)"),
        ("certificates.k8s.io", _) => Some("reads certificate requests"),
        ("oauth.openshift.io" | "user.openshift.io", _) => Some("reads users and their tokens"),
        _ => None,
    };
    if let Some(why) = sensitive {
        verdict.add(Class::S, why);
    }
}
