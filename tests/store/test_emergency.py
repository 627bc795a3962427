"""The emergency file by itself: room taken beforehand, torn lines, disks that refuse or hang."""

from __future__ import annotations

import asyncio
import os
import resource
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.store import emergency
from adapters.store.emergency import RESERVE_BYTES, EmergencyFile, EmergencyLine, emergency_path, read_lines
from adapters.store.journal import SqliteJournal
from adapters.store.virtual import SyncJournal
from engine.model.errors import RetryableError
from tests.support.patience import patient

ONE, TWO, THREE = b'{"record":"one"}', b'{"record":"two","v":1}', b'{"record":"three"}'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db.emergency"


def stored(path: Path) -> list[tuple[int, bytes]]:
    return [(line.seq, bytes(line.record)) for line in read_lines(path)]


async def test_records_are_kept_byte_for_byte_in_a_file_of_its_owner_only(path: Path) -> None:
    file = EmergencyFile(path, "install", 1)
    await file.write([ONE, TWO], 7)
    await file.write([THREE], 9)
    assert stored(path) == [(7, ONE), (8, TWO), (9, THREE)]
    assert {line.install for line in read_lines(path)} == {"install"}
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    file.close()
    again = EmergencyFile(path, "install", 2)
    await again.write([ONE], 10)
    assert [seq for seq, _ in stored(path)] == [7, 8, 9, 10]
    again.close()


async def test_what_the_journal_has_taken_over_is_put_aside_and_kept(path: Path) -> None:
    file = EmergencyFile(path, "install", 3)
    for n in (1, 2):
        await file.write([ONE], n)
        await file.clear()
        assert stored(path) == []
        assert os.stat(path).st_size == RESERVE_BYTES
        assert stored(path.with_name(f"{path.name}-3-{n}")) == [(n, ONE)]
    file.close()


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """No file of this process may grow beyond a size: as on a disk with nothing left."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_f33_a_full_disk_still_takes_what_there_is_room_for(path: Path) -> None:
    file = EmergencyFile(path, "install", 1)
    big = b'"' + b"x" * 20_000 + b'"'
    with full_disk(RESERVE_BYTES):
        for n in range(1, 14):
            await file.write([big], n)
        with pytest.raises(RetryableError, match="can't be written"):
            await file.write([big], 14)
        await file.write([ONE], 14)
    assert stored(path) == [*((n, big) for n in range(1, 14)), (14, ONE)]
    await file.write([big] * 5, 15)
    assert [seq for seq, _ in stored(path)] == list(range(1, 20))
    file.close()


async def test_f33_without_room_beforehand_a_little_may_still_fit(path: Path) -> None:
    with full_disk(1000):
        file = EmergencyFile(path, "install", 1)
        await file.write([ONE], 1)
        with pytest.raises(RetryableError):
            await file.write([b'"' + b"x" * 2000 + b'"'], 2)
    assert stored(path) == [(1, ONE)]
    file.close()


async def test_f33_a_disk_that_hangs_is_not_waited_for(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = EmergencyFile(path, "install", 1, patience_s=0.02)
    released = threading.Event()
    sync = os.fsync

    def hang(descriptor: int) -> None:
        assert released.wait(patient(10))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", hang)
    for _ in range(2):
        with pytest.raises(RetryableError, match="does not answer"):
            await file.write([ONE], 1)
    released.set()
    async with asyncio.timeout(patient(5)):
        while file._busy:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    # The same record may come again: replaying a number twice stores it once.
    await file.write([ONE, TWO], 1)
    assert stored(path) == [(1, ONE), (1, ONE), (2, TWO)]
    file.close()


@settings(max_examples=60)
@given(
    records=st.lists(st.text(max_size=30).map(msgspec.json.encode), min_size=1, max_size=5),
    cut=st.integers(0, 400),
    rest=st.binary(max_size=40),
)
def test_a_torn_file_gives_its_whole_lines_and_no_other(records: list[bytes], cut: int, rest: bytes) -> None:
    lines = [EmergencyLine("i", n, msgspec.Raw(body)) for n, body in enumerate(records, 1)]
    whole = [msgspec.json.encode(line) + b"\n" for line in lines]
    text = b"".join(whole)
    cut = min(cut, len(text))
    kept, end = emergency._parse(text[:cut] + b"\0" * 10 + rest)
    fits = 0
    while fits < len(whole) and len(b"".join(whole[: fits + 1])) <= cut:
        fits += 1
    assert [(line.seq, bytes(line.record)) for line in kept] == list(enumerate(records, 1))[:fits]
    assert end == len(b"".join(whole[:fits]))


# --- what the journal does with it ---------------------------------------------------------------------


def left_behind(journal: Path, records: list[bytes], first: int, install: str = "mine") -> None:
    file = EmergencyFile(emergency_path(journal), install, 1)
    asyncio.run(file.write(records, first))
    file.close()


@pytest.mark.parametrize("first", [1, 2, 3])
def test_f33_the_next_start_takes_over_what_did_not_land(tmp_path: Path, first: int) -> None:
    path = tmp_path / "journal.db"
    with SyncJournal(path, install="mine") as journal:
        journal.append([ONE, TWO], 1)
    left_behind(path, [ONE, TWO, THREE][first - 1 :], first)
    with SyncJournal(path) as journal:
        assert [body for _, body in journal.read()] == [ONE, TWO, THREE]
        assert (journal.last_seq, journal.boot) == (3, 2)
    aside = path.with_name("journal.db.emergency-2")
    assert [seq for seq, _ in stored(aside)] == list(range(first, 4))


@pytest.mark.parametrize(
    ("records", "first", "install"),
    [([THREE], 2, "mine"), ([THREE], 9, "mine"), ([THREE], 3, "other")],
    ids=["another record", "a gap", "another journal"],
)
def test_a_file_of_another_journal_is_put_aside_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, records: list[bytes], first: int, install: str
) -> None:
    path = tmp_path / "journal.db"
    with SyncJournal(path, install="mine") as journal:
        journal.append([ONE, TWO], 1)
    left_behind(path, records, first, install)
    with SyncJournal(path) as journal:
        assert [body for _, body in journal.read()] == [ONE, TWO]
    assert "does not belong to this journal" in caplog.text
    assert not emergency_path(path).exists()
    assert stored(path.with_name("journal.db.emergency-2"))


async def test_f34_the_second_opener_of_a_journal_is_told_who_was_first(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with await SqliteJournal.open(path):
        with pytest.raises(Exception, match=f"the journal .* process id {os.getpid()}; stop that one first"):
            await SqliteJournal.open(path)
        with pytest.raises(Exception, match=f"process id {os.getpid()}"):
            SyncJournal(path)
    with SyncJournal(path) as journal:
        assert journal.boot == 2
