"""Makes records durable before their effects run: intent before action.

While the journal can't be written, or hangs, nothing may open. What cancels, closes or protects goes on: its
records are first written to the emergency file, with the very numbers that they will have in the journal.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence

from engine.model import effects as fx
from engine.model.errors import FatalError, RetryableError
from engine.model.events import JournalState
from engine.model.records import AnyRecord, encode
from engine.ports import Clock, EmergencyLog, Journal, Sink
from engine.runtime.effect_runner import EffectRunner

log = logging.getLogger(__name__)

RETRY_S = 1.0

GIVE_WAY_S = 10e-6
"""Long enough for another thread to wake up and take over; the system makes some 60 µs of it."""

NEVER = 1 << 63

ENDED = "the engine has stopped before that"

PATIENCE_S = 1.0
"""A journal that has not answered by then counts as one that can't be written."""


class JournalWriter:
    """One append at a time. Everything decided while one is under way goes into the next (group commit).

    A record keeps its number from the moment it is handed over: the journal, which has no gaps, and the
    emergency file can only ever disagree about how far they have got.
    """

    def __init__(
        self,
        journal: Journal,
        last_seq: int,
        runner: EffectRunner,
        clock: Clock,
        sink: Sink,
        emergency: EmergencyLog | None = None,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """`patience_s`: seconds after which a journal that hangs holds protection back no longer."""
        self._loop = asyncio.get_running_loop()
        self._journal = journal
        self._runner = runner
        self._clock = clock
        self._sink = sink
        self._emergency = emergency
        self._patience_s = patience_s
        self._batch: list[bytes] = []
        """Handed to the journal and not yet known to be durable; numbered from `seq` + 1."""
        self._aboard: list[fx.AnyEffect] = []
        """What runs once the batch is durable."""
        self._records: list[bytes] = []
        self._effects: list[fx.AnyEffect] = []
        self._safe: list[fx.AnyEffect] = []
        """What passes without the journal, once the emergency file has its records."""
        self._append: asyncio.Future[None] | None = None
        self._timer: asyncio.Handle | None = None
        """Begins the next append, or loses patience with the one under way."""
        self._due: asyncio.Handle | None = None
        """Begins the first append after a rest."""
        self._told: deque[tuple[int, Callable[[str], None]]] = deque()
        """Who waits for a record to be on disk, by its number: see `once_written`."""
        self._emergency_due = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._ok = True
        self._why = ""
        """Of the journal, in words, the last one."""
        self._cant_save = False
        self.seq = last_seq
        """Number of the last durable record."""
        self.saved = 0
        """Number up to which the emergency file has what the journal lacks; 0 when it is not in use."""

    @property
    def calm(self) -> bool:
        """Every record is durable and nothing waits: the state is the fold of the journal up to `seq`."""
        return self._ok and self._idle.is_set()

    def write(self, records: Sequence[AnyRecord], effects: Sequence[fx.AnyEffect]) -> None:
        """Take one step's outcome over. Without records there is nothing to wait for."""
        if not records:
            for effect in effects:
                if isinstance(effect, fx.TakeSnapshot) and (waiting := self._aboard or self._effects):
                    waiting.append(effect)  # orders go first
                else:
                    self._runner.run(effect)
            return
        self._records.extend(encode(record) for record in records)
        if self._idle.is_set():
            self._idle.clear()
            self._due = self._timer = self._loop.call_soon(self._begin)
        if not self._ok:
            # While the journal is down, protection does not wait for the next try.
            self._let_safe_ones_pass(effects)
            return
        self._effects.extend(effects)

    def once_written(self, tell: Callable[[str], None]) -> None:
        """Have somebody told once all that was written until now is on disk, be it in the emergency file:
        with an empty text, or with why it is not where neither can take it. Effects go out before that.
        """
        number = self.seq + len(self._batch) + len(self._records)
        if number <= max(self.seq, self.saved):
            tell("")
            return
        self._told.append((number, tell))
        if not self._ok:
            self._emergency_due.set()

    def _tell(self, through: int, why: str = "") -> None:
        """Tell those who wait for records up to a number that they are on disk, or `why` they are not."""
        while self._told and self._told[0][0] <= through:
            self._told.popleft()[1](why)

    def begin(self) -> None:
        """Hand over what is written, if nothing is under way; else that happens when the loop comes round."""
        if self._due is not None:
            self._due.cancel()
            self._begin()

    async def run(self) -> None:
        """Until cancelled; then nothing is begun any more, and what is under way is not heard of."""
        try:
            await self._without_the_journal()
        finally:
            if self._timer is not None:
                self._timer.cancel()
            if self._append is not None:
                self._append.remove_done_callback(self._ended)
                self._append.cancel()
            self._tell(NEVER, ENDED if self._ok else self._why)

    async def flush(self, seconds: float) -> bool:
        """Until all that was written is durable, for at most so long. Whether the journal has it all."""
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            left = len(self._batch) + len(self._records)
            await self._save()
            self._tell(self.saved)
            self._tell(NEVER, ENDED if self._ok else self._why)
            where = "are in the emergency file only" if self.saved else "could not be written"
            log.critical("%d records %s", left, where)
            return False
        return True

    def _begin(self) -> None:
        self._due = None
        self._batch += self._records
        self._aboard += self._effects
        self._records, self._effects = [], []
        try:
            appending = self._journal.append(self._batch, self.seq + 1)
        except Exception as error:  # noqa: BLE001  no thread to be had, for one: it failed like any other
            appending = self._loop.create_future()
            appending.set_exception(error)
        self._append = asyncio.ensure_future(appending)
        self._append.add_done_callback(self._ended)
        self._timer = self._loop.call_later(
            self._patience_s, self._fail, f"no answer for {self._patience_s:g} s"
        )
        if self._aboard:
            # Python runs one thread at a time: the journal's is to be waiting for the disk before we go on.
            # What follows costs no time then.
            time.sleep(GIVE_WAY_S)
            for effect in self._aboard:
                self._runner.prepare(effect)

    def _ended(self, append: asyncio.Future[None]) -> None:
        assert self._timer is not None
        self._timer.cancel()
        problem = _problem(append)
        if problem:
            self._fail(problem)
            self._timer = self._loop.call_later(RETRY_S, self._begin)
            return
        self.seq += len(self._batch)
        effects, self._aboard = self._aboard, []
        self._batch = []
        if not self._ok:
            self._ok = True
            self._sink(JournalState(ts_recv=self._clock(), ok=True))
        if self.saved and self.saved <= self.seq:
            self._emergency_due.set()  # the emergency file has done its work
        for effect in effects:
            self._runner.run(effect)
        self._tell(self.seq)
        if self._records:
            self._begin()
        else:
            self._idle.set()

    # --- without the journal ---------------------------------------------------------------------------

    def _fail(self, detail: str) -> None:
        self._why = detail
        if self._told:
            self._emergency_due.set()
        if self._ok:
            self._ok = False
            log.critical("the journal can't be written: %s", detail)
            self._sink(JournalState(ts_recv=self._clock(), ok=False, detail=detail))
        waiting = self._aboard + self._effects
        self._aboard, self._effects = [], []
        self._let_safe_ones_pass(waiting)

    def _let_safe_ones_pass(self, effects: Sequence[fx.AnyEffect]) -> None:
        """Nothing may open; what cancels, closes or protects must go on, its intent in the emergency file."""
        for effect in effects:
            if isinstance(effect, fx.PlaceOrder) and not effect.reduces:
                self._runner.deny(effect, "the journal can't be written")
            else:
                self._safe.append(effect)
                self._emergency_due.set()

    async def _without_the_journal(self) -> None:
        """The one task that uses the emergency file: its writing and clearing can't overtake each other."""
        while True:
            await self._emergency_due.wait()
            self._emergency_due.clear()
            while self._safe or (self._told and not self._ok):
                effects, self._safe = self._safe, []
                last = self.seq + len(self._batch) + len(self._records)
                await self._save()
                for effect in effects:
                    self._runner.run(effect)
                self._tell(max(self.seq, self.saved))
                if not self._ok:
                    self._tell(last, self._why)  # neither has them
            if self._ok and self.saved and self.saved <= self.seq:
                await self._clear()

    async def _save(self) -> None:
        """Give the emergency file what it lacks. Where it can't be had protection passes all the same."""
        if self._emergency is None:
            return
        first = max(self.seq, self.saved) + 1
        fresh = (self._batch + self._records)[first - self.seq - 1 :]
        if not fresh:
            return
        try:
            await self._emergency.write(fresh, first)
        except RetryableError as error:
            self._say_unsaved(str(error))
        except Exception:
            log.exception("the emergency file failed")
            self._say_unsaved("internal error, see the log")
        else:
            self.saved = first + len(fresh) - 1
            self._cant_save = False

    def _say_unsaved(self, why: str) -> None:
        if not self._cant_save:
            self._cant_save = True
            detail = f"{why}; what cancels, closes or protects goes out without being written down"
            log.critical("%s", detail)
            self._sink(JournalState(ts_recv=self._clock(), ok=False, detail=detail))

    async def _clear(self) -> None:
        assert self._emergency is not None
        try:
            await self._emergency.clear()
        except RetryableError as error:
            # Harmless: the next start finds that the journal has all of it.
            log.warning("the emergency file is not put aside: %s", error)
        log.warning("the journal has taken over what the emergency file held, up to record %d", self.saved)
        self.saved = 0


def _problem(append: asyncio.Future[None]) -> str:
    """Why an append that has ended did not do it; empty where it did."""
    error = None if append.cancelled() else append.exception()
    if append.cancelled():
        return "the write was cancelled"
    if error is None:
        return ""
    if isinstance(error, RetryableError | FatalError):
        return str(error)
    log.error("the journal failed", exc_info=error)
    return "internal error, see the log"
