//! A name and its value as two fields: a container's environment, parameters of a release, a form.

const FIELDS: [&str; 4] = ["name", "key", "param", "parameter"];

/// How many bytes may stand between the name and its value.
const BETWEEN: usize = 240;

/// Where the value starts, if the name is itself the value of `name:` and `value:` follows, or comes just before.
pub fn value_of(text: &str, start: usize, end: usize) -> Option<usize> {
    let before = &text[text.ceil_char_boundary(start.saturating_sub(40))..start];
    let unquoted = before.trim_end_matches(['"', '\'', '\\']);
    let quoted = unquoted.len() < before.len();
    let separated = unquoted.trim_end();
    let key = separated.strip_suffix([':', '=']).or_else(|| separated.strip_suffix("%3D"))?;
    let key = key.trim_end().trim_end_matches(['"', '\'', '\\']);
    let key_start = key.len() - key.bytes().rev().take_while(u8::is_ascii_alphanumeric).count();
    if !FIELDS.iter().any(|known| known.eq_ignore_ascii_case(&key[key_start..])) {
        return None;
    }
    let rest = &text[end..text.floor_char_boundary(end + BETWEEN)];
    after(rest, quoted).map(|at| end + at).or_else(|| {
        let from = start - (before.len() - key_start);
        previous(text, from)
    })
}

/// Behind the name: `, "value": `, a new line with `value: `, ` value=`, or a part of a form with its empty line.
fn after(rest: &str, quoted: bool) -> Option<usize> {
    let bare = rest.trim_start_matches(['"', '\'', '\\']);
    if quoted && let Some(body) = bare.strip_prefix("\r\n\r\n").or_else(|| bare.strip_prefix("\n\n")) {
        return Some(rest.len() - body.len());
    }
    // `<entry key="password">X</entry>`
    if quoted && let Some(body) = bare.strip_prefix('>') {
        return Some(rest.len() - body.len());
    }
    let mut from = rest.len() - bare.len();
    // The value may come behind other fields of the same object.
    for _ in 0..4 {
        let part = &rest[from..];
        let field = part.trim_start_matches([' ', '\t', '\r', '\n', ',', '"', '\'', '\\', ';']);
        let gap = &part[..part.len() - field.len()];
        // A comma in front of a brace ends the object, a dash begins the next.
        if gap.is_empty() || field.starts_with(['}', '-', ']']) {
            return None;
        }
        let at = from + gap.len();
        if field.get(..5).is_some_and(|word| word.eq_ignore_ascii_case("value")) {
            let value = &field[5..];
            let value = value.strip_prefix("Type").map_or(value, |_| "");
            let separator = value.trim_start_matches(['"', '\'', '\\', ' ']);
            let body = separator.strip_prefix([':', '='])?;
            let body = body.trim_start_matches([' ', '\t']);
            return Some(at + field.len() - body.len());
        }
        let next = field.find([',', '\n', '}', '{'])?;
        if !field[next..].starts_with([',', '\n']) {
            return None;
        }
        from = at + next;
    }
    None
}

/// In front of the name: `- value: X` on the line before, `"value": "X", ` in JSON.
fn previous(text: &str, name_field: usize) -> Option<usize> {
    let before = &text[text.ceil_char_boundary(name_field.saturating_sub(BETWEEN))..name_field];
    let bare = before.trim_end_matches([' ', '\t', '\n', '\r', ',', '"', '\'', '\\']);
    if bare.ends_with(['{', '[', '-', '}']) {
        return None;
    }
    let field = bare.rfind(['{', '\n', ',']).map_or(0, |at| at + 1);
    let start = bare[field..].trim_start_matches([' ', '-', '"', '\'', '\\']);
    let value = start.strip_prefix("value")?.trim_start_matches(['"', '\'', '\\']);
    let value = value.strip_prefix(':')?.trim_start();
    // The last quotes were cut off above, so it is counted from the front.
    let offset = bare.len() - value.len();
    Some(name_field - before.len() + offset)
}

/// Whether the value is the only thing on its line, as in YAML.
pub fn alone(text: &str, from: usize) -> bool {
    let line = super::line_before(text, from);
    let trimmed = line.trim_start_matches([' ', '-']);
    trimmed.starts_with("value:") || trimmed.starts_with("Value:")
}
