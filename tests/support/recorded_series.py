"""Recorded bars as one series a market, for what is proved over all of history."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable
from datetime import datetime

from adapters.tapes.tape import open_tape
from engine.model.market import NANOS, Bar, Timeframe
from tests.support.recordings import DATA


def _tapes(folder: str, symbol: str) -> list[Bar]:
    """Minutes of every recorded day, oldest first."""
    found: list[Bar] = []
    for file in sorted((DATA / folder).glob("*_trade.zip")):
        since = found[-1].open_ts if found else 0
        found += (bar for bar in open_tape(file, symbol).bars() if bar.open_ts > since)
    return found


def _units(text: str, of_one: int) -> int:
    return round(float(text) * of_one)


def _bitcoin() -> list[Bar]:
    """90 days of five minutes, in tenths of a dollar."""
    with gzip.open(DATA / "ohlcv" / "btcusdt_perp_5m_2025.csv.gz", "rt", encoding="ascii") as file:
        return [
            Bar(
                "BTC",
                Timeframe.M5,
                int(datetime.fromisoformat(row["timestamp"]).timestamp()) * NANOS,
                _units(row["open"], 10),
                _units(row["high"], 10),
                _units(row["low"], 10),
                _units(row["close"], 10),
                _units(row["volume"], 1000),
            )
            for row in csv.DictReader(file)
        ]


SERIES: dict[str, Callable[[], list[Bar]]] = {
    "ES": lambda: _tapes("es_minutes", "ES"),
    "GC": lambda: _tapes("gc_minutes", "GC"),
    "BTC": _bitcoin,
}
