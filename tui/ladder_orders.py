"""What the keys of an armed ladder send: commands by hand like any other, no entry without a stop."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct

from engine.model.commands import AnyCommand, CancelManual, ChangeManual, PlaceManual
from engine.model.depth import DepthView
from engine.model.market import Side
from engine.model.orders import OrderType, Slot
from engine.model.view import ContractView, OrderView, PositionView, View
from tui import number_format as figures
from tui.plain_text import plain
from tui.screen_state import ScreenState
from tui.ticket import Prefill

QUANTITIES = (1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 25, 30, 40, 50, 75, 100, 150, 200, 300, 500, 750, 1_000,
              2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000)  # fmt: skip
"""What the keys for quantity and distances go through: lots, ticks."""


class LadderTerms(Struct, frozen=True):
    """What one key of the ladder places."""

    qty: int = 1
    """Lots."""
    stop_ticks: int = 20
    """The protective stop, from where the entry fills."""
    target_ticks: int = 40
    """The target, from there; 0 for none, which the gate may refuse (risk.reward_to_risk_min)."""


class LadderOrder(Struct, frozen=True):
    """A command and what it is called on the screen; or why there is none."""

    command: AnyCommand | None
    label: str
    hindrance: str = ""
    loosens: str = ""
    """In words, where it puts more at risk than before: it is asked first."""


def stepped(value: int, by: int, least: int) -> int:
    """The next greater or smaller of the usual numbers, not below `least`."""
    if by > 0:
        return next((one for one in QUANTITIES if one > value), value)
    return max(least, next((one for one in reversed(QUANTITIES) if one < value), least))


def ticks_of(price: Decimal, contract: ContractView) -> int:
    return int((price / contract.tick_size).to_integral_value())


def middle(contract: ContractView, depth: DepthView | None) -> int | None:
    """Where the market is, ticks."""
    if depth is not None and not depth.broken and depth.bids and depth.asks:
        return (depth.bids[0][0] + depth.asks[0][0]) // 2
    at = contract.last if contract.last is not None else contract.bid
    return None if at is None else ticks_of(at, contract)


def touch(contract: ContractView, depth: DepthView | None) -> tuple[Decimal | None, Decimal | None]:
    """Best bid and ask of the book that is shown; the quote's where there is none to be believed. A quote
    can be newer than the book: beside that book's rows it would be another moment's.
    """
    if depth is not None and not depth.broken and depth.bids and depth.asks:
        return contract.tick_size * depth.bids[0][0], contract.tick_size * depth.asks[0][0]
    return contract.bid, contract.ask


def _refused(label: str, why: str) -> LadderOrder:
    return LadderOrder(None, label, why)


def entry(
    view: View,
    contract: ContractView,
    side: Side,
    ticks: int | None,
    terms: LadderTerms,
    command_id: str,
    book: str | None,
) -> LadderOrder:
    """A limit entry at a price in ticks, or one at market where that is None."""
    qty = figures.quantity(terms.qty, contract.lot_size)
    name = plain(contract.instrument)
    at = "at market" if ticks is None else figures.price(contract.tick_size * ticks, contract.decimals)
    label = f"{side.value} {qty} {name} {at}"
    if book is None and len(view.books) > 1:
        return _refused(label, "pick a book first: there are several")
    if contract.stale:
        return _refused(label, "its price is too old")
    touch = contract.ask if side is Side.BUY else contract.bid
    if ticks is not None and touch is not None:
        beyond = contract.tick_size * ticks - touch
        if (beyond if side is Side.BUY else -beyond) > 0:
            word = "above the ask" if side is Side.BUY else "below the bid"
            return _refused(label, f"a limit {word} fills at once: place it at market")
    command = PlaceManual(
        id=command_id,
        instrument=contract.instrument,
        side=side,
        book=book,
        qty=terms.qty,
        entry=OrderType.MARKET if ticks is None else OrderType.LIMIT,
        price=None if ticks is None else contract.tick_size * ticks,
        stop_ticks=terms.stop_ticks,
        target_ticks=(terms.target_ticks,) if terms.target_ticks else (),
    )
    return LadderOrder(command, label)


def prefill(contract: ContractView, ticks: int, terms: LadderTerms, book: str) -> Prefill:
    """What an order to be filled in begins with: a limit at a price, on the side on which it rests."""
    price = contract.tick_size * ticks
    side = Side.SELL if contract.ask is not None and price >= contract.ask else Side.BUY
    away = contract.tick_size * side.sign
    return Prefill(
        instrument=contract.instrument,
        side=side,
        entry=OrderType.LIMIT,
        price=price,
        stop=price - away * terms.stop_ticks,
        targets=(price + away * terms.target_ticks,) if terms.target_ticks else (),
        qty=contract.lot_size * terms.qty,
        book=book,
    )


def orders_at(view: View, contract: ContractView, ticks: int, book: str | None) -> list[OrderView]:
    """Our orders at a price."""
    return [
        order
        for order in view.orders
        if order.instrument == contract.instrument
        and book in (None, order.book)
        and order.price is not None
        and ticks_of(order.price, contract) == ticks
    ]


def first_at(state: ScreenState, ticks: int) -> OrderView | None:
    """The first of them, of the shown contract and the picked book."""
    if state.contract is None:
        return None
    return next(iter(orders_at(state.view, state.contract, ticks, state.book or None)), None)


def cancel(order: OrderView, contract: ContractView, command_id: str) -> LadderOrder:
    """Take an entry back. Exits protect, or are the way out: they are moved, not taken off."""
    label = f"cancel {_words(order, contract)}"
    if order.slot is not Slot.ENTRY:
        return _refused(label, f"a {order.slot.value} is no entry: it can be moved, and flattening ends it")
    return LadderOrder(CancelManual(id=command_id, order=order.client_id, book=order.book), label)


def move(
    order: OrderView, orders: Sequence[OrderView], contract: ContractView, ticks: int, command_id: str
) -> LadderOrder:
    """Move an order to another price; `orders` are all that live."""
    price = contract.tick_size * ticks
    to = figures.price(price, contract.decimals)
    label = f"move {_words(order, contract)} to {to}"
    if order.price is None or order.price == price:
        return _refused(label, "it is there already")
    command = ChangeManual(id=command_id, order=order.client_id, book=order.book)
    match order.slot:
        case Slot.ENTRY:
            return LadderOrder(_with(command, price=price), label)
        case Slot.STOP:
            farther = (order.price - price) if order.side is Side.SELL else (price - order.price)
            loosens = ""
            if farther > 0:
                more = farther / contract.tick_size * contract.tick_value_usd * order.qty
                loosens = f"{figures.usd(more)} {plain(contract.currency)} more at risk than now"
            return LadderOrder(_with(command, stop=price), label, loosens=loosens)
        case Slot.TARGET:
            return LadderOrder(_with(command, targets=_targets(order, orders, price)), label)
        case Slot.PART:
            return _refused(label, "it is closing at market")


def _with(
    command: ChangeManual,
    price: Decimal | None = None,
    stop: Decimal | None = None,
    targets: tuple[Decimal, ...] = (),
) -> ChangeManual:
    return ChangeManual(
        id=command.id, order=command.order, book=command.book, price=price, stop=stop, targets=targets
    )


def _targets(order: OrderView, orders: Sequence[OrderView], price: Decimal) -> tuple[Decimal, ...]:
    """All targets of its trade with one moved, the nearest first."""
    mine = [
        one
        for one in orders
        if (one.plan, one.book, one.instrument, one.slot)
        == (order.plan, order.book, order.instrument, Slot.TARGET)
        and one.price
    ]
    prices = {price if one.client_id == order.client_id else one.price for one in mine if one.price}
    return tuple(sorted(prices or {price}, reverse=order.side is Side.BUY))


def _words(order: OrderView, contract: ContractView) -> str:
    qty = figures.quantity(order.qty - order.filled_qty, contract.lot_size)
    what = "entry" if order.slot is Slot.ENTRY else order.slot.value
    return f"{what} {order.side.value} {qty} {plain(contract.instrument)}"


def entries_of(view: View, contract: ContractView, book: str | None) -> dict[int, list[PositionView]]:
    """Open positions by the price of their entry, ticks."""
    found: dict[int, list[PositionView]] = {}
    for held in view.positions:
        if held.instrument == contract.instrument and book in (None, held.book) and held.qty:
            found.setdefault(ticks_of(held.entry, contract), []).append(held)
    return found
