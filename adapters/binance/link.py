"""Keeps one connection up: backoff, and another one that takes over before the first has lived too long."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

from adapters.binance.config import BinanceTiming
from adapters.binance.socket import SocketLost, SpotSocket
from adapters.common.pacing import Backoff
from engine.model.errors import FatalError, RefusedError, RetryableError
from engine.model.events import LinkState

_log = logging.getLogger(__name__)

ReportLink = Callable[[LinkState, str, int], None]
"""Takes state, words, and since when it is so where that is known better than "now" (nanoseconds UTC)."""


class SpotLink:
    """LIVE is reported once a connection has shown that it carries what it was asked for.

    A connection lives 24 hours at most, and less where the server says that it goes. So after `life_s`, or
    upon that word, a second one is opened beside it and takes over while the first still tells: what both
    tell is the same, and whoever reads it takes it once.
    """

    def __init__(
        self,
        name: str,
        timing: BinanceTiming,
        rng: random.Random,
        open_line: Callable[[], Awaitable[SpotSocket]],
        report: ReportLink,
        heard: Callable[[], int] = lambda: 0,
        silence: Callable[[], Awaitable[str]] | None = None,
    ) -> None:
        """`open_line` gives a connection that works; `heard` when its last record came, nanoseconds UTC; and
        `silence` why it must be taken for dead though it stands, in words, or nothing.
        """
        self._name = name
        self._timing = timing
        self._open = open_line
        self._report_to = report
        self._heard = heard
        self._silence = silence
        self._told: tuple[LinkState, str] | None = None
        self._backoff = Backoff(timing.backoff_first_s, timing.backoff_cap_s, rng)
        self._worked = False

    async def run(self) -> None:
        """Until cancelled. Raises FatalError when it can't begin without a person."""
        loop = asyncio.get_running_loop()
        self._report(LinkState.CONNECTING)
        line: SpotSocket | None = None
        try:
            while True:
                began = loop.time()
                try:
                    line = await self._open()
                    self._worked = True
                    self._report(LinkState.LIVE)
                    line = await self._hold(line)
                    raise SocketLost(line.closed.result())
                except (SocketLost, RetryableError, RefusedError) as error:
                    self._report(LinkState.DOWN, str(error), self._heard())
                except FatalError as error:
                    self._report(LinkState.DOWN, str(error), self._heard())
                    if not self._worked:
                        raise
                finally:
                    if line is not None:
                        ended, line = line, None
                        await ended.close()
                self._backoff.held(loop.time() - began)
                await asyncio.sleep(self._backoff.pause_s())
        except asyncio.CancelledError:
            self._report(LinkState.DOWN, "stopped")
            raise

    async def _hold(self, line: SpotSocket) -> SpotSocket:
        """While a connection, or the one that takes its place, is good; gives the one that has ended.

        Raises SocketLost for one that stands and tells nothing.
        """
        loop = asyncio.get_running_loop()
        try_at = 0.0
        while True:
            await asyncio.wait({line.closed}, timeout=self._timing.watch_s)
            if line.closed.done():
                return line
            now = loop.time()
            if (line.leaving or now - line.since > self._timing.life_s) and now >= try_at:
                try:
                    line = await self._take_over(line)
                except (SocketLost, RetryableError, RefusedError, FatalError) as error:
                    _log.warning("%s: no second connection yet: %s", self._name, error)
                    try_at = now + self._timing.backoff_cap_s / 4
            elif self._silence is not None and (why := await self._silence()):
                self._report(LinkState.STALE, why, self._heard())
                await line.close()
                raise SocketLost(why)

    async def _take_over(self, old: SpotSocket) -> SpotSocket:
        new = await self._open()
        lost = old.closed.done()
        if lost:
            self._report(LinkState.DOWN, old.closed.result(), self._heard())
        await old.close()
        self._told = None
        self._report(LinkState.LIVE, "another connection has taken over")
        return new

    def _report(self, state: LinkState, detail: str = "", since: int = 0) -> None:
        new, self._told = (state, detail) != self._told, (state, detail)
        if new:
            _log.info("%s %s %s", self._name, state, detail)
        if new or state is LinkState.DOWN:  # each try that fails is told
            self._report_to(state, detail, since)
