-- What models were asked, step by step, and what of their words was kept.
CREATE TABLE runs (
    id         TEXT PRIMARY KEY,
    -- the incident that it is about; NULL for a conversation
    incident   INTEGER,
    -- of the report that it began with
    revision   INTEGER,
    -- 'running', 'ended'
    state      TEXT NOT NULL,
    -- JSON: what was kept and dropped of the answer, secrets hidden; NULL until it ended
    words      TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX runs_incident ON runs (incident, revision);
CREATE INDEX runs_updated ON runs (updated_at);

CREATE TABLE run_steps (
    run  TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    n    INTEGER NOT NULL,
    at   INTEGER NOT NULL,
    -- JSON of agent::Step, secrets hidden
    step TEXT NOT NULL,
    PRIMARY KEY (run, n)
) STRICT;
