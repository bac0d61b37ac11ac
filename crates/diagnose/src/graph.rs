//! Who depends on whom: the references an object's fields hold, and the paths along which a fault can travel.

use serde_json::Value;

use crate::evidence::Evidence;
use crate::object::{Object, ObjectRef, text};

/// A reference from a field of one object to another object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    pub to: ObjectRef,
    /// dotted path of the field that holds it
    pub field: String,
    /// the key that must exist in a ConfigMap or Secret
    pub key: Option<String>,
    pub optional: bool,
}

/// Every reference in an object's fields, in field order.
pub fn references(object: &Object) -> Vec<Reference> {
    let mut refs = Refs { namespace: object.namespace(), list: Vec::new() };
    if let Some(path) = object.pod_spec_path() {
        refs.pod_spec(object, path);
    }
    let ns = object.namespace();
    match object.kind() {
        "PersistentVolumeClaim" => {
            refs.cluster("StorageClass", object.str("/spec/storageClassName"), "spec.storageClassName");
            refs.cluster("PersistentVolume", object.str("/spec/volumeName"), "spec.volumeName");
        }
        "PersistentVolume" => {
            refs.cluster("StorageClass", object.str("/spec/storageClassName"), "spec.storageClassName");
            refs.cluster("CSIDriver", object.str("/spec/csi/driver"), "spec.csi.driver");
        }
        "StorageClass" => refs.cluster("CSIDriver", object.str("/provisioner"), "provisioner"),
        "VolumeAttachment" => {
            refs.cluster("Node", object.str("/spec/nodeName"), "spec.nodeName");
            refs.cluster(
                "PersistentVolume",
                object.str("/spec/source/persistentVolumeName"),
                "spec.source.persistentVolumeName",
            );
        }
        "StatefulSet" => refs.push("Service", ns, object.str("/spec/serviceName"), "spec.serviceName", None, false),
        "HorizontalPodAutoscaler" => {
            let kind = object.str("/spec/scaleTargetRef/kind").to_owned();
            refs.push(&kind, ns, object.str("/spec/scaleTargetRef/name"), "spec.scaleTargetRef", None, false);
        }
        "Ingress" => refs.ingress(object),
        "APIService" => refs.service(object.at("/spec/service"), "spec.service"),
        "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration" => {
            for (i, hook) in object.list("/webhooks").iter().enumerate() {
                refs.service(&hook["clientConfig"]["service"], &format!("webhooks[{i}].clientConfig.service"));
            }
        }
        _ => {}
    }
    refs.list
}

struct Refs<'a> {
    namespace: &'a str,
    list: Vec<Reference>,
}

