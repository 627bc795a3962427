"""Where patterns occurred, with what was known at that close and nothing else
(docs/discovery.md#what-is-searched).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from engine.market.calendars.calendar import Calendar
from engine.model.market import Bar, Timeframe
from engine.model.view import SessionPhase
from engine.signals.frame import FrameSignals
from engine.signals.patterns import Pattern, PatternKind
from engine.signals.regime import Regime, RegimeDetector

ANY = "any"
"""The context of everything."""
_WARM_UP = 50
"""Bars before patterns count: an ATR and swings need some."""
_BLOCK_H = 4
_PAD_ATR = 0.25
"""From the pattern's price to the stop beyond it."""
_LEAST_STOP_ATR, _USUAL_STOP_ATR, _MOST_STOP_ATR = 1.0, 1.5, 3.0
_LEAST_STOP_TICKS = 2


class Occurrence(Struct, frozen=True, gc=False):
    """One pattern at one close. Prices in ticks."""

    pattern: str
    """Its kind: "break bos", "level_held"."""
    timeframe: Timeframe
    direction: int
    """+1 up, -1 down: the side that is traded."""
    known_at: int
    """Close of its bar, nanoseconds UTC."""
    stop: int
    """Beyond the pattern's zone or 1.5 ATR away; never nearer than an ATR or further than three."""
    contexts: tuple[str, ...]
    """What it falls under: "any", "trending with", "ranging", "hours 08-12 CT", "session RTH"."""


def occurrences(
    bars: Iterable[Bar], instrument: str, timeframe: Timeframe, calendar: Calendar
) -> Iterator[Occurrence]:
    """Every pattern in a series of closed bars of one timeframe, oldest first.

    A bar that was blind or came late opens no trade, so it counts for signals only.
    """
    frame, regime = FrameSignals(instrument, timeframe, calendar=calendar), RegimeDetector()
    for bar in bars:
        frame.add(bar)
        regime.add(bar)
        yield from at_close(bar, frame, regime, calendar)


def at_close(
    bar: Bar, frame: FrameSignals, regime: RegimeDetector, calendar: Calendar
) -> Iterator[Occurrence]:
    """The patterns of one closed bar, the newest that `frame` and `regime` of its series have taken."""
    atr = frame.atr.value or 0.0
    if frame.index < _WARM_UP or bar.gap or not atr:
        return
    seen: set[tuple[str, int]] = set()
    for pattern in frame.patterns_after(bar.close_ts - 1):
        side = pattern.direction
        what = _name(pattern), side
        if not side or what in seen:  # of two gaps that are touched at once one is enough
            continue
        seen.add(what)
        yield Occurrence(
            what[0],
            bar.timeframe,
            side,
            bar.close_ts,
            stop_price(bar.close, pattern.low if side > 0 else pattern.high, side, atr),
            _contexts(regime, side, bar.close_ts, calendar),
        )


def stop_price(close: int, edge: int, direction: int, atr: float) -> int:
    """Where a trade decided at `close` is given up: a quarter ATR beyond the far edge of the pattern's zone
    where that lies behind the trade, 1.5 ATR away else, within 1 and 3 ATR.
    """
    beyond = (close - edge) * direction
    distance = beyond + _PAD_ATR * atr if beyond > 0 else _USUAL_STOP_ATR * atr
    distance = min(max(distance, _LEAST_STOP_ATR * atr), _MOST_STOP_ATR * atr)
    return close - direction * max(_LEAST_STOP_TICKS, round(distance))


def _name(pattern: Pattern) -> str:
    """Breaks are told apart by what they broke; what a label says elsewhere is for people."""
    if pattern.kind is PatternKind.BREAK:
        return f"{pattern.kind} {pattern.label.lower()}"
    return str(pattern.kind)


def _contexts(regime: RegimeDetector, side: int, ts: int, calendar: Calendar) -> tuple[str, ...]:
    found = [ANY]
    if regime.value is Regime.TRENDING:
        found.append(f"{regime.value} {'with' if regime.direction == side else 'against'}")
    elif regime.value is not None:
        found.append(str(regime.value))
    phase = calendar.phase(ts)
    if phase in (SessionPhase.RTH, SessionPhase.ETH):  # a market without hours has no such contexts
        found.append(f"session {phase}")
    first = int(calendar.hhmm(ts)[:2]) // _BLOCK_H * _BLOCK_H
    found.append(f"hours {first:02d}-{first + _BLOCK_H:02d} {calendar.clock_mark}")
    return tuple(found)
