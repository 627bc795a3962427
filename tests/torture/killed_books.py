"""Several accounts at two venues in one run: the engine, one venue or both are killed again and again.

Everything is a process of its own and meets over sockets. After each kill every book must come to hold what
its account holds, with its stops; at the end the journal is compared with the venues, fill for fill and cent
for cent.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import aiohttp
import msgspec

from adapters.store import schema
from adapters.store.opening import uri
from engine.model import records as r
from engine.model.instrument import CME_FUTURES
from engine.state.fold import apply
from engine.state.state import State
from tests.support.patience import patient
from tests.torture import audit
from tests.torture.books_child import BOTS, PAPER, Orders, VenueOrders
from tests.torture.venue_process import ROOT, VenueProcess

START_USD = Decimal(50_000)
SINCE = "2020-01-01T00:00:00Z"
AGREE_S = 30.0
"""By then, real seconds after a kill, every book holds what its account holds, with its stops."""
VICTIMS = ("engine", "engine", "engine", "left", "right", "engine and left", "engine and right")


@dataclass
class Outcome:
    """What a day of kills came to."""

    kills: Counter[str] = field(default_factory=Counter)
    agreed_s: list[float] = field(default_factory=list)
    """Real seconds from a kill until every book agreed with its account again, protected."""
    fills: Counter[str] = field(default_factory=Counter)
    """By book."""
    bots: Counter[str] = field(default_factory=Counter)
    """Trades that each has opened, over all books."""
    alerts: int = 0
    """Of the room, traded in a book."""
    trades: int = 0
    paper_trades: int = 0


class KilledBooks:
    """Two accounts of a login at one venue, one at another, and a paper book."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder = folder
        self._seed = seed
        self._rng = random.Random(seed)
        self._left = VenueProcess(folder, "left", 2, CME_FUTURES["MNQ"], CME_FUTURES["MES"])
        self._right = VenueProcess(folder, "right", 1, CME_FUTURES["MGC"])
        self._journal = folder / "journal.db"
        self._records: list[r.AnyRecord] = []
        self._state = State()
        self._child: asyncio.subprocess.Process | None = None
        self._books: dict[str, tuple[VenueProcess, str]] = {}
        self._starts = 0
        self.outcome = Outcome()

    def play(self, kills: int) -> Outcome:
        """So many kills, then flat and compared. Raises AssertionError."""
        return asyncio.run(self._play(kills))

    async def _play(self, kills: int) -> Outcome:
        try:
            await self._left.start(None)
            await self._right.start(self._left.ready)
            for venue in (self._left, self._right):
                for number, account in enumerate(venue.accounts, 1):
                    self._books[f"{venue.name}-{number}"] = venue, account
            await self._start_engine()
            await self._agree("the first start")
            for number in range(kills):
                await self._until_killed(number)
            await self._end()
            await self._compare()
        finally:
            if self._child is not None and self._child.returncode is None:
                self._child.kill()
                await self._child.wait()
            for venue in (self._left, self._right):
                await venue.kill()
        return self.outcome

    async def _until_killed(self, number: int) -> None:
        # The market goes on meanwhile; the first minute of a run is not whole, and the next is 3 s long.
        await asyncio.sleep(self._rng.uniform(1.0, 12.0))
        victim = self._rng.choice(VICTIMS)
        began = time.monotonic()
        self.outcome.kills[victim] += 1
        if "engine" in victim:
            await self._kill_engine()
        for venue in (self._left, self._right):
            if venue.name in victim:
                await venue.restart()
        if "engine" in victim:
            await self._start_engine()
        await self._agree(f"kill {number} of {victim}")
        self.outcome.agreed_s.append(time.monotonic() - began)

    # -- the engine ------------------------------------------------------------------------------------

    async def _start_engine(self) -> None:
        self._starts += 1
        venues = []
        for venue in (self._left, self._right):
            assert venue.ready is not None
            books = {book: account for book, (at, account) in self._books.items() if at is venue}
            symbols = tuple(one.symbol for one in venue.instruments.values())
            venues.append(VenueOrders(venue.name, venue.ready, books, symbols))
        orders = msgspec.json.encode(Orders(tuple(venues), str(self._journal), self._seed)).decode()
        with self._errors.open("ab") as stderr:
            self._child = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.torture.books_child", orders,
                stdin=asyncio.subprocess.PIPE, stderr=stderr, cwd=ROOT,
            )  # fmt: skip

    async def _kill_engine(self) -> None:
        assert self._child is not None
        if self._child.returncode is None:
            self._child.kill()
        status = await self._child.wait()
        assert status == -9, f"the engine ended by itself: {status}, see {self._errors}"

    def _say(self, word: str) -> None:
        assert self._child is not None
        assert self._child.stdin is not None
        self._child.stdin.write(f"{word}\n".encode())

    @property
    def _errors(self) -> Path:
        return self._folder / "child.log"

    # -- looking ---------------------------------------------------------------------------------------

    def _read(self) -> None:
        """Take in what the journal has by now."""
        with closing(sqlite3.connect(uri(self._journal, "ro"), uri=True)) as db:
            for seq, body in db.execute(schema.READ, (len(self._records), 1 << 30)):
                assert seq == len(self._records) + 1, "a gap in the journal"
                record = r.decode(body)
                apply(self._state, record)
                self._records.append(record)

    async def _agree(self, after: str) -> None:
        """Until every book has been reconciled in this run, holds what its account does, and is protected."""
        await self._must(self._agreeing, f"after {after} a book and its account differ")

    async def _agreeing(self) -> str:
        self._read()
        starts = [n for n, record in enumerate(self._records) if isinstance(record, r.RunStarted)]
        if len(starts) < self._starts:
            return "the engine has not begun"
        run = self._records[starts[-1] :]
        reconciled = {record.book for record in run if isinstance(record, r.Reconciled)}
        for book, (venue, account) in self._books.items():
            if book not in reconciled:
                return f"{book} is not reconciled"
            told = await venue.books(account)
            self._read()
            positions = self._state.book(book).positions
            ours = {symbol: one.qty for symbol, one in positions.items() if one.qty}
            theirs = {symbol: one.qty for symbol, one in told.held.items()}
            if ours != theirs:
                return f"{book} holds {ours} by the journal and {theirs} at the venue"
            if not told.protected:
                return f"{book} is not protected: {told.held}"
        return ""

    async def _must(self, differs: Callable[[], Awaitable[str]], otherwise: str) -> None:
        end = time.monotonic() + patient(AGREE_S)
        why = "nothing was seen"
        while time.monotonic() < end:
            assert self._child is not None
            assert self._child.returncode is None, f"the engine has ended, see {self._errors}"
            try:
                if not (why := await differs()):
                    return
            except (aiohttp.ClientError, sqlite3.OperationalError) as error:
                why = repr(error)
            await asyncio.sleep(0.05)
        raise AssertionError(f"{otherwise}: {why}; see {self._folder}")

    # -- the end ---------------------------------------------------------------------------------------

    async def _end(self) -> None:
        """One book is flattened and leaves the others alone; then all are, and the engine is shut down."""
        one, *others = reversed(self._books)
        self._say(f"flatten {one}")
        await self._must(lambda: self._not_flat(one), f"{one} is not flat")
        latched = [record.book for record in self._records if isinstance(record, r.FlattenStarted)]
        assert not set(latched) & set(others), f"a flatten of {one} has latched {latched}"
        self._say("flatten")
        await self._must(lambda: self._not_flat(*self._books), "not flat")
        self._say("shutdown")
        assert self._child is not None
        assert await self._child.wait() == 0, f"the engine did not end well, see {self._errors}"

    async def _not_flat(self, *books: str) -> str:
        self._read()
        for book in books:
            venue, account = self._books[book]
            known, told = self._state.book(book), await venue.books(account)
            if known.flattening or known.live_orders() or known.plans or not told.flat:
                return f"{book}: {told}, latched {known.flattening}"
        return ""

    async def _compare(self) -> None:
        """Venues and journal, order for order, fill for fill, cent for cent."""
        self._read()
        audit.folds(self._records)
        audit.strategies_wait(self._records)
        audit.nothing_from_outside(self._records)
        opened = [record.plan for record in self._records if isinstance(record, r.PlanOpened)]
        alerts = Counter((plan.book, plan.origin) for plan in opened if plan.origin)
        self.outcome.alerts = len(alerts)
        assert set(alerts.values()) == {1}, f"an alert traded twice, or none at all: {alerts}"
        self.outcome.bots.update(plan.bot for plan in opened if plan.bot)
        assert set(self.outcome.bots) == set(BOTS), f"a bot has not traded: {self.outcome.bots}"
        intended = [record for record in self._records if isinstance(record, r.OrderIntended)]
        for book, (venue, account) in self._books.items():
            tags = Counter(await venue.tags(account, SINCE))
            ours = {record.client_id for record in intended if record.book == book}
            alien = {tag for tag in tags if tag.removesuffix("-SL").removesuffix("-TP") not in ours}
            assert not alien, f"{book}: orders that nobody intended: {alien}"
            assert max(tags.values(), default=0) <= 1, f"{book}: sent twice"
            taken = audit.fills_of(self._records, book)
            theirs = await venue.fills(account, SINCE)
            audit.same_fills([msgspec.structs.replace(fill, ts_venue=0) for fill in taken], theirs)
            known, told = self._state.book(book), await venue.books(account)
            audit.same_money(known, told.balance_usd, START_USD)
            self.outcome.fills[book] = len(theirs)
            self.outcome.trades += len(known.trades)
        paper = self._state.book(PAPER)
        assert not any(position.qty for position in paper.positions.values())
        self.outcome.paper_trades = len(paper.trades)
        assert all(self.outcome.fills.values()), f"a book has not traded: {self.outcome.fills}"
