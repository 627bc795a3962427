"""The engine's own tape: everything that reached its inbox, as gzipped JSON lines, in numbered parts.

The first line of a part is a TapeHeader, the last a TapeEnd; between them stand the events as they came.
A part without its TapeEnd was cut off: the program was killed, or is still writing it.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Generator, Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from adapters.tapes.fields import TapeError, at_row, shown
from engine.model.events import AnyEvent, Replied
from engine.model.instrument import Instrument

RECORDING_SUFFIX = ".jsonl.gz"
VERSION = 2

_PART = re.compile(r"(?P<stem>.+)\.p(?P<part>\d{4,})" + re.escape(RECORDING_SUFFIX))


class TapeHeader(Struct, frozen=True, kw_only=True, tag_field="event", tag="tape_header"):
    version: int
    instruments: tuple[Instrument, ...]
    started: int
    """Nanoseconds UTC of the engine's clock."""
    part: int
    """From 1."""


class TapeGap(Struct, frozen=True, kw_only=True, tag_field="event", tag="tape_gap"):
    """Events came faster than they could be written; so many are missing here."""

    missing: int


class TapeEnd(Struct, frozen=True, kw_only=True, tag_field="event", tag="tape_end"):
    """The part is whole and has so many events; another part follows unless it is the last."""

    events: int
    last: bool


TapeLine = AnyEvent | TapeHeader | TapeGap | TapeEnd

_decoder: msgspec.json.Decoder[TapeLine] = msgspec.json.Decoder(TapeLine)


def part_path(folder: Path, stem: str, part: int) -> Path:
    return folder / f"{stem}.p{part:04d}{RECORDING_SUFFIX}"


def read_recording(path: Path, *, cut_ok: bool = False) -> Iterator[AnyEvent]:
    """The events of this part and of all that follow it, exactly as they were recorded.

    Raises TapeError where a line can't be read, a part or events are missing, or the recording was cut
    off; with `cut_ok` a cut only ends it, and a gap is passed over.
    """
    part = path
    while True:
        end = yield from _read_part(part, cut_ok)
        if end is None or end.last:
            return
        part = _next_part(part)
        if not part.exists():
            raise TapeError(f"{part.name}: this part of the recording is missing")


def read_header(path: Path) -> TapeHeader:
    """What stands first in a part. Raises TapeError."""
    for _, line in _lines(path):
        return _header(path, line)
    raise TapeError(f"{path.name}: is empty")


def _read_part(path: Path, cut_ok: bool) -> Generator[AnyEvent, None, TapeEnd | None]:
    """Yields the events; gives the TapeEnd, or None where the part was cut off."""
    count = 0
    headed = False
    for number, line in _lines(path):
        if not headed:
            _header(path, line)
            headed = True
            continue
        entry = _decoded(path, number, line)
        if isinstance(entry, TapeEnd):
            if entry.events != count:
                raise at_row(path.name, number, f"{count} events were read, {entry.events} recorded")
            return entry
        if isinstance(entry, TapeGap):
            if not cut_ok:
                raise at_row(path.name, number, f"{entry.missing} events are missing here")
            continue
        if isinstance(entry, TapeHeader):
            raise at_row(path.name, number, "a second header")
        count += 1
        yield entry
    if not cut_ok:
        raise TapeError(f"{path.name}: was cut off after {count} events (the program was killed?)")
    return None


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Whole lines, numbered from 1; a torn end is left out, and ends the iteration."""
    number = 0
    try:
        with gzip.open(path) as raw:
            for number, line in enumerate(raw, 1):
                if line.endswith(b"\n"):
                    yield number, line
    except EOFError:
        return
    except OSError as error:
        raise TapeError(f"{path.name}: {error.strerror or error}") from None
    except zlib.error as error:
        raise at_row(path.name, number + 1, f"is damaged: {error}") from None


def _header(path: Path, line: bytes) -> TapeHeader:
    header = _decoded(path, 1, line)
    if not isinstance(header, TapeHeader):
        raise at_row(path.name, 1, f"a header should be here, not {shown(line.decode('utf-8', 'replace'))}")
    if not 1 <= header.version <= VERSION:
        raise TapeError(f"{path.name}: is of version {header.version}; this program reads up to {VERSION}")
    return header


def _decoded(path: Path, number: int, line: bytes) -> TapeLine:
    try:
        return _decoder.decode(line)
    except msgspec.DecodeError as error:
        lifted = _lifted(line)
        if lifted is None:
            raise at_row(path.name, number, error) from None
        return lifted


def _lifted(line: bytes) -> TapeLine | None:
    """Version 1 had an event for each kind of answer; None for anything else."""
    try:
        raw = msgspec.json.decode(line, type=dict[str, object])
        kind, _, rest = str(raw["event"]).partition("_")
        if rest != "reply":
            return None
        known = {"client_id": "", "instrument": ""} | raw | {"event": "replied", "request": kind}
        return msgspec.convert(known, Replied)
    except (msgspec.MsgspecError, KeyError):
        return None


def _next_part(path: Path) -> Path:
    match = _PART.fullmatch(path.name)
    if match is None:
        raise TapeError(f"{path.name}: has another part, but a name that does not tell which")
    return part_path(path.parent, match["stem"], int(match["part"]) + 1)
