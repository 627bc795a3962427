"""The recorded markets themselves: all of them are read, and none loses anything on the way."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.tapes import stream
from adapters.tapes.tape import open_tape
from adapters.tapes.walk import walk
from engine.market.candles import fold
from engine.model.events import Quote
from engine.model.market import Bar, Timeframe
from tests.support.recordings import DATA, needs_recordings

pytestmark = [pytest.mark.recordings, needs_recordings]


def months(folder: str, kind: str = "trade") -> Iterator[tuple[Path, str, str]]:
    """(file, contract, month) of everything in a folder."""
    for path in sorted((DATA / folder).glob(f"*_{kind}.zip")):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                yield path, name.split("_")[1].upper(), name[-10:-4]


def ohlcv(bar: Bar) -> tuple[int, int, int, int, int, int]:
    return bar.open_ts, bar.open, bar.high, bar.low, bar.close, bar.volume


@pytest.mark.parametrize("folder", ["es_minutes", "gc_minutes"])
def test_every_minute_of_every_month_survives_being_played(folder: str) -> None:
    total = 0
    for path, contract, month in months(folder):
        bars = open_tape(path, contract, month).bars()
        folded = list(
            fold(stream.prints(contract, (point for bar in bars for point in walk(bar))), Timeframe.M1)
        )
        assert [ohlcv(bar) for bar in folded] == [ohlcv(bar) for bar in bars], (path.name, month)
        total += len(bars)
    assert total == {"es_minutes": 23_948, "gc_minutes": 3_037}[folder]


def test_folding_the_active_months_ticks_gives_the_exchanges_own_minutes() -> None:
    counts = []
    for path, contract, month in months("gc_ticks"):
        if month != "201312":
            continue
        tape = open_tape(path, contract)
        assert tape.month == "201312"
        folded = list(fold(tape.prints(), Timeframe.M1))
        minutes = open_tape(DATA / "gc_minutes" / path.name, contract).bars()
        assert [ohlcv(bar) for bar in folded[:-1]] == [ohlcv(bar) for bar in minutes[:-1]]
        assert ohlcv(folded[-1])[:-1] == ohlcv(minutes[-1])[:-1]
        counts.append(len(folded))
    assert counts == [1_314, 1_377]


def test_every_month_of_ticks_is_read_whole() -> None:
    rows = {}
    for path, contract, month in months("gc_ticks"):
        rows[path.name[:8], month] = open_tape(path, contract, month).rows
    assert rows["20131007", "201312"] == 39_702
    assert rows["20131008", "201312"] == 52_038
    assert len(rows) == 18


def test_quotes_are_read_and_never_cross() -> None:
    for path, contract, month in months("es_minutes", "quote"):
        tape = open_tape(path, contract, month)
        quotes = [event for event in tape.events() if isinstance(event, Quote)]
        assert len(quotes) >= tape.rows
        assert all(one.bid is None or one.ask is None or one.bid <= one.ask for one in quotes)
    assert open_tape(DATA / "es_minutes" / "20200106_quote.zip", "ES").month == "202003"


@pytest.mark.parametrize(
    ("day", "month"), [("20131007", "201312"), ("20131218", "201403"), ("20200106", "202003")]
)
def test_the_active_month_is_the_one_with_most_volume(day: str, month: str) -> None:
    tape = open_tape(DATA / "es_minutes" / f"{day}_trade.zip", "ES")
    assert tape.month == month
    times = [event.ts_venue for event in tape.events()]
    assert times == sorted(times)
    assert tape.start_ts <= times[0] < times[-1] < tape.end_ts
