//! Which kind of the API is meant, when a person or a model writes it in one way or another.

use std::borrow::Cow;

use cluster::discovery::{Discovery, discover};
use diagnose::{kinds, near};

use crate::context::Context;
use crate::trouble::Trouble;

/// A kind and where the API serves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kind {
    pub name: Cow<'static, str>,
    /// `v1`, `apps/v1`
    pub api_version: Cow<'static, str>,
    pub plural: Cow<'static, str>,
    pub namespaced: bool,
}

impl From<&'static kinds::Kind> for Kind {
    fn from(kind: &'static kinds::Kind) -> Self {
        Self {
            name: kind.name.into(),
            api_version: kind.api_version().into(),
            plural: kind.plural.into(),
            namespaced: kind.namespaced,
        }
    }
}

impl From<&cluster::discovery::Kind> for Kind {
    fn from(kind: &cluster::discovery::Kind) -> Self {
        let api_version =
            if kind.group.is_empty() { kind.version.clone() } else { format!("{}/{}", kind.group, kind.version) };
        Self {
            name: kind.kind.clone().into(),
            api_version: api_version.into(),
            plural: kind.plural.clone().into(),
            namespaced: kind.namespaced,
        }
    }
}

impl Kind {
    pub fn group(&self) -> &str {
        group_of(&self.api_version)
    }

    /// The path of its list, in one namespace or (`""`) over all.
    pub fn list_path(&self, namespace: &str) -> String {
        let root = if self.group().is_empty() { "/api" } else { "/apis" };
        match (self.namespaced, namespace) {
            (false, _) | (true, "") => format!("{root}/{}/{}", self.api_version, self.plural),
            (true, namespace) => format!("{root}/{}/namespaces/{namespace}/{}", self.api_version, self.plural),
        }
    }

    pub fn object_path(&self, namespace: &str, name: &str) -> String {
        format!("{}/{name}", self.list_path(namespace))
    }
}

fn group_of(api_version: &str) -> &str {
    api_version.rsplit_once('/').map_or("", |(group, _)| group)
}

/// A built-in kind, without a request to the server.
pub fn built_in(word: &str) -> Option<Kind> {
    kinds::by_word(word).map(Kind::from)
}

/// Finds the kind by its name, its plural or its short name. A wrong or old version of a known kind is put right; a kind
/// of another group is looked up in the cluster.
pub async fn resolve(context: &Context, api_version: Option<&str>, word: &str) -> Result<Kind, Trouble> {
    let known = built_in(word);
    if let Some(kind) = &known
        && api_version.is_none_or(|asked| group_of(asked) == kind.group())
    {
        return Ok(kind.clone());
    }
    let found = discover(&context.cluster()?.client).await;
    if let Some(kind) = listed(&found, api_version, word) {
        return Ok(kind);
    }
    known.ok_or_else(|| unknown(&found, api_version, word))
}

fn listed(found: &Discovery, api_version: Option<&str>, word: &str) -> Option<Kind> {
    let lower = word.to_lowercase();
    let named = |kind: &&cluster::discovery::Kind| {
        kind.kind == word || kind.kind.to_lowercase() == lower || kind.plural == lower
    };
    let mut kinds = found.kinds.iter().filter(named);
    match api_version {
        None => kinds.next().map(Kind::from),
        Some(asked) => {
            let kind = Kind::from(kinds.find(|kind| kind.group == group_of(asked))?);
            // discovery names the preferred version only; a group that a server has in several takes any of them
            Some(Kind { api_version: asked.to_owned().into(), ..kind })
        }
    }
}

fn unknown(found: &Discovery, api_version: Option<&str>, word: &str) -> Trouble {
    let title = |kind: &cluster::discovery::Kind| {
        let kind = Kind::from(kind);
        format!("{} {}", kind.api_version, kind.name)
    };
    let same: Vec<String> = found.kinds.iter().filter(|k| k.kind.eq_ignore_ascii_case(word)).map(title).collect();
    let near = if same.is_empty() {
        let names =
            |name: &str| near::nearest(name, found.kinds.iter().map(|kind| kind.kind.as_str())).map(str::to_owned);
        let close = names(word).or_else(|| names(&capital(word)));
        found.kinds.iter().filter(|kind| close.as_deref() == Some(&kind.kind)).map(title).collect()
    } else {
        same
    };
    let what = match api_version {
        Some(api_version) => format!("kind {word} of {api_version}"),
        None => format!("kind {word}"),
    };
    match found.gaps.first() {
        Some(gap) => Trouble::Missing {
            what: format!("{what} was not found."),
            how: format!("Not every API group answers, it may belong to one of these: {}: {}", gap.what, gap.why),
        },
        None => Trouble::NotFound { what, near },
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
