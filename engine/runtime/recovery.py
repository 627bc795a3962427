"""Start-up is recovery: the state is the fold of the journal, from its newest snapshot on."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import Protocol

from msgspec import structs

from engine.market.calendars.known import CME, calendar_of
from engine.model.errors import FatalError, JournalError, PortError
from engine.model.notices import Notice
from engine.model.records import decode
from engine.state import snapshot
from engine.state.fold import apply
from engine.state.state import State
from engine.state.turn import NOTICES_KEPT, reworded

log = logging.getLogger(__name__)

_LOOKED_THROUGH = 2_000
"""Records that are looked through for what was told today: some hundredths of a second."""


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


async def told_today(journal: StoredRecords, last_seq: int, state: State, now: int) -> list[Notice]:
    """What people were told since the trade date began, as the newest records tell it: numbered below 0, so
    that it is news to nobody. What no record tells (connections, say) is not among it.
    """
    calendars = {calendar_of(book.calendar) for book in state.books.values()} or {CME}
    began = min(calendar.day_bounds(calendar.trade_date(now))[0] for calendar in calendars)
    told: list[Notice] = []
    try:
        async for _, raw in journal.read(max(0, last_seq - _LOOKED_THROUGH)):
            record = decode(raw)
            notice = reworded(state, record) if record.ts >= began else None
            told += [notice] if notice is not None else []
    except (PortError, JournalError) as error:
        log.warning("what was told today can't be read again: %s", error)
    newest = told[-NOTICES_KEPT // 2 :]
    return [structs.replace(one, seq=k - len(newest)) for k, one in enumerate(newest)]
