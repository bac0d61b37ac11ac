//! An alert and its report as a message tree: what is said, in which order, and what may be cut first.
//!
//! The seed's three parts: 告警概览 / 诊断分析 / 处理建议, or Overview / Diagnosis / What to do. The first line is the cause.

use std::collections::BTreeMap;

use diagnose::report::{EvidenceItem, ReportCause};
use diagnose::{Confidence, Lang, Report, Text, finding::text};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use notify::{Block, Inline, Keep, Message, Section, Severity, Status};

use crate::alerts::Alert;
use crate::alerts::object::{Subject, resolve};

/// How a message speaks: its language, and the zone that its times are in.
#[derive(Debug, Clone)]
pub struct Voice {
    pub lang: Lang,
    pub zone: TimeZone,
}

/// What the overview says of the alert.
#[derive(Debug, Clone, Default)]
pub struct Overview {
    /// the alert's name with the object's
    pub title: String,
    /// the alert's name alone; may be empty
    pub alert: String,
    pub severity: String,
    pub namespace: String,
    pub object: String,
    pub summary: String,
    pub since: Option<Timestamp>,
    /// how many alerts the incident holds
    pub count: usize,
    pub cluster: String,
}

/// The words around the facts, in one language.
fn word(lang: Lang, zh: &'static str, en: &'static str) -> &'static str {
    match lang {
        Lang::Zh => zh,
        Lang::En => en,
    }
}

pub fn severity(label: &str) -> Severity {
    match label.to_ascii_lowercase().as_str() {
        "critical" | "page" | "emergency" | "fatal" | "p0" | "p1" | "disaster" => Severity::Critical,
        "warning" | "warn" | "error" | "high" | "major" | "p2" | "p3" => Severity::Warning,
        "info" | "none" | "low" | "notice" | "p4" => Severity::Info,
        _ => Severity::Unknown,
    }
}

/// The language of the message's own words.
pub fn notify_lang(lang: Lang) -> notify::Lang {
    match lang {
        Lang::Zh => notify::Lang::Zh,
        Lang::En => notify::Lang::En,
    }
}

/// The alert alone: what goes out before anything was looked at.
pub fn plain(overview: &Overview, voice: &Voice) -> Message {
    let lang = voice.lang;
    let lead = if overview.summary.is_empty() { &overview.title } else { &overview.summary };
    let mut message = empty(lang, Status::Plain, lead.clone());
    message.title.clone_from(&overview.title);
    message.severity = severity(&overview.severity);
    message.object.clone_from(&overview.object);
    message.sections.push(overview_section(overview, None, voice));
    message.footer = word(lang, "正在诊断", "diagnosis under way").to_owned();
    message
}

/// What Midwatch tells of itself.
pub fn notice(overview: &Overview, voice: &Voice) -> Message {
    let mut message = plain(overview, voice);
    message.footer.clear();
    message
}

/// The object that an alert's labels name, as far as labels can tell.
pub fn object_of(labels: &BTreeMap<String, String>) -> String {
    match resolve(&Alert::of_labels(labels.clone())).first() {
        Subject::Object(object) => object.to_string(),
        Subject::NodeAt(address) => format!("Node {address}"),
        Subject::Component { kind, name, namespace: _ } => format!("{kind} {name}"),
        Subject::NodeOf(_) | Subject::Namespace(_) | Subject::Cluster => String::new(),
    }
}

/// The alert with its diagnosis.
pub fn diagnosed(overview: &Overview, report: &Report, voice: &Voice) -> Message {
    let mut message = verdict(report, voice);
    message.title.clone_from(&overview.title);
    message.severity = severity(&overview.severity);
    if !overview.object.is_empty() {
        message.object.clone_from(&overview.object);
    }
    message.sections.insert(0, overview_section(overview, Some(&overview.summary), voice));
    message
}

/// The alert has ended. What there was to do then is not said any more.
pub fn resolved(overview: &Overview, report: Option<&Report>, ended: Timestamp, voice: &Voice) -> Message {
    let lang = voice.lang;
    let named = report.filter(|report| !report.causes.is_empty());
    let mut message = match named {
        Some(report) => diagnosed(overview, report, voice),
        None => plain(overview, voice),
    };
    let was = match named {
        Some(_) => word(lang, "已恢复。原因：", "Resolved. It was: "),
        None => word(lang, "已恢复：", "Resolved: "),
    };
    message.status = Status::Resolved;
    message.lead = format!("{was}{}", message.lead);
    if named.is_some() {
        message.sections.truncate(2);
        for section in &mut message.sections {
            section.pieces.retain(|piece| piece.keep > Keep::Log);
        }
    }
    message.footer = format!("{} {}", word(lang, "恢复时间", "resolved at"), clock(ended, &voice.zone));
    if let Some(lasted) = overview.since.and_then(|since| lasted(since, ended, lang)) {
        message.footer.push_str(&format!("{}{lasted}", word(lang, "，持续 ", ", after ")));
    }
    message
}

