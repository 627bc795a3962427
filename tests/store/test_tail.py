"""A -wal that is damaged or gone: what holds the engine back is there all the same, and the loss is known."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from adapters.store.journal import SqliteJournal
from adapters.store.tail import lasting, noted
from engine.model import records as r
from engine.model.restrictions import TradingState

ROOT = Path(__file__).resolve().parents[2]

HALT = r.StateChanged(ts=1, book=None, instrument=None, state=TradingState.HALTED, reason="by hand")
PLAIN = r.Reconciled(ts=1, book="b", orders=0, positions=0)

CRASH = """
import asyncio, os, sys
from pathlib import Path
from adapters.store.journal import SqliteJournal
from tests.store.test_tail import HALT, PLAIN
from engine.model.records import encode

async def main(order):
    journal = await SqliteJournal.open(Path(sys.argv[1]), install="tail")
    for seq, kind in enumerate(order, 1):
        await journal.append([encode(HALT if kind == "h" else PLAIN)], seq)
    await journal._thread.do(lambda: None)
    os._exit(0)

asyncio.run(main(sys.argv[2]))
"""


def crashed(path: Path, order: str) -> Path:
    """A process that wrote halts (h) and plain records (p) and died without closing; its -wal."""
    subprocess.run([sys.executable, "-c", CRASH, str(path), order], cwd=ROOT, check=True, env=os.environ)
    wal = path.with_name(f"{path.name}-wal")
    assert wal.stat().st_size
    return wal


def deleted(wal: Path) -> None:
    wal.unlink()
    wal.with_name(wal.name.replace("-wal", "-shm")).unlink(missing_ok=True)


def torn(wal: Path) -> None:
    """The newest frames can't be read."""
    body = bytearray(wal.read_bytes())
    newest = body.rindex(b'{"record"')  # behind it there is only room
    body[newest : newest + 20] = b"\xff" * 20
    wal.write_bytes(body)


def headless(wal: Path) -> None:
    """Not even where it begins can be read."""
    wal.write_bytes(b"\0" * 32 + wal.read_bytes()[32:])


@pytest.mark.parametrize("damage", [deleted, torn, headless])
async def test_f49_a_halt_outlives_the_wal_and_what_is_lost_is_known(tmp_path: Path, damage: object) -> None:
    path = tmp_path / "journal.db"
    assert callable(damage)
    damage(crashed(path, "phpp"))
    async with await SqliteJournal.open(path) as journal:
        kept = [r.decode(raw) async for _, raw in journal.read()]
        assert HALT in kept
        assert journal.lost == 4 - len(kept) > 0
        assert (journal.install, journal.boot) == ("tail", 2), "no client id can come twice"
        await journal.append([r.encode(PLAIN)], len(kept) + 1)
    async with await SqliteJournal.open(path) as journal:
        assert journal.lost == 0, "it is told once"


async def test_f49_a_wal_that_is_whole_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    crashed(path, "pph")
    async with await SqliteJournal.open(path) as journal:
        assert (journal.last_seq, journal.lost) == (3, 0)


def test_f49_what_must_last_is_known_by_its_first_bytes() -> None:
    assert lasting([r.encode(PLAIN), r.encode(HALT)])
    assert not lasting([r.encode(PLAIN)])


@pytest.mark.parametrize("body", [b"", b"tail", b"tail x", b"other 00000000000000000009", b"\xff\xfe"])
def test_f49_a_note_that_says_nothing_is_no_loss(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "journal.db"
    assert noted(path, "tail") == 0
    path.with_name("journal.db.newest").write_bytes(body)
    assert noted(path, "tail") == 0
