//! Conversations: what was asked and answered, so that one can be taken up again.

use sqlx::{FromRow, SqliteConnection, SqlitePool};

use super::{Error, Millis};

#[derive(Debug, Clone, FromRow)]
pub struct Chat {
    pub id: String,
    pub person: String,
    pub cluster: String,
    /// JSON
    pub state: String,
    pub created_at: Millis,
    pub updated_at: Millis,
}

#[derive(Debug, Clone, FromRow)]
pub struct Turn {
    pub chat: String,
    pub n: i64,
    pub at: Millis,
    pub question: String,
    /// JSON
    pub answer: String,
}

/// Adds a turn, and the conversation with its first one.
pub async fn add(connection: &mut SqliteConnection, chat: &Chat, question: &str, answer: &str) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO chats (id, person, cluster, state, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $5)
         ON CONFLICT (id) DO UPDATE SET state = excluded.state, updated_at = excluded.updated_at",
    )
    .bind(&chat.id)
    .bind(&chat.person)
    .bind(&chat.cluster)
    .bind(&chat.state)
    .bind(chat.updated_at)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "INSERT INTO chat_turns (chat, n, at, question, answer)
         SELECT $1, coalesce(max(n), 0) + 1, $2, $3, $4 FROM chat_turns WHERE chat = $1",
    )
    .bind(&chat.id)
    .bind(chat.updated_at)
    .bind(question)
    .bind(answer)
    .execute(connection)
    .await?;
    Ok(())
}

/// The conversation of this id, or this person's last one. Nobody takes up somebody else's.
pub async fn find(pool: &SqlitePool, person: &str, id: Option<&str>) -> Result<Option<Chat>, Error> {
    let found = sqlx::query_as(
        "SELECT * FROM chats WHERE person = $1 AND ($2 IS NULL OR id = $2) ORDER BY updated_at DESC, id DESC LIMIT 1",
    );
    Ok(found.bind(person).bind(id).fetch_optional(pool).await?)
}

pub async fn turns(pool: &SqlitePool, chat: &str) -> Result<Vec<Turn>, Error> {
    Ok(sqlx::query_as("SELECT * FROM chat_turns WHERE chat = $1 ORDER BY n").bind(chat).fetch_all(pool).await?)
}
