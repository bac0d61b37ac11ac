//! The logs worth having: of every container that ran, and of the run before where it was restarted.

use serde_json::Value;

use super::{Options, ask};
use crate::recording::LogKey;

/// A server cuts a log's end off, not its start: it is asked for more than is kept, so that the newest lines are not the ones lost.
const ANSWER_BYTES: usize = 4 * 1024 * 1024;

pub(super) fn wanted(pods: &[Value]) -> Vec<LogKey> {
    let mut wanted = Vec::new();
    for pod in pods {
        let text = |field: &str| pod["metadata"][field].as_str().unwrap_or_default();
        let statuses = ["initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses"];
        for status in statuses.iter().filter_map(|field| pod["status"][field].as_array()).flatten() {
            let Some(container) = status["name"].as_str() else {
                continue;
            };
            let ended_before = status["lastState"]["terminated"].is_object();
            let ran = ["running", "terminated"].iter().any(|state| status["state"][state].is_object());
            if ran || ended_before {
                wanted.push(LogKey::new(text("namespace"), text("name"), container, false));
            }
            if ended_before && status["restartCount"].as_u64().is_some_and(|count| count > 0) {
                wanted.push(LogKey::new(text("namespace"), text("name"), container, true));
            }
        }
    }
    wanted
}

pub(super) async fn read(client: &kube::Client, log: &LogKey, options: &Options) -> Result<String, String> {
    let LogKey { namespace, pod, container, previous } = log;
    let mut lines = options.log_lines.max(1);
    loop {
        let path = format!(
            "/api/v1/namespaces/{namespace}/pods/{pod}/log?container={container}&previous={previous}&timestamps=true&tailLines={lines}&limitBytes={ANSWER_BYTES}"
        );
        let text = ask::text(client, &path, "*/*").await.map_err(|refusal| refusal.why)?;
        if text.len() < ANSWER_BYTES || lines == 1 {
            return Ok(newest(&text, options.log_bytes).to_owned());
        }
        lines = (lines / 10).max(1);
    }
}

/// The end of a text, from the start of a line.
fn newest(text: &str, bytes: usize) -> &str {
    let Some(surplus) = text.len().checked_sub(bytes).filter(|surplus| *surplus > 0) else {
        return text;
    };
    // The byte before counts too: the cut may already be at a line's start.
    let from = text.floor_char_boundary(surplus - 1);
    match text[from..].find('\n') {
        Some(end) if from + end + 1 < text.len() => &text[from + end + 1..],
        Some(_) | None => &text[text.ceil_char_boundary(surplus)..],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_newest_whole_lines_are_kept() {
        assert_eq!(newest("one\ntwo\nthree\n", 100), "one\ntwo\nthree\n");
        assert_eq!(newest("one\ntwo\nthree\n", 10), "two\nthree\n");
        assert_eq!(newest("one\ntwo\nthree\n", 9), "three\n");
        assert_eq!(newest("\u{e9}\u{e9}\u{e9}", 3), "\u{e9}");
    }

    #[test]
    fn only_logs_that_can_exist_are_asked_for() {
        let pod = json!({"metadata": {"namespace": "shop", "name": "cart"}, "status": {"containerStatuses": [
            {"name": "a", "restartCount": 0, "state": {"running": {}}},
            {"name": "b", "restartCount": 2, "state": {"waiting": {}}, "lastState": {"terminated": {}}},
            {"name": "c", "restartCount": 0, "state": {"waiting": {"reason": "ErrImagePull"}}}]}});
        let titles: Vec<String> = wanted(&[pod]).iter().map(LogKey::title).collect();
        assert_eq!(titles, ["log shop/cart/a", "log shop/cart/b", "previous log shop/cart/b"]);
    }
}
