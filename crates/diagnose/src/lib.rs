//! Root cause without a model: evidence is collected once, judged by pure rules, and ranked into causes and symptoms.
//!
//! `collect` does all the I/O; everything else here is pure, and time is read from `Evidence::now`.

pub mod calls;
mod causes_doc;
pub mod class;
pub mod collect;
pub mod event;
pub mod evidence;
pub mod finding;
pub mod graph;
pub mod judge;
pub mod kinds;
pub mod near;
pub mod object;
pub mod pattern;
pub mod pod;
pub mod quantity;
pub mod report;
mod ruled_out;
pub mod rules;
pub mod selector;

pub use causes_doc::causes_doc;
pub use class::Class;
pub use evidence::{Evidence, Gap, Target};
pub use finding::{Confidence, Finding, Lang, Text};
pub use judge::judge;
pub use object::{Object, ObjectRef};
pub use report::Report;
