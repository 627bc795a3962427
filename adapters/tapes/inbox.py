"""A recording of the engine's inbox, played as a market: its quotes and prints of one contract."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from msgspec.structs import replace

from adapters.tapes.fields import TapeError, shown
from adapters.tapes.recording import read_recording
from engine.model.events import ContractResolved, HistoryLoaded, MoodTold, Print, Quote
from engine.model.instrument import Instrument
from engine.model.market import MINUTE, Bar, Timeframe


class NothingToldError(TapeError):
    """The recording says nothing of a contract's market."""


class InboxContents:
    """Quotes and prints by the venue's time, which is also when they are received."""

    kind = "inbox"

    def __init__(
        self, events: Sequence[Quote | Print], history: Sequence[Bar], moods: Sequence[MoodTold] = ()
    ) -> None:
        self.moods: Sequence[MoodTold] = sorted(moods, key=lambda told: told.ts_recv)
        """What texts said of the contract, and of the market as a whole, by when it was heard."""
        self._events = list(_once(sorted(events, key=_ts)))
        self.rows = len(self._events)
        start = self.start_ts
        self.history: Sequence[Bar] = tuple(bar for bar in history if bar.close_ts <= start)

    @property
    def start_ts(self) -> int:
        first = self._events[0].ts_venue
        return first - first % MINUTE

    @property
    def end_ts(self) -> int:
        return self._events[-1].ts_venue

    def joined(self, later: InboxContents) -> InboxContents:
        """The market of both: a recording was ended, and another begun."""
        moods = [*self.moods, *later.moods]
        return InboxContents([*self._events, *later._events], self.history, moods)

    def events(self, since: int) -> Iterator[Quote | Print]:
        return iter(self._events[bisect_left(self._events, since, key=_ts) :])

    def prints(self) -> Iterator[Print]:
        return (event for event in self._events if isinstance(event, Print))

    def bars(self) -> Sequence[Bar]:
        raise TapeError("this tape holds quotes and prints: its bars are folded from its prints")


def read_inbox(
    path: Path, instrument: Instrument, symbol: str | None = None, within: tuple[int, int] | None = None
) -> InboxContents:
    """The market of one contract in a recording, as far as it goes; `symbol` is its name ("MNQZ6") where the
    recording goes on into another month. With `within` only what happened in [from, to), nanoseconds UTC.
    Raises TapeError, NothingToldError.
    """
    market: list[Quote | Print] = []
    moods: list[MoodTold] = []
    history: tuple[Bar, ...] = ()
    name = taken = ""
    for event in read_recording(path, cut_ok=True):
        if isinstance(event, ContractResolved):
            name = event.name if event.instrument.symbol == instrument.symbol else name
        elif isinstance(event, MoodTold):
            if event.instrument in ("", instrument.symbol):
                moods.append(event)
        elif (
            not isinstance(event, Quote | Print | HistoryLoaded)
            or event.instrument != instrument.symbol
            or (symbol is not None and symbol.upper() != name.upper())
        ):
            continue
        elif isinstance(event, HistoryLoaded):
            if event.bars and event.bars[0].timeframe is Timeframe.M1:
                history = history or event.bars
        else:
            ts = event.ts_venue or event.ts_recv
            if within is not None and not within[0] <= ts < within[1]:
                continue
            if market and name != taken:
                problem = f"{shown(name)} after {shown(taken)}: the recording holds several contracts"
                raise TapeError(f"{path.name}: {problem}; say which, as in --symbol {taken}")
            taken = name
            market.append(replace(event, ts_recv=ts, ts_venue=ts))
    if not market:
        raise NothingToldError(f"{path.name}: has no quotes or prints of {symbol or instrument.symbol}")
    return InboxContents(market, history, moods)


def _once(events: Iterable[Quote | Print]) -> Iterator[Quote | Print]:
    """In their order, without the prints that a venue told again (docs/semantics.md#bars)."""
    now, told = -1, set[int]()
    for event in events:
        if event.ts_venue != now:
            now = event.ts_venue
            told.clear()
        if isinstance(event, Print) and event.seq:
            if event.seq in told:
                continue
            told.add(event.seq)
        yield event


def _ts(event: Quote | Print) -> int:
    return event.ts_venue
