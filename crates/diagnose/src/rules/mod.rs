//! Every rule, one symptom family a file. A rule is pure: it reads the evidence and says what it sees, nothing else.

mod claims;
mod image_name;
mod images;
mod pull_error;
mod pull_secrets;
mod template;

use crate::evidence::Evidence;
use crate::finding::Finding;

pub struct Rule {
    pub name: &'static str,
    pub run: fn(&Evidence) -> Vec<Finding>,
}

pub const RULES: &[Rule] =
    &[Rule { name: "images", run: images::images }, Rule { name: "claims", run: claims::claims }];
