//! The terminal as a channel: what runs with no configuration at all.

use std::io::{IsTerminal, Write};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::channel::{Body, Delivery, Limits, Part, Receipt, Rendered, Unit};
use crate::error::SendError;
use crate::limit::Window;
use crate::message::Message;
use crate::render::{Room, shrink, terminal};

/// A terminal takes anything; a card longer than this helps nobody.
pub(crate) const LIMITS: Limits = Limits { unit: Unit::Characters, max: 20_000, windows: NO_WINDOWS, punishment: None };
const NO_WINDOWS: &[Window] = &[];
const USUAL_WIDTH: usize = 84;

/// A card on the terminal.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Console {
    /// Columns of the card; 84 if not set.
    pub width: Option<usize>,
    /// Colours; if not set, only when standard output is a terminal and `NO_COLOR` is not set.
    pub colour: Option<bool>,
}

impl Console {
    pub(crate) fn render(&self, message: &Message, room: Room) -> Rendered {
        let colour =
            self.colour.unwrap_or_else(|| std::env::var_os("NO_COLOR").is_none() && std::io::stdout().is_terminal());
        let look = terminal::Look { width: self.width.unwrap_or(USUAL_WIDTH), colour };
        let size = |text: &String| text.chars().count();
        let (text, cuts) = shrink::fit(message, |m| terminal::card(m, look), |text| size(text) <= room.of(LIMITS.max));
        Rendered { parts: vec![Part { size: size(&text), body: Body::Text(text) }], cuts }
    }

    pub(crate) fn send(&self, rendered: &Rendered, _delivery: &Delivery) -> Result<Receipt, SendError> {
        let mut out = std::io::stdout().lock();
        for part in &rendered.parts {
            if let Body::Text(text) = &part.body {
                out.write_all(text.as_bytes()).map_err(|e| SendError::retry(format!("standard output: {e}")))?;
            }
        }
        out.flush().map_err(|e| SendError::retry(format!("standard output: {e}")))?;
        Ok(Receipt { id: String::new() })
    }
}
