-- What rules, model and mood said of a trade, what was decided, and what came of it (docs/models.md).
CREATE TABLE decisions (
    journal TEXT NOT NULL,
    book TEXT NOT NULL,
    seq BIGINT NOT NULL,
    timestamp TIMESTAMPTZ NOT NULL,
    id TEXT NOT NULL,
    symbol TEXT NOT NULL,
    side TEXT NOT NULL,
    bot TEXT NOT NULL,
    counsel TEXT NOT NULL,
    rules DOUBLE PRECISION,
    model DOUBLE PRECISION,
    mood DOUBLE PRECISION,
    confidence DOUBLE PRECISION,
    least_confidence DOUBLE PRECISION NOT NULL,
    model_name TEXT NOT NULL,
    probability DOUBLE PRECISION,
    expected_r DOUBLE PRECISION,
    missing TEXT NOT NULL,
    ended TEXT NOT NULL,
    actual DOUBLE PRECISION,
    error DOUBLE PRECISION,
    PRIMARY KEY (journal, book, id)
);

CREATE INDEX decisions_by_time ON decisions (timestamp);
