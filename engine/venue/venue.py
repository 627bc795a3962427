"""The one venue in the code: matching, fills, latency and brackets, without any I/O
(docs/semantics.md#fill-model).

The practice venue puts the ProjectX wire around it, a paper book and a replay call it directly. Time is
handed in as integer nanoseconds; the same calls give the same events. It knows orders, not accounts: one
`Venue` per account, and whoever holds it keeps positions, money, and the rules about who may trade when.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping, Sequence

from msgspec import structs

from engine.model.effects import PlaceOrder
from engine.model.events import Print, Quote
from engine.model.instrument import Instrument
from engine.model.market import Side
from engine.model.orders import OrderSpec, OrderType, VenueOrder, VenueStatus
from engine.venue.fill_model import FillModel, Market
from engine.venue.matching import Matching
from engine.venue.orders import (
    BookedOrder,
    BracketsRefusedError,
    ChangeRejectedError,
    Due,
    OrderClosedError,
    OrderInvalidError,
    OrderNotFoundError,
    OrderRequest,
    Placed,
    VenueEvent,
    VenueState,
)

__all__ = [
    "BookedOrder",
    "BracketsRefusedError",
    "ChangeRejectedError",
    "FillModel",
    "Market",
    "OrderClosedError",
    "OrderInvalidError",
    "OrderNotFoundError",
    "OrderRequest",
    "Placed",
    "Venue",
    "VenueEvent",
    "VenueState",
]


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
        self._model = model
        self.brackets = brackets
        self._book = Matching(instruments, model, first_trade_id)
        self._next_order_id = first_order_id

    def divide_fills(self, portion: Callable[[VenueOrder, int], int]) -> None:
        """Ask before each execution how many of the possible contracts happen; 0 leaves the order waiting."""
        self._book.portion = portion

    # -- orders ------------------------------------------------------------------------------------

    def place(self, order: PlaceOrder | OrderRequest, now: int) -> Placed:
        """Take an order; bracket legs are born suspended with the next ids (stop first, then target).

        Raises OrderInvalidError, BracketsRefusedError.
        """
        self._check(order)
        if not self.brackets and (order.stop_offset is not None or order.target_offset is not None):
            raise BracketsRefusedError
        book = self._book
        book.run(now)
        entry = self._born(order.client_id, order.instrument, order.side, order.type, order.qty)
        entry.limit, entry.stop = order.limit, order.stop
        stop = self._leg(entry, OrderType.STOP, "-SL", order.stop_offset)
        target = self._leg(entry, OrderType.LIMIT, "-TP", order.target_offset)
        entry.legs = tuple(leg.id for leg in (target, stop) if leg is not None)
        for born in (stop, entry, target):
            if born is not None:
                book.report(born)
        book.schedule(book.now + self._model.latency_ns, Due.ARRIVE, entry.id)
        return Placed(entry.snapshot(), book.taken())

    def reserve_id(self) -> str:
        """An order id that no order will get, for an order that was refused before it came here."""
        self._next_order_id += 1
        return str(self._next_order_id - 1)

    def close(self, instrument: str, side: Side, qty: int, now: int) -> Placed:
        """The platform's own market order, without a client id. Raises OrderInvalidError."""
        return self.place(OrderRequest(None, instrument, OrderSpec(side, OrderType.MARKET, qty)), now)

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
        book = self._book
        book.run(now)
        order = self._live(venue_id)
        self._check_change(order, qty, limit, stop)
        old = (order.limit, order.stop)
        order.qty = order.qty if qty is None else qty
        order.limit = order.limit if limit is None else limit
        order.stop = order.stop if stop is None else stop
        order.ts = book.now
        book.report(order)
        for leg in book.legs(order):
            if leg.status is VenueStatus.SUSPENDED:
                book.resize(leg, order.qty, book.now)
        if (order.limit, order.stop) != old:
            book.move(order, book.now)
        return book.taken()

    def cancel(self, venue_id: str, now: int) -> Sequence[VenueEvent]:
        """Cancel one order. An entry takes along the legs that have nothing to protect; a leg goes alone.

        Raises OrderNotFoundError, OrderClosedError.
        """
        book = self._book
        book.run(now)
        order = self._live(venue_id)
        book.end(order, VenueStatus.CANCELED, book.now)
        if not order.filled:
            for leg in sorted(book.legs(order), key=lambda leg: leg.id):
                if leg.status.live:
                    book.end(leg, VenueStatus.CANCELED, book.now)
        return book.taken()

    def expire(self, now: int) -> Sequence[VenueEvent]:
        """End every live order, as the end of the trading day does."""
        book = self._book
        book.run(now)
        for order in tuple(book.orders.values()):
            if order.status.live:
                book.end(order, VenueStatus.EXPIRED, book.now)
        return book.taken()

    # -- market and time ---------------------------------------------------------------------------

    def on_quote(self, quote: Quote) -> Sequence[VenueEvent]:
        """Take in a new top of book (time is its `ts_recv`)."""
        self._book.on_quote(quote)
        return self._book.taken()

    def on_print(self, trade: Print) -> Sequence[VenueEvent]:
        """Take in a trade of the market (time is its `ts_recv`)."""
        self._book.on_print(trade)
        return self._book.taken()

    def advance(self, now: int) -> Sequence[VenueEvent]:
        """Let time pass: whatever became due until `now` happens at its own due time."""
        self._book.run(now)
        return self._book.taken()

    def next_due(self) -> int | None:
        """When something happens by itself next, nanoseconds, or None."""
        timers = self._book.timers
        return timers[0][0] if timers else None

    def forget(self, before: int) -> None:
        """Remember orders no more that ended before a time, but for the families of live ones."""
        book = self._book
        kept = self._families()
        book.orders = {i: order for i, order in book.orders.items() if i in kept or order.ts >= before}
        book.timers = [timer for timer in book.timers if timer[3] in book.orders]
        heapq.heapify(book.timers)

    def forget_market(self, instrument: str) -> None:
        """Know nothing of an instrument's prices any more: another contract month is quoted from now on."""
        self._book.markets[instrument] = Market()

    # -- looking -----------------------------------------------------------------------------------

    @property
    def orders(self) -> tuple[VenueOrder, ...]:
        """Every order that the venue remembers, live or not, by id."""
        return tuple(order.snapshot() for order in self._book.orders.values())

    def order(self, venue_id: str) -> VenueOrder:
        """One order as it stands. Raises OrderNotFoundError."""
        return self._known(venue_id).snapshot()

    def market(self, instrument: str) -> Market:
        """What is known of an instrument's market; not to be changed."""
        return self._book.markets[instrument]

    # -- persistence -------------------------------------------------------------------------------

    def state(self) -> VenueState:
        """What must be kept for a restart. Finished orders are left out, but for live orders' families."""
        book = self._book
        kept = self._families()
        return VenueState(
            book.now,
            self._next_order_id,
            book.next_trade_id,
            [structs.replace(book.orders[order_id]) for order_id in sorted(kept)],
            [order.id for resting in book.resting.values() for order in resting],
            sorted(timer for timer in book.timers if timer[3] in kept),
        )

    @classmethod
    def restore(cls, instruments: Mapping[str, Instrument], model: FillModel, state: VenueState) -> Venue:
        """A venue that goes on where another stopped. It knows no prices until the market speaks again."""
        venue = cls(instruments, model, state.next_order_id, state.next_trade_id)
        book = venue._book
        book.now = state.now
        book.orders = {order.id: structs.replace(order) for order in state.orders}
        for order_id in state.resting:
            order = book.orders[order_id]
            book.resting[order.instrument].append(order)
        book.timers = list(state.timers)
        heapq.heapify(book.timers)
        book.sequence = max((timer[1] for timer in state.timers), default=0)
        return venue

    # -- inside ------------------------------------------------------------------------------------

    def _families(self) -> set[int]:
        """Ids of the live orders, and of whatever belongs to a bracket with one."""
        book = self._book
        kept: set[int] = set()
        for order in book.orders.values():
            if order.status.live:
                parent = order if order.parent is None else book.orders[order.parent]
                kept.update((parent.id, *parent.legs))
        return kept

    def _check(self, order: PlaceOrder | OrderRequest) -> None:
        if order.instrument not in self._book.instruments:
            raise OrderInvalidError(f"unknown instrument {order.instrument}")
        if order.qty <= 0:
            raise OrderInvalidError(f"quantity must be positive, not {order.qty}")
        if (order.limit is not None) != (order.type is OrderType.LIMIT):
            raise OrderInvalidError("a limit price belongs to limit orders, and to them only")
        if (order.stop is not None) != (order.type is OrderType.STOP):
            raise OrderInvalidError("a stop price belongs to stop orders, and to them only")

    def _check_change(self, order: BookedOrder, qty: int | None, limit: int | None, stop: int | None) -> None:
        if order.over:
            raise OrderClosedError(f"order {order.id} belongs to a finished bracket")
        if order.status is VenueStatus.SUSPENDED:
            raise ChangeRejectedError(f"order {order.id} waits for its entry")
        if limit is not None and order.type is not OrderType.LIMIT:
            raise ChangeRejectedError(f"a {order.type} order has no limit price")
        if stop is not None and order.type is not OrderType.STOP:
            raise ChangeRejectedError(f"a {order.type} order has no stop price")
        if qty is None:
            return
        if qty <= order.filled:
            raise ChangeRejectedError(f"{order.filled} of order {order.id} are filled already")
        if order.parent is not None and qty - order.filled > self._book.open_qty(
            self._book.orders[order.parent]
        ):
            raise ChangeRejectedError(f"order {order.id} may not close more than its entry opened")

    def _known(self, venue_id: str) -> BookedOrder:
        order = self._book.orders.get(int(venue_id)) if venue_id.isdecimal() else None
        if order is None:
            raise OrderNotFoundError(f"order {venue_id} does not exist")
        return order

    def _live(self, venue_id: str) -> BookedOrder:
        order = self._known(venue_id)
        if not order.status.live:
            raise OrderClosedError(f"order {venue_id} is {order.status}")
        return order

    def _born(
        self, client_id: str | None, instrument: str, side: Side, kind: OrderType, qty: int
    ) -> BookedOrder:
        status = VenueStatus.PENDING if kind is OrderType.MARKET else VenueStatus.WORKING
        now = self._book.now
        order = BookedOrder(self._next_order_id, client_id, instrument, side, kind, qty, status, now)
        self._next_order_id += 1
        self._book.orders[order.id] = order
        return order

    def _leg(
        self, entry: BookedOrder, kind: OrderType, suffix: str, offset: int | None
    ) -> BookedOrder | None:
        if offset is None:
            return None
        tag = None if entry.client_id is None else entry.client_id + suffix
        leg = self._born(tag, entry.instrument, entry.side.opposite, kind, entry.qty)
        leg.status, leg.parent, leg.offset = VenueStatus.SUSPENDED, entry.id, offset
        return leg
