"""Orders that the venue tells of and that we did not send: bracket legs of ours, and what others do."""

from __future__ import annotations

from engine.execution.ledger import Ledger
from engine.model import records as r
from engine.model.notices import NoticeKind, Severity
from engine.model.orders import BRACKET_SUFFIXES, Fill, OrderSpec, OrderType, Slot, VenueOrder, VenueStatus
from engine.state.state import Order


def _parent(ledger: Ledger, reported: VenueOrder) -> Order | None:
    """The entry that a bracket leg belongs to: by tag, since the leg may be told of before its entry."""
    tag = reported.client_id or ""
    if tag.endswith(BRACKET_SUFFIXES):
        return ledger.state.orders.get(tag[:-3])
    return ledger.state.order_of(reported.parent_id, None) if reported.parent_id is not None else None


def adopt(ledger: Ledger, reported: VenueOrder) -> Order:
    """An order that the venue made: the bracket leg of an entry of ours, or somebody else's."""
    state = ledger.state
    parent = _parent(ledger, reported)
    slot = None
    if parent is not None and parent.plan_id in state.plans:
        slot = Slot.STOP if reported.type is OrderType.STOP else Slot.TARGET
    client_id = reported.client_id or f"venue-{reported.venue_id}"
    ledger.turn.commit(
        r.OrderAdopted(
            ts=ledger.turn.now,
            book=ledger.book,
            client_id=client_id,
            venue_id=reported.venue_id,
            instrument=reported.instrument,
            spec=OrderSpec(
                reported.side,
                reported.type,
                reported.qty,
                reported.limit,
                reported.stop,
                reduces=slot is not None,
            ),
            plan_id=parent.plan_id if parent is not None and slot is not None else None,
            leg=parent.leg if parent is not None else 0,
            slot=slot,
            suspended=reported.status is VenueStatus.SUSPENDED,
        )
    )
    return state.orders[client_id]


def adopt_filled(ledger: Ledger, fill: Fill) -> Order:
    """The order of a fill that nobody has told of."""
    return adopt(
        ledger,
        VenueOrder(
            fill.venue_order_id,
            None,
            fill.instrument,
            fill.side,
            OrderType.MARKET,
            fill.qty,
            VenueStatus.WORKING,
        ),
    )


def leave(ledger: Ledger, what: str, instrument: str) -> None:
    """What concerns a contract that is not traded here is said once, and otherwise somebody else's."""
    if instrument not in ledger.strangers:
        ledger.strangers.add(instrument)
        text = f"{what} in {instrument}, which is not traded here, is left alone"
        ledger.turn.say(NoticeKind.FILL, Severity.WARNING, text, instrument, ledger.book)
