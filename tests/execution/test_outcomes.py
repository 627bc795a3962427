"""What a pattern came to is written down when its trade is over, once, and is learned from."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from engine.model import events as ev
from engine.model import records as r
from engine.model.commands import Flatten
from engine.model.market import Side, Timeframe
from engine.model.scores import PatternSeen
from engine.state.fold import apply
from engine.state.state import State
from engine.strategies.learning import key_of
from tests.market.feed import T0
from tests.support.scripted_replay import PRICE, ScriptedReplay, idea

SEEN = PatternSeen("block_held", Timeframe.M5, 1, T0, PRICE, "trending", 9)
Market = Iterator[ev.Quote | ev.Print]


def test_a_stopped_trade_came_to_minus_one_r_and_its_costs() -> None:
    def script(play: ScriptedReplay) -> Market:
        yield from play.minutes(2)
        yield from play.move(PRICE - 90, seconds=3)
        yield from play.minutes(2)

    play = ScriptedReplay(script, [(0, replace(idea(Side.BUY)[1], pattern=SEEN))])
    [trade] = play.book.trades
    [ended] = play.written(r.PatternEnded)
    assert (ended.instrument, ended.pattern, ended.plan_id) == ("MNQ", SEEN, trade.plan_id)
    assert trade.r is not None
    assert ended.r == pytest.approx(trade.r, abs=1e-4)
    assert ended.r < -1
    assert ended.mae_r is not None
    assert ended.mae_r <= -1
    assert ended.mfe_r is not None
    [(key, tally)] = play.core.state.experience.items()
    assert key == key_of("MNQ", SEEN).text == "block_held|5m|MNQ|trending"
    assert (tally.count, tally.wins, tally.sum_r) == (1, 0, ended.r)


def test_a_flattened_trade_teaches_too_and_one_without_a_pattern_teaches_nothing() -> None:
    def script(play: ScriptedReplay) -> Market:
        yield from play.minutes(2)
        yield from play.move(PRICE + 20, seconds=3)
        play.say(Flatten(id="f"))
        yield from play.minutes(2)

    def ended(pattern: PatternSeen | None) -> list[r.PatternEnded]:
        play = ScriptedReplay(script, [(0, replace(idea(Side.BUY)[1], pattern=pattern))])
        [trade] = play.book.trades
        assert trade.reason == "manual"
        return play.written(r.PatternEnded)

    [one] = ended(SEEN)
    assert one.r > 0
    assert ended(None) == []


def test_one_pattern_teaches_once_in_however_many_books() -> None:
    state = State()

    def tell(book: str, known_at: int, result: float) -> None:
        seen = replace(SEEN, known_at=known_at)
        apply(state, r.PatternEnded(ts=1, book=book, plan_id="x", instrument="MNQ", pattern=seen, r=result))

    for book, known_at, result in (("a", 1, 2.0), ("b", 1, 1.9), ("a", 2, -1.0)):
        tell(book, known_at, result)
    [tally] = state.experience.values()
    assert (tally.count, tally.wins, tally.sum_r) == (2, 1, 1.0)
