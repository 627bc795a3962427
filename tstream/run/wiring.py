"""One run put together: venue, journal, core and engine, with everything closed again at its end."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from msgspec.structs import replace

from adapters.control.server import ControlServer
from adapters.projectx.config import LastKnown, ProjectXConfig
from adapters.projectx.venue import ProjectXVenue
from adapters.simulator.process import Ready
from adapters.store.emergency import EmergencyFile, emergency_path
from adapters.store.journal import Journal
from adapters.tapes.recorder import TapeRecorder
from engine.books.opening import PAPER
from engine.core import Core
from engine.market import sessions
from engine.model.config import BookConfig, EngineConfig, TradingSwitch
from engine.model.errors import FatalError
from engine.model.events import AnyEvent, LinkChanged, LinkState
from engine.model.market import NANOS
from engine.model.notices import Severity
from engine.model.view import SessionPhase
from engine.ports import AlertSource, Broker, Clock
from engine.runtime.engine import Engine
from engine.runtime.recovery import restore, told_today
from engine.state.state import State
from engine.strategies.protocol import Strategy
from engine.strategies.zones import ZoneReaction
from tstream.clock import RunClock, wall_ns
from tstream.convert.alerts import alert_rooms, discord_config, parsers
from tstream.convert.notify import notify_config
from tstream.convert.risk import paper_books, risk_limits, zone_reaction
from tstream.convert.venues import practice_config, projectx_config
from tstream.options import RunOptions
from tstream.paths import Paths
from tstream.run.arming import armed_accounts
from tstream.run.claim import Claim
from tstream.run.first_picture import shown_venues
from tstream.run.practice import PracticeProcess
from tstream.settings.model import Settings

log = logging.getLogger("engine")

NOTICE_POLL_S = 0.25
BEAT_S = 1.0
"""Between two signs of life."""
WATCH_S = 0.25
RESTARTS = 20
"""So often at the most a practice venue that ends by itself is started again in one run."""
RESTART_NS = 2 * NANOS
"""So much real time is given to a practice venue to start again, in which practice time goes on."""

_LEVELS = {
    Severity.INFO: logging.INFO,
    Severity.GOOD: logging.INFO,
    Severity.WARNING: logging.WARNING,
    Severity.CRITICAL: logging.CRITICAL,
}


def in_real_time(config: EngineConfig, speed: float) -> EngineConfig:
    """The same spans of real time, however fast practice time runs: prints and answers travel in ours."""
    speed = max(1.0, speed)
    books, templates = (
        tuple(
            replace(book, risk=replace(book.risk, unprotected_ns=round(book.risk.unprotected_ns * speed)))
            for book in group
        )
        for group in (config.books, config.templates)
    )
    grace, latest = round(config.bar_grace_ns * speed), round(config.latest_ns * speed)
    return replace(config, books=books, templates=templates, bar_grace_ns=grace, latest_ns=latest)


class FirstSight:
    """Hears events until market and account are seen for the first time: then practice time may go on."""

    def __init__(self, then: Callable[[], None]) -> None:
        self._then = then
        self._missing = {"market", "user"}

    def hear(self, event: AnyEvent) -> None:
        """Take in an event."""
        if self._missing and isinstance(event, LinkChanged) and event.state is LinkState.LIVE:
            self._missing.discard(event.link)
            if not self._missing:
                self._then()


class Run:
    """What one run is made of, on a claim that is held."""

    def __init__(
        self,
        claim: Claim,
        settings: Settings,
        options: RunOptions,
        paths: Paths,
        clock: RunClock,
        by_hand: Strategy | None = None,
    ) -> None:
        """With `by_hand`, a strategy without ideas, trading is off whatever the settings say."""
        self.settings = settings
        self.options = options
        self.paths = paths
        self.clock = clock
        self.name = claim.name
        (self.venue,) = settings.active
        self.practice = claim.practice.get(self.venue)
        self.admit = partial(claim.admit, self.venue, self.venue)
        self._beat = claim.beat
        self.by_hand = by_hand
        # A tape is the past, and a flatten opens nothing: rooms are for runs that may trade now.
        follows = options.tape is None and by_hand is None
        self._rooms = alert_rooms(settings) if follows else ()
        self._ready: Ready | None = None

    @asynccontextmanager
    async def engine(self) -> AsyncIterator[Engine]:
        """The engine, ready for `main()`. Raises FatalError: unusable journal, venue that won't start."""
        async with AsyncExitStack() as stack:
            journal = await stack.enter_async_context(await self._journal())
            state = await restore(journal)
            venue_config = await self._venue()
            venue_config = dataclasses.replace(venue_config, last=last_known(state, venue_config.book))
            clock: Clock = self.clock
            venue = ProjectXVenue(
                venue_config, clock, session_open=lambda ts: market_open(ts - clock() + self.clock.wall())
            )
            stack.push_async_callback(venue.close)
            strategy = self.by_hand or ZoneReaction(zone_reaction(self.settings))
            plugins = parsers() if self._rooms else None
            core = Core(self._config(journal, venue.broker), strategy, state, plugins)
            core.turn.notices.extend(await told_today(journal, journal.last_seq, state, self.clock.wall()))
            emergency = EmergencyFile(emergency_path(journal.path), journal.install, journal.boot)
            stack.callback(emergency.close)
            recorder = self._recorder(stack)
            engine = Engine(
                core,
                journal,
                journal.last_seq,
                {venue_config.book: venue.feed},
                [venue.broker],
                clock,
                self._listener(recorder),
                self._speed,
                emergency=emergency,
                admit=self.admit,
                warm_up=self.by_hand is None,
                alerts=self._alerts(),
                wall=self.clock.wall,
            )
            if self.settings.control.enabled:
                control = ControlServer(engine, self.paths.control_socket)
                await control.start()
                stack.push_async_callback(control.stop)
            for task in (report(engine), self._live()):
                stack.push_async_callback(_end, asyncio.create_task(task))
            await self._tell(engine, stack)
            if self.practice is not None:
                watch = asyncio.create_task(self._watch(self.practice, engine))
                stack.push_async_callback(_end, watch)
            yield engine

    async def _live(self) -> None:
        """Give signs of life: a second process tells by them that the engine's loop goes round."""
        while True:
            await asyncio.to_thread(self._beat)
            await asyncio.sleep(BEAT_S)

    def _alerts(self) -> AlertSource | None:
        """Who reads the rooms, if there are any."""
        if not self._rooms:
            return None
        from adapters.discord.source import DiscordSource

        read_state = self.paths.venue(self.name) / "discord.json"
        return DiscordSource(discord_config(self.settings, read_state), self.clock)

    async def _tell(self, engine: Engine, stack: AsyncExitStack) -> None:
        """Give the news to the channels that are set up, from now until the engine has ended."""
        news = notify_config(self.settings.notify)
        if news.wanted and self.by_hand is None:
            from adapters.notify.service import NotifyThread

            await stack.enter_async_context(NotifyThread(engine, news, self.clock.wall, wall_ns))

    async def _journal(self) -> Journal:
        path = self.paths.journal(self.name)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.name == "tape":
            for old in path.parent.glob(f"{path.name}*"):
                old.unlink()
        self.paths.remember_run(path)
        return await Journal.open(path)

    async def _venue(self) -> ProjectXConfig:
        if self.practice is None:
            return projectx_config(self.settings, self.venue)
        self._ready = ready = await self.practice.ready(self.clock.set_by)
        self.clock.follow(ready.clock.at)
        return practice_config(self.settings, self.venue, ready.url, self.practice.key, ready.rate)

    @property
    def _speed(self) -> float:
        return 1.0 if self._ready is None else self._ready.rate

    def _config(self, journal: Journal, broker: Broker) -> EngineConfig:
        settings, ready = self.settings, self._ready
        venue = self.venue
        book = BookConfig(
            broker.book,
            venue=venue,
            risk=risk_limits(settings),
            capabilities=broker.capabilities,
            brackets=settings.venues[venue].brackets,
        )
        config = EngineConfig(
            instruments=settings.instrument_table(),
            venue=shown_venues(settings),
            install=journal.install,
            boot=journal.boot,
            lost_records=journal.lost,
            trading=settings.trading if self.by_hand is None else TradingSwitch.OFF,
            armed_accounts=() if self.practice else armed_accounts(self.paths.venue(venue)),
            practice_time=self.practice is not None,
            books=(book, *paper_books(settings)),
            templates=(),
            rooms=self._rooms,
        )
        if ready is None:
            return config
        config = in_real_time(config, ready.rate)
        return replace(config, fills=f"practice venue, {ready.model}", bar_ns=ready.model.bar_ns)

    def _listener(self, recorder: TapeRecorder | None) -> Callable[[AnyEvent], None] | None:
        """Who hears every event: the tape, and on the practice venue whoever lets its time go on."""
        record = recorder.record if recorder is not None else None
        if self.practice is None:
            return record
        first_sight = FirstSight(self._release)

        def hear(event: AnyEvent) -> None:
            first_sight.hear(event)
            if record is not None:
                record(event)

        return hear

    async def _watch(self, practice: PracticeProcess, engine: Engine) -> None:
        """Start the practice venue again where it ends by itself, and say so."""
        for _ in range(RESTARTS):
            while not (how := practice.ended):  # noqa: ASYNC110 - a child process tells nobody
                await asyncio.sleep(WATCH_S)
            say = partial(LinkChanged, ts_recv=self.clock(), link="practice venue")
            told = f"its process has ended ({how})"
            since = self.clock() + round(RESTART_NS * self._speed)
            try:
                if not practice.start_again(since):
                    engine.hear(say(state=LinkState.DOWN, detail=f"{told}: end tstream and start it again"))
                    return
                engine.hear(say(state=LinkState.DOWN, detail=f"{told}, it is started again"))
                ready = await practice.ready(self.clock.set_by)
            except FatalError as error:
                engine.hear(say(state=LinkState.DOWN, detail=f"{told} and does not start again: {error}"))
                return
            self.clock.follow(ready.clock.at)
            engine.hear(replace(say(state=LinkState.LIVE, detail="started again"), ts_recv=self.clock()))

    def _release(self) -> None:
        if self.practice is not None and (clock := self.practice.release()) is not None:
            self.clock.follow(clock.at)

    def _recorder(self, stack: AsyncExitStack) -> TapeRecorder | None:
        wanted = self.settings.tape.record if self.options.record is None else self.options.record
        if not wanted:
            return None
        folder = self.paths.venue(self.name) / "tapes"
        recorder = TapeRecorder(folder, self.settings.instrument_table(), self.clock)
        stack.callback(recorder.close)
        log.info("recording a tape to %s", recorder.path)
        return recorder


async def report(engine: Engine) -> None:
    """Write every notice to the log, in its severity's level, for as long as the engine runs."""
    seen = 0
    while True:
        for notice in engine.notices(seen):
            badge = "PAPER: " if notice.book == PAPER else ""
            log.log(_LEVELS[notice.severity], "%s%s", badge, notice.text)
            seen = notice.seq
        await asyncio.sleep(NOTICE_POLL_S)


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def last_known(state: State, book: str) -> LastKnown | None:
    """What the journal knows of a book's account and of its contracts at the venue."""
    known = state.books.get(book)
    if known is None or known.account is None:
        return None
    return LastKnown(
        account_id=known.account.id,
        account_name=known.account.name,
        contracts=state.contract_ids | known.held_ids,
    )


def market_open(ts: int) -> bool:
    """Whether silence of the market would be a fault at a time, nanoseconds UTC."""
    return sessions.phase(ts) is not SessionPhase.CLOSED
