//! A size that the storage does not sell, read from the many ways in which vendors say so.

use crate::class::Class;
use crate::event::Event;
use crate::evidence::Evidence;
use crate::finding::{Cite, Finding, text};
use crate::object::Object;
use crate::pattern::Pattern;
use crate::quantity;

/// What the storage allows, in bytes, with the text to show.
#[derive(Debug, Clone, PartialEq, Default)]
struct Bounds {
    least: Option<f64>,
    most: Option<f64>,
}

const GI: f64 = 1024.0 * 1024.0 * 1024.0;

static RANGE: Pattern = Pattern::new(
    r"(?i)(?:\[|\(|between |range (?:is |of |from )?|from )\s*(\d+(?:\.\d+)?)\s*([KMGTP]i?B?|bytes)?\s*(?:,|-|~|\.\.|to|and)\s*(\d+(?:\.\d+)?)\s*([KMGTP]i?B?|bytes)?",
);
static LEAST: Pattern = Pattern::new(
    r"(?i)(?:at least|no less than|not (?:be )?(?:less|smaller) than|cannot be (?:less|smaller) than|can't be (?:less|smaller) than|less than (?:the )?(?:minimum|minimal)[^0-9]{0,40}|smaller than (?:the )?(?:minimum|minimal|allowed)?[^0-9]{0,40}|greater than or equal to|larger than or equal to|>=|minimum[^0-9]{0,60}|minimal[^0-9]{0,40}|too small[^0-9]{0,60}min[^0-9]{0,40})\s*'?(\d+(?:\.\d+)?)'?\s*([KMGTP]i?B?|bytes)?",
);
static MOST: Pattern = Pattern::new(
    r"(?i)(?:at most|no more than|not (?:be )?(?:more|greater|larger|bigger) than|cannot (?:be (?:more|greater|larger|bigger) than|exceed)|can't exceed|must not exceed|exceeds? (?:the )?(?:maximum|max|limit)?[^0-9]{0,60}|less than or equal to|smaller than or equal to|<=|maximum[^0-9]{0,60}|max(?:imal)? [^0-9]{0,40}|too (?:large|big)[^0-9]{0,60}max[^0-9]{0,40}|up to)\s*'?(\d+(?:\.\d+)?)'?\s*([KMGTP]i?B?|bytes)?",
);
/// Nothing but that the size is wrong.
static WRONG: Pattern = Pattern::new(
    r"(?i)InvalidDiskSize|disk size is (?:invalid|not supported|not valid)|invalid (?:disk|volume) size|specified disk size|size .{0,30}(?:out of range|is not supported)|InvalidParameterValue.{0,20}[Vv]olume size|OutofRange.{0,40}[Ss]ize|[Ss]ize.{0,40}OutOfRange|volume_size",
);
static ABOUT_SIZE: Pattern = Pattern::new(r"(?i)size|capacity|GiB|[0-9]Gi\b|GB\b|storage request");

/// Whether an error is about the size.
pub fn is_about(message: &str) -> bool {
    ABOUT_SIZE.is_match(message)
        && (WRONG.is_match(message) || LEAST.is_match(message) || MOST.is_match(message) || RANGE.is_match(message))
}

pub fn cause(evidence: &Evidence, claim: &Object, event: &Event) -> Option<Finding> {
    let asked = claim.str("/spec/resources/requests/storage");
    let value = quantity::parse(asked)?;
    let bounds = bounds(&event.message);
    if let Some(least) = bounds.least.filter(|&least| value < least) {
        return Some(below(evidence, claim, event, asked, least, bounds.most));
    }
    if let Some(most) = bounds.most.filter(|&most| value > most) {
        return Some(above(evidence, claim, event, asked, most));
    }
    if !WRONG.is_match(&event.message) {
        return None;
    }
    // the vendors' disks start at 10 or 20 GiB and end at 32 or 64 TiB
    if value < 20.0 * GI {
        return Some(below(evidence, claim, event, asked, 20.0 * GI, None).likely());
    }
    (value > 32.0 * 1024.0 * GI).then(|| above(evidence, claim, event, asked, 32.0 * 1024.0 * GI).likely())
}

