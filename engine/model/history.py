"""Rows of the history: what the journal tells, as SQL tables hold it (docs/history.md#tables).

Prices are in price units, quantities in what people count (contracts, shares, coins), amounts in the
currency of the row, net of costs where they say nothing else; fields that end in `_usd` are no exception. A
`When` is nanoseconds UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple, NewType

from msgspec import Struct

When = NewType("When", int)
"""Nanoseconds UTC: a time with its zone in PostgreSQL, a text of UTC in SQLite."""


class HistoryRow(Struct, frozen=True, kw_only=True):
    """One row. The newest record that it goes by is its version: an older one never replaces it."""

    journal: str
    """Name of the journal among all that ever were."""
    book: str
    seq: int
    """Number of that record."""
    timestamp: When


class KeptTrade(HistoryRow, frozen=True, kw_only=True):
    """A finished trade, flat to flat; `timestamp` is when it ended."""

    id: int
    """Number of the record that ended it."""
    kind: str
    """Whose money: live, practice, paper."""
    currency: str
    symbol: str
    side: str
    """long, short"""
    quantity: Decimal
    entry_price: Decimal
    """Average."""
    exit_price: Decimal
    pnl_usd: Decimal
    gross_usd: Decimal
    costs_usd: Decimal
    pnl_ticks: Decimal
    """From the average entry to the average exit, whatever the quantity."""
    opened: When
    duration_s: float
    reason: str
    """Why it ended: T1, stop, trail, manual, ..."""
    strategy: str
    """Bot, room or strategy; empty where none of ours opened it."""
    plan_id: str
    pattern: str
    score: float | None
    """Out of ten."""
    mae_usd: Decimal
    """Worst open result, zero or below."""
    mfe_usd: Decimal
    risk_usd: Decimal | None
    """Of all its contracts at their first stops."""
    r_multiple: float | None


class KeptOrder(HistoryRow, frozen=True, kw_only=True):
    """An order and where it stands; `timestamp` is when it was made."""

    client_id: str
    venue_id: str | None
    kind: str
    symbol: str
    side: str
    """buy, sell"""
    type: str
    quantity: Decimal
    filled_quantity: Decimal
    limit_price: Decimal | None
    stop_price: Decimal | None
    status: str
    changed: When
    slot: str
    """What it is for: entry, stop, target; empty for none of these."""
    plan_id: str
    reason: str


class KeptFill(HistoryRow, frozen=True, kw_only=True):
    """One execution; `timestamp` is the venue's."""

    trade_id: str
    """The venue's own id of it, or a hash where it was concluded."""
    client_id: str
    venue_order_id: str
    symbol: str
    side: str
    quantity: Decimal
    price: Decimal
    cost_usd: Decimal
    inferred: bool
    """Concluded from the order's being filled, before the venue told it."""
    settled_quantity: Decimal
    """Of an inferred one: how much of it the venue has told since, which are rows of their own."""


class KeptPosition(HistoryRow, frozen=True, kw_only=True):
    """What was held from flat to flat, open or not; `timestamp` is its newest change."""

    id: int
    """Number of the record that opened it."""
    kind: str
    currency: str
    symbol: str
    side: str
    status: str
    """open; closed; left, where the book got another account while it was open."""
    quantity: Decimal
    """What is held now."""
    entry_price: Decimal
    realized_usd: Decimal
    """Gross, of what has been taken out."""
    costs_usd: Decimal
    pnl_usd: Decimal | None
    """Net, once it is closed."""
    mae_usd: Decimal
    mfe_usd: Decimal
    opened: When
    closed: When | None
    strategy: str
    plan_id: str


class KeptPrediction(HistoryRow, frozen=True, kw_only=True):
    """What a model said of a trade before it was entered, and what it came to, in R."""

    plan_id: str
    """Of a model's own name the id of its decision."""
    model_name: str
    """patterns: what was learned of them; backtest: what a validated one promises; or a model's own name."""
    symbol: str
    prediction: float
    """Expected result in R: in units of the risk at the stop, net."""
    confidence: float | None
    """0..1"""
    samples: int
    """What it rests on."""
    actual: float | None
    """R; empty while the trade is open."""
    error: float | None
    """prediction − actual"""


class KeptDecision(HistoryRow, frozen=True, kw_only=True):
    """What rules, model and mood said together of a trade; of no one book."""

    id: str
    symbol: str
    side: str
    bot: str
    """Whose idea it was; empty where the model was asked without one."""
    counsel: str
    """for, against, rules alone, watched"""
    rules: float | None
    """What each said, 0 against it to 1 for it; None where one did not speak."""
    model: float | None
    mood: float | None
    confidence: float | None
    """The three by their weights; None where the rules were alone."""
    least_confidence: float
    model_name: str
    probability: float | None
    """Of the model: that its target is reached before its stop."""
    expected_r: float | None
    missing: str
    """Why the model has not spoken."""
    ended: str
    """target, stop, time, unknown; empty while that is not known."""
    actual: float | None
    """R by the model's barriers, net of costs."""
    error: float | None
    """expected_r − actual"""


