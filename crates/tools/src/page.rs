//! A list within the room there is: whole lines, what is left out counted, and a cursor to go on from.

/// One line of a list, which may stand for several objects.
#[derive(Debug, Clone, Default)]
pub struct Line {
    /// Printed above the first of the lines that share it; empty for none.
    pub heading: String,
    pub text: String,
    /// Which of the listed things it shows, as indexes of the caller's.
    pub items: Vec<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    pub text: String,
    /// Indexes of what is shown.
    pub items: Vec<usize>,
    /// The cursor of the next page.
    pub next: Option<usize>,
}

/// Room that the note about the rest takes.
const NOTE: usize = 160;

/// The lines that fit, for a tool that has no cursor. `narrower` names the arguments that make the list shorter.
pub fn first(title: &str, lines: &[Line], room: usize, narrower: &str) -> Page {
    cut(title, lines, 0, room, |rest, _| format!("... {rest} more: ask for less with {narrower}\n"))
}

/// The lines from the cursor on that fit.
pub fn page(title: &str, lines: &[Line], from: usize, room: usize, narrower: &str) -> Page {
    let note = |rest, next| format!("... {rest} more: go on with cursor \"{next}\", or ask for less with {narrower}\n");
    cut(title, lines, from, room, note)
}

fn cut(title: &str, lines: &[Line], from: usize, room: usize, note: impl Fn(usize, usize) -> String) -> Page {
    let mut text = format!("{title}\n");
    let mut items = Vec::new();
    let mut heading = "";
    let mut at = from.min(lines.len());
    while let Some(line) = lines.get(at) {
        let new_heading = line.heading != heading;
        let above = if new_heading { line.heading.len() + 1 } else { 0 };
        if text.len() + above + line.text.len() + 1 + NOTE > room && at > from {
            break;
        }
        if new_heading && !line.heading.is_empty() {
            text.push_str(&line.heading);
            text.push('\n');
        }
        heading = &line.heading;
        text.push_str(&line.text);
        text.push('\n');
        items.extend(&line.items);
        at += 1;
    }
    let rest: usize = lines[at..].iter().map(|line| line.items.len()).sum();
    let next = (at < lines.len()).then_some(at);
    if let Some(next) = next {
        text.push_str(&note(rest, next));
    }
    Page { text, items, next }
}

/// One line of a text, at most `most` characters long.
pub fn short(text: &str, most: usize) -> String {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if let Some((end, _)) = line.char_indices().nth(most) {
        line.truncate(end);
        line.push('…');
    }
    line
}

/// One line of a text with its middle left out when it is longer than `most` characters: long errors say what is wrong at
/// their end.
pub fn ends(text: &str, most: usize) -> String {
    let line = short(text, usize::MAX);
    let count = line.chars().count();
    if count <= most {
        return line;
    }
    let half = most / 2;
    let head: String = line.chars().take(half).collect();
    let tail: String = line.chars().skip(count - half).collect();
    format!("{head} … {tail}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(text: &str, item: usize) -> Line {
        Line { text: text.to_owned(), items: vec![item], ..Line::default() }
    }

    proptest! {
        #[test]
        fn pages_show_every_line_once_and_keep_to_their_room(
            lengths in prop::collection::vec(1usize..200, 0..200), room in 600usize..9000
        ) {
            let lines: Vec<Line> = lengths.iter().enumerate().map(|(at, n)| line(&"x".repeat(*n), at)).collect();
            let mut shown = Vec::new();
            let mut from = Some(0);
            while let Some(cursor) = from {
                let page = page("title", &lines, cursor, room, "namespace");
                prop_assert!(page.text.len() <= room, "{} > {room}", page.text.len());
                shown.extend(page.items);
                from = page.next;
            }
            prop_assert_eq!(shown, (0..lines.len()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_cursor_behind_the_end_gives_an_empty_page() {
        let shown = page("title", &[line("a", 0)], 7, 1000, "namespace");
        assert_eq!((shown.text.as_str(), shown.next), ("title\n", None));
    }

    #[test]
    fn a_long_text_becomes_one_short_line() {
        assert_eq!(short("a\n b\t c", 10), "a b c");
        assert_eq!(short("观察观察", 2), "观察…");
        assert_eq!(ends("the error is: too small", 12), "the er …  small");
        assert_eq!(ends("short", 12), "short");
    }
}
