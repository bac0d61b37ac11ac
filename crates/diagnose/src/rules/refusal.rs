//! Why the API server refused an object, read from its own words.

use crate::pattern::{Pattern, part};
use crate::quantity;

#[derive(Debug, PartialEq, Eq)]
pub enum Refusal<'t> {
    QuotaExceeded { quota: &'t str, requested: &'t str, used: &'t str, limited: &'t str },
    QuotaScope { scopes: &'t str },
    QuotaNeeds { quota: &'t str, what: &'t str },
    LimitRange { why: &'t str },
    ServiceAccount { name: &'t str },
    PodSecurity { profile: &'t str, why: &'t str },
    WebhookDenied { webhook: &'t str, why: &'t str },
    WebhookUnreachable { webhook: &'t str, why: &'t str },
    PriorityClass { name: &'t str },
    RuntimeClass { name: &'t str },
    NamespaceTerminating { name: &'t str },
    Immutable { what: &'t str, name: &'t str, why: &'t str },
    Invalid { what: &'t str, field: &'t str, why: &'t str },
}

static QUOTA: Pattern =
    Pattern::new(r"exceeded quota: ([^\s,]+), requested: (.+?), used: (.+?), limited: ([^\s]+(?:, ?[^\s=]+=[^\s,]+)*)");
static QUOTA_SCOPE: Pattern = Pattern::new(r"insufficient quota to match these scopes: (.+)");
static QUOTA_NEEDS: Pattern = Pattern::new(r"failed quota: ([^\s:]+): must specify (.+)");
static LIMIT_RANGE: Pattern = Pattern::new(
    r"((?:maximum|minimum) [\w./-]+ usage per \w+ is \S+(?:, but .+|\.? +No (?:limit|request) is specified)|[\w./-]+ max limit to request ratio per \w+ is .+|[\w./-]+ (?:limit|request)s? to (?:limit|request) ratio per .+)",
);
static SERVICE_ACCOUNT: Pattern = Pattern::new(
    r#"(?:error looking up service account [^\s/]+/\S+: serviceaccounts? "([^"]+)" not found|service account [^\s/]+/(\S+) was not found)"#,
);
static POD_SECURITY: Pattern = Pattern::new(r#"violates PodSecurity "([^"]+)": (.+)"#);
static SECURITY_POLICY: Pattern = Pattern::new(
    r"(unable to validate against any (?:pod security policy|security context constraint): .+|no providers available to validate pod request)",
);
static DENIED: Pattern =
    Pattern::new(r#"admission webhook "([^"]+)" denied the request(?:: ?((?s).+)| without explanation)"#);
static POLICY_DENIED: Pattern =
    Pattern::new(r#"ValidatingAdmissionPolicy '([^']+)' (?:with binding '[^']+' )?denied request: ((?s).+)"#);
static UNREACHABLE: Pattern = Pattern::new(r#"failed calling (?:admission )?webhook "([^"]+)": ((?s).+)"#);
static PRIORITY_CLASS: Pattern = Pattern::new(r"no PriorityClass with name (\S+) was found");
static RUNTIME_CLASS: Pattern = Pattern::new(r#"pod rejected: RuntimeClass "([^"]+)" not found"#);
static TERMINATING: Pattern = Pattern::new(r"in namespace (\S+) because it is being terminated");
static IMMUTABLE: Pattern = Pattern::new(
    r#"(\w+)(?:\.[a-z.0-9]+)? "([^"]+)" is invalid: (.*(?:field is immutable|is immutable after creation|updates to statefulset spec for fields other than|may not change fields other than|pod updates may not|can ?not be changed|primary clusterIP can not be unset).*)"#,
);
static INVALID: Pattern = Pattern::new(
    r#"(\w+)(?:\.[a-z.0-9]+)? "[^"]+" is invalid: \[?([\w.\[\]/()"-]+): ((?:Invalid value|Required value|Unsupported value|Duplicate value|Forbidden|Not found|Too long|Too many|Invalid)\b.*)"#,
);

/// None when the text is no refusal that has a class.
pub fn parse(text: &str) -> Option<Refusal<'_>> {
    quota(text).or_else(|| admission(text)).or_else(|| missing(text)).or_else(|| validation(text))
}

fn quota(text: &str) -> Option<Refusal<'_>> {
    if let Some(c) = QUOTA.captures(text) {
        let (quota, requested) = (part(&c, 1), part(&c, 2));
        return Some(Refusal::QuotaExceeded { quota, requested, used: part(&c, 3), limited: part(&c, 4) });
    }
    if let Some(c) = QUOTA_NEEDS.captures(text) {
        return Some(Refusal::QuotaNeeds { quota: part(&c, 1), what: part(&c, 2) });
    }
    if let Some(scopes) = QUOTA_SCOPE.first(text) {
        return Some(Refusal::QuotaScope { scopes });
    }
    LIMIT_RANGE.first(text).map(|why| Refusal::LimitRange { why })
}

fn admission(text: &str) -> Option<Refusal<'_>> {
    if let Some(c) = UNREACHABLE.captures(text) {
        let why = part(&c, 2).trim_start_matches("failed to call webhook: ");
        return Some(Refusal::WebhookUnreachable { webhook: part(&c, 1), why });
    }
    if let Some(c) = POD_SECURITY.captures(text) {
        return Some(Refusal::PodSecurity { profile: part(&c, 1), why: part(&c, 2) });
    }
    if let Some(why) = SECURITY_POLICY.first(text) {
        return Some(Refusal::PodSecurity { profile: "", why });
    }
    let c = DENIED.captures(text).or_else(|| POLICY_DENIED.captures(text))?;
    Some(Refusal::WebhookDenied { webhook: part(&c, 1), why: part(&c, 2) })
}

fn missing(text: &str) -> Option<Refusal<'_>> {
    if let Some(c) = SERVICE_ACCOUNT.captures(text) {
        let name = c.get(1).or(c.get(2)).map_or("", |m| m.as_str()).trim_end_matches([',', ':']);
        return Some(Refusal::ServiceAccount { name });
    }
    if let Some(name) = PRIORITY_CLASS.first(text) {
        return Some(Refusal::PriorityClass { name });
    }
    if let Some(name) = RUNTIME_CLASS.first(text) {
        return Some(Refusal::RuntimeClass { name });
    }
    TERMINATING.first(text).map(|name| Refusal::NamespaceTerminating { name })
}

fn validation(text: &str) -> Option<Refusal<'_>> {
    if let Some(c) = IMMUTABLE.captures(text) {
        return Some(Refusal::Immutable { what: part(&c, 1), name: part(&c, 2), why: part(&c, 3) });
    }
    let c = INVALID.captures(text)?;
    Some(Refusal::Invalid { what: part(&c, 1), field: part(&c, 2), why: part(&c, 3).trim_end_matches(']') })
}

/// The sum of two quantities, in the larger one's unit.
pub fn add(a: &str, b: &str) -> String {
    let (Some(x), Some(y)) = (quantity::parse(a), quantity::parse(b)) else { return a.to_owned() };
    let larger = if x > y { a } else { b };
    let unit: String = larger.chars().skip_while(|c| c.is_ascii_digit() || *c == '.').collect();
    let factor = quantity::parse(&format!("1{unit}")).unwrap_or(1.0);
    let sum = (x + y) / factor;
    let sum = if (sum - sum.round()).abs() < 1e-6 { sum.round() } else { (sum * 1000.0).ceil() / 1000.0 };
    format!("{sum}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_quota_refusals_with_several_resources() {
        let text = r#"pods "web-1" is forbidden: exceeded quota: compute, requested: limits.cpu=2,limits.memory=1Gi, used: limits.cpu=3,limits.memory=3Gi, limited: limits.cpu=4,limits.memory=3Gi"#;
        let Some(Refusal::QuotaExceeded { quota, requested, used, limited }) = parse(text) else { panic!() };
        assert_eq!((quota, requested), ("compute", "limits.cpu=2,limits.memory=1Gi"));
        assert_eq!((used, limited), ("limits.cpu=3,limits.memory=3Gi", "limits.cpu=4,limits.memory=3Gi"));
    }

    #[test]
    fn adds_quantities_of_unlike_units() {
        assert_eq!(add("2", "3"), "5");
        assert_eq!(add("500m", "3"), "3.5");
        assert_eq!(add("512Mi", "3Gi"), "3.5Gi");
        assert_eq!(add("250m", "500m"), "750m");
    }

    #[test]
    fn an_immutable_field_is_not_just_invalid() {
        let text =
            r#"Deployment.apps "web" is invalid: spec.selector: Invalid value: v1.LabelSelector{}: field is immutable"#;
        assert!(matches!(parse(text), Some(Refusal::Immutable { what: "Deployment", name: "web", .. })));
        let text = r#"Pod "web-1" is invalid: spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1"#;
        let Some(Refusal::Invalid { field, .. }) = parse(text) else { panic!() };
        assert_eq!(field, "spec.containers[0].resources.requests");
    }
}