/// Rounded to what a reader cares for; None for less than a minute.
fn lasted(since: Timestamp, ended: Timestamp, lang: Lang) -> Option<String> {
    let minutes = (ended.as_second() - since.as_second()) / 60;
    let parts = [(minutes / 1_440, "天", "d"), (minutes / 60 % 24, "小时", "h"), (minutes % 60, "分钟", "min")];
    let first = parts.iter().position(|(n, ..)| *n > 0)?;
    let shown = parts.iter().skip(first).take(2).filter(|(n, ..)| *n > 0);
    let words: Vec<String> = shown.map(|(n, zh, en)| format!("{n} {}", word(lang, zh, en))).collect();
    Some(words.join(" "))
}

/// The diagnosis alone, as `midwatch diagnose` shows it.
pub fn verdict(report: &Report, voice: &Voice) -> Message {
    let lang = voice.lang;
    let mut message = empty(lang, Status::Diagnosed, lead(report).get(lang).to_owned());
    let (title, object) = match &report.target {
        diagnose::Target::Object(object) => (word(lang, "诊断", "Diagnosis").to_owned(), object.to_string()),
        diagnose::Target::Namespace(ns) => {
            (format!("{} {ns}", word(lang, "诊断命名空间", "Diagnosis of namespace")), String::new())
        }
        diagnose::Target::Cluster => (word(lang, "诊断整个集群", "Diagnosis of the cluster").to_owned(), String::new()),
    };
    message.title = title;
    message.object = object;
    message.severity = if report.causes.is_empty() { Severity::Info } else { Severity::Warning };
    message.sections.push(diagnosis_section(report, voice));
    let fixes = fixes_section(report, lang);
    if !fixes.pieces.is_empty() {
        message.sections.push(fixes);
    }
    message
}

/// A message without sections.
pub fn empty(lang: Lang, status: Status, lead: String) -> Message {
    Message {
        title: String::new(),
        severity: Severity::Unknown,
        status,
        object: String::new(),
        lead,
        sections: Vec::new(),
        mentions: Vec::new(),
        link: None,
        lang: notify_lang(lang),
        thread: String::new(),
        revision: 0,
        footer: String::new(),
    }
}

/// The first line: the cause, or what kept us from naming it.
pub fn lead(report: &Report) -> Text {
    match (report.causes.as_slice(), report.healthy) {
        ([only], _) => only.statement.clone(),
        ([first, rest @ ..], _) => text(
            format!("{}（另有 {} 个原因）", first.statement.zh, rest.len()),
            format!("{} (and {} more)", first.statement.en, rest.len()),
        ),
        ([], true) => text("没有发现问题", "Nothing found"),
        ([], false) if report.evidence.is_empty() && report.symptoms.is_empty() => {
            text("未能诊断：读不到集群", "Not diagnosed: the cluster could not be read")
        }
        ([], false) if report.symptoms.is_empty() => {
            text("没有发现问题，但有内容无法读取", "Nothing found, but not everything could be read")
        }
        ([], false) => text("证据不足以判定原因", "The evidence does not say why"),
    }
}

/// The summary is left out where it is the first line already.
fn overview_section(overview: &Overview, summary: Option<&str>, voice: &Voice) -> Section {
    let lang = voice.lang;
    let name = if overview.alert.is_empty() { &overview.title } else { &overview.alert };
    let mut facts = vec![(word(lang, "告警名称", "Alert").to_owned(), name.clone())];
    let mut fact = |name: &str, value: &str| {
        if !value.is_empty() {
            facts.push((name.to_owned(), value.to_owned()));
        }
    };
    fact(word(lang, "严重程度", "Severity"), &overview.severity);
    fact(word(lang, "集群", "Cluster"), &overview.cluster);
    fact(word(lang, "命名空间", "Namespace"), &overview.namespace);
    fact(word(lang, "受影响资源", "Object"), &overview.object);
    fact(word(lang, "告警摘要", "Summary"), summary.unwrap_or_default());
    let since = overview.since.map(|since| clock(since, &voice.zone));
    fact(word(lang, "开始时间", "Since"), &since.unwrap_or_default());
    if overview.count > 1 {
        fact(word(lang, "告警数量", "Alerts"), &overview.count.to_string());
    }
    Section::new(word(lang, "告警概览", "Overview")).with(Keep::Normal, Block::Facts(facts))
}

