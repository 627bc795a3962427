"""What the order path of one book knows in this run, and the requests that it makes.

The modules that take the venue's word in, protect, reconcile and flatten all work on this and on nothing
above it. Every request is written down first: a record, then the effect.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from engine.execution.closing import Closing
from engine.execution.inquiry import LOOK_AGAIN_NS, Inquiry
from engine.model import records as r
from engine.model.config import EngineConfig
from engine.model.effects import CancelOrder, ModifyOrder, PlaceOrder
from engine.model.notices import NoticeKind, Severity
from engine.model.orders import Fill, OrderSpec, Slot
from engine.model.plans import TradePlan
from engine.model.records import OrderEvent as E
from engine.portfolio.money import Marks
from engine.state.state import BookState, Order
from engine.state.turn import Turn


class Mismatch(NamedTuple):
    """A position that differs, as snapshots in a row have shown it."""

    theirs: int
    ours: int
    seen: int


class Ledger:
    """One book. What is not in `state` belongs to this run only and is found again after a restart."""

    def __init__(self, book: str, turn: Turn, config: EngineConfig, marks: Marks | None = None) -> None:
        self.book = book
        self.turn = turn
        self.config = config
        self.marks = marks if marks is not None else Marks()
        self.started_ts = turn.now
        self.reconciled = False
        self.streaming = True
        """The stream of the book is not known to be gone."""
        self.can_trade = True
        self.balance_usd: Decimal | None = None
        self.inquiry = Inquiry(book, turn)
        self.blind_ts = turn.now
        """Since when what the stream has told is all that it had to tell: the last change of its link."""
        self.closing: dict[str, Closing] = {}
        """The newest close request of each instrument that is being flattened."""
        self.verify_from: dict[str, int] = {}
        """Instrument to the time from which a snapshot counts as proof that it is flat."""
        self.absent: dict[str, int] = {}
        """Client id to the number of snapshots in a row that did not show the order."""
        self.untold: dict[str, tuple[int, int]] = {}
        """Client id of an order that is called filled and told no fill of: since when, and looks so far."""
        self.mismatches: dict[str, Mismatch] = {}
        self.orphans: list[tuple[int, Fill]] = []
        """Fills whose order is not known yet, with the time of their arrival."""
        self.changes: dict[str, ModifyOrder] = {}
        """Changes under way by client id; the ones that a stopped run left are not among them."""
        self.unanswered: dict[str, int] = {}
        """Client id to the time at which the outcome of its change became unknown."""
        self.refused: dict[str, tuple[int, int]] = {}
        """Client id to how often its change was refused, and until when it is not tried again."""
        self.rigid: set[str] = set()
        """Orders whose size the venue would not change: they are replaced instead."""
        self.told_ts: dict[str, int] = {}
        """Client id to the venue's time of the newest report of the order."""
        self.cancel_sent: dict[str, int] = {}
        self.strangers: set[str] = set()
        """Instruments that we don't trade and have said so."""
        self.excess: dict[str, tuple[int, int]] = {}
        """Instrument to contracts that no trade of ours explains, signed, and since when."""
        self.best_marks: dict[str, int] = {}
        """Plan to the best mark of this run, ticks."""
        self.trailed_ts: dict[str, int] = {}
        """Plan to the time at which its stop last followed."""
        self.excursion_ts: dict[str, int] = {}
        """Instrument to the time at which its excursion was last written down."""

    @property
    def state(self) -> BookState:
        return self.turn.state.book(self.book)

    @property
    def heard(self) -> bool:
        """The venue's own word has been heard in this run. Before that nothing is placed or closed."""
        return self.inquiry.answered_ts > 0

    def knows(self, instrument: str) -> bool:
        """Whether we trade it, or once did. Others' instruments in the account are none of our business."""
        return instrument in self.turn.state.instruments or any(
            instrument == known.symbol for known in self.config.instruments
        )

    def made(self, order: Order) -> bool:
        """Whether an order, or the entry that it is a leg of, was sent by this installation."""
        return order.client_id.startswith(f"ts-{self.turn.state.install}-")

    def look(self, delay_ns: int) -> None:
        """Have the venue's truth looked up, after a delay in nanoseconds."""
        self.inquiry.want(delay_ns)

    def odd(self, name: str, text: str, severity: Severity, instrument: str) -> None:
        """Something that should not happen did, and was survived: it is counted, and people are told."""
        self.turn.counts[name] += 1
        self.turn.say(NoticeKind.ORDER, severity, text, instrument, self.book)

    # --- requests --------------------------------------------------------------------------------------

    def place(self, plan: TradePlan, leg: int, slot: Slot, spec: OrderSpec) -> None:
        """Intend an order under a client id that was never given out before, and send it."""
        state = self.turn.state
        client_id = f"ts-{state.install}-{_base36(state.boot)}-{_base36(state.issued + 1)}"
        self.turn.commit(
            r.OrderIntended(
                ts=self.turn.now,
                book=self.book,
                client_id=client_id,
                plan_id=plan.plan_id,
                leg=leg,
                slot=slot,
                instrument=plan.instrument,
                spec=spec,
            )
        )
        self.moved(client_id, E.SENT)
        self.turn.request(PlaceOrder(self.book, client_id, plan.instrument, spec))

    def modify(self, order: Order, qty: int | None, limit: int | None, stop: int | None) -> None:
        """Ask for a change of total quantity or price, unless the last one was refused just now."""
        if order.venue_id is None or self.turn.now < self.refused.get(order.client_id, (0, 0))[1]:
            return
        change = ModifyOrder(
            self.book, order.client_id, order.venue_id, order.instrument, qty=qty, limit=limit, stop=stop
        )
        self.changes[order.client_id] = change
        self.moved(order.client_id, E.MODIFY_REQUESTED, qty=qty, limit=limit, stop=stop)
        self.turn.request(change)

    def cancel(self, order: Order) -> None:
        """Ask for a cancel; while the venue's id is unknown it waits for it."""
        if not order.cancel_wanted:
            self.moved(order.client_id, E.CANCEL_REQUESTED)
        self.send_cancel(order)

    def send_cancel(self, order: Order) -> None:
        if order.venue_id is None or not order.live:
            return
        sent = self.cancel_sent.get(order.client_id)
        if sent is None or self.turn.now - sent >= LOOK_AGAIN_NS:
            self.cancel_sent[order.client_id] = self.turn.now
            self.turn.request(CancelOrder(self.book, order.client_id, order.venue_id, order.instrument))

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
        if self.state.orders[client_id].after(event) is None:
            self.turn.counts["anomalies"] += 1
        self.turn.commit(
            r.OrderMoved(
                ts=self.turn.now,
                book=self.book,
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


_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def _base36(number: int) -> str:
    digits = ""
    while True:
        number, rest = divmod(number, 36)
        digits = _DIGITS[rest] + digits
        if not number:
            return digits
