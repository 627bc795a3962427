"""What a paper venue must know to go on after a restart, told from the journal's own book and nothing else.

Not in the journal, and so begun anew: an order's place in its queue, a stop's trigger that was not in the
market yet, and the market's prices. What a bracket was about to do when the process ended (legs to wake, a
sibling to cancel), and what was asked and on its way, it does at once.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.model.orders import BRACKET_SUFFIXES, OrderStatus, OrderType, Slot, VenueStatus
from engine.state.state import BookState, Order
from engine.venue.fill_model import FillModel
from engine.venue.orders import OrderState, VenueState
from engine.venue.timers import Due, Timer

_STOP, _TARGET = BRACKET_SUFFIXES

_ENDED = {
    OrderStatus.FILLED: VenueStatus.FILLED,
    OrderStatus.CANCELED: VenueStatus.CANCELED,
    OrderStatus.EXPIRED: VenueStatus.EXPIRED,
}


def venue_state(book: BookState, model: FillModel, now: int, first_id: int) -> VenueState:
    """The venue as it was at the journal's last record, `now`; new ids count from `first_id`."""
    booked = {one.id: one for order in book.live_orders() if _known(order) for one in _family(book, order)}
    timers: list[Timer] = []
    resting: list[int] = []

    def due(ts: int, kind: Due, order_id: int) -> None:
        timers.append((ts, len(timers) + 1, int(kind), order_id))

    for number, one in sorted(booked.items()):
        legs = [booked[leg] for leg in one.legs]
        if legs:
            _resume_bracket(one, legs)
            if one.filled:
                due(max(now, one.ts + model.bracket_activation_ns), Due.LEGS, number)
            if any(leg.filled for leg in legs):
                due(now + model.oco_delay_ns, Due.ALIGN, number)
        if not one.status.live or one.status is VenueStatus.SUSPENDED:
            continue
        if one.limit is not None:
            one.queue = model.queue_multiple
        if book.orders[book.venue_ids[str(number)]].status is OrderStatus.PENDING_CANCEL:
            due(now, Due.CANCEL, number)
        arrival = _created(book, one) + model.latency_ns
        if arrival <= now:
            resting.append(number)
        else:
            due(arrival, Due.ARRIVE, number)
    orders = [one for _, one in sorted(booked.items())]
    return VenueState(now, first_id, first_id, orders, resting, sorted(timers))


def _known(order: Order) -> bool:
    """The paper venue has given it an id; what it never got, it does not have."""
    return order.venue_id is not None and order.venue_id.isdecimal()


def _family(book: BookState, order: Order) -> Iterator[OrderState]:
    """An order with its bracket, whichever part of it was asked for."""
    tag = order.client_id
    entry = book.orders.get(tag[:-3]) if tag.endswith(BRACKET_SUFFIXES) else order
    if entry is None or not _known(entry):
        yield _booked(book, order)
        return
    # In the order in which they go to work.
    legs = [
        leg
        for suffix in (_TARGET, _STOP)
        if (leg := book.orders.get(entry.client_id + suffix)) is not None and _known(leg)
    ]
    parent = _booked(book, entry)
    parent.legs = tuple(_number(leg) for leg in legs)
    yield parent
    for leg in legs:
        one = _booked(book, leg)
        one.parent = parent.id
        yield one


def _booked(book: BookState, order: Order) -> OrderState:
    if order.live:
        pending = VenueStatus.PENDING if order.type is OrderType.MARKET else VenueStatus.WORKING
        status = VenueStatus.SUSPENDED if order.suspended else pending
    else:
        status = _ENDED.get(order.status, VenueStatus.REJECTED)
    return OrderState(
        _number(order),
        None if order.client_id == f"venue-{order.venue_id}" else order.client_id,
        order.instrument,
        order.spec,
        status,
        max(order.venue_ts, order.changed_ts),
        order.filled_qty,
        fee_base=order.fee_base,
        fill_sum=(_fill_price(book, order) or 0) * order.filled_qty,
    )


def _number(order: Order) -> int:
    assert order.venue_id is not None
    return int(order.venue_id)


def _created(book: BookState, order: OrderState) -> int:
    return book.orders[book.venue_ids[str(order.id)]].created_ts


def _fill_price(book: BookState, order: Order) -> int | None:
    """At what an entry was filled, from which its legs take their prices. A limit order fills
    at its limit, any other at the average of its fills.
    """
    found = book.plans.get(order.plan_id or "")
    if order.slot is not Slot.ENTRY or not order.filled_qty or found is None:
        return None
    done = found.legs[order.leg]
    return order.limit if order.limit is not None else done.average


def _resume_bracket(entry: OrderState, legs: list[OrderState]) -> None:
    """A bracket of which everything is closed trades no more, though its end was not told yet."""
    closed = sum(leg.filled for leg in legs)
    if closed and closed >= entry.filled:
        for order in (entry, *legs):
            order.over = True
