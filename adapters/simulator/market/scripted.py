"""A market and a clock that are moved by hand, for tests and benches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from engine.model.events import Print, Quote
from engine.model.instrument import Instrument
from engine.model.market import Bar


class ScriptedMarket:
    """A MarketSource that does only what it is told: a fixed list of events, or none at all.

    With none, whatever holds it pushes quotes and prints itself (`PracticeVenue.push`).
    """

    def __init__(
        self,
        instruments: Sequence[Instrument],
        start_ts: int,
        events: Sequence[Quote | Print] = (),
        bars: Mapping[str, Sequence[Bar]] | None = None,
    ) -> None:
        self.instruments: Sequence[Instrument] = tuple(instruments)
        self.start_ts = start_ts
        self._events = tuple(events)
        self._bars = bars if bars is not None else {}

    def history(self, instrument: str) -> Sequence[Bar]:
        """The bars that were given for a contract, else none."""
        return self._bars.get(instrument, ())

    def events(self) -> Iterator[Quote | Print]:
        return iter(self._events)


class ManualClock:
    """A clock that stands until it is moved, for tests and other callers that drive time by hand."""

    def __init__(self, now_ns: int) -> None:
        self._now = now_ns

    def __call__(self) -> int:
        return self._now

    def advance(self, nanos: int) -> int:
        """Move forward; gives the new time."""
        if nanos < 0:
            raise ValueError("time does not go back")
        self._now += nanos
        return self._now
