"""The emergency file and the journal together: nothing that was sent is missing or there twice (F33)."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from adapters.store.emergency import EmergencyFile, emergency_path, read_lines
from adapters.store.virtual import SyncJournal
from engine.model import effects as fx
from engine.model import events as ev
from engine.model.errors import RetryableError
from engine.runtime import journal_writer as writer_module
from tests.runtime.kills import RECORDS
from tests.runtime.test_journal_writer import CANCEL, CLOSE, ENTRY, STOP, record
from tests.runtime.test_journal_writer import Writing as Bench
from tests.support.engine_fakes import DOWN
from tests.support.patience import patient
from tests.support.waits import until

ROOT = Path(__file__).resolve().parents[2]


def killed_at_each_step(scene: str, folder: Path) -> list[Path]:
    """The home of every run, each killed one step later than the one before."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.runtime.kills", scene, str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=patient(120),
        check=True,
    )
    lines = done.stdout.split("\n")[:-1]
    assert [line.split()[1] for line in lines] == ["killed"] * (len(lines) - 1) + ["done"], done.stderr
    return [folder / line.split()[0] for line in lines]


def journal_after_restart(home: Path) -> list[bytes]:
    """What the next start finds, twice: taking over is done once, however often it is begun."""
    found = []
    for _ in range(2):
        with SyncJournal(home / "journal.db", install="kills") as journal:
            rows = list(journal.read())
        assert [seq for seq, _ in rows] == list(range(1, len(rows) + 1))
        found.append([body for _, body in rows])
        assert not read_lines(emergency_path(home / "journal.db"))
    assert found[0] == found[1]
    return found[0]


def test_f33_whatever_kills_it_between_any_two_steps_what_was_sent_is_in_the_journal_once(
    tmp_path: Path,
) -> None:
    homes = killed_at_each_step("outage", tmp_path)
    assert len(homes) > 30
    lengths = set()
    for home in homes:
        outbox = home / "outbox"
        sent = [int(line) for line in outbox.read_text().split()] if outbox.exists() else []
        assert sent == sorted(set(sent)), "something was sent twice"
        records = journal_after_restart(home)
        assert records == RECORDS[: len(records)], f"killed at step {home.name}"
        assert max(sent, default=0) <= len(records), f"killed at step {home.name}: sent without a record"
        lengths.add(len(records))
    assert lengths == {0, 1, 2, 3, 4, 5}


def test_f33_a_start_killed_while_it_takes_over_begins_again(tmp_path: Path) -> None:
    homes = killed_at_each_step("taking_over", tmp_path)
    assert len(homes) >= 6
    for home in homes:
        assert journal_after_restart(home) == RECORDS[:4]


class Writing(Bench):
    """The same with a real emergency file."""

    def __init__(self, folder: Path) -> None:
        self.path = emergency_path(folder / "journal.db")
        self.file = EmergencyFile(self.path, "t", 1, patience_s=5)
        super().__init__(self.file, patience_s=0.02)

    async def __aexit__(self, *_: object) -> None:
        await super().__aexit__()
        self.file.close()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "RETRY_S", 0.005)


async def test_f33_an_append_that_hangs_does_not_hold_protection_back(tmp_path: Path) -> None:
    async with Writing(tmp_path) as writing:
        writing.journal.gate.clear()
        writing.writer.write([record(1)], [ENTRY, STOP])
        await until(lambda: writing.broker.sent)
        assert writing.broker.sent == [STOP]
        [denied] = [e for e in writing.heard if isinstance(e, ev.Replied) and e.client_id == "e"]
        assert denied.outcome is ev.Outcome.UNSENT
        writing.writer.write([record(2)], [CLOSE])
        await until(lambda: len(writing.broker.sent) == 2)
        assert [line.seq for line in read_lines(writing.path)] == [1, 2]
        assert writing.journal.tries == 1, "a second append beside one that hangs"
        # It comes back, and has landed after all: nothing is sent again, and the file has done its work.
        writing.journal.gate.set()
        assert await writing.writer.flush(5)
        await until(lambda: not writing.writer.saved)
        assert writing.broker.sent == [STOP, CLOSE]
        assert len(writing.journal.records) == 2
        assert writing.states() == [False, True]
        assert read_lines(writing.path) == []
        writing.writer.write([record(3)], [CANCEL])
        await until(lambda: len(writing.broker.sent) == 3)
        assert writing.states() == [False, True]


async def test_f33_the_file_has_the_records_before_anything_goes_out(tmp_path: Path) -> None:
    async with Writing(tmp_path) as writing:
        writing.journal.error = DOWN
        seen: list[list[int]] = []

        async def look(_: object) -> None:
            seen.append([line.seq for line in read_lines(writing.path)])

        writing.broker.answer = look
        effects: tuple[fx.AnyEffect, ...] = (STOP, CANCEL, CLOSE)
        for n, effect in enumerate(effects, 1):
            writing.writer.write([record(n)], [effect])
            await until(partial(lambda n: len(seen) == n, n))
        assert seen == [[1], [1, 2], [1, 2, 3]]


async def test_f33_with_no_room_at_all_protection_passes_and_people_are_told(tmp_path: Path) -> None:
    async with Writing(tmp_path) as writing:
        writing.journal.error = DOWN

        class NoRoom:
            async def write(self, records: object, first_seq: int) -> None:
                raise RetryableError("no space left")

            async def clear(self) -> None:
                raise AssertionError("there is nothing to clear")

        writing.writer._emergency = NoRoom()
        writing.writer.write([record(1)], [STOP])
        writing.writer.write([record(2)], [ENTRY])
        await until(lambda: writing.broker.sent)
        assert writing.broker.sent == [STOP]
        told = [e.detail for e in writing.heard if isinstance(e, ev.JournalState)]
        assert "without being written down" in told[-1]
        # Room again: what was missing is written with the next one.
        writing.writer._emergency = writing.file
        writing.writer.write([record(3)], [CLOSE])
        await until(lambda: len(writing.broker.sent) == 2)
        assert [line.seq for line in read_lines(writing.path)] == [1, 2, 3]


async def test_f33_a_shutdown_without_the_journal_leaves_everything_in_the_file(tmp_path: Path) -> None:
    async with Writing(tmp_path) as writing:
        writing.journal.error = DOWN
        writing.writer.write([record(1)], [])
        writing.writer.write([record(2)], [])
        await until(lambda: writing.states() == [False])
        assert not await writing.writer.flush(0.01)
        assert [line.seq for line in read_lines(writing.path)] == [1, 2]
