-- The history of journals (docs/history.md). SQLite and PostgreSQL read the same words: in SQLite a NUMERIC is a
-- number, and a TIMESTAMPTZ the text "YYYY-MM-DD HH:MM:SS.ffffff" of UTC, which its date functions read.
CREATE TABLE journals (
    journal TEXT PRIMARY KEY,
    seq BIGINT NOT NULL,
    digest TEXT NOT NULL,
    ts BIGINT NOT NULL
);

CREATE TABLE trades (
    journal TEXT NOT NULL,
    book TEXT NOT NULL,
    seq BIGINT NOT NULL,
    timestamp TIMESTAMPTZ NOT NULL,
    id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    currency TEXT NOT NULL,
    symbol TEXT NOT NULL,
    side TEXT NOT NULL,
    quantity NUMERIC NOT NULL,
    entry_price NUMERIC NOT NULL,
    exit_price NUMERIC NOT NULL,
    pnl_usd NUMERIC NOT NULL,
    gross_usd NUMERIC NOT NULL,
    costs_usd NUMERIC NOT NULL,
    pnl_ticks NUMERIC NOT NULL,
    opened TIMESTAMPTZ NOT NULL,
    duration_s DOUBLE PRECISION NOT NULL,
    reason TEXT NOT NULL,
    strategy TEXT NOT NULL,
    plan_id TEXT NOT NULL,
    pattern TEXT NOT NULL,
    score DOUBLE PRECISION,
    mae_usd NUMERIC NOT NULL,
    mfe_usd NUMERIC NOT NULL,
    risk_usd NUMERIC,
    r_multiple DOUBLE PRECISION,
    PRIMARY KEY (journal, book, id)
);

CREATE INDEX trades_by_time ON trades (timestamp);

CREATE TABLE orders (
    journal TEXT NOT NULL,
    book TEXT NOT NULL,
    seq BIGINT NOT NULL,
    timestamp TIMESTAMPTZ NOT NULL,
    client_id TEXT NOT NULL,
    venue_id TEXT,
    kind TEXT NOT NULL,
    symbol TEXT NOT NULL,
    side TEXT NOT NULL,
    type TEXT NOT NULL,
    quantity NUMERIC NOT NULL,
    filled_quantity NUMERIC NOT NULL,
    limit_price NUMERIC,
    stop_price NUMERIC,
    status TEXT NOT NULL,
    changed TIMESTAMPTZ NOT NULL,
    slot TEXT NOT NULL,
    plan_id TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (journal, book, client_id)
);

CREATE INDEX orders_by_time ON orders (timestamp);

CREATE TABLE fills (
    journal TEXT NOT NULL,
    book TEXT NOT NULL,
    seq BIGINT NOT NULL,
    timestamp TIMESTAMPTZ NOT NULL,
    trade_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    venue_order_id TEXT NOT NULL,
    symbol TEXT NOT NULL,
    side TEXT NOT NULL,
    quantity NUMERIC NOT NULL,
    price NUMERIC NOT NULL,
    cost_usd NUMERIC NOT NULL,
    inferred BOOLEAN NOT NULL,
    settled_quantity NUMERIC NOT NULL,
    PRIMARY KEY (journal, book, trade_id)
);

CREATE INDEX fills_by_time ON fills (timestamp);

CREATE TABLE positions (
    journal TEXT NOT NULL,
    book TEXT NOT NULL,
    seq BIGINT NOT NULL,
    timestamp TIMESTAMPTZ NOT NULL,
    id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    currency TEXT NOT NULL,
    symbol TEXT NOT NULL,
    side TEXT NOT NULL,
    status TEXT NOT NULL,
    quantity NUMERIC NOT NULL,
    entry_price NUMERIC NOT NULL,
    realized_usd NUMERIC NOT NULL,
    costs_usd NUMERIC NOT NULL,
    pnl_usd NUMERIC,
    mae_usd NUMERIC NOT NULL,
    mfe_usd NUMERIC NOT NULL,
    opened TIMESTAMPTZ NOT NULL,
    closed TIMESTAMPTZ,
    strategy TEXT NOT NULL,
    plan_id TEXT NOT NULL,
    PRIMARY KEY (journal, book, id)
);

CREATE INDEX positions_by_status ON positions (status);

CREATE TABLE model_predictions (
    journal TEXT NOT NULL,
    book TEXT NOT NULL,
    seq BIGINT NOT NULL,
    timestamp TIMESTAMPTZ NOT NULL,
    plan_id TEXT NOT NULL,
    model_name TEXT NOT NULL,
    symbol TEXT NOT NULL,
    prediction DOUBLE PRECISION NOT NULL,
    confidence DOUBLE PRECISION,
    samples BIGINT NOT NULL,
    actual DOUBLE PRECISION,
    error DOUBLE PRECISION,
    PRIMARY KEY (journal, book, plan_id, model_name)
);

CREATE INDEX model_predictions_by_time ON model_predictions (timestamp);

CREATE TABLE risk_metrics (
    journal TEXT NOT NULL,
    book TEXT NOT NULL,
    seq BIGINT NOT NULL,
    timestamp TIMESTAMPTZ NOT NULL,
    kind TEXT NOT NULL,
    currency TEXT NOT NULL,
    trade_date TEXT NOT NULL,
    equity_usd NUMERIC,
    day_pnl_usd NUMERIC NOT NULL,
    day_drawdown_usd NUMERIC NOT NULL,
    drawdown_usd NUMERIC NOT NULL,
    open_positions BIGINT NOT NULL,
    trades BIGINT NOT NULL,
    win_rate DOUBLE PRECISION,
    profit_factor DOUBLE PRECISION,
    losses_in_a_row BIGINT NOT NULL,
    kelly DOUBLE PRECISION,
    sharpe DOUBLE PRECISION,
    volatility DOUBLE PRECISION,
    var_95_usd NUMERIC,
    var_99_usd NUMERIC,
    PRIMARY KEY (journal, book, seq)
);

CREATE INDEX risk_metrics_by_time ON risk_metrics (timestamp);

CREATE TABLE alerts (
    journal TEXT NOT NULL,
    book TEXT NOT NULL,
    seq BIGINT NOT NULL,
    timestamp TIMESTAMPTZ NOT NULL,
    severity TEXT NOT NULL,
    kind TEXT NOT NULL,
    symbol TEXT NOT NULL,
    message TEXT NOT NULL,
    room TEXT NOT NULL,
    author TEXT NOT NULL,
    verdict TEXT NOT NULL,
    PRIMARY KEY (journal, book, seq)
);

CREATE INDEX alerts_by_time ON alerts (timestamp);

CREATE TABLE equity (
    journal TEXT NOT NULL,
    book TEXT NOT NULL,
    seq BIGINT NOT NULL,
    timestamp TIMESTAMPTZ NOT NULL,
    equity_usd NUMERIC,
    day_pnl_usd NUMERIC NOT NULL,
    day_high_usd NUMERIC NOT NULL,
    day_low_usd NUMERIC NOT NULL,
    day_drawdown_usd NUMERIC NOT NULL,
    PRIMARY KEY (journal, book, seq)
);

CREATE INDEX equity_by_time ON equity (timestamp);
