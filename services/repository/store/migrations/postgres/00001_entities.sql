-- Twin of the file of this name for SQLite.
-- +goose Up
CREATE TABLE entity (
    id          TEXT COLLATE "C" PRIMARY KEY,
    type        TEXT COLLATE "C" NOT NULL,
    name        TEXT COLLATE "C", -- folded
    created     BIGINT NOT NULL,  -- UTC, milliseconds
    modified    BIGINT NOT NULL,
    modified_by TEXT NOT NULL,
    doc         JSONB NOT NULL,
    folded      JSONB NOT NULL    -- the document with its texts folded, for comparisons
);
-- Not a btree over type and name: that holds 2.7 kB of a row, and a name may be longer.
CREATE INDEX entity_name ON entity USING hash (name);
CREATE INDEX entity_type_created ON entity (type, created, id);
CREATE UNIQUE INDEX entity_unique_name ON entity (type, name) WHERE type IN ('Tag', 'CustomPropertyDefinition');
CREATE UNIQUE INDEX entity_unique_user ON entity ((folded ->> 'userDirectory'), (folded ->> 'userId')) WHERE type = 'User';
CREATE INDEX entity_engine_object ON entity ((folded #>> '{engineObjectId}')) WHERE type = 'AppObject';
CREATE INDEX entity_execution ON entity ((folded #>> '{executionID}')) WHERE type = 'ExecutionResult';

CREATE TABLE reference (
    source   TEXT COLLATE "C" NOT NULL REFERENCES entity (id) ON DELETE CASCADE,
    field    TEXT COLLATE "C" NOT NULL, -- path without positions
    position INTEGER NOT NULL,
    target   TEXT COLLATE "C" NOT NULL REFERENCES entity (id),
    PRIMARY KEY (source, field, position)
);
CREATE INDEX reference_target ON reference (target, field, source);

CREATE TABLE secret (
    entity TEXT COLLATE "C" NOT NULL REFERENCES entity (id) ON DELETE CASCADE,
    path   TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (entity, path)
);

CREATE TABLE change (
    seq                BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at                 BIGINT NOT NULL,   -- UTC, milliseconds
    change_type        SMALLINT NOT NULL, -- 1 add, 2 update, 3 delete
    type               TEXT NOT NULL,
    id                 TEXT NOT NULL,
    changed_properties JSONB NOT NULL     -- list
);
CREATE INDEX change_at ON change (at);

-- +goose Down
DROP TABLE change;
DROP TABLE secret;
DROP TABLE reference;
DROP TABLE entity;
