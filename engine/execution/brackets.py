"""Whether an account takes native brackets, and what becomes of an entry that was refused for having one.

An account is in one of two modes, which only a person can switch on the venue's own pages: with Auto OCO the
venue keeps stop and target of each entry by itself; with Position Brackets it refuses such entries
(docs/protocols/projectx.md#position-brackets-and-auto-oco). The refusal is the only way to learn of it, and
it is remembered over restarts. From then on entries go bare, and the order manager keeps stop and target in
their slots as orders of its own: the stop first, at once, both sized to what is open.

Nothing tells that the account was switched back, and a try would cost an entry. So native brackets come again
only by configuration: `Brackets.NATIVE` forgets at start what was remembered.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.execution.context import BookContext
from engine.execution.entry_orders import entry
from engine.execution.order_requests import OrderRequests
from engine.model import records as r
from engine.model.config import Brackets
from engine.model.market import NANOS
from engine.model.notices import NoticeKind, Severity
from engine.model.orders import Slot
from engine.model.plans import PlanStatus
from engine.state.state import Order, PlanState

FRESH_NS = 10 * NANOS
"""A refused entry is tried bare while its trade is not older than this; an idea does not keep."""


class NativeBrackets:
    """Of one account, as far as it is known."""

    def __init__(self, context: BookContext, orders: OrderRequests, ready: Callable[[], bool]) -> None:
        """`ready` tells whether the account is in a state to enter on."""
        self._book = context
        self._orders = orders
        self._ready = ready

    def configured(self) -> None:
        """Take over what the configuration says, at start and when an account is adopted."""
        if not self._book.config.capabilities.native_brackets:
            self._learn(False, "the venue has none")
            return
        match self._book.config.brackets:
            case Brackets.NATIVE:
                self._learn(True, "configured")
            case Brackets.OWN:
                self._learn(False, "configured")
            case Brackets.AUTO:
                pass

    def refused(self, order: Order, reason: str) -> None:
        """The venue takes no native bracket. That is definitive: the entry may go once more, bare."""
        self._learn(False, reason)
        found = self._book.state.plans.get(order.plan_id or "")
        if found is None or found.legs[order.leg].slots.get(Slot.ENTRY) != order.client_id:
            return
        why = self._against(found, order)
        if why:
            self._book.say(
                NoticeKind.ORDER,
                Severity.WARNING,
                f"entry {self._book.order_text(order)} is not tried again bare: {why}",
                order.instrument,
            )
            return
        spec = entry(found.plan, order.leg, brackets=False)
        self._orders.place(found.plan, order.leg, Slot.ENTRY, spec)

    def _learn(self, native: bool, reason: str) -> None:
        if self._book.state.brackets is not native:
            self._book.turn.commit(
                r.BracketsKnown(ts=self._book.now, book=self._book.book, native=native, reason=reason)
            )

    def _against(self, found: PlanState, order: Order) -> str:
        """Why the entry should not be made any more, in words; empty when it should."""
        plan = found.plan
        if self._book.now - plan.created_ts > FRESH_NS or order.created_ts < self._book.started_ts:
            return "it is too old"
        flattening = plan.instrument in self._book.state.flattening
        if flattening or plan.status is not PlanStatus.OPEN or order.cancel_wanted:
            return "it was called off"
        restriction = self._book.turn.state.restriction(self._book.book, plan.instrument)
        if restriction is not None:
            return restriction.state.said(restriction.reason, restriction.guard)
        if not self._ready():
            return "the account is not ready"
        return ""
