//! Text of clusters and models as a terminal may get it: nothing that moves the cursor, hides or turns letters round.

/// Line breaks and tabs stay.
pub fn shown(text: &str) -> String {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    text.chars().filter(|c| matches!(c, '\n' | '\t') || !hidden(*c)).collect()
}

/// The same on one line of at most so many characters.
pub fn line(text: &str, most: usize) -> String {
    let flat = shown(text).split_whitespace().collect::<Vec<_>>().join(" ");
    match flat.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", flat.get(..at).unwrap_or_default()),
        None => flat,
    }
}
