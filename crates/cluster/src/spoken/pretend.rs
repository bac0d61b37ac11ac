//! What has to be assumed where nobody looks at the cluster.

use serde_json::{Value, json};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pretended {
    /// The template that is gone back to is that of an earlier revision of the same object.
    EarlierRevision,
}

impl Pretended {
    pub fn text(self) -> &'static str {
        match self {
            Self::EarlierRevision => "assumed that the earlier revision is one of the object's own",
        }
    }

    /// The object and its revisions as they are assumed.
    pub fn seen(self) -> (Value, Vec<Value>) {
        let owner = json!([{"uid": "assumed", "controller": true}]);
        let live = json!({"metadata": {"uid": "assumed"}, "spec": {"template": template("now")}});
        let revision = json!({"metadata": {"ownerReferences": owner}, "spec": {"template": template("before")}});
        (live, vec![revision])
    }
}

pub fn undo_body() -> Value {
    json!([{"op": "replace", "path": "/spec/template", "value": template("before")}])
}

fn template(what: &str) -> Value {
    json!({"metadata": {"labels": {"revision": what}}})
}
