-- Changes that somebody wishes, who said yes to them, and what came of them. Times are Unix milliseconds.
CREATE TABLE proposals (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    id          TEXT NOT NULL UNIQUE,
    requester   TEXT NOT NULL,
    cluster     TEXT NOT NULL,
    -- What it touches, so that one change at a time runs there.
    target      TEXT NOT NULL,
    namespace   TEXT NOT NULL,
    class       TEXT NOT NULL,
    summary     TEXT NOT NULL,
    reason      TEXT,
    state       TEXT NOT NULL,
    digest      TEXT NOT NULL,
    -- The plan that the digest is of, encrypted: request, object before, dry run, terms, undo.
    sealed      BLOB,
    permission  INTEGER REFERENCES permissions (id),
    undo_of     INTEGER,
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    -- Not before the hold-off has passed.
    due_at      INTEGER,
    intended_at INTEGER,
    ended_at    INTEGER,
    outcome     TEXT,
    health      TEXT,
    health_at   INTEGER
) STRICT;
CREATE INDEX proposals_state ON proposals (state, expires_at);
CREATE INDEX proposals_requester ON proposals (requester, seq);
CREATE INDEX proposals_intended ON proposals (intended_at) WHERE intended_at IS NOT NULL;
CREATE INDEX proposals_health ON proposals (health, health_at) WHERE health IS NOT NULL;
-- One change in flight for each target, whoever asks.
CREATE UNIQUE INDEX proposals_in_flight ON proposals (target) WHERE state IN ('intended', 'unknown');

CREATE TABLE approvals (
    proposal  INTEGER NOT NULL REFERENCES proposals (seq) ON DELETE CASCADE,
    approver  TEXT NOT NULL,
    digest    TEXT NOT NULL,
    auth_time INTEGER NOT NULL,
    method    TEXT NOT NULL,
    at        INTEGER NOT NULL,
    mac       BLOB NOT NULL,
    PRIMARY KEY (proposal, approver)
) STRICT;

-- Grants: who may ask for what is otherwise off, for a time. A person still approves each change.
CREATE TABLE permissions (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    subject    TEXT NOT NULL,
    -- JSON: {"classes": [...], "namespaces": [...], "kinds": [...], "names": [...]}
    scope      TEXT NOT NULL,
    max_uses   INTEGER NOT NULL,
    used       INTEGER NOT NULL DEFAULT 0 CHECK (used <= max_uses),
    reason     TEXT NOT NULL,
    granter    TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT;

-- Nothing is written while one of these has no end.
CREATE TABLE pauses (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    by       TEXT NOT NULL,
    reason   TEXT NOT NULL,
    at       INTEGER NOT NULL,
    ended_by TEXT,
    ended_at INTEGER
) STRICT;
CREATE UNIQUE INDEX pauses_open ON pauses ((1)) WHERE ended_at IS NULL;

-- The latest time ever seen: a clock that is set back prolongs nothing.
CREATE TABLE latest (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    at  INTEGER NOT NULL
) STRICT;
INSERT INTO latest (one, at) VALUES (1, 0);
