"""A recording of the engine's inbox, played as a market: its quotes and prints of one contract."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec.structs import replace

from adapters.tapes.fields import TapeError
from adapters.tapes.recording import read_recording
from engine.model.events import HistoryLoaded, Print, Quote
from engine.model.instrument import Instrument
from engine.model.market import MINUTE, Bar


class InboxContents:
    """Quotes and prints by the venue's time, which is also when they are received."""

    kind = "inbox"

    def __init__(self, events: Sequence[Quote | Print], history: Sequence[Bar]) -> None:
        self._events = sorted(events, key=_ts)
        self.rows = len(events)
        start = self.start_ts
        self.history: Sequence[Bar] = tuple(bar for bar in history if bar.close_ts <= start)

    @property
    def start_ts(self) -> int:
        first = self._events[0].ts_venue
        return first - first % MINUTE

    @property
    def end_ts(self) -> int:
        return self._events[-1].ts_venue

    def events(self, since: int) -> Iterator[Quote | Print]:
        return iter(self._events[bisect_left(self._events, since, key=_ts) :])

    def prints(self) -> Iterator[Print]:
        return (event for event in self._events if isinstance(event, Print))

    def bars(self) -> Sequence[Bar]:
        raise TapeError("this tape holds quotes and prints: its bars are folded from its prints")


def read_inbox(path: Path, instrument: Instrument) -> InboxContents:
    """The market of one contract in a recording, as far as it goes. Raises TapeError."""
    market: list[Quote | Print] = []
    history: tuple[Bar, ...] = ()
    for event in read_recording(path, cut_ok=True):
        if isinstance(event, Quote | Print) and event.instrument == instrument.symbol:
            ts = event.ts_venue or event.ts_recv
            market.append(replace(event, ts_recv=ts, ts_venue=ts))
        elif isinstance(event, HistoryLoaded) and event.instrument == instrument.symbol:
            history = history or event.bars
    if not market:
        raise TapeError(f"{path.name}: has no quotes or prints of {instrument.symbol}")
    return InboxContents(market, history)


def _ts(event: Quote | Print) -> int:
    return event.ts_venue
