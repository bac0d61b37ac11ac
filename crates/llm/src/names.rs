//! Names of tools as every provider takes them, and the way back: tool servers call their tools anything.

use std::collections::BTreeMap;

use crate::request::Tool;

const LONGEST: usize = 64;

/// Own names and those on the wire.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    to_wire: BTreeMap<String, String>,
    back: BTreeMap<String, String>,
}

impl Names {
    pub fn new(tools: &[Tool]) -> Self {
        let mut names = Self::default();
        // names that are fine keep their place before others are bent
        let (fine, bent): (Vec<_>, Vec<_>) = tools.iter().partition(|tool| wire(&tool.name) == tool.name);
        for tool in fine.into_iter().chain(bent) {
            let mut name = wire(&tool.name);
            if names.back.contains_key(&name) || name.is_empty() {
                let mark = format!("_{:08x}", hash(&tool.name));
                name.truncate(LONGEST - mark.len());
                name.push_str(&mark);
            }
            names.back.insert(name.clone(), tool.name.clone());
            names.to_wire.insert(tool.name.clone(), name);
        }
        names
    }

    /// The name on the wire; an unknown one of an old message is bent alike.
    pub fn wire(&self, name: &str) -> String {
        self.to_wire.get(name).cloned().unwrap_or_else(|| wire(name))
    }

    /// The own name; an invented one stays as it is.
    pub fn back(&self, name: &str) -> String {
        self.back.get(name).cloned().unwrap_or_else(|| name.to_owned())
    }
}

/// Letters, digits, `_` and `-`, a letter first, and not too long.
fn wire(name: &str) -> String {
    let mut text: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '_' }).collect();
    if !text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        text.insert_str(0, "t_");
    }
    if text.len() > LONGEST {
        let mark = format!("_{:08x}", hash(name));
        text.truncate(LONGEST - mark.len());
        text.push_str(&mark);
    }
    text
}

/// FNV-1a: the same in every process, so that a provider's prompt cache holds.
pub(crate) fn hash(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(name: &str) -> Tool {
        Tool { name: name.to_owned(), description: String::new(), parameters: serde_json::json!({}) }
    }

    #[test]
    fn names_are_safe_unique_and_come_back() {
        let long = "x".repeat(90);
        let names = ["pods.list", "pods_list", "获取事件", "获取日志", "1st", &long, "good-name"];
        let tools: Vec<Tool> = names.iter().map(|name| tool(name)).collect();
        let map = Names::new(&tools);
        let wire: std::collections::BTreeSet<String> = names.iter().map(|name| map.wire(name)).collect();
        assert_eq!(wire.len(), names.len(), "{wire:?}");
        for name in names {
            let sent = map.wire(name);
            assert!(
                sent.len() <= LONGEST && sent.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c)),
                "{sent}"
            );
            assert_eq!(map.back(&sent), name);
        }
        assert_eq!(map.wire("pods_list"), "pods_list");
        assert_eq!(map.back("invented"), "invented");
    }
}
