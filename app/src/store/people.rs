//! Users, their tokens and their sessions.

use sqlx::{FromRow, SqliteConnection, SqlitePool};

use super::{Error, Millis};

#[derive(Debug, Clone, FromRow)]
pub struct User {
    pub name: String,
    /// argon2id in PHC form.
    pub password: Option<String>,
    /// JSON lists.
    pub groups: String,
    pub roles: String,
    pub disabled: bool,
    pub created_at: Millis,
}

#[derive(Debug, Clone, FromRow)]
pub struct Token {
    pub id: String,
    pub sha256: Vec<u8>,
    pub user: String,
    pub note: String,
    /// A JSON list: what of its user's roles it carries.
    pub roles: String,
    pub created_at: Millis,
    pub expires_at: Option<Millis>,
    pub used_at: Option<Millis>,
}

pub async fn user(pool: &SqlitePool, name: &str) -> Result<Option<User>, Error> {
    Ok(sqlx::query_as("SELECT * FROM users WHERE name = $1").bind(name).fetch_optional(pool).await?)
}

pub async fn users(pool: &SqlitePool) -> Result<Vec<User>, Error> {
    Ok(sqlx::query_as("SELECT * FROM users ORDER BY name").fetch_all(pool).await?)
}

/// Adds or replaces a user; the time of creation stays.
pub async fn put(connection: &mut SqliteConnection, user: &User) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO users (name, password, groups, roles, disabled, created_at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (name) DO UPDATE SET password = excluded.password, groups = excluded.groups,
           roles = excluded.roles, disabled = excluded.disabled",
    )
    .bind(&user.name)
    .bind(&user.password)
    .bind(&user.groups)
    .bind(&user.roles)
    .bind(user.disabled)
    .bind(user.created_at)
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes a user out, with tokens and sessions. False if there was none.
pub async fn remove(connection: &mut SqliteConnection, name: &str) -> Result<bool, Error> {
    let done = sqlx::query("DELETE FROM users WHERE name = $1").bind(name).execute(connection).await?;
    Ok(done.rows_affected() > 0)
}

pub async fn end_sessions(connection: &mut SqliteConnection, name: &str) -> Result<(), Error> {
    sqlx::query("DELETE FROM sessions WHERE user = $1").bind(name).execute(connection).await?;
    Ok(())
}

pub async fn token(pool: &SqlitePool, id: &str) -> Result<Option<Token>, Error> {
    Ok(sqlx::query_as("SELECT * FROM tokens WHERE id = $1").bind(id).fetch_optional(pool).await?)
}

pub async fn tokens(pool: &SqlitePool) -> Result<Vec<Token>, Error> {
    Ok(sqlx::query_as("SELECT * FROM tokens ORDER BY created_at, id").fetch_all(pool).await?)
}

pub async fn put_token(connection: &mut SqliteConnection, token: &Token) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO tokens (id, sha256, user, note, roles, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(&token.id)
    .bind(&token.sha256)
    .bind(&token.user)
    .bind(&token.note)
    .bind(&token.roles)
    .bind(token.created_at)
    .bind(token.expires_at)
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes that a token was used, at most once a minute.
pub async fn used(connection: &mut SqliteConnection, id: &str, now: Millis) -> Result<(), Error> {
    sqlx::query("UPDATE tokens SET used_at = $2 WHERE id = $1 AND coalesce(used_at, 0) < $2 - 60000")
        .bind(id)
        .bind(now)
        .execute(connection)
        .await?;
    Ok(())
}

pub async fn remove_token(connection: &mut SqliteConnection, id: &str) -> Result<Option<String>, Error> {
    let removed = sqlx::query_scalar("DELETE FROM tokens WHERE id = $1 RETURNING user");
    Ok(removed.bind(id).fetch_optional(connection).await?)
}

pub async fn put_session(
    connection: &mut SqliteConnection,
    sha256: &[u8],
    user: &str,
    now: Millis,
    expires_at: Millis,
) -> Result<(), Error> {
    sqlx::query("DELETE FROM sessions WHERE expires_at <= $1").bind(now).execute(&mut *connection).await?;
    sqlx::query("INSERT INTO sessions (sha256, user, auth_at, expires_at) VALUES ($1, $2, $3, $4)")
        .bind(sha256)
        .bind(user)
        .bind(now)
        .bind(expires_at)
        .execute(connection)
        .await?;
    Ok(())
}

/// User and time of login of a session that has not ended.
pub async fn session(pool: &SqlitePool, sha256: &[u8], now: Millis) -> Result<Option<(String, Millis)>, Error> {
    let found = sqlx::query_as("SELECT user, auth_at FROM sessions WHERE sha256 = $1 AND expires_at > $2");
    Ok(found.bind(sha256).bind(now).fetch_optional(pool).await?)
}

pub async fn end_session(connection: &mut SqliteConnection, sha256: &[u8]) -> Result<(), Error> {
    sqlx::query("DELETE FROM sessions WHERE sha256 = $1").bind(sha256).execute(connection).await?;
    Ok(())
}
