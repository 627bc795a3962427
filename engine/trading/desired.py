"""What should stand at the venue for a plan, as a pure function, and what to do about the difference.

Start-up, partial fills, lost stops and break-even are this one path: nobody places an exit by reaction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from engine.model.instrument import Instrument
from engine.model.market import Side
from engine.model.orders import BRACKET_SUFFIXES, OrderStatus, OrderType, Slot
from engine.model.plans import PlanStatus
from engine.trading.state import LegState, Order, PlanState

OCO_GRACE_NS = 1_000_000_000
"""The venue cancels the sibling of a filled bracket leg by itself; we step in after this long."""

RETRY_NS = 1_000_000_000
"""Pause before an order that was refused or not sent is tried once more."""


class Want(Struct, frozen=True):
    """One order that should exist. Prices in ticks, offsets signed ticks from the fill."""

    slot: Slot
    side: Side
    type: OrderType
    qty: int
    limit: int | None = None
    stop: int | None = None
    stop_offset: int | None = None
    target_offset: int | None = None


class Place(Struct, frozen=True):
    leg: int
    want: Want


class Modify(Struct, frozen=True):
    order: Order
    qty: int | None
    limit: int | None
    stop: int | None


class Cancel(Struct, frozen=True):
    order: Order


Action = Place | Modify | Cancel


def wanted(state: PlanState, k: int) -> dict[Slot, Want]:
    """The orders that should exist for leg `k` now."""
    plan, leg, done = state.plan, state.plan.legs[k], state.legs[k]
    wants: dict[Slot, Want] = {}
    if plan.status is PlanStatus.OPEN and Slot.ENTRY not in done.slots:
        kind = OrderType.MARKET if plan.entry_limit is None else OrderType.LIMIT
        wants[Slot.ENTRY] = Want(
            Slot.ENTRY,
            plan.side,
            kind,
            leg.qty,
            limit=plan.entry_limit,
            stop_offset=leg.stop_offset,
            target_offset=leg.target_offset,
        )
    if done.open_qty > 0:
        entry = (2 * done.entered_sum + done.entered) // (2 * done.entered)  # halves up, in integers
        exit_side = plan.side.opposite
        stop = leg.stop if leg.stop is not None else entry + leg.stop_offset
        wants[Slot.STOP] = Want(Slot.STOP, exit_side, OrderType.STOP, done.open_qty, stop=stop)
        target = leg.target
        if target is None and leg.target_offset is not None:
            target = entry + leg.target_offset
        if target is not None:
            wants[Slot.TARGET] = Want(Slot.TARGET, exit_side, OrderType.LIMIT, done.open_qty, limit=target)
    return wants


def difference(
    state: PlanState, orders: Mapping[str, Order], now: int, bracket_grace_ns: int
) -> Iterator[Action]:
    """Actions that bring the venue towards what is wanted; stops first, so protection is never lowered.

    Raises nothing; a plan whose venue agrees yields nothing. No target is placed before its stop.
    """
    for k, done in enumerate(state.legs):
        wants = wanted(state, k)
        stopped = _stands(orders.get(done.slots.get(Slot.STOP, "")))
        for slot in (Slot.STOP, Slot.TARGET, Slot.ENTRY):
            order = orders.get(done.slots.get(slot, ""))
            action = _slot(state, k, done, wants.get(slot), order, now, bracket_grace_ns, slot, orders)
            if action is None:
                continue
            if isinstance(action, Place):
                if slot is Slot.TARGET and not stopped:
                    continue
                stopped = stopped or slot is Slot.STOP
            yield action


def _stands(order: Order | None) -> bool:
    return order is not None and order.live


def _slot(
    state: PlanState,
    k: int,
    done: LegState,
    want: Want | None,
    order: Order | None,
    now: int,
    bracket_grace_ns: int,
    slot: Slot,
    orders: Mapping[str, Order],
) -> Action | None:
    live = order is not None and order.live
    if slot is Slot.ENTRY:
        if want is not None:
            return Place(k, want)
        if live and order is not None and state.plan.status is PlanStatus.CLOSING:
            return _cancel(order)
        return None
    entry = orders.get(done.slots.get(Slot.ENTRY, ""))
    entering = entry is not None and entry.live
    if want is None:
        # Legs of an entry that still works are its bracket; the venue owns them until it is done.
        if live and order is not None and not entering and now - order.changed_ts >= OCO_GRACE_NS:
            return _cancel(order)
        return None
    if not live or order is None:
        return _missing(k, done, want, order, now, bracket_grace_ns)
    if order.suspended:
        # A leg that still waits protects nothing; the target may wait on, the stop may not.
        late = now - max(done.entry_ts, order.changed_ts) >= bracket_grace_ns
        return Place(k, want) if late and slot is Slot.STOP else None
    if entering and order.client_id.endswith(BRACKET_SUFFIXES):
        return None
    if order.status not in (OrderStatus.WORKING, OrderStatus.PARTIAL):
        return None
    leg = state.plan.legs[k]
    moved = leg.stop if slot is Slot.STOP else leg.target
    reprice = moved is not None and order.price != moved
    resize = order.open_qty != want.qty
    if not reprice and not resize:
        return None
    if order.reason and now - order.changed_ts < RETRY_NS:
        return None
    return Modify(
        order,
        order.filled_qty + want.qty if resize else None,
        want.limit if reprice else None,
        want.stop if reprice else None,
    )


def _missing(
    k: int, done: LegState, want: Want, order: Order | None, now: int, bracket_grace_ns: int
) -> Action | None:
    """An exit that should be there and is not."""
    if order is None:
        # The venue's own bracket leg is on its way; after the grace we place one ourselves.
        return Place(k, want) if now - done.entry_ts >= bracket_grace_ns else None
    if order.status is OrderStatus.NEW:
        return None
    # A sibling's fill may be on its way too: give it the venue's own delay before stepping in.
    return Place(k, want) if now - order.changed_ts >= RETRY_NS else None


def _cancel(order: Order) -> Action | None:
    if order.status in (OrderStatus.PENDING_CANCEL, OrderStatus.UNKNOWN) or order.cancel_wanted:
        return None
    return Cancel(order)


def cost_ticks(instrument: Instrument) -> int:
    """Ticks that one contract must win to pay for its entry and its exit, rounded up."""
    ticks, rest = divmod(2 * instrument.cost_usd, instrument.tick_value_usd)
    return int(ticks) + (1 if rest else 0)


def break_even(entered_sum: int, entered: int, side: Side, cost_ticks: int) -> int:
    """The stop that loses nothing: average entry plus costs, rounded to the tick that does not lose."""
    if side is Side.BUY:
        return -(-entered_sum // entered) + cost_ticks
    return entered_sum // entered - cost_ticks
