//! What a conversation keeps in the store, and what it takes up again.

use diagnose::{Lang, ObjectRef};
use serde_json::{Value, json};

use crate::chat::prompt::Past;
use crate::chat::question::kept;
use crate::chat::{Answer, Room, clean};
use crate::store::{self, Store, chats};

pub struct History {
    pub chat: chats::Chat,
    turns: Vec<(String, Value)>,
}

impl History {
    /// A new conversation, or one that is found again.
    pub async fn open(store: &Store, found: Option<chats::Chat>, room: &Room) -> anyhow::Result<Self> {
        let Some(chat) = found else {
            let now = store::now();
            let chat = chats::Chat {
                id: uuid::Uuid::now_v7().simple().to_string(),
                person: room.person.name.clone(),
                cluster: room.cluster.name.clone(),
                state: "{}".to_owned(),
                created_at: now,
                updated_at: now,
            };
            return Ok(Self { chat, turns: Vec::new() });
        };
        let rows = chats::turns(store.read(), &chat.id).await?;
        let turns = rows.into_iter().map(|row| (row.question, serde_json::from_str(&row.answer).unwrap_or_default()));
        Ok(Self { turns: turns.collect(), chat })
    }

    /// What was spoken of is spoken of again.
    pub fn restore(&self, room: &mut Room) {
        let state: Value = serde_json::from_str(&self.chat.state).unwrap_or_default();
        if let Ok(object) = serde_json::from_value::<ObjectRef>(state["object"].clone()) {
            room.before.object = Some(object);
        }
        let namespace = state["namespace"].as_str().map(str::to_owned);
        room.before.namespace = room.before.namespace.take().or(namespace);
        room.done = state["done"].as_str().map(str::to_owned);
        room.past = self.turns.iter().map(|(question, answer)| past(question, answer)).collect();
    }

    pub async fn add(&mut self, store: &Store, room: &Room, question: &str, answer: &Answer) -> anyhow::Result<()> {
        let question = kept(question);
        let json = answer.json(&question);
        let state = json!({"namespace": room.before.namespace, "object": room.before.object, "done": room.done});
        self.chat.state = state.to_string();
        self.chat.updated_at = store::now();
        let (chat, asked, text) = (self.chat.clone(), question.clone(), json.to_string());
        store
            .write(move |connection| Box::pin(async move { chats::add(connection, &chat, &asked, &text).await }))
            .await?;
        self.turns.push((question, json));
        Ok(())
    }

    pub fn questions(&self) -> Vec<String> {
        self.turns.iter().map(|(question, _)| question.clone()).collect()
    }

    pub fn has_turns(&self) -> bool {
        !self.turns.is_empty()
    }

    /// One piece of evidence in full, the newest of this id; without one, the list of the last answer that had any.
    pub fn evidence(&self, id: &str, lang: Lang) -> String {
        let has = |items: &&Vec<Value>| {
            let named = |item: &Value| item["id"].as_str().is_some_and(|own| own.eq_ignore_ascii_case(id));
            if id.is_empty() { !items.is_empty() } else { items.iter().any(named) }
        };
        let items = self.turns.iter().rev().find_map(|(_, answer)| answer["evidence"].as_array().filter(has));
        let missing = match lang {
            Lang::Zh => "还没有证据",
            Lang::En => "there is no such evidence yet",
        };
        let text = |item: &Value, key: &str| item[key].as_str().unwrap_or_default().to_owned();
        let mut lines = String::new();
        for item in items.into_iter().flatten() {
            let head = format!("{} {} ({})", text(item, "id"), text(item, "object"), text(item, "source"));
            if id.is_empty() {
                lines.push_str(&format!("{head}\n"));
            } else if text(item, "id").eq_ignore_ascii_case(id) {
                lines.push_str(&format!("{head} {}\n{}\n", text(item, "time"), text(item, "text")));
            }
        }
        if lines.is_empty() { format!("{missing}\n") } else { clean::shown(&lines) }
    }
}

/// A turn as a model is told of it.
fn past(question: &str, answer: &Value) -> Past {
    Past {
        question: question.to_owned(),
        answer: answer["answer"].as_str().unwrap_or_default().to_owned(),
        by_rules: answer["by"] == "rules",
        evidence: serde_json::from_value(answer["evidence"].clone()).unwrap_or_default(),
    }
}
