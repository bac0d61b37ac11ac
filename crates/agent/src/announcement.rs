//! Tells an answer from the mere announcement of a call, which models make and then stop.

const BEGINNINGS: &[&str] = &[
    "let me ",
    "let's ",
    "i will ",
    "i'll ",
    "i am going to ",
    "i'm going to ",
    "i need to ",
    "next, i",
    "now i",
    "first, i",
    "我将",
    "我会",
    "我来",
    "让我",
    "接下来",
    "我先",
    "我需要",
    "首先",
    "现在我",
];

const DEEDS: &[&str] = &[
    "check",
    "look",
    "call",
    "get ",
    "fetch",
    "run ",
    "inspect",
    "query",
    "list",
    "read",
    "use ",
    "examine",
    "find",
    "retrieve",
    "gather",
    "investigate",
    "调用",
    "查看",
    "检查",
    "查询",
    "获取",
    "看看",
    "看一下",
    "执行",
    "使用",
    "读取",
    "列出",
    "确认",
    "调查",
];

/// Longer texts say something by themselves.
const LONGEST: usize = 400;

/// True where the last sentence of a short text promises a call.
pub fn announces(text: &str) -> bool {
    let text = text.trim();
    if text.chars().count() > LONGEST {
        return false;
    }
    let lower = text.to_lowercase().replace('’', "'");
    let ends = |c: char| matches!(c, '.' | '!' | '?' | '。' | '！' | '？' | '\n');
    let last = lower.trim_end_matches(|c: char| ends(c) || matches!(c, ':' | '：' | '…') || c.is_whitespace());
    let last = last.rsplit(ends).next().unwrap_or(last).trim();
    BEGINNINGS.iter().any(|begin| last.starts_with(begin)) && DEEDS.iter().any(|deed| last.contains(deed))
}

#[cfg(test)]
mod tests {
    use super::announces;

    #[test]
    fn promises_of_a_call_are_announcements() {
        for text in [
            "Let me check the events of the claim.",
            "The pod is pending. I'll look at its claim:",
            "我将调用 events_list 查看事件。",
            "好的。让我查看一下该 PVC 的事件：",
            "I’m going to list the pods…",
        ] {
            assert!(announces(text), "{text}");
        }
    }

    #[test]
    fn answers_are_not() {
        for text in [
            "The claim asks for 5Gi, the class begins at 10Gi.",
            "请检查 PVC 的大小。",
            "Check the claim's size and raise it to 10Gi.",
            "Let me know if you need more.",
            "",
        ] {
            assert!(!announces(text), "{text}");
        }
        let long = "The cause is clear. ".repeat(40) + "Let me check the events.";
        assert!(!announces(&long));
    }
}