impl Refs<'_> {
    fn push(&mut self, kind: &str, namespace: &str, name: &str, field: &str, key: Option<&str>, optional: bool) {
        if name.is_empty() {
            return;
        }
        self.list.push(Reference {
            to: ObjectRef::new(kind, namespace, name),
            field: field.to_owned(),
            key: key.map(str::to_owned),
            optional,
        });
    }

    fn cluster(&mut self, kind: &str, name: &str, field: &str) {
        self.push(kind, "", name, field, None, false);
    }

    fn service(&mut self, service: &Value, field: &str) {
        self.push("Service", text(service, "namespace"), text(service, "name"), field, None, false);
    }

    fn local(&mut self, kind: &str, source: &Value, name: &str, key: &str, field: &str) {
        let namespace = self.namespace;
        let key = source[key].as_str();
        self.push(kind, namespace, text(source, name), field, key, source["optional"] == true);
    }

    fn ingress(&mut self, object: &Object) {
        let ns = object.namespace();
        self.cluster("IngressClass", object.str("/spec/ingressClassName"), "spec.ingressClassName");
        let default = object.str("/spec/defaultBackend/service/name");
        self.push("Service", ns, default, "spec.defaultBackend.service.name", None, false);
        for (i, rule) in object.list("/spec/rules").iter().enumerate() {
            for (j, path) in rule["http"]["paths"].as_array().into_iter().flatten().enumerate() {
                let field = format!("spec.rules[{i}].http.paths[{j}].backend.service.name");
                self.push("Service", ns, text(&path["backend"]["service"], "name"), &field, None, false);
            }
        }
        for (i, tls) in object.list("/spec/tls").iter().enumerate() {
            self.push("Secret", ns, text(tls, "secretName"), &format!("spec.tls[{i}].secretName"), None, false);
        }
    }

    fn pod_spec(&mut self, object: &Object, path: &str) {
        let spec = object.at(path);
        let dotted = path.trim_start_matches('/').replace('/', ".");
        let ns = object.namespace();
        self.cluster("Node", text(spec, "nodeName"), &format!("{dotted}.nodeName"));
        self.cluster("PriorityClass", text(spec, "priorityClassName"), &format!("{dotted}.priorityClassName"));
        self.cluster("RuntimeClass", text(spec, "runtimeClassName"), &format!("{dotted}.runtimeClassName"));
        self.push(
            "ServiceAccount",
            ns,
            text(spec, "serviceAccountName"),
            &format!("{dotted}.serviceAccountName"),
            None,
            false,
        );
        for (i, secret) in list(spec, "imagePullSecrets").iter().enumerate() {
            self.push("Secret", ns, text(secret, "name"), &format!("{dotted}.imagePullSecrets[{i}].name"), None, true);
        }
        for (i, volume) in list(spec, "volumes").iter().enumerate() {
            self.volume(object, volume, &format!("{dotted}.volumes[{i}]"));
        }
        for group in ["initContainers", "containers"] {
            for (i, container) in list(spec, group).iter().enumerate() {
                self.environment(container, &format!("{dotted}.{group}[{i}]"));
            }
        }
    }

    fn volume(&mut self, object: &Object, volume: &Value, field: &str) {
        let ns = self.namespace;
        let claim = text(&volume["persistentVolumeClaim"], "claimName");
        self.push("PersistentVolumeClaim", ns, claim, &format!("{field}.persistentVolumeClaim.claimName"), None, false);
        if volume["ephemeral"].is_object() && object.kind() == "Pod" {
            let claim = format!("{}-{}", object.name(), text(volume, "name"));
            self.push("PersistentVolumeClaim", ns, &claim, &format!("{field}.ephemeral"), None, false);
        }
        self.keyed("ConfigMap", &volume["configMap"], "name", &format!("{field}.configMap"));
        self.keyed("Secret", &volume["secret"], "secretName", &format!("{field}.secret"));
        for (i, source) in list(&volume["projected"], "sources").iter().enumerate() {
            self.keyed("ConfigMap", &source["configMap"], "name", &format!("{field}.projected.sources[{i}].configMap"));
            self.keyed("Secret", &source["secret"], "name", &format!("{field}.projected.sources[{i}].secret"));
        }
    }

    /// A volume source that names an object and, perhaps, single keys of it.
    fn keyed(&mut self, kind: &str, source: &Value, name: &str, field: &str) {
        if !source.is_object() {
            return;
        }
        let items = list(source, "items");
        if items.is_empty() {
            self.local(kind, source, name, "", &format!("{field}.{name}"));
        }
        let namespace = self.namespace;
        for (i, item) in items.iter().enumerate() {
            let optional = source["optional"] == true;
            let field = format!("{field}.items[{i}].key");
            self.push(kind, namespace, text(source, name), &field, item["key"].as_str(), optional);
        }
    }

    fn environment(&mut self, container: &Value, field: &str) {
        for (i, from) in list(container, "envFrom").iter().enumerate() {
            self.local(
                "ConfigMap",
                &from["configMapRef"],
                "name",
                "",
                &format!("{field}.envFrom[{i}].configMapRef.name"),
            );
            self.local("Secret", &from["secretRef"], "name", "", &format!("{field}.envFrom[{i}].secretRef.name"));
        }
        for (i, env) in list(container, "env").iter().enumerate() {
            let from = &env["valueFrom"];
            self.local(
                "ConfigMap",
                &from["configMapKeyRef"],
                "name",
                "key",
                &format!("{field}.env[{i}].valueFrom.configMapKeyRef"),
            );
            self.local(
                "Secret",
                &from["secretKeyRef"],
                "name",
                "key",
                &format!("{field}.env[{i}].valueFrom.secretKeyRef"),
            );
        }
    }
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The objects whose faults can become this object's: what it refers to, what it owns or selects, what its containers
/// call by name.
pub fn depends_on(evidence: &Evidence, object: &Object) -> Vec<ObjectRef> {
    let mut on: Vec<ObjectRef> = references(object).into_iter().map(|r| r.to).collect();
    on.extend(evidence.owned(object).map(|o| o.re.clone()));
    if object.kind() == "Service" {
        on.extend(evidence.selected(object.namespace(), object.at("/spec/selector")).iter().map(|p| p.re.clone()));
    }
    if object.kind() == "StatefulSet" {
        on.extend(statefulset_claims(evidence, object));
    }
    if object.kind() == "PodDisruptionBudget" || object.kind() == "NetworkPolicy" {
        return on;
    }
    on.extend(crate::calls::called_services(evidence, object));
    on
}

/// The claims of a stateful set's templates: `TEMPLATE-SET-ORDINAL`.
fn statefulset_claims(evidence: &Evidence, set: &Object) -> Vec<ObjectRef> {
    let prefixes: Vec<String> = set
        .list("/spec/volumeClaimTemplates")
        .iter()
        .map(|t| format!("{}-{}-", text(&t["metadata"], "name"), set.name()))
        .collect();
    evidence
        .kind_in("PersistentVolumeClaim", set.namespace())
        .filter(|claim| {
            prefixes.iter().any(|p| claim.name().strip_prefix(p.as_str()).is_some_and(|n| n.parse::<u32>().is_ok()))
        })
        .map(|claim| claim.re.clone())
        .collect()
}
