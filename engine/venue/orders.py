"""Orders as the venue keeps them: which there are, which are in the market, and who belongs to whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from msgspec import Struct, structs

from engine.model.instrument import Instrument
from engine.model.orders import Fill, OrderSpec, OrderType, Specified, VenueOrder, VenueStatus
from engine.venue.timers import Timer

VenueEvent = VenueOrder | Fill


class Change(NamedTuple):
    """What is asked of an order; None leaves it as it is. Prices in ticks."""

    qty: int | None = None
    limit: int | None = None
    stop: int | None = None


class Placed(NamedTuple):
    order: VenueOrder
    """The entry, as accepted."""
    events: Sequence[VenueEvent]


class OrderState(Specified, Struct, eq=False):
    """An order with what matching needs to know of it. Prices in ticks, `queue` in contracts."""

    id: int
    client_id: str | None
    instrument: str
    spec: OrderSpec
    """As it stands: changes and fills of a bracket move its quantity and its prices."""
    status: VenueStatus
    ts: int
    """Of its latest change, nanoseconds."""
    filled: int = 0
    parent: int | None = None
    """Of a leg: id of its entry."""
    legs: tuple[int, ...] = ()
    """Ids of the bracket legs, in the order in which they go to work."""
    queue: int = 0
    """Contracts that must print at the limit before this order's turn."""
    fee_base: Decimal = Decimal(0)
    """What fees have taken out of the coins that it bought: its bracket has less to close."""
    fill_sum: int = 0
    """Sum of price x contracts over its fills, ticks."""
    fires: int | None = None
    """Of a stop that was triggered: when it is in the market, nanoseconds."""
    reached: int | None = None
    """Of a target on bars: the limit, ticks, that the bar under way went through."""
    changes: tuple[Change, ...] = ()
    """Asked for and still on their way, oldest first."""
    since: int = 0
    """When it came into the market, nanoseconds; while a bar is under way, after that bar's open."""
    over: bool = False
    """Its bracket is finished: it trades no more, though its cancel is not reported yet."""

    @property
    def rest(self) -> int:
        return self.spec.qty - self.filled

    @property
    def fill_price(self) -> int | None:
        """Average price of its fills to the nearest tick, halves up; None before the first."""
        return (2 * self.fill_sum + self.filled) // (2 * self.filled) if self.filled else None

    def change(self, ts: int, change: Change) -> None:
        """Give it another quantity or price."""
        spec = self.spec
        self.spec = structs.replace(
            spec,
            qty=spec.qty if change.qty is None else change.qty,
            limit=spec.limit if change.limit is None else change.limit,
            stop=spec.stop if change.stop is None else change.stop,
        )
        self.ts = ts

    def report(self) -> VenueOrder:
        """The order as the venue tells of it."""
        spec = self.spec
        return VenueOrder(
            str(self.id),
            self.client_id,
            self.instrument,
            spec.side,
            spec.type,
            spec.qty,
            self.status,
            spec.limit,
            spec.stop,
            self.filled,
            None if self.parent is None else str(self.parent),
            self.ts,
        )


class VenueState(Struct):
    """All that a venue must remember to go on: live orders with their brackets, timers, counters."""

    now: int
    next_order_id: int
    next_trade_id: int
    orders: list[OrderState]
    resting: list[int]
    """Ids of the orders in the market, oldest first."""
    timers: list[Timer]


