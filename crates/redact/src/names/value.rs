//! Where a value starts behind its name, and where it ends.

/// Nothing between a name and its separator is longer.
const SEPARATOR: usize = 64;

/// The position behind what separates a name from its value: in YAML, JSON (also inside a string), INI, XML, Go, PHP,
/// coloured logs, encoded addresses.
pub fn separated(text: &str, end: usize) -> Option<usize> {
    let rest = &text[end..text.floor_char_boundary(end + 4 * SEPARATOR)];
    let mut cursor = colours(rest);
    if let Some(value) = cursor.strip_prefix("\\u003d").or_else(|| cursor.strip_prefix("\\u003D")) {
        return Some(end + rest.len() - value.len());
    }
    // A field of protobuf, as a program prints its bytes.
    if let Some(length) = cursor.strip_prefix("\\x12\\x") {
        return length.get(2..).map(|value| end + rest.len() - value.len());
    }
    let before = cursor.len();
    cursor = cursor.trim_start_matches('\\');
    let quoted = cursor.strip_prefix(['"', '\'', '`']).or_else(|| cursor.strip_prefix("&quot;"));
    cursor = quoted.unwrap_or(cursor);
    if quoted.is_none() && cursor.len() != before {
        // A backslash without a quote: only properties files put one before the sign.
        cursor = if cursor.starts_with(['=', ':']) { cursor } else { return None };
    }
    cursor = cursor.strip_prefix(']').unwrap_or(cursor);
    cursor = colours(cursor);
    // The next line of an answer of Redis: `2) "X"`.
    if let Some((number, value)) = cursor.strip_prefix('\n').and_then(|below| below.split_once(") "))
        && quoted.is_some()
        && number.parse::<u8>().is_ok()
    {
        return Some(end + rest.len() - value.len());
    }
    if quoted.is_none()
        && let Some(inside) = element(text, end, cursor)
    {
        return Some(inside);
    }
    cursor = cursor.trim_start_matches([' ', '\t']);
    cursor = cursor.strip_prefix("*").filter(|rest| rest.starts_with('*')).map_or(cursor, |rest| &rest[1..]);
    let separators =
        [":=", "=>", "->", "==", "=", ":", "：", "＝", "%3D", "%3d", "%3A", "%3a", "为", "是", "【", "「", "“"];
    let separator = separators.iter().find(|separator| cursor.starts_with(**separator))?;
    if *separator == ":" && cursor.starts_with("://") {
        return None;
    }
    cursor = &cursor[separator.len()..];
    // PHP prints the value of a map below its key.
    if let Some(below) = cursor.strip_prefix('\n').map(str::trim_start).filter(|below| below.starts_with("string(")) {
        cursor = below;
    }
    if matches!(*separator, "为" | "是") {
        cursor = cursor.trim_start_matches([':', '：', ' ']);
    }
    cursor = cursor.strip_prefix("**").unwrap_or(cursor);
    cursor = colours(cursor).trim_start_matches([' ', '\t', '\u{3000}']);
    cursor = colours(cursor);
    Some(end + rest.len() - cursor.len())
}

/// `<password>X</password>`, also with attributes.
fn element(text: &str, end: usize, cursor: &str) -> Option<usize> {
    let name_length = text[..end].bytes().rev().take(SEPARATOR * 2);
    let name_length = name_length.take_while(|byte| byte.is_ascii_alphanumeric() || b"_.-:/".contains(byte)).count();
    let escaped = text[..end - name_length].ends_with("&lt;");
    if escaped && let Some(inside) = cursor.strip_prefix("&gt;") {
        return Some(end + text[end..].find(inside).unwrap_or_default());
    }
    if !text[..end - name_length].ends_with('<') || text[end - name_length..].starts_with('/') {
        return None;
    }
    let close = cursor.find('>')?;
    let attributes = &cursor[..close];
    let open = attributes.is_empty() || (attributes.starts_with(' ') && !attributes.contains(['<', '\n']));
    let offset = text[end..].find(cursor).unwrap_or_default();
    (open && !attributes.ends_with('/') && !attributes.contains("value=")).then_some(end + offset + close + 1)
}

