"""Start-up is recovery: the state is the fold of the journal, from its newest snapshot on."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import Protocol

from engine.model.errors import FatalError, JournalError
from engine.model.records import decode
from engine.state import snapshot
from engine.state.fold import apply
from engine.state.state import State

log = logging.getLogger(__name__)


class StoredRecords(Protocol):
    """A journal as start-up reads it."""

    def read(self, after_seq: int = 0) -> AsyncIterator[tuple[int, bytes]]:
        """(number, record) of all records after `after_seq`, oldest first. Raises FatalError."""

    async def load_snapshot(self) -> tuple[int, bytes] | None:
        """The newest snapshot with its record number. Raises FatalError."""


async def restore(journal: StoredRecords) -> State:
    """The state that the journal tells. Raises FatalError for a record that can't be read.

    A snapshot that can't be used, or on which the records after it don't fit, costs time only.
    """
    found = await journal.load_snapshot()
    if found is not None:
        seq, body = found
        state = snapshot.decode(body)
        if state is None:
            log.info("the snapshot of record %d is of another version; folding the whole journal", seq)
        else:
            try:
                return await _fold(journal, state, seq)
            except FatalError as error:
                log.warning("the snapshot of record %d is left out: %s", seq, error)
    return await _fold(journal, State(), 0)


async def _fold(journal: StoredRecords, state: State, after_seq: int) -> State:
    async for seq, raw in journal.read(after_seq):
        try:
            apply(state, decode(raw))
        except JournalError as error:
            raise FatalError(f"record {seq} of the journal can't be read: {error}") from error
        except (KeyError, IndexError, ValueError) as error:
            raise FatalError(f"record {seq} of the journal does not fit the others: {error!r}") from error
    return state
