//! Columns for people, also where characters are two columns wide.

use unicode_width::UnicodeWidthStr;

use crate::store::Millis;

/// Rows under a head, each column as wide as it must be; the last one may run on.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width());
        cells.chain(head.get(column).map(|cell| cell.width())).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |cells: Vec<&str>| {
        let padded = cells.iter().zip(&widths).map(|(cell, wide)| {
            let room = wide.saturating_sub(cell.width());
            format!("{cell}{}", " ".repeat(room))
        });
        format!("{}\n", padded.collect::<Vec<_>>().join("  ").trim_end())
    };
    let body = rows.iter().map(|row| line(row.iter().map(String::as_str).collect()));
    std::iter::once(line(head.to_vec())).chain(body).collect()
}

/// How long ago, in the largest unit that says something: `45s`, `12m`, `7h`, `3d`.
pub fn age(since: Millis, now: Millis) -> String {
    let seconds = (now - since).max(0) / 1_000;
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7_200 => format!("{}m", seconds / 60),
        7_200..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_with_wide_characters() {
        let rows =
            vec![vec!["1".to_owned(), "严重".to_owned(), "x".to_owned()], vec!["22".into(), "ok".into(), "y".into()]];
        assert_eq!(table(&["ID", "S", "T"], &rows), "ID  S     T\n1   严重  x\n22  ok    y\n");
    }

    #[test]
    fn ages_take_the_unit_that_says_something() {
        let ages = [5_000, 600_000, 36_000_000, 400_000_000].map(|past| age(0, past));
        assert_eq!(ages, ["5s", "10m", "10h", "4d"]);
    }
}
