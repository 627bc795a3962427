-- What a projection has in its head as of a record, so that the next run need not fold the whole journal again.
CREATE TABLE checkpoints (
    journal TEXT PRIMARY KEY,
    seq BIGINT NOT NULL,
    body BYTEA NOT NULL
);
