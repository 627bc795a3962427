"""The order ticket as rows: its fields, and below them what the engine says it comes to."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from engine.model.orders import OrderType
from engine.model.refusals import OVERRIDES
from engine.model.verdicts import LimitRoom, OrderVerdict, RoomUnit
from engine.model.view import ContractView
from tui import number_format as figures
from tui.plain_text import plain
from tui.previews import Preview
from tui.styled_text import EMPTY, Row, Span, cell, fit, wrap
from tui.ticket import HowSaid, Ticket, TicketField, value_of

_WORDS = {
    TicketField.SIDE: "b buy · s sell",
    TicketField.ENTRY: "m market · l limit · p stop · type its price",
    TicketField.QUANTITY: "←→ by the book, typed, USD at risk · type a number",
    TicketField.STOP: "←→ ticks, ATR, price, zone · type a number",
    TicketField.TARGET: "←→ R, price, none · type a number",
    TicketField.SECOND: "←→ R, price, none · half goes to each",
    TicketField.MINUTES: "minutes; empty for the day",
    TicketField.BOOK: "←→ which book, or all of them",
    TicketField.OVERRIDE: f"typed whole: {', '.join(OVERRIDES)}",
}
_SAID = {HowSaid.SIZER: "by the book's sizing", HowSaid.ZONE: "behind the zone"}
_UNITS = {HowSaid.TICKS: "ticks", HowSaid.ATR: "× ATR", HowSaid.R: "R", HowSaid.RISK: "USD at risk"}


def field_rows(ticket: Ticket, contract: ContractView | None, width: int) -> list[Row]:
    """Each field with what stands in it; the one that is filled in says how."""
    return [_field(ticket, field, contract, width) for field in ticket.fields]


def _field(ticket: Ticket, field: TicketField, contract: ContractView | None, width: int) -> Row:
    here = field is ticket.at
    mark: Span = ("▸ " if here else "  ", "accent bold")
    name: Span = (f"{field.value:<10}", "text bold" if here else "dim")
    spans = (mark, name, *_value(ticket, field, contract))
    cursor: Row = (("▏", "accent bold"),) if here and _types(ticket, field) else EMPTY
    hint: Row = ((f"   {_WORDS[field]}", "dim"),) if here and width >= 72 else EMPTY
    return fit((*spans, *cursor, *hint), width)


def _types(ticket: Ticket, field: TicketField) -> bool:
    return field not in (TicketField.SIDE, TicketField.BOOK) and (
        field is not TicketField.ENTRY or ticket.entry is not OrderType.MARKET
    )


def _value(ticket: Ticket, field: TicketField, contract: ContractView | None) -> Row:
    match field:
        case TicketField.SIDE:
            name = plain(contract.name if contract is not None else ticket.instrument)
            side = ticket.side.value
            return ((side.upper(), f"{figures.side(ticket.side.sign)} bold"), (f" {name}", "text bold"))
        case TicketField.ENTRY:
            at = "" if ticket.entry is OrderType.MARKET else f" at {ticket.price}"
            return cell(f"{ticket.entry.value}{at}")
        case TicketField.MINUTES:
            return cell(f"{ticket.minutes} min" if ticket.minutes else "the day")
        case TicketField.BOOK:
            where = ticket.where
            return cell(plain(where[0]) if len(where) == 1 else f"all {len(where)} books")
        case TicketField.OVERRIDE:
            return cell(ticket.override, "warn bold")
        case _:
            value = value_of(ticket, field)
            if value.mode is HowSaid.TYPED:
                return cell(value.text)
            if value.mode in _UNITS:
                return cell(f"{value.text} {_UNITS[value.mode]}")
            if value.mode is HowSaid.PRICE:
                return cell(f"at {value.text}")
            return cell(
                {HowSaid.SIZER: "by the book's sizing", HowSaid.ZONE: "behind the zone"}.get(
                    value.mode, "none"
                )
            )


def preview_rows(preview: Preview, contract: ContractView | None, width: int, height: int) -> list[Row]:
    """What the engine says, in at most so many rows: numbers first, then what stands against it."""
    found = preview.verdicts
    if not found:
        style = "dim" if preview.fresh else "faint"
        return [cell(line, style) for line in wrap(plain(preview.text) or "asking …", width)][:height]
    if len(found) == 1:
        return _one(found[0], contract, width, fresh=preview.fresh)[:height]
    return [_line(verdict, contract, width) for verdict in found][:height]


def _one(verdict: OrderVerdict, contract: ContractView | None, width: int, *, fresh: bool) -> list[Row]:
    digits = 2 if contract is None else contract.decimals
    ratio = "no target" if verdict.reward_to_risk is None else f"{verdict.reward_to_risk:.2f}"
    number, money = "text bold" if fresh else "text", plain(verdict.currency)
    rows = [
        (
            ("at risk   ", "dim"),
            (f"{figures.usd(verdict.risk)} {money}", number),
            ("   reward to risk ", "dim"),
            (ratio, number),
            ("   fees ", "dim"),
            (f"{figures.usd(verdict.costs)} {money}", number),
        ),
        (
            ("size      ", "dim"),
            (_qty(verdict.qty, contract), number),
            ("   position ", "dim"),
            (f"{_held(verdict.held, contract)} → {_held(verdict.held_after, contract)}", number),
        ),
        _prices(verdict, digits),
        *_rooms(verdict.left, contract, money, width),
    ]
    fitted = [fit(row, width) for row in rows]
    if not verdict.against:
        return [
            *fitted,
            cell("would be taken", "ok bold") if verdict.done else cell(plain(verdict.text), "warn"),
        ]
    for one in verdict.against:
        override = f" (type {one.override} in override)" if one.override else " (nothing overrides it)"
        lines = wrap(f"✕ {plain(one.words)}{override}", width)
        fitted += [cell(line, "error bold") for line in lines]
    return fitted


def _prices(verdict: OrderVerdict, digits: int) -> Row:
    aims = ", ".join(figures.price(price, digits) for price in verdict.targets)
    return (
        ("entry     ", "dim"),
        (figures.price(verdict.entry, digits), "entry"),
        ("   stop ", "dim"),
        (figures.price(verdict.stop, digits), "stop bold"),
        ("   target ", "dim"),
        (aims or figures.NONE, "target"),
    )


def _rooms(left: Sequence[LimitRoom], contract: ContractView | None, money: str, width: int) -> list[Row]:
    """What is left of each limit, now and after it: as many in a row as fit."""
    rows: list[Row] = []
    line: list[Span] = [("left      ", "dim")]
    used = 10
    for room in left:
        now, after = (_room(amount, room.unit, contract) for amount in (room.left, room.after))
        after += f" {money}" if room.unit is RoomUnit.MONEY else ""
        size = len(room.name) + len(now) + len(after) + 7
        if used + size > width and used > 10:
            rows.append(tuple(line))
            line, used = [("          ", "dim")], 10
        line += [(f"{room.name} ", "dim"), (f"{now} → ", "text")]
        line.append((f"{after}   ", "error bold" if room.after < 0 else "text bold"))
        used += size
    rows.append(tuple(line))
    return rows


def _room(amount: Decimal, unit: RoomUnit, contract: ContractView | None) -> str:
    if unit is RoomUnit.MONEY:
        return figures.usd(amount)
    return _held(int(amount), contract).lstrip("+") if unit is RoomUnit.LOTS else f"{amount:f}"


def _line(verdict: OrderVerdict, contract: ContractView | None, width: int) -> Row:
    """One of several books."""
    why = "; ".join(plain(one.words) for one in verdict.against)
    end: Span = (f"✕ {why}", "error bold") if why else ("would be taken", "ok bold")
    name = figures.shortened(plain(verdict.book), 14)
    risk = f"{figures.usd(verdict.risk)} {plain(verdict.currency)} at risk"
    moves = f"{_held(verdict.held, contract)} → {_held(verdict.held_after, contract)}"
    return fit(((f"{name:<15}", "text bold"), (f"{moves}  {risk}  ", "text"), end), width)


def _qty(lots: int, contract: ContractView | None) -> str:
    return figures.quantity(lots) if contract is None else figures.quantity(lots, contract.lot_size)


def _held(lots: int, contract: ContractView | None) -> str:
    return figures.held(lots) if contract is None else figures.held(lots, contract.lot_size)
