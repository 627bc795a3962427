"""Rows of the history beside the state that the same records fold to, and beside what the fills alone say."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cache

import pytest
from msgspec.structs import replace

from engine.model import events as ev
from engine.model import records as r
from engine.model.expectation import Expectation
from engine.model.history import (
    TABLES,
    HistoryRow,
    KeptAlert,
    KeptEquity,
    KeptFill,
    KeptOrder,
    KeptPosition,
    KeptPrediction,
    KeptRisk,
    KeptTrade,
    row_key,
)
from engine.model.market import Side, Timeframe
from engine.model.orders import Account, AccountKind
from engine.model.plans import Leg
from engine.model.scores import PatternSeen, ScorePart
from engine.state.fold import apply
from engine.state.state import BookState, State
from tests.execution.test_faults_untold import concluded
from tests.market.feed import T0
from tests.support.books import BOOK, Book
from tests.support.lossy_wire import LossyReplay
from tests.support.manual_venue import entered
from tests.support.scripted_replay import PRICE as START
from tests.support.scripted_replay import ScriptedReplay, idea
from tests.support.venue_orders import MNQ, PRICE
from tests.torture.mishap_replay import play
from tests.torture.mishaps import SCENES, Scene
from tests.torture.spread import play_drawn
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


def agree(records: Sequence[r.AnyRecord]) -> list[HistoryRow]:
    """The rows of records, which say what the state says, and whose fills add up to what is held."""
    rows, state = list(told(records).values()), folded(records)
    lots = {symbol: known.lot_size for symbol, known in state.instruments.items()}
    for book in state.books.values():
        _agree_on(book, [row for row in rows if row.book == book.book], lots)
    held: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in rows:
        if isinstance(row, KeptFill):
            sign = 1 if row.side == "buy" else -1
            held[row.book, row.symbol] += sign * (row.quantity - row.settled_quantity)
    for record in records:
        if isinstance(record, r.PositionAdjusted):
            held[record.book, record.instrument] += record.delta * lots[record.instrument]
    for book in state.books.values():
        for name, position in book.positions.items():
            assert held[book.book, name] == position.qty * lots[name]
    return rows


def _agree_on(book: BookState, rows: Sequence[HistoryRow], lots: Mapping[str, Decimal]) -> None:
    """Rows count as people do, in contracts and coins: `lots` is what one lot is."""
    trades = [row for row in rows if isinstance(row, KeptTrade)]
    assert [row.pnl_usd for row in trades] == [trade.net_usd for trade in book.trades]
    assert [row.reason for row in trades] == [trade.reason for trade in book.trades]
    assert sum((row.pnl_usd for row in trades), Decimal(0)) == book.earned_usd
    orders = {row.client_id: row for row in rows if isinstance(row, KeptOrder)}
    for order in book.orders.values():
        row = orders[order.client_id]
        filled = order.filled_qty * lots[order.instrument]
        assert (row.status, row.filled_quantity) == (order.status.value, filled)
    cycles = [row for row in rows if isinstance(row, KeptPosition)]
    open_now = {row.symbol: (row.quantity, row.costs_usd) for row in cycles if row.status == "open"}
    holds = {one.instrument: (abs(one.qty) * lots[one.instrument], one.costs_usd) for one in book.held()}
    assert open_now == holds
    closed = [row for row in cycles if row.status == "closed"]
    assert [row.pnl_usd for row in closed] == [row.pnl_usd for row in trades]
    risks = [row for row in rows if isinstance(row, KeptRisk)]
    if trades:
        assert risks[-1].trades == len(trades)


@pytest.mark.parametrize("seed", SEEDS)
def test_rows_say_what_the_state_says(seed: int) -> None:
    agree(journal(seed))


def test_in_scenes_of_kills_and_of_fills_that_nobody_tells_too() -> None:
    fills = Counter[str]()

    def one(scene: Scene) -> None:
        records = play(scene).journal
        agree(records)
        fills.update(record.book for record in records if isinstance(record, r.FillApplied))

    play_drawn(one, 1, 10, SCENES)
    assert fills.total() > 20


def test_a_fill_that_is_told_late_takes_the_place_of_the_one_that_was_concluded() -> None:
    bench, fill = concluded()
    [before] = [row for row in agree(bench.journal) if isinstance(row, KeptFill)]
    assert (before.inferred, before.settled_quantity) == (True, Decimal(0))
    bench.tell_fill(fill)
    was, now = [row for row in agree(bench.journal) if isinstance(row, KeptFill)]
    assert (was.trade_id, was.settled_quantity) == (before.trade_id, Decimal(2))
    assert (now.trade_id, now.inferred, now.price) == (fill.trade_id, False, MNQ.price(PRICE + 6))


def test_a_trade_whose_last_fill_was_another_is_put_right() -> None:
    bench, ids = entered()
    fill = bench.execute(ids["SL"], PRICE - 47)
    bench.fills.remove(fill)
    bench.end(ids["TP"])
    bench.tell(ids["SL"])
    bench.wait(8)
    [assumed] = [row for row in agree(bench.journal) if isinstance(row, KeptTrade)]
    bench.tell_fill(fill)
    rows = agree(bench.journal)
    [mended] = [row for row in rows if isinstance(row, KeptTrade)]
    assert mended.id == assumed.id
    assert mended.gross_usd == MNQ.usd(-47 * 5) < assumed.gross_usd
    [position] = [row for row in rows if isinstance(row, KeptPosition)]
    assert (position.status, position.pnl_usd) == ("closed", mended.pnl_usd)


def test_what_a_book_held_in_another_account_is_left_and_not_open() -> None:
    book = Book()
    book.entered(Leg(2, -40, 60), price=1000)
    account = Account("2", "PRAC-2", AccountKind.PRACTICE, Decimal(40_000), can_trade=True)
    book.write(r.AccountKnown(ts=book.now, book=BOOK, account=account))
    rows = agree(book.journal)
    assert [row.status for row in rows if isinstance(row, KeptPosition)] == ["left"]


def test_a_prediction_has_its_error_once_the_trade_has_ended() -> None:
    def script(play: ScriptedReplay) -> Iterator[ev.Quote | ev.Print]:
        yield from play.minutes(2)
        yield from play.move(START - 90, seconds=3)
        yield from play.minutes(2)

    seen = PatternSeen("block_held", Timeframe.M5, 1, T0, START, "trending", 9)
    learned = ScorePart("learned", 0.4, samples=12, value=0.25)
    promised = Expectation(40, 0.5, 0.75, 2.0, confidence=0.9)
    told_of = replace(idea(Side.BUY)[1], pattern=seen, parts=(learned,), expectation=promised)
    played = ScriptedReplay(script, [(0, told_of)])
    rows = [row for row in agree(played.journal) if isinstance(row, KeptPrediction)]
    [ended] = [record for record in played.journal if isinstance(record, r.PatternEnded)]
    found = {
        row.model_name: (row.prediction, row.samples, row.confidence, row.actual, row.error) for row in rows
    }
    assert found == {
        "patterns": (0.25, 12, None, ended.r, 0.25 - ended.r),
        "backtest": (0.75, 40, 0.9, ended.r, 0.75 - ended.r),
    }


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


@pytest.mark.parametrize("seed", SEEDS)
def test_a_checkpoint_goes_on_as_the_whole_fold_does(seed: int) -> None:
    records = journal(seed)
    for cut in range(1, len(records), 11):
        first = Projection("j")
        for seq, record in enumerate(records[:cut], 1):
            first.take(seq, record)
        second = Projection.restored("j", first.checkpoint())
        assert second is not None
        for seq, record in enumerate(records[cut : cut + 40], cut + 1):
            assert second.take(seq, record) == first.take(seq, record)


@pytest.mark.parametrize("odd", [b"", b"{}", b"\xff", b'{"version":1,"state":{},"ledgers":{}}'])
def test_whatever_is_odd_about_a_checkpoint_is_none(odd: bytes) -> None:
    assert Projection.restored("j", odd) is None
