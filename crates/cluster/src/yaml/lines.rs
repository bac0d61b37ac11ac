//! Where in the file a value stands: JSON pointer -> line, so that every problem can name its line.

use std::collections::BTreeMap;

use granit_parser::{Event, Parser};

/// The line of every key and list entry of the first document. A file that does not parse gives what came before.
pub fn lines(text: &str) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    let mut stack: Vec<Frame> = Vec::new();
    for event in Parser::new_from_str(text) {
        let Ok((event, span)) = event else { break };
        let line = span.start.line();
        match event {
            Event::Scalar(value, ..) => {
                let Some(Frame { key: key @ None, map: true, .. }) = stack.last_mut() else {
                    enter(&mut stack, &mut found, line);
                    leave(&mut stack);
                    continue;
                };
                *key = Some(value.to_string());
                let path = path(&stack);
                found.entry(path).or_insert(line);
            }
            Event::MappingStart(..) => {
                enter(&mut stack, &mut found, line);
                stack.push(Frame { map: true, key: None, index: 0 });
            }
            Event::SequenceStart(..) => {
                enter(&mut stack, &mut found, line);
                stack.push(Frame { map: false, key: None, index: 0 });
            }
            Event::MappingEnd | Event::SequenceEnd => {
                stack.pop();
                leave(&mut stack);
            }
            Event::Alias(_) => {
                enter(&mut stack, &mut found, line);
                leave(&mut stack);
            }
            Event::DocumentEnd => break,
            _ => {}
        }
    }
    found
}

struct Frame {
    map: bool,
    /// the key whose value comes next
    key: Option<String>,
    index: usize,
}

fn path(stack: &[Frame]) -> String {
    let step = |frame: &Frame| match (&frame.key, frame.map) {
        (Some(key), true) => format!("/{key}"),
        (None, true) => String::new(),
        (_, false) => format!("/{}", frame.index),
    };
    stack.iter().map(step).collect()
}

fn enter(stack: &mut [Frame], found: &mut BTreeMap<String, usize>, line: usize) {
    let path = path(stack);
    found.entry(path).or_insert(line);
}

fn leave(stack: &mut [Frame]) {
    if let Some(frame) = stack.last_mut() {
        frame.key = None;
        frame.index += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_keys_entries_and_flow_style() {
        let found =
            lines("listen: x\nchannels:\n  ops: {type: console}\nroutes:\n- channels: [ops]\n- match:\n    a: b\n");
        for (path, line) in [("/listen", 1), ("/channels/ops/type", 3), ("/routes/1/match/a", 7), ("/routes/0", 5)] {
            assert_eq!(found.get(path), Some(&line), "{path} in {found:?}");
        }
    }
}
