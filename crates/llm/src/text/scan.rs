//! One pass over a whole reply, left to right: think blocks, strong markers, and the text between them.

use super::block::{self, Body, space};
use super::markers::{Mark, Role, marker};
use super::tools::{Raw, Tools};
use super::{harmony, kimi_k3, weak, xml};

#[derive(Debug, Default)]
pub struct Scan {
    pub calls: Vec<Raw>,
    pub visible: String,
    pub reasoning: String,
    pub truncated: bool,
    pub invalid: Vec<String>,
    /// a strong marker opened something: weak shapes are text from then on
    strong: bool,
    /// inside a think block that nothing closes
    thinking: bool,
}

pub fn scan(text: &str, tools: &Tools) -> Scan {
    let mut scan = Scan::default();
    let mut at = 0;
    while at < text.len() {
        at = scan.step(text, at, tools);
    }
    let text = std::mem::take(&mut scan.visible);
    if scan.strong || scan.thinking {
        scan.visible = without_empty_fences(text.trim()).trim().to_owned();
        return scan;
    }
    let found = weak::read(&text, tools);
    scan.calls.extend(found.calls);
    scan.invalid.extend(found.invalid);
    scan.truncated |= found.truncated;
    scan.visible = found.visible;
    scan
}

/// The longest name of a tool.
const NAME: usize = 256;

impl Scan {
    fn say(&mut self, text: &str) {
        if self.thinking { self.reasoning.push_str(text) } else { self.visible.push_str(text) }
    }

    /// Takes one marker or the text up to the next possible one; returns where to go on.
    fn step(&mut self, text: &str, at: usize, tools: &Tools) -> usize {
        if let Some(mark) = marker(text, at) {
            return self.mark(text, at, &mark, tools);
        }
        if let Some(end) = self.recipient(text, at, tools) {
            return end;
        }
        let next = text[at..].chars().next().map_or(1, char::len_utf8);
        let rest = &text[at + next..];
        let stop = rest.find(['<', '[', ']', '✿', '#', 'f', 't']).unwrap_or(rest.len());
        self.say(&text[at..at + next + stop]);
        at + next + stop
    }

    /// A harmony recipient whose tokens were skipped: `commentary to=functions.N json{…}`.
    fn recipient(&mut self, text: &str, at: usize, tools: &Tools) -> Option<usize> {
        let rest = &text[at..];
        let named = rest.strip_prefix("to=")?;
        let framed = ["commentary ", "analysis ", "assistant "].iter().any(|word| text[..at].ends_with(word));
        if !named.starts_with("functions.") && !framed {
            return None;
        }
        let said = harmony::read(text, at, tools);
        let kept = self.visible.trim_end().len();
        self.visible.truncate(kept);
        for word in ["commentary", "analysis", "assistant"] {
            if let Some(head) = self.visible.strip_suffix(word) {
                self.visible.truncate(head.trim_end().len());
            }
        }
        Some(self.take(said.calls, said.end))
    }

    fn mark(&mut self, text: &str, at: usize, mark: &Mark<'_>, tools: &Tools) -> usize {
        match mark.role {
            Role::Open => {
                self.strong = true;
                let found = block::read(text, mark.end, tools);
                self.elements(text, mark.end, found, tools)
            }
            Role::Soft => self.soft(text, at, mark, tools),
            Role::Call => {
                let Some(tag) = &mark.tag else { return mark.end };
                // `<function>` alone is a word of documentation
                if tag.attribute("name").is_none_or(str::is_empty) {
                    return mark.end;
                }
                let found = xml::read(text, at, tools);
                self.take(found, mark.end)
            }
            Role::Infix | Role::Key => self.nameless(text, at, mark, tools),
            Role::Think => self.think(text, mark),
            Role::CloseThink => {
                self.reasoning.push_str(&std::mem::take(&mut self.visible));
                self.calls.clear();
                (self.thinking, self.strong, self.truncated) = (false, false, false);
                self.invalid.clear();
                mark.end
            }
            Role::Frame => self.frame(text, at, mark, tools),
            Role::Channel => {
                self.strong = true;
                let read = kimi_k3::read(&text[at..], tools);
                self.calls.extend(read.calls);
                self.visible.push_str(&read.visible);
                self.reasoning.push_str(&read.reasoning);
                self.truncated |= read.truncated;
                self.invalid.extend(read.invalid);
                text.len()
            }
            Role::Parameter | Role::Item => mark.end,
            Role::Noise if text[..mark.end].ends_with("start|>") || text[..mark.end].ends_with("start_header_id|>") => {
                // the speaker's name belongs to the token before it
                text[mark.end..].strip_prefix("assistant").map_or(mark.end, |rest| text.len() - rest.len())
            }
            Role::Close | Role::CloseParameter | Role::CloseKey | Role::Noise => mark.end,
        }
    }

    /// Takes what a strong marker opened; `end` is where the marker ended.
    fn take(&mut self, found: Body, end: usize) -> usize {
        self.strong = true;
        match found {
            Body::Calls(calls, end) => {
                self.calls.extend(calls);
                end
            }
            Body::Nothing => end,
            Body::Cut => {
                self.truncated = true;
                usize::MAX
            }
            Body::Broken(at, why) => {
                self.invalid.push(why);
                at.max(end)
            }
        }
    }

