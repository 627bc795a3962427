"""Looking back at a close sees what the engine saw then, and nothing of what came later."""

from __future__ import annotations

from msgspec.structs import replace

from engine.books.bots import lone
from engine.lab.seen import look_back
from engine.market.bars import BarsClosed
from engine.market.calendars.known import CME
from engine.market.intervals import interval_at
from engine.model.instrument import CME_FUTURES
from engine.model.market import Timeframe
from engine.signals.board import SignalBoard
from engine.strategies.learning import Tally
from engine.strategies.zones import ZoneReaction
from tests.signals.markets import run
from tests.signals.shapes import wander

MNQ = CME_FUTURES["MNQ"]


MARKET = wander(7, 900, instrument="MNQ")


def test_the_board_of_then_comes_back() -> None:
    seen: dict[int, object] = {}

    def each(closed: BarsClosed, board: SignalBoard) -> None:
        seen[closed.ts] = board.alignment_view("MNQ")

    run([MARKET], each, 0)
    for place in (300, 555, 779):
        bar = interval_at(MARKET[place].open_ts, Timeframe.M5, CME)
        assert bar is not None
        strategy, experience = ZoneReaction(), dict[str, Tally]()
        found = look_back(MNQ, MARKET, bar, Timeframe.M5, [lone(strategy)], experience)
        assert strategy.experience is experience
        assert found.alignment == seen[bar[1]]
        assert found.bar is not None
        assert (found.bar.open_ts, found.bar.close_ts) == bar
        assert all(bar[0] < one.known_at <= bar[1] for one in found.patterns)


def test_a_poisoned_future_changes_nothing() -> None:
    bar = interval_at(MARKET[600].open_ts, Timeframe.M15, CME)
    assert bar is not None
    poisoned = [
        one if one.close_ts <= bar[1] else replace(one, high=one.high * 3, low=1, close=one.close * 2)
        for one in MARKET
    ]
    once, again = (
        look_back(MNQ, series, bar, Timeframe.M15, [lone(ZoneReaction())], {})
        for series in (MARKET, poisoned)
    )
    assert once == again
    nothing = look_back(MNQ, MARKET[:100], bar, Timeframe.M15, [lone(ZoneReaction())], {})
    assert (nothing.bar, nothing.patterns, nothing.heard) == (None, (), ())
