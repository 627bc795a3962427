"""The journal on disk: numbering, durability, and what happens when the disk says no."""

from __future__ import annotations

import asyncio
import hashlib
import resource
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.store.hashing import run_hash
from adapters.store.history.sqlite import _opened as history_file
from adapters.store.journal import SqliteJournal
from adapters.store.reading import FollowedJournal
from adapters.store.virtual import SyncJournal
from engine.model.errors import FatalError, RetryableError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "journal.db"


async def contents(journal: SqliteJournal, after_seq: int = 0) -> list[tuple[int, bytes]]:
    return [row async for row in journal.read(after_seq)]


async def test_records_come_back_in_order_after_a_restart(path: Path) -> None:
    async with await SqliteJournal.open(path) as journal:
        await journal.append([b"one", b"two"], 1)
        await journal.append([], 3)
        await journal.append([b"", b"\x00\xff"], 3)
        assert journal.last_seq == 4
        assert await contents(journal) == [(1, b"one"), (2, b"two"), (3, b""), (4, b"\x00\xff")]
    async with await SqliteJournal.open(path) as journal:
        assert journal.last_seq == 4
        assert await contents(journal, 2) == [(3, b""), (4, b"\x00\xff")]


async def test_a_run_keeps_few_pages_of_a_file_that_grows_all_day(path: Path) -> None:
    async with await SqliteJournal.open(path) as journal:
        await journal.append([b"one"], 1)
        followed = FollowedJournal(path)
        history = history_file(path.with_name("history.db"))
        kept = [db.execute("PRAGMA cache_size").fetchone()[0] for db in (journal._db, followed._db, history)]
        assert followed.bounds() == (1, 1)
        followed.close()
        history.close()
    assert kept == [-256] * 3


async def test_large_appends_are_one_transaction_and_read_in_batches(path: Path) -> None:
    records = [str(i).encode() for i in range(2_345)]
    async with await SqliteJournal.open(path) as journal:
        await journal.append(records, 1)
        assert await contents(journal) == list(enumerate(records, 1))
        with closing(sqlite3.connect(path)) as other:
            other.execute("INSERT INTO records VALUES (4000, x'00')")
            other.commit()
        with pytest.raises(FatalError, match="UNIQUE"):
            await journal.append(records, 2_346)
        assert [seq for seq, _ in await contents(journal, 2_340)] == [2341, 2342, 2343, 2344, 2345, 4000]


@pytest.mark.parametrize("first", [1, 2, 4, 9, 0, -3])
async def test_numbers_have_no_gaps_and_are_not_used_twice(path: Path, first: int) -> None:
    async with await SqliteJournal.open(path) as journal:
        await journal.append([b"one", b"two"], 1)
        with pytest.raises(FatalError, match=f"record {first} can't follow record 2"):
            await journal.append([b"other"], first)
        assert await contents(journal) == [(1, b"one"), (2, b"two")]


async def test_the_same_records_may_be_handed_over_again_with_more_behind_them(path: Path) -> None:
    async with await SqliteJournal.open(path) as journal:
        await journal.append([b"one", b"two"], 1)
        await journal.append([b"one", b"two"], 1)
        await journal.append([b"two", b"three"], 2)
        assert await contents(journal) == [(1, b"one"), (2, b"two"), (3, b"three")]


async def test_a_cancelled_append_is_stored_whole_and_can_be_repeated(path: Path) -> None:
    records = [b"x" * 1000] * 3_000
    async with await SqliteJournal.open(path) as journal:
        task = asyncio.ensure_future(journal.append(records, 1))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await journal.append([*records, b"last"], 1)
        assert journal.last_seq == 3_001


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another program writes and does not end."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


@pytest.mark.parametrize("count", [1, 600])
async def test_a_locked_journal_is_retryable_and_nothing_is_lost(path: Path, count: int) -> None:
    records = [b"x"] * count
    async with await SqliteJournal.open(path, wait_s=0.01) as journal:
        with locked(path):
            with pytest.raises(RetryableError, match="database is locked"):
                await journal.append(records, 1)
            with pytest.raises(RetryableError, match="database is locked"):
                await journal.save_snapshot(0, b"state")
        assert journal.last_seq == 0
        await journal.append(records, 1)
        assert journal.last_seq == count


