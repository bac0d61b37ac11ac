//! The columns that `kubectl get` prints, for the kinds that people look at most.

mod age;
mod builtin;
mod custom;
mod pod;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::catalog::Collection;

/// How one cell is filled.
enum Fill {
    /// The name of the object.
    Name,
    /// How long ago the time in the first of these fields that is there was.
    Age(&'static [&'static str]),
    /// A field, empty when missing.
    Field(&'static str),
    Computed(fn(&Value) -> Value),
    /// A definition's JSONPath, with its type.
    Path {
        path: String,
        kind: String,
    },
}

pub(super) struct Column {
    name: String,
    /// `integer` or `string`, as printed.
    kind: &'static str,
    /// 0 is always shown, 1 only with `-o wide`.
    priority: i64,
    fill: Fill,
}

pub(super) fn columns(collection: &Collection) -> Vec<Column> {
    if collection.columns.is_empty() {
        return builtin::columns(&collection.resource);
    }
    let name = Column::new("Name", 0, Fill::Name);
    std::iter::once(name).chain(collection.columns.iter().filter_map(custom::column)).collect()
}

impl Column {
    fn new(name: &str, priority: i64, fill: Fill) -> Self {
        Self { name: name.to_owned(), kind: "string", priority, fill }
    }

    pub fn cell(&self, object: &Value, now: Timestamp) -> Value {
        match &self.fill {
            Fill::Name => object["metadata"]["name"].clone(),
            Fill::Age(paths) => age::since(
                paths.iter().map(|path| at(object, path)).find(|time| time.is_string()).unwrap_or(&Value::Null),
                now,
            ),
            Fill::Field(path) => at(object, path).clone(),
            Fill::Computed(compute) => compute(object),
            Fill::Path { path, kind } => custom::cell(object, path, kind, now),
        }
    }

    pub fn definition(&self) -> Value {
        let format = if matches!(self.fill, Fill::Name) { "name" } else { "" };
        json!({"name": self.name, "type": self.kind, "format": format, "description": self.name, "priority": self.priority})
    }
}

fn at<'a>(object: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(object, |value, name| &value[name])
}
