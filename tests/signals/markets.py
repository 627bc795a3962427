"""A seeded market of several instruments, run through the real bars and the real board."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from engine.market.bars import BarsClosed, MinuteBars
from engine.model.events import Print
from engine.model.instrument import CME_FUTURES, Instrument
from engine.model.market import MINUTE, NANOS, Bar
from engine.signals.board import SignalBoard
from tests.market.feed import T0
from tests.signals.shapes import wander

WARM_UP = 3000
LIVE = 420
SYMBOLS = ("ES", "GC", "MNQ")


def minutes(seed: int, count: int = WARM_UP + LIVE, symbols: Sequence[str] = SYMBOLS) -> list[list[Bar]]:
    return [wander(seed * 10 + n, count, instrument=symbol) for n, symbol in enumerate(symbols)]


def prints_of(bars: Sequence[Sequence[Bar]]) -> Iterator[Print]:
    """Four prints a minute that give the bars back, all instruments in time order."""
    for rows in zip(*bars, strict=True):
        for quarter in range(4):
            for bar in rows:
                low_first = bar.close >= bar.open
                path = (
                    bar.open,
                    bar.low if low_first else bar.high,
                    bar.high if low_first else bar.low,
                    bar.close,
                )
                ts = bar.open_ts + quarter * 15 * NANOS
                size = bar.volume // 4 + (bar.volume % 4 if quarter == 3 else 0)
                yield Print(
                    ts_recv=ts, ts_venue=ts, instrument=bar.instrument, price=path[quarter], size=size
                )


def run(
    market: list[list[Bar]],
    each: Callable[[BarsClosed, SignalBoard], None],
    warm_up: int = WARM_UP,
    instruments: Mapping[str, Instrument] = CME_FUTURES,
) -> tuple[MinuteBars, SignalBoard]:
    """Load the first minutes as history, play the rest, call `each` at every close."""
    bars = MinuteBars()
    board = SignalBoard(instruments, bars)
    bars.feed_up(T0 + warm_up * MINUTE)
    for series in market:
        if warm_up:
            bars.load_history(series[0].instrument, series[:warm_up])
            board.warm_up(series[0].instrument)
    for traded in prints_of([series[warm_up:] for series in market]):
        for closed in bars.on_print(traded):
            board.on_closed(closed)
            each(closed, board)
    return bars, board
