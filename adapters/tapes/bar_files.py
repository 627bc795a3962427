"""Files of bars, read for a dataset: tables plain, gzipped or zipped, and archives of contract months."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Callable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import TextIO, cast

from adapters.tapes.archive import is_archive
from adapters.tapes.contracts import NumberedRow
from adapters.tapes.fields import TapeError, at_row
from adapters.tapes.files import TABLES, as_tape_errors, decoded, open_text
from adapters.tapes.layouts import delimiter_of
from adapters.tapes.lenient import HoldsTicksError, LenientReading, LenientWishes, read_leniently
from adapters.tapes.tables import Stamp
from adapters.tapes.tape import open_tape

_LOOKED_AT = 5


def read_bar_file(path: Path, wanted: LenientWishes, moved: Callable[[int], None]) -> LenientReading:
    """The bars of a file; `moved` is told now and then how many rows were read. Raises TapeError, and
    HoldsTicksError where the file holds trades: open_tape gives them.
    """
    file, name = path.name, path.name.lower()
    with as_tape_errors(file):
        if name.endswith(TABLES):
            with open_text(path) as text:
                return _table(file, text, wanted, moved)
        if name.endswith(".zip"):
            with zipfile.ZipFile(path) as archive:
                if is_archive(archive):
                    return _month(path, wanted)
                inner = _only_table(file, archive)
                with decoded(cast("zipfile.ZipExtFile", archive.open(inner))) as text:
                    return _table(f"{file}:{inner}", text, wanted, moved)
    raise TapeError(f"{file}: is none of {', '.join(TABLES)}, .zip, .parquet")


def _table(file: str, text: TextIO, wanted: LenientWishes, moved: Callable[[int], None]) -> LenientReading:
    first = list(islice(text, _LOOKED_AT))
    delimiter = max(map(delimiter_of, first), key="".join(first).count, default=",")
    rows = _rows(file, chain(first, text), delimiter)
    return read_leniently(file, rows, wanted, decimal_comma=delimiter != ",", moved=moved)


def _rows(file: str, lines: Iterator[str], delimiter: str) -> Iterator[NumberedRow]:
    reader = csv.reader(
        (line.replace("\0", "") for line in lines), delimiter=delimiter, skipinitialspace=True
    )
    try:
        for row in reader:
            if any(row):
                yield reader.line_num, row
    except csv.Error as error:
        raise at_row(file, reader.line_num, error) from None


def _only_table(file: str, archive: zipfile.ZipFile) -> str:
    tables = [one for one in archive.namelist() if one.lower().endswith((".csv", ".txt"))]
    if len(tables) != 1:
        held = f"it has {len(tables)}" if tables else "it has none"
        raise TapeError(f"{file}: one table (.csv, .txt) is wanted in a zip, and {held}: unpack it")
    return tables[0]


def _month(path: Path, wanted: LenientWishes) -> LenientReading:
    """One contract month of an archive, which is read strictly: exchanges wrote it."""
    tape = open_tape(path, wanted.instrument, wanted.month, wanted.stamp or Stamp.OPEN, symbol=wanted.symbol)
    if tape.kind == "ticks":
        raise HoldsTicksError(f"{path.name}: holds ticks")
    bars = list(tape.bars())
    return LenientReading(bars, [tape.month or ""] * len(bars), len(bars), [], Stamp.OPEN)
