-- What a run was for, and what it rests on where no incident has a report of it.
ALTER TABLE runs ADD COLUMN kind TEXT NOT NULL DEFAULT 'alert';
ALTER TABLE runs ADD COLUMN title TEXT NOT NULL DEFAULT '';
-- JSON of a report, secrets hidden; NULL: that of the incident's revision
ALTER TABLE runs ADD COLUMN report TEXT;
UPDATE runs SET title = coalesce((SELECT title FROM incidents WHERE incidents.id = runs.incident), '');
CREATE INDEX runs_kind ON runs (kind, created_at);
