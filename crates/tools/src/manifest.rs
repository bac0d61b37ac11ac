//! Manifests as people and models write them: YAML or JSON, one object or several.

use serde_json::Value;

use crate::trouble::Trouble;

/// The objects of a text, with `kind: List` taken apart.
pub fn read(argument: &str, text: &str) -> Result<Vec<Value>, Trouble> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(strip_fence(text))
        .map_err(|error| Trouble::unreadable(argument, format!("it is neither YAML nor JSON: {error}")))?;
    let mut objects = Vec::new();
    for document in documents {
        match document {
            Value::Null => {}
            Value::Object(ref map) if map.get("kind").is_some_and(|kind| kind == "List") => {
                objects.extend(map.get("items").and_then(Value::as_array).into_iter().flatten().cloned());
            }
            object => objects.push(object),
        }
    }
    if objects.is_empty() {
        return Err(Trouble::unreadable(argument, "it holds no object"));
    }
    for object in &objects {
        let has = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
        for field in ["/apiVersion", "/kind", "/metadata/name"] {
            if !has(field) {
                let field = field.trim_start_matches('/').replace('/', ".");
                return Err(Trouble::unreadable(argument, format!("an object has no {field}")));
            }
        }
    }
    Ok(objects)
}

/// Models like to put manifests between three backticks.
fn strip_fence(text: &str) -> &str {
    let inner = text.trim().strip_prefix("```").and_then(|rest| rest.strip_suffix("```"));
    inner.and_then(|inner| inner.split_once('\n')).map_or(text, |(_, manifest)| manifest)
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn several_forms_are_read_alike() {
        let one = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
        let wanted = read("resource", one).unwrap();
        let forms = [
            format!("```yaml\n{one}```"),
            r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}}"#.to_owned(),
            format!("---\n{one}---\n"),
            format!("kind: List\napiVersion: v1\nitems:\n- {}", one.trim_end().replace('\n', "\n  ")),
        ];
        for form in forms {
            assert_eq!(read("resource", &form).unwrap(), wanted, "{form}");
        }
        assert_eq!(read("resource", &format!("{one}---\n{one}")).unwrap().len(), 2);
    }

    #[test]
    fn what_is_missing_is_named() {
        let said = |text: &str| read("resource", text).unwrap_err().to_string();
        assert_eq!(said("kind: Pod\nmetadata: {name: a}"), "argument resource: an object has no apiVersion");
        assert_eq!(
            said("apiVersion: v1\nkind: Pod\nmetadata: {}"),
            "argument resource: an object has no metadata.name"
        );
        assert_eq!(said(""), "argument resource: it holds no object");
        assert!(said("a: [").contains("neither YAML nor JSON"));
    }
}
