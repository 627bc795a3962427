"""The one venue in the code: matching, fills, latency and brackets, without any I/O
(docs/semantics.md#fill-model).

The practice venue puts the ProjectX wire around it, a paper book and a replay call it directly. Time is
handed in as integer nanoseconds; the same calls give the same events. It knows orders, not accounts: one
`Venue` per account, and whoever holds it keeps positions, money, and the rules about who may trade when.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec import structs

from engine.model.events import Print, Quote
from engine.model.instrument import Instrument
from engine.model.orders import Fill, OrderSpec, OrderType, VenueOrder, VenueStatus
from engine.venue.fill_model import FillModel, LatestPrices, reaches
from engine.venue.orders import Orders, OrderState, Placed, VenueEvent, VenueState
from engine.venue.refusals import (
    OrderInvalidError,
    OrderNotFoundError,
    check_change,
    check_live,
    check_place,
)
from engine.venue.timers import NEVER, Due, Timers

_NOTHING: tuple[VenueEvent, ...] = ()


class Venue:
    """Matches orders against quotes and prints. Every call gives the events that it caused, in order.

    Calls must come in time order; a `now` before the latest one counts as the latest. Changes and cancels
    act at once: who wants their travelling time hands them over later.
    """

    def __init__(
        self,
        instruments: Mapping[str, Instrument],
        model: FillModel,
        first_order_id: int = 1,
        first_trade_id: int = 1,
        *,
        brackets: bool = True,
    ) -> None:
        """Without `brackets` it is an account in Position Brackets mode, which refuses native ones."""
        self.brackets = brackets
        self._instruments = dict(instruments)
        self._model = model
        self._orders = Orders(instruments, first_order_id)
        self._prices = {symbol: LatestPrices() for symbol in instruments}
        self._timers = Timers()
        self._next_trade_id = first_trade_id
        self._now = 0
        self._portion: Callable[[VenueOrder, int], int] | None = None
        self._events: list[VenueEvent] = []

    def divide_fills(self, portion: Callable[[VenueOrder, int], int]) -> None:
        """Ask before each execution how many of the possible contracts happen; 0 leaves the order waiting."""
        self._portion = portion

    # -- requests ----------------------------------------------------------------------------------

    def place(self, instrument: str, spec: OrderSpec, now: int, client_id: str | None = None) -> Placed:
        """Take an order; bracket legs are born suspended with the next ids (stop first, then target).

        Raises OrderInvalidError, BracketsRefusedError.
        """
        if instrument not in self._instruments:
            raise OrderInvalidError(f"unknown instrument {instrument}")
        check_place(spec, brackets=self.brackets)
        self._pass_time(now)
        orders = self._orders
        entry = orders.add(client_id, instrument, spec, self._now)
        stop = orders.add_leg(entry, OrderType.STOP, "-SL", spec.stop_offset, self._now)
        target = orders.add_leg(entry, OrderType.LIMIT, "-TP", spec.target_offset, self._now)
        entry.legs = tuple(leg.id for leg in (target, stop) if leg is not None)
        for born in (stop, entry, target):
            if born is not None:
                self._report(born)
        self._timers.set(self._now + self._model.latency_ns, Due.ARRIVE, entry.id)
        return Placed(entry.report(), self._happened())

    def reserve_id(self) -> str:
        """An order id that no order will get, for an order that was refused before it came here."""
        return str(self._orders.take_id())

    def modify(
        self,
        venue_id: str,
        now: int,
        *,
        qty: int | None = None,
        limit: int | None = None,
        stop: int | None = None,
    ) -> Sequence[VenueEvent]:
        """Change quantity or price; None leaves a field as it is. A moved limit queues anew.

        Raises OrderNotFoundError, OrderClosedError, ChangeRejectedError.
        """
        self._pass_time(now)
        orders = self._orders
        order = check_live(orders.find(venue_id), venue_id)
        tradable = None if order.parent is None else orders.open_qty(orders[order.parent])
        check_change(order, qty, limit, stop, tradable)
        old = order.spec
        order.change(self._now, qty=qty, limit=limit, stop=stop)
        self._report(order)
        for leg in orders.legs(order):
            if leg.status is VenueStatus.SUSPENDED:
                self._resize(leg, order.qty, self._now)
        if (order.limit, order.stop) != (old.limit, old.stop) and orders.leave(order):
            self._arrive(order, self._now)
        return self._happened()

    def cancel(self, venue_id: str, now: int) -> Sequence[VenueEvent]:
        """Cancel one order. An entry takes along the legs that have nothing to protect; a leg goes alone.

        Raises OrderNotFoundError, OrderClosedError.
        """
        self._pass_time(now)
        order = check_live(self._orders.find(venue_id), venue_id)
        self._end(order, VenueStatus.CANCELED, self._now)
        if not order.filled:
            for leg in sorted(self._orders.legs(order), key=lambda leg: leg.id):
                if leg.status.live:
                    self._end(leg, VenueStatus.CANCELED, self._now)
        return self._happened()

    def expire(self, now: int) -> Sequence[VenueEvent]:
        """End every live order, as the end of the trading day does."""
        self._pass_time(now)
        for order in self._orders:
            if order.status.live:
                self._end(order, VenueStatus.EXPIRED, self._now)
        return self._happened()

    # -- market and time ---------------------------------------------------------------------------

    def on_quote(self, quote: Quote) -> Sequence[VenueEvent]:
        """Take in a new top of book (time is its `ts_recv`)."""
        self._pass_time(quote.ts_recv)
        prices = self._prices[quote.instrument]
        prices.bid, prices.ask = quote.bid, quote.ask
        if prices.last is None:
            prices.last = quote.last
        for order in self._orders.in_market(quote.instrument):
            spec = order.spec
            if spec.type is OrderType.MARKET:
                self._fill_at_market(order, prices, self._now)
            elif spec.stop is not None and self._model.stop_on_touch:
                touch = prices.touch(spec.side)
                if touch is not None and reaches(spec.side, spec.stop, touch):
                    self._trigger(order, spec.stop, touch, self._now)
        return self._happened()

    def on_print(self, trade: Print) -> Sequence[VenueEvent]:
        """Take in a trade of the market (time is its `ts_recv`)."""
        self._pass_time(trade.ts_recv)
        prices = self._prices[trade.instrument]
        prices.last = trade.price
        prices.sizes.append(trade.size)
        left = trade.size
        for order in self._orders.in_market(trade.instrument):
            spec = order.spec
            if spec.limit is not None:
                left -= self._match_limit(order, spec.limit, trade, left)
            elif spec.stop is None:
                self._fill_at_market(order, prices, self._now)
            elif reaches(spec.side, spec.stop, trade.price):
                self._trigger(order, spec.stop, trade.price, self._now)
        return self._happened()

    def advance(self, now: int) -> Sequence[VenueEvent]:
        """Let time pass: whatever became due until `now` happens at its own due time."""
        self._pass_time(now)
        return self._happened()

    def next_due(self) -> int | None:
        """When something happens by itself next, nanoseconds, or None."""
        due = self._timers.earliest
        return None if due == NEVER else due

    def _pass_time(self, now: int) -> None:
        timers = self._timers
        while timers.earliest <= now:
            due, _, kind, order_id = timers.pop()
            self._now = max(self._now, due)
            order = self._orders[order_id]
            if kind == Due.LEGS:
                self._work_legs(order, due)
            elif kind == Due.ALIGN:
                self._align(order, due)
            elif order.status.live:
                self._arrive(order, due)
        if now > self._now:
            self._now = now

    # -- an order's life ---------------------------------------------------------------------------

    def _arrive(self, order: OrderState, ts: int) -> None:
        """Put an order into the market; it may trade at once."""
        prices = self._prices[order.instrument]
        self._orders.enter(order)
        if order.limit is not None:
            touch = prices.touch(order.side)
            if touch is not None and reaches(order.side.opposite, order.limit, touch):
                self._fill(order, order.limit, self._orders.tradable(order), ts)
            else:
                order.queue = self._model.queue_multiple * prices.median_size()
        elif order.stop is not None:
            if prices.last is not None and reaches(order.side, order.stop, prices.last):
                self._trigger(order, order.stop, prices.last, ts)
        else:
            self._fill_at_market(order, prices, ts)

    def _resize(self, order: OrderState, qty: int, ts: int) -> None:
        if order.qty != qty:
            order.change(ts, qty=qty)
            self._report(order)

    def _end(self, order: OrderState, status: VenueStatus, ts: int) -> None:
        """Take an order out of the market for good."""
        order.status, order.ts = status, ts
        self._orders.leave(order)
        self._report(order)

    def _report(self, order: OrderState) -> None:
        self._events.append(order.report())

    def _happened(self) -> Sequence[VenueEvent]:
        """What has happened since the last time. A request that raised leaves it for the next call."""
        if not self._events:
            return _NOTHING
        events, self._events = self._events, []
        return events

    # -- fills -------------------------------------------------------------------------------------

    def _match_limit(self, order: OrderState, limit: int, trade: Print, left: int) -> int:
        """Give a limit order its part of a print, of which `left` contracts are not taken by older orders."""
        through = (limit - trade.price) * order.spec.side.sign
        if through < 0:
            return 0
        offered = left
        if through == 0:
            ahead = min(order.queue, trade.size)
            order.queue -= ahead
            offered = min(left, trade.size - ahead)
        tradable = self._orders.tradable(order)
        if not self._model.queue_multiple:
            self._fill(order, limit, tradable, self._now)
            return 0
        return self._fill(order, limit, min(tradable, offered), self._now)

    def _trigger(self, order: OrderState, stop: int, price: int, ts: int) -> None:
        self._fill(order, self._model.stop_price(order.side, stop, price), self._orders.tradable(order), ts)

    def _fill_at_market(self, order: OrderState, prices: LatestPrices, ts: int) -> None:
        touch = prices.crossing(order.side)
        if touch is not None:
            price = self._model.market_price(order.side, touch)
            self._fill(order, price, self._orders.tradable(order), ts)

    def _fill(self, order: OrderState, price: int, qty: int, ts: int) -> int:
        """Execute up to so many contracts of an order; gives how many."""
        if qty and self._portion is not None:
            qty = self._portion(order.report(), qty)
        if not qty:
            return 0
        orders = self._orders
        entry = None if order.parent is None else orders[order.parent]
        if entry is not None:
            order.change(ts, qty=order.filled + orders.tradable(order))
        order.filled += qty
        order.fill_price, order.ts = price, ts
        cost = self._instruments[order.instrument].cost_usd * qty
        self._events.append(
            Fill(str(self._next_trade_id), str(order.id), order.instrument, order.side, price, qty, cost, ts)
        )
        self._next_trade_id += 1
        if not order.rest:
            order.status = VenueStatus.FILLED
            orders.leave(order)
        self._report(order)
        if entry is not None:
            self._settle(entry, ts)
        elif order.legs:
            self._timers.set(ts + self._model.bracket_activation_ns, Due.LEGS, order.id)
        return qty

    # -- brackets ----------------------------------------------------------------------------------

    def _work_legs(self, entry: OrderState, ts: int) -> None:
        """The legs go to work for what has filled, or grow with a further partial fill."""
        orders = self._orders
        open_qty = orders.open_qty(entry)
        for leg in orders.legs(entry):
            if leg.over or not leg.status.live:
                continue
            if leg.status is VenueStatus.WORKING:
                self._resize(leg, leg.filled + open_qty, ts)
                continue
            price = orders.leg_price(entry, leg)
            leg.status = VenueStatus.WORKING
            if leg.type is OrderType.LIMIT:
                leg.change(ts, qty=open_qty, limit=price)
            else:
                leg.change(ts, qty=open_qty, stop=price)
            self._report(leg)
            self._arrive(leg, ts)

    def _settle(self, entry: OrderState, ts: int) -> None:
        """A leg filled: what may not trade any more stops trading now, and is reported a little later."""
        if self._orders.open_qty(entry) == 0:
            for order in (*self._orders.legs(entry), entry):
                order.over = True
        self._timers.set(ts + self._model.oco_delay_ns, Due.ALIGN, entry.id)

    def _align(self, entry: OrderState, ts: int) -> None:
        """Report what a leg's fill did to the rest of its bracket."""
        open_qty = self._orders.open_qty(entry)
        for order in (*self._orders.legs(entry), entry):
            if not order.status.live:
                continue
            if order.over:
                self._end(order, VenueStatus.CANCELED, ts)
            elif order is not entry and order.status is VenueStatus.WORKING and order.rest > open_qty:
                self._resize(order, order.filled + open_qty, ts)

    # -- looking -----------------------------------------------------------------------------------

    @property
    def orders(self) -> tuple[VenueOrder, ...]:
        """Every order that the venue remembers, live or not, by id."""
        return tuple(order.report() for order in self._orders)

    def order(self, venue_id: str) -> VenueOrder:
        """One order as it stands. Raises OrderNotFoundError."""
        order = self._orders.find(venue_id)
        if order is None:
            raise OrderNotFoundError(f"order {venue_id} does not exist")
        return order.report()

    def prices(self, instrument: str) -> LatestPrices:
        """What is known of an instrument's market; not to be changed."""
        return self._prices[instrument]

    # -- keeping -----------------------------------------------------------------------------------

    def forget(self, before: int) -> None:
        """Remember orders no more that ended before a time, but for the families of live ones."""
        self._timers.replace(self._timers.of(self._orders.forget(before)))

    def forget_prices(self, instrument: str) -> None:
        """Know nothing of an instrument's prices any more: another contract month is quoted from now on."""
        self._prices[instrument] = LatestPrices()

    def state(self) -> VenueState:
        """What must be kept for a restart. Finished orders are left out, but for live orders' families."""
        needed = self._orders.needed()
        return VenueState(
            self._now,
            self._orders.next_id,
            self._next_trade_id,
            [structs.replace(self._orders[order_id]) for order_id in sorted(needed)],
            self._orders.resting_ids(),
            self._timers.of(needed),
        )

    def restore(self, state: VenueState) -> None:
        """Go on where another stopped, in place of everything that this venue knew: no prices either."""
        self._now = state.now
        self._next_trade_id = state.next_trade_id
        self._orders.put_back(state.next_order_id, state.orders, state.resting)
        self._timers.replace(state.timers)
        self._prices = {symbol: LatestPrices() for symbol in self._instruments}
        self._events = []
