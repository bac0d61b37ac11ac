//! A list of objects as an answer: those in trouble first with their reason, the others in as few words as hold them.

use std::collections::BTreeMap;

use diagnose::Object;
use serde_json::{Map, Value, json};

use crate::answer::Answer;
use crate::columns::{Row, layout, of_table};
use crate::context::Context;
use crate::kind::Kind;
use crate::page::{Line, page, short};
use crate::pods::{Rank, sister_name};
use crate::read::{MOST, Reader, Selectors};
use crate::trouble::Trouble;

/// More pods than this are not shown one a line while they are well.
const FEW: usize = 12;

/// What to list.
pub struct Wanted<'a> {
    pub kind: Kind,
    /// Empty for all namespaces.
    pub namespace: &'a str,
    pub selectors: Selectors<'a>,
    pub cursor: usize,
}

pub async fn answer(context: &Context, wanted: Wanted<'_>) -> Result<Answer, Trouble> {
    let reader = Reader::new(context)?;
    let Wanted { kind, namespace, selectors, cursor } = wanted;
    let (header, rows, groups, cut) = match layout(&kind) {
        Some(layout) => {
            let listed = reader.list(&kind, namespace, selectors).await?;
            let rows = listed.objects.iter().map(|object| layout.row(object, context.now)).collect();
            let header = layout.header.iter().map(|name| (*name).to_owned()).collect();
            let groups = if kind.name == "Pod" { sisters(&listed.objects) } else { BTreeMap::new() };
            (header, rows, groups, listed.cut)
        }
        None => {
            let table = reader.table(&kind, namespace, selectors).await?;
            let (header, rows) = of_table(&table, context.now);
            (header, rows, BTreeMap::new(), table.pointer("/metadata/continue").is_some_and(|next| next != ""))
        }
    };
    if rows.is_empty()
        && !namespace.is_empty()
        && let Some(trouble) = reader.missing_namespace(namespace).await
    {
        return Err(trouble);
    }
    let list = List { kind: &kind, namespace, header, rows, groups, cut };
    Ok(list.answer(cursor, context.room))
}

/// Namespace and name of a pod -> what its sisters' names begin with, and its own rest.
type Groups = BTreeMap<(String, String), (String, String)>;

fn sisters(pods: &[Object]) -> Groups {
    let key = |pod: &Object| (pod.namespace().to_owned(), pod.name().to_owned());
    pods.iter().filter_map(|pod| Some((key(pod), sister_name(pod)?))).collect()
}

struct List<'a> {
    kind: &'a Kind,
    namespace: &'a str,
    header: Vec<String>,
    rows: Vec<Row>,
    groups: Groups,
    cut: bool,
}

