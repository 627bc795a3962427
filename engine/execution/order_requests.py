"""What is asked of the venue about the orders of one book. Every request is written down first: a record,
then the effect.
"""

from __future__ import annotations

from typing import NamedTuple

from engine.execution.context import BookContext
from engine.execution.trying_again import pause_ns, same_words, unsent_pause_ns
from engine.model import records as r
from engine.model.effects import CancelOrder, ModifyOrder, PlaceOrder
from engine.model.orders import OrderSpec, Slot
from engine.model.plans import TradePlan
from engine.model.records import OrderEvent as E
from engine.state.state import Order


class PutOff(NamedTuple):
    """A request that the venue was asked for, and that has not come to anything."""

    times: int = 0
    """In a row."""
    ts: int = 0
    """When the last one was sent, or refused; nanoseconds UTC."""
    reason: str = ""
    """What the venue said to it."""
    asked: ModifyOrder | None = None
    """The change that it was to make."""
    unheard: bool = False
    """The venue has not heard the last one, as far as anybody knows."""

    def rests(self, book: BookContext) -> bool:
        """Whether the next try has to wait."""
        put_off = self.times > 0 and self.ts >= book.afresh_ts
        return put_off and book.now - self.ts < (unsent_pause_ns if self.unheard else pause_ns)(self.times)


_NEVER = PutOff()


