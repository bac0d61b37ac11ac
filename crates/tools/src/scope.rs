//! What a token may be good for.

use cluster::Class;

/// Every tool that reads.
pub const READ: &str = "midwatch:read";
/// Tools that propose a change. The proposal still needs a person's approval.
pub const PROPOSE: &str = "midwatch:propose";
pub const ALL: [&str; 2] = [READ, PROPOSE];

/// All scopes that a tool of this class needs.
pub fn needed(class: Class) -> &'static [&'static str] {
    match class {
        Class::R | Class::S => &ALL[..1],
        Class::W | Class::D | Class::X | Class::N => &ALL,
    }
}
