"""Closed minutes of the past, asked of the feeds beside everything else that the engine does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from engine.market.sources import Sources
from engine.model import events as ev
from engine.model.errors import FatalError, PortError
from engine.model.market import NANOS, Bar, Timeframe
from engine.ports import Clock, MarketFeed

log = logging.getLogger(__name__)

WARM_UP_NS = 11 * 24 * 3600 * NANOS
"""History loaded at start, so that the 1h frame speaks at once."""

AGAIN_NS = 3600 * NANOS
"""After a break history is loaded from so long before the newest minute that was: what lies before that is
here, and days of it would only be memory and time, for all contracts at once.
"""

FAR_NS = 90 * 24 * 3600 * NANOS
"""Half hours of so long are loaded once for each contract: 4h and 1d are made of them."""

RETRY_S = 5.0

AT_ONCE = 2
"""Loads that are under way at a venue: days of minutes are large while they are read, and a link that comes
back wants those of all contracts. One is on its way while the other is read.
"""


class HistoryLoader:
    """Loads what an instrument's signals need, whenever its feed may have missed something."""

    def __init__(
        self,
        feeds: Mapping[str, MarketFeed],
        sources: Sources,
        wall: Callable[[], int],
        clock: Clock,
        post: Callable[[ev.AnyEvent], None],
        watched: Collection[str],
    ) -> None:
        """`feeds` are by their venue's name; without any nothing is loaded. `wall` is the time that the
        calendar goes by, nanoseconds UTC. `watched`: an earlier run may have known more, of which no feed of
        this one tells.
        """
        self._feeds = feeds
        self._sources = sources
        self._wall = wall
        self._clock = clock
        self._post = post
        self._watched = watched
        self._loads: dict[tuple[str, str], asyncio.Task[None]] = {}  # newest request by venue, instrument
        self._far: set[tuple[str, str]] = set()
        """Whose half hours are here, by venue and instrument."""
        self._through: dict[tuple[str, str], int] = {}
        """Until when minutes have been loaded, by venue and instrument, nanoseconds UTC."""
        self._switches = 0
        self._turns = {venue: asyncio.Semaphore(AT_ONCE) for venue in feeds}

    @property
    def tasks(self) -> Iterable[asyncio.Task[None]]:
        return self._loads.values()

    def hear(self, event: ev.AnyEvent, instruments: Collection[str]) -> None:
        """Load what is to be loaded once the core has taken this event in."""
        match event:
            case ev.ContractResolved():
                symbol = event.instrument.symbol  # what is of another month was dropped
                self._far = {known for known in self._far if known[1] != symbol}
                self._through = {known: at for known, at in self._through.items() if known[1] != symbol}
                self._load(event.venue, event.instrument.symbol)
            case ev.LinkChanged(link="market", state=ev.LinkState.LIVE):
                for symbol in instruments:
                    self._load(event.venue, symbol)
        if self._switches != self._sources.switches:
            self._switches = self._sources.switches
            self._far.clear()
            self._through.clear()
            for symbol in instruments:
                self._load(self._sources.active(symbol), symbol)

    def _load(self, venue: str, symbol: str) -> None:
        """A newer request knows the newer end, so it replaces one that is still under way. Where an event
        does not say whose it is, it is the only venue's. What does not price the instrument is not asked.
        """
        priced = self._sources.priced_by(venue, symbol)
        venue = venue or next(iter(self._feeds), "")
        if venue not in self._feeds or not priced or symbol not in self._watched:
            return
        before = self._loads.get((venue, symbol))
        if before is not None:
            before.cancel()
        self._loads[venue, symbol] = asyncio.create_task(self._warm_up(venue, symbol), name="history")

    async def _warm_up(self, venue: str, symbol: str) -> None:
        """Load closed minutes of the past days; repeated until it works or a newer request replaces it."""
        while True:
            try:
                async with self._turns[venue]:
                    end = self._wall()
                    start = max(end - WARM_UP_NS, self._through.get((venue, symbol), 0) - AGAIN_NS)
                    bars = await self._feeds[venue].history(symbol, start, end)
            except FatalError as error:
                log.error("history of %s: %s", symbol, error)
                return
            except PortError as error:
                log.warning("history of %s: %s; trying again in %.0f s", symbol, error, RETRY_S)
                await asyncio.sleep(RETRY_S)
                continue
            except Exception:
                log.exception("history of %s failed", symbol)
                return
            self._tell(venue, symbol, bars)
            if bars:
                self._through[venue, symbol] = bars[-1].close_ts
            break
        if (venue, symbol) not in self._far:
            await self._reach_back(venue, symbol, end)

    async def _reach_back(self, venue: str, symbol: str, end: int) -> None:
        """Load half hours of the past months. Nothing waits for them: the next load asks anew."""
        try:
            async with self._turns[venue]:
                bars = await self._feeds[venue].history(symbol, end - FAR_NS, end, Timeframe.M30)
        except PortError as error:
            log.warning("half hours of %s: %s; 4h and 1d begin with the minutes", symbol, error)
            return
        except Exception:
            log.exception("half hours of %s failed", symbol)
            return
        self._far.add((venue, symbol))
        if bars:
            self._tell(venue, symbol, bars)

    def _tell(self, venue: str, symbol: str, bars: Sequence[Bar]) -> None:
        loaded = ev.HistoryLoaded(ts_recv=self._clock(), instrument=symbol, bars=tuple(bars), venue=venue)
        self._post(loaded)
