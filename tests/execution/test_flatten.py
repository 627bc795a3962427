"""Flatten through halts, breaks, silences and restarts, on the virtual clock (F27, F28)."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from msgspec import structs

from engine.execution.flatten import reopening
from engine.market.calendars.known import CME
from engine.model import effects as fx
from engine.model import events as ev
from engine.model import records as r
from engine.model.commands import Flatten
from engine.model.config import BookConfig
from engine.model.errors import Cause
from engine.model.market import MINUTE, NANOS
from engine.model.orders import OrderStatus, Slot, VenueStatus
from engine.model.restrictions import TradingState
from tests.support.manual_venue import BOOK, ManualVenue, connected, entered, idea
from tests.support.venue_orders import MNQ

HOUR = 60 * MINUTE


def at(text: str) -> int:
    """Nanoseconds UTC of a wall time in Chicago in standard time: "2026-11-16 15:20"."""
    moment = datetime.strptime(f"{text} +0000", "%Y-%m-%d %H:%M %z")
    return int(moment.timestamp()) * NANOS + 6 * HOUR


def entered_at(when: int) -> tuple[ManualVenue, dict[str, str]]:
    bench = ManualVenue(idea(targets=(80,)), at=when)
    bench.connect()
    return bench, bench.enter(bench.trade_idea()[0])


def leap(bench: ManualVenue, seconds: float) -> None:
    """Let time pass in one step, where nothing but the time is of interest."""
    bench.now += int(seconds * NANOS)
    bench.step(ev.TimeAdvanced(ts_recv=bench.now))


def reply(bench: ManualVenue, outcome: ev.Outcome, cause: Cause | None = None, reason: str = "") -> None:
    bench.reply(fx.ClosePosition(BOOK, "MNQ"), outcome, cause=cause, reason=reason)


def cancels_answered(bench: ManualVenue) -> None:
    """Every cancel asked for is carried out and told."""
    for cancel in bench.of(fx.CancelOrder):
        if bench.orders[cancel.venue_id].status.live:
            bench.change(cancel.venue_id, status=VenueStatus.CANCELED)
            bench.tell(cancel.venue_id)


def refusing(bench: ManualVenue, seconds: float, cause: Cause) -> list[int]:
    """Refuse every close for so long; when they were asked for."""
    asked: list[int] = []
    for _ in range(int(seconds * 2)):
        before = len(bench.of(fx.ClosePosition))
        bench.wait(0.5)
        if len(bench.of(fx.ClosePosition)) > before:
            asked.append(bench.now)
            reply(bench, ev.Outcome.REFUSED, cause, "the market is closed")
    return asked


def test_f28_a_flatten_refused_in_a_halt_keeps_its_stops_and_is_retried_until_it_works() -> None:
    bench, _ = entered()
    bench.say(Flatten(id="f", instrument="MNQ"))
    reply(bench, ev.Outcome.REFUSED, Cause.CLOSED, "the market is halted")
    asked = refusing(bench, 120, Cause.CLOSED)
    gaps = [b - a for a, b in pairwise(asked)]
    assert 4 <= len(asked) <= 12, "a halt may end at any time, and is not hammered"
    assert max(gaps) <= 33 * NANOS
    assert bench.book.flattening == {"MNQ": "manual"}
    assert [(s.status, s.open_qty) for s in bench.in_slot(Slot.STOP)] == [(OrderStatus.WORKING, 5)]
    bench.wait(35)
    reply(bench, ev.Outcome.ACCEPTED)
    bench.close_all()
    bench.wait(0.5)
    cancels_answered(bench)
    bench.wait(3)
    assert (bench.book.flattening, bench.book.plans, bench.standing()) == ({}, {}, [])
    assert bench.book.trades[-1].reason == "manual"


def test_f62_a_close_that_never_left_is_tried_every_four_seconds_and_told_once() -> None:
    bench, _ = entered()
    bench.say(Flatten(id="f", instrument="MNQ"))
    waits = iter(range(80, 0, -1))
    asked: list[int] = [bench.now]
    for _ in range(80):
        if len(bench.of(fx.ClosePosition)) >= len(asked):
            why = f"login refused; the next try comes in {next(waits)} s"
            reply(bench, ev.Outcome.UNSENT, Cause.OTHER, why)
            asked.append(bench.now)
        bench.wait(0.5)
    assert max(b - a for a, b in pairwise(asked[1:])) <= 5 * NANOS
    assert len(asked) <= 13
    assert sum("close of MNQ refused" in n.text for n in bench.notices) == 1


def test_f28_every_escalation_step_is_critical_and_says_what_is_open_and_what_to_do() -> None:
    bench, _ = entered()
    bench.say(Flatten(id="f", instrument="MNQ"))
    begun = bench.now
    flattener = bench.core.books[BOOK].orders.flattener
    assert (flattener.begun(), flattener.alarm()) == (begun, "")
    reply(bench, ev.Outcome.REFUSED, Cause.OTHER, "not now")
    refusing(bench, 190, Cause.OTHER)
    assert flattener.alarm() == "close of MNQ refused: the market is closed"
    told = [n for n in bench.notices if n.text.startswith("not flat after")]
    assert {n.severity.value for n in told} == {"critical"}
    seconds = [(n.ts - begun) // NANOS for n in told]
    assert seconds == [3, 10, 30, 60, 120, 180]
    for notice in told:
        assert "MNQ long 5 with 2 orders" in notice.text
        assert "tstream keeps trying; close it on the venue's own platform" in notice.text
        assert (notice.instrument, notice.book) == ("MNQ", BOOK)


@pytest.mark.parametrize(
    ("when", "opens"),
    [
        ("2026-11-16 15:20", "2026-11-16 17:00"),
        ("2026-11-16 16:30", "2026-11-16 17:00"),
        ("2026-11-20 15:30", "2026-11-22 17:00"),
        ("2026-11-21 12:00", "2026-11-22 17:00"),
        ("2026-11-16 10:00", None),
        ("2026-11-16 15:09", None),
    ],
)
def test_f28_when_a_closed_market_takes_orders_again(when: str, opens: str | None) -> None:
    assert reopening(at(when), CME) == (None if opens is None else at(opens))


def test_f28_through_the_break_the_latch_stays_and_the_close_comes_with_the_reopening() -> None:
    """15:09 to 17:00 in Chicago: the venue takes no order, the stop stands, people are reminded."""
    bench, _ = entered_at(at("2026-11-16 14:30"))
    while bench.now < at("2026-11-16 15:04"):
        leap(bench, 60)
        bench.quote()
    assert bench.book.flattening == {}
    # Our own flat time, 15:05, closes it; the venue refuses throughout.
    begun: list[int] = []
    while bench.now < at("2026-11-16 16:59"):
        leap(bench, 5)
        if len(bench.of(fx.ClosePosition)) > len(begun):
            begun.append(bench.now)
            reply(bench, ev.Outcome.REFUSED, Cause.CLOSED, "the market is closed")
    assert at("2026-11-16 15:05") <= begun[0] <= at("2026-11-16 15:06")
    late = [ts for ts in begun if ts > at("2026-11-16 15:12")]
    assert 15 <= len(late) <= 24, "the calendar may be wrong: it is tried every five minutes"
    assert bench.book.flattening == {"MNQ": "flat_time"}
    assert [(s.status, s.open_qty) for s in bench.in_slot(Slot.STOP)] == [(OrderStatus.WORKING, 5)]
    told = [n for n in bench.notices if n.text.startswith("not flat after")]
    waiting = [n for n in told if "the market is closed; stops stay" in n.text]
    assert len(waiting) >= 9
    assert "closed at 17:00:00 Chicago time" in waiting[-1].text
    # The market opens: at once, not at the next probe.
    count = len(bench.of(fx.ClosePosition))
    while bench.now < at("2026-11-16 17:00") + NANOS:
        bench.wait(0.5)
    assert len(bench.of(fx.ClosePosition)) == count + 1
    reply(bench, ev.Outcome.ACCEPTED)
    bench.close_all()
    bench.wait(0.5)
    cancels_answered(bench)
    bench.wait(3)
    assert (bench.book.flattening, bench.book.position("MNQ").qty) == ({}, 0)
    assert bench.book.trades[-1].reason == "flat_time"


def test_f28_a_restart_in_the_break_goes_on_with_the_latch() -> None:
    bench, _ = entered()
    bench.say(Flatten(id="f", instrument="MNQ"))
    reply(bench, ev.Outcome.REFUSED, Cause.CLOSED, "the market is closed")
    again = bench.restart()
    assert again.book.flattening == {"MNQ": "manual"}
    again.connect()
    again.wait(1)
    assert again.of(fx.ClosePosition) == [fx.ClosePosition(BOOK, "MNQ")]
    assert again.core.state.restriction(BOOK, "MNQ") is not None


def test_a_flatten_before_any_account_is_adopted_is_carried_out_on_adoption() -> None:
    bench, _ = entered()
    fresh = ManualVenue()
    fresh.core.config = structs.replace(fresh.core.config, books=(BookConfig(BOOK),))
    fresh.orders, fresh.fills, fresh.positions = bench.orders, bench.fills, bench.positions
    answer = fresh.say(Flatten(id="f"))
    assert "hand as soon as it is connected" in answer
    assert "entries stay paused" in answer
    assert set(fresh.book.flattening) == {"MNQ", "ES"}
    fresh.connect()
    fresh.wait(3)
    assert fresh.of(fx.ClosePosition) == [fx.ClosePosition(BOOK, "MNQ")]
    reply(fresh, ev.Outcome.ACCEPTED)
    fresh.close_all()
    fresh.wait(0.5)
    cancels_answered(fresh)
    fresh.wait(4)
    assert (fresh.book.flattening, fresh.standing()) == ({}, [])
    assert fresh.core.state.restrictions["/"].state is TradingState.REDUCING


def test_a_latch_from_before_the_adoption_survives_a_restart() -> None:
    fresh = ManualVenue()
    fresh.core.config = structs.replace(fresh.core.config, books=(BookConfig(BOOK),))
    fresh.say(Flatten(id="f", instrument="MNQ"))
    again = fresh.restart()
    again.positions["MNQ"] = 2
    again.connect()
    again.wait(6)
    assert again.of(fx.ClosePosition) == [fx.ClosePosition(BOOK, "MNQ")]


def test_a_flatten_waits_for_the_evidence_of_an_order_of_unknown_outcome() -> None:
    bench, order = connected()
    bench.reply(order, ev.Outcome.UNKNOWN)
    bench.say(Flatten(id="f", instrument="MNQ"))
    bench.wait(8)
    assert bench.order(order.client_id).status is OrderStatus.UNKNOWN
    assert bench.book.flattening == {"MNQ": "manual"}, "nothing shows at the venue, and yet it is not flat"
    assert any("1 of unknown outcome" in text for text in bench.critical())
    # It did arrive, late: it is closed before anybody says flat.
    venue_id = bench.lodge(order, legs=False)
    bench.execute(venue_id)
    bench.wait(4)
    assert bench.of(fx.ClosePosition) == [fx.ClosePosition(BOOK, "MNQ")]
    reply(bench, ev.Outcome.ACCEPTED)
    bench.close_all()
    bench.wait(30)  # a stop was on its way for it, and nobody answered that one either
    assert bench.book.flattening == {}


def test_a_flatten_of_a_lost_order_ends_with_the_evidence() -> None:
    bench, order = connected()
    bench.reply(order, ev.Outcome.UNKNOWN)
    bench.say(Flatten(id="f", instrument="MNQ"))
    begun = bench.now
    while bench.book.flattening:
        bench.wait(1)
        assert bench.now - begun < 40 * NANOS
    assert bench.now - begun >= 15 * NANOS
    assert not bench.order(order.client_id).live


def test_a_close_of_unknown_outcome_is_looked_up_and_not_repeated_blindly() -> None:
    bench, _ = entered()
    bench.answering = False
    bench.say(Flatten(id="f", instrument="MNQ"))
    reply(bench, ev.Outcome.UNKNOWN)
    bench.wait(12)
    assert len(bench.of(fx.ClosePosition)) == 1
    bench.answering = True
    bench.snapshot(bench.of(fx.TakeSnapshot)[-1])
    bench.wait(3)
    assert len(bench.of(fx.ClosePosition)) == 2


def test_without_any_answer_to_queries_what_the_journal_knows_is_closed_all_the_same() -> None:
    bench, _ = entered()
    again = bench.restart()
    again.answering = False
    again.step(ev.ContractResolved(ts_recv=again.now, instrument=MNQ, contract_id="x", name="MNQX"))
    again.step(ev.AccountAdopted(ts_recv=again.now, book=BOOK, account=again.account()))
    again.say(Flatten(id="f"))
    again.wait(4)
    assert again.of(fx.ClosePosition) == []
    again.wait(2)
    assert again.of(fx.ClosePosition) == [fx.ClosePosition(BOOK, "MNQ")]
    # Only the venue's own word opens the latch.
    reply(again, ev.Outcome.ACCEPTED)
    again.close_all()
    again.wait(5)
    assert "MNQ" in again.book.flattening


def test_every_book_is_flattened_and_each_says_for_itself_what_is_open() -> None:
    bench, _ = entered()
    other = "second"
    account = structs.replace(bench.account(), id="2", name="PRACTICE2")
    bench.step(ev.AccountAdopted(ts_recv=bench.now, book=other, account=account))
    answer = bench.say(Flatten(id="f", instrument="MNQ"))
    assert "sell 5 MNQ at market" in answer
    started = {s.book: s.instruments for s in bench.written(r.FlattenStarted)}
    assert started == {BOOK: ("MNQ",), other: ("MNQ",)}
    reply(bench, ev.Outcome.ACCEPTED)
    bench.close_all()
    bench.wait(0.5)
    cancels_answered(bench)
    for _ in range(16):
        bench.wait(0.5)
        cancels_answered(bench)
    assert bench.book.flattening == {}
    assert bench.core.state.books[other].flattening == {"MNQ": "manual"}, "it has not been heard"
    bench.wait(4)
    told = [n for n in bench.notices if n.text.startswith("not flat after")]
    assert {n.book for n in told} == {other}
    assert "MNQ not yet verified at the venue" in told[-1].text


def test_the_last_word_of_a_flatten_says_that_it_is_over() -> None:
    bench, _ = entered()
    bench.say(Flatten(id="f"))
    bench.close_all()
    cancels_answered(bench)
    bench.obey()
    assert not bench.book.flattening
    told = [notice.text for notice in bench.notices if "is flat" in notice.text]
    assert [text.endswith("verified at the venue: the flatten is over") for text in told] == [
        *[False] * (len(told) - 1), True,
    ]  # fmt: skip
    assert told


def test_an_early_close_counts_as_closed() -> None:
    [day] = [d for d in CME.holidays.early if d.isoformat() == "2026-11-27"]
    close = CME.session_close(day)
    assert datetime.fromtimestamp(close // NANOS, UTC).isoformat() < "2026-11-27T21:00"
    assert reopening(close + MINUTE, CME) == at("2026-11-29 17:00")
