"""tstream bars: fold a recording into bars, or convert it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from adapters.tapes.export import write_bars
from adapters.tapes.fields import TapeError
from adapters.tapes.tape import Tape, open_tape
from engine.market.calendars.known import calendar_of
from engine.market.candles import fold, resample
from engine.model.events import Print
from engine.model.instrument import Instrument
from engine.model.market import Bar, Timeframe
from tstream.clock import utc
from tstream.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

_SHOWN = 20


def bars(tape: Path, contract: str, timeframe: str, csv: Path | None, **how: str | None) -> int:
    """Print the last bars of a recording, or write all of them as CSV; gives the exit code. `how` is what
    open_tape takes: month, stamp, symbol, zone.
    """
    from rich.console import Console

    frame = Timeframe(timeframe)
    notes = Console(stderr=True)
    try:
        with notes.status(f"reading {tape.name}") if notes.is_terminal else _quiet():
            recording = open_tape(tape, contract, **how)  # type: ignore[arg-type]
        folded = list(_fold(recording, frame, notes))
    except TapeError as error:
        raise UsageError(str(error)) from None
    instrument = recording.instruments[0]
    if csv is not None and str(csv) == "-":
        write_bars(folded, instrument, sys.stdout)
    elif csv is not None:
        _write_file(csv, folded, instrument)
        notes.print(f"{len(folded)} bars written to {csv}", markup=False, highlight=False)
    else:
        _show(folded, recording, instrument, frame)
    return 0


@contextmanager
def _quiet() -> Iterator[None]:
    yield


def _fold(recording: Tape, frame: Timeframe, notes: Console) -> Iterable[Bar]:
    calendar = calendar_of(recording.instruments[0].calendar)
    if recording.kind == "bars":
        minutes = recording.bars()
        own = minutes[0].timeframe
        if frame.nanos % own.nanos:
            raise UsageError(f"the tape holds bars of {own}: those of {frame} can't be made of them")
        return resample(minutes, frame, calendar) if frame is not own else minutes
    prints = _watched(recording, notes) if notes.is_terminal else recording.prints()
    return fold(prints, frame, calendar=calendar)


def _watched(recording: Tape, notes: Console) -> Iterator[Print]:
    from rich.progress import track

    yield from track(
        recording.prints(), "folding", total=recording.rows, console=notes, transient=True, update_period=0.2
    )


def _write_file(file: Path, folded: list[Bar], instrument: Instrument) -> None:
    try:
        with file.open("w", encoding="utf-8", newline="") as out:
            write_bars(folded, instrument, out)
    except OSError as error:
        raise UsageError(f"can't write {file}: {error.strerror}") from None


def _show(folded: list[Bar], recording: Tape, instrument: Instrument, frame: Timeframe) -> None:
    from rich.console import Console
    from rich.table import Table

    month = f" {recording.month}" if recording.month else ""
    title = f"{instrument.symbol}{month}, {frame}: {len(folded)} bar{'s' * (len(folded) != 1)}"
    table = Table(title=title, caption="times are UTC, of the bar's open", title_justify="left")
    table.add_column("time")
    for name in ("open", "high", "low", "close", "volume"):
        table.add_column(name, justify="right")
    if len(folded) > _SHOWN:
        table.add_row("…")
    for bar in folded[-_SHOWN:]:
        prices = (instrument.text(ticks) for ticks in (bar.open, bar.high, bar.low, bar.close))
        table.add_row(f"{utc(bar.open_ts):%Y-%m-%d %H:%M}", *prices, str(bar.volume))
    Console().print(table)
