"""An order ticket as it is filled in: what stands in each field, and the order that they come to.

Pure: what a key does to a ticket gives another ticket. Prices are typed in price units, quantities as people
count them.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from engine.model.chart import ChartView
from engine.model.commands import PlaceManual
from engine.model.market import Side
from engine.model.orders import OrderType
from engine.model.refusals import OVERRIDES
from engine.model.view import ContractView
from tui.market_range import atr_ticks, zone_stop

MOST_TYPED = 16


class TicketField(StrEnum):
    SIDE = "side"
    ENTRY = "entry"
    QUANTITY = "quantity"
    STOP = "stop"
    TARGET = "target 1"
    SECOND = "target 2"
    MINUTES = "rests for"
    BOOK = "book"
    OVERRIDE = "override"


class HowSaid(StrEnum):
    """How a quantity, a stop or a target is said."""

    SIZER = "by the book"
    TYPED = "typed"
    RISK = "USD at risk"
    TICKS = "ticks"
    PRICE = "price"
    ATR = "ATR"
    ZONE = "zone"
    R = "R"
    NONE = "none"


MODES: dict[TicketField, tuple[HowSaid, ...]] = {
    TicketField.QUANTITY: (HowSaid.SIZER, HowSaid.TYPED, HowSaid.RISK),
    TicketField.STOP: (HowSaid.TICKS, HowSaid.ATR, HowSaid.PRICE, HowSaid.ZONE),
    TicketField.TARGET: (HowSaid.R, HowSaid.PRICE, HowSaid.NONE),
    TicketField.SECOND: (HowSaid.NONE, HowSaid.R, HowSaid.PRICE),
}
ENTRIES = (OrderType.MARKET, OrderType.LIMIT, OrderType.STOP)


class FieldValue(Struct, frozen=True):
    """How something is said, and what is typed for it."""

    mode: HowSaid
    text: str = ""


class Prefill(Struct, frozen=True):
    """What a ticket begins with, from wherever it is opened: a row, an alert, the ladder."""

    instrument: str = ""
    side: Side = Side.BUY
    entry: OrderType = OrderType.MARKET
    price: Decimal | None = None
    """Of a limit or stop entry."""
    stop: Decimal | None = None
    targets: tuple[Decimal, ...] = ()
    qty: Decimal | None = None
    """As people count them."""
    book: str = ""


class Ticket(Struct, frozen=True):
    instrument: str
    side: Side = Side.BUY
    entry: OrderType = OrderType.MARKET
    price: str = ""
    quantity: FieldValue = FieldValue(HowSaid.SIZER)
    stop: FieldValue = FieldValue(HowSaid.ATR, "1.5")
    target: FieldValue = FieldValue(HowSaid.R, "2")
    second: FieldValue = FieldValue(HowSaid.NONE)
    minutes: str = ""
    books: tuple[str, ...] = ()
    """Those that there are, the picked one first."""
    chosen: int = 0
    """Which of them; after the last: all."""
    override: str = ""
    at: TicketField = TicketField.SIDE
    anew: bool = True
    """A number that is typed now takes the place of what stands in the field."""

    @property
    def fields(self) -> tuple[TicketField, ...]:
        """Those that mean something now, from the top down."""
        off = set()
        if self.entry is OrderType.MARKET:
            off.add(TicketField.MINUTES)
        if len(self.books) < 2:
            off.add(TicketField.BOOK)
        if self.target.mode is HowSaid.NONE:
            off.add(TicketField.SECOND)
        return tuple(field for field in TicketField if field not in off)

    @property
    def where(self) -> tuple[str, ...]:
        """The books that it goes into."""
        return self.books if self.chosen >= len(self.books) else self.books[self.chosen : self.chosen + 1]


def opened(
    prefill: Prefill,
    instrument: str,
    books: Sequence[str],
    picked: str,
    decimals: int,
    *,
    ranged: bool = True,
) -> Ticket:
    """A ticket as it is opened. With prices given they stand in it, else a stop by the market's own range,
    where that is known (`ranged`).
    """
    wanted = prefill.book or picked
    known = (wanted, *(name for name in books if name != wanted)) if wanted in books else tuple(books)
    ticket = Ticket(prefill.instrument or instrument, prefill.side, prefill.entry, books=known)
    if not ranged:
        ticket = replace(ticket, stop=FieldValue(HowSaid.TICKS, _USUAL[TicketField.STOP, HowSaid.TICKS]))

    def text(price: Decimal | None) -> str:
        return "" if price is None else f"{price:.{decimals}f}"

    if prefill.price is not None:
        ticket = replace(ticket, price=text(prefill.price))
    if prefill.stop is not None:
        ticket = replace(ticket, stop=FieldValue(HowSaid.PRICE, text(prefill.stop)))
    for name, price in zip(("target", "second"), prefill.targets, strict=False):
        ticket = replace(ticket, **{name: FieldValue(HowSaid.PRICE, text(price))})
    if prefill.qty is not None:
        ticket = replace(ticket, quantity=FieldValue(HowSaid.TYPED, f"{prefill.qty.normalize():f}"))
    return ticket


# --- what keys do ----------------------------------------------------------------------------------------


def moved(ticket: Ticket, by: int) -> Ticket:
    """To the next field, round and round."""
    fields = ticket.fields
    at = fields.index(ticket.at) if ticket.at in fields else 0
    return replace(ticket, at=fields[(at + by) % len(fields)], anew=True)


def turned(ticket: Ticket, by: int) -> Ticket:
    """Another choice in the field."""
    match ticket.at:
        case TicketField.SIDE:
            return sided(ticket, ticket.side.opposite)
        case TicketField.ENTRY:
            return replace(ticket, entry=ENTRIES[(ENTRIES.index(ticket.entry) + by) % len(ENTRIES)])
        case TicketField.BOOK:
            return replace(ticket, chosen=(ticket.chosen + by) % (len(ticket.books) + 1))
        case field if field in MODES:
            value, modes = value_of(ticket, field), MODES[field]
            mode = modes[(modes.index(value.mode) + by) % len(modes)]
            ticket = replace(ticket, anew=True)
            return _with(ticket, field, FieldValue(mode, _USUAL.get((field, mode), "")))
        case _:
            return ticket


_FRESH = {HowSaid.SIZER: HowSaid.TYPED, HowSaid.NONE: HowSaid.R, HowSaid.ZONE: HowSaid.TICKS}
"""What a digit means in a field that holds no number."""

_USUAL = {
    (TicketField.STOP, HowSaid.ATR): "1.5",
    (TicketField.STOP, HowSaid.TICKS): "40",
    (TicketField.TARGET, HowSaid.R): "2",
    (TicketField.SECOND, HowSaid.R): "3",
}


def sided(ticket: Ticket, side: Side) -> Ticket:
    """Buy or sell; prices that were typed for the other side are not meant any more."""
    if side is ticket.side:
        return ticket
    ticket = replace(ticket, side=side)
    for field in (TicketField.STOP, TicketField.TARGET, TicketField.SECOND):
        if value_of(ticket, field).mode is HowSaid.PRICE:
            ticket = _with(ticket, field, FieldValue(HowSaid.PRICE))
    return ticket


def typed(ticket: Ticket, character: str) -> Ticket:
    """A character typed into the field; digits into one that has another way of saying it change that."""
    field, number = ticket.at, character.isdigit() or character == "."
    if field is TicketField.OVERRIDE:
        kept = character if character.isalpha() or character in "- ," else ""
        return replace(ticket, override=(ticket.override + kept.lower())[-4 * MOST_TYPED :])
    if not number:
        return ticket
    if ticket.anew:
        ticket = replace(erased(ticket, whole=True), anew=False)
    if field is TicketField.ENTRY:
        if ticket.entry is OrderType.MARKET:
            ticket = replace(ticket, entry=OrderType.LIMIT, price="")
        return replace(ticket, price=(ticket.price + character)[:MOST_TYPED])
    if field is TicketField.MINUTES:
        return replace(ticket, minutes=(ticket.minutes + character)[:4]) if character != "." else ticket
    if field in MODES:
        value = value_of(ticket, field)
        fresh = {HowSaid.SIZER: HowSaid.TYPED, HowSaid.NONE: HowSaid.R, HowSaid.ZONE: HowSaid.TICKS}.get(
            value.mode
        )
        value = FieldValue(fresh) if fresh is not None else value
        return _with(ticket, field, replace(value, text=(value.text + character)[:MOST_TYPED]))
    return ticket


def erased(ticket: Ticket, *, whole: bool = False) -> Ticket:
    """The last character of the field, or all of it."""

    def cut(text: str) -> str:
        return "" if whole else text[:-1]

    ticket = replace(ticket, anew=False)
    match ticket.at:
        case TicketField.ENTRY:
            return replace(ticket, price=cut(ticket.price))
        case TicketField.MINUTES:
            return replace(ticket, minutes=cut(ticket.minutes))
        case TicketField.OVERRIDE:
            return replace(ticket, override=cut(ticket.override))
        case field if field in MODES:
            value = value_of(ticket, field)
            return _with(ticket, field, replace(value, text=cut(value.text)))
        case _:
            return ticket


def value_of(ticket: Ticket, field: TicketField) -> FieldValue:
    """What stands in a field that can be said in several ways. Raises KeyError for others."""
    return {
        TicketField.QUANTITY: ticket.quantity,
        TicketField.STOP: ticket.stop,
        TicketField.TARGET: ticket.target,
        TicketField.SECOND: ticket.second,
    }[field]


def _with(ticket: Ticket, field: TicketField, value: FieldValue) -> Ticket:
    name = {
        TicketField.QUANTITY: "quantity",
        TicketField.STOP: "stop",
        TicketField.TARGET: "target",
        TicketField.SECOND: "second",
    }
    return replace(ticket, **{name[field]: value})


# --- what it comes to ------------------------------------------------------------------------------------


class UnfinishedError(Exception):
    """What is missing or can't be read, in words."""


