//! Feishu card JSON 2.0 as the vendor reads it: unknown properties are refused; then the card as a page or as text.

use serde_json::{Value, json};

use super::Reply;
pub use super::card_html::{html, text};

/// Why a card is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    code: i64,
    inner: i64,
    what: String,
}

impl Fault {
    fn schema(what: impl Into<String>) -> Self {
        Self { code: 230_099, inner: 200_621, what: what.into() }
    }

    /// As the API says it.
    pub(crate) fn reply(&self) -> Reply {
        let text = format!("Failed to create card content, ext=ErrCode: {}; ErrMsg: {};", self.inner, self.what);
        Reply::json(&json!({"code": self.code, "msg": text, "data": {}}))
    }
}

/// The tags that we know, with the properties that each may have (beside `tag` and `element_id`).
const ELEMENTS: &[(&str, &[&str])] = &[
    ("markdown", &["content", "text_size", "text_align", "icon", "margin"]),
    ("hr", &["margin"]),
    ("div", &["text", "icon", "margin"]),
    ("button", &["text", "type", "size", "width", "icon", "behaviors", "disabled", "confirm", "margin", "name"]),
    (
        "table",
        &[
            "page_size",
            "row_height",
            "row_max_height",
            "freeze_first_column",
            "header_style",
            "columns",
            "rows",
            "margin",
        ],
    ),
    ("column_set", &["columns", "flex_mode", "horizontal_spacing", "background_style", "margin"]),
    ("column", &["elements", "width", "weight", "vertical_align", "padding", "background_style"]),
];
const COLUMN: &[&str] =
    &["name", "display_name", "data_type", "width", "horizontal_align", "vertical_align", "format", "date_format"];
const TEMPLATES: &[&str] = &[
    "blue",
    "wathet",
    "turquoise",
    "green",
    "yellow",
    "orange",
    "red",
    "carmine",
    "violet",
    "purple",
    "indigo",
    "grey",
    "default",
];
const MOST_ELEMENTS: usize = 200;
const MOST_TABLES: usize = 5;

/// Accept a card or say why not.
pub fn check(card: &Value) -> Result<(), Fault> {
    only(card, "card", &["schema", "config", "card_link", "header", "body"])?;
    if card["schema"] != "2.0" {
        return Err(Fault::schema("schema must be \"2.0\""));
    }
    if !card["config"].is_null() {
        let known = ["update_multi", "summary", "streaming_mode", "enable_forward", "width_mode", "style", "locales"];
        only(&card["config"], "config", &known)?;
    }
    if !card["header"].is_null() {
        let header = &card["header"];
        only(header, "header", &["title", "subtitle", "text_tag_list", "template", "icon", "padding"])?;
        plain(&header["title"], "header.title")?;
        if !header["subtitle"].is_null() {
            plain(&header["subtitle"], "header.subtitle")?;
        }
        if header["template"].as_str().is_some_and(|t| !TEMPLATES.contains(&t)) {
            return Err(Fault::schema(format!("unknown template {}", header["template"])));
        }
        let tags = header["text_tag_list"].as_array().map_or(&[][..], Vec::as_slice);
        if tags.len() > 3 {
            return Err(Fault::schema("more than 3 text tags"));
        }
        for tag in tags {
            only(tag, "text_tag", &["tag", "element_id", "text", "color"])?;
            plain(&tag["text"], "text_tag.text")?;
        }
    }
    only(&card["body"], "body", &["elements", "direction", "padding", "vertical_spacing", "horizontal_spacing"])?;
    let mut count = Count { elements: 0, tables: 0 };
    elements(&card["body"]["elements"], &mut count)?;
    match count {
        Count { tables, .. } if tables > MOST_TABLES => {
            Err(Fault { code: 230_099, inner: 11310, what: "card table number over limit".to_owned() })
        }
        Count { elements, .. } if elements > MOST_ELEMENTS => Err(Fault::schema("element number over limit")),
        Count { .. } => Ok(()),
    }
}

struct Count {
    elements: usize,
    tables: usize,
}

fn elements(list: &Value, count: &mut Count) -> Result<(), Fault> {
    let Some(list) = list.as_array() else {
        return Err(Fault::schema("elements must be a list"));
    };
    for element in list {
        count.elements += 1;
        let tag = element["tag"].as_str().unwrap_or_default();
        if tag == "action" {
            let what = "unsupported tag action; cards of schema V2 no longer support this capability";
            return Err(Fault { code: 230_099, inner: 200_861, what: what.to_owned() });
        }
        let Some((_, known)) = ELEMENTS.iter().find(|(name, _)| *name == tag) else {
            return Err(Fault::schema(format!("unknown tag {tag:?}")));
        };
        let all: Vec<&str> = known.iter().copied().chain(["tag", "element_id"]).collect();
        only(element, tag, &all)?;
        match tag {
            "markdown" if element["content"].as_str().is_none_or(str::is_empty) => {
                return Err(Fault::schema("markdown without content"));
            }
            "button" => button(element)?,
            "table" => {
                count.tables += 1;
                table(element)?;
            }
            "column_set" => elements(&element["columns"], count)?,
            "column" => elements(&element["elements"], count)?,
            _ => {}
        }
    }
    Ok(())
}

fn button(element: &Value) -> Result<(), Fault> {
    plain(&element["text"], "button.text")?;
    for behavior in element["behaviors"].as_array().into_iter().flatten() {
        let known = ["type", "default_url", "pc_url", "ios_url", "android_url", "value"];
        only(behavior, "behavior", &known)?;
        let url = behavior["default_url"].as_str().unwrap_or_default();
        if behavior["type"] == "open_url" && !url.starts_with("http") {
            return Err(Fault::schema("open_url without default_url"));
        }
    }
    Ok(())
}

fn table(element: &Value) -> Result<(), Fault> {
    let columns = element["columns"].as_array().map_or(&[][..], Vec::as_slice);
    if columns.is_empty() || columns.len() > 50 {
        return Err(Fault::schema("a table has 1 to 50 columns"));
    }
    if element["page_size"].as_i64().is_some_and(|size| !(1..=10).contains(&size)) {
        return Err(Fault::schema("page_size is 1 to 10"));
    }
    let mut names = Vec::new();
    for column in columns {
        only(column, "column", COLUMN)?;
        names.push(column["name"].as_str().ok_or_else(|| Fault::schema("column without name"))?);
    }
    for row in element["rows"].as_array().into_iter().flatten() {
        only(row, "row", &names)?;
    }
    Ok(())
}

fn plain(value: &Value, place: &str) -> Result<(), Fault> {
    only(value, place, &["tag", "content", "text_size", "text_color", "text_align", "lines", "i18n_content"])?;
    match value["content"].is_string() {
        true => Ok(()),
        false => Err(Fault::schema(format!("{place} without content"))),
    }
}

fn only(value: &Value, place: &str, known: &[&str]) -> Result<(), Fault> {
    let Some(map) = value.as_object() else {
        return Err(Fault::schema(format!("{place} must be an object")));
    };
    match map.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(Fault::schema(format!("unknown property, property: {key}, path: {place}"))),
        None => Ok(()),
    }
}
