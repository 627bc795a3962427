"""Following a journal: whatever fails and whenever it is killed, the rows are those of the journal in the
end.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from adapters.common.secret import Secret
from adapters.store.history.postgres import PostgresHistory
from adapters.store.history.sql import moment, values
from adapters.store.history.sqlite import SqliteHistory
from adapters.store.virtual import SyncJournal
from engine.model import records as r
from engine.model.errors import RetryableError
from engine.model.history import TABLES, HistoryBatch, HistoryMark, HistoryRow, row_key
from tests.support.postgres import PostgresServer
from tests.support.waits import until
from tests.tstream.test_history_projection import journal, told
from tstream.history import follow
from tstream.history.follow import Follower
from tstream.history.projection import Projection

CUT = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    """A new database, made before there is a loop."""
    return postgres.database()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "FIRST_WAIT_S", 0.001)
    monkeypatch.setattr(follow, "LONGEST_WAIT_S", 0.002)
    monkeypatch.setattr(follow, "LOOK_S", 0.001)
    monkeypatch.setattr(follow, "BATCH", 3)


def write(path: Path, records: Sequence[r.AnyRecord], first: int = 1, install: str = "j") -> None:
    with SyncJournal(path, install=install) as writing:
        writing.append([r.encode(record) for record in records], first)


def remove(path: Path) -> None:
    for left in path.parent.glob(f"{path.name}*"):
        left.unlink()


async def contents(history: SqliteHistory) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables, in the order of their keys."""
    found = {}
    for table in TABLES.values():
        columns = "*"
        asked = await history.query(
            f"SELECT {columns} FROM {table.name} ORDER BY {', '.join(table.key)}", 100_000, 10
        )
        found[table.name] = list(asked.rows)
    return found


@dataclass
class Failing(SqliteHistory):
    """Now and then the database goes away before it has kept something, or before it could say so."""

    path: Path
    rng: random.Random
    failures: int = field(default=0)

    def __post_init__(self) -> None:
        super().__init__(self.path)

    async def mark(self, journal: str) -> HistoryMark:
        self._maybe()
        return await super().mark(journal)

    async def write(self, batch: HistoryBatch) -> None:
        self._maybe()
        await super().write(batch)
        self._maybe()

    def _maybe(self) -> None:
        if self.rng.random() < 0.25:
            self.failures += 1
            raise RetryableError("the database is gone")


async def told_whole(history: SqliteHistory, path: Path, last: int) -> None:
    stop, following = asyncio.Event(), Follower(path, history, share=1)
    task = asyncio.create_task(following.run(stop))
    await until(lambda: following.mark.seq == last or task.done())
    stop.set()
    await task


@pytest.mark.parametrize("seed", range(3))
async def test_outages_at_any_moment_leave_the_rows_of_the_journal(seed: int, tmp_path: Path) -> None:
    records = journal(seed)
    write(tmp_path / "j.db", records)
    whole, torn = SqliteHistory(tmp_path / "a.db"), Failing(tmp_path / "b.db", random.Random(seed))
    await told_whole(whole, tmp_path / "j.db", len(records))
    await told_whole(torn, tmp_path / "j.db", len(records))
    assert torn.failures > 5
    found = await contents(whole)
    assert await contents(torn) == found
    assert sum(map(len, found.values())) == len(told(records))
    await whole.close()
    await torn.close()


@pytest.mark.parametrize("seed", range(2))
async def test_a_kill_anywhere_is_a_lag_and_nothing_else(seed: int, tmp_path: Path) -> None:
    records, rng = journal(seed), random.Random(seed)
    write(tmp_path / "j.db", records)
    whole, killed = SqliteHistory(tmp_path / "a.db"), SqliteHistory(tmp_path / "b.db")
    await told_whole(whole, tmp_path / "j.db", len(records))
    mark = 0
    while mark < len(records):
        following = Follower(tmp_path / "j.db", killed, share=1)
        task = asyncio.create_task(following.run(asyncio.Event()))
        wanted = min(len(records), mark + rng.randrange(1, 12))
        await until(lambda: following.mark.seq >= wanted)  # noqa: B023
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        mark = (await killed.mark("j")).seq
    assert await contents(killed) == await contents(whole)
    await whole.close()
    await killed.close()


async def test_records_that_come_while_it_follows_are_told(tmp_path: Path) -> None:
    records = journal(0)
    half = len(records) // 2
    write(tmp_path / "j.db", records[:half])
    history = SqliteHistory(tmp_path / "h.db")
    stop, following = asyncio.Event(), Follower(tmp_path / "j.db", history, share=1)
    task = asyncio.create_task(following.run(stop))
    await until(lambda: following.mark.seq == half)
    write(tmp_path / "j.db", records[half:], half + 1)
    await until(lambda: following.mark.seq == len(records))
    stop.set()
    await task
    assert sum((await history.counts("j")).values()) == len(told(records))
    await history.close()


