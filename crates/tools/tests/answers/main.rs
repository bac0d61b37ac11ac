//! What the tools answer: facts that must be there, within bounds, the same bytes for the same input.

mod bounds;
mod drop_in;
mod harness;
