//! Kubernetes quantities (`5Gi`, `250m`, `1e3`) as numbers.

/// The value in base units (bytes, cores); None when it is no quantity.
pub fn parse(text: &str) -> Option<f64> {
    let text = text.trim();
    if let Ok(number) = text.parse::<f64>() {
        return number.is_finite().then_some(number);
    }
    let at = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '+' | '-')))?;
    let number: f64 = text[..at].parse().ok()?;
    let factor = match &text[at..] {
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024f64,
        "Mi" => 1024f64.powi(2),
        "Gi" => 1024f64.powi(3),
        "Ti" => 1024f64.powi(4),
        "Pi" => 1024f64.powi(5),
        "Ei" => 1024f64.powi(6),
        _ => return None,
    };
    Some(number * factor)
}

/// A quantity found in a sentence, with a unit that vendors write (`10Gi`, `10 GiB`, `20GB`, `10G`); None without one.
pub fn parse_loose(text: &str) -> Option<f64> {
    let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    parse(compact.strip_suffix('B').unwrap_or(&compact))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_suffix() {
        for (text, value) in
            [("5Gi", 5.0 * 1024f64.powi(3)), ("250m", 0.25), ("1e3", 1000.0), ("2", 2.0), ("1.5k", 1500.0)]
        {
            assert_eq!(parse(text), Some(value), "{text}");
        }
        assert_eq!(parse("five"), None);
        assert_eq!(parse("5Qi"), None);
        assert_eq!(parse_loose("10 GiB"), parse("10Gi"));
    }
}
