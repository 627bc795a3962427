"""What the keys that trade do: in words before, as Commands after the second step."""

from __future__ import annotations

from msgspec import Struct

from engine.model.commands import (
    AnyCommand,
    BreakEven,
    CancelEntries,
    ChangeManual,
    Flatten,
    Halt,
    Pause,
    ReduceManual,
    Resume,
)
from engine.model.market import Side
from engine.model.orders import AccountKind, Slot
from engine.model.restrictions import TradingState
from engine.model.view import BookView, OrderView, PositionView, View
from tui import number_format as figures
from tui.books import at_risk, meant_books, of_book, totals
from tui.plain_text import plain
from tui.view_facts import contract_of, held_word, kind_of, lot_of, standing


class Confirmation(Struct, frozen=True):
    """What a dialog asks: the title says what, the lines say what exactly will happen."""

    title: str
    lines: tuple[str, ...]
    yes: str
    serious: bool = False
    """Real money is at stake."""


def stakes(view: View) -> str:
    """What is at stake, in the word of the badge: in front of every question."""
    return "REPLAY" if view.replay else view.mode.value.upper()


class TradingKey(Struct, frozen=True):
    """What a key that trades does as things are: the command, its name on the screen, what is asked first."""

    command: AnyCommand
    label: str
    confirmation: Confirmation


_HALT_LINES = (
    "exits and stops stay; limits go on being watched",
    "a resume does not lift it, and a restart does not: only the halt key or tstream resume --halted does",
)


_MOST = 5
"""Books that a question says by themselves what they hold of; more are told together, by kind of money."""


def _words(view: View, book: str | None) -> set[str]:
    """What can happen now in the books that are meant."""
    meant = [of_book(view, one.book) for one in meant_books(view, book)] or [view]
    return {held_word(standing(one)).value for one in meant}


def resumes_all(view: View, book: str | None = None) -> bool:
    """Whether the key that pauses everything, or a book, would lift a pause rather than set one: it lifts
    only where every book that a pause could hold is paused."""
    return _words(view, book) - {"LOCKED", "OFF"} == {"PAUSED"}


def _orders(count: int) -> str:
    return "1 order" if count == 1 else f"{count} orders"


def _closing(view: View, position: PositionView) -> str:
    side = Side.SELL if position.qty > 0 else Side.BUY
    return f"{side.value} {quantity(view, position.instrument, position.qty)} at market"


def _where(view: View, book: str) -> str:
    """The book's name where there are several."""
    return f" ({plain(book)})" if len(view.books) > 1 else ""


def _in(view: View, book: str | None) -> str:
    """Which books a title means, where there are several."""
    if len(view.books) < 2:
        return ""
    return f" in all {len(view.books)} books" if book is None else f" in {plain(book)}"


def _label(name: str, book: str | None) -> str:
    return name if book is None else f"{name} ({plain(book)})"


class _Held(Struct, frozen=True):
    """What books of one kind and currency hold that a flatten would end."""

    books: tuple[BookView, ...]
    positions: tuple[PositionView, ...]
    orders: int

    def __bool__(self) -> bool:
        return bool(self.positions or self.orders)


def _held_lines(view: View, instrument: str | None, book: str | None) -> list[str]:
    """Of several books: what each holds at this moment, and how much of it is at risk."""
    found = []
    for one in meant_books(view, book):
        mine = [p for p in view.positions if p.book == one.book and instrument in (None, p.instrument)]
        orders = sum(o.book == one.book and instrument in (None, o.instrument) for o in view.orders)
        found.append(_Held((one,), tuple(mine), orders))
    busy = [held for held in found if held]
    if len(busy) > _MOST:
        busy = [
            _Held(total.books, tuple(p for h in own for p in h.positions), sum(h.orders for h in own))
            for total in totals(h.books[0] for h in busy)
            if (own := [h for h in busy if h.books[0] in total.books])
        ]
    lines = [_held_line(view, held) for held in busy]
    idle = ", ".join(plain(held.books[0].book) for held in found if not held)
    if idle:
        lines.append(f"{idle}: no position and no order is known; the venue is asked all the same")
    return lines


def _held_line(view: View, held: _Held) -> str:
    closing: dict[tuple[str, Side], int] = {}
    for position in held.positions:
        key = position.instrument, Side.SELL if position.qty > 0 else Side.BUY
        closing[key] = closing.get(key, 0) + abs(position.qty)
    steps = [
        f"{side.value} {quantity(view, symbol, lots)} {plain(symbol)}"
        for (symbol, side), lots in closing.items()
    ]
    parts = [f"{', '.join(steps)} at market"] if steps else []
    if held.orders:
        parts.append(f"cancel {_orders(held.orders)}")
    sums, bare = at_risk(view, held.positions)
    risks = [f"{figures.usd(usd)} {plain(currency)} at risk" for currency, usd in sums.items()]
    if bare:
        risks.append(f"WITHOUT a full stop: {', '.join(plain(name) for name in dict.fromkeys(bare))}")
    names = ", ".join(plain(book.book) for book in held.books)
    return f"{held.books[0].kind.value.upper()} {names}: {' · '.join([', '.join(parts), *risks])}"


