//! Cut a message until it fits: the cheapest content first, the cause and the first action never.

use crate::message::{Block, Keep, Message, Piece, Section};
use crate::render::clean::{clean, line, middle_cut, url};
use crate::render::words;

/// What was left out of a rendered message, in the order it was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Logs and quotes to this many lines.
    LogLines(usize),
    /// Every block of this kind.
    Drop(Keep),
    /// Tables, lists and facts to this many rows.
    Rows(usize),
    /// Long values to this many characters, with the middle left out.
    Values(usize),
    /// Only this many blocks that must be kept.
    Pieces(usize),
    /// Everything but title, object, lead and link.
    Bare,
}

/// Tried from the top, each on what the one before it left.
const LADDER: &[Cut] = &[
    Cut::LogLines(12),
    Cut::LogLines(4),
    Cut::Drop(Keep::Log),
    Cut::Drop(Keep::Related),
    Cut::Drop(Keep::Alternative),
    Cut::Rows(8),
    Cut::Rows(3),
    Cut::Values(300),
    Cut::Values(120),
    Cut::Drop(Keep::Normal),
    Cut::Rows(2),
    Cut::Pieces(3),
    Cut::Values(60),
    Cut::Bare,
];

/// A command longer than this is replaced by a hint: half a command is worse than none.
const LONGEST_CODE: usize = 1500;
/// No channel shows more people than this.
pub(crate) const MOST_MENTIONS: usize = 20;

/// The message as every renderer gets it: hidden characters gone, one-line texts on one line, dead links out.
pub(crate) fn prepare(message: &Message) -> Message {
    let mut ready = message.clone();
    ready.map_text(&mut |text| clean(text));
    for text in [&mut ready.title, &mut ready.object, &mut ready.lead, &mut ready.footer] {
        *text = line(text);
    }
    ready.title = middle_cut(&ready.title, 120);
    ready.link = ready.link.and_then(|link| {
        let text = middle_cut(&line(&link.text), 40);
        let text = if text.is_empty() { words::full_report(message.lang).to_owned() } else { text };
        url(&link.url).map(|url| crate::message::Link { text, url })
    });
    ready.mentions.truncate(MOST_MENTIONS);
    for section in &mut ready.sections {
        section.title = middle_cut(&line(&section.title), 80);
    }
    ready
}

/// The first form of `message` that `fits`, and what was cut for it. The last form is bare and always used.
pub(crate) fn fit<T>(message: &Message, encode: impl Fn(&Message) -> T, fits: impl Fn(&T) -> bool) -> (T, Vec<Cut>) {
    let whole = prepare(message);
    let mut body = encode(&whole);
    let mut left = whole.clone();
    let mut cuts: Vec<Cut> = Vec::new();
    for cut in LADDER {
        if fits(&body) {
            break;
        }
        // A harder cut of the same kind replaces the softer one, so that "12 lines left out" stays true.
        let mut next: Vec<Cut> = cuts.iter().copied().filter(|c| !same_kind(*c, *cut)).collect();
        next.push(*cut);
        let mut smaller = whole.clone();
        next.iter().for_each(|cut| apply(&mut smaller, *cut));
        if smaller == left {
            continue;
        }
        left = smaller;
        cuts = next;
        let mut told = left.clone();
        tell(&mut told);
        body = encode(&told);
    }
    (body, cuts)
}

fn same_kind(a: Cut, b: Cut) -> bool {
    a == b || (!matches!(a, Cut::Drop(_)) && std::mem::discriminant(&a) == std::mem::discriminant(&b))
}

/// Say in the footer that something is missing.
fn tell(message: &mut Message) {
    let note = words::shortened(message.lang);
    message.footer = match message.footer.is_empty() {
        true => note.to_owned(),
        false => format!("{} · {note}", message.footer),
    };
}

fn apply(message: &mut Message, cut: Cut) {
    let lang = message.lang;
    match cut {
        Cut::LogLines(max) => each(message, |piece| match &mut piece.block {
            Block::Code { text, .. } | Block::Quote(text) if piece.keep < Keep::Must => {
                *text = first_lines(text, max, |n| words::more_lines(n, lang));
            }
            Block::Paragraph(_) | Block::Facts(_) | Block::List(_) | Block::Table { .. } | Block::Rule => {}
            Block::Code { .. } | Block::Quote(_) => {}
        }),
        Cut::Drop(keep) => retain(message, |piece| piece.keep != keep),
        Cut::Rows(max) => each(message, |piece| cut_rows(&mut piece.block, max, lang)),
        Cut::Values(max) => cut_values(message, max),
        Cut::Pieces(max) => {
            let mut left = max;
            retain(message, |_| {
                let stays = left > 0;
                left = left.saturating_sub(1);
                stays
            });
        }
        Cut::Bare => {
            message.sections = vec![];
            message.footer = String::new();
            message.mentions.truncate(5);
            message.title = middle_cut(&message.title, 60);
        }
    }
}

