"""Keeps adapters running: a fatal error ends one and is shown, a bug starts it again and is shown too."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, NamedTuple

from engine.model import events as ev
from engine.model.errors import FatalError, PortError
from engine.model.orders import Account
from engine.ports import Clock, Sink

log = logging.getLogger(__name__)

RETRY_S = 5.0

ALERTS_LINK = "discord"
"""As the reader of rooms names its link; the engine trades on without it."""

Run = Callable[[Sink], Coroutine[Any, Any, None]]
Admit = Callable[[str, str, Account], None]


class _Adapter(NamedTuple):
    link: str
    run: Run
    venue: str
    book: str | None


class Supervisor:
    """Of one engine, on its loop."""

    def __init__(self, post: Sink, clock: Clock, venue_of: Callable[[str], str], admit: Admit | None) -> None:
        self.failure = ""
        """What ended an adapter for good; only a person can help. Empty while all of them work."""
        self.ended: set[str] = set()
        """Books whose broker has ended for good."""
        self._post = post
        self._clock = clock
        self._venue_of = venue_of
        self._admit = admit
        self._tasks: dict[_Adapter, asyncio.Task[None]] = {}

    def begin(self, link: str, run: Run, venue: str = "", book: str | None = None) -> None:
        """Run an adapter until it ends for good, or `end`."""
        self._start(_Adapter(link, run, venue, book))

    def _start(self, adapter: _Adapter) -> None:
        name = f"{adapter.link} {adapter.book or adapter.venue}".rstrip()
        self._tasks[adapter] = asyncio.create_task(self._keep(adapter), name=name)

    async def end(self) -> None:
        """Stop all of them."""
        await _cancelled(list(self._tasks.values()))
        self._tasks.clear()

    async def begin_anew(self, link: str, venue: str, between: Callable[[], Awaitable[None]]) -> None:
        """Stop the adapters of a venue, or with a `link` that is no venue's the one of it; start them again
        once `between` is done, also where that fails. What had ended for good has another chance.
        """
        chosen = [one for one in self._tasks if (one.venue == venue if venue else one.link == link)]
        if not chosen:
            return
        await _cancelled([self._tasks[one] for one in chosen])
        for one in chosen:
            self._down(one, "the login was changed: connecting again")
            self.ended.discard(one.book or "")
        self.failure = ""
        try:
            await between()
        finally:
            for one in chosen:
                self._start(one)

    def _admitted(self, event: ev.AnyEvent) -> None:
        """What a broker tells. Its account is admitted, or the broker ends before anybody hears of it."""
        if self._admit is not None and isinstance(event, ev.AccountAdopted):
            self._admit(event.venue or self._venue_of(event.book), event.book, event.account)
        self._post(event)

    async def _keep(self, adapter: _Adapter) -> None:
        link = adapter.link
        while True:
            try:
                await adapter.run(self._admitted)
            except FatalError as error:
                if link != ALERTS_LINK:
                    self.failure = str(error)
                if adapter.book is not None:
                    self.ended.add(adapter.book)
                log.critical("%s: %s", link, error)
                self._down(adapter, str(error))
                return
            except PortError as error:
                log.warning("%s: %s; trying again in %.0f s", link, error, RETRY_S)
                self._down(adapter, str(error))
            except Exception:
                log.exception("%s failed; starting it again in %.0f s", link, RETRY_S)
                self._down(adapter, "internal error, see the log")
            await asyncio.sleep(RETRY_S)

    def _down(self, adapter: _Adapter, detail: str) -> None:
        self._post(
            ev.LinkChanged(
                ts_recv=self._clock(),
                link=adapter.link,
                state=ev.LinkState.DOWN,
                detail=detail,
                venue=adapter.venue,
                book=adapter.book,
            )
        )


async def _cancelled(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
