"""A trade by hand at a venue's twin, by a process that is killed (SIGKILL) and started again.

The twin lives on in this process, and its books are the judge.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import msgspec

from adapters.store.journal import SqliteJournal
from engine.model.orders import OrderType
from tests.acceptance.door import Door
from tests.acceptance.runs import kept
from tests.acceptance.tws import tws_under_test
from tests.acceptance.under_fire import FAULTS, Faults, beating, judge, watched
from tests.acceptance.venue_under_test import START, VenueUnderTest
from tests.acceptance.venues import door_to, kind_under_test
from tests.support.patience import patient
from tests.support.waits import until
from tests.torture.trading_child import Job, Word

ROOT = Path(__file__).parents[2]
LONGEST_S = 90.0
"""For a start, and until everything is over: what is silent or hung is noticed well before."""
TWS_FAULTS: Faults = (
    lambda rng: ("lost-request", {"nth": rng.randint(1, 4)}),
    lambda rng: ("lost-reply", {"nth": rng.randint(1, 4)}),
    lambda rng: ("duplicate", {}),
    lambda rng: ("reset", {}),
)
"""Those of its twin that have the same names."""
SOON_S, LATER_S = 0.05, 1.5
"""After what is waited for, a kill comes within this time; by the clock alone, within that."""


@dataclass
class KillTally:
    """What came to pass."""

    scenes: int = 0
    kills: dict[str, int] = field(default_factory=dict)
    """By the moment."""
    trades: int = 0
    """Scenes in which something was bought."""
    again: int = 0
    """Commands that were given a second time to the next process."""
    restart_s: list[float] = field(default_factory=list)
    """From a process's start to a position that has its stop, or to the proof that there is none."""


class Program:
    """One process that trades at a venue."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.began = time.monotonic()

    @classmethod
    async def start(cls, job: Job) -> Program:
        folder = Path(job.folder)
        with (folder / "errors.txt").open("ab") as errors:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.torture.trading_child", msgspec.json.encode(job).decode(),
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=errors, cwd=ROOT,
            )  # fmt: skip
        return cls(process)

    async def ready(self) -> None:
        """Until it may trade."""
        assert self._process.stdout is not None
        async with asyncio.timeout(patient(LONGEST_S)):
            told = await self._process.stdout.readline()
        assert told, "the process ended before it could trade: see errors.txt"

    def say(self, word: Word) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{word}\n".encode())

    async def kill(self) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()

    async def end(self) -> None:
        self.say(Word.END)
        async with asyncio.timeout(patient(LONGEST_S)):
            assert await self._process.wait() == 0, "it did not end well: see errors.txt"


async def killed_at(name: str, folder: Path, seed: int, tally: KillTally) -> None:
    """One scene at the twin of a kind."""
    if name == "ibkr":
        async with tws_under_test() as tws:
            await killed_trade(tws, tws.door, folder, seed, tally, TWS_FAULTS)
        return
    async with kind_under_test(name) as venue:
        door = door_to(name, venue.twin, venue.instrument)
        await killed_trade(venue, door, folder, seed, tally)


async def killed_trade(
    venue: VenueUnderTest, door: Door, folder: Path, seed: int, tally: KillTally, faults: Faults = FAULTS
) -> None:
    """Buy, be killed at some moment, perhaps again while it recovers, and flatten at last."""
    rng, worst = Random(seed), [0, 0]
    tally.scenes += 1
    begun_ns = time.monotonic_ns() - (venue.clock() - START)
    job = Job(door, venue.price, venue.qty, begun_ns, f"{folder}")
    async with beating(venue) as level, watched(venue, worst):
        level.append(venue.price)
        async with _program(job) as first:
            await first.ready()
            if rng.random() < 0.5:
                name, options = rng.choice(faults)(rng)
                venue.fault(name, **options)
            first.say(Word.BUY)
            await _moment(venue, rng, tally)
        for _ in range(rng.randint(0, 2)):
            async with _program(job):
                await asyncio.sleep(rng.uniform(0, 2 * LATER_S))
                _count(tally, "while it starts or recovers")
        async with _program(job) as last:
            await last.ready()
            if rng.random() < 0.5:
                tally.again += 1
                last.say(Word.BUY)  # the same command: what is known of it is not done again
            await until(lambda: _safe(venue), LONGEST_S)
            tally.restart_s.append(time.monotonic() - last.began)
            last.say(Word.FLATTEN)
            await until(lambda: not venue.held() and not venue.working(), LONGEST_S)
            await last.end()
    judge(venue, worst, seed)
    async with await SqliteJournal.open(folder / "journal.db") as journal:
        book = (await kept(journal)).book(venue.name)
    assert not book.position(venue.symbol).qty, f"seed {seed}: the journal holds a position"
    tally.trades += bool(venue.traded())


def _safe(venue: VenueUnderTest) -> bool:
    """Nothing is held and nothing is under way, or all that is held has its stop."""
    held, working = venue.held(), venue.working()
    stopped = sum(one.qty - one.filled_qty for one in working if one.type is OrderType.STOP)
    return stopped == held if held else not working


async def _moment(venue: VenueUnderTest, rng: Random, tally: KillTally) -> None:
    """Wait for when the process is to be killed."""
    moments: dict[str, Callable[[], bool]] = {
        "an order has arrived": lambda: bool(venue.working()) or venue.traded() > 0,
        "it is filled": lambda: venue.held() == venue.qty,
        "its stop has arrived": lambda: any(one.type is OrderType.STOP for one in venue.working()),
    }
    what = rng.choice(["whenever", *moments])
    if what == "whenever":
        await asyncio.sleep(rng.uniform(0, LATER_S))
    else:
        with suppress(TimeoutError):  # a fault may keep it from ever coming
            await until(moments[what], 5 * LATER_S)
        await asyncio.sleep(rng.uniform(0, SOON_S))
    _count(tally, what)


def _count(tally: KillTally, what: str) -> None:
    tally.kills[what] = tally.kills.get(what, 0) + 1


@asynccontextmanager
async def _program(job: Job) -> AsyncIterator[Program]:
    program = await Program.start(job)
    try:
        yield program
    finally:
        await program.kill()
