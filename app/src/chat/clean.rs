//! Text of clusters and models as a terminal may get it: nothing that moves the cursor, hides or turns letters round.

use crate::approvals::is_hidden;

/// Line breaks and tabs stay.
pub fn shown(text: &str) -> String {
    text.chars().filter(|c| matches!(c, '\n' | '\t') || !is_hidden(*c)).collect()
}

/// The same on one line of at most so many characters.
pub fn line(text: &str, most: usize) -> String {
    let flat = shown(text).split_whitespace().collect::<Vec<_>>().join(" ");
    match flat.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", flat.get(..at).unwrap_or_default()),
        None => flat,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_gets_no_orders_from_a_log() {
        assert_eq!(shown("a\u{1b}[2Jb\u{7}\u{9b}31mc\u{202e}d\n\te\r"), "a[2Jb31mcd\n\te");
        assert_eq!(line("one\n two\u{1b}c three", 9), "one twoc …");
    }
}
