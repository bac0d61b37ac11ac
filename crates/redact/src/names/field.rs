//! A name and its value as two fields: a container's environment, parameters of a release, a form.

const FIELDS: [&str; 5] = ["name", "key", "param", "parameter", "path"];

/// How many bytes may stand between the name and its value.
const BETWEEN: usize = 240;

/// Where the values start, if the name is itself the value of `name:` and `value:` follows, or comes just before. In a
/// difference there are two.
pub fn values_of(text: &str, start: usize, end: usize) -> Vec<usize> {
    let window = text.ceil_char_boundary(start.saturating_sub(40));
    let before = &text[window..start];
    let rest = &text[end..text.floor_char_boundary(end + BETWEEN)];
    if before.ends_with('>') {
        return element(before, rest).map(|at| end + at).into_iter().collect();
    }
    let before = before.strip_suffix('/').unwrap_or(before);
    let unquoted = before.trim_end_matches(['"', '\'', '\\']);
    let quoted = unquoted.len() < before.len();
    let separated = unquoted.trim_end();
    let Some(key) = separated.strip_suffix([':', '=']).or_else(|| separated.strip_suffix("%3D")) else {
        return Vec::new();
    };
    let key = key.trim_end().trim_end_matches(['"', '\'', '\\']);
    let key_start = key.len() - key.bytes().rev().take_while(u8::is_ascii_alphanumeric).count();
    if !FIELDS.iter().any(|known| known.eq_ignore_ascii_case(&key[key_start..])) {
        return Vec::new();
    }
    let sign = |at: usize| super::line_before(text, at).starts_with(['+', '-']);
    if let Some(first) = after(rest, quoted) {
        let first = end + first;
        let line = text[first..].split('\n').next().unwrap_or_default();
        let second = text[first + line.len()..].strip_prefix("\n+").filter(|_| sign(first));
        let second = second.and_then(|line| line.trim_start().strip_prefix("value:"));
        let second = second.map(|value| text.len() - value.trim_start().len());
        return [Some(first), second].into_iter().flatten().collect();
    }
    let mut found = Vec::new();
    let mut from = window + key_start;
    while let Some(at) = previous(text, from).filter(|_| found.len() < 2) {
        found.push(at);
        if !sign(at) {
            break;
        }
        from = text[..at].rfind("value").unwrap_or_default();
    }
    found
}

/// `<name>password</name> <value>X</value>`
fn element(before: &str, rest: &str) -> Option<usize> {
    let field = before[..before.len() - 1].rsplit('<').next().unwrap_or_default();
    let close = rest.strip_prefix("</")?.strip_prefix(field)?.strip_prefix('>')?.trim_start();
    let value = close.strip_prefix("<value>").or_else(|| close.strip_prefix("<string>"))?;
    Some(rest.len() - value.len())
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
        // A comma in front of a brace ends the object, a dash begins the next, but for that of a difference.
        let field = field.strip_prefix(['-', '+']).filter(|_| gap.ends_with('\n')).map_or(field, |rest| {
            let bare = rest.trim_start();
            if rest.len() > bare.len() + 1 { bare } else { field }
        });
        let gap = &part[..part.len() - field.len()];
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
    let bare = bare.strip_suffix(['+', '-']).filter(|line| line.ends_with('\n')).map_or(bare, str::trim_end);
    if bare.ends_with(['{', '[', '-', '}']) {
        return None;
    }
    let field = bare.rfind(['{', '\n', ',']).map_or(0, |at| at + 1);
    let start = bare[field..].trim_start_matches([' ', '-', '+', '"', '\'', '\\']);
    let value = start.strip_prefix("value")?.trim_start_matches(['"', '\'', '\\']);
    let value = value.strip_prefix(':')?.trim_start();
    // The last quotes were cut off above, so it is counted from the front.
    let offset = bare.len() - value.len();
    Some(name_field - before.len() + offset)
}

/// Whether the value is the only thing on its line, as in YAML.
pub fn alone(text: &str, from: usize) -> bool {
    let line = super::line_before(text, from);
    let trimmed = line.trim_start_matches([' ', '-', '+']);
    trimmed.starts_with("value:") || trimmed.starts_with("Value:")
}
