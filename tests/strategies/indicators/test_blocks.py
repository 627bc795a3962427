"""Each entry and each exit of the strategy "indicators" against a table of closes worked out by hand, through
the core and the venue in virtual time.

Bars are flat: each minute trades at its close alone. RSI has length 2 and bands length 3 with one deviation,
so that a sheet of paper will do: after a stand RSI is 50, after one fall from it 0, after one rise 100.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
import pytest

from engine.books.bots import Bot
from engine.model import events as ev
from engine.model import records as r
from engine.model.bots import BotConfig
from engine.model.limits import RiskLimits
from engine.model.market import MINUTE, NANOS
from engine.model.plans import Trail
from engine.strategies.indicators.strategy import Indicators, IndicatorsConfig
from tests.market.feed import T0
from tests.support.scripted_replay import PRICE, ScriptedReplay

Market = Iterator[ev.Quote | ev.Print]

RISK = RiskLimits(
    risk_per_trade_usd=Decimal(500),
    reward_to_risk_min=1.0,
    break_even_after_first_target=False,
    trail_ticks=0,
)
SHORT = {"rsi_length": 2, "bb_length": 3, "bb_deviations": 1.0}
WIDE = [{"kind": "percent", "stop_pct": 0.5, "target_pct": 1.0}]
"""400 and 800 ticks away: out of the way."""


class Done(NamedTuple):
    """A trade: the minutes whose closes decided on it, or in which it was filled."""

    side: str
    entered: int
    left: int | None = None
    reason: str = ""


def played(closes: Sequence[int], volumes: Sequence[int] = (), **params: Any) -> ScriptedReplay:
    """`closes` are ticks from PRICE, one a minute, the last of them twice; volume is 40 where
    nothing else is said.
    """
    config = msgspec.convert({"timeframe": "1m", **params}, IndicatorsConfig)

    def script(play: ScriptedReplay) -> Market:
        for minute, close in enumerate((*closes, closes[-1])):
            volume = volumes[minute] if minute < len(volumes) else 40
            for second in range(0, 60, 3):
                play.now = ts = T0 + minute * MINUTE + second * NANOS
                at = PRICE + close
                yield ev.Quote(ts_recv=ts, ts_venue=ts, instrument="MNQ", bid=at, ask=at + 1, last=at)
                if not second % 15:
                    size = volume // 4
                    yield ev.Print(ts_recv=ts, ts_venue=ts, instrument="MNQ", price=at, size=size)

    bot = Bot(BotConfig("one", "indicators"), Indicators(config))
    return ScriptedReplay(script, [], bots=[bot], risk=RISK)


def done(play: ScriptedReplay) -> list[Done]:
    """What it traded; a close decides in the minute after it."""
    found = []
    trades = iter(play.book.trades)
    for opened in play.written(r.PlanOpened):
        entered = (opened.ts - T0) // MINUTE - 1
        trade = next(trades, None)
        if trade is None:
            found.append(Done(opened.plan.side, entered))
            continue
        left = (trade.closed_ts - T0) // MINUTE
        found.append(Done(opened.plan.side, entered, left - (trade.reason == "signal"), trade.reason))
    return found


FALL = (0, 0, 0, 0, -10, -10)
RISE = (0, 0, 0, 0, 10, 10)
BUSY = (40, 40, 40, 40, 80, 40)


@pytest.mark.parametrize(
    ("closes", "volumes", "entry", "expected"),
    [
        # RSI 0, close -10 under the lower band: mean -3.3, deviation 4.7
        (FALL, (), {"kind": "rsi_bb", **SHORT}, [Done("buy", 4)]),
        (RISE, (), {"kind": "rsi_bb", **SHORT}, [Done("sell", 4)]),
        # a third of the way: RSI 0 all the same, but with two deviations -10 is inside: -3.3 - 9.4
        (FALL, (), {"kind": "rsi_bb", **SHORT, "bb_deviations": 2.0}, []),
        # the fall is slow after a rise: RSI 100 * 2.5 / (2.5 + 2.5) = 50 at the band
        ((0, 0, 0, 0, 10, 5, 5), (), {"kind": "rsi_bb", **SHORT, "overbought": 99}, [Done("sell", 4)]),
        # twice the mean of the bars before is enough for 1.5, and not for 2.5
        (FALL, BUSY, {"kind": "rsi_bb_volume", **SHORT, "volume_length": 4}, [Done("buy", 4)]),
        (FALL, BUSY, {"kind": "rsi_bb_volume", **SHORT, "volume_length": 4, "volume_ratio": 2.5}, []),
        (FALL, (), {"kind": "rsi_bb_volume", **SHORT, "volume_length": 4}, []),
    ],
)
def test_stretched_entries(
    closes: Sequence[int], volumes: Sequence[int], entry: dict[str, Any], expected: list[Done]
) -> None:
    assert done(played(closes, volumes, entry=entry, exits=WIDE)) == expected


CLOUD = {"kind": "rsi_ichimoku", "rsi_length": 2, "conversion": 2, "base": 3, "slow": 4, "ahead": 2}


@pytest.mark.parametrize(
    ("closes", "entry", "expected"),
    [
        # The cloud of minute 3 stands at minute 5 and lies under the close, conversion is ahead of base. RSI
        # is 100 as long as it only rises, 5 / (5 + 2) = 71 at the rest, 75 and 6 / (6 + 0.5) = 92 after it.
        ((0, 10, 20, 30, 40, 50, 46, 50), {**CLOUD, "least": 50, "most": 80}, [Done("buy", 6)]),
        ((0, -10, -20, -30, -40, -50, -46, -50), {**CLOUD, "least": 50, "most": 80}, [Done("sell", 6)]),
        ((0, 10, 20, 30, 40, 50, 46, 47, 56), {**CLOUD, "least": 80, "most": 99}, [Done("buy", 8)]),
    ],
)
def test_the_cloud(closes: Sequence[int], entry: dict[str, Any], expected: list[Done]) -> None:
    assert done(played(closes, entry=entry, exits=WIDE)) == expected


@pytest.mark.parametrize(
    ("volumes", "expected"),
    [((40, 40, 40, 40, 40, 80), [Done("buy", 5)]), ((40,), [])],
    ids=["busy", "quiet"],
)
def test_supertrend_with_volume(volumes: Sequence[int], expected: list[Done]) -> None:
    """ATR over 2 bars is 5, 5, 5, 7.5: it has fallen below -15 by minute 3, and the line comes down to -22.5.
    The rise to -10 is beyond it, and RSI is 10 / (10 + 4.1) = 71.
    """
    entry = {
        "kind": "rsi_volume_supertrend",
        "rsi_length": 2,
        "most": 80,
        "supertrend_length": 2,
        "supertrend_multiple": 1.0,
        "volume_length": 4,
    }
    assert done(played((0, -10, -15, -20, -30, -10), volumes, entry=entry, exits=WIDE)) == expected


def test_the_exits_that_are_distances() -> None:
    """ATR of flat bars is the mean change: (0 + 0 + 0 + 0 + 10) by Wilder's over 2 is 5."""
    entry = {"kind": "rsi_bb", **SHORT}

    def stop_and_target(*exits: dict[str, Any]) -> tuple[int, int | None]:
        [opened] = played(FALL, entry=entry, exits=exits).written(r.PlanOpened)
        [leg] = opened.plan.legs
        return leg.stop_offset, leg.target_offset

    assert stop_and_target({"kind": "atr", "length": 2, "stop_atr": 4, "target_atr": 6}) == (-20, 30)
    assert stop_and_target({"kind": "percent", "stop_pct": 0.05, "target_pct": 0.1}) == (-40, 80)
    assert stop_and_target({"kind": "fixed_ratio", "stop_pct": 0.05, "ratio": 1.51}) == (-40, 61)
    assert stop_and_target({"kind": "trailing", "trail_pct": 0.05}) == (-40, None)


