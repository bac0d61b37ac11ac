//! Every tool, in the order in which clients see them.

use crate::tool::{
    Tool, events_list, namespaces_list, nodes_top, pods_get, pods_list, pods_list_in_namespace, pods_log, pods_top, projects_list, resources_get, resources_list,
};

pub const TOOLS: &[&Tool] = &[
    &events_list::TOOL,
    &namespaces_list::TOOL,
    &projects_list::TOOL,
    &nodes_top::TOOL,
    &pods_list::TOOL,
    &pods_list_in_namespace::TOOL,
    &pods_get::TOOL,
    &pods_log::TOOL,
    &pods_top::TOOL,
    &resources_list::TOOL,
    &resources_get::TOOL,
];
