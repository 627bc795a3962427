"""The exchange's own minutes are the judge of ours."""

from __future__ import annotations

import csv
import io
import zipfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from engine.market.bars import MinuteBars
from engine.market.candles import fold
from engine.model.events import Print
from engine.model.instrument import CME_FUTURES
from engine.model.market import MINUTE, NANOS, Bar, Timeframe
from tests.market.feed import emitted, play
from tests.support.recordings import DATA, needs_recordings

pytestmark = [pytest.mark.recordings, needs_recordings]

GOLD = CME_FUTURES["GC"]
MONTH = "201312"
DAYS = [(date(2013, 10, 7), 1314), (date(2013, 10, 8), 1377)]


def rows(path: Path, name: str) -> Iterator[list[str]]:
    with zipfile.ZipFile(path) as archive, archive.open(name) as raw:
        yield from csv.reader(io.TextIOWrapper(raw, "ascii"))


def midnight(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * NANOS


def recorded_prints(day: date) -> list[Print]:
    stamp = f"{day:%Y%m%d}"
    found = []
    path = DATA / "gc_ticks" / f"{stamp}_trade.zip"
    for seq, row in enumerate(rows(path, f"{stamp}_gc_tick_trade_{MONTH}.csv")):
        ts = midnight(day) + int(row[0]) * 1_000_000
        price = GOLD.ticks(Decimal(row[1]))
        found.append(Print(ts_recv=ts, ts_venue=ts, instrument="GC", price=price, size=int(row[2]), seq=seq))
    return found


def recorded_minutes(day: date) -> list[tuple[int, ...]]:
    stamp = f"{day:%Y%m%d}"
    path = DATA / "gc_minutes" / f"{stamp}_trade.zip"
    return [
        (
            midnight(day) + int(row[0]) * 1_000_000,
            *(GOLD.ticks(Decimal(price)) for price in row[1:5]),
            int(row[5]),
        )
        for row in rows(path, f"{stamp}_gc_minute_trade_{MONTH}.csv")
    ]


def as_row(bar: Bar) -> tuple[int, ...]:
    return bar.open_ts, bar.open, bar.high, bar.low, bar.close, bar.volume


@pytest.mark.parametrize(("day", "count"), DAYS)
def test_folding_the_ticks_gives_the_exchanges_minutes(day: date, count: int) -> None:
    ours = [as_row(bar) for bar in fold(recorded_prints(day), Timeframe.M1)]
    theirs = recorded_minutes(day)
    assert len(ours) == len(theirs) == count
    assert [row[:5] for row in ours] == [row[:5] for row in theirs]
    # The tape repeats its very last print, so the volume of 23:59 is the one that differs.
    assert [row[0] for row, their in zip(ours, theirs, strict=True) if row != their] == [ours[-1][0]]
    assert ours[-1][0] == midnight(day) + 1439 * MINUTE


@pytest.mark.parametrize("day", [day for day, _ in DAYS])
def test_the_live_bars_of_a_recorded_day_are_its_fold(day: date) -> None:
    prints = recorded_prints(day)
    counts: Counter[str] = Counter()
    bars = MinuteBars(counts=counts)
    bars.feed_up(midnight(day))
    closed = play(bars, prints)
    closed += bars.on_time(midnight(day) + 1441 * MINUTE)
    assert emitted(closed) == list(fold(prints, Timeframe.M1))
    assert not counts
