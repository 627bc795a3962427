"""tstream data import: a file of bars becomes a dataset, and says what is in it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from adapters.datasets.library import Library, checked
from adapters.tapes.bar_files import read_bar_file
from adapters.tapes.fields import TapeError
from adapters.tapes.lenient import HoldsTicksError, LenientReading, LenientWishes, read_leniently
from adapters.tapes.tables import Stamp
from adapters.tapes.tape import open_tape, zone_of
from engine.market.calendars.known import calendar_of
from engine.market.candles import fold
from engine.model.datasets import Flaw, Source
from engine.model.instrument import Instrument
from engine.model.market import Timeframe
from tstream import paths
from tstream.commands.data.instruments import SymbolTerms, instrument_of
from tstream.commands.data.keeping import Batch, card, merged, of
from tstream.commands.data.report import show
from tstream.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRequest:
    """The command as it was given."""

    file: Path
    symbol: str | None
    contract: str | None
    stamp: str | None
    zone: str | None
    timeframe: str | None
    name: str | None
    month: str | None
    month_first: bool | None
    rounding: bool
    merge: bool
    replace: bool
    terms: SymbolTerms
    config: Path | None


def import_file(asked: ImportRequest, *, dry_run: bool, as_json: bool) -> int:
    """Read, report and keep; the exit code. Raises UsageError, DatasetError."""
    from rich.console import Console

    instrument, picked = instrument_of(asked.symbol, asked.contract, asked.terms, asked.config)
    library = Library(paths.find().datasets)
    notes = Console(stderr=True)
    try:
        with _progress(notes, asked.file.name) as moved:
            reading, stamp = _read(asked, instrument, picked, moved)
    except TapeError as error:
        raise UsageError(str(error)) from None
    frame = reading.bars[0].timeframe
    name = checked(asked.name or f"{instrument.symbol}-{frame}".lower().replace("@", "."))
    source = Source(asked.file.name, _hash(asked.file), reading.rows, asked.zone or "", str(stamp or ""))
    batch = Batch(reading.bars, reading.contracts, reading.rows, reading.findings, (source,))
    if library.has(name) and asked.merge:
        there = library.find(name)
        batch, added = merged(there, of(library, there), batch, instrument)
        Console(stderr=True).print(f"{added:,} bars are new to {name}", markup=False, highlight=False)
    elif library.has(name) and not (asked.replace or dry_run):
        raise UsageError(
            f"there is a dataset {name} already: --merge with it, --replace it, or --name another"
        )
    dataset = card(name, instrument, batch)
    if stamp is None and not dry_run:
        why = next((one.words for one in dataset.quality.findings if one.flaw is Flaw.STAMP), "")
        raise UsageError(
            f"{asked.file.name}: say whether a bar's time is its open or its close, as in --stamp close",
            *([why] if why else []),
        )
    if not dry_run:
        dataset = library.save(dataset, batch.bars, batch.contracts)
    show(dataset, as_json=as_json, kept=not dry_run)
    return 0


def _read(
    asked: ImportRequest, instrument: Instrument, picked: str | None, moved: Callable[[int], None]
) -> tuple[LenientReading, Stamp | None]:
    """The bars, and what their stamps mean; None where nobody has said. Raises TapeError, DatasetError."""
    frame = Timeframe(asked.timeframe) if asked.timeframe else None
    stamp = Stamp(asked.stamp) if asked.stamp else None
    wanted = LenientWishes(
        instrument, stamp, zone_of(asked.zone), frame, picked, asked.month, asked.month_first, asked.rounding
    )
    file = asked.file
    if file.name.lower().endswith(".parquet"):
        from adapters.datasets.foreign import rows_of

        return read_leniently(file.name, rows_of(file), wanted, moved=moved), stamp
    try:
        reading = read_bar_file(file, wanted, moved)
    except HoldsTicksError:
        return _folded(asked, instrument, picked, frame or Timeframe.M1), Stamp.OPEN
    return reading, reading.stamp or stamp


def _folded(
    asked: ImportRequest, instrument: Instrument, picked: str | None, frame: Timeframe
) -> LenientReading:
    """Bars of a file of trades."""
    tape = open_tape(asked.file, instrument, asked.month, symbol=picked, zone=asked.zone)
    bars = list(fold(tape.prints(), frame, calendar=calendar_of(instrument.calendar)))
    return LenientReading(bars, [tape.month or picked or ""] * len(bars), tape.rows, [])


@contextmanager
def _progress(notes: Console, file: str) -> Iterator[Callable[[int], None]]:
    """A line on stderr where that is a terminal; gives what to call with the rows read."""
    if not notes.is_terminal:
        yield lambda rows: None
        return
    with notes.status(f"reading {file}") as status:
        yield lambda rows: status.update(f"reading {file}: {rows:,} rows")


def _hash(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
