-- Twin of the file of this name for the other database.
-- +goose Up
CREATE TABLE state (
    name  TEXT PRIMARY KEY,
    value JSONB NOT NULL
);

-- +goose Down
DROP TABLE state;