@contextmanager
def full_disk(path: Path) -> Iterator[None]:
    """No file of this process may grow: writes fail as on a full disk."""
    biggest = max(file.stat().st_size for file in path.parent.iterdir())
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (biggest, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("count", [1, 600])
async def test_f33_a_full_disk_is_retryable_and_nothing_is_lost(path: Path, count: int) -> None:
    records = [b"x" * (30_000_000 // count)] * count
    async with await SqliteJournal.open(path) as journal:
        await journal.append([b"before"], 1)
        with full_disk(path):
            for _ in range(3):
                with pytest.raises(RetryableError, match="can't be used now"):
                    await journal.append(records, 2)
            await journal.append([b"small"], 2)  # for so much there is room ahead
        assert await contents(journal) == [(1, b"before"), (2, b"small")]
        await journal.append(records, 3)
        assert journal.last_seq == count + 2
    async with await SqliteJournal.open(path) as journal:
        assert journal.last_seq == count + 2


async def test_the_wal_does_not_grow_with_commits_and_without_room_for_it_all_is_written_too(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def grown() -> int:
        return path.with_name("journal.db-wal").stat().st_size

    async with await SqliteJournal.open(path) as journal:
        before = grown()
        for seq in range(1, 101):
            await journal.append([b"x" * 50_000], seq)
        assert grown() == before > 1_000 * 4_096  # which is once around, and a part of the next
        assert len(await contents(journal)) == 100
    monkeypatch.setattr("adapters.store.opening.SPARE_BYTES", 1 << 62)
    async with await SqliteJournal.open(path) as journal:
        assert not path.with_name("journal.db-wal").exists() or grown() < before
        await journal.append([b"one more"], 101)
        assert await contents(journal, 100) == [(101, b"one more")]
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert "room" not in {name for (name,) in db.execute("SELECT name FROM sqlite_master")}


WRITE_UNTIL_KILLED = """
import asyncio, sys
from pathlib import Path
from adapters.store.history.sqlite import _opened as history_file
from adapters.store.journal import SqliteJournal
from adapters.store.reading import FollowedJournal

async def main():
    journal = await SqliteJournal.open(Path(sys.argv[1]))
    while True:
        await journal.append([b"record %d" % (journal.last_seq + 1)], journal.last_seq + 1)
        print(journal.last_seq, flush=True)

asyncio.run(main())
"""


def test_what_was_acknowledged_before_a_kill_is_there_after_it(path: Path) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITE_UNTIL_KILLED, str(path)], stdout=subprocess.PIPE, cwd=ROOT
    )
    with writer:
        assert writer.stdout is not None
        for _ in range(50):
            acknowledged = int(writer.stdout.readline())
        writer.kill()
        acknowledged = int([b"%d" % acknowledged, *writer.stdout.read().splitlines()][-1])
    with SyncJournal(path) as journal:
        assert journal.last_seq in (acknowledged, acknowledged + 1)
        assert list(journal.read()) == [(n, b"record %d" % n) for n in range(1, journal.last_seq + 1)]


async def test_the_newest_snapshot_is_loaded(path: Path) -> None:
    async with await SqliteJournal.open(path) as journal:
        assert await journal.load_snapshot() is None
        await journal.append([b"r"] * 5, 1)
        for seq in (2, 3, 5):
            await journal.save_snapshot(seq, f"state {seq}".encode())
        with pytest.raises(FatalError, match="as of record 6 can't be kept: the newest record is 5"):
            await journal.save_snapshot(6, b"future")
    async with await SqliteJournal.open(path) as journal:
        assert await journal.load_snapshot() == (5, b"state 5")
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT seq FROM snapshots ORDER BY seq").fetchall() == [(3,), (5,)]


async def test_every_commit_is_on_disk_and_only_its_owner_may_look(path: Path) -> None:
    async with await SqliteJournal.open(path) as journal:
        await journal.append([b"one"], 1)
        await journal.save_snapshot(1, b"behind the note of the newest record")
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
        assert modes == dict.fromkeys(
            ("journal.db", "journal.db-wal", "journal.db-shm", "journal.db.lock", "journal.db.newest"), 0o600
        )
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert journal._db.execute("PRAGMA synchronous").fetchall() == [(2,)]
        assert journal._db.execute("PRAGMA journal_mode").fetchall() == [("wal",)]


def test_a_journal_that_others_could_read_is_made_private(path: Path) -> None:
    SyncJournal(path).close()
    path.chmod(0o644)
    SyncJournal(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_each_opening_is_a_new_boot_of_the_same_install(path: Path, tmp_path: Path) -> None:
    installs, boots = set(), []
    for _ in range(3):
        async with await SqliteJournal.open(path) as journal:
            installs.add(journal.install)
            boots.append(journal.boot)
    assert boots == [1, 2, 3]
    (install,) = installs
    assert len(install) == 8
    assert install.isalnum()
    async with await SqliteJournal.open(tmp_path / "other.db") as other:
        assert other.install != install
    async with await SqliteJournal.open(tmp_path / "named.db", install="seeded") as named:
        assert named.install == "seeded"


def test_the_virtual_journal_is_the_same_file(path: Path) -> None:
    with SyncJournal(path, install="virtual") as journal:
        for seq in range(1, 2_502):
            journal.append([str(seq).encode()], seq)
        with pytest.raises(FatalError, match="record 9 can't follow record 2501"):
            journal.append([b"x"], 9)
        assert sum(1 for _ in journal.read()) == 2_501
        journal.save_snapshot(2_500, b"state")
        with pytest.raises(FatalError, match="newest record is 2501"):
            journal.save_snapshot(2_502, b"state")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with SyncJournal(path) as journal:
        assert (journal.install, journal.boot, journal.last_seq) == ("virtual", 2, 2_501)
        assert journal.load_snapshot() == (2_500, b"state")
        assert list(journal.read(2_499)) == [(2_500, b"2500"), (2_501, b"2501")]


async def test_a_journal_of_one_kind_is_continued_by_the_other(path: Path) -> None:
    with SyncJournal(path) as journal:
        journal.append([b"one"], 1)
    async with await SqliteJournal.open(path) as journal:
        await journal.append([b"two"], 2)
        assert await contents(journal) == [(1, b"one"), (2, b"two")]


@given(batches=st.lists(st.lists(st.binary(max_size=40), max_size=5), max_size=5), boundary=st.integers(0, 5))
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_hash_knows_the_records_of_the_last_run_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[bytes]], boundary: int
) -> None:
    folder = tmp_path_factory.mktemp("hash")
    with SyncJournal(folder / "earlier.db") as journal:
        journal.append([b"of an earlier run"], 1)
    for name in ("earlier.db", "alone.db"):
        with SyncJournal(folder / name) as journal:
            for batch in batches:
                journal.append(batch, journal.last_seq + 1)
    with SyncJournal(folder / "at once.db") as journal:
        journal.append([record for batch in batches for record in batch], 1)
    hashes = [run_hash(folder / name) for name in ("earlier.db", "alone.db", "at once.db")]
    assert {(one.records, one.hexdigest) for one in hashes} == {(sum(map(len, batches)), hashes[0].hexdigest)}
    assert [one.boot for one in hashes] == [2, 1, 1]


def test_the_hash_tells_any_difference(path: Path, tmp_path: Path) -> None:
    def of(name: str, *records: bytes) -> str:
        with SyncJournal(tmp_path / name) as journal:
            journal.append(records, 1)
        return run_hash(tmp_path / name).hexdigest

    digests = [of("a", b"ab", b"c"), of("b", b"a", b"bc"), of("c", b"c", b"ab"), of("d", b"ab", b"c", b"")]
    assert len(set(digests)) == 4
    assert of("e") == hashlib.sha256().hexdigest()
    assert of("f", b"abc") == hashlib.sha256(b"\0\0\0\0\0\0\0\3abc").hexdigest()


async def test_the_hash_can_be_taken_while_the_engine_writes(path: Path) -> None:
    async with await SqliteJournal.open(path) as journal:
        await journal.append([b"one"], 1)
        assert run_hash(path).records == 1
        await journal.append([b"two"], 2)
        assert run_hash(path).records == 2
    assert run_hash(path).records == 2
