//! A guess becomes the subject only when the object exists, or existed: its name in an alert proves nothing.

use std::future::Future;

use diagnose::{ObjectRef, Target};

use super::{Resolution, Subject};

/// What the cluster says of a guess.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// It is there, or events tell that it was.
    Yes(ObjectRef),
    No,
    /// It may not or cannot be read: neither there nor absent.
    Unknown,
}

/// Looks guesses up in a cluster. Namespaces and the cluster itself are not asked for.
pub trait Lookup: Sync {
    fn find(&self, subject: &Subject) -> impl Future<Output = Found> + Send;
}

/// The best guess that is confirmed. Where none is, the best one that could not be checked; then the namespace, then
/// the cluster.
pub async fn confirm(resolution: &Resolution, lookup: &impl Lookup) -> Target {
    let mut unchecked = None;
    let mut namespace = None;
    for subject in &resolution.subjects {
        match subject {
            Subject::Namespace(name) => {
                namespace.get_or_insert_with(|| name.clone());
            }
            Subject::Cluster => break,
            Subject::Object(_) | Subject::NodeAt(_) | Subject::NodeOf(_) | Subject::Component { .. } => {
                match (lookup.find(subject).await, subject) {
                    (Found::Yes(object), _) => return Target::Object(object),
                    (Found::Unknown, Subject::Object(object)) => {
                        unchecked.get_or_insert_with(|| object.clone());
                    }
                    (Found::No | Found::Unknown, _) => {}
                }
            }
        }
    }
    match (unchecked, namespace) {
        (Some(object), _) => Target::Object(object),
        (None, Some(namespace)) => Target::Namespace(namespace),
        (None, None) => Target::Cluster,
    }
}
