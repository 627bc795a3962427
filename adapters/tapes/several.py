"""Several recordings played as one market, and recordings of the inbox with all their contracts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from heapq import merge
from pathlib import Path
from typing import Protocol

from adapters.tapes.fields import TapeError
from adapters.tapes.inbox import InboxContents, NothingToldError, read_inbox
from adapters.tapes.recording import RECORDING_SUFFIX, read_header
from adapters.tapes.tape import Tape
from engine.model.events import BarReported, Print, Quote
from engine.model.instrument import Instrument
from engine.model.market import Bar


class Played(Protocol):
    """A market of one contract that ends: a tape, or the bars of a dataset."""

    instruments: Sequence[Instrument]
    start_ts: int
    end_ts: int

    def history(self, instrument: str) -> Sequence[Bar]: ...

    def events(self) -> Iterator[Quote | Print] | Iterator[BarReported]: ...


class Together:
    """A MarketSource of recordings of different contracts, in the order of their times."""

    def __init__(self, tapes: Sequence[Played]) -> None:
        """Raises TapeError where two are of one contract."""
        self._tapes = {tape.instruments[0].symbol: tape for tape in tapes}
        if len(self._tapes) < len(tapes):
            raise TapeError("two of the tapes hold the same contract")
        self.instruments = tuple(tape.instruments[0] for tape in tapes)
        self.start_ts = min(tape.start_ts for tape in tapes)
        self.end_ts = max(tape.end_ts for tape in tapes)
        self.bar_ns = max(tape.bar_ns if isinstance(tape, Tape) else 0 for tape in tapes)
        """Length of the bars that prints are made up from, nanoseconds; 0 where they are real."""

    def history(self, instrument: str) -> Sequence[Bar]:
        """Closed 1m bars from before the tape of that contract."""
        tape = self._tapes.get(instrument)
        return () if tape is None else tape.history(instrument)

    def events(self) -> Iterator[Quote | Print | BarReported]:
        """All that happened; what happened at one instant in the order of the tapes."""
        if len(self._tapes) == 1:
            yield from next(iter(self._tapes.values())).events()
            return
        yield from merge(*(tape.events() for tape in self._tapes.values()), key=lambda event: event.ts_recv)


def open_recordings(
    paths: Sequence[Path], contracts: Sequence[str] = (), within: tuple[int, int] | None = None
) -> list[Tape]:
    """A tape for each contract that was quoted or traded in recordings of the inbox, or for those asked for;
    several recordings are one market. With `within` only of [from, to), nanoseconds UTC. Raises TapeError.
    """
    found: dict[str, tuple[Instrument, InboxContents]] = {}
    for path in paths:
        for instrument in read_header(path).instruments:
            if contracts and instrument.symbol not in contracts:
                continue
            with suppress(NothingToldError):
                told = read_inbox(path, instrument, within=within)
                known = found.get(instrument.symbol)
                found[instrument.symbol] = instrument, told if known is None else known[1].joined(told)
    if not found:
        names = ", ".join(path.name for path in paths)
        raise NothingToldError(f"{names}: no quotes or prints of {', '.join(contracts) or 'any contract'}")
    return [Tape(instrument, contents, None) for instrument, contents in found.values()]


def recordings_in(folder: Path) -> list[Path]:
    """The first part of each recording of the inbox there, the oldest first."""
    return sorted(folder.glob(f"*.p0001{RECORDING_SUFFIX}"))
