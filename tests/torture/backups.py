"""Backups made at random moments of a day with kills: each, put back, is the journal as of its end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import msgspec

from adapters.store.journal import SqliteJournal
from adapters.store.reading import stored
from engine.model import records as r
from engine.runtime import recovery
from engine.state.fold import apply
from engine.state.state import State
from tests.torture.kill_plan import plan
from tests.torture.killed_day import KilledDay
from tstream import paths
from tstream.paths import Paths
from tstream.run.backups import BackupPlace, Made, backups, make, verify
from tstream.run.restoring import restore

VENUE = "torture"
KILLS = 12
LONGEST_WAIT_S = 3.0
_SECOND_NS = 1_000_000_000
ROOT = Path(__file__).resolve().parents[2]


@dataclass
class BackupTally:
    """What a day came to."""

    kills: int = 0
    records: list[int] = field(default_factory=list)
    """Numbers of the records at which backups ended, as they were made."""
    made_s: list[float] = field(default_factory=list)
    """How long each took, real seconds."""
    restored_s: list[float] = field(default_factory=list)
    makers_killed: int = 0
    restorers_killed: int = 0
    whole: int = 0
    """Backups that makers had finished before they were killed."""


def home(folder: Path) -> Paths:
    found = paths.find({paths.HOME_VARIABLE: str(folder)})
    found.create()
    return found


class BackedUpDay:
    """A day that is killed again and again, and of which backups are made meanwhile."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._rng = random.Random(seed)
        self._folder = folder
        self._paths = home(folder / "home")
        self._place = BackupPlace(self._paths, self._paths.backups)
        self._seed = seed
        self._made: list[Made] = []
        self.tally = BackupTally()

    def play(self, count: int) -> BackupTally:
        """So many backups at least, each put back and compared. Raises AssertionError."""
        return asyncio.run(self._play(count))

    async def _play(self, count: int) -> BackupTally:
        day_folder = self._folder / "day"
        day_folder.mkdir()
        day = KilledDay(day_folder, self._seed)
        day.journal = self._paths.journal(VENUE)
        day.journal.parent.mkdir(parents=True)
        making = asyncio.create_task(self._make_some())
        try:
            outcome = await day.run(plan(self._rng, max(KILLS, count)))
        finally:
            making.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await making
        self.tally.kills = sum(outcome.kills.values()) + sum(outcome.missed.values())
        assert len(self._made) >= count, f"the day was too short: {len(self._made)} backups"
        for made in self._rng.sample(self._made, count):
            await self._compare(made, day.records)
        self._kill_makers(count)
        self._kill_restorers(count)
        return self.tally

    async def _make_some(self) -> None:
        stamp = time.time_ns() - 10**6 * _SECOND_NS
        while True:
            await asyncio.sleep(self._rng.uniform(0.05, LONGEST_WAIT_S))
            if not self._paths.journal(VENUE).exists() or not self._paths.journal(VENUE).stat().st_size:
                continue
            stamp += _SECOND_NS
            now = partial(int, stamp)
            began = time.monotonic()
            self._made.append(await asyncio.to_thread(make, self._place, keep=True, now=now))
            self.tally.made_s.append(time.monotonic() - began)

    async def _compare(self, made: Made, day: list[r.AnyRecord]) -> None:
        (mark,) = made.manifest.journals
        there = home(self._folder / f"restored-{mark.records}-{made.backup.made_ns}")
        began = time.monotonic()
        restore(there, made.backup.file)
        self.tally.restored_s.append(time.monotonic() - began)
        self.tally.records.append(mark.records)
        journal = there.journal(VENUE)
        told = [r.decode(raw) for _, raw in stored(journal)]
        assert told == day[: mark.records], f"other records than the day's first {mark.records}"
        folded = State()
        for record in day[: mark.records]:
            apply(folded, record)
        async with await SqliteJournal.open(journal) as opened:
            assert opened.restored_ns == made.manifest.made_ns
            state = await recovery.restore(opened)
        assert _exact(state) == _exact(folded), f"another state at record {mark.records}"

    def _kill_makers(self, count: int) -> None:
        """Whoever makes a backup is killed at a random moment: there is a whole one more, or none."""
        environment = {**os.environ, paths.HOME_VARIABLE: str(self._paths.config)}
        command = [sys.executable, "-m", "tstream", "backup", "create"]
        began = time.monotonic()
        subprocess.run(command, env=environment, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        whole_s = time.monotonic() - began
        for _ in range(count):
            before = {one.file for one in backups(self._place.folder)}
            process = subprocess.Popen(
                command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            time.sleep(self._rng.uniform(0.4, 1.3) * whole_s)
            process.send_signal(signal.SIGKILL)
            process.wait()
            self.tally.makers_killed += 1
            for one in backups(self._place.folder):
                if one.file not in before:
                    verify(one.file)
                    self.tally.whole += 1
        make(self._place)
        left = [
            one.name for one in self._place.folder.iterdir() if one.name.startswith((".making", ".tstream"))
        ]
        assert not left, f"not swept: {left}"

    def _kill_restorers(self, count: int) -> None:
        """Whoever puts a backup back is killed at a random moment: the same again does all of it, and what
        was there before is never gone.
        """
        (newest, *_) = backups(self._place.folder)
        wanted = [raw for _, raw in stored(self._paths.journal(VENUE))]
        environment = {**os.environ, paths.HOME_VARIABLE: str(self._paths.config)}
        command = [sys.executable, "-m", "tstream", "backup", "restore", newest.file.name, "--yes"]
        began = time.monotonic()
        subprocess.run(command, env=environment, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        whole_s = time.monotonic() - began
        for _ in range(count):
            process = subprocess.Popen(
                command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            time.sleep(self._rng.uniform(0.4, 1.1) * whole_s)
            process.send_signal(signal.SIGKILL)
            process.wait()
            self.tally.restorers_killed += 1
            journal = self._paths.journal(VENUE)
            aside = self._paths.data.glob(f"before-restore-*/data/{VENUE}/journal.db")
            assert journal.exists() or any(aside), "the journal is gone"
        restore(self._paths, newest.file)
        assert not [*self._paths.data.glob(".restoring-*")], "not swept"
        assert [raw for _, raw in stored(self._paths.journal(VENUE))] == wanted


def _exact(state: State) -> bytes:
    """All of a state; sets know no order."""
    return msgspec.json.encode(state, order="deterministic")