NEAR = {"kind": "percent", "stop_pct": 0.05, "target_pct": 0.1}
"""40 and 80 ticks."""


@pytest.mark.parametrize(
    ("after", "exits", "left", "reason"),
    [
        # entered at -8, the ask and a tick of slippage: stop at -48, target at 72, to be traded through
        ((-47, -48), [NEAR], 7, "stop"),
        ((71, 73), [NEAR], 7, "T1"),
        # the fall of 10 has faded to 0.6, the rise of 20 counts 10: RSI 94
        ((-10, 10), [{"kind": "rsi_bb", **SHORT}, NEAR], 7, "signal"),
        # at the upper band with RSI 84, which is less than 99
        ((-10, -4), [{"kind": "rsi_bb", **SHORT, "overbought": 99, "both": True}, NEAR], None, ""),
        # entered a second after minute 5 began; three minutes after the close that decided, at 8:00
        ((-10, -10, -10, -10), [{"kind": "time", "minutes": 3}, NEAR], 8, "time"),
        # 40 behind the best price, 20: out at -20, not at -19
        ((20, -18), [{"kind": "trailing", "trail_pct": 0.05}], None, ""),
        ((20, -21), [{"kind": "trailing", "trail_pct": 0.05}], 7, "trail"),
        # it follows from 0.05 % of profit on: 20 is not 40 better than -9
        ((20, -21), [{"kind": "trailing", "trail_pct": 0.05, "activation_pct": 0.05}], None, ""),
    ],
    ids=["stop", "target", "signal", "not both", "time", "trail holds", "trail", "not active"],
)
def test_exits(after: Sequence[int], exits: Sequence[dict[str, Any]], left: int | None, reason: str) -> None:
    play = played((*FALL, *after, after[-1], after[-1]), entry={"kind": "rsi_bb", **SHORT}, exits=exits)
    assert done(play)[0] == Done("buy", 4, left, reason)


def test_a_direction_that_is_not_wanted_is_left_out() -> None:
    entry = {"kind": "rsi_bb", **SHORT}
    assert done(played(FALL, entry=entry, exits=WIDE, sides="short")) == []
    assert done(played(RISE, entry=entry, exits=WIDE, sides="short")) == [Done("sell", 4)]


def test_what_already_points_when_it_is_first_asked_is_no_news() -> None:
    assert done(played((0, -10, -20, -30), entry={"kind": "rsi_bb", **SHORT}, exits=WIDE)) == []


def test_a_plan_carries_how_its_stop_follows_and_when_it_ends() -> None:
    exits = [{"kind": "time", "minutes": 90}, {"kind": "trailing", "trail_pct": 0.1, "activation_pct": 0.2}]
    [opened] = played(FALL, entry={"kind": "rsi_bb", **SHORT}, exits=exits).written(r.PlanOpened)
    assert opened.plan.trail == Trail(80, 160)
    assert opened.plan.exit_ts == T0 + 95 * MINUTE
    assert opened.plan.reasons == ("RSI 0 at most 30", "at the lower band", "no target")


@pytest.mark.parametrize(
    ("exits", "said"),
    [
        ([], "has to set the stop"),
        ([{"kind": "time"}], "has to set the stop"),
        ([{"kind": "atr"}, {"kind": "percent"}], "not several"),
        ([{"kind": "atr"}, {"kind": "atr"}], "once"),
        ([{"kind": "atr", "target_atr": 0}], "how a trade is left"),
    ],
)
def test_exits_that_do_not_go_together_are_refused(exits: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=said):
        msgspec.convert({"exits": exits}, IndicatorsConfig)
