//! Stand-in servers.
