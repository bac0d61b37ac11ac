//! The `midwatch` program.

fn main() {}
