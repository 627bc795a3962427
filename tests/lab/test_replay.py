"""A replay is a function of its market: played twice it writes the same journal."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from engine.lab.summary import summarise
from engine.model import events as ev
from engine.model.commands import Flatten
from engine.model.instrument import CME_FUTURES
from engine.model.market import NANOS, Side
from engine.model.records import encode
from engine.state.position import Position, Trade
from tests.market.feed import T0
from tests.support.instruments import PERPETUAL
from tests.support.lossy_wire import LossyReplay
from tests.support.scripted_replay import PRICE, ScriptedReplay, idea
from tstream.run.headless import in_words


def script(play: ScriptedReplay) -> Iterator[ev.Quote | ev.Print]:
    yield from play.minutes(2)
    yield from play.move(PRICE + 90, seconds=3)
    play.say(Flatten(id="f"))
    yield from play.pass_time(5)


def test_the_same_market_writes_the_same_journal() -> None:
    once, again = (ScriptedReplay(script, [idea()]) for _ in range(2))
    assert [encode(record) for record in once.journal] == [encode(record) for record in again.journal]
    assert len(once.journal) > 20


def test_the_same_storm_too() -> None:
    journals = []
    for _ in range(2):
        storm = LossyReplay(7)
        storm.play()
        journals.append([encode(record) for record in storm.journal])
    assert journals[0] == journals[1]


def test_records_are_kept_before_their_effects_run() -> None:
    play = ScriptedReplay(script, [idea()])
    assert play.invariants.journal == play.journal
    assert all(one.ts <= other.ts for one, other in zip(play.journal, play.journal[1:], strict=False))


def trade(net: str) -> Trade:
    return Trade("MNQ", Side.BUY, 1, 1, 1, Decimal(net) + 1, Decimal(1), T0, T0 + NANOS, "T1")


def test_summary_by_hand() -> None:
    found = summarise(
        [trade("100"), trade("-50"), trade("-30"), trade("60")],
        [],
        {"5 of 9": 2, "7 of 9": 1, "x 1h": 1},
        "",
        Decimal(95),
        CME_FUTURES,
    )
    assert (found.trades, found.net_usd, found.costs_usd) == (4, Decimal(80), Decimal(4))
    assert (found.win_rate, found.profit_factor, found.max_drawdown_usd) == (0.5, 2.0, Decimal(95))
    assert found.refusals == (("5 of 9 and the like", 3), ("x 1h", 1))


def test_summary_of_nothing() -> None:
    held = [Position("MNQ"), Position("MES", qty=-2, costs_usd=Decimal("1.22")), Position("BTCUSDT.P", qty=5)]
    known = {**CME_FUTURES, PERPETUAL.symbol: PERPETUAL}
    found = summarise([], held, {}, "", Decimal(0), known, "USDT")
    assert (found.trades, found.win_rate, found.profit_factor) == (0, None, None)
    assert found.open_positions == (("MES", Decimal(-2)), ("BTCUSDT.P", Decimal("0.0005")))
    assert "net P&L        +0.00 USDT (costs 1.22 USDT)" in in_words(found)
    still = "still open     MES -2, BTCUSDT.P +0.0005 (above are its costs so far and not its P&L; "
    assert still in in_words(found)
    assert found.costs_usd == Decimal("1.22")
