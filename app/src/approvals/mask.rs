//! An object as people may see it: secret values give way to keyed fingerprints, so that a change of one still shows.

use aws_lc_rs::hmac;
use cluster::SIZES;
use serde_json::Value;

/// Makes fingerprints that mean nothing without the key.
pub struct Mask {
    key: hmac::Key,
}

impl Mask {
    pub fn new(key: &[u8]) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, key) }
    }

    /// `asked` is the request's body: values that it brings for a Secret are in no answer of the cluster.
    pub fn object(&self, object: &Value, asked: Option<&Value>) -> Value {
        let mut object = object.clone();
        if object["kind"] == "Secret" {
            self.secret(&mut object, asked);
        }
        self.walk(&mut object, None);
        object
    }

    /// Text that is not part of an object, such as a reason.
    pub fn text(&self, text: &str) -> String {
        redact::text(text).into_owned()
    }

    fn secret(&self, object: &mut Value, asked: Option<&Value>) {
        let sizes = object["metadata"]["annotations"][SIZES].as_str().unwrap_or_default().to_owned();
        let sizes: Value = serde_json::from_str(&sizes).unwrap_or_default();
        if let Some(annotations) = object["metadata"]["annotations"].as_object_mut() {
            annotations.remove(SIZES);
        }
        for field in ["data", "stringData"] {
            for (key, value) in object[field].as_object_mut().into_iter().flatten() {
                *value = format!("[[hidden, {} bytes]]", sizes[key]).into();
            }
            let brought = asked.and_then(|asked| asked[field].as_object()).into_iter().flatten();
            for (key, value) in brought {
                let text = value.as_str().unwrap_or_default();
                object[field][key] = format!("[[hidden, new value {}]]", self.fingerprint(text)).into();
            }
        }
    }

    /// `name` is what the value is called: secrets are told by their names as well as by their looks.
    fn walk(&self, value: &mut Value, name: Option<&str>) {
        match value {
            Value::String(text) => {
                if let Some(hidden) = self.hidden(text, name) {
                    *text = hidden;
                }
            }
            Value::Array(list) => list.iter_mut().for_each(|value| self.walk(value, name)),
            Value::Object(map) => {
                let called = map.get("name").and_then(Value::as_str).map(str::to_owned);
                for (key, value) in map.iter_mut() {
                    let name = if key == "value" { called.as_deref().or(Some(key)) } else { Some(key.as_str()) };
                    self.walk(value, name);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn hidden(&self, text: &str, name: Option<&str>) -> Option<String> {
        if text.starts_with("[[hidden, ") {
            return None;
        }
        // A name such as DB_PASSWORD makes all of a one-line value secret, whatever it looks like.
        if let Some(name) = name.filter(|_| !text.contains('\n')) {
            let named = format!("{name}: {text}");
            if redact::text(&named) != named {
                return Some(format!("[[hidden, fingerprint {}]]", self.fingerprint(text)));
            }
        }
        let plain = redact::text(text);
        (plain != text).then(|| format!("{plain} [[fingerprint {}]]", self.fingerprint(text)))
    }

    fn fingerprint(&self, text: &str) -> String {
        hmac::sign(&self.key, text.as_bytes()).as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_secret_value_is_hidden_and_its_change_shows() {
        let mask = Mask::new(b"key");
        let pod = |password: &str| {
            json!({"kind": "Pod", "spec": {"containers": [{"name": "a", "env": [
                {"name": "DB_PASSWORD", "value": password}, {"name": "LEVEL", "value": "debug"}]}]}})
        };
        let (old, new) = (mask.object(&pod("hunter2-old"), None), mask.object(&pod("hunter2-new"), None));
        assert_ne!(old, new);
        assert_eq!(old, mask.object(&pod("hunter2-old"), None));
        assert!(!old.to_string().contains("hunter2"), "{old}");
        assert!(old.to_string().contains("debug"), "{old}");
        assert_ne!(old, Mask::new(b"other").object(&pod("hunter2-old"), None), "the key matters");
    }

    #[test]
    fn what_a_request_brings_for_a_secret_shows_as_new() {
        let sizes = json!({SIZES: "{\"token\":12}"});
        let live = json!({"kind": "Secret", "metadata": {"annotations": sizes}, "data": {"token": "", "other": ""}});
        let mask = Mask::new(b"key");
        let before = mask.object(&live, None);
        let after = mask.object(&live, Some(&json!({"stringData": {"token": "s3cr3t-value"}})));
        assert_eq!(before["data"]["token"], "[[hidden, 12 bytes]]");
        assert_ne!(before, after);
        assert!(!after.to_string().contains("s3cr3t-value"));
    }
}
