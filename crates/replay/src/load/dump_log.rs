//! Takes the logs of single containers out of the file that `kubectl cluster-info dump` writes for a pod.

use bytes::Bytes;

use crate::recording::{LogKey, Logs};

const START: &str = "==== START logs for container ";
const END: &str = "==== END logs for container ";

pub(super) fn split(namespace: &str, pod: &str, content: &[u8], logs: &mut Logs) {
    let text = String::from_utf8_lossy(content);
    let mut open: Option<(String, String)> = None;
    for line in text.split_inclusive('\n') {
        if let Some(container) = container_of(line, START) {
            open = Some((container.to_owned(), String::new()));
            continue;
        }
        let Some((container, log)) = &mut open else {
            continue;
        };
        if container_of(line, END) != Some(container.as_str()) {
            log.push_str(line);
            continue;
        }
        let key = LogKey::new(namespace, pod, container, false);
        logs.insert(key, Bytes::from(std::mem::take(log)));
        open = None;
    }
    if let Some((container, log)) = open {
        logs.insert(LogKey::new(namespace, pod, &container, false), Bytes::from(log));
    }
}

fn container_of<'a>(line: &'a str, marker: &str) -> Option<&'a str> {
    let rest = line.trim_end().strip_prefix(marker)?.strip_suffix(" ====")?;
    rest.split(' ').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_container_gets_its_own_log() {
        let mut logs = Logs::new();
        let text = "==== START logs for container a of pod ns/p ====\none\ntwo\n==== END logs for container a of pod ns/p ====\n\
                    ==== START logs for container b of pod ns/p ====\nthree\n";
        split("ns", "p", text.as_bytes(), &mut logs);
        assert_eq!(logs[&LogKey::new("ns", "p", "a", false)], "one\ntwo\n");
        assert_eq!(logs[&LogKey::new("ns", "p", "b", false)], "three\n");
    }
}
