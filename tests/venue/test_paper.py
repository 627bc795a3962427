"""A paper book beside the venue's book: the same ideas, and nothing else in common."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest
from msgspec.structs import replace

from engine.books.opening import PAPER
from engine.core import Core
from engine.lab.replay import BOOK
from engine.market.calendars.known import CME
from engine.model import effects as fx
from engine.model import records as r
from engine.model.config import BookConfig, PaperConfig
from engine.model.events import Quote, SnapshotTaken
from engine.model.market import NANOS, Side
from engine.model.orders import Account, AccountKind, OrderSpec, OrderType
from engine.model.view import SessionPhase
from engine.state.state import BookState
from engine.venue.fill_model import FillModel
from engine.venue.orders import VenueState
from engine.venue.paper import PaperBroker, PaperRules
from tests.market.feed import T0
from tests.support.lossy_wire import LossyReplay
from tests.support.paper_replay import PaperReplay, broker_of, paper_core, won_usd
from tests.support.scripted_replay import INSTRUMENTS, PRICE

# --- restarts and determinism --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def day() -> PaperReplay:
    played = PaperReplay(0)
    played.play()
    return played


def test_a_day_has_trades_on_both_sides_and_all_ways_out(day: PaperReplay) -> None:
    """Else the tests here would prove little."""
    for book in (PAPER, BOOK):
        trades = day._core.state.book(book).trades
        assert {trade.side for trade in trades} == set(Side)
        assert {trade.instrument for trade in trades} == set(INSTRUMENTS)
    reasons = {trade.reason for trade in day._core.state.book(PAPER).trades}
    assert "stop" in reasons
    assert reasons & {"T1", "T2"}


def test_the_money_of_the_paper_venue_is_that_of_the_journal(day: PaperReplay) -> None:
    core = day._core
    assert not any(broker_of(core).held(symbol) for symbol in INSTRUMENTS)
    assert broker_of(core).account.balance_usd == 50_000 + won_usd(core)
    assert core.state.book(PAPER).earned_usd == won_usd(core)
    assert core.books[PAPER].orders.balance_usd == broker_of(core).account.balance_usd


def test_the_tape_alone_writes_the_same_journal(day: PaperReplay) -> None:
    """Nothing of the paper book is on the tape, and nobody carries effects out here."""
    core = paper_core(1)
    journal = list(core.start(day.journal[0].ts)[0])
    for event in day.events:
        journal.extend(core.step(event)[0])
    assert [r.encode(record) for record in journal] == [r.encode(record) for record in day.journal]


def _killed(day: PaperReplay, kills: list[int]) -> PaperReplay:
    killed = PaperReplay(0, kills)
    killed.play()
    core = killed._core
    assert len(killed.killed_with) == len(kills)
    assert not any(broker_of(core).held(symbol) for symbol in INSTRUMENTS)
    assert not core.state.book(PAPER).live_orders()
    assert broker_of(core).account.balance_usd == 50_000 + won_usd(core)
    assert not [x for x in killed.journal if isinstance(x, r.PositionAdjusted) and x.book == PAPER]
    return killed


@pytest.mark.parametrize("seed", range(6))
def test_killed_at_any_step_it_finds_positions_orders_and_money_again(seed: int, day: PaperReplay) -> None:
    begins = day.opened_at[0]
    kills = random.Random(seed).sample(range(begins, begins + 1_500), 8)
    killed = _killed(day, kills)
    assert any(any(before["held"].values()) for before in killed.killed_with)


@pytest.mark.parametrize("later", range(0, 24, 2))
def test_killed_between_an_idea_and_its_working_bracket(later: int, day: PaperReplay) -> None:
    """Orders on their way to the market, fills whose legs still sleep: the same trades come of it."""
    killed = _killed(day, [day.opened_at[0] + later])
    was, now = (played._core.state.book(PAPER).trades[:2] for played in (day, killed))
    assert [(t.instrument, t.side, t.qty, t.reason) for t in was] == [
        (t.instrument, t.side, t.qty, t.reason) for t in now
    ]


# --- beside a venue in bad weather ---------------------------------------------------------------------


class _PaperStorm(LossyReplay):
    """The account's wire loses, doubles and delays, and the process is killed; the paper book has no wire."""

    def _boot(self) -> Core:
        core = super()._boot()
        return Core(
            replace(core.config, books=(BookConfig(PAPER, paper=PaperConfig()),)),
            core.entries.bots.all[0].strategy,
            core.state,
        )


@pytest.mark.parametrize("seed", range(8))
def test_a_storm_over_the_account_leaves_the_paper_book_alone(seed: int) -> None:
    storm = _PaperStorm(seed)
    storm.play()
    core = storm._core
    book = core.state.book(PAPER)
    assert not any(broker_of(core).held(symbol) for symbol in INSTRUMENTS)
    assert not [p for p in book.positions.values() if p.qty]
    assert not book.live_orders()
    assert not book.flattening
    assert broker_of(core).account.balance_usd == 50_000 + won_usd(core)
    mine = [x for x in storm.journal if getattr(x, "book", None) == PAPER]
    assert not [x for x in mine if isinstance(x, r.PositionAdjusted | r.FillSettled)]
    assert not [x for x in mine if isinstance(x, r.OrderMoved) and x.event is r.OrderEvent.TIMED_OUT]
    if storm.at_calm is not None:
        assert storm.at_calm[0] == storm.at_calm[1], "and the account is as well looked after as without it"


def test_nothing_piles_up_over_the_days() -> None:
    """Orders and fills of a day that is over are forgotten; what lives, and its family, is not."""
    rules = PaperRules(must_be_flat=True)
    account = Account(PAPER, PAPER, AccountKind.PAPER, Decimal(50_000), can_trade=True)
    broker = PaperBroker(account, PAPER, INSTRUMENTS, FillModel(), rules=rules)
    broker.restore(VenueState(T0, 1, 1, [], [], []), BookState(PAPER))
    now = T0
    for number in range(40):
        opens = CME.next_roll(now) if number else T0
        while CME.phase(opens) is SessionPhase.CLOSED:
            opens = CME.next_roll(opens)
        now = opens + NANOS
        broker.advance(now)
        broker.on_quote(Quote(ts_recv=now, ts_venue=now, instrument="MNQ", bid=PRICE, ask=PRICE + 1))
        for side in Side:
            broker.execute(
                fx.PlaceOrder(PAPER, f"{number}-{side}", "MNQ", OrderSpec(side, OrderType.MARKET, 1))
            )
            now += NANOS
            broker.advance(now)
        broker.outgoing.clear()
    assert broker.held("MNQ") == 0
    assert len(broker.venue.orders) <= 8
    broker.execute(fx.TakeSnapshot(PAPER, 0))
    (taken,) = broker.outgoing
    assert isinstance(taken, SnapshotTaken)
    assert len(taken.fills) <= 8
    assert taken.account.balance_usd == 50_000 - 40 * 2 * INSTRUMENTS["MNQ"].cost_usd - 40 * Decimal("1.50")
