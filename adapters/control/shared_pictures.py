"""Pictures and charts as attached clients get them: made once, however many look."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from adapters.control.attach_protocol import ChartSent, ChartTail, PictureSent, frame
from adapters.control.changes import difference, is_restless
from engine.model.chart import ChartView
from engine.model.market import Timeframe
from engine.model.view import View
from engine.ports import EngineHandle

ChartKey = tuple[str, Timeframe]


class PlainPicture(Struct, frozen=True):
    """A View without its notices, as plain values."""

    number: int
    body: Any


class SharedPictures:
    """Belongs to one thread: `look`, then give to each client what it lacks."""

    def __init__(self, handle: EngineHandle) -> None:
        self._handle = handle
        self._view: View | None = None
        self.newest = PlainPicture(0, None)
        self._frames: dict[int, tuple[bytes, bool]] = {}
        """By the picture that a client has: what makes the newest of it, and whether only clocks differ."""
        self._charts: dict[ChartKey, ChartView | None] = {}

    def look(self) -> None:
        """Take the engine's newest picture."""
        view = self._handle.view()
        self._charts.clear()
        if self._view is not None and view.version == self._view.version:
            return
        self.newest = PlainPicture(view.version, _plain(view, self._view, self.newest.body))
        self._view = view
        self._frames.clear()

    @property
    def newest_notice(self) -> int:
        """Its number; far below 0 where there is none."""
        notices = self._view.notices if self._view is not None else ()
        return notices[-1].seq if notices else -(1 << 62)

    def since(self, known: PlainPicture | None) -> tuple[bytes, bool]:
        """The frame that takes a client from the picture it has to the newest; whether nothing but ages and
        clocks is new in it.
        """
        base = 0 if known is None else known.number
        found = self._frames.get(base)
        if found is None:
            newest = self.newest
            if known is None:
                found = frame(PictureSent(newest.number, 0, newest.body)), False
            else:
                patch = difference(known.body, newest.body)
                found = frame(PictureSent(newest.number, base, patch)), is_restless(patch)
            self._frames[base] = found
        return found

    def chart(self, key: ChartKey) -> ChartView | None:
        """As of now; drawn once for all who look at it."""
        if key not in self._charts:
            self._charts[key] = self._handle.chart(*key)
        return self._charts[key]


def _plain(view: View, before: View | None, known: Any) -> dict[str, Any]:
    """The plain values of a View; of what is as it was before they are the very same objects."""
    body: dict[str, Any] = {}
    for name in view.__struct_fields__:
        value = getattr(view, name)
        if name == "notices":
            body[name] = []
        elif before is not None and ((was := getattr(before, name)) is value or was == value):
            body[name] = known[name]
        else:
            body[name] = msgspec.to_builtins(value)
    return body


def chart_frame(key: ChartKey, known: ChartView | None, now: ChartView | None) -> bytes:
    """What takes a client from the chart it has to the newest one; empty where nothing is new."""
    if now is None:
        return b"" if known is None else frame(ChartSent(*key, None))
    tail = None if known is None else _tail(key, known, now)
    if tail is None:
        return frame(ChartSent(*key, now))
    news = tail.bars or tail.first or tail.zones is not None or tail.curves is not None
    if known is not None and tail.forming == known.forming and not news:
        return b"" if tail.older is known.older else frame(tail)
    return frame(tail)


def _tail(key: ChartKey, known: ChartView, now: ChartView) -> ChartTail | None:
    """None where the new one does not go on where the old one ended."""
    first, fresh = 0, now.bars[:0]
    if now.bars is not known.bars:
        if not known.bars or not now.bars:
            return None
        begin, end = now.bars[0].open_ts, known.bars[-1].open_ts
        first = next((i for i, bar in enumerate(known.bars) if bar.open_ts == begin), -1)
        kept = len(known.bars) - first
        if first < 0 or len(now.bars) < kept or now.bars[:kept] != known.bars[first:]:
            return None
        assert now.bars[kept - 1].open_ts == end
        fresh = now.bars[kept:]
    zones = None if now.zones is known.zones or now.zones == known.zones else now.zones
    curves = None if now.curves is known.curves or now.curves == known.curves else now.curves
    return ChartTail(*key, first, fresh, now.forming, now.older, zones, curves)


def with_tail(known: ChartView, tail: ChartTail) -> ChartView:
    """The chart that a tail makes of the one before it."""
    return replace(
        known,
        bars=(*known.bars[tail.first :], *tail.bars) if tail.first or tail.bars else known.bars,
        forming=tail.forming,
        older=tail.older,
        zones=known.zones if tail.zones is None else tail.zones,
        curves=known.curves if tail.curves is None else tail.curves,
    )
