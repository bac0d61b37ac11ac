//! Which rules apply, and what they come to together.

use serde_json::{Value, json};

use super::rule::{Effective, Fit, Rule};
use super::terms::Terms;
use super::{Asked, Decision, Effect, Policy};
use crate::class::Class;

impl Policy {
    /// Deny, then approve, then allow; the order of the rules does not matter.
    pub fn decide(&self, asked: &Asked<'_>) -> Decision {
        let class = asked.classified.class;
        if class == Class::N {
            let why = asked.classified.why.join("; ");
            return Decision { effect: Effect::Deny, rule: "built-in".to_owned(), why: format!("never: {why}") };
        }
        let now = self.now(asked);
        let mut found = Found::default();
        for (index, rule) in self.rules.iter().enumerate() {
            let wide = matches!(rule.kind, Effective::Deny);
            match (&rule.kind, rule.about.fits(asked, &now, wide)) {
                (_, Fit::No) | (Effective::Approve(_) | Effective::Allow, Fit::Unsure(_)) => {}
                (Effective::Deny, Fit::Yes) => found.deny(index, rule, None),
                (Effective::Deny, Fit::Unsure(why)) => found.deny(index, rule, Some(&why)),
                // A read waits for nobody, and a write is never let through at once, whatever a rule says.
                (Effective::Approve(asks), Fit::Yes) if class >= Class::W => {
                    found.approve(index, rule, asks.terms(class, self.protects(asked)));
                }
                // Of class X only pages of a kubelet are reads, and a rule has to name them.
                (Effective::Allow, Fit::Yes) if asked.request.verb.reads() => found.allow(index, rule),
                (Effective::Allow, Fit::Yes) if class <= Class::S => found.allow(index, rule),
                (Effective::Approve(_) | Effective::Allow, Fit::Yes) => {}
            }
        }
        found.decision(class)
    }

    fn protects(&self, asked: &Asked<'_>) -> bool {
        let namespace = asked.request.within().is_some_and(|namespace| self.scope.protects_namespace(namespace));
        let objects = [asked.live, asked.request.body.as_ref()];
        namespace || objects.into_iter().flatten().any(|object| self.scope.protects_labels_of(object))
    }

    fn now(&self, asked: &Asked<'_>) -> Value {
        let local = asked.now.to_zoned(self.zone.clone());
        json!({
            "time": asked.now.to_string(), "unix": asked.now.as_second(), "year": local.year(), "month": local.month(),
            "day": local.day(), "hour": local.hour(), "minute": local.minute(),
            "weekday": local.weekday().to_monday_one_offset()})
    }
}

#[derive(Default)]
struct Found {
    deny: Option<(String, String)>,
    approve: Option<(String, String, Terms)>,
    allow: Option<(String, String)>,
}

fn told(index: usize, rule: &Rule, otherwise: &str) -> (String, String) {
    let reason = rule.reason.as_deref().unwrap_or(otherwise);
    (format!("rules[{index}]"), format!("{reason} (line {})", rule.line))
}

impl Found {
    fn deny(&mut self, index: usize, rule: &Rule, unsure: Option<&str>) {
        let (name, mut why) = told(index, rule, "a rule denies it");
        if let Some(unsure) = unsure {
            why = format!("{why}; its condition could not be evaluated: {unsure}");
        }
        self.deny.get_or_insert((name, why));
    }

    fn approve(&mut self, index: usize, rule: &Rule, terms: Terms) {
        let (name, why) = told(index, rule, "people have to say yes to it");
        self.approve = Some(match self.approve.take() {
            None => (name, why, terms),
            Some((names, reasons, before)) => {
                (format!("{names}, {name}"), format!("{reasons}; {why}"), before.and(terms))
            }
        });
    }

    fn allow(&mut self, index: usize, rule: &Rule) {
        self.allow.get_or_insert(told(index, rule, "a rule allows it"));
    }

    fn decision(self, class: Class) -> Decision {
        if let Some((rule, why)) = self.deny {
            return Decision { effect: Effect::Deny, rule, why };
        }
        if let Some((rule, why, terms)) = self.approve {
            return Decision { effect: Effect::Approve(terms), rule, why };
        }
        if let Some((rule, why)) = self.allow {
            return Decision { effect: Effect::Allow, rule, why };
        }
        let (effect, why) = match class {
            Class::R => (Effect::Allow, "no rule is about it, and reads are allowed".to_owned()),
            Class::S | Class::W | Class::D | Class::X | Class::N => (
                Effect::Deny,
                format!("no rule allows it, and its class {} ({}) is refused then", class.as_str(), class.meaning()),
            ),
        };
        Decision { effect, rule: "built-in".to_owned(), why }
    }
}
