"""The card for long runs: a trade while a seeded handful of faults is at work, whatever comes of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from engine.model.commands import Flatten
from tests.acceptance.cards import STEP
from tests.acceptance.runs import EngineRun, engine_on
from tests.acceptance.venue_under_test import VenueUnderTest
from tests.support.waits import until

Given = Mapping[str, str | float]
LONGEST_S = 90.0
"""Until everything is over: what is silent, hung or refused is noticed well before."""
BEAT_S = 0.05

Faults = Sequence[Callable[[Random], tuple[str, Given]]]
FAULTS: Faults = (
    lambda rng: ("lost-request", {"call": "place", "nth": rng.randint(1, 4)}),
    lambda rng: ("lost-reply", {"call": "place", "nth": rng.randint(1, 4)}),
    lambda rng: ("hang", {"call": "place", "nth": rng.randint(1, 4), "done": rng.random() < 0.5}),
    lambda rng: ("late-reply", {"call": "any", "seconds": 0.5, "p": 0.3, "times": 4}),
    lambda rng: ("error", {"call": "place", "nth": rng.randint(1, 3), "done": rng.random() < 0.5}),
    lambda rng: ("rate-limit", {"call": "any", "nth": rng.randint(1, 9), "times": 2, "seconds": 0}),
    lambda rng: ("refuse", {"call": "cancel", "nth": rng.randint(1, 2)}),
    lambda rng: ("garbled-reply", {"call": "place", "nth": rng.randint(1, 4), "how": "html"}),
    lambda rng: ("duplicate", {"stream": "any", "p": 0.5, "times": 40}),
    lambda rng: ("out-of-order", {"stream": "any", "p": 0.3, "times": 6}),
    lambda rng: ("lost-message", {"stream": "any", "p": 0.2, "times": 6}),
    lambda rng: ("late-message", {"stream": "any", "p": 0.3, "times": 6, "seconds": 0.4}),
    lambda rng: ("reset", {"at": rng.uniform(0, 3)}),
    lambda rng: ("drop", {"at": rng.uniform(0, 3), "code": rng.choice((1000, 1001, 1011, 1012))}),
    lambda rng: ("silent", {"at": rng.uniform(0, 2)}),
    lambda rng: ("maintenance", {"at": rng.uniform(0, 2), "seconds": 1.0}),
)


@dataclass
class FireTally:
    """What came to pass."""

    scenes: int = 0
    crashes: int = 0
    trades: int = 0
    """Scenes in which the entry filled."""
    faults: dict[str, int] = field(default_factory=dict)
    """How often each kind was armed."""


async def trade_under_fire(venue: VenueUnderTest, folder: Path, seed: int, tally: FireTally) -> None:
    """Buy, and end by target, stop, flatten, or after a crash. The venue's books are the judge: never short,
    never more than was bought, and nothing left at the end.
    """
    rng = Random(seed)
    price, worst = venue.price, [0, 0]
    tally.scenes += 1
    async with beating(venue) as level:
        level.append(price)
        async with engine_on(venue, folder) as run:
            for make in rng.sample(FAULTS, rng.randint(1, 4)):
                name, options = make(rng)
                venue.fault(name, **options)
                tally.faults[name] = tally.faults.get(name, 0) + 1
            await run.buy(stop=price - 2 * STEP, target=price + 2 * STEP)
            end = rng.choice(("target", "stop", "flatten", "crash"))
            async with watched(venue, worst):
                await _settled(run, price - 2 * STEP, rng.uniform(0, 2) if end == "crash" else LONGEST_S)
                if end == "crash":
                    tally.crashes += 1
                    await run.crash()
                else:
                    await _ended(run, end, level)
        if end == "crash":
            async with engine_on(venue, folder) as again:
                await _settled(again, price - 2 * STEP, LONGEST_S)
                await _ended(again, "flatten", level)
    judge(venue, worst, seed)
    tally.trades += bool(venue.traded())


async def _settled(run: EngineRun, stop: int, seconds: float) -> None:
    """Until what is held has its stop, or there is nothing; or so long."""
    try:
        async with asyncio.timeout(seconds):
            await until(lambda: run.protected(stop) or _nothing(run), LONGEST_S)
    except TimeoutError:
        assert seconds < LONGEST_S, "neither protected nor over"


def _nothing(run: EngineRun) -> bool:
    return run.quiet() and not run.book.plans


async def _ended(run: EngineRun, how: str, level: list[int]) -> None:
    """Let it end, and wait until nothing is left at either side."""
    if how == "flatten":
        await run.say(Flatten(id=f"all-{run.core.config.boot}", source="cli"))
    else:
        far = 3 * STEP if how == "target" else -3 * STEP
        level.append(run.venue.price + far)
    await until(run.quiet, LONGEST_S)


def judge(venue: VenueUnderTest, worst: list[int], seed: int) -> None:
    """Of a trade that is over: by the venue's books never short, never more than was bought, all of it sold.
    Raises AssertionError.
    """
    lowest, highest = worst
    assert lowest >= 0, f"seed {seed}: {lowest} lots were held"
    assert highest <= venue.qty, f"seed {seed}: {highest} lots were held"
    known = venue.instrument  # a fee that is taken out of coins leaves fewer to be sold
    sold = venue.qty - known.fee_lots(known.fee_base(venue.qty))
    assert venue.traded() in (0, venue.qty + sold), f"seed {seed}: {venue.traded()} lots were traded"


@asynccontextmanager
async def watched(venue: VenueUnderTest, worst: list[int]) -> AsyncIterator[None]:
    """Keep the least and the most that the venue's books ever show."""

    async def watch() -> None:
        while True:
            held = venue.held()
            worst[0], worst[1] = min(worst[0], held), max(worst[1], held)
            await asyncio.sleep(BEAT_S / 5)

    task = asyncio.create_task(watch())
    try:
        yield
    finally:
        task.cancel()


@asynccontextmanager
async def beating(venue: VenueUnderTest) -> AsyncIterator[list[int]]:
    """A market that goes on at the last of these prices."""
    level: list[int] = []

    async def beat() -> None:
        while True:
            if level:
                venue.market(level[-1])
            await asyncio.sleep(BEAT_S)

    task = asyncio.create_task(beat())
    try:
        yield level
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
