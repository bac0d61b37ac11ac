//! Event streams, bytes in and events out: server-sent events cut at any byte, JSON lines, and a plain JSON body, told
//! apart line by line because gateways mix them up.

/// One event: its name, empty for the usual one, and its data.
#[derive(Debug, PartialEq, Eq)]
pub struct Frame {
    pub event: String,
    pub data: String,
}

/// What has been read of a stream.
#[derive(Debug, Default)]
pub struct Frames {
    /// bytes of a line that has not ended: only a whole line is certain to hold whole characters
    line: Vec<u8>,
    after_cr: bool,
    begun: bool,
    event: String,
    data: Vec<String>,
    /// lines that are no field of an event: a body that is JSON over several lines, or a page
    loose: String,
}

impl Frames {
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Frame> {
        let mut frames = Vec::new();
        for &byte in bytes {
            let after_cr = std::mem::replace(&mut self.after_cr, byte == b'\r');
            match byte {
                b'\n' if after_cr => {}
                b'\n' | b'\r' => self.end_line(&mut frames),
                _ => self.line.push(byte),
            }
        }
        frames
    }

    /// The stream is over: what was begun counts, because servers forget the last blank line.
    pub fn finish(mut self) -> Vec<Frame> {
        let mut frames = Vec::new();
        if !self.line.is_empty() {
            self.end_line(&mut frames);
        }
        self.dispatch(&mut frames);
        if !self.loose.trim().is_empty() {
            frames.push(Frame { event: String::new(), data: self.loose });
        }
        frames
    }

    fn end_line(&mut self, frames: &mut Vec<Frame>) {
        let bytes = std::mem::take(&mut self.line);
        let text = String::from_utf8_lossy(&bytes);
        let line = if self.begun { &*text } else { text.trim_start_matches('\u{feff}') };
        self.begun = true;
        if line.is_empty() {
            self.dispatch(frames);
            return;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => self.data.push(value.to_owned()),
            "event" => value.clone_into(&mut self.event),
            // a comment has an empty field; the other two matter to those who reconnect
            "" | "id" | "retry" => {}
            _ => self.loose_line(line, frames),
        }
    }

    fn loose_line(&mut self, line: &str, frames: &mut Vec<Frame>) {
        if self.loose.is_empty() && serde_json::from_str::<serde::de::IgnoredAny>(line).is_ok() {
            frames.push(Frame { event: String::new(), data: line.to_owned() });
            return;
        }
        self.loose.push_str(line);
        self.loose.push('\n');
    }

    fn dispatch(&mut self, frames: &mut Vec<Frame>) {
        let event = std::mem::take(&mut self.event);
        if self.data.is_empty() {
            return;
        }
        let data = std::mem::take(&mut self.data).join("\n");
        frames.push(Frame { event, data });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &[u8], step: usize) -> Vec<(String, String)> {
        let mut frames = Frames::default();
        let mut seen: Vec<Frame> = text.chunks(step).flat_map(|bytes| frames.feed(bytes)).collect();
        seen.extend(frames.finish());
        seen.into_iter().map(|frame| (frame.event, frame.data)).collect()
    }

    fn data(text: &str) -> Vec<String> {
        let whole = all(text.as_bytes(), text.len().max(1));
        for step in 1..5 {
            assert_eq!(whole, all(text.as_bytes(), step), "in steps of {step}");
        }
        whole.into_iter().map(|(_, data)| data).collect()
    }

    #[test]
    fn line_ends_of_all_kinds() {
        for end in ["\n", "\r\n", "\r"] {
            let text = "\u{feff}: hello~data:未~data: 绑~~event: e~data: 定~~retry: 1~id: 2~~".replace('~', end);
            assert_eq!(data(&text), ["未\n绑", "定"]);
        }
    }

    #[test]
    fn the_name_of_an_event_ends_with_it() {
        let seen = all(b"event: error\ndata: 1\n\ndata: 2\n\nevent: lost\n\ndata: 3\n\n", 7);
        let names: Vec<&str> = seen.iter().map(|(event, _)| event.as_str()).collect();
        assert_eq!(names, ["error", "", ""]);
    }

    #[test]
    fn json_lines_and_json_bodies() {
        assert_eq!(data("{\"a\": 1}\n{\"a\": 2}"), ["{\"a\": 1}", "{\"a\": 2}"]);
        assert_eq!(data("{\n\"a\": 1\n}"), ["{\n\"a\": 1\n}\n"]);
        assert_eq!(data("data: last"), ["last"], "without its blank line");
        assert_eq!(data("\n\n\n"), Vec::<String>::new());
    }

    #[test]
    fn bytes_that_are_no_text_do_no_harm() {
        assert_eq!(all(b"data: a\xff\xe6b\n\n", 1)[0].1, "a\u{fffd}\u{fffd}b");
    }
}
