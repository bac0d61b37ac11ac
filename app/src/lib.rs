//! The hub: knows every leaf and composes them.
