"""Whole trades on the virtual clock, from the idea to what the venue itself has left of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.core import Core
from engine.lab.replay import BOOK
from engine.model import events as ev
from engine.model import records as r
from engine.model.commands import BreakEven, CancelEntries, Flatten, Pause, Resume
from engine.model.config import EngineConfig
from engine.model.instrument import CME_FUTURES
from engine.model.market import MINUTE, Side
from engine.model.orders import OrderSpec, OrderStatus, OrderType, Slot, VenueStatus
from engine.model.plans import PlanStatus
from engine.model.refusals import Refusal
from engine.model.restrictions import TradingState
from tests.market.feed import T0
from tests.strategies.scripted import ScriptedStrategy
from tests.support.scripted_replay import PRICE, ScriptedReplay, idea

Market = Iterator[ev.Quote | ev.Print]

MNQ_TICK_USD = CME_FUTURES["MNQ"].tick_value_usd
COSTS = 4
"""Ticks that pay for both sides, twice 0.61 USD at half a dollar a tick, rounded up, and one of slippage."""


@pytest.mark.parametrize("side", list(Side))
def test_t1_then_the_runner_to_break_even_then_t2(side: Side) -> None:
    sign = side.sign
    seen: dict[str, object] = {}

    def script(play: ScriptedReplay) -> Market:
        yield from play.minutes(2)
        seen["entered"] = sorted(q for q, _ in play.stops())
        seen["all"] = play.replay.held("MNQ")
        yield from play.move(PRICE + sign * 90, seconds=3)
        seen["runner"] = play.stops()
        seen["held"] = play.replay.held("MNQ")
        yield from play.move(PRICE + sign * 180, seconds=4)

    play = ScriptedReplay(script, [idea(side)])
    entry = play.entry_price()
    assert seen["entered"] == [2, 3]
    assert seen["all"] == sign * 5
    assert (seen["runner"], seen["held"]) == ([(3, entry + sign * COSTS)], sign * 3)
    [trade] = play.book.trades
    assert (trade.reason, trade.qty, trade.gross_usd > 0) == ("T2", 5, True)
    [plan] = (opened.plan for opened in play.written(r.PlanOpened))
    assert trade.plan_id == plan.plan_id
    assert trade.risk_usd == sum(abs(leg.stop_offset) * leg.qty for leg in plan.legs) * MNQ_TICK_USD
    assert play.standing() == []
    assert play.book.plans == {}
    assert play.book.live_orders() == []


@pytest.mark.parametrize(
    ("path", "reason"), [([PRICE + 90, PRICE - 5], "be_stop"), ([PRICE - 60], "stop")], ids=["be", "stop"]
)
def test_a_trade_ends_at_its_stop_at_break_even_after_the_first_target(path: list[int], reason: str) -> None:
    def script(play: ScriptedReplay) -> Market:
        yield from play.minutes(2)
        for price in path:
            yield from play.move(price, seconds=4)

    play = ScriptedReplay(script, [idea()])
    [trade] = play.book.trades
    assert (trade.reason, trade.qty) == (reason, 5)
    assert (trade.gross_usd > 0) is (reason == "be_stop")
    assert (play.standing(), play.book.plans, play.replay.held("MNQ")) == ([], {}, 0)


def test_flatten_everything_leaves_nothing_at_the_venue() -> None:
    def script(play: ScriptedReplay) -> Market:
        yield from play.minutes(2)
        assert play.replay.held("MNQ")
        assert play.replay.held("MES")
        play.say(Flatten(id="f"))
        yield from play.pass_time(1)
        play.say(Flatten(id="again"))
        yield from play.pass_time(5)

    play = ScriptedReplay(script, [idea(), idea(Side.SELL, "MES")])
    assert (play.standing(), play.replay.held("MNQ"), play.replay.held("MES")) == ([], 0, 0)
    assert {t.reason for t in play.book.trades} == {"manual"}
    assert (play.book.flattening, play.book.plans) == ({}, {})
    assert len(play.written(r.CloseRequested)) == 2
    restriction = play.core.state.restriction(BOOK, "MNQ")
    assert restriction is not None
    assert restriction.state is TradingState.REDUCING


def test_flatten_one_leaves_the_other_alone() -> None:
    def script(play: ScriptedReplay) -> Market:
        yield from play.minutes(2)
        play.say(Flatten(id="f", instrument="MNQ"))
        yield from play.pass_time(5)

    play = ScriptedReplay(script, [idea(), idea(instrument="MES", stop=30)])
    assert (play.standing("MNQ"), play.replay.held("MNQ")) == ([], 0)
    held = play.replay.held("MES")
    assert held > 0
    assert sum(q for q, _ in play.stops("MES")) == held


def test_flatten_while_the_entry_is_on_its_way() -> None:
    """The entry is not in the market yet: it is cancelled or, if it fills, closed; its legs go too."""

    def script(play: ScriptedReplay) -> Market:
        for event in play.minutes(2):
            yield event
            if play.book.live_orders() and not play.answers():
                play.say(Flatten(id="f"))
        yield from play.pass_time(8)

    play = ScriptedReplay(script, [idea()])
    assert (play.standing(), play.replay.held("MNQ")) == ([], 0)
    assert (play.book.flattening, play.book.plans, play.book.live_orders()) == ({}, {}, [])


def test_flatten_takes_the_suspended_legs_of_a_foreign_order_too() -> None:
    def script(play: ScriptedReplay) -> Market:
        yield from play.minutes(1)
        bracketed = OrderSpec(Side.BUY, OrderType.LIMIT, 2, PRICE - 100, None, -40, 80)
        order = play.replay.venue.place("MNQ", bracketed, play.now)
        play.replay._report(order.events)
        yield from play.pass_time(1)
        assert {o.status for o in play.standing()} == {VenueStatus.WORKING, VenueStatus.SUSPENDED}
        play.say(Flatten(id="f"))
        yield from play.pass_time(5)

    play = ScriptedReplay(script, [])
    assert play.standing() == []
    assert play.book.flattening == {}


def test_pause_refuses_entries_and_keeps_the_stops_and_resume_undoes_it() -> None:
    def script(play: ScriptedReplay) -> Market:
        yield from play.minutes(2)
        play.say(Pause(id="p"))
        yield from play.minutes(2)
        assert sum(q for q, _ in play.stops()) == play.replay.held("MNQ") == 5
        play.say(Resume(id="r"))
        yield from play.pass_time(1)

    play = ScriptedReplay(script, [idea(), (T0 + 2 * MINUTE + 1, idea(instrument="MES")[1])])
    refused = play.written(r.IdeaRefused)
    assert [x.refusals for x in refused] == [(Refusal.PAUSED,)]
    assert play.core.state.restrictions == {}


def test_cancel_entries_keeps_exits() -> None:
    def script(play: ScriptedReplay) -> Market:
        yield from play.minutes(2)
        play.say(CancelEntries(id="c"))
        yield from play.pass_time(2)

    play = ScriptedReplay(script, [idea()])
    assert play.answers() == ["all: 0 resting entries are being cancelled"]
    assert sum(q for q, _ in play.stops()) == 5


def test_break_even_is_refused_before_the_price_has_passed_and_taken_after() -> None:
    def script(play: ScriptedReplay) -> Market:
        yield from play.minutes(2)
        play.say(BreakEven(id="early", instrument="MNQ"))
        yield from play.pass_time(2)
        assert {price for _, price in play.stops()} == {play.entry_price() - 40}
        yield from play.move(PRICE + 30, seconds=2)
        play.say(BreakEven(id="late", instrument="MNQ"))
        yield from play.pass_time(2)

    play = ScriptedReplay(script, [idea()])
    early, late = play.answers()
    assert "has not passed" in early
    assert late == "MNQ: 2 stop(s) to break-even"
    assert sorted(play.stops()) == [(2, play.entry_price() + COSTS), (3, play.entry_price() + COSTS)]


def test_commands_before_any_account_hurt_nobody() -> None:
    core = Core(EngineConfig((CME_FUTURES["MNQ"],), "x", "t", 1), ScriptedStrategy([]))
    core.start(1)
    for command in (
        Flatten(id="1"),
        BreakEven(id="2", instrument="MNQ"),
        CancelEntries(id="3"),
        Pause(id="4"),
    ):
        records, effects = core.step(ev.CommandReceived(ts_recv=2, command=command))
        assert isinstance(records[-1], r.CommandTaken)
        assert effects == []


def test_the_daily_loss_closes_everything_and_locks() -> None:
    def script(play: ScriptedReplay) -> Market:
        yield from play.minutes(2)
        yield from play.move(PRICE - 35, seconds=1)
        yield from play.move(PRICE - 600, seconds=6)

    play = ScriptedReplay(script, [idea()])
    assert (play.standing(), play.replay.held("MNQ")) == ([], 0)
    restriction = play.core.state.restriction(BOOK, "MNQ")
    assert restriction is not None
    assert restriction.state is TradingState.LOCKED


def test_a_trade_is_closed_before_positions_must_be_flat() -> None:
    """Flat by 15:10 in Chicago, closed five minutes earlier; the bench begins at 09:00 there."""

    def script(play: ScriptedReplay) -> Market:
        yield from play.minutes(2)
        play.now += 11 * MINUTE
        yield from play.pass_time(1)
        assert play.replay.held("MNQ") == 5
        play.now += 2 * MINUTE
        yield from play.pass_time(6)

    play = ScriptedReplay(script, [idea()], start=T0 + 350 * MINUTE)
    assert (play.standing(), play.replay.held("MNQ")) == ([], 0)
    assert [t.reason for t in play.book.trades] == ["flat_time"]


def test_a_restart_in_the_middle_of_a_trade_goes_on() -> None:
    """The records of a run that was cut, folded into a new core, give the state that was there."""

    def script(play: ScriptedReplay) -> Market:
        yield from play.minutes(2)
        yield from play.move(PRICE + 90, seconds=3)

    play = ScriptedReplay(script, [idea()])
    [plan] = play.invariants.state.books[BOOK].plans.values()
    assert plan.plan.status is PlanStatus.OPEN
    assert plan.open_qty == 3
    runner = play.invariants.state.books[BOOK].orders[plan.legs[1].slots[Slot.STOP]]
    assert (runner.status, runner.stop) == (OrderStatus.WORKING, play.entry_price() + COSTS)
