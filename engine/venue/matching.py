"""The inside of the venue: orders in the market, fills, bracket life cycle (docs/semantics.md#fill-model)."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from engine.model.events import Print, Quote
from engine.model.instrument import Instrument
from engine.model.market import Side
from engine.model.orders import Fill, OrderType, VenueOrder, VenueStatus
from engine.venue.fill_model import FillModel, Market, reaches, slipped, worse
from engine.venue.orders import BookedOrder, Due, VenueEvent

_QUIET: tuple[VenueEvent, ...] = ()


class Matching:
    """Every order, the market of every instrument, and what is due when. Events gather until taken."""

    def __init__(self, instruments: Mapping[str, Instrument], model: FillModel, first_trade_id: int) -> None:
        self.instruments = dict(instruments)
        self.orders: dict[int, BookedOrder] = {}
        self.resting: dict[str, list[BookedOrder]] = {symbol: [] for symbol in instruments}
        """Orders in the market, oldest first."""
        self.markets = {symbol: Market() for symbol in instruments}
        self.timers: list[tuple[int, int, int, int]] = []
        """Heap of (due, sequence, kind, order id)."""
        self.sequence = 0
        self.next_trade_id = first_trade_id
        self.now = 0
        self.portion: Callable[[VenueOrder, int], int] | None = None
        """How many of the contracts that an order could trade just now it does trade; None: all."""
        self._model = model
        self._out: list[VenueEvent] = []

    # -- time and market ---------------------------------------------------------------------------

    def run(self, now: int) -> None:
        """Let everything due until `now` happen, each at its own time."""
        timers = self.timers
        while timers and timers[0][0] <= now:
            due, _, kind, order_id = heapq.heappop(timers)
            self.now = max(self.now, due)
            order = self.orders[order_id]
            if kind == Due.LEGS:
                self._work_legs(order, due)
            elif kind == Due.ALIGN:
                self._align(order, due)
            elif order.status.live:
                self.arrive(order, due)
        self.now = max(self.now, now)

    def schedule(self, due: int, kind: Due, order_id: int) -> None:
        self.sequence += 1
        heapq.heappush(self.timers, (due, self.sequence, int(kind), order_id))

    def on_quote(self, quote: Quote) -> None:
        self.run(quote.ts_recv)
        market = self.markets[quote.instrument]
        market.bid, market.ask = quote.bid, quote.ask
        if market.last is None:
            market.last = quote.last
        if self.resting[quote.instrument]:
            self._match_touch(quote.instrument, market)

    def on_print(self, trade: Print) -> None:
        self.run(trade.ts_recv)
        market = self.markets[trade.instrument]
        market.last = trade.price
        market.sizes.append(trade.size)
        if self.resting[trade.instrument]:
            self._match_print(trade, market)

    # -- what happened -----------------------------------------------------------------------------

    def report(self, order: BookedOrder) -> None:
        self._out.append(order.snapshot())

    def taken(self) -> Sequence[VenueEvent]:
        """Hand out what happened since the last time. A request that raised leaves it for the next one."""
        if not self._out:
            return _QUIET
        out, self._out = self._out, []
        return out

    # -- orders ------------------------------------------------------------------------------------

    def arrive(self, order: BookedOrder, ts: int) -> None:
        """Put an order into the market; it may trade at once."""
        market = self.markets[order.instrument]
        self.resting[order.instrument].append(order)
        if order.limit is not None:
            touch = market.ask if order.side is Side.BUY else market.bid
            if touch is not None and reaches(order.side.opposite, order.limit, touch):
                self._fill(order, order.limit, self._tradable(order), ts)
            else:
                order.queue = self._model.queue_multiple * market.median_size()
        elif order.stop is not None:
            if market.last is not None and reaches(order.side, order.stop, market.last):
                self._trigger(order, order.stop, market.last, ts)
        else:
            self._fill_at_market(order, market, ts)

    def move(self, order: BookedOrder, ts: int) -> None:
        """Take an order to its new price: it queues anew, and may trade at once."""
        resting = self.resting[order.instrument]
        if order in resting:
            resting.remove(order)
            self.arrive(order, ts)

    def resize(self, order: BookedOrder, qty: int, ts: int) -> None:
        if order.qty != qty:
            order.qty, order.ts = qty, ts
            self.report(order)

    def end(self, order: BookedOrder, status: VenueStatus, ts: int) -> None:
        """Take an order out of the market for good."""
        order.status, order.ts = status, ts
        resting = self.resting[order.instrument]
        if order in resting:
            resting.remove(order)
        self.report(order)

    # -- brackets ----------------------------------------------------------------------------------

    def legs(self, entry: BookedOrder) -> Iterator[BookedOrder]:
        return (self.orders[order_id] for order_id in entry.legs)

    def open_qty(self, entry: BookedOrder) -> int:
        """Contracts of an entry that its own legs have not closed yet."""
        return entry.filled - sum(leg.filled for leg in self.legs(entry))

    def _family(self, entry: BookedOrder) -> Iterable[BookedOrder]:
        return (*self.legs(entry), entry)

    def _work_legs(self, entry: BookedOrder, ts: int) -> None:
        """The legs go to work for what has filled, or grow with a further partial fill."""
        open_qty = self.open_qty(entry)
        for leg in self.legs(entry):
            if leg.over or not leg.status.live:
                continue
            if leg.status is VenueStatus.WORKING:
                self.resize(leg, leg.filled + open_qty, ts)
                continue
            leg.status, leg.qty, leg.ts = VenueStatus.WORKING, open_qty, ts
            if entry.fill_price is not None and leg.offset is not None:
                price = entry.fill_price + leg.offset
                leg.limit, leg.stop = (price, None) if leg.type is OrderType.LIMIT else (None, price)
            self.report(leg)
            self.arrive(leg, ts)

    def _align(self, entry: BookedOrder, ts: int) -> None:
        """Report what a leg's fill did to the rest of its bracket."""
        open_qty = self.open_qty(entry)
        for order in self._family(entry):
            if not order.status.live:
                continue
            if order.over:
                self.end(order, VenueStatus.CANCELED, ts)
            elif order is not entry and order.status is VenueStatus.WORKING and order.rest > open_qty:
                self.resize(order, order.filled + open_qty, ts)

    def _tradable(self, order: BookedOrder) -> int:
        """Contracts that may still fill; a leg never closes more than its bracket has open."""
        if order.over:
            return 0
        if order.parent is None:
            return order.rest
        return min(order.rest, self.open_qty(self.orders[order.parent]))

    # -- matching ----------------------------------------------------------------------------------

    def _match_touch(self, instrument: str, market: Market) -> None:
        for order in tuple(self.resting[instrument]):
            if order.type is OrderType.MARKET:
                self._fill_at_market(order, market, self.now)
            elif order.stop is not None and self._model.stop_on_touch:
                touch = market.ask if order.side is Side.BUY else market.bid
                if touch is not None and reaches(order.side, order.stop, touch):
                    self._trigger(order, order.stop, touch, self.now)

    def _match_print(self, trade: Print, market: Market) -> None:
        left = trade.size
        for order in tuple(self.resting[trade.instrument]):
            if order.limit is not None:
                left -= self._match_limit(order, order.limit, trade, left)
            elif order.stop is None:
                self._fill_at_market(order, market, self.now)
            elif reaches(order.side, order.stop, trade.price):
                self._trigger(order, order.stop, trade.price, self.now)

    def _match_limit(self, order: BookedOrder, limit: int, trade: Print, left: int) -> int:
        """Give a limit order its part of a print, of which `left` contracts are not taken by older orders."""
        through = (limit - trade.price) * order.side.sign
        if through < 0:
            return 0
        offered = left
        if through == 0:
            ahead = min(order.queue, trade.size)
            order.queue -= ahead
            offered = min(left, trade.size - ahead)
        tradable = self._tradable(order)
        qty = min(tradable, offered) if self._model.queue_multiple else tradable
        if qty:
            qty = self._fill(order, limit, qty, self.now)
        return qty if self._model.queue_multiple else 0

    def _trigger(self, order: BookedOrder, stop: int, price: int, ts: int) -> None:
        qty = self._tradable(order)
        if qty:
            first = worse(order.side, stop, price)
            self._fill(order, slipped(order.side, first, self._model.slippage_ticks), qty, ts)

    def _fill_at_market(self, order: BookedOrder, market: Market, ts: int) -> None:
        touch = market.crossing(order.side)
        qty = self._tradable(order)
        if touch is not None and qty:
            self._fill(order, slipped(order.side, touch, self._model.slippage_ticks), qty, ts)

    def _fill(self, order: BookedOrder, price: int, qty: int, ts: int) -> int:
        """Execute up to so many contracts of an order; gives how many."""
        if qty and self.portion is not None:
            qty = self.portion(order.snapshot(), qty)
        if not qty:
            return 0
        entry = None if order.parent is None else self.orders[order.parent]
        if entry is not None:
            order.qty = order.filled + self._tradable(order)
        order.filled += qty
        order.fill_price, order.ts = price, ts
        cost = self.instruments[order.instrument].cost_usd * qty
        self._out.append(
            Fill(str(self.next_trade_id), str(order.id), order.instrument, order.side, price, qty, cost, ts)
        )
        self.next_trade_id += 1
        if not order.rest:
            order.status = VenueStatus.FILLED
            self.resting[order.instrument].remove(order)
        self.report(order)
        if entry is not None:
            self._settle(entry, ts)
        elif order.legs:
            self.schedule(ts + self._model.bracket_activation_ns, Due.LEGS, order.id)
        return qty

    def _settle(self, entry: BookedOrder, ts: int) -> None:
        """A leg filled: what may not trade any more stops trading now, and is reported a little later."""
        if self.open_qty(entry) == 0:
            for order in self._family(entry):
                order.over = True
        self.schedule(ts + self._model.oco_delay_ns, Due.ALIGN, entry.id)
