//! Names that a person could have mixed up: a letter off, or one with a prefix or suffix more.

/// The candidate most like `name`; None when none is near. The same name is not near, it is right.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates.into_iter().filter(|c| *c != name) {
        let Some(distance) = distance(name, candidate) else { continue };
        if best.is_none_or(|b| (distance, candidate) < b) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// How far apart two near names are; None when they are not near.
pub fn distance(a: &str, b: &str) -> Option<usize> {
    let edits = edits(a, b);
    let allowed = match a.len().min(b.len()) {
        0..=2 => 0,
        3..=4 => 1,
        5..=9 => 2,
        _ => 3,
    };
    if edits <= allowed {
        return Some(edits);
    }
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    let extended = short.len() >= 2 && long.split(['-', '.', '_']).count() > short.split(['-', '.', '_']).count();
    let parts = |c: char| matches!(c, '-' | '.' | '_');
    let prefix = long.strip_prefix(short).is_some_and(|rest| rest.starts_with(parts));
    let suffix = long.strip_suffix(short).is_some_and(|rest| rest.ends_with(parts));
    (extended && (prefix || suffix)).then_some(4 + long.len() - short.len())
}

/// Edits from one to the other; two neighbours exchanged count as one.
fn edits(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0usize; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = match (i, j) {
                (0, n) | (n, 0) => n,
                _ => {
                    let same = usize::from(a[i - 1] != b[j - 1]);
                    let plain = (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + same);
                    let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                    if swapped { plain.min(rows[i - 2][j - 2] + 1) } else { plain }
                }
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_or_an_extension_is_near_and_another_word_is_not() {
        assert_eq!(nearest("redis", ["postgres", "redsi", "web"]), Some("redsi"));
        assert_eq!(nearest("redis", ["redis-master", "rabbit"]), Some("redis-master"));
        assert_eq!(nearest("web", ["db", "web", "api"]), None);
    }
}
