"""Makes records durable before their effects run: intent before action."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from engine.model import effects as fx
from engine.model.errors import FatalError, RetryableError
from engine.model.events import JournalState
from engine.model.records import AnyRecord, encode
from engine.ports import Clock, Journal, Sink
from engine.runtime.courier import Courier

log = logging.getLogger(__name__)

RETRY_S = 1.0


class Scribe:
    """One writer. Everything decided while a commit was under way goes into the next one (group commit)."""

    def __init__(self, journal: Journal, last_seq: int, courier: Courier, clock: Clock, sink: Sink) -> None:
        self._journal = journal
        self._courier = courier
        self._clock = clock
        self._sink = sink
        self._records: list[bytes] = []
        self._effects: list[fx.AnyEffect] = []
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._ok = True
        self.seq = last_seq
        """Number of the last durable record."""

    def write(self, records: Sequence[AnyRecord], effects: Sequence[fx.AnyEffect]) -> None:
        """Take one step's outcome over. Without records there is nothing to wait for."""
        if records:
            self._records.extend(encode(record) for record in records)
            self._effects.extend(effects)
            self._idle.clear()
            self._wake.set()
            return
        for effect in effects:
            self._courier.carry(effect)

    async def run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._records:
                await self._commit()
            self._idle.set()

    async def flush(self) -> None:
        """Until all that was written is durable."""
        await self._idle.wait()

    async def _commit(self) -> None:
        records, effects = self._records, self._effects
        self._records, self._effects = [], []
        try:
            await self._journal.append(records, self.seq + 1)
        except (RetryableError, FatalError) as error:
            self._fail(str(error))
            self._records = records + self._records
            self._let_safe_ones_pass(effects)
            await asyncio.sleep(RETRY_S)
            return
        self.seq += len(records)
        if not self._ok:
            self._ok = True
            self._sink(JournalState(ts_recv=self._clock(), ok=True))
        for effect in effects:
            self._courier.carry(effect)

    def _fail(self, detail: str) -> None:
        if self._ok:
            self._ok = False
            log.critical("the journal can't be written: %s", detail)
            self._sink(JournalState(ts_recv=self._clock(), ok=False, detail=detail))

    def _let_safe_ones_pass(self, effects: Sequence[fx.AnyEffect]) -> None:
        """Without a journal nothing may open; what cancels, closes or protects must go on."""
        for effect in effects:
            if isinstance(effect, fx.PlaceOrder) and not effect.reduces:
                self._courier.deny(effect, "the journal can't be written")
            else:
                self._courier.carry(effect)
