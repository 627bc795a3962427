"""What a tape can hold: trades, bars or quote bars, each with its way of being played."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from msgspec import Struct

from adapters.tapes import stream
from adapters.tapes.fields import TapeError
from adapters.tapes.walk import Point, walk
from engine.model.events import Print, Quote
from engine.model.market import MINUTE, Bar, Timeframe

Corners = tuple[int, int, int, int]
"""Open, high, low, close in ticks."""


class Contents(Protocol):
    """The rows of a tape in a form that can be played again and again."""

    kind: str
    """"ticks", "bars", "quotes" or "inbox"."""
    rows: int
    history: Sequence[Bar]
    """Closed 1m bars that the recording itself has from before its start."""

    @property
    def start_ts(self) -> int:
        """Nanoseconds UTC, on a whole minute."""

    @property
    def end_ts(self) -> int:
        """Nanoseconds UTC of the end of the last row."""

    def events(self, since: int) -> Iterator[Quote | Print]:
        """What the market did from `since` on (nanoseconds UTC)."""

    def prints(self) -> Iterator[Print]:
        """The trades. Raises TapeError when there are none to be had."""

    def bars(self) -> Sequence[Bar]:
        """The bars as recorded. Raises TapeError when others must fold them from prints."""


class TickContents:
    """Trades: three columns of numbers, 24 bytes a trade."""

    kind = "ticks"
    history: Sequence[Bar] = ()

    def __init__(self, instrument: str, points: Iterable[Point]) -> None:
        self._instrument = instrument
        self._ts = array("q")
        self._price = array("q")
        self._size = array("q")
        for ts, price, size in points:
            self._ts.append(ts)
            self._price.append(price)
            self._size.append(size)
        self.rows = len(self._ts)

    @property
    def start_ts(self) -> int:
        return self._ts[0] - self._ts[0] % MINUTE

    @property
    def end_ts(self) -> int:
        return self._ts[-1]

    def events(self, since: int) -> Iterator[Quote | Print]:
        later = (trade for trade in self.prints() if trade.ts_venue >= since)
        return stream.steady(stream.quoted(later))

    def prints(self) -> Iterator[Print]:
        return stream.prints(self._instrument, zip(self._ts, self._price, self._size, strict=True))

    def bars(self) -> Sequence[Bar]:
        raise TapeError("this tape holds ticks: its bars are folded from its prints")


class BarContents:
    """Bars as recorded, oldest first."""

    kind = "bars"
    history: Sequence[Bar] = ()

    def __init__(self, bars: Iterable[Bar]) -> None:
        self._bars = tuple(bars)
        self.rows = len(self._bars)

    @property
    def start_ts(self) -> int:
        return self._bars[0].open_ts

    @property
    def end_ts(self) -> int:
        return self._bars[-1].close_ts

    @property
    def timeframe(self) -> Timeframe:
        return self._bars[0].timeframe

    def events(self, since: int) -> Iterator[Quote | Print]:
        return stream.steady(stream.quoted(self._prints(bar for bar in self._bars if bar.open_ts >= since)))

    def prints(self) -> Iterator[Print]:
        return self._prints(self._bars)

    def bars(self) -> Sequence[Bar]:
        return self._bars

    def _prints(self, bars: Iterable[Bar]) -> Iterator[Print]:
        return stream.prints(self._bars[0].instrument, (point for bar in bars for point in walk(bar)))


class QuoteMinute(Struct, frozen=True, gc=False):
    """One minute of the top of book: bid and ask each as a bar; None where nobody quoted."""

    open_ts: int
    bid: Corners | None
    ask: Corners | None


class QuoteContents:
    """Minutes of quotes: a market that can be watched and traded against, but has no trades of its own."""

    kind = "quotes"
    history: Sequence[Bar] = ()

    def __init__(self, instrument: str, minutes: Iterable[QuoteMinute]) -> None:
        self._instrument = instrument
        self._minutes = tuple(minutes)
        self.rows = len(self._minutes)

    @property
    def start_ts(self) -> int:
        return self._minutes[0].open_ts

    @property
    def end_ts(self) -> int:
        return self._minutes[-1].open_ts + MINUTE

    def events(self, since: int) -> Iterator[Quote | Print]:
        """Four quotes a minute: both opens, both lows and both highs in the order of the walk, both closes.

        A pair that would cross (bid and ask were recorded apart) is left out.
        """
        return stream.steady(self._quotes(since))

    def _quotes(self, since: int) -> Iterator[Quote]:
        for minute in self._minutes:
            if minute.open_ts < since:
                continue
            guide = minute.bid or minute.ask
            rising = guide is None or guide[3] >= guide[0]
            for i, corner in enumerate((0, 2, 1, 3) if rising else (0, 1, 2, 3)):
                bid = minute.bid[corner] if minute.bid else None
                ask = minute.ask[corner] if minute.ask else None
                if bid is not None and ask is not None and bid > ask:
                    continue
                ts = minute.open_ts + (2 * i + 1) * MINUTE // 8
                yield Quote(ts_recv=ts, ts_venue=ts, instrument=self._instrument, bid=bid, ask=ask)

    def prints(self) -> Iterator[Print]:
        raise TapeError("this tape holds quotes: there are no trades in it")

    def bars(self) -> Sequence[Bar]:
        raise TapeError("this tape holds quotes: there are no trades to make bars of")
