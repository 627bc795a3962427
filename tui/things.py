"""What rows are about: a row is a thing that can be pointed at, and that an action can be done with.

A thing is known by its kind and id, whatever its row says and wherever it stands: the cursor stays on it
while rows move. Everything that an action needs to find it in the View stands in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from engine.model.notices import Notice
from engine.model.view import AlertView, BookView, ContractView, OrderView, PositionView, TradeView, View


class ThingKind(StrEnum):
    POSITION = "position"
    ORDER = "order"
    TRADE = "trade"
    ALERT = "alert"
    """A notice, or a message of an alert room."""
    CONTRACT = "contract"
    BOOK = "book"


AIMED = frozenset({ThingKind.POSITION, ThingKind.ORDER, ThingKind.CONTRACT})
"""With the cursor on one of these a key that acts on a contract means that row's contract, and its book."""


HELD = AIMED
"""What can be held, or is."""
HAS_CONTRACT = AIMED | {ThingKind.TRADE, ThingKind.ALERT}


class Thing(Struct, frozen=True):
    """What one row is about. Empty where there is none of the kind."""

    kind: ThingKind
    id: str
    instrument: str = ""
    book: str = ""
    plan: str = ""
    """The trade that it belongs to, where that is one."""
    order: str = ""
    """The client's id of an order."""

    @property
    def key(self) -> tuple[ThingKind, str]:
        """By which it is the same thing."""
        return self.kind, self.id


Things = Sequence[Thing | None]
"""What each row of a table is about; None where it is about nothing, such as a sum."""


def of_position(view: View, position: PositionView) -> Thing:
    """An open position of a book."""
    book, instrument = position.book, position.instrument
    plans = {o.plan for o in view.orders if (o.book, o.instrument) == (book, instrument) and o.plan}
    plan = plans.pop() if len(plans) == 1 else ""
    return Thing(ThingKind.POSITION, f"{book}/{instrument}", instrument, book, plan)


def of_order(order: OrderView) -> Thing:
    return Thing(
        ThingKind.ORDER, order.client_id, order.instrument, order.book, order.plan, order=order.client_id
    )


def of_trade(trade: TradeView) -> Thing:
    ident = f"{trade.book}/{trade.instrument}/{trade.opened_ts}/{trade.closed_ts}"
    return Thing(ThingKind.TRADE, ident, trade.instrument, trade.book)


def of_notice(notice: Notice, repeats: str = "") -> Thing:
    """`repeats` names what it says again and again in one line: that is one thing."""
    ident = f"again {repeats}" if repeats else f"notice {notice.seq}"
    return Thing(ThingKind.ALERT, ident, notice.instrument or "", notice.book or "")


def of_message(alert: AlertView) -> Thing:
    return Thing(ThingKind.ALERT, f"message {alert.room}/{alert.message_id}", alert.instrument)


def of_contract(contract: ContractView) -> Thing:
    return Thing(ThingKind.CONTRACT, contract.instrument, contract.instrument)


def of_book(book: BookView) -> Thing:
    return Thing(ThingKind.BOOK, book.book, book=book.book)
