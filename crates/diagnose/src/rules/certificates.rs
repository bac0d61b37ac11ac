//! Certificates that have expired or soon will, as annotations, requests and metrics say.

use jiff::{SignedDuration, Timestamp};

use crate::class::Class;
use crate::evidence::Evidence;
use crate::finding::{Cite, Finding, Source, text};
use crate::object::Object;

/// What renews by itself has done so long before.
const SOON: SignedDuration = SignedDuration::from_hours(24 * 7);
/// A kubelet's request is approved at once where approval works.
const APPROVED_WITHIN: SignedDuration = SignedDuration::from_mins(10);

pub fn certificates(evidence: &Evidence) -> Vec<Finding> {
    let mut findings: Vec<Finding> = evidence.kind("Secret").filter_map(|s| annotated(evidence, s)).collect();
    findings.extend(evidence.kind("CertificateSigningRequest").filter_map(|r| unapproved(evidence, r)));
    findings.extend(evidence.kind("Node").filter_map(|n| kubelet(evidence, n)));
    findings
}

fn judge(evidence: &Evidence, object: &Object, until: Timestamp, what: (&str, &str)) -> Option<Finding> {
    let left = until.duration_since(evidence.now);
    if left > SOON {
        return None;
    }
    let (class, statement) = if left.is_negative() {
        (
            Class::CertificateExpired,
            text(format!("{}已于 {until} 过期", what.0), format!("{} expired at {until}", what.1)),
        )
    } else {
        let hours = left.as_hours();
        (
            Class::CertificateExpiring,
            text(
                format!("{}将于 {until} 过期（还有 {hours} 小时）", what.0),
                format!("{} expires at {until} (in {hours} hours)", what.1),
            ),
        )
    };
    Some(Finding::new(class, &object.re, statement))
}

/// A TLS secret whose end somebody wrote beside it (values are never read).
fn annotated(evidence: &Evidence, secret: &Object) -> Option<Finding> {
    let keys =
        ["cert-manager.io/certificate-not-after", "auth.openshift.io/certificate-not-after", "certificate/not-after"];
    let (key, until) = keys.iter().find_map(|key| Some((key, secret.annotation(key).parse::<Timestamp>().ok()?)))?;
    let name = secret.re.path();
    let what = (format!("Secret {name} 里的证书"), format!("the certificate in secret {name}"));
    let finding = judge(evidence, secret, until, (&what.0, &what.1))?;
    let pointer = format!("/metadata/annotations/{}", key.replace('/', "~1"));
    Some(finding.cite(Cite::field(secret, &pointer)).fix(
        text("换上新证书", "put a new certificate in"),
        format!(
            "kubectl{} create secret tls {} --cert=tls.crt --key=tls.key --dry-run=client -o yaml | kubectl apply -f -",
            secret.re.flag(),
            secret.name()
        ),
    ))
}

/// A kubelet asks for a certificate and nobody approves it: it will lose its access.
fn unapproved(evidence: &Evidence, request: &Object) -> Option<Finding> {
    let signer = request.str("/spec/signerName");
    let answered = request.conditions().any(|c| matches!(c.kind, "Approved" | "Denied" | "Failed"));
    let age = evidence.now.duration_since(request.created()?);
    if !signer.starts_with("kubernetes.io/kube") || answered || age < APPROVED_WITHIN {
        return None;
    }
    let (name, user) = (request.name(), request.str("/spec/username"));
    let statement = text(
        format!("{user} 的证书请求 {name}（{signer}）一直没有批准，旧证书到期后它将失去访问权"),
        format!(
            "the certificate request {name} of {user} ({signer}) is not approved; it loses its access when the old one ends"
        ),
    );
    Some(
        Finding::new(Class::CertificateExpiring, &request.re, statement)
            .likely()
            .cite(Cite::field(request, "/spec/username"))
            .cite(Cite::field(request, "/metadata/creationTimestamp"))
            .fix(
                text("核对请求者后批准", "approve it once the requester is known"),
                format!("kubectl certificate approve {name}"),
            ),
    )
}

/// What a kubelet's own metric says of its client or server certificate.
fn kubelet(evidence: &Evidence, node: &Object) -> Option<Finding> {
    let names = ["kubelet_certificate_manager_client_ttl_seconds", "kubelet_certificate_manager_server_ttl_seconds"];
    let metrics = evidence.metrics.iter().filter(|m| names.iter().any(|n| m.query.contains(n)));
    for metric in metrics {
        let ours = |s: &&crate::evidence::Sample| s.labels.get("node").is_some_and(|n| n == node.name());
        let Some(sample) = metric.samples.iter().find(ours) else { continue };
        let until = evidence.now.checked_add(SignedDuration::try_from_secs_f64(sample.value).ok()?).ok()?;
        let name = node.name();
        let what = (format!("节点 {name} 的 kubelet 证书"), format!("the kubelet certificate of node {name}"));
        let cite = Cite {
            object: node.re.clone(),
            source: Source::Metric(metric.query.clone()),
            time: None,
            text: format!("{}", sample.value),
        };
        if let Some(finding) = judge(evidence, node, until, (&what.0, &what.1)) {
            return Some(
                finding
                    .cite(cite)
                    .fix(text("看有没有待批准的证书请求", "see whether requests wait for approval"), "kubectl get csr"),
            );
        }
    }
    None
}
