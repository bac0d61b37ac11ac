//! Every tool, in the order in which clients see them.

use crate::tool::{Tool, namespaces_list};

pub const TOOLS: &[&Tool] = &[&namespaces_list::TOOL];
