//! The few words that renderers add, in both languages, and the colours that go with them.

use crate::message::{Lang, Severity, Status};

pub(crate) fn severity(severity: Severity, lang: Lang) -> &'static str {
    match (lang, severity) {
        (Lang::Zh, Severity::Critical) => "严重",
        (Lang::Zh, Severity::Warning) => "警告",
        (Lang::Zh, Severity::Info) => "提示",
        (Lang::Zh, Severity::Unknown) => "未分级",
        (Lang::En, Severity::Critical) => "critical",
        (Lang::En, Severity::Warning) => "warning",
        (Lang::En, Severity::Info) => "info",
        (Lang::En, Severity::Unknown) => "no severity",
    }
}

pub(crate) fn status(status: Status, lang: Lang) -> &'static str {
    match (lang, status) {
        (Lang::Zh, Status::Plain) => "告警中",
        (Lang::Zh, Status::Diagnosed) => "已诊断",
        (Lang::Zh, Status::Resolved) => "已恢复",
        (Lang::Zh, Status::Digest) => "汇总",
        (Lang::En, Status::Plain) => "firing",
        (Lang::En, Status::Diagnosed) => "diagnosed",
        (Lang::En, Status::Resolved) => "resolved",
        (Lang::En, Status::Digest) => "digest",
    }
}

/// The tag before a title: what the reader must know first.
pub(crate) fn tag(of: Severity, state: Status, lang: Lang) -> String {
    match state {
        Status::Resolved | Status::Digest => status(state, lang).to_owned(),
        Status::Plain | Status::Diagnosed => severity(of, lang).to_owned(),
    }
}

pub(crate) fn object(lang: Lang) -> &'static str {
    match lang {
        Lang::Zh => "对象",
        Lang::En => "Object",
    }
}

pub(crate) fn full_report(lang: Lang) -> &'static str {
    match lang {
        Lang::Zh => "完整报告",
        Lang::En => "Full report",
    }
}

pub(crate) fn separator(lang: Lang) -> &'static str {
    match lang {
        Lang::Zh => "：",
        Lang::En => ": ",
    }
}

pub(crate) fn more_rows(count: usize, lang: Lang) -> String {
    match lang {
        Lang::Zh => format!("还有 {count} 行"),
        Lang::En => format!("+{count} more"),
    }
}

pub(crate) fn more_lines(count: usize, lang: Lang) -> String {
    match lang {
        Lang::Zh => format!("……省略 {count} 行"),
        Lang::En => format!("... {count} lines left out"),
    }
}

pub(crate) fn shortened(lang: Lang) -> &'static str {
    match lang {
        Lang::Zh => "内容过长，已精简",
        Lang::En => "shortened to fit",
    }
}

/// The colour of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Red,
    Orange,
    Blue,
    Green,
    Grey,
}

pub(crate) fn tone(severity: Severity, status: Status) -> Tone {
    match (status, severity) {
        (Status::Resolved, _) => Tone::Green,
        (Status::Plain | Status::Diagnosed | Status::Digest, Severity::Critical) => Tone::Red,
        (Status::Plain | Status::Diagnosed | Status::Digest, Severity::Warning) => Tone::Orange,
        (Status::Plain | Status::Diagnosed | Status::Digest, Severity::Info) => Tone::Blue,
        (Status::Plain | Status::Diagnosed | Status::Digest, Severity::Unknown) => Tone::Grey,
    }
}

impl Tone {
    /// For HTML and Slack attachments.
    pub(crate) fn hex(self) -> &'static str {
        match self {
            Self::Red => "#d4380d",
            Self::Orange => "#d46b08",
            Self::Blue => "#1677ff",
            Self::Green => "#389e0d",
            Self::Grey => "#8c8c8c",
        }
    }

    /// Where a channel has no colour.
    pub(crate) fn mark(self) -> &'static str {
        match self {
            Self::Red => "🔴",
            Self::Orange => "🟠",
            Self::Blue => "🔵",
            Self::Green => "🟢",
            Self::Grey => "⚪",
        }
    }
}
