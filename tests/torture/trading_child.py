"""The process that trades by hand at a venue's twin, and is killed: the adapter and the engine as a run has
them.

`python -m tests.torture.trading_child JOB` takes words on stdin, one a line; on stdout it says when it may
trade.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import NoReturn

import msgspec
from msgspec import Struct

from engine.model.commands import Flatten
from engine.model.market import Bar
from engine.ports import OpenVenue
from tests.acceptance.cards import STEP
from tests.acceptance.door import Door, adapter
from tests.acceptance.runs import EngineRun, engine_on
from tests.acceptance.venue_under_test import START, VenueUnderTest
from tests.support.waits import until

BUYING = "the-one-command"
"""Its id in every process of a scene."""


class Word(StrEnum):
    """What it is told."""

    BUY = "buy"
    FLATTEN = "flatten"
    END = "end"
    """Once it knows that nothing is left."""


class Job(Struct, frozen=True):
    """Prices are ticks, quantities lots."""

    door: Door
    price: int
    """Where the market began."""
    qty: int
    begun_ns: int
    """When the twin's clock stood at START, on the clock that never steps."""
    folder: str
    """Of the journal."""


class FarVenue(VenueUnderTest):
    """Its twin lives in another process, which alone moves the market and knows the venue's books."""

    past: Sequence[Bar] = ()

    def __init__(self, job: Job) -> None:
        self._door = job.door
        self.name = job.door.kind
        self.instrument, self.price, self.qty = job.door.instrument, job.price, job.qty
        self.clock = lambda: START + time.monotonic_ns() - job.begun_ns

    def open(self) -> OpenVenue:
        return adapter(self._door, self.clock)

    def market(self, price: int, size: int | None = None) -> None:
        """It goes on by itself."""

    def fault(self, name: str, /, **options: str | float) -> NoReturn:
        raise AssertionError(_FAR)

    def held(self) -> NoReturn:
        raise AssertionError(_FAR)

    def working(self) -> NoReturn:
        raise AssertionError(_FAR)

    def traded(self) -> NoReturn:
        raise AssertionError(_FAR)


_FAR = "only the twin's own process knows"


async def work(job: Job) -> None:
    """Until the word to end, or the end of what it is told."""
    venue = FarVenue(job)
    words = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(words), sys.stdin)
    async with engine_on(venue, Path(job.folder)) as run:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while line := await words.readline():
            word = Word(line.decode().strip())
            if word is Word.END:
                await until(lambda: not (run.qty() or run.book.flattening or run.book.plans), 60)
                break
            await _obey(run, word)


async def _obey(run: EngineRun, word: Word) -> None:
    price = run.venue.price
    if word is Word.BUY:
        await run.order(BUYING, stop=price - 2 * STEP, target=price + 2 * STEP)
    else:
        await run.say(Flatten(id=f"all-{run.core.config.boot}", source="cli"))


if __name__ == "__main__":
    asyncio.run(work(msgspec.json.decode(sys.argv[1], type=Job)))
