//! An estimate of tokens without anybody's tokenizer: four ASCII bytes are one, a Chinese character is more than one and a half.

use crate::request::{Message, Request};

/// Tokens of a text.
pub fn of(text: &str) -> u32 {
    let (mut ascii, mut wide) = (0_u64, 0_u64);
    for c in text.chars() {
        match c.is_ascii() {
            true => ascii += 1,
            false => wide += 1,
        }
    }
    u32::try_from((ascii.div_ceil(4)) + (wide * 5).div_ceil(3)).unwrap_or(u32::MAX)
}

/// Tokens of a message, with what stands around it.
pub fn of_message(message: &Message) -> u32 {
    4 + match message {
        Message::System { content } | Message::User { content } => of(content),
        Message::Assistant { content, reasoning, calls } => {
            let calls = calls
                .iter()
                .map(|call| 8 + of(&call.name) + of(&serde_json::Value::from(call.arguments.clone()).to_string()));
            of(content) + of(reasoning) + calls.sum::<u32>()
        }
        Message::Tool { name, content, .. } => 4 + of(name) + of(content),
    }
}

/// Tokens of a whole question, its tools too.
pub fn of_request(request: &Request) -> u32 {
    let tools =
        request.tools.iter().map(|tool| 8 + of(&tool.name) + of(&tool.description) + of(&tool.parameters.to_string()));
    request.messages.iter().map(of_message).sum::<u32>() + tools.sum::<u32>()
}

/// The server counted so much less than was sent that it must have dropped a part. Small questions prove nothing.
pub fn looks_cut(estimate: u32, counted: u64) -> bool {
    counted > 0 && estimate > 3_000 && counted * 10 < u64::from(estimate) * 6
}