class Orders:
    """Every order that the venue remembers, live or not, and those in the market by age."""

    def __init__(self, instruments: Mapping[str, Instrument], first_id: int) -> None:
        self._instruments = dict(instruments)
        self.next_id = first_id
        self.version = 0
        """Grows whenever what is in the market changes."""
        self._by_id: dict[int, OrderState] = {}
        self._in_market: dict[str, list[OrderState]] = {symbol: [] for symbol in instruments}

    def __iter__(self) -> Iterator[OrderState]:
        """All of them, by id."""
        return iter(tuple(self._by_id.values()))

    def __getitem__(self, order_id: int) -> OrderState:
        return self._by_id[order_id]

    def find(self, venue_id: str) -> OrderState | None:
        return self._by_id.get(int(venue_id)) if venue_id.isdecimal() else None

    def take_id(self) -> int:
        """An id that nothing has had before."""
        self.next_id += 1
        return self.next_id - 1

    def add(self, client_id: str | None, instrument: str, spec: OrderSpec, now: int) -> OrderState:
        """A new order, not in the market yet."""
        status = VenueStatus.PENDING if spec.type is OrderType.MARKET else VenueStatus.WORKING
        order = OrderState(self.take_id(), client_id, instrument, spec, status, now)
        self._by_id[order.id] = order
        return order

    def add_leg(
        self, entry: OrderState, kind: OrderType, suffix: str, offset: int | None, now: int
    ) -> OrderState | None:
        """A leg of an entry's bracket, suspended; None where no offset asks for one."""
        if offset is None:
            return None
        tag = None if entry.client_id is None else entry.client_id + suffix
        spec = OrderSpec(entry.side.opposite, kind, entry.qty)
        leg = self.add(tag, entry.instrument, spec, now)
        leg.status, leg.parent = VenueStatus.SUSPENDED, entry.id
        return leg

    # -- in the market -----------------------------------------------------------------------------

    def in_market(self, instrument: str) -> tuple[OrderState, ...]:
        """Orders that may trade, oldest first."""
        return tuple(self._in_market[instrument])

    def enter(self, order: OrderState) -> None:
        self.version += 1
        self._in_market[order.instrument].append(order)

    def leave(self, order: OrderState) -> bool:
        """Take an order out of the market; False where it was not in it."""
        standing = self._in_market[order.instrument]
        if order not in standing:
            return False
        self.version += 1
        standing.remove(order)
        return True

    # -- brackets ----------------------------------------------------------------------------------

    def legs(self, entry: OrderState) -> tuple[OrderState, ...]:
        return tuple(self._by_id[leg] for leg in entry.legs)

    def open_qty(self, entry: OrderState) -> int:
        """Contracts of an entry that its own legs have not closed yet."""
        taken = self._instruments[entry.instrument].fee_lots(entry.fee_base) if entry.fee_base else 0
        return entry.filled - taken - sum(leg.filled for leg in self.legs(entry))

    def leg_price(self, entry: OrderState, leg: OrderState) -> int | None:
        """Where a leg rests: so many ticks from the entry's fill, or None where that is not known."""
        offset = entry.stop_offset if leg.type is OrderType.STOP else entry.target_offset
        return None if entry.fill_price is None or offset is None else entry.fill_price + offset

    def tradable(self, order: OrderState) -> int:
        """Contracts that may still fill; a leg never closes more than its bracket has open."""
        if order.over:
            return 0
        if order.parent is None:
            return order.rest
        return min(order.rest, self.open_qty(self._by_id[order.parent]))

    # -- keeping -----------------------------------------------------------------------------------

    def needed(self) -> set[int]:
        """Ids of the live orders, and of whatever belongs to a bracket with one."""
        kept: set[int] = set()
        for order in self._by_id.values():
            if order.status.live:
                parent = order if order.parent is None else self._by_id[order.parent]
                kept.update((parent.id, *parent.legs))
        return kept

    def forget(self, before: int) -> set[int]:
        """Keep what is needed or has changed since; gives the ids of what is kept."""
        kept = self.needed()
        self._by_id = {i: order for i, order in self._by_id.items() if i in kept or order.ts >= before}
        return set(self._by_id)

    def resting_ids(self) -> list[int]:
        """Ids of the orders in the market, oldest first by instrument."""
        return [order.id for standing in self._in_market.values() for order in standing]

    def put_back(self, next_id: int, orders: Iterable[OrderState], resting: Iterable[int]) -> None:
        """Have these orders and no others, as an earlier run kept them."""
        self.next_id = next_id
        self.version += 1
        self._by_id = {order.id: structs.replace(order) for order in orders}
        for standing in self._in_market.values():
            standing.clear()
        for order_id in resting:
            self.enter(self._by_id[order_id])