impl List<'_> {
    fn answer(mut self, cursor: usize, room: usize) -> Answer {
        self.rows.sort_by(|a, b| (a.rank, &a.namespace, &a.name).cmp(&(b.rank, &b.namespace, &b.name)));
        let lines = self.lines();
        let narrower = if self.namespace.is_empty() && self.kind.namespaced {
            "namespace or labelSelector"
        } else {
            "labelSelector or fieldSelector"
        };
        let page = page(&self.title(), &lines, cursor, room, narrower);
        let items: Vec<Value> = page.items.iter().map(|at| self.item(&self.rows[*at])).collect();
        let mut data = json!({"items": items, "total": self.rows.len()});
        if let Some(next) = page.next {
            data["cursor"] = next.to_string().into();
        }
        Answer::new(page.text, data)
    }

    fn title(&self) -> String {
        let place = match (self.kind.namespaced, self.namespace) {
            (false, _) => String::new(),
            (true, "") => " in all namespaces".to_owned(),
            (true, namespace) => format!(" in {namespace}"),
        };
        let bad = self.rows.iter().filter(|row| row.rank < Rank::Noted).count();
        let count = if self.cut { format!("the first {MOST}") } else { self.rows.len().to_string() };
        let trouble = if bad == 0 { String::new() } else { format!(", {bad} in trouble") };
        if self.rows.is_empty() {
            return format!("no {}{place}", self.kind.plural);
        }
        let name = if self.one_namespace() { "NAME" } else { "NAMESPACE/NAME" };
        let header: Vec<&str> =
            [name].into_iter().chain(self.header.iter().map(String::as_str)).chain(["AGE"]).collect();
        format!("{count} {}{place}{trouble}\n{}", self.kind.plural, header.join(" "))
    }

    fn one_namespace(&self) -> bool {
        !self.kind.namespaced || !self.namespace.is_empty()
    }

    fn lines(&self) -> Vec<Line> {
        let grouped = !self.groups.is_empty() && self.rows.len() > FEW;
        let single = |row: &Row| !(grouped && row.rank == Rank::Well);
        let mut lines: Vec<Line> = Vec::new();
        for (at, row) in self.rows.iter().enumerate().filter(|(_, row)| single(row)) {
            let name = if self.one_namespace() { row.name.clone() } else { format!("{}/{}", row.namespace, row.name) };
            let why = if row.why.is_empty() { String::new() } else { format!(" ({})", short(&row.why, 200)) };
            lines.push(Line {
                text: format!("{name} {}{why}", row.cells.join(" ")),
                items: vec![at],
                ..Line::default()
            });
        }
        if grouped {
            lines.extend(self.well());
        }
        lines
    }

    /// The pods that are well, those of one owner in a line: what their names begin with, then the rest of each.
    fn well(&self) -> Vec<Line> {
        let mut groups: BTreeMap<_, Vec<(usize, &str)>> = BTreeMap::new();
        for (at, row) in self.rows.iter().enumerate().filter(|(_, row)| row.rank == Rank::Well) {
            let (owner, rest) = match self.groups.get(&(row.namespace.clone(), row.name.clone())) {
                Some((owner, rest)) => (owner.as_str(), rest.as_str()),
                None => ("", row.name.as_str()),
            };
            groups.entry((row.namespace.as_str(), state(row), owner)).or_default().push((at, rest));
        }
        let mut lines = Vec::new();
        for ((namespace, state, owner), mut pods) in groups {
            let restarts: Vec<String> = pods
                .iter()
                .filter(|(at, _)| self.rows[*at].cells[2] != "0")
                .map(|(at, rest)| format!("{rest}:{}", self.rows[*at].cells[2]))
                .collect();
            pods.sort_unstable_by_key(|(_, rest)| *rest);
            let names: Vec<&str> = pods.iter().map(|(_, rest)| *rest).collect();
            let names = match (owner, names.as_slice()) {
                ("", names) => names.join(" "),
                (owner, [name]) => format!("{owner}-{name}"),
                (owner, names) => format!("{owner}-{{{}}}", names.join(",")),
            };
            let restarts =
                if restarts.is_empty() { String::new() } else { format!("; restarts {}", restarts.join(" ")) };
            lines.push(Line {
                heading: format!("{namespace}: {state}, all containers ready"),
                text: format!("{names} ({}{restarts})", pods.len()),
                items: pods.into_iter().map(|(at, _)| at).collect(),
            });
        }
        lines
    }

    fn item(&self, row: &Row) -> Value {
        let mut item = Map::new();
        if self.kind.namespaced {
            item.insert("namespace".to_owned(), row.namespace.clone().into());
        }
        item.insert("name".to_owned(), row.name.clone().into());
        for (name, cell) in self.header.iter().map(String::as_str).chain(["AGE"]).zip(&row.cells) {
            item.insert(name.to_lowercase(), cell.clone().into());
        }
        if !row.why.is_empty() {
            item.insert("why".to_owned(), short(&row.why, 200).into());
        }
        Value::Object(item)
    }
}

/// The status cell of a pod.
fn state(row: &Row) -> &str {
    row.cells.get(1).map_or("", String::as_str)
}
