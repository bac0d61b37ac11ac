//! Text that arrives in pieces. It is cut where no rule looks across, at places that only the text decides: the output
//! is the same whatever the pieces were.

use crate::{Class, Redactor};

/// A text up to this size is looked at as a whole.
pub const SEGMENT: usize = 64 * 1024;
/// How much behind a place has to be there before it is decided whether to cut.
const HOLD: usize = 4096;
/// Where nothing in so much text is a good place to cut, it is cut at any line, else anywhere. No Secret is larger.
const LONGEST: usize = 2 * 1024 * 1024;

pub struct Stream<'r> {
    redactor: &'r Redactor,
    buffer: String,
    /// Up to here no good place was found.
    looked: usize,
    open: Option<Class>,
}

impl<'r> Stream<'r> {
    pub(crate) fn new(redactor: &'r Redactor) -> Self {
        Self { redactor, buffer: String::new(), looked: SEGMENT, open: None }
    }

    /// Takes the next piece and gives out what is decided so far.
    pub fn push(&mut self, piece: &str) -> String {
        self.buffer.push_str(piece);
        let mut output = String::new();
        let mut done = 0;
        while let Some(cut) = next_cut(&self.buffer[done..], &mut self.looked) {
            let segment = &self.buffer[done..done + cut];
            let (clean, open) = self.redactor.segment(segment, self.open);
            output.push_str(&clean);
            self.open = open.filter(|_| !segment.ends_with('\n'));
            done += cut;
        }
        self.buffer.drain(..done);
        output
    }

    /// Gives out the rest.
    pub fn finish(self) -> String {
        self.redactor.segment(&self.buffer, self.open).0.into_owned()
    }
}

fn next_cut(buffer: &str, looked: &mut usize) -> Option<usize> {
    if buffer.len() < SEGMENT + HOLD {
        return None;
    }
    let bytes = buffer.as_bytes();
    let mut cut = None;
    if *looked == SEGMENT {
        cut = memchr::memrchr_iter(b'\n', &bytes[..SEGMENT]).map(|at| at + 1).find(|at| good(&bytes[*at..*at + HOLD]));
    }
    let decided = buffer.len() - HOLD;
    if cut.is_none() {
        let window = &bytes[*looked..decided.min(LONGEST)];
        let lines = memchr::memchr_iter(b'\n', window).map(|at| *looked + at + 1);
        cut = lines.into_iter().find(|at| good(&bytes[*at..(*at + HOLD).min(bytes.len())]));
        *looked = decided.min(LONGEST).max(*looked);
    }
    if cut.is_none() && decided >= LONGEST {
        let line = memchr::memrchr(b'\n', &bytes[..LONGEST]).map(|at| at + 1);
        let word = bytes[LONGEST - HOLD..LONGEST].iter().rposition(|byte| b" ,;".contains(byte));
        let word = word.map(|at| LONGEST - HOLD + at + 1);
        cut = line.or(word).or(Some(buffer.floor_char_boundary(LONGEST)));
    }
    if cut.is_some() {
        *looked = SEGMENT;
    }
    cut
}

/// Whether no rule looks from the line that starts here to the one before it: it is not indented, no field of YAML, no
/// closing bracket, and no part of a key file.
fn good(rest: &[u8]) -> bool {
    let line = &rest[..memchr::memchr(b'\n', rest).unwrap_or(rest.len())];
    let Some(first) = line.first() else {
        return false;
    };
    if line.starts_with(b"---") && line.trim_ascii_end().len() == 3 || line.starts_with(b"- apiVersion:") {
        return true;
    }
    let key = line.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"_.-/\"'".contains(byte)).count();
    let field = key > 0 && line.get(key) == Some(&b':') && line.get(key + 1).is_none_or(|byte| b" \r".contains(byte));
    let letters =
        line.trim_ascii_end().iter().all(|byte| byte.is_ascii_alphanumeric() || b"+/=_.-\\\"',".contains(byte));
    (first.is_ascii_alphanumeric() || matches!(first, b'{' | b'<' | b'(') || *first >= 0x80 || *first == b'[')
        && !field
        && !(letters && *first != b'{')
}