def quantity(view: View, instrument: str, lots: int) -> str:
    """So many lots of an instrument as people count them."""
    return figures.quantity(lots, lot_of(view, instrument))


def held_text(view: View, position: PositionView) -> str:
    return figures.held(position.qty, lot_of(view, position.instrument))


def _flatten_lines(view: View, instrument: str | None, book: str | None) -> tuple[str, ...]:
    def wanted(item: PositionView | OrderView) -> bool:
        return instrument is None or item.instrument == instrument

    if len(view.books) > 1:
        where = f"of {plain(book)}" if book is not None else "of every book"
        where = f"in {plain(instrument)} {where}" if instrument is not None else where
        return (*_held_lines(view, instrument, book), f"entries {where} stay paused")

    scopes = sorted(
        {p.instrument for p in view.positions if wanted(p)} | {o.instrument for o in view.orders if wanted(o)}
    )
    lines = []
    for symbol in scopes:
        steps = [_closing(view, p) for p in view.positions if p.instrument == symbol]
        count = sum(o.instrument == symbol for o in view.orders)
        if count:
            steps.append(f"cancel {_orders(count)}")
        lines.append(f"{plain(symbol)}: {', '.join(steps)}")
    if not lines:
        lines.append("no position and no order is known; the venue is asked all the same")
    lines.append("entries stay paused " + ("everywhere" if instrument is None else f"in {plain(instrument)}"))
    return tuple(lines)


def _entries_lines(view: View, instrument: str | None, book: str | None) -> tuple[str, ...]:
    entries = [
        o
        for o in view.orders
        if o.slot is Slot.ENTRY and instrument in (None, o.instrument) and book in (None, o.book)
    ]
    lines = [
        f"{plain(o.instrument)}{_where(view, o.book)}: "
        f"cancel {o.side.value} {quantity(view, o.instrument, o.qty)} "
        f"at {figures.price(o.price, _digits(view, o.instrument))}"
        for o in entries
    ]
    return (
        *(lines or ["no resting entry is known; the venue is asked all the same"]),
        "exits and stops stay",
    )


def _digits(view: View, instrument: str) -> int:
    contract = contract_of(view, instrument)
    return 2 if contract is None else contract.decimals


def holders(view: View, instrument: str, book: str | None) -> list[PositionView]:
    """What is held of a contract in the books that are meant."""
    return [p for p in view.positions if p.instrument == instrument and book in (None, p.book)]


