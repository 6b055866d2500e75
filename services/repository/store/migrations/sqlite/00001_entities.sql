-- Twin of the file of this name for PostgreSQL.
-- +goose Up
CREATE TABLE entity (
    id          TEXT PRIMARY KEY,
    type        TEXT NOT NULL,
    name        TEXT,             -- folded
    created     INTEGER NOT NULL, -- UTC, milliseconds
    modified    INTEGER NOT NULL,
    modified_by TEXT NOT NULL,
    doc         TEXT NOT NULL,
    folded      TEXT NOT NULL     -- the document with its texts folded, for comparisons
) WITHOUT ROWID;
CREATE INDEX entity_type_name ON entity (type, name);
CREATE INDEX entity_type_created ON entity (type, created, id);
CREATE UNIQUE INDEX entity_unique_name ON entity (type, name) WHERE type IN ('Tag', 'CustomPropertyDefinition');
CREATE UNIQUE INDEX entity_unique_user ON entity (json_extract(folded, '$.userDirectory'), json_extract(folded, '$.userId')) WHERE type = 'User';
CREATE INDEX entity_engine_object ON entity (json_extract(folded, '$.engineObjectId')) WHERE type = 'AppObject';
CREATE INDEX entity_execution ON entity (json_extract(folded, '$.executionID')) WHERE type = 'ExecutionResult';

CREATE TABLE reference (
    source   TEXT NOT NULL REFERENCES entity (id) ON DELETE CASCADE,
    field    TEXT NOT NULL, -- path without positions
    position INTEGER NOT NULL,
    target   TEXT NOT NULL REFERENCES entity (id),
    PRIMARY KEY (source, field, position)
) WITHOUT ROWID;
CREATE INDEX reference_target ON reference (target, field, source);

CREATE TABLE secret (
    entity TEXT NOT NULL REFERENCES entity (id) ON DELETE CASCADE,
    path   TEXT NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (entity, path)
) WITHOUT ROWID;

CREATE TABLE change (
    seq                INTEGER PRIMARY KEY AUTOINCREMENT,
    at                 INTEGER NOT NULL, -- UTC, milliseconds
    change_type        INTEGER NOT NULL, -- 1 add, 2 update, 3 delete
    type               TEXT NOT NULL,
    id                 TEXT NOT NULL,
    changed_properties TEXT NOT NULL     -- list
);
CREATE INDEX change_at ON change (at);

-- What a site of some size looks like. Without it SQLite takes a type for more
-- telling than a list of ids, and reads all apps for those of one stream; and
-- measured on the few rows of a first day it would never learn better.
ANALYZE;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('entity', 'entity', '100000 1'),
    ('entity', 'entity_type_name', '100000 10000 5'),
    ('entity', 'entity_type_created', '100000 10000 1 1'),
    ('reference', 'reference', '300000 3 1 1'),
    ('reference', 'reference_target', '300000 30 15 1');
ANALYZE sqlite_schema;

-- +goose Down
DROP TABLE change;
DROP TABLE secret;
DROP TABLE reference;
DROP TABLE entity;