fn diagnosis_section(report: &Report, voice: &Voice) -> Section {
    let lang = voice.lang;
    let mut section = Section::new(word(lang, "诊断分析", "Diagnosis"));
    for (i, cause) in report.causes.iter().take(SHOWN).enumerate() {
        let keep = if i == 0 { Keep::Must } else { Keep::Alternative };
        section = section.with(keep, cause_line(cause, report.causes.len() > 1, lang));
        // its last step is the cause itself, which stands above
        let way = cause.chain.split_last().map_or(&[] as &[_], |(_, way)| way);
        if !way.is_empty() {
            let steps = way.iter().map(|(_, finding)| vec![Inline::Text(finding.get(lang).to_owned())]);
            section = section.with(if i == 0 { Keep::Normal } else { Keep::Alternative }, Block::List(steps.collect()));
        }
        for (n, item) in cited(report, cause).into_iter().take(PROOFS).enumerate() {
            let keep = if i == 0 && n == 0 { Keep::Must } else { Keep::Log };
            section = section.with(keep, Block::Quote(proof(item, &voice.zone)));
        }
    }
    if report.causes.len() > SHOWN {
        let more = report.causes.len() - SHOWN;
        let line = text(format!("另有 {more} 个原因未列出"), format!("{more} more causes are not shown"));
        section = section.with(Keep::Alternative, Block::text(line.get(lang)));
    }
    if report.causes.is_empty() {
        section = section.with(Keep::Must, Block::text(lead(report).get(lang)));
        let symptoms = report.symptoms.iter().take(8).map(|s| vec![Inline::Text(s.statement.get(lang).to_owned())]);
        section = section.with(Keep::Normal, Block::List(symptoms.collect()));
    }
    if !report.ruled_out.is_empty() {
        let lines: Vec<&str> = report.ruled_out.iter().map(|line| line.get(lang)).collect();
        let line = format!("{}{}", word(lang, "已排除：", "Ruled out: "), lines.join(word(lang, "；", "; ")));
        section = section.with(Keep::Alternative, Block::text(line));
    }
    if !report.gaps.is_empty() {
        let lines = report.gaps.iter().take(8).map(|gap| vec![Inline::Text(format!("{}: {}", gap.what, gap.why))]);
        section = section
            .with(Keep::Normal, Block::text(word(lang, "未能读取：", "Could not be read:")))
            .with(Keep::Normal, Block::List(lines.collect()));
    }
    section
}

/// Causes that a message tells in full.
const SHOWN: usize = 6;
/// Facts quoted for one cause.
const PROOFS: usize = 3;

fn cause_line(cause: &ReportCause, numbered: bool, lang: Lang) -> Block {
    let sure = match cause.confidence {
        Confidence::Certain => word(lang, "确定", "certain"),
        Confidence::Likely => word(lang, "很可能", "likely"),
        Confidence::Possible => word(lang, "可能", "possible"),
    };
    let mut inlines = Vec::new();
    if numbered {
        inlines.push(Inline::Text(format!("{}. ", cause.rank)));
    }
    inlines.push(Inline::Strong(cause.statement.get(lang).to_owned()));
    inlines.push(Inline::Text(match lang {
        Lang::Zh => format!("（{sure}）"),
        Lang::En => format!(" ({sure})"),
    }));
    Block::Paragraph(inlines)
}

fn cited<'a>(report: &'a Report, cause: &ReportCause) -> Vec<&'a EvidenceItem> {
    report.evidence.iter().filter(|item| cause.evidence.contains(&item.id)).collect()
}

fn proof(item: &EvidenceItem, zone: &TimeZone) -> String {
    let time = item.time.map(|t| format!(" {}", clock(t, zone))).unwrap_or_default();
    format!("{} {} {}{time}: {}", item.id, item.object, item.source, item.text)
}

fn fixes_section(report: &Report, lang: Lang) -> Section {
    let mut section = Section::new(word(lang, "处理建议", "What to do"));
    for (i, cause) in report.causes.iter().take(SHOWN).enumerate() {
        for (n, fix) in cause.fixes.iter().enumerate() {
            let keep = if i == 0 && n == 0 { Keep::Must } else { Keep::Alternative };
            let number = if report.causes.len() > 1 { format!("{}. ", cause.rank) } else { String::new() };
            section = section.with(keep, Block::text(format!("{number}{}", fix.text.get(lang))));
            if let Some(command) = &fix.command {
                section = section.with(keep, Block::Code { lang: "sh".to_owned(), text: command.clone() });
            }
        }
    }
    section
}

/// With the offset, for the reader and the server may be in different places.
fn clock(time: Timestamp, zone: &TimeZone) -> String {
    time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %:z").to_string()
}
