//! A policy file that is read again when it changes. A broken one leaves the last good one in force.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use super::{Policy, Problem};
use crate::canonical::Digest;

/// What a look at the file came to.
#[derive(Debug, Clone)]
pub enum Change {
    /// Another policy stands in the file. It comes into force with `adopt`.
    Found(Found),
    /// The file has problems, or is gone; what was in force stays. Told once.
    Kept { problems: Vec<Problem>, in_force: Digest },
}

#[derive(Debug, Clone)]
pub struct Found {
    pub before: Digest,
    pub policy: Arc<Policy>,
    seen: Seen,
}

/// Clones share what is in force.
#[derive(Clone)]
pub struct PolicyFile {
    path: Option<PathBuf>,
    state: Arc<RwLock<State>>,
}

struct State {
    policy: Arc<Policy>,
    seen: Seen,
}

/// How the file looked; a change that keeps time and size is found by its content.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Seen {
    Nothing,
    File { modified: Option<SystemTime>, size: u64, content: Digest },
}

impl PolicyFile {
    /// Without a path: the built-in policy. A file that has to hold must be good at the start.
    pub fn open(path: Option<&Path>) -> Result<Self, Vec<Problem>> {
        let Some(path) = path else {
            let state = State { policy: Arc::new(Policy::default()), seen: Seen::Nothing };
            return Ok(Self { path: None, state: Arc::new(RwLock::new(state)) });
        };
        let (text, seen) = look(path).map_err(|text| vec![Problem { line: 1, text }])?;
        let policy = Arc::new(Policy::parse(&text)?);
        tracing::info!(file = %path.display(), number = policy.number(), version = %policy.version(), "policy in force");
        Ok(Self { path: Some(path.to_owned()), state: Arc::new(RwLock::new(State { policy, seen })) })
    }

    /// What is in force now.
    pub fn current(&self) -> Arc<Policy> {
        self.state.read().unwrap_or_else(PoisonError::into_inner).policy.clone()
    }

    /// Looks at the file; call it every few seconds. What it finds is written into the audit log first and adopted then, so
    /// that nothing gets looser without an entry; until it is adopted, each look finds it again.
    pub fn poll(&self) -> Option<Change> {
        let path = self.path.as_deref()?;
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let before = state.policy.version();
        let problems = match look(path) {
            Ok((_, seen)) if seen == state.seen => return None,
            Ok((text, seen)) => match Policy::parse(&text) {
                Ok(policy) if policy.version() == before => {
                    state.seen = seen;
                    return None;
                }
                Ok(policy) => return Some(Change::Found(Found { before, policy: Arc::new(policy), seen })),
                Err(problems) => {
                    state.seen = seen;
                    problems
                }
            },
            Err(_) if state.seen == Seen::Nothing => return None,
            Err(text) => {
                state.seen = Seen::Nothing;
                vec![Problem { line: 1, text }]
            }
        };
        tracing::error!(file = %path.display(), line = problems.first().map(|problem| problem.line),
            problem = problems.first().map(|problem| problem.text.as_str()), in_force = %before,
            "the policy file cannot be used; the last good policy stays in force");
        Some(Change::Kept { problems, in_force: before })
    }

    /// Puts a policy that was found into force.
    pub fn adopt(&self, found: Found) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        tracing::warn!(number = found.policy.number(), version = %found.policy.version(), before = %found.before,
            "another policy is in force");
        state.policy = found.policy;
        state.seen = found.seen;
    }
}

fn look(path: &Path) -> Result<(String, Seen), String> {
    let unreadable = |error: std::io::Error| format!("{} cannot be read: {error}", path.display());
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    let about = std::fs::metadata(path).map_err(unreadable)?;
    let seen = Seen::File { modified: about.modified().ok(), size: about.len(), content: Digest::of(text.as_bytes()) };
    Ok((text, seen))
}

#[cfg(test)]
mod test {
    use super::*;

    const TIGHT: &str = "version: 1\nrules: []\n";
    const LOOSE: &str = "version: 2\nrules:\n- approve: {class: W}\n";

    #[test]
    fn another_policy_waits_until_it_is_adopted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy.yaml");
        std::fs::write(&path, TIGHT).unwrap();
        let file = PolicyFile::open(Some(&path)).unwrap();
        assert!(file.poll().is_none());
        std::fs::write(&path, LOOSE).unwrap();
        for _ in 0..2 {
            assert!(matches!(file.poll(), Some(Change::Found(_))));
            assert_eq!(file.current().number(), 1, "nothing gets looser by itself");
        }
        let Some(Change::Found(found)) = file.poll() else { panic!("it is still there") };
        file.adopt(found);
        assert_eq!(file.current().number(), 2);
        assert!(file.poll().is_none());
    }

    #[test]
    fn a_broken_or_lost_file_leaves_the_last_good_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy.yaml");
        std::fs::write(&path, TIGHT).unwrap();
        let file = PolicyFile::open(Some(&path)).unwrap();
        std::fs::write(&path, "version: 2\nrules:\n- allow: {class: W}\n").unwrap();
        let Some(Change::Kept { problems, .. }) = file.poll() else { panic!("it was looked at") };
        assert_eq!(problems[0].line, 3);
        assert!(file.poll().is_none(), "told once");
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(file.poll(), Some(Change::Kept { .. })));
        assert!(file.poll().is_none());
        assert_eq!(file.current().number(), 1);
        std::fs::write(&path, TIGHT).unwrap();
        assert!(file.poll().is_none());
        std::fs::write(&path, LOOSE).unwrap();
        assert!(matches!(file.poll(), Some(Change::Found(_))));
    }

    #[test]
    fn a_start_without_a_good_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(PolicyFile::open(Some(&folder.path().join("none.yaml"))).is_err());
        let file = PolicyFile::open(None).unwrap();
        assert_eq!(file.current().version(), Digest::of(Policy::default_text().as_bytes()));
        assert!(file.poll().is_none());
    }
}