fn each(message: &mut Message, change: impl Fn(&mut Piece)) {
    message.sections.iter_mut().flat_map(|s: &mut Section| &mut s.pieces).for_each(change);
}

fn retain(message: &mut Message, mut stays: impl FnMut(&Piece) -> bool) {
    for section in &mut message.sections {
        section.pieces.retain(&mut stays);
    }
    message.sections.retain(|section| !section.pieces.is_empty());
}

fn first_lines(text: &str, max: usize, note: impl Fn(usize) -> String) -> String {
    let lines: Vec<&str> = text.lines().collect();
    // A note in place of one line would save nothing.
    if lines.len() <= max + 1 {
        return text.to_owned();
    }
    let mut kept = lines[..max].join("\n");
    kept.push('\n');
    kept.push_str(&note(lines.len() - max));
    kept
}

fn cut_rows(block: &mut Block, max: usize, lang: crate::message::Lang) {
    let more = |count| words::more_rows(count, lang);
    match block {
        Block::Facts(facts) if facts.len() > max + 1 => {
            let note = more(facts.len() - max);
            facts.truncate(max);
            facts.push(("…".to_owned(), note));
        }
        Block::List(items) if items.len() > max + 1 => {
            let note = more(items.len() - max);
            items.truncate(max);
            items.push(vec![crate::message::Inline::Text(note)]);
        }
        Block::Table { rows, .. } if rows.len() > max + 1 => {
            let note = more(rows.len() - max);
            rows.truncate(max);
            rows.push(vec![note]);
        }
        Block::Facts(_) | Block::List(_) | Block::Table { .. } => {}
        Block::Paragraph(_) | Block::Code { .. } | Block::Quote(_) | Block::Rule => {}
    }
}

fn cut_values(message: &mut Message, max: usize) {
    let lang = message.lang;
    message.lead = middle_cut(&message.lead, max);
    message.object = middle_cut(&message.object, max);
    message.footer = middle_cut(&message.footer, max);
    for section in &mut message.sections {
        for piece in &mut section.pieces {
            let must = piece.keep == Keep::Must;
            match &mut piece.block {
                Block::Code { text, .. } if must => {
                    if text.chars().count() > LONGEST_CODE.min(max * 10) {
                        *text = words::shortened(lang).to_owned();
                    }
                }
                Block::Paragraph(inlines) => inlines.truncate(24),
                Block::Table { head, rows } => {
                    head.truncate(6);
                    rows.iter_mut().for_each(|row| row.truncate(6));
                }
                Block::Code { .. } | Block::Facts(_) | Block::List(_) | Block::Quote(_) | Block::Rule => {}
            }
            if must && matches!(piece.block, Block::Code { .. }) {
                continue;
            }
            if let Block::List(items) = &mut piece.block {
                items.iter_mut().for_each(|item| item.truncate(24));
            }
            piece.block.map_text(&mut |text| middle_cut(text, max));
        }
    }
}

/// The message as two, each with the title, numbered, cut between two blocks; `None` if it has only one block.
pub(crate) fn halves(message: &Message) -> Option<[Message; 2]> {
    let weights: Vec<usize> = message
        .sections
        .iter()
        .flat_map(|s| &s.pieces)
        .map(|piece| {
            let mut weight = 1;
            piece.block.clone().map_text(&mut |text| {
                weight += text.len();
                String::new()
            });
            weight
        })
        .collect();
    let total: usize = weights.iter().sum();
    // The place after which the first part holds at least half; the last block always goes to the second part.
    let mut sum = 0;
    let border = weights.iter().position(|w| {
        sum += w;
        sum * 2 >= total
    })?;
    let border = (border + 1).min(weights.len().checked_sub(1)?);
    if border == 0 {
        return None;
    }
    let part = |number: usize| {
        let mut half = message.clone();
        half.title = format!("{} ({number}/2)", middle_cut(&line(&message.title), 110));
        let mut place = 0;
        retain(&mut half, |_| {
            let first = place < border;
            place += 1;
            first == (number == 1)
        });
        half
    };
    let (mut first, second) = (part(1), part(2));
    first.link = None;
    first.footer = String::new();
    Some([first, second])
}
