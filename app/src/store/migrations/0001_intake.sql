-- What came in, what it means, what to do, what to say. Times are Unix milliseconds.
CREATE TABLE receipts (
    sha256   TEXT PRIMARY KEY,
    source   TEXT NOT NULL,
    body     BLOB NOT NULL,
    size     INTEGER NOT NULL,
    count    INTEGER NOT NULL DEFAULT 1,
    first_at INTEGER NOT NULL,
    last_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX receipts_last ON receipts (last_at);

CREATE TABLE quarantine (
    id      INTEGER PRIMARY KEY,
    source  TEXT NOT NULL,
    sha256  TEXT NOT NULL,
    why     TEXT NOT NULL,
    body    BLOB NOT NULL,
    size    INTEGER NOT NULL,
    count   INTEGER NOT NULL DEFAULT 1,
    at      INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    UNIQUE (sha256, source)
) STRICT;

CREATE TABLE alerts (
    id            TEXT PRIMARY KEY,
    source        TEXT NOT NULL,
    labels        TEXT NOT NULL,
    annotations   TEXT NOT NULL,
    extra         TEXT NOT NULL,
    generator_url TEXT NOT NULL,
    fingerprint   TEXT NOT NULL,
    flips         TEXT NOT NULL DEFAULT '[]',
    flapping      INTEGER NOT NULL DEFAULT 0,
    hold_until    INTEGER,
    -- 1 once a source that was asked listed it: only then does its absence there mean something.
    listed        INTEGER NOT NULL DEFAULT 0,
    first_at      INTEGER NOT NULL,
    last_at       INTEGER NOT NULL
) STRICT;
CREATE INDEX alerts_last ON alerts (last_at);
CREATE INDEX alerts_flapping ON alerts (flapping) WHERE flapping = 1;

CREATE TABLE incidents (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    kind          TEXT NOT NULL,
    state         TEXT NOT NULL,
    severity      TEXT NOT NULL,
    cluster       TEXT NOT NULL,
    title         TEXT NOT NULL,
    lead          TEXT NOT NULL,
    control_plane INTEGER NOT NULL DEFAULT 0,
    cause         TEXT,
    merged_into   INTEGER,
    digest        INTEGER,
    revision      INTEGER NOT NULL,
    opened_at     INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    closed_at     INTEGER
) STRICT;
CREATE INDEX incidents_open ON incidents (cluster, control_plane) WHERE state = 'open';
CREATE INDEX incidents_cause ON incidents (cause) WHERE state = 'open';
CREATE INDEX incidents_digest ON incidents (digest) WHERE digest IS NOT NULL;
CREATE INDEX incidents_opened ON incidents (opened_at);

CREATE TABLE incident_keys (
    key      TEXT PRIMARY KEY,
    incident INTEGER NOT NULL REFERENCES incidents (id) ON DELETE CASCADE
) STRICT;
CREATE INDEX incident_keys_incident ON incident_keys (incident);

CREATE TABLE episodes (
    id         INTEGER PRIMARY KEY,
    alert      TEXT NOT NULL REFERENCES alerts (id) ON DELETE CASCADE,
    incident   INTEGER NOT NULL REFERENCES incidents (id),
    state      TEXT NOT NULL,
    starts_at  INTEGER NOT NULL,
    ends_at    INTEGER,
    expires_at INTEGER,
    last_seen  INTEGER NOT NULL,
    refires    INTEGER NOT NULL DEFAULT 0,
    UNIQUE (alert, starts_at)
) STRICT;
CREATE INDEX episodes_incident ON episodes (incident, state);
CREATE INDEX episodes_open ON episodes (state, last_seen) WHERE state IN ('firing', 'silenced', 'inhibited', 'stale');

CREATE TABLE jobs (
    id          INTEGER PRIMARY KEY,
    kind        TEXT NOT NULL,
    key         TEXT NOT NULL,
    state       TEXT NOT NULL,
    priority    INTEGER NOT NULL,
    attempts    INTEGER NOT NULL DEFAULT 0,
    next_at     INTEGER NOT NULL,
    lease_until INTEGER,
    lease_owner TEXT,
    error       TEXT,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX jobs_queued ON jobs (kind, key) WHERE state = 'queued';
CREATE INDEX jobs_ready ON jobs (state, priority, next_at);

-- One row is one thing to say on one channel. The text is rendered when it is sent, from the incident as it is then.
-- incident 0 with the minute as its revision is the digest of that minute.
CREATE TABLE outbox (
    id          INTEGER PRIMARY KEY,
    incident    INTEGER NOT NULL,
    revision    INTEGER NOT NULL,
    kind        TEXT NOT NULL CHECK (kind IN ('plain', 'diagnosis', 'resolved', 'digest', 'notice')),
    channel     TEXT NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('queued', 'leased', 'sent', 'dead', 'superseded')),
    attempts    INTEGER NOT NULL DEFAULT 0,
    next_at     INTEGER NOT NULL,
    lease_until INTEGER,
    lease_owner TEXT,
    provider_id TEXT,
    error       TEXT,
    -- Parts of the message that the channel took on a try that failed later on, and the revision that they told.
    parts       INTEGER NOT NULL DEFAULT 0,
    parts_of    INTEGER,
    created_at  INTEGER NOT NULL,
    sent_at     INTEGER,
    UNIQUE (incident, revision, channel)
) STRICT;
CREATE INDEX outbox_ready ON outbox (state, channel, next_at);
CREATE INDEX outbox_created ON outbox (created_at);

-- Which incidents the digest of a minute tells a channel of.
CREATE TABLE digests (
    minute   INTEGER NOT NULL,
    channel  TEXT NOT NULL,
    incident INTEGER NOT NULL,
    PRIMARY KEY (minute, channel, incident)
) STRICT;
CREATE INDEX digests_incident ON digests (incident);

CREATE TABLE reports (
    incident   INTEGER NOT NULL,
    revision   INTEGER NOT NULL,
    report     TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (incident, revision)
) STRICT;

CREATE TABLE heartbeats (
    source  TEXT PRIMARY KEY,
    last_at INTEGER NOT NULL,
    -- The usual time between two, once two were heard.
    gap     INTEGER,
    missing INTEGER NOT NULL DEFAULT 0
) STRICT;
