-- What tool servers said of their tools when they were first seen, or when a person trusted it last.
CREATE TABLE tool_pins (
    server    TEXT NOT NULL,
    tool      TEXT NOT NULL,
    -- SHA-256 of name, description and schema
    digest    TEXT NOT NULL,
    -- the description as people read it
    text      TEXT NOT NULL,
    pinned_at INTEGER NOT NULL,
    PRIMARY KEY (server, tool)
) STRICT;
