"""What should stand at the venue for a plan, as a pure function, and what to do about the difference.

Start-up, partial fills, lost stops and break-even are this one path: nobody places an exit by reaction.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping

from msgspec import Struct, structs

from engine.execution.entry_orders import alone, elsewhere, entry
from engine.execution.venue_exits import USUAL, VenueExits, going
from engine.model.orders import BRACKET_SUFFIXES, OrderSpec, OrderStatus, OrderType, Slot
from engine.model.plans import PlanStatus, TradePlan
from engine.state.legs import LegState
from engine.state.state import Order, PlanState

OCO_GRACE_NS = 1_000_000_000
"""The venue cancels the sibling of a filled bracket leg by itself; we step in after this long."""

RETRY_NS = 1_000_000_000
"""Pause before an order that was refused or not sent is tried once more."""


class Place(Struct, frozen=True):
    leg: int
    slot: Slot
    spec: OrderSpec


class Modify(Struct, frozen=True):
    order: Order
    qty: int | None
    limit: int | None
    stop: int | None


class Cancel(Struct, frozen=True):
    order: Order


Action = Place | Modify | Cancel


def target_of(plan: TradePlan, k: int, done: LegState) -> int | None:
    """Where a leg that has entered is to be left with a profit, ticks."""
    leg = plan.legs[k]
    if leg.target is None and leg.target_offset is not None:
        return done.average + leg.target_offset
    return leg.target


def wanted(
    state: PlanState,
    k: int,
    orders: Mapping[str, Order],
    brackets: bool = True,
    *,
    exits: VenueExits = USUAL,
) -> dict[Slot, OrderSpec]:
    """The orders that should exist for leg `k` now."""
    plan, leg, done = state.plan, state.plan.legs[k], state.legs[k]
    wants: dict[Slot, OrderSpec] = {}
    if plan.status is PlanStatus.OPEN and Slot.ENTRY not in done.slots and not done.entered:
        wants[Slot.ENTRY] = entry(plan, k, brackets)
    if done.open_qty > 0:
        exit_side, qty = plan.side.opposite, exits.covers(state, k, orders)
        stop = leg.stop if leg.stop is not None else done.average + leg.stop_offset
        if qty > 0:
            wants[Slot.STOP] = OrderSpec(exit_side, OrderType.STOP, qty, stop=stop, reduces=True)
        target = target_of(plan, k, done) if exits.targets else None
        if target is not None and qty > 0:
            wants[Slot.TARGET] = OrderSpec(exit_side, OrderType.LIMIT, qty, limit=target, reduces=True)
        if leg.keep is not None and done.open_qty > leg.keep and plan.status is PlanStatus.OPEN:
            wants[Slot.PART] = OrderSpec(exit_side, OrderType.MARKET, done.open_qty - leg.keep, reduces=True)
    return wants


def difference(
    state: PlanState,
    orders: Mapping[str, Order],
    now: int,
    bracket_grace_ns: int,
    *,
    brackets: bool = True,
    exits: VenueExits = USUAL,
    rigid: Container[str] = (),
) -> Iterator[Action]:
    """Actions that bring the venue towards what is wanted; stops first, so protection is never lowered.

    `brackets`: the account takes native ones. `rigid`: client ids of orders that the venue won't resize; a
    stop among them gets a successor beside it, or where it has coins one after it; a target makes room.
    Raises nothing; a plan whose venue agrees yields nothing. No target is placed before its stop.
    """
    for k, done in enumerate(state.legs):
        if _agreed(state, k, done, orders, now - bracket_grace_ns, exits):
            continue
        wants = wanted(state, k, orders, brackets, exits=exits)
        stop = orders.get(done.slots.get(Slot.STOP, ""))
        stopped = stop is not None and stop.live
        for slot in (Slot.STOP, Slot.TARGET, Slot.PART, Slot.ENTRY):
            order = orders.get(done.slots.get(slot, ""))
            action = _slot(
                state, k, done, wants.get(slot), order, now, bracket_grace_ns, slot, orders, exits, rigid
            )
            if action is None:
                continue
            if isinstance(action, Place):
                if slot is Slot.TARGET and not stopped:
                    continue
                if slot is Slot.PART and not exits.have_room(done, orders, action.spec.qty):
                    continue
                if slot is Slot.STOP and exits.coins and _others_have(state, k, orders, exits):
                    continue
                stopped = stopped or slot is Slot.STOP
            yield action


def agreed(
    state: PlanState,
    orders: Mapping[str, Order],
    now: int,
    bracket_grace_ns: int,
    *,
    exits: VenueExits = USUAL,
) -> bool:
    """Whether a plan certainly gives nothing to do now and is not finished; without it nothing is said."""
    for k, done in enumerate(state.legs):
        if not _agreed(state, k, done, orders, now - bracket_grace_ns, exits):
            return False
    return bool(state.legs)


def _agreed(
    state: PlanState,
    k: int,
    done: LegState,
    orders: Mapping[str, Order],
    since: int | None,
    exits: VenueExits,
) -> bool:
    """Whether a leg certainly gives nothing to do, as is mostly so: nothing is worked out for that. Its entry
    is over and exits of its size stand where they should, or are being cancelled where nothing is open; or
    its entry is at market and under way. Legs of a bracket may wait that began to later than `since`.
    """
    plan, slots, leg, qty = state.plan, done.slots, state.plan.legs[k], done.open_qty
    if leg.keep is not None and going(state, k, orders, exits):
        return False
    entry = orders.get(slots.get(Slot.ENTRY, ""))
    if entry is None:
        return False
    stop, target = orders.get(slots.get(Slot.STOP, "")), orders.get(slots.get(Slot.TARGET, ""))
    if qty <= 0:
        live = [one for one in (stop, target) if one is not None and one.status.live]
        if not entry.status.live:
            return bool(live) and all(one.cancel_wanted for one in live)
        opens = plan.status is PlanStatus.OPEN and entry.spec.type is OrderType.MARKET
        return opens and all(native(one) for one in live)
    if entry.status.live or stop is None:
        return False
    waits = since is not None and stop.suspended and stop.status.live
    if waits and since is not None and max(done.entry_ts, stop.changed_ts) <= since:
        return False
    if not waits and not _stands(stop, qty, leg.stop):
        return False
    if not exits.targets or (leg.target is None and leg.target_offset is None):
        return target is None or not target.status.live
    if target is None:
        return False
    waits = since is not None and target.suspended and target.status.live
    return waits or _stands(target, qty, leg.target)


def _stands(order: Order, qty: int, price: int | None) -> bool:
    """Whether it is at work for so many lots, at a price where one is set."""
    return at_work(order) and order.open_qty == qty and (price is None or order.price == price)


def _slot(
    state: PlanState,
    k: int,
    done: LegState,
    want: OrderSpec | None,
    order: Order | None,
    now: int,
    bracket_grace_ns: int,
    slot: Slot,
    orders: Mapping[str, Order],
    exits: VenueExits,
    rigid: Container[str],
) -> Action | None:
    live = order is not None and order.live
    if slot is Slot.ENTRY:
        if want is not None:
            return Place(k, slot, want)
        if live and order is not None and (state.plan.status is PlanStatus.CLOSING or alone(state, k)):
            return _cancel(order)
        return _reprice(state.plan, k, order, now) if live and order is not None else None
    if slot is Slot.PART:
        return _part(k, want, order, answered=done.slots.get(slot, "") != state.plan.legs[k].keep_after)
    entered = orders.get(done.slots.get(Slot.ENTRY, ""))
    entering = entered is not None and entered.live
    if want is None:
        if not live or order is None:
            return None
        # Legs of an entry that still works are its bracket; the venue owns them until it is done, and
        # cancels the sibling of the one that filled. For orders of our own nobody does.
        if native(order) and (entering or now - order.changed_ts < OCO_GRACE_NS):
            return None
        return _cancel(order)
    anew = exits.coins and order is not None and (order.client_id in rigid or not exits.stops_move)
    if not live or order is None:
        if order is not None and anew and order.cancel_wanted and state.plan.status is PlanStatus.OPEN:
            return Place(k, slot, want)  # it was cancelled for this one
        return _missing(k, done, slot, want, order, now, bracket_grace_ns if has_bracket(entered) else 0)
    if order.suspended:
        # A leg that still waits protects nothing; the target may wait on, the stop may not.
        late = now - max(done.entry_ts, order.changed_ts) >= bracket_grace_ns
        return Place(k, slot, want) if late and slot is Slot.STOP else None
    # The venue grows its legs with the fills of an entry; where it has not done so after a while, we do.
    growing = entered is not None and entering and native(order)
    if growing and now - max(entered.changed_ts if entered else 0, order.changed_ts) < bracket_grace_ns:
        return None
    if not at_work(order):
        return None
    reprice = _misplaced(state, k, order)
    resize = order.open_qty != want.qty
    if not reprice and not resize:
        return None
    if slot is Slot.STOP and order.open_qty > want.qty and not exits.coins and _exposed(state, orders, but=k):
        return None
    if anew and slot is Slot.STOP:
        return _cancel(order)
    if resize and order.client_id in rigid:
        # The successor of a stop stands where it stood: only the size is to change.
        return Place(k, slot, structs.replace(want, stop=order.stop)) if slot is Slot.STOP else _cancel(order)
    if order.reason and now - order.changed_ts < RETRY_NS:
        return None
    if resize:  # by itself: a price that the venue refuses must not keep the size wrong
        return Modify(order, order.filled_qty + want.qty, None, None)
    return Modify(order, None, want.limit, want.stop)


def _part(k: int, want: OrderSpec | None, order: Order | None, *, answered: bool) -> Action | None:
    """One order for each wish to close a part; its outcome is looked up like any other's, and a refusal is
    told and not tried again. Where stop or target have left less to it than it was sent for, its rest would
    open: it is cancelled.
    """
    if order is not None and order.live and (want is None or order.open_qty > want.qty):
        return _cancel(order)
    if want is None or answered or (order is not None and order.live):
        return None
    return Place(k, Slot.PART, want)


def _reprice(plan: TradePlan, k: int, order: Order, now: int) -> Modify | None:
    """A resting entry goes where its plan says that it rests."""
    if not elsewhere(plan, k, order) or not at_work(order) or order.cancel_wanted:
        return None
    if order.reason and now - order.changed_ts < RETRY_NS:
        return None
    want = entry(plan, k, brackets=False)
    return Modify(order, None, want.limit, want.stop)


def _missing(
    k: int, done: LegState, slot: Slot, want: OrderSpec, order: Order | None, now: int, bracket_grace_ns: int
) -> Action | None:
    """An exit that should be there and is not."""
    if order is None:
        # The venue's own bracket leg is on its way; after the grace we place one ourselves.
        return Place(k, slot, want) if now - done.entry_ts >= bracket_grace_ns else None
    if order.status is OrderStatus.NEW:
        return None
    if never_arrived(order):
        return Place(k, slot, want)
    # A sibling's fill may be on its way too: give it the venue's own delay before stepping in.
    return Place(k, slot, want) if now - order.changed_ts >= RETRY_NS else None


def never_arrived(order: Order) -> bool:
    """A stop that the venue never had: looks at the venue have proven it, and nothing else is to be waited
    for. (One that the venue refuses closes the position instead.)
    """
    return order.slot is Slot.STOP and order.status is OrderStatus.REJECTED and order.venue_id is None


def _exposed(state: PlanState, orders: Mapping[str, Order], but: int) -> bool:
    """Whether another leg than `but` waits for its stop: until it has one, a stop too large covers it."""
    for k, done in enumerate(state.legs):
        stop = orders.get(done.slots.get(Slot.STOP, ""))
        if k != but and done.open_qty > 0 and not (stop is not None and stop.stands):
            return True
    return False


def _others_have(state: PlanState, k: int, orders: Mapping[str, Order], exits: VenueExits) -> bool:
    """Whether exits of other legs than `k` have coins yet that are no more theirs: a stop waits for those."""
    return any(
        order.stands and order.open_qty > max(0, exits.covers(state, j, orders))
        for j, done in enumerate(state.legs)
        for slot in (Slot.STOP, Slot.TARGET)
        if j != k and (order := orders.get(done.slots.get(slot, ""))) is not None
    )


def has_bracket(entry: Order | None) -> bool:
    """Whether the venue makes, or has made, a bracket for the contracts of an entry."""
    return entry is not None and entry.stop_offset is not None and entry.filled_qty > 0


def native(order: Order) -> bool:
    """The venue made it as the leg of a bracket, and keeps it by itself."""
    return order.client_id.endswith(BRACKET_SUFFIXES)


def at_rest(
    state: PlanState, orders: Mapping[str, Order], brackets: bool, *, exits: VenueExits = USUAL
) -> bool:
    """Whether the venue agrees with a plan, so that only an event can make something due."""
    for k, done in enumerate(state.legs):
        if done.open_qty > 0 and _agreed(state, k, done, orders, None, exits):
            continue
        wants = wanted(state, k, orders, brackets, exits=exits)
        if Slot.ENTRY in wants or going(state, k, orders, exits):
            return False
        entered = orders.get(done.slots.get(Slot.ENTRY, ""))
        entering = entered is not None and entered.live
        if entered is not None and entering and elsewhere(state.plan, k, entered):
            return False
        for slot in (Slot.STOP, Slot.TARGET):
            want, order = wants.get(slot), orders.get(done.slots.get(slot, ""))
            if want is None:
                if order is not None and order.live and not (order.suspended and entering):
                    return False
            elif (
                order is None
                or not at_work(order)
                or order.open_qty != want.qty
                or _misplaced(state, k, order)
            ):
                return False
    return True


def at_work(order: Order) -> bool:
    """It works at the venue, and nothing is under way with it."""
    status = order.status
    return (status is OrderStatus.WORKING or status is OrderStatus.PARTIAL) and not order.suspended


def _misplaced(state: PlanState, k: int, order: Order) -> bool:
    leg = state.plan.legs[k]
    moved = leg.stop if order.slot is Slot.STOP else leg.target
    return moved is not None and order.price != moved


def _cancel(order: Order) -> Action | None:
    if order.status in (OrderStatus.PENDING_CANCEL, OrderStatus.UNKNOWN) or order.cancel_wanted:
        return None
    return Cancel(order)


def finished(state: PlanState, orders: Mapping[str, Order]) -> bool:
    """Nothing open, nothing that could open.

    A leg that closed more than it had is over too: the position that it left is not this plan's any more.
    """
    for leg in state.legs:
        if leg.open_qty > 0:
            return False
    for leg in state.legs:
        entry = orders.get(leg.slots.get(Slot.ENTRY, ""))
        if entry is None and state.plan.status is PlanStatus.OPEN and not leg.entered:
            return False
        if any(orders[cid].live or orders[cid].status is OrderStatus.NEW for cid in leg.slots.values()):
            return False
    return True
