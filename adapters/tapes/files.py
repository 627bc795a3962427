"""Files of recordings, opened: plain or gzipped, in the encodings that programs write."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from adapters.tapes.fields import TapeError

TABLES = (".csv", ".csv.gz", ".txt", ".txt.gz")


def open_text(path: Path) -> TextIO:
    """The text of a table. Raises OSError."""
    return decoded(gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb"))


def decoded(raw: gzip.GzipFile | io.BufferedReader | zipfile.ZipExtFile) -> TextIO:
    """UTF-8, or UTF-16 where its mark stands at the start, as MetaTrader writes it."""
    wide = raw.peek(2)[:2] in (b"\xff\xfe", b"\xfe\xff")
    return io.TextIOWrapper(raw, "utf-16" if wide else "utf-8-sig", "replace", newline="")


@contextmanager
def as_tape_errors(file: str) -> Iterator[None]:
    """What files and archives do when they are absent, cut or damaged, as one clear line."""
    try:
        yield
    except OSError as error:
        raise TapeError(f"{file}: {error.strerror or error}") from None
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise TapeError(f"{file}: is damaged: {error}") from None
    except (NotImplementedError, RuntimeError) as error:  # an unknown compression, an encrypted member
        raise TapeError(f"{file}: {error}") from None