/// Without the colours of a terminal at the front.
fn colours(mut text: &str) -> &str {
    while let Some(rest) = ["\x1b[", "\\u001b[", "\\x1b[", "\\033["].iter().find_map(|start| text.strip_prefix(start)) {
        let digits = rest.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b';').count();
        let Some(next) = rest[digits..].strip_prefix('m') else {
            break;
        };
        text = next;
    }
    text
}

/// The next word of a command line, the next item of a list or of a YAML sequence.
pub fn next_word(text: &str, end: usize) -> Option<usize> {
    let rest = &text[end..text.floor_char_boundary(end + SEPARATOR)];
    let unquoted = rest.trim_start_matches('\\');
    let quoted = unquoted.strip_prefix(['"', '\'']);
    let cursor = quoted.unwrap_or(rest);
    // `["--token", "X"]`, and without quotes in YAML.
    if let Some(list) = cursor.strip_prefix(',').filter(|list| quoted.is_some() || list.starts_with(' ')) {
        let cursor = list.trim_start();
        return Some(end + rest.len() - cursor.len());
    }
    let line = cursor.trim_start_matches([' ', '\t', '\r']);
    if let Some(next) = line.strip_prefix('\n') {
        let item = next.trim_start_matches([' ', '\t']);
        let cursor = match item.strip_prefix("- ") {
            Some(cursor) => cursor.trim_start(),
            // `kubectl describe` has each word on a line of its own, below the other.
            None => {
                let above = super::line_before(text, end);
                let column = above.len() - above.trim_start_matches(' ').len();
                let below = next.len() - item.len();
                let alone = column > 2 && above[column..].starts_with('-') && !above[column..].contains(' ');
                Some(item).filter(|item| alone && below == column && !item.is_empty())?
            }
        };
        return Some(end + rest.len() - cursor.len());
    }
    (line.len() < cursor.len() && quoted.is_none()).then_some(end + rest.len() - line.len())
}

/// `define('DB_PASSWORD', 'X')`, `setenv("TOKEN", "X")`, `with_password("X")`.
pub fn call(text: &str, end: usize) -> Option<usize> {
    let rest = &text[end..text.floor_char_boundary(end + SEPARATOR)];
    let unescaped = rest.trim_start_matches('\\');
    let cursor = match unescaped.strip_prefix(['"', '\'']) {
        Some(quoted) => {
            let name = text[..end].bytes().rev().take(SEPARATOR).take_while(|byte| super::in_name(*byte)).count();
            let opened = text[..end - name].trim_end_matches(['"', '\'', '\\']).ends_with('(');
            quoted.strip_prefix(',').filter(|_| opened)?.trim_start_matches(' ')
        }
        None => unescaped
            .strip_prefix('(')
            .or_else(|| rest.trim_start_matches(' ').strip_suffix("").filter(|_| sql(text, end)))?,
    };
    cursor.trim_start_matches('\\').starts_with(['"', '\'']).then_some(end + rest.len() - cursor.len())
}

/// `PASSWORD 'X'` as a statement of SQL has it, in capitals or behind a word of such a statement.
fn sql(text: &str, end: usize) -> bool {
    let before = &text[text.ceil_char_boundary(end.saturating_sub(128))..end].to_ascii_lowercase();
    ["create user", "alter user", "create role", "alter role", "set password", " by password", "mysqladmin"]
        .iter()
        .any(|verb| before.contains(verb))
}

#[derive(Debug)]
pub struct Value {
    pub start: usize,
    pub end: usize,
    /// It ended where a word ends.
    pub word: bool,
}

