//! A Feishu card drawn: as a page that looks like the messenger, and as text.

use serde_json::Value;

const STYLE: &str = "body{background:#f5f6f7;margin:24px;font:14px/1.6 -apple-system,'PingFang SC','Noto Sans CJK SC','Microsoft YaHei',sans-serif;color:#1f2329}\
.card{width:560px;background:#fff;border:1px solid #dee0e3;border-radius:8px;overflow:hidden}\
.head{padding:12px 16px}.head .t{font-size:16px;font-weight:600}.head .s{font-size:12px;opacity:.85}\
.tag{font-size:12px;border-radius:4px;padding:1px 6px;margin-left:6px;background:rgba(255,255,255,.75);color:#1f2329;font-weight:400}\
.body{padding:12px 16px}.body>div{margin-bottom:6px;word-break:break-word}hr{border:0;border-top:1px solid #e5e6eb;margin:10px 0}\
pre{background:#f5f6f7;border-radius:6px;padding:8px 12px;white-space:pre-wrap;word-break:break-all;font:12.5px/1.5 Consolas,Menlo,monospace;margin:4px 0}\
code{background:#f0f1f3;border-radius:3px;padding:0 4px;font:12.5px Consolas,Menlo,monospace}\
blockquote{margin:4px 0;padding-left:10px;border-left:3px solid #bbbfc4;color:#646a73}\
table{border-collapse:collapse;width:100%;font-size:13px}td,th{border:1px solid #dee0e3;padding:4px 8px;text-align:left;vertical-align:top}th{background:#f5f6f7;font-weight:500}\
.button{display:inline-block;background:#3370ff;color:#fff;border-radius:6px;padding:4px 14px;text-decoration:none}.at{color:#3370ff}.small{font-size:12px}";

/// The card as a page.
pub fn html(card: &Value) -> String {
    let header = &card["header"];
    let (back, front) = match header["template"].as_str().unwrap_or("default") {
        "red" | "carmine" => ("#f54a45", "#fff"),
        "orange" => ("#ff8800", "#fff"),
        "yellow" => ("#ffc60a", "#1f2329"),
        "green" => ("#34c724", "#fff"),
        "blue" | "wathet" => ("#3370ff", "#fff"),
        "grey" => ("#8f959e", "#fff"),
        _ => ("#e1eaff", "#1f2329"),
    };
    let tags: String = header["text_tag_list"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|tag| format!("<span class=\"tag\">{}</span>", escape(content(&tag["text"]))))
        .collect();
    let body: String = elements(card).map(element_html).collect();
    format!(
        "<!DOCTYPE html><html><head><meta charset=\"utf-8\"><title>card</title><style>{STYLE}</style></head><body>\
         <div class=\"card\"><div class=\"head\" style=\"background:{back};color:{front}\"><span class=\"t\">{}</span>{tags}\
         <div class=\"s\">{}</div></div><div class=\"body\">{body}</div></div></body></html>\n",
        escape(content(&header["title"])),
        escape(content(&header["subtitle"])),
    )
}

/// The card as text, one line a line of the card.
pub fn text(card: &Value) -> String {
    let header = &card["header"];
    let tags: String = header["text_tag_list"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|tag| format!("[{}] ", content(&tag["text"])))
        .collect();
    let mut lines = vec![format!("{tags}{}", content(&header["title"])), content(&header["subtitle"]).to_owned()];
    for element in elements(card) {
        match element["tag"].as_str() {
            Some("markdown") => lines.push(decode(element["content"].as_str().unwrap_or_default())),
            Some("hr") => lines.push("────".to_owned()),
            Some("button") => {
                let url = element["behaviors"][0]["default_url"].as_str().unwrap_or_default();
                lines.push(format!("[{}] {url}", content(&element["text"])));
            }
            Some("table") => {
                lines.push(row_of(element, |column| column["display_name"].as_str().unwrap_or_default()).join(" | "));
                for row in element["rows"].as_array().into_iter().flatten() {
                    let cell = |column: &'_ Value| row[column["name"].as_str().unwrap_or_default()].clone();
                    let columns = element["columns"].as_array().into_iter().flatten();
                    let cells: Vec<String> = columns.map(|c| cell(c).as_str().unwrap_or_default().to_owned()).collect();
                    lines.push(cells.join(" | "));
                }
            }
            Some(_) | None => {}
        }
    }
    lines.retain(|line| !line.is_empty());
    lines.join("\n").replace('\u{2060}', "")
}

