"""F24 to F27 with the one venue on the virtual clock: limits act, days roll, clocks change."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from engine.lab.replay import BOOK
from engine.market.calendars.known import CME
from engine.model import events as ev
from engine.model import records as r
from engine.model.commands import Resume
from engine.model.instrument import CME_FUTURES
from engine.model.limits import ForeignPositions, RiskLimits
from engine.model.market import MINUTE, NANOS, Side
from engine.model.orders import OrderSpec, OrderType
from engine.model.refusals import Refusal
from engine.model.restrictions import TradingState
from engine.model.view import Band, HealthView
from engine.runtime.view_builder import picture
from tests.market.feed import T0
from tests.support.scripted_replay import PRICE, ScriptedReplay, idea

Market = Iterator[ev.Quote | ev.Print]
MNQ = CME_FUTURES["MNQ"]

TIGHT = RiskLimits(
    risk_per_trade_usd=Decimal(100),
    daily_loss_usd=Decimal(300),
    foreign_positions=ForeignPositions.LEAVE,
    max_losses_in_a_row=2,
)


def _by_hand(
    play: ScriptedReplay, side: Side, qty: int, *, limit: int | None = None, bracket: bool = False
) -> None:
    """Somebody trades on the platform."""
    kind = OrderType.MARKET if limit is None else OrderType.LIMIT
    offsets = (-40 * side.sign, 80 * side.sign) if bracket else (None, None)
    order = play.replay.venue.place("MNQ", OrderSpec(side, kind, qty, limit, None, *offsets), play.now)
    play.replay._report(order.events)


def _restriction(play: ScriptedReplay) -> tuple[TradingState, str]:
    found = play.core.state.restriction(BOOK, "MNQ")
    return (TradingState.ACTIVE, "") if found is None else (found.state, found.guard)


def test_f27_a_loss_that_is_only_unrealized_ends_flat_and_locked_until_the_next_trade_date() -> None:
    """Ten contracts 54 ticks down and the costs of both sides: 95 % of 300 USD. Nobody sold at a stop."""
    seen: dict[str, object] = {}

    def script(play: ScriptedReplay) -> Market:
        yield from play.minutes(1)
        _by_hand(play, Side.BUY, 10)
        _by_hand(play, Side.BUY, 2, limit=PRICE - 500, bracket=True)
        yield from play.pass_time(4)
        yield from play.move(PRICE - 47)
        seen["reduced"] = _restriction(play)
        yield from play.move(PRICE - 56, seconds=8)
        seen["locked"] = _restriction(play)
        seen["view"] = picture(play.core, 1, HealthView(ok=True)).books[0]
        play.say(Resume(id="r"))
        yield from play.pass_time(1)
        seen["resumed"] = _restriction(play)
        play.now = CME.next_roll(play.now) - NANOS
        yield from play.pass_time(0.2)
        seen["evening"] = _restriction(play)
        yield from play.pass_time(4)
        seen["morning"] = _restriction(play)

    play = ScriptedReplay(script, [], risk=TIGHT)
    assert seen["reduced"] == (TradingState.REDUCING, "bands")
    assert seen["locked"] == seen["resumed"] == seen["evening"] == (TradingState.LOCKED, "daily loss")
    assert seen["morning"] == (TradingState.ACTIVE, "")
    assert play.replay.held("MNQ") == 0
    assert play.standing() == []
    assert play.book.flattening == {}
    order = [
        type(record)
        for record in play.journal
        if (isinstance(record, r.StateChanged) and record.state is TradingState.LOCKED)
        or isinstance(record, r.FlattenStarted | r.CloseRequested | r.FlattenEnded)
    ]
    assert order == [r.StateChanged, r.FlattenStarted, r.CloseRequested, r.FlattenEnded]
    book = seen["view"]
    assert book.restriction.state is TradingState.LOCKED  # type: ignore[attr-defined]
    assert book.restriction.until == CME.next_roll(T0)  # type: ignore[attr-defined]
    assert book.limits[0].name == "daily loss"  # type: ignore[attr-defined]
    assert book.limits[0].band is Band.ACT  # type: ignore[attr-defined]
    lost = -play.book.days[0].net_usd
    assert Decimal(285) <= lost < Decimal(310)  # the market order slipped a tick on ten contracts


def test_f27_two_trades_at_their_stops_lock_by_their_count_and_stop_nothing_else() -> None:
    """One loss after another; a third idea is refused with the reason."""

    def script(play: ScriptedReplay) -> Market:
        for n in range(1, 3):
            yield from play.minutes(2)
            yield from play.move(PRICE - 50 * n, seconds=5)
        yield from play.minutes(3)

    ideas = [(T0 + n * 2 * MINUTE, idea(stop=40)[1]) for n in range(4)]
    play = ScriptedReplay(script, ideas, risk=TIGHT)
    assert [trade.reason for trade in play.book.trades] == ["stop", "stop"]
    assert _restriction(play) == (TradingState.LOCKED, "losses in a row")
    refused = [rec.refusals for rec in play.written(r.IdeaRefused)]
    assert {Refusal.LOCKED, Refusal.LOSING_STREAK} <= set(refused[-1])
    assert play.written(r.FlattenStarted) == []


def test_f25_a_position_held_over_the_roll_is_split_by_its_mark() -> None:
    """Where nothing makes it flat by the clock: bought on one trade date, closed on the next."""
    seen: dict[str, Decimal] = {}
    limits = RiskLimits(must_be_flat=False, foreign_positions=ForeignPositions.LEAVE)

    def script(play: ScriptedReplay) -> Market:
        yield from play.minutes(1)
        _by_hand(play, Side.BUY, 2)
        yield from play.move(PRICE + 30, seconds=4)
        play.now = CME.next_roll(play.now) - NANOS
        yield from play.pass_time(0.4)
        seen["before"] = play.core.books[BOOK].day_usd
        yield from play.pass_time(3)
        seen["after"] = play.core.books[BOOK].day_usd
        yield from play.move(PRICE + 10, seconds=1)
        _by_hand(play, Side.SELL, 2)
        yield from play.pass_time(2)
        seen["closed"] = play.core.books[BOOK].day_usd

    play = ScriptedReplay(script, [], risk=limits)
    (first,) = play.book.days
    (trade,) = play.book.trades
    assert seen["before"] == first.net_usd
    assert seen["after"] == 0
    assert first.net_usd + seen["closed"] == trade.net_usd
    assert first.net_usd > 0 > seen["closed"]
    rolls = [rec.trade_date for rec in play.written(r.DayRolled)]
    assert len(rolls) == len(set(rolls)) == 2


MISMATCH = (date(2026, 3, 9), date(2026, 3, 27), date(2026, 10, 26), date(2026, 10, 30))
"""Days in the weeks in which the clocks of the US and of Europe disagree."""
USUAL = (date(2026, 3, 6), date(2026, 3, 30), date(2026, 10, 23), date(2026, 11, 2))
"""The trading days next to them, on which they agree."""


@pytest.mark.parametrize("day", MISMATCH + USUAL)
def test_f24_flat_time_and_reset_stay_chicagos_when_european_clocks_disagree(day: date) -> None:
    """23:00 in Helsinki is before the deadline in most weeks, and 50 minutes after it in some."""
    helsinki = ZoneInfo("Europe/Helsinki")
    limits = RiskLimits(
        hours_start="02:00",
        hours_end="23:00",
        hours_zone="Europe/Helsinki",
        foreign_positions=ForeignPositions.LEAVE,
    )
    deadline = CME.flat_by(day)
    assert CME.clock(deadline) == "15:10:00"
    start = deadline - 8 * MINUTE
    seen: dict[str, object] = {}

    def script(play: ScriptedReplay) -> Market:
        yield from play.pass_time(2)
        _by_hand(play, Side.BUY, 1)
        yield from play.pass_time(2)
        seen["near"] = (
            play.core.books[BOOK].guards.hours.ns_to_flat(play.now, CME) <= limits.no_entry_before_flat_ns
        )
        seen["hours"] = play.core.books[BOOK].guards.hours.allow(play.now, CME)
        play.now = deadline - 5 * MINUTE - NANOS
        yield from play.pass_time(0.6)
        seen["held"] = play.replay.held("MNQ")
        yield from play.pass_time(8)
        seen["flat"] = play.replay.held("MNQ")
        play.now = CME.next_roll(play.now) - NANOS
        yield from play.pass_time(2)

    play = ScriptedReplay(script, [], start=start, risk=limits)
    assert (seen["near"], seen["held"], seen["flat"]) == (True, 1, 0)
    late = datetime.fromtimestamp(start // NANOS, helsinki).hour >= 23
    assert seen["hours"] is not late
    assert late is (day in USUAL)
    rolls = play.written(r.DayRolled)
    assert len(rolls) == 2
    assert rolls[0].trade_date == day.isoformat()
    assert CME.clock(rolls[1].ts)[:5] == "17:00"
    assert all(trade.reason == "flat_time" for trade in play.book.trades)


@pytest.mark.parametrize("flip", [date(2026, 3, 8), date(2026, 11, 1)])
def test_f24_the_hours_of_a_clock_change_have_one_trade_date_each_and_roll_once(flip: date) -> None:
    """The Sunday on which Chicago's clock jumps, or shows an hour twice, minute by minute."""
    start = CME.session_bounds(flip)[0]
    end = CME.session_bounds(date(flip.year, flip.month, flip.day + 1))[0] + 60 * MINUTE

    def script(play: ScriptedReplay) -> Market:
        while play.now < end:
            play.now += 30 * MINUTE
            yield from play.pass_time(0.2)

    play = ScriptedReplay(script, [], start=start)
    rolls = [(rec.trade_date, CME.clock(rec.ts)[:5]) for rec in play.written(r.DayRolled)]
    monday = date(flip.year, flip.month, flip.day + 1).isoformat()
    assert rolls == [(flip.isoformat(), "17:00"), (monday, "17:00")]
