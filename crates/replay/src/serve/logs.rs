//! Container logs with the API server's options and its refusals.

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::failure::Failure;
use super::query::Parameters;
use crate::recording::{LogKey, Recording};

/// A kubelet writes exactly this many digits of a second, hardly any program does: so the prefix is known as a kubelet's.
const FRACTION_DIGITS: usize = 9;

pub(super) fn answer(recording: &Recording, pod: &Value, parameters: &Parameters) -> Result<Response, Failure> {
    let container = container(pod, parameters.text("container"))?;
    let previous = parameters.flag("previous");
    let options = Options {
        tail: parameters.number("tailLines")?,
        limit: parameters.number("limitBytes")?,
        since: since(recording.time, parameters)?,
        timestamps: parameters.flag("timestamps"),
    };
    let text = |field: &str| pod["metadata"][field].as_str().unwrap_or_default();
    let key = LogKey::new(text("namespace"), text("name"), &container, previous);
    let log = match recording.logs.get(&key) {
        Some(log) => String::from_utf8_lossy(log),
        None => {
            let title = key.title();
            if let Some(why) = recording.gaps.get(&title) {
                return Err(Failure::not_recorded(&title, why));
            }
            refuse_if_never_written(pod, &container, previous)?;
            String::new().into()
        }
    };
    Ok(([(CONTENT_TYPE, "text/plain")], options.cut(&log)).into_response())
}

fn since(now: Timestamp, parameters: &Parameters) -> Result<Option<Timestamp>, Failure> {
    if let Some(seconds) = parameters.number::<i64>("sinceSeconds")? {
        return Ok(now.checked_sub(SignedDuration::from_secs(seconds)).ok());
    }
    parameters.number("sinceTime")
}

struct Options {
    tail: Option<usize>,
    limit: Option<usize>,
    since: Option<Timestamp>,
    timestamps: bool,
}

impl Options {
    fn cut(&self, log: &str) -> String {
        let stamped = log.lines().next().is_some() && log.lines().all(|line| line.is_empty() || stamp(line).is_some());
        let mut lines: Vec<&str> = log.split_inclusive('\n').collect();
        if let (Some(since), true) = (self.since, stamped) {
            lines.retain(|line| stamp(line).is_none_or(|(time, _)| time >= since));
        }
        if let Some(tail) = self.tail {
            lines.drain(..lines.len().saturating_sub(tail));
        }
        let plain = |line| {
            if stamped && !self.timestamps { stamp(line).map_or(line, |(_, rest)| rest) } else { line }
        };
        let mut text: String = lines.into_iter().map(plain).collect();
        if let Some(limit) = self.limit {
            text.truncate(text.floor_char_boundary(limit));
        }
        text
    }
}

/// The kubelet's time before a line, and the line.
fn stamp(line: &str) -> Option<(Timestamp, &str)> {
    let (time, rest) = line.split_once(' ')?;
    let (_, fraction) = time.split_once('.')?;
    let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
    (digits == FRACTION_DIGITS).then(|| Some((time.parse().ok()?, rest)))?
}

fn container(pod: &Value, named: Option<&str>) -> Result<String, Failure> {
    let pod_name = pod["metadata"]["name"].as_str().unwrap_or_default();
    let names = |field: &str| -> Vec<&str> {
        let containers = pod["spec"][field].as_array().map(Vec::as_slice).unwrap_or_default();
        containers.iter().filter_map(|container| container["name"].as_str()).collect()
    };
    let (main, init) = (names("containers"), names("initContainers"));
    if let Some(named) = named {
        let known = [&main, &init, &names("ephemeralContainers")].iter().any(|list| list.contains(&named));
        return if known {
            Ok(named.to_owned())
        } else {
            Err(Failure::bad_request(format!("container {named} is not valid for pod {pod_name}")))
        };
    }
    match main.as_slice() {
        [only] => Ok((*only).to_owned()),
        [] => Err(Failure::bad_request(format!("a container name must be specified for pod {pod_name}"))),
        several => {
            let mut message = format!(
                "a container name must be specified for pod {pod_name}, choose one of: [{}]",
                several.join(" ")
            );
            if !init.is_empty() {
                message.push_str(&format!(" or one of the init containers: [{}]", init.join(" ")));
            }
            Err(Failure::bad_request(message))
        }
    }
}

/// Where no log was recorded: the kubelet's refusal if there can have been none, else nothing (it was empty or not taken).
fn refuse_if_never_written(pod: &Value, container: &str, previous: bool) -> Result<(), Failure> {
    let pod_name = pod["metadata"]["name"].as_str().unwrap_or_default();
    let status = ["containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"]
        .iter()
        .filter_map(|field| pod["status"][field].as_array())
        .flatten()
        .find(|status| status["name"] == container);
    let ended_before = status.is_some_and(|status| status["lastState"]["terminated"].is_object());
    if previous {
        if ended_before {
            return Ok(());
        }
        return Err(Failure::bad_request(format!(
            "previous terminated container \"{container}\" in pod \"{pod_name}\" not found"
        )));
    }
    let waiting = status.and_then(|status| status["state"]["waiting"].as_object());
    let (Some(waiting), false) = (waiting, ended_before) else {
        return Ok(());
    };
    let reason = match waiting.get("reason").and_then(Value::as_str).unwrap_or_default() {
        "ErrImagePull" => "image can't be pulled",
        "ImagePullBackOff" => "trying and failing to pull image",
        "" => return Ok(()),
        other => other,
    };
    Err(Failure::bad_request(format!("container \"{container}\" in pod \"{pod_name}\" is waiting to start: {reason}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "2026-01-01T00:00:00.000000001Z one\n2026-01-01T00:00:01.000000001Z two\n2026-01-01T00:00:02.000000001Z drei\u{e9}\n";

    fn cut(log: &str, tail: Option<usize>, limit: Option<usize>, since: Option<&str>, timestamps: bool) -> String {
        let since = since.map(|text| text.parse().unwrap());
        Options { tail, limit, since, timestamps }.cut(log)
    }

    #[test]
    fn a_log_is_cut_as_asked() {
        assert_eq!(cut(LOG, None, None, None, false), "one\ntwo\ndrei\u{e9}\n");
        assert_eq!(cut(LOG, None, None, None, true), LOG);
        assert_eq!(cut(LOG, Some(1), None, None, false), "drei\u{e9}\n");
        assert_eq!(cut(LOG, Some(0), None, None, false), "");
        assert_eq!(cut(LOG, Some(1), Some(5), None, false), "drei");
        assert_eq!(cut(LOG, None, None, Some("2026-01-01T00:00:01Z"), false), "two\ndrei\u{e9}\n");
    }

    #[test]
    fn a_programs_own_time_stays() {
        let log = "2026-01-01T00:00:00.123Z INFO up\nplain\n";
        assert_eq!(cut(log, None, None, Some("2027-01-01T00:00:00Z"), false), log);
    }
}
