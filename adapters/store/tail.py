"""The end of a journal, which SQLite keeps in its -wal: what must not be lost with it, and how far it went.

A -wal that is deleted, or whose frames can't be read, takes the newest records away and leaves no trace. So
what holds the engine back is written through to the main file at once, and the number of the newest record is
noted in a small file beside the journal.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path

from engine.model import records as r

log = logging.getLogger(__name__)

_LASTING = (r.StateChanged, r.FlattenStarted, r.FlattenEnded, r.BalanceMarked, r.BracketsKnown, r.RecordsLost)
_PREFIXES = tuple(f'{{"record":"{kind.__struct_config__.tag}"'.encode() for kind in _LASTING)


def lasting(records: Sequence[bytes]) -> bool:
    """Whether a record among these must outlive the -wal: locks, halts, latches, the floor of the account."""
    return any(record.startswith(_PREFIXES) for record in records)


def noted(journal: Path, install: str) -> int:
    """Number of the newest record that this journal was known to have; 0 where nobody knows."""
    try:
        name, seq = _beside(journal).read_text(encoding="ascii").split()
        return int(seq) if name == install else 0
    except (OSError, ValueError):
        return 0


class TailNote:
    """Notes the number of the newest record. For the journal's thread; the disk is not waited for."""

    def __init__(self, journal: Path, install: str) -> None:
        self._path = _beside(journal)
        self._install = install
        self._descriptor: int | None = None

    def write(self, seq: int) -> None:
        """Where it can't be written it says less than there is, and nothing is amiss."""
        try:
            if self._descriptor is None:
                self._descriptor = os.open(
                    self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
                )
            os.pwrite(self._descriptor, f"{self._install} {seq:020}\n".encode(), 0)
        except OSError as error:
            log.debug("%s: %s", self._path, error.strerror)

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _beside(journal: Path) -> Path:
    return journal.with_name(f"{journal.name}.newest")
