"""Bars older than those that the core keeps: for charts alone, loaded when somebody looks back so far.

They come from the venue's history past the inbox: no event, no record, no tape, and no strategy sees them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping

from msgspec import Struct

from engine.market.calendars.known import calendar_in
from engine.market.candles import resample
from engine.market.sources import Sources
from engine.model import events as ev
from engine.model.chart import OlderBars
from engine.model.errors import PortError
from engine.model.instrument import Instrument
from engine.model.market import MINUTE, Bar, Timeframe
from engine.ports import MarketFeed

log = logging.getLogger(__name__)

DAY_NS = 24 * 60 * MINUTE

BARS_AT_ONCE = 600
"""So many bars are asked for at least, as if the market never closed."""

LONGEST_CLOSED_NS = 5 * DAY_NS
"""Longer than any weekend with its holidays: what has nothing older in so long a time has nothing older."""

MOST_BARS = 20_000
"""Older bars of one chart; the oldest of more are not asked for."""

MOST_CHARTS = 4
"""So many charts keep theirs: of others they are forgotten, those looked at longest ago first."""

_Key = tuple[str, Timeframe]


class _Kept(Struct):
    bars: tuple[Bar, ...] = ()
    """Oldest first, without a gap up to those of the core."""
    state: OlderBars = OlderBars.MORE
    core: tuple[Bar, ...] = ()
    """Those of the core when they were last drawn."""
    joined: tuple[Bar, ...] = ()


class OlderBarsLoader:
    """Belongs to the thread of the engine's loop. One load at a time is under way, each a single request or
    two of the lowest priority.
    """

    def __init__(
        self, feeds: Mapping[str, MarketFeed], sources: Sources, instruments: Mapping[str, Instrument]
    ) -> None:
        """`feeds` are by their venue's name; without any there is nothing older."""
        self._feeds = feeds
        self._sources = sources
        self._instruments = instruments
        self._kept: dict[_Key, _Kept] = {}
        """The one that was drawn last comes last."""
        self._loads: dict[_Key, asyncio.Task[None]] = {}
        self._turn = asyncio.Lock()
        self._switches = 0

    @property
    def tasks(self) -> Iterable[asyncio.Task[None]]:
        return self._loads.values()

    def hear(self, event: ev.AnyEvent) -> None:
        """Forget what is of another contract month, or of another venue's prices, than what comes now."""
        if isinstance(event, ev.ContractResolved):
            self._forget([key for key in self._kept if key[0] == event.instrument.symbol])
        if self._switches != self._sources.switches:
            self._switches = self._sources.switches
            self._forget(list(self._kept))

    def before(self, core: tuple[Bar, ...], key: _Key) -> tuple[tuple[Bar, ...], OlderBars]:
        """The bars of a chart, those of the core with the older ones before them, and whether there are more
        to be had.
        """
        kept = self._kept.get(key)
        if kept is None:
            return core, OlderBars.MORE if self._feeds else OlderBars.NONE
        self._kept[key] = self._kept.pop(key)
        if kept.core is not core:
            # What the core has let go since is older now; with a gap in between they are no chart.
            if not core or not kept.core or core[0].open_ts > kept.core[-1].open_ts:
                self._forget([key])
                return core, OlderBars.MORE
            known = (*kept.bars, *kept.core)
            kept.bars = tuple(bar for bar in known if bar.open_ts < core[0].open_ts)[-MOST_BARS:]
            kept.core, kept.joined = core, (*kept.bars, *core)
        return kept.joined, kept.state

    def load(self, core: tuple[Bar, ...], key: _Key) -> None:
        """Begin to load what is older than what a chart has, `core` with what was loaded before. Nothing
        happens while that is under way, and where there is nothing older.
        """
        bars, state = self.before(core, key)
        if not bars or state in (OlderBars.LOADING, OlderBars.NONE, OlderBars.MOST):
            return
        kept = self._kept.setdefault(key, _Kept(core=core, joined=core))
        kept.state = OlderBars.LOADING
        for other in list(self._kept)[:-MOST_CHARTS]:
            self._forget([other])
        self._loads[key] = asyncio.create_task(self._load(key, kept, bars[0].open_ts), name="older bars")

    async def _load(self, key: _Key, kept: _Kept, end: int) -> None:
        state = OlderBars.FAILED
        try:
            async with self._turn:
                found = await self._ask(key, end)
            first = kept.joined[0].open_ts
            kept.bars = (*(bar for bar in found if bar.open_ts < first), *kept.bars)
            kept.joined = (*kept.bars, *kept.core)
            full = len(kept.bars) >= MOST_BARS
            state = OlderBars.NONE if not found else OlderBars.MOST if full else OlderBars.MORE
        except PortError as error:
            log.warning("older bars of %s %s: %s", *key, error)
        except Exception:
            log.exception("older bars of %s %s failed", *key)
        finally:
            kept.state = state
            if self._loads.get(key) is asyncio.current_task():
                del self._loads[key]

    async def _ask(self, key: _Key, end: int) -> tuple[Bar, ...]:
        """Whole bars before `end`, oldest first. Raises PortError."""
        symbol, timeframe = key
        parts = Timeframe.M30 if timeframe.minutes >= 30 else Timeframe.M1
        feed = self._feeds.get(self._sources.active(symbol) or next(iter(self._feeds), ""))
        if feed is None:
            return ()
        start = end - max(LONGEST_CLOSED_NS, BARS_AT_ONCE * timeframe.nanos)
        start -= start % min(timeframe.nanos, Timeframe.H1.nanos)
        told = await feed.history(symbol, start, end, parts)
        made = resample(told, timeframe, calendar_in(self._instruments, symbol))
        # Where a session's bar began before the window half of it is here: the next load has it whole.
        return tuple(bar for bar in made if bar.open_ts >= start)

    def _forget(self, keys: Iterable[_Key]) -> None:
        for key in keys:
            self._kept.pop(key, None)
            load = self._loads.pop(key, None)
            if load is not None:
                load.cancel()
