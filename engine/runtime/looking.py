"""Order books and tapes for whoever looks at them: asked for at the venues, drawn, and let go again.

Nothing of it is decided by: the core keeps what comes (engine/market/order_books.py, engine/signals/tape.py).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping

from engine.core import Core
from engine.model.depth import TAPE_BARS, DepthView, QueuePlace, TapeView
from engine.model.events import Depth
from engine.model.market import Timeframe
from engine.model.orders import OrderStatus, OrderType
from engine.ports import MarketFeed, TellsDepth
from engine.signals.tape import PrintTape

log = logging.getLogger(__name__)

LOOKED_S = 5.0
"""What nobody has asked for within this, real seconds, is looked at no more; its subscription ends."""
TAPE_S = 900.0
"""A tape goes on so long after somebody has looked at it: its sums are lost with it."""
TEND_S = 0.5
"""Subscriptions are looked after no oftener than that."""
AGAIN_S = 10.0
"""A book that is not to be believed is subscribed anew no oftener than that."""
NEAR = 80
"""Prices above and below the market whose traded volume is drawn."""

_TapeKey = tuple[str, Timeframe]
_Place = tuple[str, str, int]
"""Instrument, client id and price of an order."""


class LookedAtMarkets:
    """`depth` and `tape` are for any thread; everything else belongs to the thread of the engine's loop."""

    def __init__(
        self,
        core: Core,
        feeds: Mapping[str, MarketFeed] | None = None,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        """`feeds` are by their venue's name. `seconds` is real time, and never goes back."""
        self._core = core
        self._feeds = {venue: feed for venue, feed in (feeds or {}).items() if isinstance(feed, TellsDepth)}
        self._seconds = seconds
        self._asked: dict[str, float] = {}
        self._asked_tapes: dict[_TapeKey, float] = {}
        self._depths: dict[str, DepthView] = {}
        self._tapes: dict[_TapeKey, TapeView] = {}
        self._looked_tapes: dict[str, float] = {}
        self._watched: dict[str, frozenset[str]] = {}
        self._tended = -1e9
        self._renewed: dict[str, float] = {}
        self._drawn: dict[str, object] = {}
        self._taped: dict[_TapeKey, object] = {}
        """What the pictures of before were drawn from."""
        self._places: dict[_Place, tuple[int, int]] = {}
        """Of each resting order of ours: about how much is before it, and what was traded at its price when
        that was so.
        """

    # --- any thread ------------------------------------------------------------------------------------

    def depth(self, instrument: str) -> DepthView | None:
        self._asked[instrument] = self._seconds()
        return self._depths.get(instrument)

    def tape(self, instrument: str, timeframe: Timeframe) -> TapeView | None:
        self._asked_tapes[instrument, timeframe] = self._seconds()
        return self._tapes.get((instrument, timeframe))

    # --- the engine's loop -----------------------------------------------------------------------------

    def renew(self, now: int) -> None:
        """Draw what is looked at; `now` is the core's, nanoseconds UTC."""
        try:
            self._renew(now)
        except Exception:
            log.exception("order book and tape can't be drawn")

    def _renew(self, now: int) -> None:
        seconds = self._seconds()
        if seconds - self._tended >= TEND_S:
            self._tended = seconds
            self._tend(seconds, now)
        if not self._asked and not self._asked_tapes:
            return
        known = self._core.instruments
        for symbol in tuple(self._asked):
            if symbol in known:
                self._depths[symbol] = self._depth(symbol, now)
        for key in tuple(self._asked_tapes):
            if key[0] in known:
                self._looked_tapes[key[0]] = seconds
                self._tapes[key] = self._tape(key, now)

    def _tend(self, seconds: float, now: int) -> None:
        """Forget what nobody looks at, and tell the feeds."""
        for symbol, at in tuple(self._asked.items()):
            if seconds - at > LOOKED_S:
                del self._asked[symbol]
                self._depths.pop(symbol, None)
                self._places = {key: place for key, place in self._places.items() if key[0] != symbol}
        for key, at in tuple(self._asked_tapes.items()):
            if seconds - at > LOOKED_S:
                del self._asked_tapes[key]
                self._tapes.pop(key, None)
        for symbol, at in tuple(self._looked_tapes.items()):
            if seconds - at > TAPE_S:
                del self._looked_tapes[symbol]
                self._core.market.tapes.pop(symbol, None)
        self._subscribe(seconds, now)

    def _subscribe(self, seconds: float, now: int) -> None:
        market = self._core.market
        wanted = market.board.depth_wanted.union(self._asked)
        for venue, feed in self._feeds.items():
            mine = frozenset(symbol for symbol in wanted if market.sources.priced_by(venue, symbol))
            mine -= {symbol for symbol in mine if self._is_to_renew(symbol, seconds, now)}
            if mine != self._watched.get(venue, frozenset()):
                self._watched[venue] = mine
                feed.watch_depth(mine)
        for symbol in [one for one in market.books.newest if one not in wanted]:
            market.books.forget(symbol)

    def _is_to_renew(self, symbol: str, seconds: float, now: int) -> bool:
        """Whether the book of an instrument is let go for a moment, and so asked for anew."""
        market = self._core.market
        market.books.compare(symbol, market.quotes.get(symbol), now)
        if symbol not in market.books.newest or not market.books.broken(symbol, now):
            self._renewed.setdefault(symbol, seconds)
            return False
        if seconds - self._renewed.get(symbol, seconds) < AGAIN_S:
            return False
        self._renewed[symbol] = seconds
        return True

    # --- drawing ---------------------------------------------------------------------------------------

    def _tape(self, key: _TapeKey, now: int) -> TapeView:
        symbol, timeframe = key
        bars, tape = self._core.market.bars, self._core.market.tape(symbol, now)
        forming = bars.forming(symbol, timeframe)
        as_of = tape.count, forming
        known = self._tapes.get(key)
        if known is not None and self._taped.get(key) == as_of:
            return known
        self._taped[key] = as_of
        shown = [*bars.bars(symbol, timeframe)[-TAPE_BARS:], *(() if forming is None else (forming,))]
        return tape.view(timeframe, shown)

    def _depth(self, symbol: str, now: int) -> DepthView:
        market = self._core.market
        tape, book = market.tape(symbol, now), market.books.newest.get(symbol)
        broken = market.books.broken(symbol, now)
        as_of = id(book), tape.count, broken, self._core.turn.committed, self._untold(symbol)
        known = self._depths.get(symbol)
        if known is not None and self._drawn.get(symbol) == as_of:
            return known
        self._drawn[symbol] = as_of
        last = tape.last
        price = market.last(symbol)
        traded = _near(tape.traded, price)
        told = book is not None and bool(book.traded)
        if book is not None and book.traded:
            traded = book.traded
        return DepthView(
            instrument=symbol,
            ts=0 if book is None else book.ts_venue,
            bids=() if book is None else book.bids,
            asks=() if book is None else book.asks,
            broken=broken,
            touch_only=book is not None and book.touch_only,
            untold=self._untold(symbol),
            resyncs=0 if book is None else book.resyncs,
            last=price,
            last_size=0 if last is None else last.size,
            last_side=0 if last is None else last.side,
            traded=traded,
            traded_most=max((size for _, size in traded), default=0),
            traded_about=tape.about and not told,
            queue=self._queue(symbol, book, tape),
        )

    def _untold(self, symbol: str) -> bool:
        priced_by = self._core.market.sources.priced_by
        return not any(priced_by(venue, symbol) for venue in self._feeds)

    def _queue(self, symbol: str, book: Depth | None, tape: PrintTape) -> tuple[QueuePlace, ...]:
        """Of our resting limit orders: at first all that stands at the price is before ours; what is traded
        there afterwards was before it, and never more than stands there now.
        """
        if book is None or book.broken:
            return ()
        sizes = dict((*book.bids, *book.asks))
        traded = dict(book.traded) if book.traded else tape.traded
        found: list[QueuePlace] = []
        kept: dict[_Place, tuple[int, int]] = {}
        for one in self._core.books.values():
            for order in one.state.live_orders():
                price = order.price
                if order.instrument != symbol or order.type is not OrderType.LIMIT or price is None:
                    continue
                if order.status is not OrderStatus.WORKING or order.suspended or price not in sizes:
                    continue
                key = symbol, order.client_id, price
                others = max(0, sizes[price] - (order.qty - order.filled_qty))
                gone = traded.get(price, 0)
                ahead, before = self._places.get(key, (others, gone))
                ahead = min(others, max(0, ahead - max(0, gone - before)))
                kept[key] = ahead, gone
                found.append(QueuePlace(order.client_id, ahead))
        self._places = {key: place for key, place in self._places.items() if key[0] != symbol} | kept
        return tuple(found)


def _near(traded: Mapping[int, int], price: int | None) -> tuple[tuple[int, int], ...]:
    if price is None:
        return ()
    get = traded.get
    return tuple((at, size) for at in range(price - NEAR, price + NEAR + 1) if (size := get(at, 0)))
