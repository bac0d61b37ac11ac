//! Text as it may be shown: without control and direction characters, cut in the middle at grapheme borders.

use unicode_segmentation::UnicodeSegmentation;

/// Breaks a word for a parser and is invisible to a reader: put inside whatever must not be read as markup.
pub(crate) const JOINER: char = '\u{2060}';

/// Names that call everybody in one messenger or another.
pub(crate) const CALLS: [&str; 6] = ["@all", "@_all", "@everyone", "@here", "@channel", "@所有人"];

/// The text without characters that hide, reorder or control. Line breaks stay, tabs become spaces.
pub(crate) fn clean(text: &str) -> String {
    text.replace("\r\n", "\n")
        .chars()
        .filter_map(|c| match c {
            '\n' | '\u{2028}' | '\u{2029}' | '\u{85}' | '\r' | '\u{0b}' | '\u{0c}' => Some('\n'),
            '\t' => Some(' '),
            c if c.is_control() || hides(c) => None,
            c => Some(c),
        })
        .collect()
}

/// Direction overrides, invisible fillers and tag characters.
fn hides(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        | '\u{fdd0}'..='\u{fdef}' | '\u{fffe}' | '\u{ffff}')
}

/// The text on one line.
pub(crate) fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// At most `max` characters: the middle is left out, since both ends of a name or message tell most.
pub(crate) fn middle_cut(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let room = max.saturating_sub(1);
    let head = take_front(text, room - room / 3);
    let tail = take_back(text, room / 3);
    format!("{head}…{tail}")
}

fn take_front(text: &str, max: usize) -> &str {
    let mut used = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        used += grapheme.chars().count();
        if used > max {
            return &text[..at];
        }
    }
    text
}

fn take_back(text: &str, max: usize) -> &str {
    let mut used = 0;
    for (at, grapheme) in text.grapheme_indices(true).rev() {
        used += grapheme.chars().count();
        if used > max {
            return &text[at + grapheme.len()..];
        }
    }
    text
}

/// `text` with a joiner after the first character of every `needle`, upper or lower case, so that no parser sees it.
/// Needles are in lower case.
pub(crate) fn break_up(text: &str, needles: &[&str]) -> String {
    let lower = text.to_ascii_lowercase();
    let starts: Vec<u8> = needles.iter().filter_map(|n| n.bytes().next()).collect();
    let mut out = String::with_capacity(text.len() + 8);
    for (at, c) in text.char_indices() {
        out.push(c);
        let candidate = starts.contains(&lower.as_bytes()[at]);
        if candidate && needles.iter().any(|n| lower[at..].starts_with(n)) {
            out.push(JOINER);
        }
    }
    out
}

/// One line for a field that promises to read no markup: what looks like some is broken all the same, since clients
/// differ in what they make clickable.
pub(crate) fn inert(text: &str) -> String {
    break_up(&break_up(&line(text), &["<", "](", "://", "www."]), &CALLS)
}

/// A link target that may be rendered: `http` or `https`, one line, no character that ends a link in any markup.
pub(crate) fn url(target: &str) -> Option<String> {
    let parsed = reqwest::Url::parse(target.trim()).ok()?;
    let known = matches!(parsed.scheme(), "http" | "https") && parsed.username().is_empty();
    let text = parsed
        .as_str()
        .replace('(', "%28")
        .replace(')', "%29")
        .replace('|', "%7C")
        .replace('\'', "%27")
        .replace('*', "%2A")
        .replace('`', "%60")
        .replace('[', "%5B")
        .replace(']', "%5D");
    (known && text.len() <= 1000).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_go_and_lines_stay() {
        assert_eq!(clean("a\u{202e}b\u{0}c\u{200b}d\r\ne\tf\u{1b}[31m"), "abcd\ne f[31m");
    }

    #[test]
    fn cuts_between_graphemes() {
        let family = "👨‍👩‍👧".repeat(9);
        let cut = middle_cut(&family, 20);
        assert!(cut.chars().count() <= 20, "{cut}");
        assert!(cut.graphemes(true).all(|g| g == "👨‍👩‍👧" || g == "…"), "{cut}");
        assert_eq!(middle_cut("abcdefghij", 5), "abc…j");
        assert_eq!(middle_cut("数据卷申请", 5), "数据卷申请");
    }

    #[test]
    fn breaks_whatever_case() {
        assert_eq!(break_up("x <AT id=all> @All", &["<at", "@all"]), "x <\u{2060}AT id=all> @\u{2060}All");
    }

    #[test]
    fn only_web_links() {
        assert_eq!(url("javascript:alert(1)"), None);
        assert_eq!(url("https://u@evil/"), None);
        assert_eq!(url("https://m.example/i/1?a=(b)|c").as_deref(), Some("https://m.example/i/1?a=%28b%29%7Cc"));
    }
}