class OrderRequests:
    """Sends, and remembers what of it is not answered yet. The memory is this run's only: what an earlier run
    has asked for shows in what the venue tells.
    """

    def __init__(self, context: BookContext) -> None:
        self._book = context
        self._changes: dict[str, ModifyOrder] = {}
        """Changes under way by client id."""
        self._unanswered: dict[str, int] = {}
        """Client id to the time at which the outcome of its change became unknown."""
        self._refused: dict[str, PutOff] = {}
        """Client id to the change that was refused."""
        self._changed: dict[str, PutOff] = {}
        """Client id to the change that the venue has said it made."""
        self._cancel_refused: dict[str, PutOff] = {}
        self._cancel_sent: dict[str, PutOff] = {}
        self.rigid: set[str] = set()
        """Client ids of orders whose size the venue would not change: they are replaced instead."""

    # --- requests --------------------------------------------------------------------------------------

    def place(self, plan: TradePlan, leg: int, slot: Slot, spec: OrderSpec) -> None:
        """Intend an order under a client id that was never given out before, and send it."""
        book = self._book
        client_id = self.next_id()
        book.turn.commit(
            r.OrderIntended(
                ts=book.now,
                book=book.book,
                client_id=client_id,
                plan_id=plan.plan_id,
                leg=leg,
                slot=slot,
                instrument=plan.instrument,
                spec=spec,
            )
        )
        self.moved(client_id, E.SENT)
        book.turn.request(
            PlaceOrder(book.book, client_id, plan.instrument, spec, self._beside(plan, leg, slot))
        )

    def _beside(self, plan: TradePlan, leg: int, slot: Slot) -> str:
        """The other exit of a leg, where it lives and goes by an id of ours."""
        other = {Slot.STOP: Slot.TARGET, Slot.TARGET: Slot.STOP}.get(slot)
        found = self._book.state.plans.get(plan.plan_id)
        if other is None or found is None:
            return ""
        order = self._book.state.orders.get(found.legs[leg].slots.get(other, ""))
        return order.client_id if order is not None and order.live else ""

    def next_id(self) -> str:
        """A client id that was never given out; an intent that is written down uses it up."""
        state = self._book.turn.state
        return f"ts-{state.install}-{_base36(state.boot)}-{_base36(state.issued + 1)}"

    def modify(self, order: Order, qty: int | None, limit: int | None, stop: int | None) -> None:
        """Ask for a change of total quantity or price, unless the last one was refused just now."""
        book = self._book
        if order.venue_id is None or self._refused.get(order.client_id, _NEVER).rests(book):
            return
        change = ModifyOrder(
            book.book, order.client_id, order.venue_id, order.instrument, qty=qty, limit=limit, stop=stop
        )
        made = self._changed.get(order.client_id, _NEVER)
        if made.asked == change and made.rests(book):
            return  # it said so, and shows it as it was
        self._changes[order.client_id] = change
        self.moved(order.client_id, E.MODIFY_REQUESTED, qty=qty, limit=limit, stop=stop)
        book.turn.request(change)

    def cancel(self, order: Order) -> bool:
        """Ask for a cancel, unless it was refused just now; while the venue's id is unknown it waits for it.
        Whether it is the first time.
        """
        refused = self._cancel_refused.get(order.client_id, _NEVER)
        if refused.rests(self._book):
            return False
        if not order.cancel_wanted:
            self.moved(order.client_id, E.CANCEL_REQUESTED)
        self.send_cancel(order)
        return not refused.times

    def send_cancel(self, order: Order) -> None:
        if order.venue_id is not None and order.live:
            self._send_cancel(order, order.venue_id)

    def call_back(self, order: Order, venue_id: str) -> bool:
        """Cancel at the venue what is over here; False where that was asked for just now."""
        return self._send_cancel(order, venue_id)

    def called_back(self, order: Order) -> bool:
        return order.client_id in self._cancel_sent

    def _send_cancel(self, order: Order, venue_id: str) -> bool:
        book = self._book
        sent = self._cancel_sent.get(order.client_id, _NEVER)
        if sent.rests(book):
            return False
        self._cancel_sent[order.client_id] = PutOff(sent.times + 1, book.now, unheard=sent.unheard)
        book.turn.request(CancelOrder(book.book, order.client_id, venue_id, order.instrument))
        return True

    # --- what becomes of them --------------------------------------------------------------------------

    def moved(
        self,
        client_id: str,
        event: E,
        *,
        venue_id: str | None = None,
        qty: int | None = None,
        limit: int | None = None,
        stop: int | None = None,
        suspended: bool | None = None,
        ts_venue: int = 0,
        reason: str = "",
    ) -> None:
        """Write down what happened to an order. What does not fit its state is an anomaly: counted, told,
        and without consequence (docs/semantics.md#events-that-do-not-fit).
        """
        book = self._book
        if book.state.orders[client_id].after(event) is None:
            book.turn.counts["anomalies"] += 1
        book.turn.commit(
            r.OrderMoved(
                ts=book.now,
                book=book.book,
                client_id=client_id,
                event=event,
                venue_id=venue_id,
                qty=qty,
                limit=limit,
                stop=stop,
                suspended=suspended,
                ts_venue=ts_venue,
                reason=reason,
            )
        )

    def change_of(self, order: Order) -> ModifyOrder | None:
        """The change of an order that this run has asked for and that is not settled."""
        return self._changes.get(order.client_id)

    def change_lost_ts(self, order: Order) -> int | None:
        """Since when nobody knows what became of an order's change; None where its answer may yet come.

        One that a stopped run asked for is lost since it was asked for.
        """
        if order.client_id in self._changes:
            return self._unanswered.get(order.client_id)
        return order.changed_ts

    def change_unanswered(self, order: Order) -> None:
        self._unanswered[order.client_id] = self._book.now

    def changed(self, order: Order, change: ModifyOrder) -> None:
        """A change took place."""
        for kept in (self._changes, self._unanswered, self._refused):
            kept.pop(order.client_id, None)
        self.rigid.discard(order.client_id)
        made = self._changed.get(order.client_id, _NEVER)
        times = made.times + 1 if made.asked == change else 1
        self._changed[order.client_id] = PutOff(times, self._book.now, asked=change)
        self.moved(order.client_id, E.MODIFIED, qty=change.qty, limit=change.limit, stop=change.stop)

    def not_changed(self, order: Order, reason: str, *, unheard: bool = False) -> None:
        """The order stands as before. The change is tried again after ever longer pauses; a size that is
        refused for good is not: the order is replaced (`rigid`).
        """
        change = self._changes.pop(order.client_id, None)
        self._unanswered.pop(order.client_id, None)
        before = self._refused.get(order.client_id, _NEVER)
        put_off = self._refuse(order, before, reason, change)
        self._refused[order.client_id] = put_off._replace(unheard=unheard)

    def cancel_answered(self, order: Order, *, unheard: bool) -> None:
        """A cancel was answered, or lost: what the venue has not heard, it is asked again soon."""
        sent = self._cancel_sent.get(order.client_id)
        if sent is not None and sent.unheard is not unheard:
            self._cancel_sent[order.client_id] = PutOff(1, sent.ts, unheard=unheard)

    def not_cancelled(self, order: Order, reason: str) -> None:
        """The order stands as before. Its cancel is tried again after ever longer pauses."""
        before = self._cancel_refused.get(order.client_id, _NEVER)
        self._cancel_refused[order.client_id] = self._refuse(order, before, reason, None)

    def _refuse(self, order: Order, before: PutOff, reason: str, asked: ModifyOrder | None) -> PutOff:
        """Write a refusal down; what the venue has said to the same before is not told once more."""
        known = before.times > 0 and before.asked == asked and same_words(before.reason, reason)
        self.moved(order.client_id, E.REQUEST_REFUSED, reason="" if known else reason)
        return PutOff(before.times + 1, self._book.now, reason, asked)


_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def _base36(number: int) -> str:
    digits = ""
    while True:
        number, rest = divmod(number, 36)
        digits = _DIGITS[rest] + digits
        if not number:
            return digits