fn elements(card: &Value) -> impl Iterator<Item = &Value> {
    card["body"]["elements"].as_array().into_iter().flatten()
}

fn content(text: &Value) -> &str {
    text["content"].as_str().unwrap_or_default()
}

fn row_of<'a>(table: &'a Value, cell: impl Fn(&'a Value) -> &'a str) -> Vec<String> {
    table["columns"].as_array().into_iter().flatten().map(|column| cell(column).to_owned()).collect()
}

fn element_html(element: &Value) -> String {
    match element["tag"].as_str() {
        Some("markdown") => {
            let class = if element["text_size"] == "notation" { " class=\"small\"" } else { "" };
            format!("<div{class}>{}</div>", markdown(element["content"].as_str().unwrap_or_default()))
        }
        Some("hr") => "<hr>".to_owned(),
        Some("button") => {
            let url = element["behaviors"][0]["default_url"].as_str().unwrap_or_default();
            format!("<div><a class=\"button\" href=\"{}\">{}</a></div>", escape(url), escape(content(&element["text"])))
        }
        Some("table") => table_html(element),
        Some(other) => format!("<div>({})</div>", escape(other)),
        None => String::new(),
    }
}

fn table_html(table: &Value) -> String {
    let head: String = row_of(table, |c| c["display_name"].as_str().unwrap_or_default())
        .iter()
        .map(|title| format!("<th>{}</th>", escape(title)))
        .collect();
    let names = row_of(table, |c| c["name"].as_str().unwrap_or_default());
    let rows: String = table["rows"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|row| {
            let cell = |name: &String| format!("<td>{}</td>", escape(row[name.as_str()].as_str().unwrap_or_default()));
            format!("<tr>{}</tr>", names.iter().map(cell).collect::<String>())
        })
        .collect();
    format!("<div><table><tr>{head}</tr>{rows}</table></div>")
}

/// The part of Feishu's Markdown that cards of ours use.
fn markdown(source: &str) -> String {
    let mut out = String::new();
    let mut code: Option<Vec<&str>> = None;
    for line in source.lines() {
        match (&mut code, line.starts_with("```")) {
            (Some(lines), true) => {
                out.push_str(&format!("<pre>{}</pre>", escape(&lines.join("\n"))));
                code = None;
            }
            (Some(lines), false) => lines.push(line),
            (None, true) => code = Some(Vec::new()),
            (None, false) => match (line.strip_prefix("> "), line.strip_prefix("- ")) {
                (Some(quoted), _) => out.push_str(&format!("<blockquote>{}</blockquote>", inline(quoted))),
                (None, Some(item)) => out.push_str(&format!("<div>• {}</div>", inline(item))),
                (None, None) => out.push_str(&format!("<div>{}</div>", inline(line))),
            },
        }
    }
    out
}

/// Bold, code, links, colours and mentions. Entities are kept: the browser decodes them.
fn inline(line: &str) -> String {
    let mut out = String::new();
    for (n, piece) in line.split('`').enumerate() {
        if n % 2 == 1 {
            out.push_str(&format!("<code>{}</code>", escape(piece)));
            continue;
        }
        let mut bold = false;
        for (n, part) in piece.split("**").enumerate() {
            if n > 0 {
                out.push_str(if bold { "</b>" } else { "<b>" });
                bold = !bold;
            }
            out.push_str(&links(part));
        }
        if bold {
            out.push_str("</b>");
        }
    }
    out.replace("<at id=", "<span class=\"at\">@<!--").replace("></at>", "--></span>")
}

fn links(text: &str) -> String {
    let Some((before, rest)) = text.split_once('[') else {
        return text.to_owned();
    };
    match rest.split_once("](").and_then(|(label, tail)| tail.split_once(')').map(|(url, after)| (label, url, after))) {
        Some((label, url, after)) => {
            format!("{before}<a href=\"{}\">{label}</a>{}", escape(url), links(after))
        }
        None => text.to_owned(),
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Numeric entities as characters, and the marks of bold text away.
fn decode(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("&#") {
        out.push_str(before);
        let end =
            after.split_once(';').and_then(|(n, tail)| n.parse().ok().and_then(char::from_u32).map(|c| (c, tail)));
        match end {
            Some((c, tail)) => {
                out.push(c);
                rest = tail;
            }
            None => {
                out.push_str("&#");
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out.replace("**", "").replace("<font color='grey'>", "").replace("</font>", "")
}
