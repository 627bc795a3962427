"""The engine at work: events through the core, records to the journal, effects out, a View for people."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Future
from decimal import Decimal
from typing import Protocol

from engine.books.leftovers import left
from engine.core import Core, Outcome
from engine.lab.summary import Summary, summarise
from engine.model import events as ev
from engine.model.chart import ChartView
from engine.model.commands import AnyCommand, Reload, Shutdown
from engine.model.depth import DepthView, TapeView
from engine.model.equity import EquityHistory
from engine.model.market import NANOS, Timeframe
from engine.model.notices import Notice
from engine.model.orders import Account
from engine.model.questions import Question, Reply
from engine.model.view import HealthView, View
from engine.ports import AlertSource, Broker, Clock, EmergencyLog, Journal, MarketFeed, Predictor
from engine.runtime.bot_watch import watch
from engine.runtime.clock_watch import ClockWatch
from engine.runtime.commands import Commands
from engine.runtime.effect_runner import EffectRunner
from engine.runtime.history_loader import HistoryLoader
from engine.runtime.inbox import Inbox
from engine.runtime.journal_writer import JournalWriter
from engine.runtime.older_bars import OlderBarsLoader
from engine.runtime.performance import Performance
from engine.runtime.pictures import Pictures
from engine.runtime.predicting import Predicting
from engine.runtime.questions import Questions
from engine.runtime.snapshots import StateSnapshots
from engine.runtime.supervision import ALERTS_LINK, Supervisor
from engine.runtime.watch import Watch

log = logging.getLogger(__name__)

LONGEST_WAIT_S = 1.0

BATCH = 200
"""Events taken before the loop's other tasks get their turn."""

SPARE_BARS = 64
"""Bars digested before the loop waits: well under a millisecond."""

WAITS_S = 1.0
"""The waits in the inbox are sorted no oftener than that."""

ENDING_S = 2.0
"""At a shutdown, requests under way and the journal get so long each."""


class SettingsReader(Protocol):
    """Reads the settings again where somebody asks for it; both are called on the engine's loop."""

    def asked(self, command: Reload) -> None:
        """The answer has to come as a SettingsReloaded with this very command."""

    def taken(self, event: ev.SettingsReloaded) -> None:
        """The core counts by it."""