/// The value that starts here. `alone`: it is the only thing on its line. `known`: where the word ends that it is in.
pub fn at(text: &str, from: usize, alone: bool, known: Option<usize>) -> Option<Value> {
    let from = from + wrapper(&text[from..text.floor_char_boundary(from + 128)]);
    let rest = &text[from..];
    let escapes = rest.bytes().take(16).take_while(|byte| *byte == b'\\').count();
    let quote = rest[escapes..].chars().next().filter(|c| "\"'`".contains(*c));
    let first = rest.chars().next()?;
    if let Some(entity) = ["&quot;", "&#34;", "&#39;", "&apos;"].iter().find(|entity| rest.starts_with(**entity)) {
        let start = from + entity.len();
        let length = text[start..text.floor_char_boundary(start + 256)].find(entity)?;
        return (length > 0).then_some(Value { start, end: start + length, word: false });
    }
    if let Some(close) = [('“', '”'), ('【', '】'), ('「', '」')].iter().find(|pair| pair.0 == first) {
        let start = from + first.len_utf8();
        let length = text[start..text.floor_char_boundary(start + 256)].find(close.1)?;
        return (length > 0).then_some(Value { start, end: start + length, word: false });
    }
    let (start, end, word) = match (quote, first) {
        (Some(quote), _) => {
            let start = from + escapes + 1;
            // A text in three quotes goes on over lines.
            let three: String = [quote, quote].iter().collect();
            if escapes == 0 && text[start..].starts_with(&three) {
                let start = start + 2;
                (start, start + text[start..].find(&format!("{quote}{three}")).unwrap_or(0), false)
            } else {
                (start, start + quoted(&text[start..], quote, escapes), false)
            }
        }
        (None, '|' | '>') => {
            let (start, end) = block(text, from)?;
            (start, end, false)
        }
        (None, '\n' | '\r' | '=' | '~' | ',' | ')' | ']' | '}' | '\0') => return None,
        (None, '{' | '[') => bytes(text, from).or_else(|| braced(text, from, '}'))?,
        (None, '<') => braced(text, from, '>')?,
        _ if alone => scheme(text, from, from + line(rest), false),
        _ => scheme(text, from, known.filter(|end| *end > from).unwrap_or_else(|| from + word(rest)), true),
    };
    // `...` says that the rest was cut off.
    let end = if word { start + text[start..end].trim_end_matches("...").len() } else { end };
    (start < end).then_some(Value { start, end, word })
}

/// `Bearer X` where X is the value.
fn scheme(text: &str, from: usize, end: usize, word_only: bool) -> (usize, usize, bool) {
    const SCHEMES: [&str; 6] = ["bearer", "basic", "token", "negotiate", "apikey", "splunk"];
    let shown = &text[from..text.floor_char_boundary(end.min(from + 16))];
    let first = shown.split(' ').next().unwrap_or_default();
    if !SCHEMES.iter().any(|known| known.eq_ignore_ascii_case(first)) {
        return (from, end, word_only);
    }
    let gap = text[from + first.len()..].bytes().take_while(|byte| *byte == b' ').count();
    let start = from + first.len() + gap;
    (start, start + word(&text[start..]), true)
}

/// The length of what wraps a value: `Some(`, `SecretStr(`, `(string) (len=8) `, `b`, `!!str `, `&anchor `.
fn wrapper(rest: &str) -> usize {
    let mut at = 0;
    for _ in 0..4 {
        let part = &rest[at..];
        let step = if part.starts_with('(') {
            let close = part.find(')').filter(|close| *close < 24 && part[close + 1..].starts_with(' '));
            close.filter(|close| !crate::values::harmless(&part[..=*close])).map(|close| close + 2)
        } else if let Some(rest) = part.strip_prefix("[]byte(").or_else(|| part.strip_prefix("[]uint8(")) {
            Some(part.len() - rest.len())
        } else if let Some(rest) =
            part.strip_prefix("string(").filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        {
            rest.find(") ").map(|close| "string(".len() + close + 2)
        } else if part.starts_with(['$', '@']) && part[1..].starts_with(['"', '\'']) {
            Some(1)
        } else if part.starts_with(['!', '&']) {
            let word =
                part.find([' ', ';']).filter(|space| *space > 1 && *space < 32 && part[*space..].starts_with(' '));
            word.map(|space| space + 1).filter(|_| part[1..].starts_with(|c: char| c.is_ascii_lowercase() || c == '!'))
        } else {
            let letters =
                part.bytes().take(24).take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
            match part[letters..].chars().next() {
                Some('(') if letters > 0 && part[letters + 1..].starts_with(['"', '\'', '(']) => {
                    Some(letters + 1).filter(|_| !asks(&part[..letters]))
                }
                Some('"' | '\'') if (1..=2).contains(&letters) => Some(letters),
                Some('\\') if part.starts_with("b\\\"") => Some(1),
                Some('(') if letters == 6 && part.starts_with("string") => Some(letters + 1),
                _ => None,
            }
        };
        match step {
            Some(step) => at += step,
            None => break,
        }
    }
    at
}

