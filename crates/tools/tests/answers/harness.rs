//! A recorded cluster under the gate, and the tools called as the server calls them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use cluster::Limits;
use diagnose::Lang;
use jiff::Timestamp;
use replay::{Recording, Replay};
use serde_json::{Value, json};
use tools::{Answer, Caller, Context, Hands, OnlyReading, Progress, TOOLS, Trouble};

pub struct Bench {
    pub context: Context,
}

impl Bench {
    /// A recording of `evals/cases`.
    pub fn of_case(name: &str) -> Self {
        Self::of_folder(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../evals/cases").join(name).join("cluster"))
    }

    /// A cluster of these objects.
    pub fn of_objects(objects: &[Value]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("objects")).unwrap();
        let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
        std::fs::write(folder.path().join("objects/all.json"), list.to_string()).unwrap();
        std::fs::write(folder.path().join("cluster.yaml"), "name: made\ntime: 2026-01-01T12:00:00Z\n").unwrap();
        Self::of_folder(folder.path())
    }

    pub fn of_folder(folder: &Path) -> Self {
        let recording = Recording::load(folder).unwrap();
        let now = recording.time;
        let cluster = cluster::over("recorded", Replay::new(recording).router(), &Limits::default());
        Self::over(Ok(cluster), now)
    }

    pub fn over(cluster: Result<cluster::Cluster, String>, now: Timestamp) -> Self {
        let hands = OnlyReading { cluster: cluster.clone(), contexts: Vec::new(), prometheus: None, time: Some(now) };
        Self::with(cluster, now, Arc::new(hands))
    }

    pub fn with(cluster: Result<cluster::Cluster, String>, now: Timestamp, hands: Arc<dyn Hands>) -> Self {
        Self {
            context: Context {
                cluster,
                contexts: Vec::new(),
                hands,
                caller: Caller::new("alice", Vec::new()),
                prometheus: None,
                progress: Progress::default(),
                cancel: Default::default(),
                now,
                lang: Lang::En,
                room: 8 << 10,
            },
        }
    }

    pub async fn ask(&self, tool: &str, arguments: Value) -> Result<Answer, Trouble> {
        let tool = TOOLS.iter().find(|known| known.name == tool).unwrap_or_else(|| panic!("no tool {tool}"));
        let Value::Object(arguments) = arguments else { panic!("arguments are an object") };
        (tool.call)(&self.context, arguments).await
    }

    /// The text of an answer that must come, which is also checked to be the same when asked again.
    pub async fn text(&self, tool: &str, arguments: Value) -> String {
        let first = self.ask(tool, arguments.clone()).await.unwrap_or_else(|trouble| panic!("{tool}: {trouble}"));
        let again = self.ask(tool, arguments).await.unwrap();
        assert_eq!(first, again, "{tool} answers differently when asked again");
        assert!(first.text.len() <= self.context.room, "{tool} answers {} bytes", first.text.len());
        first.text
    }

    pub async fn trouble(&self, tool: &str, arguments: Value) -> String {
        match self.ask(tool, arguments).await {
            Ok(answer) => panic!("{tool} answered: {}", answer.text),
            Err(trouble) => trouble.to_string(),
        }
    }
}

/// Every one of these stands in the text.
pub fn holds(text: &str, facts: &[&str]) {
    for fact in facts {
        assert!(text.contains(fact), "{fact:?} is not in:\n{text}");
    }
}
