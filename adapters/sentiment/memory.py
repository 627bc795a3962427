"""What was read and spent, over restarts. Money is written down before it is spent."""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import msgspec
from msgspec import Struct

from adapters.common.files import owner_only, replace_file
from adapters.sentiment.texts import Text, sameness
from engine.model.market import NANOS
from engine.ports import Clock

log = logging.getLogger(__name__)

MOST_SEEN = 4_000
"""Digests that are remembered of a source, two a text."""


class SourceMemory(Struct):
    """Of one source."""

    day: str = ""
    """Of UTC, to which `spent_usd` belongs."""
    spent_usd: Decimal = Decimal(0)
    seen: list[str] = []
    """Digests, oldest first."""
    newest: str = ""
    """The newest text's id, where a service can be asked for what came after it."""


class ReadingMemory:
    """The memory of all sources, in one small file."""

    def __init__(self, path: Path, clock: Clock) -> None:
        """Raises OSError where another process reads, ValueError where the file makes no sense: what was
        spent is not known.
        """
        self._path = path
        self._clock = clock
        self._lock = _locked(path)
        try:
            self._sources = msgspec.json.decode(path.read_bytes(), type=dict[str, SourceMemory])
        except FileNotFoundError:
            self._sources = {}
        except msgspec.MsgspecError as error:
            raise ValueError(
                f"{path} can't be read: {error}; without it nobody knows what was spent"
            ) from None
        self._seen = {name: set(one.seen) for name, one in self._sources.items()}

    def of(self, source: str) -> SourceMemory:
        """As of today."""
        found = self._sources.setdefault(source, SourceMemory())
        today = datetime.fromtimestamp(self._clock() / NANOS, UTC).date().isoformat()
        if found.day != today:
            found.day, found.spent_usd = today, Decimal(0)
        return found

    def fresh(self, source: str, texts: Iterable[Text]) -> list[Text]:
        """Those that were not seen before, from whichever source they came under the same words."""
        found = []
        for text in texts:
            marks = sameness(text)
            if not any(mark in seen for seen in self._seen.values() for mark in marks):
                found.append(text)
            self._note(source, marks)
        return found

    def _note(self, source: str, marks: Iterable[str]) -> None:
        memory, seen = self.of(source), self._seen.setdefault(source, set())
        for mark in marks:
            if mark not in seen:
                seen.add(mark)
                memory.seen.append(mark)
        for old in memory.seen[:-MOST_SEEN]:
            seen.discard(old)
        del memory.seen[:-MOST_SEEN]

    def spend(self, source: str, usd: Decimal, most_usd: Decimal) -> bool:
        """Whether so much may be spent today; if so it is written down. Raises OSError where it can't be."""
        memory = self.of(source)
        if memory.spent_usd + usd > most_usd:
            return False
        memory.spent_usd += usd
        self.save()
        return True

    def give_back(self, source: str, usd: Decimal) -> None:
        """It was not spent after all."""
        memory = self.of(source)
        memory.spent_usd = max(Decimal(0), memory.spent_usd - usd)

    def close(self) -> None:
        """Let others read."""
        os.close(self._lock)

    def save(self) -> None:
        """Raises OSError."""
        replace_file(self._path, msgspec.json.encode(self._sources), durable=True)


def _locked(path: Path) -> int:
    """Held until `close`, or the end of the process: what is spent is counted once. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    held = owner_only(path.with_name(f"{path.name}.lock"), os.O_CREAT | os.O_RDWR)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(held)
        raise OSError("another tstream reads news and posts now: one of them is enough") from None
    return held
