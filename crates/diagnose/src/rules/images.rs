//! Images that cannot be pulled, and why.

use crate::evidence::Evidence;
use crate::finding::Finding;

pub fn images(_evidence: &Evidence) -> Vec<Finding> {
    Vec::new()
}
