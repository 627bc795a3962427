"""A scripted trading day whose engine is killed again and again; the venue lives through it all."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from adapters.simulator.fault_plan.armed import Armed
from adapters.store import schema
from adapters.store.opening import uri
from engine.model import records as r
from engine.model.errors import RefusedError
from engine.model.market import MINUTE
from engine.model.orders import OrderType
from engine.state.fold import apply
from engine.state.state import State
from tests.support.patience import patient
from tests.torture import audit
from tests.torture.child import BOOK, STOP_TICKS, TARGET_TICKS, Orders
from tests.torture.kill_plan import Kill, Outcome
from tests.torture.kill_points import AT_THE_VENUE, KillPoint
from tests.torture.process import Child
from tests.torture.surviving_venue import CLOSING, PRICE, START_USD, SurvivingVenue

PATIENCE_S = 30.0
"""For things that must happen. An order whose request died with the engine is looked for for 15 s before it
counts as lost, and until then nothing is verified flat."""
POLL_S = 0.002
WATCH_S = 0.1
CYCLES = 6
"""Trades in which a trap must have sprung; after them the process is killed where it stands."""
NAKED_S = 3.0
"""Own stops: no position is longer without one because the request for it hangs, real seconds."""
HANGS = 0.25
"""So many entries meet a venue where the request for their stop hangs and is lost."""
LATEST = CLOSING - 60 * MINUTE
ENDINGS = ("target", "stop", "break-even", "flatten", "stop cancelled")
_LEADS_TO = {
    "stop placed": "stop cancelled", "stop modified": "target", "cancel": "flatten", "close": "flatten"
}  # fmt: skip


class KilledError(Exception):
    """The child is dead."""


class KilledDay:
    """One venue, one journal, and one engine after the other."""

    def __init__(self, folder: Path, seed: int, *, native: bool = True) -> None:
        self.rng = random.Random(seed)
        self.seed = seed
        self.folder = folder
        self.floor = SurvivingVenue(folder, native=native)
        self.journal = folder / "journal.db"
        self.records: list[r.AnyRecord] = []
        self.state = State()
        self.outcome = Outcome()
        self._native = native
        self._naked_at: float | None = None
        self._hanging: Armed | None = None
        self._child: Child | None = None

    @property
    def child(self) -> Child:
        assert self._child is not None
        return self._child

    def play(self, kills: Sequence[Kill]) -> Outcome:
        """Trade until all traps have sprung, then flatten and compare. Raises AssertionError."""
        return asyncio.run(self.run(kills))

    async def run(self, kills: Sequence[Kill]) -> Outcome:
        async with self.floor.practice:
            self.floor.market(PRICE)
            try:
                for kill in kills:
                    await self._until_killed(kill)
                await self._end()
            finally:
                if self._child is not None:
                    self._child.kill()
                    await self._child.gone()
        self._compare()
        return self.outcome

    # -- one run -----------------------------------------------------------------------------------

    async def _until_killed(self, kill: Kill) -> None:
        assert self.floor.clock() < LATEST, "the day is too short for so many kills"
        try:
            await self._boot(kill)
            self.child.say("resume")
            step = kill.point.partition(" ")[2]
            for cycle in range(CYCLES):
                await self._trade(_LEADS_TO.get(step) if cycle % 2 == 0 else None)
            self.outcome.missed[kill.point] += 1
        except KilledError:
            self.outcome.kills[kill.point] += 1
        self.child.kill()
        status = await self.child.gone()
        assert status == -9, f"the engine ended by itself: {status}, see {self._errors}"

    async def _boot(self, kill: Kill) -> None:
        floor = self.floor
        floor.login_s = None
        self._naked_at = None
        held, naked = floor.held(), not floor.protected()
        self._child = child = await Child.start(
            Orders(floor.practice.url, str(self.journal), str(floor.clock_file), self.seed, *kill),
            self._errors,
        )
        venue_trap = KillPoint(kill.point, kill.nth, child.kill)
        floor.pass_point = venue_trap if kill.point in AT_THE_VENUE else lambda point: None
        await self._must(lambda: floor.login_s is not None, "nobody logged in")
        began = floor.login_s or 0.0
        await self._must(floor.protected, "a position stays unprotected")
        if held:
            spent = time.monotonic() - began if naked else 0.0
            self.outcome.protected_s.append(spent)
            if naked:
                self.outcome.naked_s.append(spent)
        await self._must(lambda: child.verified_s is not None, "the truth is not found")
        self.outcome.verified_s.append((child.verified_s or 0.0) - began)
        await self._must(self._agree, f"the journal holds other than the venue's {floor.held()}")
        self.outcome.agreed += 1

    @property
    def _errors(self) -> Path:
        return self.folder / "child.log"

    def _agree(self) -> bool:
        self._read()
        return self.state.book(BOOK).position("MNQ").qty == self.floor.held()

    def _read(self) -> None:
        """Take in what the journal has by now."""
        with closing(sqlite3.connect(uri(self.journal, "ro"), uri=True)) as db:
            for seq, body in db.execute(schema.READ, (len(self.records), 1 << 30)):
                assert seq == len(self.records) + 1, "a gap in the journal"
                record = r.decode(body)
                apply(self.state, record)
                self.records.append(record)

    # -- trading -----------------------------------------------------------------------------------

    async def _trade(self, wanted: str | None) -> None:
        """A position, and one of the ways in which it ends."""
        floor = self.floor
        if not floor.held():
            await self._enter()
        if not floor.held():
            return
        side = 1 if floor.held() > 0 else -1
        entry = floor.price
        ending = wanted or self.rng.choice(ENDINGS)
        if ending in ("target", "break-even"):
            before = {price for _, price in floor.stops()}
            await self._moves(entry + side * (TARGET_TICKS[0] + 5))
            # The first target's own stop goes first; the other one is moved behind that.
            await self._wait(lambda: {price for _, price in floor.stops()} - before, 3)
            await self._moves(entry + side * (TARGET_TICKS[1] + 5 if ending == "target" else -5))
        elif ending == "stop":
            await self._moves(entry - side * (STOP_TICKS + 5))
        elif ending == "stop cancelled":
            self._cancel_stop()
            await self._wait(floor.protected, 4)
            await self._watch()
        if ending in ("flatten", "stop cancelled") or not await self._wait(floor.flat, 3):
            self.child.say("flatten")
            await self._wait(floor.flat, PATIENCE_S)
        await self._watch()
        self.child.say("resume")

    async def _enter(self) -> None:
        """Let minutes close until there is a position with its stops."""
        floor = self.floor
        faults = floor.practice.faults
        faults.clear()
        self._hanging = None
        if not self._native and self.rng.random() < HANGS:
            self._hanging = faults.add("lost-request", call="place", type="stop", hang=True)
        for _ in range(4):
            await self._wait(floor.quiet, 2)
            floor.clock.leap(MINUTE - floor.clock() % MINUTE)
            floor.market(PRICE)
            if await self._wait(lambda: floor.held() != 0, 0.3):
                await self._wait(lambda: floor.quiet() and floor.protected(), 3)
                return

    async def _moves(self, price: int) -> None:
        self.floor.market(price)
        await self._wait(self.floor.quiet, 2)

    def _cancel_stop(self) -> None:
        """A person cancels a stop on the platform."""
        for order in self.floor.account.venue.orders[::-1]:
            if order.type is OrderType.STOP and order.status.live:
                try:
                    self.floor.practice.platform.cancel(int(order.venue_id))
                except RefusedError:
                    continue
                return

    async def _end(self) -> None:
        """One run that is not killed: everything is flattened, and the engine is shut down."""
        await self._boot(Kill("never", 1))
        self.child.say("flatten")
        await self._must(lambda: self.floor.flat() and self._told_flat(), "not flat")
        self.child.say("shutdown")
        assert await self.child.gone() == 0, f"the engine did not end well, see {self._errors}"

    def _told_flat(self) -> bool:
        self._read()
        book = self.state.book(BOOK)
        return not book.flattening and not book.live_orders() and not book.plans

    def _compare(self) -> None:
        """Venue and journal, order for order, fill for fill, cent for cent."""
        self._read()
        floor, book = self.floor, self.state.book(BOOK)
        assert (floor.held(), book.position("MNQ").qty) == (0, 0)
        twice = [tag for tag, times in floor.sent.items() if times > 1]
        assert not twice, f"sent twice: {twice}"
        audit.folds(self.records)
        audit.strategies_wait(self.records)
        audit.nothing_from_outside(self.records)
        audit.same_fills(audit.fills_of(self.records, BOOK), floor.fills())
        audit.same_money(book, floor.balance_usd(), START_USD)
        self.outcome.orders = len(floor.sent)
        self.outcome.fills = len(floor.fills())
        self.outcome.trades = len(book.trades)

    # -- waiting -----------------------------------------------------------------------------------

    async def _wait(self, met: Callable[[], Any], seconds: float) -> bool:
        """Whether it came true within so many real seconds. Raises KilledError."""
        end = time.monotonic() + patient(seconds)
        while not met():
            self._look_for_stops()
            if self.child.dead:
                raise KilledError
            if time.monotonic() >= end:
                return False
            await asyncio.sleep(POLL_S)
        return True

    def _look_for_stops(self) -> None:
        """Measure how long the venue holds something without a stop of ours while the run goes on."""
        if self._native or self.child.dead or self.child.verified_s is None:
            return
        now = time.monotonic()
        if self.floor.held() and not self.floor.protected():
            self._naked_at = now if self._naked_at is None else self._naked_at
        elif self._naked_at is not None:
            spent, self._naked_at = now - self._naked_at, None
            self.outcome.unstopped_s.append(spent)
            if self._hanging is not None and self._hanging.acted:
                self._hanging = None
                self.outcome.hanging_s.append(spent)
                assert spent <= NAKED_S, f"naked for {spent:.1f} s while a stop's request hung"

    async def _watch(self) -> None:
        """Look on for a moment: what has just happened has its consequences. Raises KilledError."""
        await self._wait(lambda: False, WATCH_S)

    async def _must(self, met: Callable[[], bool], otherwise: str) -> None:
        assert await self._wait(met, PATIENCE_S), f"{otherwise}; see {self._errors}"
