"""tstream feed test: one feed, connected for a while, and what it delivers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from engine.model.errors import FatalError, PortError
from engine.model.events import AnyEvent
from engine.model.market import MINUTE, NANOS, Timeframe
from engine.ports import Clock, MarketFeed, OpenVenue, Sink
from tstream.botfiles.places import listed_at, symbol_of
from tstream.botfiles.read import in_line
from tstream.clock import wall_ns
from tstream.commands.check import line_of
from tstream.commands.feed_look import FeedLook
from tstream.convert.venues import on_practice, venue_asked
from tstream.errors import CommandError, UsageError
from tstream.run.startup import read_settings, with_practice_of
from tstream.settings.instruments import known_terms
from tstream.settings.load import login_problems
from tstream.settings.model import Settings

USUAL_NS = 90 * NANOS
LOOK_S = 0.1
AGAIN_S = 1.0
CONNECT_S, HISTORY_S = 20.0, 15.0
"""So long a connection, and what is asked of the past, may take."""
HISTORY_BARS = 300
LONGEST_NS = 11 * 24 * 60 * MINUTE
"""No more of the past is asked for."""


class OpenedFeed(NamedTuple):
    """A venue that may be connected to, and the clock of its events."""

    venue: OpenVenue
    clock: Clock


def test(venue: str, symbol: str, interval: str, limit_ns: int | None, config: Path | None) -> int:
    """Print what is found; gives 0 when all is well and 1 otherwise. Raises UsageError."""
    settings = _settings(venue, symbol, config)
    if wrong := login_problems(settings, venue):
        raise UsageError(*(f"{one.key} {one.message}" for one in wrong))
    (instrument,) = settings.instrument_table()
    console = Console(highlight=False, soft_wrap=True)
    try:
        look = asyncio.run(_look(settings, venue, Timeframe(interval), limit_ns or USUAL_NS))
    except OSError as error:
        raise CommandError(f"can't listen on loopback: {error}") from None
    found = list(look.findings())
    section = settings.venues[venue]
    console.print(f"{venue} ({section.about.about}, {section.place}), {instrument.symbol}", markup=False)
    for one in found:
        console.print(line_of(one))
    return 0 if all(one.ok for one in found) else 1


def _settings(venue: str, symbol: str, config: Path | None) -> Settings:
    """Those of one venue and one contract. Raises UsageError."""
    settings = with_practice_of(read_settings(config)[1].settings, (venue,))
    settings = settings.narrowed((venue,))
    name = symbol_of(symbol)
    if name not in known_terms(settings.venues) and name not in settings.instruments:
        listed = ", ".join((*listed_at(settings.venues[venue].kind), *settings.instruments))
        why = f"no terms of {in_line(name)} are known at {venue}; there are {listed}"
        raise UsageError(f"{why}, and [instruments] says others")
    return settings.model_copy(update={"contracts": (name,)})


@asynccontextmanager
async def _opened(settings: Settings, name: str) -> AsyncIterator[OpenedFeed]:
    """The venue; a practice one is begun for it, and keeps nothing."""
    section = settings.venues[name]
    if not section.practice:
        yield OpenedFeed(section.about.make(venue_asked(settings, name, wall_ns, ())), wall_ns)
        return
    assert section.about.practice is not None
    async with section.about.practice.open(1) as listening:
        asked = on_practice(venue_asked(settings, name, listening.clock, ()), listening)
        yield OpenedFeed(section.about.make(asked), listening.clock)


async def _look(settings: Settings, name: str, timeframe: Timeframe, limit_ns: int) -> FeedLook:
    (instrument,) = settings.instrument_table()
    async with _opened(settings, name) as opened:
        look = FeedLook(instrument, timeframe, opened.clock())
        feed = opened.venue.feed
        if feed is None:
            look.fault = f"{name} has no prices"
            return look
        connected = asyncio.Event()

        ended = False

        def hear(event: AnyEvent) -> None:
            if not ended:  # that it goes down then is our doing
                look.hear(event)
            if look.live:
                connected.set()

        running = asyncio.create_task(_run(feed, look, hear))
        asking = asyncio.create_task(_ask(feed, look, opened.clock, connected))
        try:
            await _wait(look, opened.clock, limit_ns)
        finally:
            ended = True
            running.cancel()
            asking.cancel()
            await asyncio.gather(running, asking, return_exceptions=True)
            await opened.venue.close()
        return look


async def _wait(look: FeedLook, clock: Clock, limit_ns: int) -> None:
    """Until there is enough, or the time is over; real time, whatever time the venue lives in. It begins with
    the connection, and a history that is still to come has a while more.
    """
    await _until(lambda: look.live, look, clock, max(CONNECT_S, limit_ns / NANOS))
    if look.live:
        await _until(lambda: look.enough, look, clock, limit_ns / NANOS)
        await _until(lambda: look.history is not None, look, clock, HISTORY_S)


async def _until(done: Callable[[], bool], look: FeedLook, clock: Clock, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while not done() and not look.fault and loop.time() < end:
        await asyncio.sleep(LOOK_S)
        look.tick(clock())


async def _run(feed: MarketFeed, look: FeedLook, hear: Sink) -> None:
    while True:
        try:
            await feed.run(hear)
        except FatalError as error:
            look.fault = str(error)
            return
        except PortError as error:
            look.lost(str(error))
            await asyncio.sleep(AGAIN_S)


async def _ask(feed: MarketFeed, look: FeedLook, clock: Clock, connected: asyncio.Event) -> None:
    """Ask for the past once the feed is there."""
    await connected.wait()
    span = min(LONGEST_NS, HISTORY_BARS * look.timeframe.nanos)
    wanted = Timeframe.M1 if look.timeframe.minutes < Timeframe.M30.minutes else Timeframe.M30
    try:
        now = clock()
        look.remember(await feed.history(look.instrument.symbol, now - span, now, wanted))
    except PortError as error:
        look.history, look.history_fault = (), str(error)
