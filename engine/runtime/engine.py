"""The engine at work: events through the core, records to the journal, effects out, a View for people."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from engine.core import Core, Outcome
from engine.lab.summary import Summary, summarise
from engine.model import events as ev
from engine.model.commands import AnyCommand, Shutdown
from engine.model.errors import FatalError, PortError
from engine.model.market import NANOS
from engine.model.view import HealthView, Notice, View
from engine.ports import Broker, Clock, Journal, MarketFeed, Sink
from engine.runtime.courier import Courier
from engine.runtime.inbox import Inbox
from engine.runtime.picture import picture
from engine.runtime.scribe import Scribe

log = logging.getLogger(__name__)

BATCH = 200
"""Events taken before the loop's other tasks get their turn."""

PICTURE_S = 0.05
WARM_UP_NS = 5 * 24 * 3600 * NANOS
"""History loaded at start, so that the 1h frame speaks at once."""

RETRY_S = 5.0


class Engine:
    """Runs one core. Everything but `view`, `send`, `notices` belongs to the thread of its event loop."""

    def __init__(
        self,
        core: Core,
        journal: Journal,
        last_seq: int,
        feed: MarketFeed,
        brokers: Sequence[Broker],
        clock: Clock,
        record: Callable[[ev.AnyEvent], None] | None = None,
        speed: float = 1.0,
    ) -> None:
        """`record` gets every event for the tape; `speed` is how fast `clock` runs against real time."""
        self._core = core
        self._journal = journal
        self._last_seq = last_seq
        self._feed = feed
        self._brokers = {broker.book: broker for broker in brokers}
        self._clock = clock
        self._record = record
        self._speed = speed
        self._loop: asyncio.AbstractEventLoop | None = None
        self._inbox: Inbox | None = None
        self._scribe: Scribe | None = None
        self._failure = ""
        self._stopping = False
        self._looked = True
        self._waiting_commands: list[AnyCommand] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._version = 1
        self._wait_p99_ms = 0.0
        self._view = picture(core, 1, HealthView(ok=True, detail="starting"))

    # --- the handle: any thread ------------------------------------------------------------------------

    def view(self) -> View:
        self._looked = True
        return self._view

    def notices(self, after_seq: int) -> Sequence[Notice]:
        self._looked = True
        return [notice for notice in self._view.notices if notice.seq > after_seq]

    def summary(self) -> Summary:
        """What this run came to. Call it once `main` has ended."""
        begun = self._core.started_ts
        books = self._core.state.books.values()
        trades = (trade for book in books for trade in book.trades if trade.closed_ts >= begun)
        return summarise(trades, self._core.refusals)

    def send(self, command: AnyCommand) -> None:
        if self._loop is None:
            self._waiting_commands.append(command)
            return
        self._loop.call_soon_threadsafe(self._take_command, command)

    def _take_command(self, command: AnyCommand) -> None:
        self._post(ev.CommandReceived(ts_recv=self._clock(), command=command))

    # --- the loop --------------------------------------------------------------------------------------

    async def main(self) -> None:
        """Until a Shutdown command. Journal and brokers are closed by whoever opened them."""
        self._loop = asyncio.get_running_loop()
        inbox = self._inbox = Inbox(self._loop.time)
        courier = Courier(self._brokers, self._clock, self._post)
        scribe = self._scribe = Scribe(self._journal, self._last_seq, courier, self._clock, self._post)
        for command in self._waiting_commands:
            self._take_command(command)
        scribe.write(*self._core.start(self._clock()))
        tasks = [
            asyncio.create_task(scribe.run(), name="scribe"),
            asyncio.create_task(self._pictures(), name="pictures"),
            asyncio.create_task(self._supervise("market", self._feed.run), name="feed"),
            *(
                asyncio.create_task(self._supervise("user", broker.run), name=f"broker {book}")
                for book, broker in self._brokers.items()
            ),
        ]
        try:
            await self._work(inbox, scribe)
            await courier.drain(2.0)
            while (event := inbox.take()) is not None:
                scribe.write(*self._step(event))
            await scribe.flush()
        finally:
            ending = [*tasks, *self._tasks]
            for task in ending:
                task.cancel()
            await asyncio.gather(*ending, return_exceptions=True)
            self._show()

    async def _work(self, inbox: Inbox, scribe: Scribe) -> None:
        while not self._stopping:
            for _ in range(BATCH):
                event = inbox.take()
                if event is None:
                    break
                scribe.write(*self._step(event))
            now = self._clock()
            if now >= self._core.next_deadline():
                scribe.write(*self._step(ev.TimeAdvanced(ts_recv=now)))
            if len(inbox):
                await asyncio.sleep(0)
            else:
                await inbox.wait((self._core.next_deadline() - now) / NANOS / self._speed)

    def _step(self, event: ev.AnyEvent) -> Outcome:
        if self._record is not None:
            self._record(event)
        outcome = self._core.step(event)
        match event:
            case ev.ContractResolved():
                self._background(self._warm_up(event.instrument.symbol))
            case ev.CommandReceived(command=Shutdown()):
                self._stopping = True
            case ev.LinkChanged(link="market", state=ev.LinkState.LIVE):
                for symbol in self._core.state.contracts:
                    self._background(self._warm_up(symbol))
        return outcome

    def _post(self, event: ev.AnyEvent) -> None:
        if self._inbox is not None:
            self._inbox.post(event)

    # --- around it -------------------------------------------------------------------------------------

    async def _supervise(self, link: str, run: Callable[[Sink], Coroutine[Any, Any, None]]) -> None:
        """Keep an adapter running. A fatal error ends it and is shown; a bug restarts it and is shown too."""
        while True:
            try:
                await run(self._post)
            except FatalError as error:
                self._failure = str(error)
                log.critical("%s: %s", link, error)
                self._link_down(link, str(error))
                return
            except PortError as error:
                log.warning("%s: %s; trying again in %.0f s", link, error, RETRY_S)
                self._link_down(link, str(error))
            except Exception:
                log.exception("%s failed; starting it again in %.0f s", link, RETRY_S)
                self._link_down(link, "internal error, see the log")
            await asyncio.sleep(RETRY_S)

    def _link_down(self, link: str, detail: str) -> None:
        self._post(ev.LinkChanged(ts_recv=self._clock(), link=link, state=ev.LinkState.DOWN, detail=detail))

    async def _warm_up(self, symbol: str) -> None:
        """Load closed minutes of the past days; repeated until it works or a newer request replaces it."""
        while True:
            end = self._clock()
            try:
                bars = await self._feed.history(symbol, end - WARM_UP_NS, end)
            except FatalError as error:
                log.error("history of %s: %s", symbol, error)
                return
            except PortError as error:
                log.warning("history of %s: %s; trying again in %.0f s", symbol, error, RETRY_S)
                await asyncio.sleep(RETRY_S)
                continue
            self._post(ev.HistoryLoaded(ts_recv=self._clock(), instrument=symbol, bars=tuple(bars)))
            return

    def _background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _pictures(self) -> None:
        """Build a View at most 20 times a second, and only when somebody has looked since the last."""
        ticks = 0
        while True:
            await asyncio.sleep(PICTURE_S)
            ticks += 1
            if ticks % 20 == 0 and self._inbox is not None:
                self._wait_p99_ms = self._inbox.wait_p99_ms()
            if self._looked:
                self._looked = False
                self._show()

    def _show(self) -> None:
        self._version += 1
        self._view = picture(self._core, self._version, self._health())

    def _health(self) -> HealthView:
        inbox, scribe = self._inbox, self._scribe
        return HealthView(
            ok=not self._failure and self._core.journal_ok,
            detail=self._failure or ("" if self._core.journal_ok else "the journal can't be written"),
            journal_seq=scribe.seq if scribe is not None else 0,
            inbox=len(inbox) if inbox is not None else 0,
            wait_p99_ms=self._wait_p99_ms,
            dropped=inbox.dropped if inbox is not None else 0,
            prints=self._core.prints,
        )