/// `getenv("DB_PASSWORD")` has the name of the secret, not the secret.
fn asks(function: &str) -> bool {
    let lower = function.to_ascii_lowercase();
    ["get", "load", "read", "fetch", "env", "lookup", "find", "require", "resolve"]
        .iter()
        .any(|verb| lower.starts_with(verb))
}

/// The strings of a list in brackets, if that is what the value is.
pub fn list(text: &str, from: usize) -> Option<Vec<(usize, usize)>> {
    let inside = text[from..].strip_prefix(['[', '('])?;
    let first = inside.trim_start();
    if !first.trim_start_matches('\\').starts_with(['"', '\'']) {
        return None;
    }
    let mut at = text.len() - first.len();
    let mut items = Vec::new();
    while items.len() < 100 {
        let escapes = text[at..].bytes().take_while(|byte| *byte == b'\\').count();
        let Some(quote) = text[at + escapes..].chars().next().filter(|c| "\"'".contains(*c)) else {
            break;
        };
        let start = at + escapes + 1;
        let end = start + quoted(&text[start..], quote, escapes);
        items.push((start, end));
        let rest = text[end..].trim_start_matches(['\\', '"', '\'']);
        let next = rest.trim_start_matches([' ', ',', '\n', '\r', '\t']);
        if next.len() == rest.len() {
            break;
        }
        at = text.len() - next.len();
    }
    Some(items)
}

/// `{"value": "X"}`: where X starts.
pub fn nested(text: &str, from: usize) -> Option<usize> {
    let rest = &text[from..text.floor_char_boundary(from + SEPARATOR)];
    let inside = rest.strip_prefix('{')?.trim_start();
    let key = inside.trim_start_matches(['\\', '"', '\'']);
    let after = ["value", "plaintext", "plainText"].iter().find_map(|known| key.strip_prefix(*known))?;
    let value = after.trim_start_matches(['\\', '"', '\'']).trim_start().strip_prefix(':')?.trim_start();
    Some(from + rest.len() - value.len())
}

/// `variable "db_password" { default = "X" }` of Terraform: where X starts.
pub fn preset(text: &str, end: usize) -> Option<usize> {
    let rest = &text[end..text.floor_char_boundary(end + 4 * SEPARATOR)];
    let body = rest.strip_prefix("\" {")?.split('}').next().unwrap_or_default();
    let value = body.split_once("default")?.1.trim_start().strip_prefix('=')?.trim_start();
    Some(end + 3 + body.len() - value.len())
}

/// Bytes as Go prints them, `[112 97 115]`, `{0x70, 0x61}`, and lists of words.
fn bytes(text: &str, from: usize) -> Option<(usize, usize, bool)> {
    let inside = &text[from + 1..text.floor_char_boundary(from + 8192)];
    let length = inside.bytes().take_while(|byte| byte.is_ascii_hexdigit() || b" ,x".contains(byte)).count();
    let closes = inside[length..].starts_with([']', '}']);
    let several = inside[..length].split([' ', ',']).filter(|part| !part.is_empty()).count() >= 3;
    (closes && several).then_some((from + 1, from + 1 + length, false))
}

/// `PWD={X}` of ODBC, `password=<X>` of a log.
fn braced(text: &str, from: usize, close: char) -> Option<(usize, usize, bool)> {
    let inside = text[from + 1..text.floor_char_boundary(from + 128)].split_once(close)?.0;
    let plain = !inside.contains([' ', '"', '\'', '{', ':', ',', '\n']);
    (plain && crate::values::mixed(inside)).then_some((from + 1, from + 1 + inside.len(), false))
}

