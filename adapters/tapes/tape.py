"""One recording, opened and checked, ready to be played as a market or turned into bars."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec.structs import replace

from adapters.tapes.archive import read_archive
from adapters.tapes.contents import Contents
from adapters.tapes.fields import TapeError, shown
from adapters.tapes.inbox import read_inbox
from adapters.tapes.plain import read_plain
from adapters.tapes.recording import RECORDING_SUFFIX
from adapters.tapes.tables import Stamp
from engine.model.events import Print, Quote
from engine.model.instrument import CME_FUTURES, Instrument
from engine.model.market import Bar, Timeframe

_TABLES = (".csv", ".csv.gz", ".txt", ".txt.gz")


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

    def prints(self) -> Iterator[Print]:
        """Every trade of the recording, its history included. Raises TapeError if it has none."""
        return self._contents.prints()

    def bars(self) -> Sequence[Bar]:
        """The bars of a bar recording as they are. Raises TapeError where they must be folded from prints."""
        return self._contents.bars()


def open_tape(
    path: Path | str,
    contract: str,
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
    instrument = CME_FUTURES.get(contract)
    if instrument is None:
        raise TapeError(f"unknown contract {shown(contract)}; known are {', '.join(CME_FUTURES)}")
    if stamp is not None and stamp not in list(Stamp):
        raise TapeError(f"stamp {shown(stamp)} is neither open nor close")
    contents, found = _read(
        file, instrument, month, Stamp(stamp) if stamp else None, timeframe, symbol, _zone(zone)
    )
    return Tape(instrument, contents, found)


def _zone(name: str | None) -> ZoneInfo | None:
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
    with _as_tape_errors(file):
        if name.endswith(_TABLES):
            with _text(path) as text:
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
    raise TapeError(f"{file}: is none of .zip, {', '.join(_TABLES)}, {RECORDING_SUFFIX}")


def _text(path: Path) -> TextIO:
    if path.name.lower().endswith(".gz"):
        return io.TextIOWrapper(gzip.open(path), "utf-8-sig", "replace", newline="")
    return path.open(encoding="utf-8-sig", errors="replace", newline="")


@contextmanager
def _as_tape_errors(file: str) -> Iterator[None]:
    """What files and archives do when they are absent, cut or damaged, as one clear line."""
    try:
        yield
    except OSError as error:
        raise TapeError(f"{file}: {error.strerror or error}") from None
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise TapeError(f"{file}: is damaged: {error}") from None
    except (NotImplementedError, RuntimeError) as error:  # an unknown compression, an encrypted member
        raise TapeError(f"{file}: {error}") from None
