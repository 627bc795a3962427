"""One run put together: venues, journal, core and engine, with everything closed again at its end."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from adapters.control.access import AccessLog
from adapters.control.server import ControlServer
from adapters.store.emergency import EmergencyFile, emergency_path
from adapters.store.journal import SqliteJournal
from adapters.tapes.recorder import TapeRecorder
from engine.books.bots import Bot
from engine.core import Core
from engine.model.config import BookConfig, EngineConfig, TradingSwitch
from engine.model.events import AnyEvent
from engine.model.notices import Severity
from engine.model.orders import AccountKind
from engine.model.view import BookView
from engine.model.watch import WatchLimits
from engine.ports import LogTail
from engine.runtime.engine import Engine
from engine.runtime.recovery import restore, told_today
from engine.state.state import State
from engine.strategies.protocol import Strategy
from tstream.clock import RunClock
from tstream.convert.alerts import alert_rooms, discord_config, parsers
from tstream.convert.blackouts import blackouts
from tstream.convert.bots import bots
from tstream.convert.opinion import opinion_config
from tstream.options import RunOptions
from tstream.paths import Paths
from tstream.run.api import api_service, wants_api
from tstream.run.arming import all_armed
from tstream.run.backup_service import backup_services
from tstream.run.claim import Claim
from tstream.run.doors import access_log, by_telegram
from tstream.run.first_picture import shown_venues
from tstream.run.following import Channels, FollowingParts, Told
from tstream.run.keeping import keeping, tick_tap
from tstream.run.mood import mood_services
from tstream.run.opinion import predictor
from tstream.run.practice_venues import FirstSight, PracticeVenues
from tstream.run.process_facts import measure
from tstream.run.reloading import Reloads
from tstream.run.retraining import retraining_services
from tstream.run.services import Service, beside
from tstream.run.venues import Venues
from tstream.service import manager_line
from tstream.settings.declared import filled
from tstream.settings.model import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from adapters.discord.source import DiscordSource
    from tstream.botfiles.tables import BotTables
    from tstream.run.startup import SettingsSource

log = logging.getLogger("engine")

BothBooks = tuple[tuple[BookConfig, ...], tuple[BookConfig, ...]]
"""Books, and templates of those that are found."""

NOTICE_POLL_S = 0.25
BEAT_S = 1.0
"""Between two signs of life."""

_LEVELS = {
    Severity.INFO: logging.INFO,
    Severity.GOOD: logging.INFO,
    Severity.WARNING: logging.WARNING,
    Severity.CRITICAL: logging.CRITICAL,
}


def in_real_time(config: EngineConfig, speed: float) -> EngineConfig:
    """The same spans of real time, however fast practice time runs: prints and answers travel in ours."""
    speed = max(1.0, speed)
    books, templates = (books_in_real_time(group, speed) for group in (config.books, config.templates))
    grace, latest = round(config.bar_grace_ns * speed), round(config.latest_ns * speed)
    opinion = replace(config.opinion, patience_ns=round(config.opinion.patience_ns * speed))
    config = replace(config, bar_grace_ns=grace, latest_ns=latest, opinion=opinion)
    return replace(config, books=books, templates=templates)


def books_in_real_time(books: Sequence[BookConfig], speed: float) -> tuple[BookConfig, ...]:
    """The same of books alone."""
    speed = max(1.0, speed)
    return tuple(
        replace(book, risk=replace(book.risk, unprotected_ns=round(book.risk.unprotected_ns * speed)))
        for book in books
    )


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
        watchers: Sequence[Bot] = (),
        files: BotTables | None = None,
        lines: LogTail | None = None,
        source: SettingsSource | None = None,
        follow: Told | None = None,
    ) -> None:
        """With `by_hand`, a strategy without ideas, trading is off whatever the settings say. `watchers` are
        asked like bots and say nothing; `files` are bots of the settings that came as JSON files. `lines` are
        those of the log, for clients that attach. Settings are read again from `source`, and `follow` is told
        of it.
        """
        self.settings = settings
        self.options = options
        self.paths = paths
        self.clock = clock
        self.name = claim.name
        self.practice = PracticeVenues(claim.practice, clock)
        self.lines = lines
        self._claim = claim
        self.by_hand = by_hand
        self._files = files
        self._source = source
        self._told_of_settings = follow
        self._watchers = watchers
        # A tape is the past, and a flatten opens nothing: rooms are for runs that may trade now.
        follows = options.tape is None and by_hand is None
        self._rooms = alert_rooms(settings) if follows else ()
        self._ticks = tick_tap(settings) if follows else None

    @asynccontextmanager
    async def engine(self) -> AsyncIterator[Engine]:
        """The engine, ready for `main()`. Raises FatalError: unusable journal, venue that won't start."""
        async with AsyncExitStack() as stack:
            journal = await stack.enter_async_context(await self._journal())
            state = await restore(journal)
            venues = Venues(self.settings, state, self.clock, left_too=self.by_hand is not None)
            await venues.open(await self.practice.start(), self._claim.practice)
            stack.push_async_callback(venues.close)
            strategy = self.by_hand or (*bots(self.settings), *self._watchers)
            rooms = self._reader()
            plugins = parsers() if self._rooms else None
            core = Core(self._config(journal, venues), strategy, state, plugins)
            core.turn.notices.extend(await told_today(journal, journal.last_seq, state, self.clock.wall()))
            emergency = EmergencyFile(emergency_path(journal.path), journal.install, journal.boot)
            stack.callback(emergency.close)
            recorder = self._recorder(stack)
            engine = Engine(
                core,
                journal,
                journal.last_seq,
                venues.feeds,
                venues.brokers,
                self.clock,
                self._listener(recorder, core.config),
                self.practice.speed,
                emergency=emergency,
                admit=self._claim.admit,
                warm_up=self.by_hand is None,
                alerts=rooms,
                wall=self.clock.wall,
                predictor=predictor(self.settings, self.paths, self.clock) if self.by_hand is None else None,
            )
            access = stack.enter_context(access_log(engine, self.paths, self.clock))
            if self.settings.control.enabled:
                control = ControlServer(
                    engine,
                    self.paths.control_socket,
                    access=access,
                    lines=self.lines,
                    caught_up=engine.caught_up,
                )
                await control.start()
                stack.push_async_callback(control.stop)
            channels = Channels(by_telegram(engine, access), self.clock.wall, stack, self._files)
            if self.by_hand is None:
                await channels.follow(self.settings)
            services = [*self._services(engine, state, venues, stack, access)]
            if self._source is not None:
                told = FollowingParts(
                    engine, venues, channels, rooms, self._configure, self._told_of_settings
                )
                terms = partial(self._terms, venues)
                news = partial(access.news, "secrets", Severity.WARNING)
                parts = terms, told.follow, news
                reloads = Reloads(engine, self.settings, self._source, self.paths, *parts)
                services += reloads.services()
            await stack.enter_async_context(beside(services, tell=engine.risks.beside))
            gc.freeze()  # what is there stays: a full collection would stop all threads to look through it
            yield engine

    def _services(
        self, engine: Engine, state: State, venues: Venues, stack: AsyncExitStack, access: AccessLog
    ) -> Iterator[Service]:
        """What goes on beside the engine; `stack` closes what a service leaves open. Doors write to
        `access`.
        """
        yield Service("notices in the log", partial(report, engine))
        yield Service("signs of life", self._live)
        yield Service("process", partial(measure, engine.risks, self.paths.venue(self.name)))
        yield Service("practice venues", partial(self.practice.watch, engine.hear))
        yield Service("venues", partial(venues.watch, engine.hear))
        if self.by_hand is None and wants_api(self.settings, self.options):
            yield api_service(engine, self.settings, self.paths, self.name, access)
        if self.by_hand is None:
            file = self._source.file if self._source is not None else None
            told = engine.hear, self.clock, file
            yield from backup_services(self.settings, self.paths, self.options, *told)
            yield from retraining_services(
                self.settings, self.paths, self.options, lambda: state.opinions.models, *told
            )
        if manager_line.is_wanted():
            yield Service("service manager", manager_line.keep_told)
        if self.options.tape is None and self.by_hand is None:
            journal = self.paths.journal(self.name)
            yield from keeping(self.settings, self.paths, journal, engine, state, self._ticks, stack)
            yield from mood_services(self.settings, self.paths, engine.hear, self.clock)
        if self._files is not None and self.by_hand is None:
            from tstream.run.bot_records import BotRecords, folders

            records = BotRecords(folders(self._files, self.paths), engine, state)
            stack.push_async_callback(records.close)
            yield Service("files of JSON bots", records.run)

    def _terms(self, venues: Venues, settings: Settings) -> BothBooks:
        """Books and templates of settings that were read again, in the time of this run."""
        books, templates = venues.terms(settings)
        if self.practice.first is None:
            return books, templates
        rate = self.practice.first.rate
        return books_in_real_time(books, rate), books_in_real_time(templates, rate)

    async def _live(self) -> None:
        """Give signs of life: a second process tells by them that the engine's loop goes round."""
        while True:
            await asyncio.to_thread(self._claim.beat)
            await asyncio.sleep(BEAT_S)

    def _reader(self) -> DiscordSource | None:
        """Who reads the rooms, if there are any."""
        if not self._rooms:
            return None
        from adapters.discord.source import DiscordSource

        return DiscordSource(discord_config(self.settings, self._read_state), self.clock)

    @property
    def _read_state(self) -> Path:
        return self.paths.venue(self.name) / "discord.json"

    def _configure(self, reader: DiscordSource, settings: Settings) -> None:
        reader.follow(discord_config(settings, self._read_state))

    async def _journal(self) -> SqliteJournal:
        path = self.paths.journal(self.name)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.name == "tape":
            for old in path.parent.glob(f"{path.name}*"):
                old.unlink()
        self.paths.remember_run(path)
        return await SqliteJournal.open(path)

    def _config(self, journal: SqliteJournal, venues: Venues) -> EngineConfig:
        settings, ready = self.settings, self.practice.first
        folder = (self._source.file if self._source is not None else self.paths.settings_file).parent
        config = EngineConfig(
            instruments=settings.instrument_table(),
            venue=shown_venues(settings),
            install=journal.install,
            boot=journal.boot,
            lost_records=journal.lost,
            restored_ns=journal.restored_ns,
            trading=settings.trading if self.by_hand is None else TradingSwitch.OFF,
            armed_accounts=all_armed(settings, self.paths),
            practice_time=ready is not None,
            books=venues.books,
            templates=venues.templates,
            sources=venues.sources,
            rates=settings.rates,
            told_in=settings.told_in,
            rooms=self._rooms,
            watch=filled(WatchLimits, settings.watch),
            blackouts=blackouts(settings, folder),
            chart_indicators=settings.ui.indicators,
            opinion=opinion_config(settings),
        )
        if ready is None:
            return config
        config = in_real_time(config, ready.rate)
        return replace(config, fills=f"practice venue, {ready.model}", bar_ns=ready.model.bar_ns)

    def _listener(
        self, recorder: TapeRecorder | None, config: EngineConfig
    ) -> Callable[[AnyEvent], None] | None:
        """Who hears every event: at practice venues whoever lets their time go on, the tape, and Redis."""
        hearers = list[Callable[[AnyEvent], None]]()
        if self.practice.first is not None:
            hearers.append(FirstSight(self.practice.release, self.practice.names, config.expected).hear)
        if recorder is not None:
            hearers.append(recorder.record)
        if self._ticks is not None:
            hearers.append(self._ticks.hear)
        if len(hearers) < 2:
            return hearers[0] if hearers else None

        def hear(event: AnyEvent) -> None:
            for each in hearers:
                each(event)

        return hear

    def _recorder(self, stack: AsyncExitStack) -> TapeRecorder | None:
        wanted = self.settings.tape.record if self.options.record is None else self.options.record
        if not wanted:
            return None
        folder = self.paths.venue(self.name) / "tapes"
        recorder = TapeRecorder(folder, self.settings.instrument_table(), self.clock)
        stack.callback(recorder.close)
        log.info("recording a tape to %s", recorder.path)
        return recorder


def badge(book: str | None, books: Mapping[str, BookView]) -> str:
    """Whose money a notice is about, and of which book where there are several of its kind; empty for the one
    book of a run at a venue.
    """
    about = books.get(book or "")
    if about is None:
        return ""
    alike = sum(one.kind is about.kind for one in books.values()) > 1
    named = f" {about.book}" if alike else ""
    several = len({one.kind for one in books.values()}) > 1 or alike
    paper = about.kind is AccountKind.PAPER
    return f"{about.kind.upper()}{named}: " if paper or several else ""


async def report(engine: Engine) -> None:
    """Write every notice to the log, in its severity's level, for as long as the engine runs."""
    seen = 0
    while True:
        fresh = engine.notices(seen)
        books = {book.book: book for book in engine.view().books} if fresh else {}
        for notice in fresh:
            log.log(_LEVELS[notice.severity], "%s%s", badge(notice.book, books), notice.text)
            seen = notice.seq
        await asyncio.sleep(NOTICE_POLL_S)
