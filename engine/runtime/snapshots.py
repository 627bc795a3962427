"""Keeps a snapshot of the state now and then, so that the next start is short, whatever ends this run."""

from __future__ import annotations

import asyncio
import logging

from engine.model.errors import PortError
from engine.ports import Journal
from engine.runtime.journal_writer import JournalWriter
from engine.state import snapshot
from engine.state.state import State

log = logging.getLogger(__name__)

EVERY = 5_000
"""Records after which the state is kept once more: a start folds no more than about that."""


class StateSnapshots:
    """Looks at calm moments only: nothing is traded, and the state is exactly the fold of the journal."""

    def __init__(self, journal: Journal, writer: JournalWriter, state: State) -> None:
        self._journal = journal
        self._writer = writer
        self._state = state
        self._seq = writer.seq
        """Number of the record as of which the state was last kept, or the run began."""
        self._days = dict(state.days)
        self._saving: asyncio.Task[None] | None = None

    def save_if_due(self) -> None:
        """Keep the state when a trade date or many records have passed since. Cheap when not."""
        due = self._writer.seq - self._seq >= EVERY or self._state.days != self._days
        if due and not any(book.plans for book in self._state.books.values()):
            self._begin()

    async def finish(self, seconds: float) -> None:
        """Keep the state at the end of a run; waits for it for at most so long."""
        if self._saving is not None:
            await asyncio.wait({self._saving}, timeout=seconds)
        self._begin()
        if self._saving is not None:
            await asyncio.wait({self._saving}, timeout=seconds)
            self._saving.cancel()

    def _begin(self) -> None:
        busy = self._saving is not None and not self._saving.done()
        if busy or not self._writer.calm or self._writer.seq == self._seq:
            return
        self._seq, self._days = self._writer.seq, dict(self._state.days)
        self._saving = asyncio.create_task(
            self._save(self._seq, snapshot.encode(self._state)), name="snapshot"
        )

    async def _save(self, seq: int, body: bytes) -> None:
        try:
            await self._journal.save_snapshot(seq, body)
        except PortError as error:
            log.warning("no snapshot of record %d: %s; the next start takes longer", seq, error)
        except Exception:
            log.exception("no snapshot of record %d", seq)