    /// An open marker whose body may be elements named by the client: `<tool_use><name>N</name><arguments>J</arguments>`.
    fn elements(&mut self, text: &str, end: usize, found: Body, tools: &Tools) -> usize {
        if !matches!(found, Body::Nothing) {
            let broken = matches!(found, Body::Broken(..));
            let next = self.take(found, end).min(text.len());
            return if broken { to_close(text, next) } else { next };
        }
        let Some((key, name, next)) = xml::element(text, space(text, end), NAME) else { return end };
        if !matches!(key.as_str(), "name" | "tool_name" | "tool") {
            return end;
        }
        let next = space(text, next);
        let arguments = match xml::element(text, next, usize::MAX) {
            Some((_, arguments, end)) => Some((arguments, end)),
            None if text[next..].starts_with("<arguments>") || text[next..].starts_with("<parameters>") => {
                self.truncated = true;
                return text.len();
            }
            None => None,
        };
        let (arguments, end) = arguments.unwrap_or((String::from("{}"), next));
        let name = tools.spelled(&name);
        match tools.arguments(&name, &serde_json::Value::String(arguments)) {
            Ok(arguments) => self.calls.push(Raw { name, arguments }),
            Err(why) => self.invalid.push(why.to_owned()),
        }
        end
    }

    fn soft(&mut self, text: &str, at: usize, mark: &Mark<'_>, tools: &Tools) -> usize {
        let inner = space(text, mark.end);
        let known = |calls: &[Raw]| calls.iter().all(|call| tools.known(&call.name).is_some());
        if text[inner..].starts_with(['{', '['])
            && let Body::Calls(calls, end) = block::read(text, inner, tools)
            && known(&calls)
        {
            return self.take(Body::Calls(calls, end), end);
        }
        let hidden = mark.tag.as_ref().is_some_and(|tag| matches!(tag.name.as_str(), "response" | "answer"));
        if !hidden {
            self.say(&text[at..mark.end]);
        }
        mark.end
    }

    /// The marker between a name and its arguments, where the one before the name was lost.
    fn nameless(&mut self, text: &str, at: usize, mark: &Mark<'_>, tools: &Tools) -> usize {
        let said = self.visible.trim_end();
        let near = said.ceil_char_boundary(said.len().saturating_sub(NAME));
        let start = said[near..].rfind(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-' | '.' | ':'));
        let start = start.map_or(near, |at| near + at + said[near + at..].chars().next().map_or(1, char::len_utf8));
        let name = said[start..].to_owned();
        if name.is_empty() || !text[..at].trim_end().ends_with(&name) {
            return mark.end;
        }
        let from = text[..at].trim_end().len() - name.len();
        match block::named(text, from, tools, false) {
            Body::Nothing => mark.end,
            found => {
                self.visible.truncate(start);
                self.take(found, mark.end)
            }
        }
    }

    fn think(&mut self, text: &str, mark: &Mark<'_>) -> usize {
        if self.thinking {
            // nothing closes the block that is open already, and nothing this one
            return mark.end;
        }
        let mut at = mark.end;
        while let Some(found) = text[at..].find(['<', '[', '#']) {
            at += found;
            if let Some(close) = marker(text, at).filter(|mark| mark.role == Role::CloseThink) {
                self.reasoning.push_str(text[mark.end..at].trim());
                return close.end;
            }
            at += 1;
        }
        self.thinking = true;
        mark.end
    }

    fn frame(&mut self, text: &str, at: usize, mark: &Mark<'_>, tools: &Tools) -> usize {
        let token = mark.tag.as_ref().map_or("", |tag| tag.name.as_str());
        if mark.tag.as_ref().is_some_and(|tag| tag.close) {
            // Gemma 4: `<channel|>` ends a thought
            return mark.end;
        }
        if matches!(token, "call" | "end" | "return") {
            return mark.end;
        }
        if token == "channel" && text[mark.end..].starts_with("thought") {
            let Some(end) = text[mark.end..].find("<channel|>") else {
                self.thinking = true;
                return mark.end + "thought".len();
            };
            self.reasoning.push_str(text[mark.end + "thought".len()..mark.end + end].trim());
            return mark.end + end + "<channel|>".len();
        }
        let said = harmony::read(text, at, tools);
        match said.text {
            Some((true, text)) => self.reasoning.push_str(&text),
            Some((false, text)) => self.visible.push_str(&text),
            None => return self.take(said.calls, mark.end).min(text.len()),
        }
        self.strong |= token == "channel";
        said.end.max(mark.end)
    }
}

/// Behind a call that could not be read: its closing tag, if there is one.
fn to_close(text: &str, at: usize) -> usize {
    let mut next = at;
    while let Some(found) = text.get(next..).and_then(|rest| rest.find(['<', '['])) {
        next += found;
        if let Some(mark) = marker(text, next) {
            match mark.role {
                Role::Close => return mark.end,
                Role::Open | Role::Call => return next,
                _ => {}
            }
        }
        next += 1;
    }
    at
}

/// A fence around a call holds nothing once the call is taken out.
fn without_empty_fences(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some(open) = rest.find("```") {
        let inner = &rest[open + 3..];
        let word = inner.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(inner.len());
        match inner[word..].trim_start().strip_prefix("```") {
            Some(after) => {
                kept.push_str(&rest[..open]);
                rest = after;
            }
            None if inner[word..].trim().is_empty() => {
                kept.push_str(&rest[..open]);
                rest = "";
            }
            None => {
                let end = inner.find("```").map_or(rest.len(), |end| open + 3 + end + 3);
                kept.push_str(&rest[..end]);
                rest = &rest[end..];
            }
        }
    }
    kept.push_str(rest);
    kept
}