def _half_line(view: View, position: PositionView) -> str:
    return _part_line(view, position, (abs(position.qty) + 1) // 2)


def _part_line(view: View, position: PositionView, lots: int) -> str:
    symbol, left = position.instrument, abs(position.qty) - lots
    side = Side.SELL if position.qty > 0 else Side.BUY
    goes, stays = quantity(view, symbol, lots), quantity(view, symbol, left)
    stay = f"{stays} stay with their stops" if left > 0 else "nothing of it stays"
    what = f"{plain(symbol)} {held_text(view, position)}{_where(view, position.book)}"
    return f"{what}: {side.value} {goes} at market; {stay}"


def _break_even_lines(view: View, instrument: str, book: str | None) -> tuple[str, ...]:
    digits = _digits(view, instrument)
    return tuple(
        f"{plain(p.instrument)}{_where(view, p.book)} {held_text(view, p)}: stop "
        f"{figures.price(p.stop, digits)} to the entry {figures.price(p.entry, digits)}, if the market allows"
        for p in holders(view, instrument, book)
    )


def _trade(
    view: View,
    book: str | None,
    command: AnyCommand,
    label: str,
    title: str,
    lines: tuple[str, ...],
    yes: str,
) -> TradingKey:
    real = (view.mode if book is None else kind_of(view, book)) is AccountKind.LIVE
    return TradingKey(
        command, _label(label, book), Confirmation(f"{title}{_in(view, book)}", lines, yes, real)
    )


# One function for each key that trades, of the newest View, the shown contract, the command's id and the
# picked book.


def flatten(view: View, instrument: str, command_id: str, book: str | None = None) -> TradingKey:
    command, name = Flatten(id=command_id, instrument=instrument, book=book), plain(instrument)
    lines = _flatten_lines(view, instrument, book)
    return _trade(view, book, command, f"flatten {name}", f"Flatten {name}", lines, "flatten")


def flatten_all(view: View, instrument: str, command_id: str, book: str | None = None) -> TradingKey:
    command, label = Flatten(id=command_id, book=book), "flatten everything"
    lines = _flatten_lines(view, None, book)
    return _trade(view, book, command, label, "Flatten everything", lines, label)


def cancel_entries(view: View, instrument: str, command_id: str, book: str | None = None) -> TradingKey:
    command, name = CancelEntries(id=command_id, instrument=instrument, book=book), plain(instrument)
    lines = _entries_lines(view, instrument, book)
    return _trade(view, book, command, f"cancel entries {name}", f"Cancel entries of {name}", lines, "cancel")


def cancel_all_entries(view: View, instrument: str, command_id: str, book: str | None = None) -> TradingKey:
    command, lines = CancelEntries(id=command_id, book=book), _entries_lines(view, None, book)
    return _trade(view, book, command, "cancel all entries", "Cancel all entries", lines, "cancel all")


def break_even(view: View, instrument: str, command_id: str, book: str | None = None) -> TradingKey:
    command, name = BreakEven(id=command_id, instrument=instrument, book=book), plain(instrument)
    lines = _break_even_lines(view, instrument, book)
    return _trade(view, book, command, f"break-even {name}", f"Stop to break-even in {name}", lines, "move")


def close_half(view: View, instrument: str, command_id: str, book: str | None = None) -> TradingKey:
    """Of the one position that is meant (`half_hindrance`), rounded up."""
    held = holders(view, instrument, book)
    whose, name = held[0].book if held else book, plain(instrument)
    command = ReduceManual(id=command_id, instrument=instrument, book=whose)
    lines = tuple(_half_line(view, position) for position in held)
    return _trade(view, whose, command, f"close half of {name}", f"Close half of {name}", lines, "close half")


def close_one(view: View, instrument: str, command_id: str, book: str | None = None) -> TradingKey:
    """One lot of the one position that is meant."""
    held = holders(view, instrument, book)
    whose, name = held[0].book if held else book, plain(instrument)
    command = ReduceManual(id=command_id, instrument=instrument, book=whose, qty=1)
    lines = tuple(_part_line(view, position, 1) for position in held)
    return _trade(view, whose, command, f"close one of {name}", f"Close one of {name}", lines, "close one")


def drop_target(view: View, instrument: str, command_id: str, book: str | None = None) -> TradingKey:
    """The farthest of the one position that is meant."""
    held = holders(view, instrument, book)
    whose, name = held[0].book if held else book, plain(instrument)
    price = next((p.targets[-1] for p in held if p.targets), None)
    targets = (
        o for o in view.orders if o.slot is Slot.TARGET and (o.book, o.instrument) == (whose, instrument)
    )
    plan = next((o.plan for o in targets if o.price == price), "")
    command = ChangeManual(
        id=command_id, order=plan, book=whose, drop_targets=() if price is None else (price,)
    )
    at = figures.price(price, _digits(view, instrument))
    lines = (f"{name}: no target at {at} any more; what it was for stays until its stop",)
    return _trade(view, whose, command, f"drop target {name}", f"Drop a target of {name}", lines, "drop")


def halt(view: View, instrument: str, command_id: str, book: str | None = None) -> TradingKey:
    """Or lift the halt that there is, once every book that is meant is halted."""
    if _words(view, book) == {"HALTED"}:
        command = Resume(id=command_id, halted=True, book=book)
        lines: tuple[str, ...] = (f"new entries are allowed again {_again(view, book)}",)
        return _trade(view, book, command, "lift the halt", "Lift the halt", lines, "lift")
    lines = (f"no new entries {_everywhere(view, book)}, resting entries are cancelled", *_HALT_LINES)
    title = "Halt everything" if book is None else "Halt"
    return _trade(view, book, Halt(id=command_id, book=book), "halt", title, lines, "halt")


def pause(view: View, instrument: str, command_id: str, book: str | None = None) -> TradingKey:
    """Or lift the pause of everything."""
    return _pause(view, None, resumes_all(view, book), command_id, book)


def pause_contract(view: View, instrument: str, command_id: str, book: str | None = None) -> TradingKey:
    """Or lift the pause of the contract."""
    contract = contract_of(view, instrument)
    resumes = contract is not None and contract.state is not TradingState.ACTIVE
    if len(view.books) > 1:
        held = {r.book for r in view.restrictions if r.instrument == instrument and r.word == "PAUSED"}
        resumes = all(held & {"", one.book} for one in meant_books(view, book))
    return _pause(view, instrument, resumes, command_id, book)


def _again(view: View, book: str | None) -> str:
    return "everywhere" if len(view.books) < 2 else _in(view, book).strip()


def _everywhere(view: View, book: str | None) -> str:
    """In which books, in a sentence."""
    if book is not None:
        return f"in {plain(book)}"
    return "anywhere" if len(view.books) < 2 else f"in any of the {len(view.books)} books"


def _pause(
    view: View, instrument: str | None, resumes: bool, command_id: str, book: str | None
) -> TradingKey:
    name = "" if instrument is None else f" {plain(instrument)}"
    where = f"in{name}" if name else "everywhere"
    if len(view.books) > 1:
        where = f"{f'in{name} ' if name else ''}{_in(view, book).strip()}"
    if resumes:
        resume = Resume(id=command_id, instrument=instrument, book=book)
        lines: tuple[str, ...] = (f"new entries are allowed again {where}",)
        return _trade(view, book, resume, f"resume{name}", "Resume", lines, "resume")
    lines = (f"no new entries {where}", "resting entries are cancelled", "exits and stops stay")
    command = Pause(id=command_id, instrument=instrument, book=book)
    return _trade(view, book, command, f"pause{name}", "Pause", lines, "pause")
