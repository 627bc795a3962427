"""Opening a journal: what is no journal, what is damaged, what is older or newer."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from adapters.store.hashing import run_hash
from adapters.store.journal import SqliteJournal
from adapters.store.opening import begin_run
from adapters.store.schema import APPLICATION_ID, VERSION, migrate, version_of
from adapters.store.virtual import SyncJournal
from engine.model.errors import FatalError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def filled(path: Path, records: int = 200) -> bytes:
    """A journal of some pages; gives its bytes."""
    with SyncJournal(path) as journal:
        journal.append([b"x" * 500] * records, 1)
    return path.read_bytes()


def layout_one(path: Path, *, boot: int | None) -> None:
    """A journal as the first layout had it: boots counted in meta, no runs, no snapshots."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        migrate(db, to=1)
        db.executemany("INSERT INTO records VALUES (?, ?)", [(1, b"one"), (2, b"two")])
        db.execute("INSERT INTO meta VALUES ('install', 'old')")
        if boot is not None:
            db.execute("INSERT INTO meta VALUES ('boot', ?)", (str(boot),))


async def test_an_older_layout_is_migrated_and_a_copy_kept(path: Path) -> None:
    layout_one(path, boot=41)
    async with await SqliteJournal.open(path) as journal:
        assert (journal.install, journal.boot, journal.last_seq) == ("old", 42, 2)
        await journal.append([b"three"], 3)
        await journal.save_snapshot(3, b"state")
        assert [body async for _, body in journal.read()] == [b"one", b"two", b"three"]
    copy = path.with_name("journal.db.layout1")
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with closing(sqlite3.connect(copy)) as db:
        assert version_of(db) == 1
        assert db.execute("SELECT body FROM records ORDER BY seq").fetchall() == [(b"one",), (b"two",)]
    async with await SqliteJournal.open(path) as journal:
        assert journal.boot == 43


def test_an_older_layout_that_never_ran_starts_at_boot_one(path: Path) -> None:
    layout_one(path, boot=None)
    assert begin_run(path).boot == 1


def test_an_empty_file_becomes_a_journal(path: Path) -> None:
    path.touch(mode=0o644)
    assert begin_run(path).last_seq == 0
    with closing(sqlite3.connect(path)) as db:
        assert version_of(db) == VERSION
        assert db.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    assert list(path.parent.glob("*.layout*")) == []


def test_a_failing_migration_changes_nothing(path: Path) -> None:
    layout_one(path, boot=1)
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE snapshots (in_the_way)")
    with pytest.raises(FatalError, match="already exists"):
        begin_run(path)
    with closing(sqlite3.connect(path)) as db:
        assert version_of(db) == 1
        assert db.execute("SELECT value FROM meta WHERE key = 'boot'").fetchone() == ("1",)
        assert db.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'runs'").fetchone() == (0,)


def refused(path: Path) -> str:
    """Opening fails, by either journal and for the hash, and leaves the file as it is; gives the reason."""
    before = path.read_bytes()
    with pytest.raises(FatalError) as caught:
        begin_run(path)
    assert path.read_bytes() == before
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_newer_journal_is_not_touched(path: Path) -> None:
    filled(path)
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {VERSION + 1}")
    assert f"newer tstream (layout {VERSION + 1}, this one knows {VERSION}); update" in refused(path)
    with pytest.raises(FatalError, match="newer tstream"):
        run_hash(path)


def test_somebody_elses_database_is_not_touched(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE songs (title)")
    assert "not a journal of tstream; move it away" in refused(path)


def test_a_file_that_is_no_database_is_not_replaced(path: Path) -> None:
    path.write_bytes(b"dear diary, " * 1000)
    assert "is damaged (file is not a database); it was left as it is" in refused(path)
    with pytest.raises(FatalError, match="is damaged"):
        run_hash(path)


@pytest.mark.parametrize("where", [0.3, 0.6, 0.9])
def test_a_damaged_journal_is_not_replaced(path: Path, where: float) -> None:
    data = bytearray(filled(path))
    start = int(len(data) * where) // 4096 * 4096
    data[start : start + 64] = b"\xff" * 64
    path.write_bytes(bytes(data))
    assert "is damaged" in refused(path)


def test_a_journal_cut_short_is_not_replaced(path: Path) -> None:
    data = filled(path)
    path.write_bytes(data[: len(data) // 2 // 4096 * 4096])
    assert "is damaged" in refused(path)


def test_missing_records_are_noticed(path: Path) -> None:
    filled(path)
    with closing(sqlite3.connect(path)) as db:
        db.execute("DELETE FROM records WHERE seq = 100")
        db.commit()
    assert "199 records are numbered from 1 to 200" in refused(path)


def test_a_journal_in_use_by_a_stuck_program_is_refused_with_a_remedy(path: Path) -> None:
    filled(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(FatalError, match="database is locked; free the disk or stop the program"):
            begin_run(path, wait_s=0.01)


def test_a_place_that_cant_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FatalError, match="can't write the journal"):
        begin_run(tmp_path / "file" / "journal.db")
    with pytest.raises(FatalError, match="Is a directory"):
        begin_run(tmp_path)


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(FatalError, match="Permission denied; check the folder's rights"):
        begin_run(tmp_path / "journal.db")


def test_without_a_journal_there_is_no_hash(path: Path) -> None:
    with pytest.raises(FatalError, match="there is no journal at"):
        run_hash(path)
    assert not path.exists()
    layout_one(path, boot=1)
    with pytest.raises(FatalError, match="knows of no run yet"):
        run_hash(path)
