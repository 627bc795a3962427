"""The matching engine: what becomes of the orders in the market, and of their brackets
(docs/semantics.md#fill-model)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress

from engine.model.errors import RefusedError
from engine.model.events import Print
from engine.model.instrument import Instrument
from engine.model.market import Side
from engine.model.orders import Fill, OrderType, VenueOrder, VenueStatus
from engine.venue.fill_model import FillModel, LatestPrices, reaches
from engine.venue.orders import Change, Orders, OrderState, VenueEvent
from engine.venue.refusals import check_change
from engine.venue.timers import Due, Timers
from engine.venue.wallet import Wallet


class MatchingEngine:
    """Carries out what the venue tells it to, at an instant `ts` in nanoseconds; `events` has what came."""

    def __init__(
        self, instruments: Mapping[str, Instrument], model: FillModel, orders: Orders, next_trade_id: int
    ) -> None:
        self.model = model
        self.orders = orders
        self.prices = {symbol: LatestPrices() for symbol in instruments}
        self.timers = Timers()
        self.next_trade_id = next_trade_id
        self.portion: Callable[[VenueOrder, int], int] | None = None
        """Says before each execution how many of the possible contracts happen."""
        self.wallet: Wallet | None = None
        """What executions are settled with, where coins are bought; an order that it can't settle ends."""
        self.events: list[VenueEvent] = []
        self._instruments = dict(instruments)

    def due(self, kind: int, order: OrderState, ts: int) -> None:
        """What was to happen to an order by itself happens."""
        if kind == Due.LEGS:
            self.work_legs(order, ts)
        elif kind == Due.ALIGN:
            self.align(order, ts)
        elif order.status.live:
            _IN_TIME[kind](self, order, ts)

    def arrive(self, order: OrderState, ts: int) -> None:
        """Put an order into the market; it may trade at once."""
        prices = self.prices[order.instrument]
        self.orders.enter(order)
        order.since = ts
        if self.model.whole_bars:  # a bar's close is known with the bar alone: too late to trade at
            if prices.bar is not None:
                order.since = max(ts, prices.bar + 1)
        elif order.limit is not None:
            touch = prices.touch(order.side)
            if touch is not None and reaches(order.side.opposite, order.limit, touch):
                self.fill(order, order.limit, self.orders.tradable(order), ts)
            else:
                order.queue = self.model.queue_multiple * prices.median_size()
        elif order.stop is not None:
            if prices.last is not None and reaches(order.side, order.stop, prices.last):
                self.trigger(order, ts)
        else:
            self.fill_at_market(order, ts)

    def check(self, order: OrderState, change: Change) -> None:
        parent = order.parent
        check_change(order, change, None if parent is None else self.orders.open_qty(self.orders[parent]))

    def change(self, order: OrderState, ts: int) -> None:
        """The oldest change on its way arrives."""
        change, *later = order.changes
        order.changes = tuple(later)
        old = order.spec
        with suppress(RefusedError):
            self.check(order, change)
            order.change(ts, change)
        self.report(order)
        for leg in self.orders.legs(order):
            if leg.status is VenueStatus.SUSPENDED:
                self.resize(leg, order.qty, ts)
        if (order.limit, order.stop) != (old.limit, old.stop) and self.orders.leave(order):
            self.arrive(order, ts)

    def cancel(self, order: OrderState, ts: int) -> None:
        self.end(order, VenueStatus.CANCELED, ts)
        if not order.filled:
            for leg in sorted(self.orders.legs(order), key=lambda leg: leg.id):
                if leg.status.live:
                    self.end(leg, VenueStatus.CANCELED, ts)

    def resize(self, order: OrderState, qty: int, ts: int) -> None:
        if order.qty != qty:
            order.change(ts, Change(qty))
            self.report(order)

    def end(self, order: OrderState, status: VenueStatus, ts: int) -> None:
        """Take an order out of the market for good."""
        order.status, order.ts = status, ts
        self.orders.leave(order)
        self.report(order)

    def report(self, order: OrderState) -> None:
        self.events.append(order.report())

    # -- fills -------------------------------------------------------------------------------------

    def match_limit(self, order: OrderState, limit: int, trade: Print, left: int, ts: int) -> int:
        """Give a limit order its part of a print, of which `left` contracts are not taken by older orders."""
        through = (limit - trade.price) * order.spec.side.sign
        if through < 0:
            return 0
        offered = left
        if self.model.bar_ns and (through == 0 or order.parent is not None):
            if through > 0:
                self.reach(order, limit, ts)
            return 0
        if through == 0:
            ahead = min(order.queue, trade.size)
            order.queue -= ahead
            offered = min(left, trade.size - ahead)
        tradable = self.orders.tradable(order)
        if not self.model.queue_multiple:
            self.fill(order, limit, tradable, ts, maker=True)
            return 0
        return self.fill(order, limit, min(tradable, offered), ts, maker=True)

    def reach(self, order: OrderState, limit: int, ts: int) -> None:
        """A bar went through a target: it counts once the bar is over and the stop beside it was not hit."""
        if order.reached != limit:
            order.reached = limit
            bar = self.model.bar_ns
            self.timers.set(ts - ts % bar + bar, Due.BAR_OVER, order.id)

    def take_target(self, order: OrderState, ts: int) -> None:
        if order.reached is not None and order.reached == order.limit:
            self.fill(order, order.limit, self.orders.tradable(order), ts, maker=True)
        order.reached = None

    def trigger(self, order: OrderState, ts: int) -> None:
        """A stop becomes an order at market, some latency later."""
        order.fires = ts + self.model.latency_ns
        if order.fires > ts:
            self.timers.set(order.fires, Due.FIRE, order.id)
        else:
            self.fill_at_market(order, ts)

    def fill_at_market(self, order: OrderState, ts: int) -> None:
        """Execute what can be had at market now; a stop never better than its price."""
        if order.fires is not None and order.fires > ts:
            return
        prices, side = self.prices[order.instrument], order.side
        touch, bar = prices.crossing(side), self.model.bar_ns
        if touch is None or (bar and prices.ts // bar != ts // bar):
            return
        if order.stop is not None and reaches(side.opposite, order.stop, touch):
            touch = order.stop
        for price, qty in self.model.at_market(side, touch, self.orders.tradable(order), prices):
            if self.fill(order, price, qty, ts) < qty:
                break

    def fill(self, order: OrderState, price: int, qty: int, ts: int, *, maker: bool = False) -> int:
        """Execute up to so many contracts of an order; gives how many. `maker`: it rested, and was met."""
        if qty and self.portion is not None:
            qty = self.portion(order.report(), qty)
        wanted = qty
        if self.wallet is not None:
            qty = self.wallet.most(order.instrument, order.side, price, qty)
        if not qty:
            if wanted:
                self.end(order, VenueStatus.CANCELED, ts)
            return 0
        orders = self.orders
        entry = None if order.parent is None else orders[order.parent]
        if entry is not None:
            order.change(ts, Change(order.filled + orders.tradable(order)))
        order.filled += qty
        order.fill_sum += price * qty
        order.ts = ts
        fill = self._execution(order, price, qty, ts, maker=maker)
        self.events.append(fill)
        if self.wallet is not None:
            self.wallet.take(fill)
        self.next_trade_id += 1
        if not order.rest:
            order.status = VenueStatus.FILLED
            orders.leave(order)
        self.report(order)
        if qty < wanted:
            self.end(order, VenueStatus.CANCELED, ts)
        if entry is not None:
            self.settle(entry, ts)
        elif order.legs:
            self.timers.set(ts + self.model.bracket_activation_ns, Due.LEGS, order.id)
        return qty

    def _execution(self, order: OrderState, price: int, qty: int, ts: int, *, maker: bool) -> Fill:
        """With its fee, which of a purchase may be taken out of what is bought."""
        known, symbol = self._instruments[order.instrument], order.instrument
        cost, fee = known.fees(price, qty, buys=order.side is Side.BUY, maker=maker)
        order.fee_base += fee
        return Fill(
            str(self.next_trade_id), str(order.id), symbol, order.side, price, qty, cost, ts, fee_base=fee
        )

    # -- brackets ----------------------------------------------------------------------------------

    def work_legs(self, entry: OrderState, ts: int) -> None:
        """The legs go to work for what has filled, or grow with a further partial fill."""
        orders = self.orders
        open_qty = orders.open_qty(entry)
        for leg in orders.legs(entry):
            if leg.over or not leg.status.live:
                continue
            if leg.status is VenueStatus.WORKING:
                self.resize(leg, leg.filled + open_qty, ts)
                continue
            price = orders.leg_price(entry, leg)
            leg.status = VenueStatus.WORKING
            limit = leg.type is OrderType.LIMIT
            leg.change(ts, Change(open_qty, price, None) if limit else Change(open_qty, None, price))
            self.report(leg)
            self.arrive(leg, ts)

    def settle(self, entry: OrderState, ts: int) -> None:
        """A leg filled: what may not trade any more stops trading now, and is reported a little later."""
        if self.orders.open_qty(entry) == 0:
            for order in (*self.orders.legs(entry), entry):
                order.over = True
        self.timers.set(ts + self.model.oco_delay_ns, Due.ALIGN, entry.id)

    def align(self, entry: OrderState, ts: int) -> None:
        """Report what a leg's fill did to the rest of its bracket."""
        open_qty = self.orders.open_qty(entry)
        for order in (*self.orders.legs(entry), entry):
            if not order.status.live:
                continue
            if order.over:
                self.end(order, VenueStatus.CANCELED, ts)
            elif order is not entry and order.status is VenueStatus.WORKING and order.rest > open_qty:
                self.resize(order, order.filled + open_qty, ts)


_IN_TIME: dict[int, Callable[[MatchingEngine, OrderState, int], None]] = {
    Due.ARRIVE: MatchingEngine.arrive,
    Due.FIRE: MatchingEngine.fill_at_market,
    Due.CHANGE: MatchingEngine.change,
    Due.CANCEL: MatchingEngine.cancel,
    Due.BAR_OVER: MatchingEngine.take_target,
}
