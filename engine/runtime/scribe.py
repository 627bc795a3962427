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
        if not records:
            for effect in effects:
                self._courier.carry(effect)
            return
        self._records.extend(encode(record) for record in records)
        self._idle.clear()
        self._wake.set()
        if self._ok:
            self._effects.extend(effects)
        else:
            # While the journal is down, protection does not wait for the next try.
            self._let_safe_ones_pass(effects)

    async def run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._records:
                await self._commit()
            self._idle.set()

    async def flush(self, seconds: float) -> bool:
        """Until all that was written is durable, for at most so long. Whether it is."""
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            log.critical("%d records could not be written to the journal", len(self._records))
            return False
        return True

    async def _commit(self) -> None:
        records, effects = self._records, self._effects
        self._records, self._effects = [], []
        try:
            await self._journal.append(records, self.seq + 1)
        except (RetryableError, FatalError) as error:
            await self._retry_later(records, effects, str(error))
            return
        except Exception as error:
            log.exception("the journal failed")
            await self._retry_later(records, effects, f"internal error: {type(error).__name__}")
            return
        self.seq += len(records)
        if not self._ok:
            self._ok = True
            self._sink(JournalState(ts_recv=self._clock(), ok=True))
        for effect in effects:
            self._courier.carry(effect)

    async def _retry_later(self, records: list[bytes], effects: list[fx.AnyEffect], detail: str) -> None:
        waiting, self._effects = self._effects, []
        self._records = records + self._records
        self._fail(detail)
        self._let_safe_ones_pass([*effects, *waiting])
        await asyncio.sleep(RETRY_S)

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
