"""Follows a journal into the history, record by record, while an engine writes it.

It reads the journal's file as any reader does, short looks only, and keeps what it has told together with
how far that is: a kill, an outage, a database that was thrown away mean that the history is behind for a
while, and nothing else. Where much is to be told it works a fifth of the time, so that an engine in the same
process goes before it.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable
from pathlib import Path

from adapters.common.pacing import Backoff
from adapters.store.reading import FollowedJournal
from engine.model import records as r
from engine.model.errors import FatalError, JournalError, PortError, RefusedError
from engine.model.history import (
    NOTHING_KEPT,
    HistoryBatch,
    HistoryMark,
    HistoryRow,
    row_key,
)
from engine.ports import History
from tstream.history.projection import VERSION, Projection

log = logging.getLogger("history")

LOOK_S = 0.1
"""Between two looks at a journal that has nothing new."""
BATCH = 500
"""Records in one transaction, at most."""
CHECKPOINT = 5_000
"""Records between two checkpoints: so many are folded again at a start, at most."""
SLICE = 50
"""Records, some milliseconds, between two rests."""
SHARE = 0.2
"""Of the time that is worked where much is to be told."""
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 15.0
"""After a failure of the database."""
END_S = 2.0
"""At the end of a run the last records get so long."""

Told = Callable[[HistoryMark], None]


class Follower:
    """One journal into one history. For one loop, on a thread that no engine is on."""

    def __init__(
        self,
        path: Path,
        history: History,
        *,
        share: float = SHARE,
        after_s: float = 0.0,
        on_told: Told | None = None,
    ) -> None:
        """`share` of the time is worked at most, and nothing in the first `after_s`. `on_told` hears of every
        mark that is kept.
        """
        self._after_s = after_s
        self._path = path
        self._history = history
        self._share = share
        self._on_told = on_told
        self._failing = ""
        self._checkpoint = 0
        """The record of the newest one."""
        self.mark = NOTHING_KEPT
        """How far it has told."""
        self._projection: Projection | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Follow until `stop` is set, and then to the newest record, for a short while. Raises FatalError
        for a journal that can't be read.
        """
        await _either(stop, self._after_s)
        journal = FollowedJournal(self._path)
        try:
            while not stop.is_set():
                if not await self._step(journal, stop):
                    await _either(stop, LOOK_S)
            self._share = 1.0
            try:
                async with asyncio.timeout(END_S):
                    while await self._step(journal, stop):
                        pass
            except TimeoutError:
                log.info("the history ends behind the journal; the next run tells the rest")
        finally:
            journal.close()

    async def catch_up(self, progress: Told | None = None) -> None:
        """Tell everything that is in the journal now; an engine's own follower may do so meanwhile. Raises
        PortError at the first failure.
        """
        journal = FollowedJournal(self._path)
        try:
            while True:
                try:
                    if not await self._tell(journal):
                        return
                except RefusedError:  # the other one was first
                    self._projection = None
                    continue
                if progress is not None:
                    progress(self.mark)
        finally:
            journal.close()

    async def _step(self, journal: FollowedJournal, stop: asyncio.Event) -> bool:
        """Tell some records; False where there are none. What fails is tried again, later and later."""
        waits = Backoff(FIRST_WAIT_S, LONGEST_WAIT_S)
        while True:
            try:
                told = await self._tell(journal)
            except PortError as error:
                self._projection = None
                if str(error) != self._failing:
                    log.warning("the history is behind: %s", error)
                self._failing = str(error)
                if await _either(stop, waits.pause_s()):
                    return False
            else:
                if self._failing:
                    log.info("the history goes on, from record %d", self.mark.seq)
                self._failing = ""
                return told

    async def _tell(self, journal: FollowedJournal) -> bool:
        """Tell the next records. Raises PortError; the history may then have them or not."""
        projection = self._projection or await self._begin(journal)
        read = journal.after(self.mark.seq, BATCH)
        if not read:
            return False
        found: dict[tuple[object, ...], HistoryRow] = {}
        for n in range(0, len(read), SLICE):
            began = time.perf_counter()
            for seq, raw in read[n : n + SLICE]:
                for row in taken(projection, seq, raw):
                    found[row_key(row)] = row
            await self._rest(time.perf_counter() - began, len(read))
        seq, raw = read[-1]
        mark = HistoryMark(seq, digest(raw), projection.state.last_ts)
        due = seq - self._checkpoint >= CHECKPOINT
        kept = projection.checkpoint() if due else b""
        batch = HistoryBatch(journal.install, self.mark, mark, tuple(found.values()), kept)
        self._projection = None  # as long as nobody knows whether it is kept
        await self._history.write(batch)
        self._projection, self.mark = projection, mark
        self._checkpoint = seq if due else self._checkpoint
        if self._on_told is not None:
            self._on_told(mark)
        return True

    async def _begin(self, journal: FollowedJournal) -> Projection:
        """The projection as of the history's mark: what was told before is folded again, and not told."""
        name = journal.install
        mark = await self._history.mark(name)
        first, _ = journal.bounds()
        if first > 1:
            raise FatalError(
                f"the journal {self._path} begins with record {first}, and the history needs those before it:"
                " put a backup in its place that has them"
            )
        if mark.seq and not _same(journal, mark):
            log.warning(
                "the history is of a journal that went on differently, or of another tstream; told anew"
            )
            await self._history.forget(name)
            mark = NOTHING_KEPT
        projection, seq = await self._restored(name, mark)
        self._checkpoint = seq
        while seq < mark.seq:
            began = time.perf_counter()
            read = journal.after(seq, min(SLICE, mark.seq - seq))
            for seq, raw in read:
                taken(projection, seq, raw)
            await self._rest(time.perf_counter() - began, SLICE)
        self._projection, self.mark = projection, mark
        return projection

    async def _restored(self, name: str, mark: HistoryMark) -> tuple[Projection, int]:
        """From the newest checkpoint, where one can be used, and the record that it is as of."""
        found = await self._history.checkpoint(name) if mark.seq else None
        if found is not None and found.seq <= mark.seq:
            projection = Projection.restored(name, found.body)
            if projection is not None:
                return projection, found.seq
        return Projection(name), 0

    async def _rest(self, worked_s: float, records: int) -> None:
        """Leave the time to others where much is to be told."""
        much = records >= SLICE and self._share < 1
        await asyncio.sleep(worked_s * (1 / self._share - 1) if much else 0)


def taken(projection: Projection, seq: int, raw: bytes) -> list[HistoryRow]:
    """The rows of a stored record. Raises FatalError for one that can't be read or does not fit the
    others.
    """
    try:
        return projection.take(seq, r.decode(raw))
    except JournalError as error:
        raise FatalError(f"record {seq} of the journal can't be read: {error}") from error
    except (KeyError, IndexError, ValueError) as error:
        raise FatalError(f"record {seq} of the journal does not fit the others: {error!r}") from error


def digest(raw: bytes) -> str:
    """By which a record is known again, and that this version has told it."""
    return hashlib.sha256(b"%d:%b" % (VERSION, raw)).hexdigest()[:32]


def _same(journal: FollowedJournal, mark: HistoryMark) -> bool:
    """Whether the journal has the very record up to which the history goes."""
    found = journal.after(mark.seq - 1, 1)
    return bool(found) and found[0][0] == mark.seq and digest(found[0][1]) == mark.digest


async def _either(stop: asyncio.Event, seconds: float) -> bool:
    """Wait so long, or until told to stop; whether it was that."""
    try:
        async with asyncio.timeout(seconds):
            return await stop.wait()
    except TimeoutError:
        return False
