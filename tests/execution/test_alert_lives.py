"""Alerts from the message to the flat book, on a market that moves and a venue that matches."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from engine.model import events as ev
from engine.model import records as r
from engine.model.config import PaperConfig
from engine.model.limits import RiskLimits, SingleContract
from engine.model.market import Side
from engine.model.orders import Slot
from tests.support.alert_room import LONG, ROOM, SHORT, message
from tests.support.scripted_replay import PRICE, Script, ScriptedReplay

Market = Iterator[ev.Quote | ev.Print]


def _script(text: str, *prices: int, grade: str = "A") -> Script:
    """The alert after the first minute, then these distances in ticks to its good side, 5 s each."""
    side = 1 if "long" in text else -1

    def script(play: ScriptedReplay) -> Market:
        yield from play.minutes(1)
        play.replay.tell(message(play.now, text.replace(": A", f": {grade}")))
        yield from play.pass_time(8)
        for ticks in prices:
            yield from play.move(PRICE + side * ticks, seconds=5)

    return script


@pytest.mark.parametrize("brackets", [True, False])
@pytest.mark.parametrize("text", [LONG, SHORT])
def test_a_third_leaves_at_the_first_target_and_the_rest_at_the_second(text: str, brackets: bool) -> None:
    play = ScriptedReplay(_script(text, 10, 30, 40, 50), [], rooms=(ROOM,), brackets=brackets)
    (trade,) = play.book.trades
    side = Side.BUY if text is LONG else Side.SELL
    assert (trade.side, trade.qty, trade.reason) == (side, 3, "T2")
    first, second = PRICE + 28 * side.sign, PRICE + 48 * side.sign
    assert trade.exit_sum == first + 2 * second
    assert play.standing() == []
    assert play.replay.held("MNQ") == 0


@pytest.mark.parametrize("text", [LONG, SHORT])
def test_after_the_first_target_a_reversal_loses_nothing_on_the_rest(text: str) -> None:
    play = ScriptedReplay(_script(text, 10, 30, *range(12, -1, -1), -20), [], rooms=(ROOM,))
    (trade,) = play.book.trades
    assert trade.reason == "be_stop"
    assert trade.net_usd > 0
    assert play.standing() == []


@pytest.mark.parametrize("text", [LONG, SHORT])
def test_the_stop_is_the_alerts_own_price(text: str) -> None:
    play = ScriptedReplay(_script(text, -20, -41), [], rooms=(ROOM,))
    (trade,) = play.book.trades
    sign = trade.side.sign
    stops = {o.stop for o in play.book.orders.values() if o.slot is Slot.STOP}
    assert stops == {PRICE - 40 * sign}
    assert trade.reason == "stop"
    assert play.book.room_usd == {"jm": trade.net_usd}


@pytest.mark.parametrize("text", [LONG, SHORT])
@pytest.mark.parametrize("single", SingleContract)
def test_one_contract_leaves_at_the_first_target_or_is_held_at_break_even(
    text: str, single: SingleContract
) -> None:
    risk = RiskLimits(single_contract=single)
    play = ScriptedReplay(_script(text, 10, 30, 36, 50, grade="C"), [], rooms=(ROOM,), risk=risk)
    (trade,) = play.book.trades
    assert (trade.qty, trade.reason) == (1, "T1")
    assert abs(trade.exit_sum - PRICE) == (28 if single is SingleContract.T1 else 48)
    moves = [changed.reason for changed in play.written(r.PlanChanged) if changed.legs is not None]
    assert moves == ([] if single is SingleContract.T1 else ["first target touched"])


def test_two_alerts_in_one_contract_are_one_trade() -> None:
    def script(play: ScriptedReplay) -> Market:
        yield from play.minutes(1)
        play.replay.tell(message(play.now))
        yield from play.pass_time(5)
        play.replay.tell(message(play.now, LONG.replace("20000", "20001"), number="2"))
        yield from play.pass_time(5)

    play = ScriptedReplay(script, [], rooms=(ROOM,))
    assert len(play.written(r.PlanOpened)) == 1
    assert [refused.refusals for refused in play.written(r.IdeaRefused)] == [("in_position",)]


def test_the_same_run_writes_the_same_journal() -> None:
    one, two = (ScriptedReplay(_script(LONG, 10, 30, 5, -20), [], rooms=(ROOM,)) for _ in range(2))
    assert [r.encode(record) for record in one.journal] == [r.encode(record) for record in two.journal]


def test_paper_and_the_account_trade_the_same_alert_each_for_itself() -> None:
    play = ScriptedReplay(_script(LONG, 10, 30, 40, 50), [], rooms=(ROOM,), paper=PaperConfig())
    books = play.core.state.books
    assert len(books) == 2
    for book in books.values():
        (trade,) = book.trades
        assert (trade.qty, trade.reason) == (3, "T2")
        assert book.room_usd == {"jm": trade.net_usd}
    assert play.core.state.room_trades == {"jm": 1}
    assert {name for name, _ in play.core.state.alerts["alert:jm:1"].books.items()} == set(books)


def test_a_room_may_be_followed_on_paper_only() -> None:
    play = ScriptedReplay(
        _script(LONG, 10), [], rooms=(replace(ROOM, books=("paper",)),), paper=PaperConfig()
    )
    assert {opened.plan.book for opened in play.written(r.PlanOpened)} == {"paper"}
