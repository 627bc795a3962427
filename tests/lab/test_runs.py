"""Whole runs of the core against the venue in virtual time: what they leave in the journal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest
from msgspec.structs import replace

from adapters.store.hashing import RunHash, run_hash
from adapters.store.virtual import SyncJournal
from engine.core import Core, Outcome
from engine.lab.replay import BOOK, Replay
from engine.market.calendars.known import CME
from engine.model import records as r
from engine.model.config import BookConfig, EngineConfig, TradingSwitch
from engine.model.effects import PlaceOrder
from engine.model.events import AnyEvent, Print, Quote
from engine.model.limits import RiskLimits
from engine.model.market import MINUTE, NANOS, Bar, Side
from engine.model.orders import Slot
from engine.model.plans import Idea
from engine.model.refusals import Refusal
from engine.model.restrictions import TradingState
from engine.state.state import State
from engine.venue.fill_model import FillModel
from engine.venue.venue import Venue
from tests.strategies.scripted import ScriptedStrategy
from tests.support.books import MES, MNQ, MORNING, refolded

INSTRUMENTS = {"MNQ": MNQ, "MES": MES}
STEP = NANOS // 4
BRACKET_NS = 2 * NANOS

Prices = Callable[[int], int]
"""Price of MNQ in ticks at so many quarters of a second from the start."""


def _wander(seed: int) -> Prices:
    """A random walk of a tick at a time, whose every step is the same however often it is asked."""
    chance = Random(seed)
    prices = [80_000]

    def price(step: int) -> int:
        while len(prices) <= step:
            prices.append(prices[-1] + chance.choice((-1, 0, 1)))
        return prices[step]

    return price


def _market(price: Prices, start: int, minutes: int, silent: int = 1 << 30) -> Iterator[Quote | Print]:
    """Quotes and prints of both contracts; from step `silent` on nobody trades MNQ, so no stop triggers."""
    for step in range(minutes * 240):
        ts = start + step * STEP
        for symbol in INSTRUMENTS:
            at = price(step) if symbol == "MNQ" else 20_000 + (price(step) - 80_000) // 2
            yield Quote(ts_recv=ts, ts_venue=ts, instrument=symbol, bid=at, ask=at + 1, last=at)
            if symbol == "MNQ" and step >= silent:
                continue
            yield Print(ts_recv=ts, ts_venue=ts, instrument=symbol, price=at + step % 2, size=5)


def _idea(instrument: str, side: Side, stop: int, *targets: int) -> Idea:
    """Prices as distances from the close that gives it."""
    return Idea(
        strategy="scripted",
        instrument=instrument,
        side=side,
        reference=0,
        stop=-stop * side.sign,
        targets=tuple(target * side.sign for target in targets),
        score_tenths=80,
        reasons=("scripted",),
        ts=0,
    )


def _script(start: int, minutes: int) -> list[tuple[int, Idea]]:
    sides = (Side.BUY, Side.SELL)
    return [
        (start + minute * MINUTE, _idea(symbol, sides[(minute + k) % 2], 8, 12, 20))
        for minute in range(1, minutes)
        for k, symbol in enumerate(INSTRUMENTS)
    ]


def _core(
    script: Sequence[tuple[int, Idea]], risk: RiskLimits, state: State | None = None, boot: int = 1
) -> Core:
    config = EngineConfig(
        instruments=(MNQ, MES),
        venue="replay",
        install="runs",
        boot=boot,
        trading=TradingSwitch.LIVE,
        practice_time=True,
        templates=(BookConfig(risk=risk),),
        bar_grace_ns=0,
    )
    return Core(config, ScriptedStrategy(script, relative=True), state)


def _no_history(symbol: str) -> Sequence[Bar]:
    return ()


class _Watched:
    """A core under watch: what must hold after every event is looked at after every event."""

    def __init__(self, core: Core, journal: list[r.AnyRecord]) -> None:
        self.core = core
        self.journal = journal
        self.intended: set[str] = set()
        self.naked_since: dict[str, int] = {}
        self.next_deadline, self.config = core.next_deadline, core.config

    def start(self, ts: int) -> Outcome:
        return self._checked(self.core.start(ts))

    def step(self, event: AnyEvent) -> Outcome:
        return self._checked(self.core.step(event))

    def _checked(self, outcome: Outcome) -> Outcome:
        records, effects = outcome
        self.journal.extend(records)
        self.intended |= {rec.client_id for rec in records if isinstance(rec, r.OrderIntended)}
        placed = [effect.client_id for effect in effects if isinstance(effect, PlaceOrder)]
        assert set(placed) <= self.intended, "an order without its intent"
        self.intended -= set(placed)  # whoever sends it again, sends it blindly
        for book in self.core.state.books.values():
            for symbol in INSTRUMENTS:
                held = book.position(symbol).qty
                plans = [p for p in book.plans.values() if p.plan.instrument == symbol]
                assert held == sum(p.open_qty * p.plan.side.sign for p in plans)
                stops = sum(
                    order.open_qty
                    for order in book.live_orders(symbol)
                    if order.slot is Slot.STOP and not order.suspended
                )
                if stops >= abs(held):
                    self.naked_since.pop(symbol, None)
                since = self.naked_since.setdefault(symbol, self.core.now) if stops < abs(held) else None
                assert since is None or self.core.now - since <= BRACKET_NS, "naked"
        return outcome


def _run(
    script: Sequence[tuple[int, Idea]],
    price: Prices,
    *,
    start: int = MORNING,
    minutes: int = 15,
    risk: RiskLimits | None = None,
    state: State | None = None,
    boot: int = 1,
    keep: Callable[[Sequence[r.AnyRecord]], object] = len,
    silent: int = 1 << 30,
) -> _Watched:
    watched = _Watched(_core(script, risk or RiskLimits(), state, boot), [])
    replay = Replay(watched, INSTRUMENTS, FillModel(), keep)  # type: ignore[arg-type]
    # A venue never gives an id twice, whichever run of ours is listening.
    replay._venue = Venue(INSTRUMENTS, FillModel(), first_order_id=boot * 1000, first_trade_id=boot * 1000)
    replay.run(start, _no_history, _market(price, start, minutes, silent))
    return watched


@pytest.fixture(scope="module", params=[3, 4])
def run(request: pytest.FixtureRequest) -> _Watched:
    return _run(_script(MORNING, 15), _wander(request.param))


def test_a_run_has_entries_stops_targets_and_break_evens(run: _Watched) -> None:
    """Else the tests below would prove little."""
    book = run.core.state.books[BOOK]
    assert len(book.trades) >= 5
    assert {trade.side for trade in book.trades} == set(Side)
    assert {trade.instrument for trade in book.trades} == set(INSTRUMENTS)
    kinds = {type(record) for record in run.journal}
    assert {r.OrderAdopted, r.FillApplied, r.PlanChanged, r.IdeaRefused} <= kinds


def test_a_restart_finds_the_very_state_that_the_run_left(run: _Watched) -> None:
    assert refolded(run.journal) == run.core.state


def test_the_money_of_a_run_is_its_cash_flow(run: _Watched) -> None:
    book = run.core.state.books[BOOK]
    fills = [record.fill for record in run.journal if isinstance(record, r.FillApplied)]
    cash = Decimal(0)
    for fill in fills:
        known = INSTRUMENTS[fill.instrument]
        assert fill.cost_usd == known.cost_usd * fill.qty
        cash -= known.usd(fill.side.sign * fill.qty * fill.price) + fill.cost_usd
    worth = sum(
        (
            INSTRUMENTS[p.instrument].usd(p.qty * (run.core.marks.mark(p) or 0))
            for p in book.positions.values()
        ),
        Decimal(0),
    )
    assert run.core.books[BOOK].day_usd == cash + worth
    closed = sum((trade.net_usd for trade in book.trades), Decimal(0))
    assert book.day.equity[-1] == closed == book.day.won_usd - book.day.lost_usd


def test_every_fill_belongs_to_an_order_that_was_intended_or_told_of(run: _Watched) -> None:
    known: set[str] = set()
    filled: set[str] = set()
    for record in run.journal:
        if isinstance(record, r.OrderIntended | r.OrderAdopted):
            assert record.client_id not in known, "a client id given twice"
            known.add(record.client_id)
        elif isinstance(record, r.FillApplied):
            assert record.client_id in known
            filled.add(record.client_id)
    assert filled


# --- the daily loss, from the first tick to the next day ---------------------------------------------------

TIGHT = RiskLimits(daily_loss_usd=Decimal(60), risk_per_trade_usd=Decimal(50), max_contracts=2)
LOSING = [
    (MORNING + MINUTE, _idea("MNQ", Side.BUY, 40, 80, 120)),
    (MORNING + 6 * MINUTE, _idea("MES", Side.BUY, 8, 12, 20)),
]
GAP = 500


def _falling(step: int) -> int:
    """Level, and then far below at once: two MNQ lose 60 USD and more before anybody trades there."""
    return 80_000 if step < GAP else 79_930


def _refused(journal: Sequence[r.AnyRecord]) -> list[tuple[Refusal, ...]]:
    return [record.refusals for record in journal if isinstance(record, r.IdeaRefused)]


def test_the_daily_loss_flattens_locks_survives_a_restart_and_ends_with_the_day() -> None:
    first = _run(LOSING, _falling, minutes=8, risk=TIGHT, silent=GAP)
    state = first.core.state
    restriction = state.restriction(BOOK, "MES")
    assert restriction is not None
    assert restriction.state is TradingState.LOCKED
    assert any(isinstance(record, r.CloseRequested) for record in first.journal)
    (trade,) = state.books[BOOK].trades
    assert (trade.reason, trade.qty) == ("risk", 2)
    assert -trade.net_usd >= TIGHT.daily_loss_usd
    assert all(not p.qty for p in state.books[BOOK].positions.values())
    assert not state.books[BOOK].live_orders()
    assert not state.books[BOOK].flattening
    assert not state.books[BOOK].plans
    refusals = _refused(first.journal)
    assert refusals
    assert Refusal.LOCKED in refusals[-1]

    def again(start: int, found: State, boot: int) -> _Watched:
        script = [(start + MINUTE, _idea("MES", Side.BUY, 8, 12, 20))]
        return _run(script, lambda step: 80_000, start=start, minutes=3, risk=TIGHT, state=found, boot=boot)

    second = again(MORNING + 60 * MINUTE, refolded(first.journal), 2)
    assert [Refusal.LOCKED in refusals for refusals in _refused(second.journal)] == [True]
    assert not any(isinstance(record, r.PlanOpened) for record in second.journal)

    roll = CME.next_roll(MORNING)
    third = again(roll + MINUTE, refolded([*first.journal, *second.journal]), 3)
    assert _refused(third.journal) == []
    assert any(isinstance(record, r.PlanOpened) for record in third.journal)


# --- the fingerprint ----------------------------------------------------------------------------------------


def _hash(folder: Path, seed: int, alter: Callable[[r.AnyRecord], r.AnyRecord] | None = None) -> RunHash:
    folder.mkdir()
    with SyncJournal(folder / "journal.db", install="runs") as journal:

        def keep(records: Sequence[r.AnyRecord]) -> None:
            told = [alter(record) if alter is not None else record for record in records]
            journal.append([r.encode(record) for record in told], journal.last_seq + 1)

        _run(_script(MORNING, 5), _wander(seed), minutes=5, keep=keep)
    return run_hash(folder / "journal.db")


def test_a_seed_decides_the_hash_and_one_fill_a_tick_away_changes_it(tmp_path: Path) -> None:
    first, again = _hash(tmp_path / "first", 3), _hash(tmp_path / "again", 3)
    assert first == again
    assert _hash(tmp_path / "other", 4).hexdigest != first.hexdigest

    altered = 0

    def one_tick(record: r.AnyRecord) -> r.AnyRecord:
        nonlocal altered
        if isinstance(record, r.FillApplied) and not altered:
            altered += 1
            return replace(record, fill=replace(record.fill, price=record.fill.price + 1))
        return record

    changed = _hash(tmp_path / "changed", 3, one_tick)
    assert altered == 1
    assert changed.records == first.records
    assert changed.hexdigest != first.hexdigest
