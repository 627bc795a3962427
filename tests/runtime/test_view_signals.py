"""Signals of the View: made of the fold alone, with what came of each."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from engine.model import events as ev
from engine.model import records as r
from engine.model.market import Side, Timeframe
from engine.model.orders import Slot
from engine.model.scores import PatternSeen
from engine.model.view import HealthView
from engine.model.view_signals import SignalFate
from engine.runtime.view_builder import picture
from engine.state.fold import apply
from engine.state.state import State
from tests.market.feed import T0
from tests.support.scripted_replay import PRICE, ScriptedReplay, idea

SEEN = PatternSeen("block_held", Timeframe.M5, 1, T0, PRICE, "trending", 9)


def test_the_view_tells_what_was_seen_asked_and_done() -> None:
    def script(play: ScriptedReplay) -> Iterator[ev.Quote | ev.Print]:
        yield from play.minutes(3)
        yield from play.move(PRICE - 90, seconds=3)
        yield from play.minutes(1)

    bought = replace(idea(Side.BUY)[1], pattern=SEEN)
    play = ScriptedReplay(script, [(0, bought), (T0 + 90 * 10**9, bought)])
    view = picture(play.core, 1, HealthView(ok=True))
    entered, refused = (
        next(one for one in view.signals if one.fate is fate)
        for fate in (SignalFate.ENTERED, SignalFate.REFUSED)
    )
    assert (entered.pattern, entered.pattern_price) == (SEEN, "20000.00")
    slots = [order.slot for order in entered.orders]
    assert Slot.ENTRY in slots
    assert Slot.STOP in slots
    assert any("already open" in words for words in refused.words)
    assert refused.orders == ()
    [learned] = view.patterns
    assert (learned.kind, learned.instrument, learned.trades, learned.counts) == (
        "block_held",
        "MNQ",
        1,
        False,
    )

    state = State()
    for record in play.journal:
        apply(state, record)
    assert state.signals == play.core.state.signals
    assert [type(one) for one in state.signals].count(r.PlanOpened) == 1