def order(
    ticket: Ticket, contract: ContractView, chart: ChartView | None, command_id: str, *, dry_run: bool
) -> PlaceManual:
    """The order that the ticket comes to. Raises UnfinishedError."""
    market = ticket.entry is OrderType.MARKET
    price = None if market else _number(ticket.price, f"where the {ticket.entry.value} entry rests")
    near = price if price is not None else _touch(contract, ticket.side)
    stop, ticks = _stop(ticket, contract, chart, near)
    away = ticks if ticks is not None else _ticks(abs(near - (stop or near)), contract)
    aims = [value for value in (ticket.target, ticket.second) if value.mode is not HowSaid.NONE]
    if len(aims) == 2 and ticket.target.mode is not ticket.second.mode:
        raise UnfinishedError("say both targets the same way: by R, or as prices")
    names = ("the first target", "the second target")
    targets: tuple[Decimal, ...] = ()
    target_ticks: tuple[int, ...] = ()
    numbers = [_number(value.text, name) for value, name in zip(aims, names, strict=False)]
    if aims and aims[0].mode is HowSaid.PRICE:
        targets = tuple(numbers)
    elif stop is None:
        target_ticks = tuple(max(1, round(number * away)) for number in numbers)
    else:
        sign = ticket.side.sign
        targets = tuple(near + sign * max(1, round(n * away)) * contract.tick_size for n in numbers)
    qty, risk = _many(ticket.quantity, contract)
    where = ticket.where
    return PlaceManual(
        id=command_id,
        instrument=contract.instrument,
        side=ticket.side,
        book=where[0] if len(where) == 1 else None,
        books=where if len(where) > 1 else (),
        qty=qty,
        risk_usd=risk,
        sized=ticket.quantity.mode is HowSaid.SIZER,
        entry=ticket.entry,
        price=price,
        stop=stop,
        stop_ticks=ticks,
        targets=targets,
        target_ticks=target_ticks,
        minutes=int(ticket.minutes) if ticket.minutes and not market else None,
        override=overrides(ticket.override),
        dry_run=dry_run,
    )