class KeptRisk(HistoryRow, frozen=True, kw_only=True):
    """How much risk there is: at the start of each trade date, and after each trade."""

    kind: str
    currency: str
    trade_date: str
    equity_usd: Decimal | None
    """Closed trades alone."""
    day_pnl_usd: Decimal
    day_drawdown_usd: Decimal
    """Deepest fall from the day's high, zero or above, open positions at the mark."""
    drawdown_usd: Decimal
    """Below the highest of all days now, zero or above."""
    open_positions: int
    trades: int
    """Closed trades of the book in all, as those below."""
    win_rate: float | None
    """0..1"""
    profit_factor: float | None
    losses_in_a_row: int
    """Of this trade date."""
    kelly: float | None
    sharpe: float | None
    volatility: float | None
    """Yearly, as a share."""
    var_95_usd: Decimal | None
    """Value at risk of a day by the last 250 days, a positive loss."""
    var_99_usd: Decimal | None


class KeptAlert(HistoryRow, frozen=True, kw_only=True):
    """A warning or worse of the engine, or a message of an alert room."""

    severity: str
    """info, good, warning, critical"""
    kind: str
    """room for messages of rooms; risk, state, order, connection, ... for the engine's."""
    symbol: str
    message: str
    room: str
    author: str
    verdict: str
    """Of a room's message: traded, unread, refused, ..."""


class KeptEquity(HistoryRow, frozen=True, kw_only=True):
    """A point of the equity curve, open positions at what they could be closed for."""

    equity_usd: Decimal | None
    """None where nobody knows what the account began with."""
    day_pnl_usd: Decimal
    day_high_usd: Decimal
    day_low_usd: Decimal
    day_drawdown_usd: Decimal


AnyHistoryRow = (
    KeptTrade
    | KeptOrder
    | KeptFill
    | KeptPosition
    | KeptPrediction
    | KeptDecision
    | KeptRisk
    | KeptAlert
    | KeptEquity
)


class HistoryTable(NamedTuple):
    """Where rows of a kind are kept, and by what they are told apart."""

    name: str
    key: tuple[str, ...]


TABLES: Mapping[type[HistoryRow], HistoryTable] = {
    KeptTrade: HistoryTable("trades", ("journal", "book", "id")),
    KeptOrder: HistoryTable("orders", ("journal", "book", "client_id")),
    KeptFill: HistoryTable("fills", ("journal", "book", "trade_id")),
    KeptPosition: HistoryTable("positions", ("journal", "book", "id")),
    KeptPrediction: HistoryTable("model_predictions", ("journal", "book", "plan_id", "model_name")),
    KeptDecision: HistoryTable("decisions", ("journal", "book", "id")),
    KeptRisk: HistoryTable("risk_metrics", ("journal", "book", "seq")),
    KeptAlert: HistoryTable("alerts", ("journal", "book", "seq")),
    KeptEquity: HistoryTable("equity", ("journal", "book", "seq")),
}


def row_key(row: HistoryRow) -> tuple[object, ...]:
    """By what a row is told from all others, its kind first."""
    return (type(row), *(getattr(row, name) for name in TABLES[type(row)].key))


class HistoryMark(Struct, frozen=True):
    """How far the history of a journal goes."""

    seq: int
    """Number of the newest record that is told; 0 before the first."""
    digest: str
    """Of that record: a journal that has another one there is another journal."""
    ts: int
    """The record's own time, nanoseconds UTC."""


NOTHING_KEPT = HistoryMark(0, "", 0)


class HistoryBatch(Struct, frozen=True):
    """Rows of some records in a row, each once as it is after the last of them."""

    journal: str
    after: HistoryMark
    """Where the history has to stand for it."""
    mark: HistoryMark
    """Where it stands then."""
    rows: tuple[HistoryRow, ...]
    checkpoint: bytes = b""
    """What whoever tells needs to go on from here; empty leaves the one before."""


class HistoryCheckpoint(Struct, frozen=True):
    """A convenience, never a source of truth: without it the journal is folded from its first record."""

    seq: int
    """The record that it is as of."""
    body: bytes


class QueryResult(Struct, frozen=True):
    """What a query gave: plain values, Decimals and texts among them."""

    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    more: bool
    """There were more rows than were asked for."""
