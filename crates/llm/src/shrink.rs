//! Makes a conversation fit: the oldest tool results go first, a place always says what stood there, and no pair is torn.

use crate::request::Message;
use crate::tokens;

/// What a cut result says at least.
const STUB: u32 = 40;

/// The conversation within `room` tokens as far as that goes, and what was left out, in words.
pub(crate) fn shrink(mut messages: Vec<Message>, room: u32) -> (Vec<Message>, Option<String>) {
    if total(&messages) <= room {
        return (messages, None);
    }
    let mut gone = Vec::new();
    let last_round = messages.iter().rposition(|message| matches!(message, Message::Assistant { .. })).unwrap_or(0);
    for at in 0..last_round {
        if total(&messages) <= room {
            break;
        }
        if let Message::Tool { name, content, .. } = &mut messages[at]
            && tokens::of(content) > STUB
        {
            gone.push(name.clone());
            *content = format!(
                "(left out for lack of room: {} tokens of {name}; call it again to see them)",
                tokens::of(content)
            );
        }
    }
    let mut shortened = 0;
    // the largest first; an order to the model is never touched, and neither is what was asked last if that is short
    for _ in 0..messages.len() {
        let over = total(&messages).saturating_sub(room);
        if over == 0 {
            break;
        }
        let largest = messages.iter_mut().filter_map(cuttable).max_by_key(|content| tokens::of(content));
        let Some(content) = largest.filter(|content| tokens::of(content) > 2 * STUB) else { break };
        let keep = tokens::of(content).saturating_sub(over + STUB).max(STUB);
        *content = middle_out(content, keep);
        shortened += 1;
    }
    let mut told = Vec::new();
    if !gone.is_empty() {
        told.push(format!("left out the results of {} calls ({})", gone.len(), distinct(&gone)));
    }
    if shortened > 0 {
        told.push(format!("shortened {shortened} long texts"));
    }
    let note = (!told.is_empty()).then(|| format!("for lack of context: {}", told.join(", ")));
    (messages, note)
}

fn total(messages: &[Message]) -> u32 {
    messages.iter().map(tokens::of_message).sum()
}

fn cuttable(message: &mut Message) -> Option<&mut String> {
    match message {
        Message::Tool { content, .. } | Message::User { content } => Some(content),
        Message::Assistant { content, reasoning, .. } => {
            Some(if tokens::of(reasoning) > tokens::of(content) { reasoning } else { content })
        }
        Message::System { .. } => None,
    }
}

/// The beginning and the end of a text: the middle says least.
fn middle_out(text: &str, keep: u32) -> String {
    let all: Vec<char> = text.chars().collect();
    let per_token = f64::from(u32::try_from(all.len()).unwrap_or(u32::MAX)) / f64::from(tokens::of(text).max(1));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a length of the text, cut down")]
    let kept = (f64::from(keep) * per_token) as usize;
    let (head, tail) = (kept * 2 / 3, kept / 3);
    if head + tail >= all.len() {
        return text.to_owned();
    }
    let left = all.len() - head - tail;
    let start: String = all[..head].iter().collect();
    let end: String = all[all.len() - tail..].iter().collect();
    format!("{start}\n(... {left} characters left out for lack of room ...)\n{end}")
}

fn distinct(names: &[String]) -> String {
    let mut seen: Vec<&str> = Vec::new();
    names.iter().for_each(|name| {
        if !seen.contains(&name.as_str()) {
            seen.push(name);
        }
    });
    seen.join(", ")
}