class Engine:
    """Runs one core. What is not of its EngineHandle belongs to the thread of its event loop."""

    def __init__(
        self,
        core: Core,
        journal: Journal,
        last_seq: int,
        feeds: Mapping[str, MarketFeed],
        brokers: Sequence[Broker],
        clock: Clock,
        record: Callable[[ev.AnyEvent], None] | None = None,
        speed: float = 1.0,
        *,
        emergency: EmergencyLog | None = None,
        admit: Callable[[str, str, Account], None] | None = None,
        warm_up: bool = True,
        alerts: AlertSource | None = None,
        wall: Clock | None = None,
        predictor: Predictor | None = None,
    ) -> None:
        """`feeds` are by their venue's name. `record` gets every event for the tape; `speed` is how fast
        `clock` runs against real time.

        `emergency` takes records while the journal can't. `admit` is asked, with venue and book, before an
        account is adopted and raises FatalError when it is not to be touched. Without `warm_up` no history is
        loaded.
        `alerts` reads rooms; without it, or when it fails, everything else goes on. `clock` is never set;
        `wall`, as fast, tells what the machine's own clock shows. `predictor` asks a model.
        """
        self._core = core
        self._journal = journal
        self._last_seq = last_seq
        self._feeds = feeds
        self._brokers = {broker.book: broker for broker in brokers}
        self._clock = clock
        self._record = record
        self._speed = speed
        self._emergency = emergency
        self._adapters = Supervisor(self._post, clock, self._venue_of, admit)
        self._alerts = alerts
        self._predicting = Predicting(predictor, clock, self._post)
        self._inbox: Inbox | None = None
        self._early: list[ev.AnyEvent] = []
        self._writer: JournalWriter | None = None
        self.reloads: SettingsReader | None = None
        """Who reads the settings again; None where nobody does."""
        self._fault = ""
        self._stopping = False
        self._commands = Commands(self._take_command)
        self._wait_p99_ms = 0.0
        self._waits_seen = 0.0
        """When they were last looked at, by the loop's clock."""
        self._watch = ClockWatch(clock, wall, speed)
        asked, sources = feeds if warm_up else {}, core.market.sources
        self._history = HistoryLoader(asked, sources, self._watch.wall, clock, self._post, core.instruments)
        self._older = OlderBarsLoader(asked, sources, core.instruments)
        self.risks = Watch(core, core.config.watch, clock, self._post)
        """Belongs to the loop."""
        self._performance = Performance(core, clock, self.risks.figures)
        self._questions = Questions(lambda: core)
        self._pictures = Pictures(
            core, self._health, clock, self._older, lambda: self._performance.rows, feeds
        )
        core.turn.on_fault = self._survived
        watch(core.entries.bots, self._post, clock)

    @property
    def failure(self) -> str:
        """What ended an adapter for good; only a person can help. Empty while all of them work."""
        return self._adapters.failure

    @property
    def working(self) -> bool:
        """Whether an account may still be heard: not every broker has ended for good."""
        return len(self._adapters.ended) < len(self._brokers)

    @property
    def expected(self) -> tuple[str, ...]:
        """Names of the books that wait for an account at a venue."""
        return self._core.config.expected

    # --- the handle: any thread ------------------------------------------------------------------------

    def view(self) -> View:
        return self._pictures.view()

    def chart(self, instrument: str, timeframe: Timeframe) -> ChartView | None:
        return self._pictures.chart(instrument, timeframe)

    def depth(self, instrument: str) -> DepthView | None:
        return self._pictures.looking.depth(instrument)

    def tape(self, instrument: str, timeframe: Timeframe) -> TapeView | None:
        return self._pictures.looking.tape(instrument, timeframe)

    def equity(self, book: str) -> EquityHistory | None:
        return self._pictures.equity(book)

    def load_older(self, instrument: str, timeframe: Timeframe) -> None:
        self._pictures.load_older(instrument, timeframe)

    def caught_up(self) -> Awaitable[None]:
        return self._pictures.caught_up()

    def look_up(self, question: Question) -> Future[Reply]:
        return self._questions.ask(question)

    def notices(self, after_seq: int) -> Sequence[Notice]:
        return [notice for notice in self._pictures.view().notices if notice.seq > after_seq]

    def summaries(self) -> dict[str, Summary]:
        """What this run came to, each book by itself. Call it once `main` has ended."""
        begun, state, books = self._core.started_ts, self._core.state, self._core.books
        inside = {broker.name: str(broker.model) for broker in self._core.inside}
        return {
            name: summarise(
                (trade for trade in state.book(name).trades if trade.closed_ts >= begun),
                state.book(name).positions.values(),
                self._core.entries.refusals,
                inside.get(name, self._core.config.fills),
                books[name].orders.equity.run_drawdown_usd if name in books else Decimal(0),
                state.instruments,
                books[name].currency if name in books else self._core.config.currency,
            )
            for name in books or self._core.config.expected
        }

    def ask(self, command: AnyCommand) -> Future[Notice]:
        return self._commands.ask(command)

    def _take_command(self, command: AnyCommand) -> None:
        if isinstance(command, Reload) and self.reloads is not None:
            self.reloads.asked(command)  # and its answer comes with the settings
            return
        self._post(ev.CommandReceived(ts_recv=self._clock(), command=command))

    # --- the loop --------------------------------------------------------------------------------------

    async def main(self) -> None:
        """Until a Shutdown command. Journal and brokers are closed by whoever opened them."""
        loop = asyncio.get_running_loop()
        inbox = self._inbox = Inbox(loop.time)
        runner = EffectRunner(self._brokers, self._clock, self._post)
        writer = self._writer = JournalWriter(
            self._journal, self._last_seq, runner, self._clock, self._post, self._emergency
        )
        snapshots = StateSnapshots(self._journal, writer, self._core.state)
        for event in self._early:
            self._post(event)
        self._commands.begin(loop)
        self._questions.begin(loop)
        writer.write(*self._core.start(self._clock()))
        tasks = [
            asyncio.create_task(writer.run(), name="journal writer"),
            asyncio.create_task(self._pictures.run(inbox.taken), name="pictures"),
            asyncio.create_task(self._performance.run(), name="performance"),
            asyncio.create_task(self.risks.run(self._trouble), name="watch"),
            asyncio.create_task(self._predicting.run(), name="predictor"),
        ]
        for venue, feed in self._feeds.items():
            self._adapters.begin("market", feed.run, venue)
        for book, broker in self._brokers.items():
            self._adapters.begin("user", broker.run, self._venue_of(book), book)
        if self._alerts is not None:
            self._adapters.begin(ALERTS_LINK, self._alerts.run)
        try:
            await self._work(inbox, writer, snapshots)
            await self._wind_up(inbox, writer, runner)
            log.warning("stopped: %s", left(self._core.books, ended=True))
            if not self._fault:
                await snapshots.finish(ENDING_S)
        finally:
            await self._adapters.end()
            ending = [*tasks, *self._history.tasks, *self._older.tasks]
            for task in ending:
                task.cancel()
            await asyncio.gather(*ending, return_exceptions=True)
            self._commands.end()
            self._pictures.renew()

    async def _work(self, inbox: Inbox, writer: JournalWriter, snapshots: StateSnapshots) -> None:
        now = self._clock()
        while not self._stopping:
            for _ in range(BATCH):
                event = inbox.take()
                if event is None:
                    break
                records, effects = self._step(event)
                writer.write(records, effects)
                self._commands.settle(writer.once_written)
                if effects:
                    writer.begin()  # an order does not wait for the events behind it
            before, now = now, self._clock()
            if (checked := self._watch.look()) is not None:
                writer.write(*self._step(checked))
            if now >= self._core.next_deadline() or now < before:
                writer.write(*self._step(ev.TimeAdvanced(ts_recv=now)))
            writer.begin()
            if not self._fault:  # a bug may have left the state other than the journal tells it
                snapshots.save_if_due()
            if len(inbox):
                await asyncio.sleep(0)
            else:
                if writer.calm:
                    self._use_spare_time()
                # Never long: a clock that is set, or a machine that slept, is noticed by then.
                seconds = (self._core.next_deadline() - now) / NANOS / self._speed
                await inbox.wait(min(seconds, LONGEST_WAIT_S))

    def _use_spare_time(self) -> None:
        """Digest bars that no strategy has asked for, a few at a time, so that a first look never waits."""
        try:
            self._core.market.board.catch_up(SPARE_BARS)
            self._core.entries.opinions.digest()
        except Exception:
            log.exception("signals of a bar can't be worked out")

    async def _wind_up(self, inbox: Inbox, writer: JournalWriter, runner: EffectRunner) -> None:
        """Carry out what is decided, and take in what comes of it, before the adapters are stopped."""
        end = asyncio.get_running_loop().time() + ENDING_S
        while True:
            while (event := inbox.take()) is not None:
                writer.write(*self._step(event))
                self._commands.settle(writer.once_written)
            left = end - asyncio.get_running_loop().time()
            if (
                not await writer.flush(max(left, ENDING_S / 2))
                or left <= 0
                or not (runner.busy or len(inbox))
            ):
                return
            await runner.drain(left)

    def _step(self, event: ev.AnyEvent) -> Outcome:
        if self._record is not None:
            self._tape(self._record, event)
        turn = self._core.turn
        told = turn.noticed
        outcome = self._core.step(event)
        if turn.questions:
            self._predicting.ask(turn.questions)
        if isinstance(event, (ev.CommandReceived, ev.SettingsReloaded)):
            said = (notice for notice in reversed(turn.notices) if notice.seq > told)
            self._commands.taken(event.command, turn.tried, said)
            self._stopping = self._stopping or isinstance(event.command, Shutdown)
        if isinstance(event, ev.SettingsReloaded) and self.reloads is not None and outcome[0]:
            self.reloads.taken(event)
        self._history.hear(event, self._core.state.instruments)
        self._older.hear(event)
        return outcome

    def _tape(self, record: Callable[[ev.AnyEvent], None], event: ev.AnyEvent) -> None:
        """The tape is worth having, but not worth a position: where it fails, it ends."""
        try:
            record(event)
        except Exception:
            log.exception("the tape can't be written and ends here")
            self._record = None

    def _survived(self, error: Exception) -> None:
        if error is self._core.alerts.parser_error:
            log.error("the parser of an alert room failed; its message is not read", exc_info=error)
            return
        if (bot := self._core.entries.bots.failed(error)) is not None:
            log.critical("%s failed and is left out", bot.words, exc_info=error)
            return
        self._fault = "internal error, entries are paused; see the log"
        log.critical("the core ran into a bug and goes on", exc_info=error)

    def now(self) -> int:
        """Of the clock that the engine lives by, nanoseconds UTC."""
        return self._clock()

    async def connect_again(
        self, between: Callable[[], Awaitable[None]], venue: str = "", link: str = ""
    ) -> None:
        """Let the adapters of a venue, or the reader of rooms by its `link`, begin anew; stops at the venue
        work on meanwhile. `between` closes what is open.
        """
        await self._adapters.begin_anew(link, venue, between)

    def hear(self, event: ev.AnyEvent) -> None:
        """Take in what whoever started the engine has to tell, as its adapters do; before `main` too."""
        if self._inbox is None:
            self._early.append(event)
        self._post(event)

    def _post(self, event: ev.AnyEvent) -> None:
        if self._inbox is not None:
            self._inbox.post(event)

    # --- around it -------------------------------------------------------------------------------------

    def _venue_of(self, book: str) -> str:
        config = self._core.config.book(book)
        return "" if config is None else config.venue

    def _health(self) -> HealthView:
        inbox, writer = self._inbox, self._writer
        now = asyncio.get_running_loop().time()
        if inbox is not None and now - self._waits_seen >= WAITS_S:
            self._waits_seen, self._wait_p99_ms = now, inbox.wait_p99_ms()
        return HealthView(
            ok=not self._trouble(),
            detail=self._trouble(),
            journal_seq=writer.seq if writer is not None else 0,
            inbox=len(inbox) if inbox is not None else 0,
            wait_p99_ms=self._wait_p99_ms,
            dropped=inbox.dropped if inbox is not None else 0,
            prints=self._core.market.prints,
            counts=self._counts(),
            components=self.risks.components(self._trouble()),
            process=self.risks.process,
        )

    def _trouble(self) -> str:
        """What is wrong, the worst first; empty when nothing is."""
        if self.failure or self._fault:
            return self.failure or self._fault
        if not self._core.entries.journal_ok:
            return "the journal can't be written"
        for bot in self._core.entries.bots.all:
            if bot.out:
                return f"{bot.words if bot.config.configured else 'the strategy'} {bot.out}"
        return ""

    def _counts(self) -> dict[str, int]:
        counts = dict(self._core.turn.counts)
        if self._writer is not None and self._writer.saved:
            counts["emergency records"] = self._writer.saved - self._writer.seq
        return counts