def overrides(text: str) -> tuple[str, ...]:
    """The words of the field that override something; others are not yet typed to their end."""
    return tuple(dict.fromkeys(word for word in text.replace(",", " ").split() if word in OVERRIDES))


def _many(value: FieldValue, contract: ContractView) -> tuple[int | None, Decimal | None]:
    if value.mode is HowSaid.SIZER:
        return None, None
    number = _number(value.text, "how much")
    if value.mode is HowSaid.RISK:
        return None, number
    lots, rest = divmod(number, contract.lot_size)
    if rest:
        raise UnfinishedError(
            f"{contract.instrument} is traded in steps of {contract.lot_size.normalize():f}"
        )
    return int(lots), None


def _stop(
    ticket: Ticket, contract: ContractView, chart: ChartView | None, near: Decimal
) -> tuple[Decimal | None, int | None]:
    """The stop as a price, or as ticks from the entry."""
    match ticket.stop.mode:
        case HowSaid.TICKS:
            number = _number(ticket.stop.text, "the ticks to the stop")
            return None, max(1, int(number))
        case HowSaid.ATR:
            ticks = atr_ticks(chart)
            if ticks is None:
                raise UnfinishedError("the market's range is not known yet: give the stop in ticks")
            return None, max(1, round(_number(ticket.stop.text, "how many ATR") * ticks))
        case HowSaid.ZONE:
            found = zone_stop(chart, ticket.side, _ticks(near, contract))
            if found is None:
                raise UnfinishedError("no zone lies behind the entry: give the stop in ticks")
            return found * contract.tick_size, None
        case _:
            return _number(ticket.stop.text, "the stop's price"), None


def _number(text: str, what: str) -> Decimal:
    try:
        found = Decimal(text)
    except InvalidOperation:
        raise UnfinishedError(f"say {what}") from None
    if found <= 0:
        raise UnfinishedError(f"say {what}, above 0")
    return found


def _touch(contract: ContractView, side: Side) -> Decimal:
    """About where a market order fills."""
    found = contract.ask if side is Side.BUY else contract.bid
    found = found if found is not None else contract.last
    if found is None:
        raise UnfinishedError(f"{contract.instrument}: no price is known yet")
    return found


def _ticks(price: Decimal, contract: ContractView) -> int:
    return int(price / contract.tick_size)
