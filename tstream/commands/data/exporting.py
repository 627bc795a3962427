"""tstream data export: a dataset as a table or Parquet file for other programs, as it is or adjusted."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path

from adapters.datasets.adjust import back_adjusted, rolls_at
from adapters.datasets.foreign import write_parquet
from adapters.datasets.library import Library
from adapters.tapes.export import write_bars
from adapters.tapes.fields import FieldError, timestamp
from adapters.tapes.tape import zone_of
from engine.market.calendars.calendar import Calendar
from engine.market.calendars.known import calendar_of
from engine.market.candles import resample
from engine.model.datasets import Dataset, DatasetRoll
from engine.model.instrument import Instrument, OffGridError
from engine.model.market import Bar, Timeframe
from tstream import paths
from tstream.errors import UsageError


def export(
    name: str,
    to_csv: Path | None,
    to_parquet: Path | None,
    timeframe: str | None,
    rolls: Path | None,
    *,
    adjusted: bool,
) -> int:
    """Write the bars of a dataset; the exit code. Raises UsageError, DatasetError."""
    if (to_csv is None) == (to_parquet is None):
        raise UsageError("say where to: --csv FILE (- is stdout) or --parquet FILE")
    library = Library(paths.find().datasets)
    dataset = library.find(name)
    bars = _bars(library, dataset, timeframe, rolls, adjusted or rolls is not None)
    try:
        if to_parquet is not None:
            count = write_parquet(bars, dataset.instrument, to_parquet)
        elif str(to_csv) == "-":
            write_bars(bars, dataset.instrument, sys.stdout)
            return 0
        else:
            assert to_csv is not None
            with to_csv.open("w", encoding="utf-8", newline="") as out:
                count = write_bars(bars, dataset.instrument, out)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UsageError(f"can't write {to_parquet or to_csv}: {error.strerror}") from None
    sys.stderr.write(f"{count:,} bars written to {to_parquet or to_csv}\n")
    return 0


def _bars(
    library: Library, dataset: Dataset, timeframe: str | None, rolls: Path | None, adjusted: bool
) -> Iterator[Bar]:
    calendar = calendar_of(dataset.instrument.calendar)
    bars = library.bars(dataset.name)
    if adjusted:
        known = list(dataset.rolls)
        if rolls is not None:
            known = _read_rolls(rolls, list(library.bars(dataset.name)), dataset.instrument, calendar)
        if not known:
            raise UsageError(
                f"{dataset.name} names no contracts whose changes could be taken out: give their times with "
                "--rolls FILE"
            )
        bars = back_adjusted(bars, known)
    frame = Timeframe(timeframe) if timeframe else dataset.timeframe
    if frame is dataset.timeframe:
        return bars
    if frame.nanos % dataset.timeframe.nanos:
        raise UsageError(
            f"{dataset.name} holds bars of {dataset.timeframe}: those of {frame} can't be made of them"
        )
    return resample(bars, frame, calendar)


def _read_rolls(file: Path, bars: list[Bar], instrument: Instrument, calendar: Calendar) -> list[DatasetRoll]:
    """A line for each roll: a trade date or a time, and the step of the price there if it is known; else it
    is that from the close before to the open after. Raises UsageError.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            rows = [(number, row) for number, row in enumerate(csv.reader(stream), 1) if any(row)]
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from None
    told: dict[int, int | None] = {}
    for number, row in rows:
        if number == 1 and not any(c.isdigit() for c in row[0]):
            continue
        try:
            gap = instrument.ticks(Decimal(row[1].strip())) if len(row) > 1 and row[1].strip() else None
            told[_moment(row[0].strip(), calendar)] = gap
        except (FieldError, OffGridError, ValueError, InvalidOperation) as error:
            raise UsageError(
                f"{file}, row {number}: {str(error) or row[1]}; a row is a date or time, and a step, as in "
                "2024-03-11,52.25"
            ) from None
    found = rolls_at(bars, list(told))
    if not found:
        raise UsageError(f"{file}: no roll in it is within the dataset")
    return [roll if (gap := told[roll.ts]) is None else DatasetRoll(roll.ts, gap) for roll in found]


def _moment(text: str, calendar: Calendar) -> int:
    """Nanoseconds UTC of a time, or of the beginning of a trade date."""
    if len(text) == 10:
        return calendar.day_bounds(date.fromisoformat(text))[0]
    return timestamp(text, zone_of("UTC"))
