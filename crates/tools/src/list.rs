//! Every tool, in the order in which clients see them.

use crate::tool::{
    Tool, events_list, namespaces_list, pods_list, pods_list_in_namespace, projects_list, resources_list,
};

pub const TOOLS: &[&Tool] = &[
    &events_list::TOOL,
    &namespaces_list::TOOL,
    &projects_list::TOOL,
    &pods_list::TOOL,
    &pods_list_in_namespace::TOOL,
    &resources_list::TOOL,
];
