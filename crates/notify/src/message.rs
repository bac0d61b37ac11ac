//! The message tree: what is to be said, without a word on how a channel writes it.
//!
//! All text in it is plain text. It may come from an attacker (labels, log lines, events), so no renderer may read
//! markup in it: each escapes for its own channel. The only links and mentions a reader can get are the ones that the
//! tree holds as [`Inline::Link`], [`Message::link`] and [`Message::mentions`].
//!
//! `title`, `severity`, `object`, `lead`, pieces marked [`Keep::Must`] and `link` survive every cut.

use serde::{Deserialize, Serialize};

/// One message about one incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// The alert's name or a short headline.
    pub title: String,
    /// How bad it is, as the source says.
    pub severity: Severity,
    /// Which state of the incident this message tells.
    pub status: Status,
    /// The object that it is about, e.g. `PersistentVolumeClaim aiops/test-data`; empty if none is known.
    #[serde(default)]
    pub object: String,
    /// The first line under the title: the cause, or what is known so far.
    pub lead: String,
    /// The report's parts, in reading order.
    #[serde(default)]
    pub sections: Vec<Section>,
    /// Who is to be called.
    #[serde(default)]
    pub mentions: Vec<Mention>,
    /// Where the full report is.
    #[serde(default)]
    pub link: Option<Link>,
    /// The language of the words that the renderer adds.
    pub lang: Lang,
    /// The incident's key: messages with the same key belong together.
    pub thread: String,
    /// 0 for the first message of the incident, then counting up.
    #[serde(default)]
    pub revision: u32,
    /// A last line in small print, e.g. time and version; empty for none.
    #[serde(default)]
    pub footer: String,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Somebody must act now.
    Critical,
    /// Somebody should look.
    Warning,
    /// Good to know.
    Info,
    /// The source gave none, or one we do not know.
    Unknown,
}

/// Which state of the incident a message tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The alert alone, before a diagnosis.
    Plain,
    /// With the diagnosis.
    Diagnosed,
    /// The incident is over.
    Resolved,
    /// Many incidents in one message.
    Digest,
}

/// The language of the words that a renderer adds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Lang {
    /// 简体中文
    #[default]
    Zh,
    /// English
    En,
}

/// A titled part of the report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// Its heading.
    pub title: String,
    /// Its content, in reading order.
    pub pieces: Vec<Piece>,
}

impl Section {
    /// An empty section.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), pieces: Vec::new() }
    }

    /// The same section with one more block.
    #[must_use]
    pub fn with(mut self, keep: Keep, block: Block) -> Self {
        self.pieces.push(Piece { keep, block });
        self
    }
}

/// A block and how dear it is when a channel has too little room.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Piece {
    /// What is dropped first when room is short.
    pub keep: Keep,
    /// The block.
    pub block: Block,
}

/// How dear a block is, the cheapest first: blocks are dropped in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// Evidence in full: log lines, events as they were.
    Log,
    /// Related objects.
    Related,
    /// Other possible causes, what was ruled out.
    Alternative,
    /// The body of the report.
    Normal,
    /// The cause's proof and the first action: never dropped.
    Must,
}

/// A block of the tree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Block {
    /// Running text.
    Paragraph(Vec<Inline>),
    /// Names and values.
    Facts(Vec<(String, String)>),
    /// One item a line.
    List(Vec<Vec<Inline>>),
    /// A table; rows may be shorter than the head.
    Table {
        /// Column titles.
        head: Vec<String>,
        /// Cells, row by row.
        rows: Vec<Vec<String>>,
    },
    /// Something to paste or to read as it is.
    Code {
        /// `sh`, `yaml`, `log` ...; empty for none.
        lang: String,
        /// The text, line breaks kept.
        text: String,
    },
    /// Words of somebody else: an event, a log line.
    Quote(String),
    /// A dividing line.
    Rule,
}

impl Block {
    /// A paragraph of plain text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Paragraph(vec![Inline::Text(text.into())])
    }
}

/// A run of text inside a block.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Inline {
    /// Plain text.
    Text(String),
    /// Text to stand out.
    Strong(String),
    /// A name, a field, a short command.
    Code(String),
    /// A link that we vouch for.
    Link(Link),
}

/// A link that we vouch for. Only `http` and `https` targets are rendered as links.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// What to read.
    pub text: String,
    /// Where it leads.
    pub url: String,
}

/// Somebody to call. A channel that cannot use one kind of name leaves it out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mention {
    /// Everybody in the group.
    Everyone,
    /// A user's id in that channel (Feishu open_id, WeCom userid, DingTalk userId, Slack U…).
    User(String),
    /// A mobile phone number (WeCom, DingTalk).
    Mobile(String),
    /// An e-mail address, added to Cc (e-mail).
    Email(String),
}

impl Message {
    /// Every text of the tree, changed by `change`. Link targets, keys and mentions are not texts.
    pub fn map_text(&mut self, change: &mut dyn FnMut(&str) -> String) {
        for text in [&mut self.title, &mut self.object, &mut self.lead, &mut self.footer] {
            *text = change(text);
        }
        if let Some(link) = &mut self.link {
            link.text = change(&link.text);
        }
        for section in &mut self.sections {
            section.title = change(&section.title);
            for piece in &mut section.pieces {
                piece.block.map_text(change);
            }
        }
    }
}

impl Block {
    pub(crate) fn map_text(&mut self, change: &mut dyn FnMut(&str) -> String) {
        match self {
            Self::Paragraph(inlines) => inlines.iter_mut().for_each(|i| i.map_text(change)),
            Self::Facts(facts) => {
                for (name, value) in facts {
                    *name = change(name);
                    *value = change(value);
                }
            }
            Self::List(items) => items.iter_mut().flatten().for_each(|i| i.map_text(change)),
            Self::Table { head, rows } => {
                for cell in head.iter_mut().chain(rows.iter_mut().flatten()) {
                    *cell = change(cell);
                }
            }
            Self::Code { text, lang: _ } | Self::Quote(text) => *text = change(text),
            Self::Rule => {}
        }
    }
}

impl Inline {
    fn map_text(&mut self, change: &mut dyn FnMut(&str) -> String) {
        let text = match self {
            Self::Text(text) | Self::Strong(text) | Self::Code(text) => text,
            Self::Link(link) => &mut link.text,
        };
        *text = change(text);
    }
}
