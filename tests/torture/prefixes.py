"""Whether what was said of a series is ever said otherwise: recorded markets, all timeframes, any cut."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import msgspec
from msgspec import Struct

from engine.market.calendars.calendar import Calendar
from engine.market.calendars.known import ALWAYS, CME
from engine.market.candles import resample
from engine.model.market import Bar, Timeframe
from engine.signals.chart_zones import zones_of
from engine.signals.frame import FrameSignals
from tests.support.recorded_series import SERIES


class Proof(Struct, frozen=True):
    series: str
    timeframe: Timeframe
    bars: int
    events: int
    cuts: int
    changed: int
    """Closes of a prefix at which something else was said than in the whole series, or altered later."""


def said(bars: Sequence[Bar]) -> tuple[list[bytes], int, int]:
    """What each close made known, as it was written down then; how many events that were, and how many closes
    are told otherwise at the end.
    """
    frame = FrameSignals(bars[0].instrument, bars[0].timeframe, calendar=_calendar(bars[0]))
    written: list[bytes] = []
    kept: list[object] = []
    events = 0
    for bar in bars:
        frame.add(bar)
        told = frame.patterns_after(bar.close_ts - 1)
        assert all(one.stamp < one.known_at == bar.close_ts for one in told)
        zones = zones_of(frame, frame.previous_week)
        assert all(zone.from_ts < zone.known_at <= bar.close_ts for zone in zones)
        kept.append((told, frame.reading, frame.legs.last, zones))
        written.append(msgspec.msgpack.encode(kept[-1]))
        events += len(told)
    altered = sum(msgspec.msgpack.encode(one) != then for one, then in zip(kept, written, strict=True))
    return written, events, altered


def prove(series: str, bars: Sequence[Bar], cuts: int, seed: int) -> Proof:
    """Feed the whole series, and prefixes of it that end anywhere."""
    whole, events, changed = said(bars)
    ends = random.Random(seed).sample(range(1, len(bars)), min(cuts, len(bars) - 1))
    for end in ends:
        part, _, altered = said(bars[:end])
        changed += altered + sum(one != then for one, then in zip(part, whole, strict=False))
    return Proof(series, bars[0].timeframe, len(bars), events, len(ends), changed)


def proofs(cuts: int, seed: int) -> Iterator[Proof]:
    """Every recorded series on every timeframe that it can be folded into."""
    for name, load in SERIES.items():
        bars = load()
        for timeframe in Timeframe:
            if timeframe.nanos % bars[0].timeframe.nanos == 0:
                longer = list(resample(bars, timeframe, _calendar(bars[0])))
                if len(longer) > 1:
                    yield prove(name, longer, cuts, seed)


def _calendar(bar: Bar) -> Calendar:
    return ALWAYS if bar.instrument == "BTC" else CME
