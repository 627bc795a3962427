"""Rows of the history beside the state that the same records fold to, and beside what the fills alone say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from functools import cache

import pytest

from engine.model import records as r
from engine.model.history import (
    TABLES,
    HistoryRow,
    KeptAlert,
    KeptEquity,
    KeptFill,
    KeptOrder,
    KeptPosition,
    KeptRisk,
    KeptTrade,
    row_key,
)
from engine.state.fold import apply
from engine.state.state import State
from tests.support.lossy_wire import LossyReplay
from tstream.history.projection import Projection

SEEDS = range(5)
Tables = dict[tuple[object, ...], HistoryRow]


@cache
def journal(seed: int) -> tuple[r.AnyRecord, ...]:
    """What a storm writes: lost and doubled answers, killed processes, fills, flattens."""
    storm = LossyReplay(seed)
    storm.play()
    return tuple(r.decode(r.encode(record)) for record in storm.journal)


def told(records: Iterable[r.AnyRecord]) -> Tables:
    """Rows by their keys, as a database has them in the end."""
    projection, found = Projection("j"), Tables()
    for seq, record in enumerate(records, 1):
        for row in projection.take(seq, record):
            found[row_key(row)] = row
    return found


def folded(records: Iterable[r.AnyRecord]) -> State:
    state = State()
    for record in records:
        apply(state, record)
    return state


@pytest.mark.parametrize("seed", SEEDS)
def test_rows_say_what_the_state_says(seed: int) -> None:
    records = journal(seed)
    rows, state = list(told(records).values()), folded(records)
    for book in state.books.values():
        trades = [row for row in rows if isinstance(row, KeptTrade) and row.book == book.book]
        assert [row.pnl_usd for row in trades] == [trade.net_usd for trade in book.trades]
        assert [row.reason for row in trades] == [trade.reason for trade in book.trades]
        assert sum((row.pnl_usd for row in trades), Decimal(0)) == book.earned_usd
        orders = {row.client_id: row for row in rows if isinstance(row, KeptOrder) and row.book == book.book}
        for order in book.orders.values():
            row = orders[order.client_id]
            assert (row.status, row.filled_quantity) == (order.status.value, Decimal(order.filled_qty))
        held = [row for row in rows if isinstance(row, KeptPosition) and row.book == book.book]
        open_now = {row.symbol: row.quantity for row in held if row.status == "open"}
        assert open_now == {name: abs(p.qty) for name, p in book.positions.items() if p.qty}
        closed = [row for row in held if row.status == "closed"]
        assert [row.pnl_usd for row in closed] == [row.pnl_usd for row in trades]


@pytest.mark.parametrize("seed", SEEDS)
def test_fills_add_up_to_what_is_held(seed: int) -> None:
    records = journal(seed)
    held = Counter[tuple[str, str]]()
    for row in told(records).values():
        if isinstance(row, KeptFill):
            sign = 1 if row.side == "buy" else -1
            held[row.book, row.symbol] += sign * int(row.quantity - row.settled_quantity)
    for record in records:
        if isinstance(record, r.PositionAdjusted):
            held[record.book, record.instrument] += record.delta
    for book in folded(records).books.values():
        for name, position in book.positions.items():
            assert held[book.book, name] == position.qty


def test_the_storms_have_what_there_are_rows_for() -> None:
    kinds = {type(row) for seed in SEEDS for row in told(journal(seed)).values()}
    assert {KeptTrade, KeptOrder, KeptFill, KeptPosition, KeptRisk, KeptAlert, KeptEquity} <= kinds


def test_telling_again_changes_nothing() -> None:
    records = journal(3)
    once, projection = told(records), Projection("j")
    again = dict(once)
    for seq, record in enumerate(records, 1):
        for row in projection.take(seq, record):
            if again[row_key(row)].seq <= row.seq:
                again[row_key(row)] = row
    assert again == once


@pytest.mark.parametrize("kind", TABLES)
def test_every_row_has_the_columns_of_its_key(kind: type[HistoryRow]) -> None:
    assert set(TABLES[kind].key) <= set(kind.__struct_fields__)
