"""Cut the market off anywhere: what the strategy "indicators" has said before the cut does not change."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from engine.market.bars import BarsClosed
from engine.signals.board import SignalBoard
from engine.strategies.indicators.strategy import Indicators, IndicatorsConfig
from engine.strategies.protocol import Said
from tests.signals.markets import minutes, run

ENTRIES: list[dict[str, Any]] = [
    {"kind": "rsi_bb", "oversold": 35, "overbought": 65},
    {"kind": "rsi_bb_volume", "oversold": 40, "overbought": 60, "volume_ratio": 1.1},
    {"kind": "rsi_ichimoku", "most": 80},
    {"kind": "rsi_volume_supertrend", "most": 80, "volume_ratio": 1.0},
]


def said(entry: dict[str, Any], bars: int) -> list[Said]:
    exits = [{"kind": "atr"}, {"kind": "rsi_bb"}, {"kind": "time", "minutes": 30}]
    params = {"timeframe": "1m", "entry": entry, "exits": exits}
    strategy = Indicators(msgspec.convert(params, IndicatorsConfig))
    found: list[Said] = []

    def each(closed: BarsClosed, board: SignalBoard) -> None:
        found.extend(strategy.on_bars(closed, board))

    run([series[:bars] for series in minutes(2, 1_000, ("ES",))], each, 200)
    return found


@pytest.mark.parametrize("entry", ENTRIES, ids=[one["kind"] for one in ENTRIES])
def test_nothing_that_was_said_changes(entry: dict[str, Any]) -> None:
    every, cut = said(entry, 1_000), said(entry, 600)
    assert every[: len(cut)] == cut
    assert {type(one).__name__ for one in cut} == {"Idea", "Exit"}
    assert {one.side for one in every} == {"buy", "sell"}