fn bounds(message: &str) -> Bounds {
    let bytes = |number: &str, unit: Option<&str>| {
        let unit = unit.unwrap_or("Gi").to_uppercase().replace("IB", "I").replace('I', "i");
        match unit.as_str() {
            "BYTES" => number.parse().ok(),
            // vendors write GB and mean GiB
            unit => quantity::parse(&format!("{number}{}i", unit.trim_end_matches('B').trim_end_matches('i'))),
        }
    };
    if let Some(range) = RANGE.captures(message) {
        let unit = |group| range.get(group).map(|m| m.as_str());
        let number = |group| range.get(group).map_or("", |m| m.as_str());
        let (low, high) = (bytes(number(1), unit(2).or(unit(4))), bytes(number(3), unit(4).or(unit(2))));
        if low < high {
            return Bounds { least: low, most: high };
        }
    }
    let one = |pattern: &Pattern| {
        let found = pattern.captures(message)?;
        let unit = found.get(2).map(|m| m.as_str());
        let number = found.get(1)?.as_str();
        // large bare numbers are bytes
        let unit = if unit.is_none() && number.len() > 7 { Some("bytes") } else { unit };
        bytes(number, unit)
    };
    Bounds { least: one(&LEAST), most: one(&MOST) }
}

/// Bytes as a quantity that a claim can ask for.
fn show(bytes: f64) -> String {
    let gi = bytes / GI;
    if gi >= 1.0 { format!("{}Gi", gi.ceil()) } else { format!("{}Mi", (bytes / 1024.0 / 1024.0).ceil()) }
}

fn below(evidence: &Evidence, claim: &Object, event: &Event, asked: &str, least: f64, most: Option<f64>) -> Finding {
    let (name, class, least) = (claim.re.path(), claim.str("/spec/storageClassName"), show(least));
    let (zh, en) = most.map_or((String::new(), String::new()), |m| {
        let m = show(m);
        (format!("（最大 {m}）"), format!(" (largest {m})"))
    });
    let statement = text(
        format!("PVC {name} 申请 {asked}，而存储类 {class} 的磁盘从 {least} 起{zh}，所以卷创建不了"),
        format!("claim {name} asks for {asked}, but disks of class {class} start at {least}{en}, so no volume is made"),
    );
    let finding = Finding::new(Class::VolumeSizeBelowMinimum, &claim.re, statement)
        .cite(event.cite())
        .cite(Cite::field(claim, "/spec/resources/requests/storage"));
    super::remake::with(evidence, claim, finding, |spec| {
        spec["resources"] = serde_json::json!({"requests": {"storage": least}});
    })
}

fn above(evidence: &Evidence, claim: &Object, event: &Event, asked: &str, most: f64) -> Finding {
    let (name, class) = (claim.re.path(), claim.str("/spec/storageClassName"));
    let most = format!("{}Gi", (most / GI).floor());
    let statement = text(
        format!("PVC {name} 申请 {asked}，而存储类 {class} 的磁盘最大 {most}，所以卷创建不了"),
        format!("claim {name} asks for {asked}, but disks of class {class} end at {most}, so no volume is made"),
    );
    let finding = Finding::new(Class::VolumeSizeAboveMaximum, &claim.re, statement)
        .cite(event.cite())
        .cite(Cite::field(claim, "/spec/resources/requests/storage"));
    super::remake::with(evidence, claim, finding, |spec| {
        spec["resources"] = serde_json::json!({"requests": {"storage": most}});
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_bounds_that_vendors_write() {
        let gi = |n: f64| Some(n * GI);
        for (message, least, most) in [
            ("disk size is invalid: requested 5Gi, must be in [10Gi, 32000Gi] with step 10Gi", gi(10.0), gi(32000.0)),
            ("size: must be between 10 and 32768", gi(10.0), gi(32768.0)),
            ("InvalidDiskSize: disk you needs at least 20GB size", gi(20.0), None),
            ("InvalidParameterValue: Volume size cannot be less than 125 GiB", gi(125.0), None),
            ("Invalid value for field 'resource.sizeGb': '5'. Must be greater than or equal to '10'", gi(10.0), None),
            (
                "requested volume size 1073741824 is too small; the minimum volume size is 20971520 bytes",
                Some(20_971_520.0),
                None,
            ),
            ("volume size exceeds the maximum of 65536 GiB", None, gi(65536.0)),
            ("volume size cannot be smaller than 20Gi", gi(20.0), None),
            ("Volume of 70000 GiB is too large for volume type gp3; maximum is 65536 GiB", None, gi(65536.0)),
        ] {
            assert_eq!(bounds(message), Bounds { least, most }, "{message}");
        }
    }
}