/// A quoted value ends at the same quote behind as many backslashes as opened it, or with its line where it was cut off.
fn quoted(rest: &str, quote: char, escapes: usize) -> usize {
    let mut backslashes = 0;
    let mut skip = false;
    for (at, c) in rest.char_indices() {
        match c {
            '\\' => backslashes += 1,
            // Behind a backslash the text goes on below.
            '\n' if backslashes % 2 == 1 => backslashes = 0,
            '\n' => return at,
            // `''` stands for one quote.
            '\'' if c == quote && at > 0 && doubled(&rest[at..]) => skip = true,
            '\'' if skip => skip = false,
            c if c == quote => {
                let closes = if escapes == 0 { backslashes % 2 == 0 } else { backslashes <= escapes };
                if closes {
                    return at - backslashes.min(escapes);
                }
                backslashes = 0;
            }
            _ => backslashes = 0,
        }
    }
    rest.len()
}

fn doubled(rest: &str) -> bool {
    rest.strip_prefix("''").is_some_and(|rest| rest.starts_with(|c: char| c.is_alphanumeric() || c == ' '))
}

/// The rest of the line without a comment, a colour or the trailing comma of JSON.
fn line(rest: &str) -> usize {
    let length = memchr::memchr3(b'\n', b'\r', 0x1b, rest.as_bytes()).unwrap_or(rest.len());
    let line = rest[..length].split(" #").next().unwrap_or_default();
    let line = line.split('\0').next().unwrap_or_default();
    let line = line.trim_end();
    // Other fields behind it: the line is that of a log.
    // A generated word is all of the value; passwords of several words are none.
    let first = line.split(' ').next().unwrap_or_default();
    if first.len() < line.len() && crate::values::generated(first) {
        return word(rest);
    }
    let fields = line.find([' ', ',', '，', '；', '。']).is_some_and(|at| {
        line[at..].contains(['=', '：', ':', '，', '。']) || line[at..].chars().nth(1).is_some_and(chinese)
    });
    if fields { word(rest) } else { line.trim_end_matches(',').len() }
}

fn chinese(c: char) -> bool {
    ('\u{4E00}'..='\u{9FFF}').contains(&c)
}

pub fn word(rest: &str) -> usize {
    let mut characters = rest.char_indices().peekable();
    let ascii = rest.is_char_boundary(1);
    while let Some((at, c)) = characters.next() {
        let next = characters.peek().map(|(_, next)| *next);
        let ends = match c {
            c if c.is_whitespace() || c.is_control() => true,
            '"' | '\'' | '`' | '<' | '>' | ';' | '&' | '}' | ')' | ']' | '，' | '。' | '；' | '、' | '）' => true,
            '\\' => rest[at..].trim_start_matches('\\').starts_with(['n', 'r', 't', '"', '\'', 'u', '0', 'x']),
            ',' => next.is_none_or(|next| next.is_whitespace() || next.is_alphabetic() || "\"'}".contains(next)),
            '%' => rest[at..].starts_with("%26") || rest[at..].starts_with("%22") || rest[at..].starts_with("%20"),
            // `密码是X请检查`
            '\u{2E80}'..='\u{9FFF}' | '\u{FF00}'..='\u{FFEF}' => ascii,
            _ => false,
        };
        if ends {
            return at;
        }
    }
    rest.len()
}

/// Nothing in front of a YAML block is longer; a text of one line is not searched again for every key.
const LONGEST_KEY: usize = 500;

/// A YAML block scalar: the lines that are indented more than the one that opens it.
fn block(text: &str, from: usize) -> Option<(usize, usize)> {
    let opening = text[..from].bytes().rev().take(LONGEST_KEY).take_while(|byte| *byte != b'\n').count();
    let opening = text.get(from - opening..from)?;
    let indent = opening.len() - opening.trim_start_matches([' ', '-']).len();
    let head = text[from..text.floor_char_boundary(from + 8)].find('\n')?;
    if text[from..from + head].trim_end().len() > 3 {
        return None;
    }
    let mut end = from + head + 1;
    let start = end;
    for line in text[start..].split_inclusive('\n') {
        let deeper = line.len() - line.trim_start_matches(' ').len() > indent;
        if !deeper && !line.trim().is_empty() {
            break;
        }
        end += line.len();
    }
    let body = &text[start..end];
    let lead = body.len() - body.trim_start().len();
    Some((start + lead, start + body.trim_end().len()))
}
