//! Which of the real names somebody may have meant. It is only said, never done.

/// The closest name, where one is close.
pub fn suggest<'a>(wrong: &str, names: &[&'a str]) -> Option<&'a str> {
    let wrong = wrong.to_lowercase().replace(['-', '.', ' '], "_");
    let near = |name: &&'a str| {
        let name = name.to_lowercase();
        if wrong.len() > 3 && (name.contains(&wrong) || wrong.contains(&name)) {
            return 0;
        }
        same_words(&wrong, &name).unwrap_or_else(|| distance(&wrong, &name))
    };
    let best = names.iter().map(|name| (near(name), *name)).min_by_key(|(far, _)| *far)?;
    (best.0 <= wrong.chars().count() / 3).then_some(best.1)
}

/// `get_pods` for `pods_get`.
fn same_words(a: &str, b: &str) -> Option<usize> {
    let words = |text: &str| {
        let mut words: Vec<String> = text.split('_').map(str::to_owned).collect();
        words.sort();
        words
    };
    (words(a) == words(b)).then_some(0)
}

/// How many letters have to change. Names are short, and what is too long is far.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().take(64).collect());
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut corner = i;
        let mut left = i + 1;
        for (j, y) in b.iter().enumerate() {
            let above = row.get(j + 1).copied().unwrap_or_default();
            let here = (corner + usize::from(x != y)).min(above + 1).min(left + 1);
            if let Some(cell) = row.get_mut(j) {
                *cell = left;
            }
            corner = above;
            left = here;
        }
        if let Some(cell) = row.last_mut() {
            *cell = left;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{distance, suggest};

    #[test]
    fn close_names_are_suggested_and_far_ones_are_not() {
        let names = ["pods_list", "pods_get", "events_list", "resources_get"];
        assert_eq!(suggest("get_pods", &names), Some("pods_get"));
        assert_eq!(suggest("event_list", &names), Some("events_list"));
        assert_eq!(suggest("pods-lst", &names), Some("pods_list"));
        assert_eq!(suggest("kubectl_exec_shell", &names), None);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
    }
}
