"""One recording, opened and checked, ready to be played as a market or turned into bars."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec.structs import replace

from adapters.tapes.archive import read_archive
from adapters.tapes.contents import Contents
from adapters.tapes.fields import TapeError, shown
from adapters.tapes.files import TABLES, as_tape_errors, open_text
from adapters.tapes.inbox import InboxContents, read_inbox
from adapters.tapes.plain import read_plain
from adapters.tapes.recording import RECORDING_SUFFIX
from adapters.tapes.tables import Stamp
from engine.model.events import MoodTold, Print, Quote
from engine.model.instrument import CME_FUTURES, Instrument
from engine.model.market import Bar, Timeframe

_FIXED = re.compile(r"(?:UTC|GMT)([+-])(\d{1,2})(?::?00)?")


class Tape:
    """A recorded market of one contract: a MarketSource that ends."""

    def __init__(self, instrument: Instrument, contents: Contents, month: str | None) -> None:
        self.instruments: Sequence[Instrument] = (instrument,)
        self.start_ts = contents.start_ts
        self.end_ts = contents.end_ts
        """Nanoseconds UTC of the last row's end."""
        self.month = month
        """Contract month as in "201312"; None where the recording does not say."""
        self.kind = contents.kind
        """"ticks", "bars", "quotes" or "inbox"."""
        self.rows = contents.rows
        self._contents = contents

    @property
    def bar_ns(self) -> int:
        """Length of the bars that its prints are made up from, nanoseconds; 0 where they are real."""
        return self.bars()[0].timeframe.nanos if self.kind == "bars" else 0

    def history(self, instrument: str) -> Sequence[Bar]:
        """Closed 1m bars before `start_ts`, oldest first; only a recording of the engine's inbox has any."""
        if instrument != self.instruments[0].symbol:
            return ()
        return tuple(replace(bar, backfilled=True) for bar in self._contents.history)

    def events(self) -> Iterator[Quote | Print]:
        """The market from `start_ts` on; may be asked for again and starts anew."""
        return self._contents.events(self.start_ts)

    def moods(self) -> Sequence[MoodTold]:
        """What texts said meanwhile, by when it was heard; only a recording of the engine's inbox has any."""
        return self._contents.moods if isinstance(self._contents, InboxContents) else ()

    def prints(self) -> Iterator[Print]:
        """Every trade of the recording, its history included. Raises TapeError if it has none."""
        return self._contents.prints()

    def bars(self) -> Sequence[Bar]:
        """The bars of a bar recording as they are. Raises TapeError where they must be folded from prints."""
        return self._contents.bars()


def open_tape(
    path: Path | str,
    contract: str | Instrument,
    month: str | None = None,
    stamp: str | None = None,
    *,
    symbol: str | None = None,
    zone: str | None = None,
    timeframe: Timeframe | None = None,
) -> Tape:
    """Read and check a whole recording. Raises TapeError with file, row and what is wrong.

    The file is a zip of contract months, a table (.csv, .txt, also gzipped), or a recording of the engine's
    own inbox (.jsonl.gz).

    `month` picks a contract month; else the one of a zip with most volume is taken, and a table may hold only
    one. `symbol` picks what a table or a recording of the inbox names. `stamp` says whether the times of a
    table's bars are their "open" or "close"; those of a zip are opens. `zone` is that of a table's times that
    tell none ("America/Chicago"). `timeframe` is that of a table's bars; else it is the smallest step between
    two of them.
    """
    file = Path(path)
    instrument = contract if isinstance(contract, Instrument) else CME_FUTURES.get(contract)
    if instrument is None:
        raise TapeError(f"unknown contract {shown(str(contract))}; known are {', '.join(CME_FUTURES)}")
    if stamp is not None and stamp not in list(Stamp):
        raise TapeError(f"stamp {shown(stamp)} is neither open nor close")
    contents, found = _read(
        file, instrument, month, Stamp(stamp) if stamp else None, timeframe, symbol, zone_of(zone)
    )
    return Tape(instrument, contents, found)


def zone_of(name: str | None) -> ZoneInfo | None:
    """The zone of a name; of UTC+3 too, as brokers' clocks are. Raises TapeError."""
    if name is not None and (fixed := _FIXED.fullmatch(name)):
        name = f"Etc/GMT{'-' if fixed[1] == '+' else '+'}{int(fixed[2])}"  # named with the other sign
    try:
        return None if name is None else ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError):
        raise TapeError(f"no time zone is called {shown(name or '')}") from None


def _read(
    path: Path,
    instrument: Instrument,
    month: str | None,
    stamp: Stamp | None,
    timeframe: Timeframe | None,
    symbol: str | None,
    zone: ZoneInfo | None,
) -> tuple[Contents, str | None]:
    file, name = path.name, path.name.lower()
    with as_tape_errors(file):
        if name.endswith(TABLES):
            with open_text(path) as text:
                return read_plain(
                    file, text, instrument, timeframe, stamp, month=month, symbol=symbol, zone=zone
                ), month
        if name.endswith(".zip"):
            if symbol is not None:
                raise TapeError(f"{file}: of a zip a contract month is picked, as in --month 201312")
            if stamp is Stamp.CLOSE:
                raise TapeError(f"{file}: the bars of zip recordings are stamped by their open")
            with zipfile.ZipFile(path) as archive:
                return read_archive(file, archive, instrument, month)
        if month is not None:
            raise TapeError(f"{file}: contract months can be picked from zips and tables only")
        if name.endswith(RECORDING_SUFFIX):
            return read_inbox(path, instrument, symbol), None
    raise TapeError(f"{file}: is none of .zip, {', '.join(TABLES)}, {RECORDING_SUFFIX}")
