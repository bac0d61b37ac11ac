-- Conversations at the terminal.
CREATE TABLE chats (
    id         TEXT PRIMARY KEY,
    person     TEXT NOT NULL,
    cluster    TEXT NOT NULL,
    -- JSON: what was spoken of: {"namespace", "object", "done"}
    state      TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX chats_latest ON chats (person, updated_at);

CREATE TABLE chat_turns (
    chat     TEXT NOT NULL REFERENCES chats (id) ON DELETE CASCADE,
    n        INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    -- secrets hidden in both
    question TEXT NOT NULL,
    answer   TEXT NOT NULL,
    PRIMARY KEY (chat, n)
) STRICT;
