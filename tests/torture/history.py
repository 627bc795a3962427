"""A journal under load, PostgreSQL and its follower killed again and again: the rows are the journal's."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adapters.common.secret import Secret
from adapters.store.history.postgres import PostgresHistory
from adapters.store.history.sql import moment, values
from adapters.store.journal import SqliteJournal
from engine.model import records as r
from engine.model.errors import RetryableError
from engine.model.history import TABLES, HistoryRow, row_key
from tests.support.long_journal import storms
from tests.support.postgres import PostgresServer
from tests.torture.process import ROOT
from tstream.history.projection import Projection

RECORDS = 12_000
BURST = 40
PATIENCE_S = 120.0


@dataclass
class HistoryTally:
    records: int = 0
    rows: int = 0
    database_kills: int = 0
    follower_kills: int = 0
    deepest_lag: int = 0
    """Records."""
    caught_up_s: float = 0.0
    """From the last record to the last row."""
    written_s: float = 0.0
    tables: dict[str, int] = field(default_factory=dict)


def play(folder: Path, seed: int, kills: int, records: int = RECORDS) -> HistoryTally:
    """Raises AssertionError where a row is missing, wrong or too many."""
    server = PostgresServer(f"torture-{seed}-{time.time_ns()}")
    try:
        url = server.database()
        return asyncio.run(_Play(folder, random.Random(seed), server, url).run(storms(seed, records), kills))
    finally:
        server.stop()


@dataclass
class _Play:
    folder: Path
    rng: random.Random
    server: PostgresServer
    url: str
    tally: HistoryTally = field(default_factory=HistoryTally)
    last: int = 0

    async def run(self, records: list[bytes], kills: int) -> HistoryTally:
        journal = await SqliteJournal.open(self.folder / "journal.db", install="storm")
        writing = asyncio.create_task(self._write(journal, records))
        try:
            await self._kill(kills)
            await writing
            ended = time.monotonic()
            follower = await self._follower()
            await self._caught_up(len(records))
            self.tally.caught_up_s = time.monotonic() - ended
            follower.kill()
            await follower.wait()
        finally:
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
            await journal.close()
        self.tally.records = len(records)
        await self._compare(records)
        return self.tally

    async def _write(self, journal: SqliteJournal, records: list[bytes]) -> None:
        """Bursts as an engine writes them, some hundred records a second."""
        began = time.monotonic()
        while self.last < len(records):
            some = records[self.last : self.last + self.rng.randrange(1, BURST)]
            await journal.append(some, self.last + 1)
            self.last += len(some)
            await asyncio.sleep(self.rng.random() * 0.06)
        self.tally.written_s = time.monotonic() - began

    async def _follower(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.torture.history_child", str(self.folder / "journal.db"), self.url,
            cwd=ROOT,
        )  # fmt: skip

    async def _kill(self, kills: int) -> None:
        """Now the database, now the follower, now both; each comes back after a while."""
        follower = await self._follower()
        for _ in range(kills):
            await asyncio.sleep(0.3 + self.rng.random() * 1.2)
            which = self.rng.choice(("database", "database", "follower", "both"))
            if which != "database":
                follower.kill()
                await follower.wait()
                self.tally.follower_kills += 1
            if which != "follower":
                await asyncio.to_thread(self.server.kill)
                self.tally.database_kills += 1
                await asyncio.sleep(self.rng.random())
                await asyncio.to_thread(self.server.start)
            if which != "database":
                follower = await self._follower()
            await self._look()
        follower.kill()
        await follower.wait()

    async def _look(self) -> int:
        """How far it is; asked as anybody may."""
        history = PostgresHistory(Secret(self.url))
        try:
            told = (await history.mark("storm")).seq
        except RetryableError:
            return 0  # it is starting
        finally:
            await history.close()
        self.tally.deepest_lag = max(self.tally.deepest_lag, self.last - told)
        return told

    async def _caught_up(self, wanted: int) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while await self._look() < wanted:
            assert time.monotonic() < deadline, f"not told in {PATIENCE_S:.0f} s"
            await asyncio.sleep(0.05)

    async def _compare(self, records: list[bytes]) -> None:
        """Row by row with what the same records say in memory."""
        wanted, projection = dict[tuple[object, ...], HistoryRow](), Projection("storm")
        for seq, raw in enumerate(records, 1):
            for row in projection.take(seq, r.decode(raw)):
                wanted[row_key(row)] = row
        for kind, table in TABLES.items():
            ours = {row_key(row)[1:]: _told(row) for row in wanted.values() if type(row) is kind}
            columns = ", ".join(kind.__struct_fields__)
            found = await self.server.ask(self.url, f"SELECT {columns} FROM {table.name}")
            theirs = {tuple(row[name] for name in table.key): list(row.values()) for row in found}
            assert len(found) == len(theirs) == len(ours), f"{table.name}: {len(found)} rows, not {len(ours)}"
            wrong = next((key for key, row in ours.items() if theirs.get(key) != row), None)
            assert wrong is None, f"{table.name} {wrong}: {theirs.get(wrong)}, not {ours[wrong]}"
            self.tally.tables[table.name] = len(ours)
            self.tally.rows += len(ours)


def _told(row: HistoryRow) -> list[Any]:
    return values(row, moment, lambda value: value)
