//! Runs the rules over a text, once.

use crate::anchors::{ANCHORS, Anchor};
use crate::names::{self, Names};
use crate::{Class, Span, commands, hashes, headers, jwt, keyfiles, structure, urls, values, vendors};

/// What the rules find in the text as it stands.
pub fn find(text: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    structure::mark(text, &mut spans);
    let mut names = Names::default();
    let mut key_file_end = 0;
    let mut cookies_end = 0;
    let mut jwk_end = 0;
    for hit in ANCHORS.automaton.find_overlapping_iter(text) {
        let (start, end) = (hit.start(), hit.end());
        let found = match ANCHORS.kinds[hit.pattern().as_usize()] {
            Anchor::Name => {
                names.at(text, start, end, &mut spans);
                None
            }
            Anchor::KeyFile if start >= key_file_end => keyfiles::begin(text, start),
            Anchor::KeyFileEnd if start >= key_file_end => keyfiles::end(text, start),
            Anchor::KeyBody if start >= key_file_end => keyfiles::body(text, start, end),
            Anchor::KeyFile | Anchor::KeyFileEnd | Anchor::KeyBody => None,
            Anchor::Jwk => {
                if start >= jwk_end {
                    jwk_end = keyfiles::jwk(text, start, &mut spans);
                }
                None
            }
            Anchor::Jwt => jwt::at(text, start),
            Anchor::Url => urls::at(text, start, end),
            Anchor::Scheme => headers::scheme(text, start, end),
            Anchor::Cookie => {
                if start >= cookies_end {
                    cookies_end = headers::cookies(text, end, &mut spans);
                }
                None
            }
            Anchor::Hash => hashes::at(text, start, end),
            Anchor::Mailchimp => vendors::mailchimp(text, start),
            Anchor::Telegram => vendors::telegram(text, start),
            Anchor::Vendor(index) => vendors::at(text, start, &vendors::VENDORS[index]),
            Anchor::Webhook(index) => vendors::webhook(text, end, &vendors::WEBHOOKS[index]),
            Anchor::Command(index) => {
                commands::at(text, start, end, &commands::COMMANDS[index], &mut spans);
                None
            }
            Anchor::Login => commands::login(text, start, end),
            Anchor::Acl => commands::acl(text, end),
            Anchor::Identified => commands::identified(text, end),
            Anchor::Generated => generated(text, end),
        };
        if let Some(span) = found {
            if span.class == Class::PrivateKey {
                key_file_end = span.end;
            }
            spans.push(span);
        }
    }
    names::dotted(text, &mut spans);
    hashes::mark(text, &mut spans);
    commands::pgpass(text, &mut spans);
    spans.extend(memchr::memchr_iter(b'@', text.as_bytes()).filter_map(|at| urls::bare(text, at)));
    spans
}

/// The result of Terraform's `random_password`.
fn generated(text: &str, end: usize) -> Option<Span> {
    let window = &text[end..text.floor_char_boundary(end + 2000)];
    let field = window.find("result")?;
    let rest = &window[field + 6..];
    let value = rest.trim_start_matches(['\\', '"', ' ', ':', '=', '\n']);
    let start = end + field + 6 + rest.len() - value.len();
    let value = value.split(['"', '\\', '\n']).next().unwrap_or_default();
    (value.len() >= 4 && !values::harmless(value)).then_some(Span {
        start,
        end: start + value.len(),
        class: Class::Password,
    })
}
