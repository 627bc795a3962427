"""Short ways to write prints, quotes and bars down in tests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.market.bars import BarsClosed, MinuteBars
from engine.model.events import Print, Quote
from engine.model.market import MINUTE, NANOS, Bar, Timeframe

T0 = 1_754_488_800 * NANOS
"""2025-08-06 14:00 UTC, 09:00 in Chicago: a full hour in the middle of a session."""


def at(seconds: float) -> int:
    """Nanoseconds of T0 plus so many seconds."""
    return T0 + round(seconds * NANOS)


def traded(
    seconds: float,
    price: int,
    size: int = 1,
    instrument: str = "ES",
    seq: int = 0,
    received: float | None = None,
) -> Print:
    """A print at T0 + `seconds`, received at the same instant unless said otherwise."""
    return Print(
        ts_recv=at(seconds if received is None else received),
        ts_venue=at(seconds),
        instrument=instrument,
        price=price,
        size=size,
        seq=seq,
    )


def quoted(seconds: float, instrument: str = "ES", received: float | None = None) -> Quote:
    return Quote(
        ts_recv=at(seconds if received is None else received),
        ts_venue=at(seconds),
        instrument=instrument,
        bid=99,
        ask=101,
    )


def minute(n: int, close: int = 100, instrument: str = "ES", *, backfilled: bool = True) -> Bar:
    """The minute bar that opens n minutes after T0, one tick either side of its close."""
    return Bar(
        instrument,
        Timeframe.M1,
        T0 + n * MINUTE,
        close,
        close + 1,
        close - 1,
        close,
        10,
        backfilled=backfilled,
    )


def play(bars: MinuteBars, events: Iterable[Print | Quote]) -> list[BarsClosed]:
    """Everything that the events closed, in order."""
    closed: list[BarsClosed] = []
    for event in events:
        closed += bars.on_print(event) if isinstance(event, Print) else bars.on_quote(event)
    return closed


def emitted(closed: Sequence[BarsClosed], timeframe: Timeframe = Timeframe.M1) -> list[Bar]:
    return [bar for one in closed for bar in one.bars if bar.timeframe is timeframe]
