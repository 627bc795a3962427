"""Plans that are left at a signal or at their time, and stops that follow as their plan says
(docs/semantics.md#leaving-a-plan).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec import structs

from engine.books.bots import Bot
from engine.execution.leaving import DRAWN
from engine.lab.replay import BOOK
from engine.model import events as ev
from engine.model import records as r
from engine.model.bots import BotConfig
from engine.model.limits import RiskLimits
from engine.model.market import MINUTE, NANOS, Side
from engine.model.plans import Exit, Idea, Trail
from engine.model.refusals import Refusal
from tests.market.feed import T0
from tests.strategies.scripted import ScriptedStrategy
from tests.support.books import refolded
from tests.support.scripted_replay import PRICE, ScriptedReplay, idea

Market = Iterator[ev.Quote | ev.Print]


def exit_at(minute: int, side: Side = Side.BUY, instrument: str = "MNQ") -> tuple[int, Exit]:
    return T0 + minute * MINUTE, Exit("scripted", instrument, side, "RSI 71 at least 70", 0)


def open_ended(**terms: Any) -> tuple[int, Idea]:
    """An idea without a target."""
    return 0, structs.replace(idea()[1], targets=(), leaves="at a signal", **terms)


def test_a_signal_closes_the_trade_at_market() -> None:
    seen: list[Any] = []

    def script(play: ScriptedReplay) -> Market:
        yield from play.minutes(2)
        seen.append((play.replay.held("MNQ"), len(play.standing())))
        yield from play.move(PRICE + 10, seconds=1)
        yield from play.minutes(1)
        yield from play.pass_time(10)
        seen.append((play.replay.held("MNQ"), len(play.standing()), list(play.book.flattening)))

    play = ScriptedReplay(script, [open_ended(), exit_at(3)])
    held, orders = seen[0]
    assert held > 0
    assert orders == 1  # the stop; there is no target
    assert seen[1] == (0, 0, [])
    [trade] = play.book.trades
    assert trade.reason == "signal"
    changed = [one for one in play.written(r.PlanChanged) if one.reason.startswith("signal")]
    assert [one.reason for one in changed] == ["signal: RSI 71 at least 70"]
    assert refolded(play.journal).book(BOOK).trades == play.book.trades


@pytest.mark.parametrize("other", [exit_at(3, Side.SELL), exit_at(3, instrument="MES")])
def test_an_exit_of_another_side_or_contract_leaves_it_alone(other: tuple[int, Exit]) -> None:
    seen: list[int] = []

    def script(play: ScriptedReplay) -> Market:
        yield from play.minutes(4)
        seen.append(play.replay.held("MNQ"))

    ScriptedReplay(script, [open_ended(), other])
    assert seen[0] > 0


def test_a_trade_is_closed_at_its_time_to_the_second() -> None:
    ends = T0 + 3 * MINUTE + 20 * NANOS
    seen: list[Any] = []

    def script(play: ScriptedReplay) -> Market:
        yield from play.pass_time(3 * 60 + 19)
        seen.append(play.replay.held("MNQ"))
        yield from play.pass_time(3)
        seen.append(play.replay.held("MNQ"))
        yield from play.pass_time(30)

    play = ScriptedReplay(script, [open_ended(exit_ts=ends)])
    assert seen[0] > 0
    assert seen[1] == 0
    [trade] = play.book.trades
    assert trade.reason == "time"


def test_without_a_target_the_reward_to_risk_is_asked_only_of_what_names_no_other_exit() -> None:
    def script(play: ScriptedReplay) -> Market:
        yield from play.minutes(2)

    play = ScriptedReplay(script, [(0, structs.replace(idea()[1], targets=()))])
    [refused] = play.written(r.IdeaRefused)
    assert Refusal.REWARD_TO_RISK in refused.refusals
    near = structs.replace(idea(targets=(10,))[1], leaves="at a signal")
    [refused] = ScriptedReplay(script, [(0, near)]).written(r.IdeaRefused)
    assert Refusal.REWARD_TO_RISK in refused.refusals


def bot(name: str, *script: tuple[int, Idea] | tuple[int, Exit], **terms: Any) -> Bot:
    return Bot(BotConfig(name, "scripted", **terms), ScriptedStrategy(script, relative=True))


def test_beside_other_trades_its_stop_is_drawn_behind_the_market_and_theirs_stay() -> None:
    seen: list[Any] = []

    def shares(play: ScriptedReplay) -> dict[str, int]:
        return {one.plan.bot: one.open_qty for one in play.book.plans.values()}

    def script(play: ScriptedReplay) -> Market:
        yield from play.minutes(3)
        seen.append(shares(play))
        yield from play.minutes(1)  # the first wants out
        yield from play.move(PRICE + 6, seconds=3)  # it runs on: the stop follows
        seen.append((shares(play), sorted(price for _, price in play.stops() if price)))
        kept = refolded(play.journal).book(BOOK).plans.values()
        assert {one.plan.bot: one.plan.trail for one in kept} == {"first": DRAWN, "second": None}
        yield from play.move(PRICE + 3, seconds=3)
        seen.append((shares(play), sorted(price for _, price in play.stops() if price)))

    late = structs.replace(idea(stop=20, targets=(60, 120))[1], ts=0)
    bots = [bot("first", idea(), exit_at(4)), bot("second", (T0 + 2 * MINUTE, late))]
    play = ScriptedReplay(script, [], bots=bots, risk=RiskLimits(plans_per_contract=0))
    assert set(seen[0]) == {"first", "second"}
    assert all(seen[0].values())
    both, drawn = seen[1]
    assert both == seen[0]
    assert max(drawn) >= PRICE + 3
    left, stops = seen[2]
    assert left == {"second": seen[0]["second"]}
    assert max(stops) < PRICE
    assert not play.book.flattening


@pytest.mark.parametrize(("after", "follows"), [(0, True), (20, True), (40, False)])
def test_a_stop_follows_as_its_plan_says(after: int, follows: bool) -> None:
    seen: list[Any] = []

    def script(play: ScriptedReplay) -> Market:
        yield from play.minutes(2)
        yield from play.move(PRICE + 30, seconds=5)
        seen.extend(play.stops())
        yield from play.move(PRICE + 5, seconds=5)

    play = ScriptedReplay(script, [open_ended(trail=Trail(15, after))])
    [(_, stop)] = seen
    [plan] = [one.plan for one in play.written(r.PlanOpened)]
    assert plan.trail == Trail(15, after)
    assert (stop is not None and PRICE + 10 <= stop <= PRICE + 16) is follows
    assert [trade.reason for trade in play.book.trades] == (["trail"] if follows else [])
