"""Copies of databases that others hold: of one moment, whole, and with what the emergency file has."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from adapters.simulator.exchange.store import Store
from adapters.store import schema
from adapters.store.backups.archive import BackupError
from adapters.store.backups.copies import check_database, check_journal, copy_database, copy_journal
from adapters.store.emergency import EmergencyLine, emergency_path
from adapters.store.journal import SqliteJournal
from adapters.store.opening import mark_restored
from adapters.store.reading import stored
from adapters.store.virtual import SyncJournal


def record(number: int) -> bytes:
    return b'{"record":"x","n":%d}' % number


def journal(path: Path, count: int) -> Path:
    with SyncJournal(path, install="home") as made:
        made.append([record(n) for n in range(1, count + 1)], 1)
    return path


async def test_a_journal_is_copied_while_it_is_written(tmp_path: Path) -> None:
    """Whatever moment it is of, it is one: no gap, nothing half."""
    source = tmp_path / "journal.db"
    async with await SqliteJournal.open(source, install="home") as live:
        marks = []
        for start in range(1, 160, 40):
            writing = [live.append([record(n)], n) for n in range(start, start + 40)]
            target = tmp_path / f"copy-{start}.db"
            marks.append(await asyncio.to_thread(copy_journal, source, target, "v"))
            await asyncio.gather(*writing)
            assert [raw for _, raw in stored(target)] == [record(n) for n in range(1, marks[-1].records + 1)]
    assert [mark.records for mark in marks] == sorted(mark.records for mark in marks)
    assert {(mark.venue, mark.install, mark.boot) for mark in marks} == {("v", "home", 1)}


def test_what_only_the_emergency_file_has_is_in_the_copy(tmp_path: Path) -> None:
    source = journal(tmp_path / "journal.db", 3)
    lines = [EmergencyLine("home", seq, msgspec.Raw(record(seq))) for seq in (3, 4, 5)]
    emergency_path(source).write_bytes(
        b"".join(msgspec.json.encode(line) + b"\n" for line in lines) + b"{torn"
    )
    assert copy_journal(source, tmp_path / "copy.db", "v").records == 5
    assert [raw for _, raw in stored(tmp_path / "copy.db")] == [record(n) for n in range(1, 6)]
    assert check_journal(source, "v").records == 3, "the journal itself is only read"


def test_a_journal_of_before_is_brought_to_this_layout_in_the_copy_alone(tmp_path: Path) -> None:
    source = tmp_path / "journal.db"
    with closing(sqlite3.connect(source, isolation_level=None)) as db:
        schema.migrate(db, 1)
        db.execute("INSERT INTO meta VALUES ('install', 'old'), ('boot', '7')")
        db.execute("INSERT INTO records VALUES (1, ?)", (record(1),))
    assert copy_journal(source, tmp_path / "copy.db", "v").boot == 7
    with closing(sqlite3.connect(source)) as db:
        assert schema.version_of(db) == 1


def ruined(path: Path) -> None:
    body = bytearray(path.read_bytes())
    body[4096 * 2 : 4096 * 3] = b"\xff" * 4096
    path.write_bytes(body)


def test_damage_is_found(tmp_path: Path) -> None:
    source = journal(tmp_path / "journal.db", 2000)
    ruined(source)
    with pytest.raises(BackupError, match=r"damaged|can't be copied"):
        copy_journal(source, tmp_path / "copy.db", "v")
    with closing(sqlite3.connect(tmp_path / "gap.db", isolation_level=None)) as db:
        schema.migrate(db)
        db.execute("INSERT INTO records VALUES (1, x'00'), (3, x'00')")
    with pytest.raises(BackupError, match="2 records are numbered from 1 to 3"):
        check_journal(tmp_path / "gap.db", "v")
    (tmp_path / "text.db").write_text("no database at all" * 100)
    with pytest.raises(BackupError):
        copy_journal(tmp_path / "text.db", tmp_path / "copy2.db", "v")


HOLDER = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA locking_mode = EXCLUSIVE")
db.execute("PRAGMA journal_mode = WAL")
db.execute("PRAGMA synchronous = OFF")
db.execute("PRAGMA wal_autocheckpoint = 20")
db.execute("CREATE TABLE t (n INTEGER, m INTEGER)")
print("held", flush=True)
n = 0
while True:
    n += 1
    db.execute("BEGIN")
    db.execute("INSERT INTO t VALUES (?, ?)", (n, 0))
    db.execute("UPDATE t SET m = ? WHERE n > ?", (n, n - 50))
    db.execute("COMMIT")
    if n % 30 == 0 and sys.stdin.readline() == "":
        break
"""


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Path]:
    """A database that another process holds alone and goes on writing when it is told."""
    path = tmp_path / "venue.db"
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    stop = threading.Event()

    def push() -> None:
        assert process.stdin is not None
        while not stop.wait(0.2):
            process.stdin.write("\n")
            process.stdin.flush()

    pushing = threading.Thread(target=push)
    pushing.start()
    yield path
    stop.set()
    pushing.join()
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()


def test_a_database_that_its_process_holds_alone_is_copied_as_of_one_commit(
    tmp_path: Path, held: Path
) -> None:
    for turn in range(3):
        copy = tmp_path / f"copy-{turn}.db"
        copy_database(held, copy)
        with closing(sqlite3.connect(copy)) as db:
            count, last = db.execute("SELECT count(*), max(n) FROM t").fetchone()
            assert count == last
            assert db.execute("SELECT min(m) FROM t WHERE n > ?", (last - 50,)).fetchone() == (last,)
        assert not (tmp_path / f"copy-{turn}.db-wal").exists()


def test_the_book_of_a_practice_venue_is_such_a_database(tmp_path: Path) -> None:
    store = Store(tmp_path / "venue.db")
    try:
        copy_database(tmp_path / "venue.db", tmp_path / "copy.db")
    finally:
        store.close()
    check_database(tmp_path / "copy.db")
    again = Store(tmp_path / "copy.db")
    again.close()


async def test_a_restored_journal_says_so_until_a_run_has_written_it_down(tmp_path: Path) -> None:
    path = journal(tmp_path / "journal.db", 3)
    mark_restored(path, 99, boot=5_000)
    for boot in (5_001, 5_002):  # a run that dies before its first record has told nobody
        async with await SqliteJournal.open(path) as opened:
            assert (opened.restored_ns, opened.boot, opened.install) == (99, boot, "home")
    async with await SqliteJournal.open(path) as opened:
        await opened.append([record(4)], 4)
    async with await SqliteJournal.open(path) as opened:
        assert opened.restored_ns == 0
