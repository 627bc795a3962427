"""Orders that the venue tells of and that we did not send: bracket legs of ours, and what others do."""

from __future__ import annotations

from engine.execution.context import BookContext
from engine.model import records as r
from engine.model.notices import NoticeKind, Severity
from engine.model.orders import BRACKET_SUFFIXES, Fill, OrderSpec, OrderType, Slot, VenueOrder, VenueStatus
from engine.state.state import Order


class Adoption:
    """Takes them into the books of one account."""

    def __init__(self, context: BookContext) -> None:
        self._book = context
        self._strangers: set[str] = set()
        """Instruments that we don't trade and have said so."""

    def _parent(self, reported: VenueOrder) -> Order | None:
        """The entry that a bracket leg belongs to: by tag, since the leg may be told of before its entry."""
        tag = reported.client_id or ""
        if tag.endswith(BRACKET_SUFFIXES):
            return self._book.state.orders.get(tag[:-3])
        return self._book.state.order_of(reported.parent_id, None) if reported.parent_id is not None else None

    def others(self, reported: VenueOrder) -> bool:
        """Whether an order of somebody else does not concern us: coins are not netted."""
        ours = self._book.is_ours(reported.client_id) or self._parent(reported) is not None
        return not ours and self._book.by_balance(reported.instrument)

    def adopt(self, reported: VenueOrder) -> Order:
        """An order that the venue made: the bracket leg of an entry of ours, or somebody else's."""
        state = self._book.state
        parent = self._parent(reported)
        slot = None
        if parent is not None and parent.plan_id in state.plans:
            slot = Slot.STOP if reported.type is OrderType.STOP else Slot.TARGET
        client_id = reported.client_id or f"venue-{reported.venue_id}"
        self._book.turn.commit(
            r.OrderAdopted(
                ts=self._book.now,
                book=self._book.book,
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

    def adopt_filled(self, fill: Fill) -> Order:
        """The order of a fill that nobody has told of."""
        return self.adopt(
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

    def leave(self, what: str, instrument: str) -> None:
        """What concerns a contract that is not traded here is said once, and otherwise somebody else's."""
        if instrument not in self._strangers:
            self._strangers.add(instrument)
            text = f"{what} in {instrument}, which is not traded here, is left alone"
            self._book.say(NoticeKind.FILL, Severity.WARNING, text, instrument)
