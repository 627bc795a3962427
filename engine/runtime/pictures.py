"""What people see of a running core: the newest View, and charts, each drawn when somebody asks for it.

Drawing changes nothing in the core, and nothing is drawn inside `step`.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from typing import TypeVar

from msgspec import Struct, structs

from engine.core import Core
from engine.model.chart import ChartView, CurveView, ZoneView
from engine.model.equity import EquityHistory
from engine.model.market import Bar, Timeframe
from engine.model.view import HealthView, PerformanceView, View
from engine.portfolio.equity_history import equity_history
from engine.portfolio.money import day_usd
from engine.ports import Clock, MarketFeed
from engine.runtime.looking import LookedAtMarkets
from engine.runtime.older_bars import OlderBarsLoader
from engine.runtime.view_builder import KeptRows, picture
from engine.signals.chart_curves import chart_indicator

log = logging.getLogger(__name__)

_T = TypeVar("_T")

PERIOD_S = 0.05
"""A View is at most so old when it is drawn anew, and never drawn oftener."""

CHART_S = 0.03
"""Who asks for a chart from another thread waits so long for it at most."""


class _Drawn(Struct, frozen=True):
    """What was worked out for a chart's closed bars."""

    bars: tuple[Bar, ...]
    zones: tuple[ZoneView, ...]
    curves: tuple[CurveView, ...]


async def _at_once() -> None:
    """Nothing is waited for."""


class Pictures:
    """`view` and `chart` are for any thread; everything else belongs to the thread of the engine's loop."""

    def __init__(
        self,
        core: Core,
        health: Callable[[], HealthView],
        clock: Clock | None = None,
        older: OlderBarsLoader | None = None,
        performance: Callable[[], tuple[PerformanceView, ...]] = tuple,
        feeds: Mapping[str, MarketFeed] | None = None,
    ) -> None:
        """`health` is asked at every picture, and `clock` what time it is; without one time is the core's.
        `older` has the bars before the core's; without it there are none. `performance` has the figures of
        each book. `feeds`, by their venue's name, are asked for order books.
        """
        self._clock = clock
        self._older = older or OlderBarsLoader({}, core.market.sources, core.instruments)
        self._core = core
        self._health = health
        self._performance = performance
        self.looking = LookedAtMarkets(core, feeds)
        self.caught_up: Callable[[], Awaitable[None]] = _at_once
        """Comes back when the core has taken the events that wait, or soon; of the loop's thread."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0
        self._looked = True
        self._version = 1
        self._kept = KeptRows()
        self._drawn: dict[tuple[str, Timeframe], _Drawn] = {}
        self._charts: dict[tuple[str, Timeframe], ChartView] = {}
        self._indicators = [chart_indicator(words) for words in core.config.chart_indicators]
        self._view = picture(core, 1, HealthView(ok=True, detail="starting"), self._kept)

    # --- any thread ------------------------------------------------------------------------------------

    def view(self) -> View:
        """The newest picture; that somebody looked brings the next one."""
        self._looked = True
        return self._view

    def chart(self, instrument: str, timeframe: Timeframe) -> ChartView | None:
        """A chart as of now; as it was drawn last, where the engine is too busy to draw in time. None for
        unknown contracts, and where none was drawn yet.
        """
        if instrument not in self._core.instruments:
            return None
        chart = self._asked(self._draw, instrument, timeframe)
        if chart is None:
            return self._charts.get((instrument, timeframe))
        self._charts[instrument, timeframe] = chart
        return chart

    def equity(self, book: str) -> EquityHistory | None:
        """A book's days as of now. None for unknown books, and where the engine is too busy."""
        return self._asked(self._equity, book)

    def _asked(self, draw: Callable[..., _T | None], *of: object) -> _T | None:
        """What the engine's loop draws for whoever asks; None where it is too busy to do so in time."""
        loop = self._loop
        if loop is None:
            return None
        if threading.get_ident() == self._thread:
            return draw(*of)
        drawn: Future[_T | None] = Future()
        try:
            loop.call_soon_threadsafe(lambda: drawn.set_result(draw(*of)))
            return drawn.result(CHART_S)
        except (RuntimeError, TimeoutError):  # the loop is closed, or behind
            return None

    def load_older(self, instrument: str, timeframe: Timeframe) -> None:
        """Ask for bars older than those of a chart. Nothing happens where no engine is at work."""
        if self._loop is not None and instrument in self._core.instruments:
            with suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._load_older, instrument, timeframe)

    # --- the engine's loop -----------------------------------------------------------------------------

    async def run(self, caught_up: Callable[[], Awaitable[None]] = _at_once) -> None:
        """Draw a View at most 20 times a second, and only when somebody has looked since the last: when
        `caught_up` comes back, so that no event which is there already waits for it.
        """
        self.caught_up = caught_up
        self._thread = threading.get_ident()
        self._loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(PERIOD_S)
            self.looking.renew(self._now())
            if self._looked:
                await caught_up()
                self._looked = False
                self.renew()

    def renew(self) -> None:
        """Draw the View now."""
        self._version += 1
        try:
            core = self._core
            now = self._now()
            told = self._performance()
            self._view = picture(core, self._version, self._health(), self._kept, now, told)
        except Exception:
            # A picture that can't be drawn is no reason to stop, nor to draw no other; people are told.
            log.exception("the view can't be built")
            health = structs.replace(self._health(), ok=False, detail="the view can't be built, see the log")
            self._view = structs.replace(self._view, version=self._version, health=health)

    def _now(self) -> int:
        core = self._core
        return core.now if self._clock is None else max(core.now, self._clock() + core.clocks.lead)

    def draw(self, instrument: str, timeframe: Timeframe) -> ChartView:
        """A chart as of the core's now."""
        bars = self._core.market.bars.bars(instrument, timeframe)
        key = instrument, timeframe
        known = self._drawn.get(key)
        if known is None or known.bars is not bars:  # they come of closed bars alone
            board = self._core.market.board
            curves = board.curves(instrument, timeframe, self._indicators)
            known = self._drawn[key] = _Drawn(bars, board.zones(instrument, timeframe), curves)
        every, older = self._older.before(bars, key)
        forming = self._core.market.bars.forming(instrument, timeframe)
        return ChartView(instrument, timeframe, every, forming, known.zones, older, known.curves)

    def _load_older(self, instrument: str, timeframe: Timeframe) -> None:
        self._older.load(self._core.market.bars.bars(instrument, timeframe), (instrument, timeframe))

    def _draw(self, instrument: str, timeframe: Timeframe) -> ChartView | None:
        try:
            return self.draw(instrument, timeframe)
        except Exception:
            log.exception("the chart of %s %s can't be built", instrument, timeframe)
            return None

    def _equity(self, book: str) -> EquityHistory | None:
        core = self._core
        known = core.books.get(book)
        if known is None:
            return None
        try:
            total = day_usd(known.state, core.state, core.marks)
            return equity_history(known.state, core.state, total, core.turn.wall)
        except Exception:
            log.exception("the equity of %s can't be told", book)
            return None