async def test_a_journal_that_was_restored_and_went_on_differently_is_told_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    history = SqliteHistory(tmp_path / "h.db")
    write(tmp_path / "j.db", journal(0))
    await told_whole(history, tmp_path / "j.db", len(journal(0)))
    remove(tmp_path / "j.db")
    write(tmp_path / "j.db", journal(1))
    await told_whole(history, tmp_path / "j.db", len(journal(1)))
    assert sum((await history.counts("j")).values()) == len(told(journal(1)))
    assert "told anew" in caplog.text
    await history.close()


async def test_two_that_tell_the_same_journal_do_not_disturb_each_other(tmp_path: Path) -> None:
    records = journal(2)
    write(tmp_path / "j.db", records)
    one, other = SqliteHistory(tmp_path / "h.db"), SqliteHistory(tmp_path / "h.db")
    await asyncio.gather(
        told_whole(one, tmp_path / "j.db", len(records)), told_whole(other, tmp_path / "j.db", len(records))
    )
    assert sum((await one.counts("j")).values()) == len(told(records))
    await one.close()
    await other.close()


async def test_two_journals_are_told_beside_each_other_and_one_can_be_forgotten(tmp_path: Path) -> None:
    history = SqliteHistory(tmp_path / "h.db")
    write(tmp_path / "a.db", journal(0), install="one")
    write(tmp_path / "b.db", journal(1), install="two")
    await told_whole(history, tmp_path / "a.db", len(journal(0)))
    await told_whole(history, tmp_path / "b.db", len(journal(1)))
    await history.forget("one")
    assert sum((await history.counts("one")).values()) == 0
    assert sum((await history.counts("two")).values()) == len(told(journal(1)))
    await history.close()


async def test_a_start_folds_from_the_newest_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "CHECKPOINT", 20)
    records, folded = journal(0), list[int]()
    real = follow.taken

    def counting(projection: Projection, seq: int, raw: bytes) -> list[HistoryRow]:
        folded.append(seq)
        return real(projection, seq, raw)

    monkeypatch.setattr(follow, "taken", counting)
    history, last = SqliteHistory(tmp_path / "h.db"), len(records) - 10
    write(tmp_path / "j.db", records[:last])
    await told_whole(history, tmp_path / "j.db", last)
    write(tmp_path / "j.db", records[last:], last + 1)
    folded.clear()
    await told_whole(history, tmp_path / "j.db", len(records))
    assert last - 25 < min(folded) <= last
    assert sum((await history.counts("j")).values()) == len(told(records))
    await history.close()


async def test_a_history_of_another_version_is_told_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = SqliteHistory(tmp_path / "h.db")
    write(tmp_path / "j.db", journal(0))
    await told_whole(history, tmp_path / "j.db", len(journal(0)))
    monkeypatch.setattr(follow, "VERSION", 99)
    marks = list[int]()
    stop = asyncio.Event()
    following = Follower(tmp_path / "j.db", history, share=1, on_told=lambda mark: marks.append(mark.seq))
    task = asyncio.create_task(following.run(stop))
    await until(lambda: len(journal(0)) in marks)
    stop.set()
    await task
    assert marks[0] <= follow.BATCH, "from the first record on"
    await history.close()


async def test_connections_to_postgresql_that_are_cut_are_a_lag_and_nothing_else(
    url: str, postgres: PostgresServer, tmp_path: Path
) -> None:
    records, parts = journal(1), 4
    history, stop = PostgresHistory(Secret(url)), asyncio.Event()
    write(tmp_path / "j.db", records[:1])
    following = Follower(tmp_path / "j.db", history, share=1)
    task = asyncio.create_task(following.run(stop))
    for n in range(parts):
        first, last = 1 + n * len(records) // parts, min(len(records), 1 + (n + 1) * len(records) // parts)
        await until(lambda: following.mark.seq == first)  # noqa: B023
        assert await postgres.ask(url, CUT), "there was a connection to cut"
        write(tmp_path / "j.db", records[first:last], first + 1)
    await until(lambda: following.mark.seq == len(records))
    stop.set()
    await task
    await history.close()
    wanted = told(records).values()
    for kind, table in TABLES.items():
        found = await postgres.ask(url, f"SELECT {', '.join(kind.__struct_fields__)} FROM {table.name}")
        theirs = {tuple(row[name] for name in table.key): list(row.values()) for row in found}
        ours = {row_key(row)[1:]: values(row, moment, lambda one: one) for row in wanted if type(row) is kind}
        assert theirs == ours
