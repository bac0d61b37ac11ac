//! Which channels hear of an incident, and who is called there. Pure.

use std::collections::BTreeMap;

use notify::Mention;
use regex::Regex;

use crate::config::Route;
use crate::investigate::Asking;

#[derive(Debug, Clone)]
pub struct Routes {
    routes: Vec<Compiled>,
    all: Vec<String>,
}

#[derive(Debug, Clone)]
struct Compiled {
    matches: Vec<(String, Regex)>,
    channels: Vec<String>,
    mentions: Vec<Mention>,
    model: Option<Asking>,
}

impl Routes {
    /// `all` is every channel: where an alert goes if no routes are set. A route whose pattern does not compile matches
    /// nothing; the configuration check names it.
    pub fn new(routes: &[Route], all: Vec<String>) -> Self {
        let compile = |route: &Route| {
            let matches = route
                .matches
                .iter()
                .map(|(label, pattern)| Regex::new(&format!("^(?:{pattern})$")).map(|regex| (label.clone(), regex)));
            let matches = matches.collect::<Result<Vec<_>, _>>().ok()?;
            Some(Compiled {
                matches,
                channels: route.channels.clone(),
                mentions: route.mentions.clone(),
                model: route.model,
            })
        };
        Self { routes: routes.iter().filter_map(compile).collect(), all }
    }

    /// The channels for an alert with these labels. With routes set but none matching: every channel, for an alert that
    /// goes nowhere is worse than one that goes too far.
    pub fn channels(&self, labels: &BTreeMap<String, String>) -> &[String] {
        self.route(labels).map_or(&self.all, |route| &route.channels)
    }

    pub fn mentions(&self, labels: &BTreeMap<String, String>) -> &[Mention] {
        self.route(labels).map_or(&[], |route| &route.mentions)
    }

    /// When a model is asked about an alert with these labels, if its route says so.
    pub fn asking(&self, labels: &BTreeMap<String, String>) -> Option<Asking> {
        self.route(labels).and_then(|route| route.model)
    }

    fn route(&self, labels: &BTreeMap<String, String>) -> Option<&Compiled> {
        let value = |label: &str| labels.get(label).map_or("", String::as_str);
        self.routes.iter().find(|route| route.matches.iter().all(|(label, regex)| regex.is_match(value(label))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(matches: &[(&str, &str)], channel: &str) -> Route {
        Route {
            matches: matches.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            channels: vec![channel.to_owned()],
            mentions: vec![],
            model: None,
        }
    }

    #[test]
    fn the_first_match_wins_and_patterns_are_anchored() {
        let routes = Routes::new(
            &[route(&[("namespace", "shop")], "shop"), route(&[("severity", "critical|page")], "pager")],
            vec!["ops".to_owned()],
        );
        let labels = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        assert_eq!(routes.channels(&labels(&[("namespace", "shop"), ("severity", "critical")])), ["shop"]);
        assert_eq!(routes.channels(&labels(&[("namespace", "shop2"), ("severity", "page")])), ["pager"]);
        assert_eq!(routes.channels(&labels(&[("namespace", "shop2")])), ["ops"]);
    }
}
