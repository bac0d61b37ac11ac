//! One tag or special token, read tolerantly: bars and blocks in any spelling, spaces, lost quotes; bounded in length.

const LONGEST: usize = 300;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag<'a> {
    pub end: usize,
    pub close: bool,
    /// written with bars: `<|…|>`
    pub token: bool,
    /// lower case, blocks and spaces as `_`
    pub name: String,
    /// what stands after the name, attributes unread
    pub rest: &'a str,
}

impl Tag<'_> {
    /// An attribute's value; `name` is also what follows `=` directly.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let rest = self.rest.trim();
        if name == "name"
            && let Some(value) = rest.strip_prefix('=')
        {
            return Some(unquote(value));
        }
        let mut at = 0;
        while let Some(found) = rest[at..].find(name) {
            let after = rest[at + found + name.len()..].trim_start();
            if let Some(value) = after.strip_prefix('=') {
                let value = value.trim_start();
                let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
                return Some(match quote {
                    Some(quote) => value[1..].split(quote).next().unwrap_or(""),
                    None => unquote(value.split_whitespace().next().unwrap_or("")),
                });
            }
            at += found + name.len();
        }
        None
    }
}

fn unquote(text: &str) -> &str {
    text.trim().trim_matches(['"', '\'', '“', '”', '`'])
}

pub fn is_bar(c: char) -> bool {
    matches!(c, '|' | '｜' | '‖' | '￨' | '│')
}

fn named(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '▁' | '\\' | ':' | '.' | '-')
}

fn normal(name: &str) -> String {
    let name: String = name.trim().trim_end_matches('▁').chars().filter(|c| *c != '\\').collect();
    let name = name.replace(['▁', ' '], "_").to_ascii_lowercase();
    let name = name.trim_start_matches("plamo:").trim_end_matches(":plamo");
    name.to_owned()
}

/// The head of a tag: what has been read up to its name.
pub struct Head {
    pub close: bool,
    pub bars: bool,
    pub dsml: bool,
    pub at: usize,
}

pub fn head(text: &str, at: usize) -> Option<Head> {
    let mut rest = text[at..].strip_prefix('<')?.trim_start_matches(' ');
    let mut head = Head { close: false, bars: false, dsml: false, at };
    let bare = |rest: &str| rest.trim_start_matches(|c| is_bar(c) || c == ' ').len();
    if rest.starts_with(is_bar) {
        head.bars = true;
        rest = &rest[rest.len() - bare(rest)..];
    }
    if let Some(after) = rest.strip_prefix('/') {
        head.close = true;
        rest = after.trim_start_matches(' ');
    }
    if rest.starts_with(is_bar) {
        head.bars = true;
        rest = &rest[rest.len() - bare(rest)..];
    }
    if head.bars && rest.get(..4).is_some_and(|word| word.eq_ignore_ascii_case("DSML")) {
        head.dsml = true;
        rest = &rest[4..];
        rest = &rest[rest.len() - bare(rest)..];
    }
    head.at = text.len() - rest.len();
    Some(head)
}

pub fn read(text: &str, at: usize) -> Option<Tag<'_>> {
    let head = head(text, at)?;
    if head.bars && !head.dsml {
        return token(text, &head);
    }
    let rest = &text[head.at..];
    let length = rest.char_indices().find(|(i, c)| !named(*c) && !inner_bar(&rest[*i..])).map_or(rest.len(), |f| f.0);
    if length == 0 || length > 64 {
        return None;
    }
    let mut name = normal(&rest[..length]);
    let mut after = &rest[length..];
    if let Some(bar) = after.chars().next().filter(|c| is_bar(*c)) {
        let end = after[bar.len_utf8()..].strip_prefix('>')?;
        return Some(Tag { end: text.len() - end.len(), close: true, token: true, name, rest: "" });
    }
    for glued in ["function", "parameter", "param", "invoke"] {
        if name.strip_prefix(glued) == Some("name") {
            name.truncate(glued.len());
            after = &rest[length - 4..];
        }
    }
    let equals = after.trim_start_matches(' ').strip_prefix('=');
    if let Some(value) = equals.filter(|_| name.ends_with("function")) {
        let inner = value.trim_start_matches([' ', '"', '\'']);
        let word = &inner[..inner.find(|c: char| !named(c) && !c.is_alphanumeric()).unwrap_or(inner.len())];
        let tail = inner[word.len()..].trim_start_matches([' ', '"', '\'']);
        let end = if let Some(end) = tail.strip_prefix('>') {
            end
        } else {
            tail.strip_prefix('=')
                .unwrap_or(tail)
                .trim_start()
                .starts_with('{')
                .then(|| tail.trim_start_matches('='))?
        };
        let head = &after[..after.len() - tail.len()];
        return Some(Tag { end: text.len() - end.len(), close: head.is_empty(), token: false, name, rest: head });
    }
    let length = end_of(after)?;
    let end = text.len() - after.len() + length + 1;
    let inside = &after[..length];
    let close = head.close || inside.trim() == "/" && inside.len() > 8;
    Some(Tag { end, close, token: false, name, rest: inside })
}

/// A bar between two parts of a name, not the one before `>`.
fn inner_bar(text: &str) -> bool {
    text.starts_with('|') && text[1..].starts_with(|c: char| c.is_ascii_alphabetic())
}

/// Where the `>` is that ends the tag: not inside quotes, on the same line, before the next `<`.
fn end_of(text: &str) -> Option<usize> {
    let mut quote = None;
    for (i, c) in text.char_indices().take(LONGEST) {
        match (c, quote) {
            ('\n', _) => return None,
            ('>', None) => return Some(i),
            ('<', None) => return None,
            (c, Some(open)) if c == open => quote = None,
            ('"' | '\'', None) => quote = Some(c),
            _ => {}
        }
    }
    None
}

fn token<'a>(text: &'a str, head: &Head) -> Option<Tag<'a>> {
    let rest = &text[head.at..];
    let more = |c: char| named(c) || c == ' ';
    let length = rest.char_indices().take(80).find(|(_, c)| !more(*c)).map(|found| found.0)?;
    if length == 0 {
        return None;
    }
    let after = rest[length..].trim_start_matches(|c| is_bar(c) || c == ' ').strip_prefix('>')?;
    let name = normal(&rest[..length]);
    Some(Tag { end: text.len() - after.len(), close: head.close, token: true, name, rest: "" })
}
