"""tstream order place, modify, add, close, reverse, cancel and list: orders by hand, to a running engine."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from decimal import Decimal

import msgspec
import typer

from adapters.common.redaction import printable
from adapters.control.client import fetch_view, send_command
from engine.model.commands import (
    AddManual,
    CancelManual,
    ChangeManual,
    ManualCommand,
    PlaceManual,
    ReduceManual,
    ReverseManual,
)
from engine.model.errors import UnknownOutcomeError
from engine.model.market import Side
from engine.model.orders import AccountKind, OrderType
from engine.model.plans import MANUAL
from engine.model.quantities import quantity
from engine.model.view import OrderView, View
from tstream import paths
from tstream.commands.orders import SOURCE, new_id, require_known, say
from tstream.errors import CommandError, UsageError


def place(
    side: str,
    contract: str,
    *,
    qty: Decimal | None,
    risk: Decimal | None,
    sized: bool,
    limit: Decimal | None,
    stop_entry: Decimal | None,
    stop: Decimal | None,
    stop_ticks: int | None,
    targets: Sequence[Decimal],
    target_ticks: Sequence[int],
    minutes: int | None,
    override: Sequence[str],
    books: Sequence[str],
    all_books: bool,
    name: str | None,
    dry_run: bool,
    sure: bool,
    as_json: bool,
) -> int:
    """Place an order; the exit code: 0 where the engine has taken it. Raises PortError, CommandError."""
    if limit is not None and stop_entry is not None:
        raise UsageError("--limit and --stop-entry are two ways in: give one, or neither for the market")
    entry = OrderType.MARKET
    if limit is not None or stop_entry is not None:
        entry = OrderType.LIMIT if limit is not None else OrderType.STOP
    view = _known(contract, None)
    book, several = _meant(view, books, all_books)
    command = PlaceManual(
        id=name or new_id(),
        source=SOURCE,
        instrument=contract,
        side=Side(side),
        book=book,
        books=several,
        qty=_lots(view, contract, qty),
        risk_usd=risk,
        sized=sized,
        entry=entry,
        price=limit if limit is not None else stop_entry,
        stop=stop,
        stop_ticks=stop_ticks,
        targets=tuple(targets),
        target_ticks=tuple(target_ticks),
        minutes=minutes,
        override=tuple(override),
        dry_run=dry_run,
    )
    what = f"{side} {contract}"
    return _send(view, command, several or book, what, sure=sure or dry_run, as_json=as_json)


def modify(
    order: str,
    *,
    price: Decimal | None,
    stop: Decimal | None,
    targets: Sequence[Decimal],
    add_target: Decimal | None,
    drop_targets: Sequence[Decimal],
    trail_ticks: int | None,
    override: Sequence[str],
    book: str | None,
    name: str | None,
    dry_run: bool,
    sure: bool,
    as_json: bool,
) -> int:
    """Move entry, stop or targets; the exit code. Raises PortError, CommandError."""
    command = ChangeManual(
        id=name or new_id(),
        source=SOURCE,
        order=order,
        book=book,
        price=price,
        stop=stop,
        targets=tuple(targets),
        add_target=add_target,
        drop_targets=tuple(drop_targets),
        trail_ticks=trail_ticks,
        override=tuple(override),
        dry_run=dry_run,
    )
    view = _known(None, book)
    return _send(view, command, book, f"change {order}", sure=sure or dry_run, as_json=as_json)


def add(
    order: str,
    *,
    qty: Decimal | None,
    risk: Decimal | None,
    limit: Decimal | None,
    minutes: int | None,
    override: Sequence[str],
    book: str | None,
    name: str | None,
    dry_run: bool,
    sure: bool,
    as_json: bool,
) -> int:
    """Add to a trade that is held; the exit code. Raises PortError, CommandError."""
    view = _known(None, book)
    found = next((o.instrument for o in view.orders if order in (o.plan, o.client_id)), None)
    if qty is not None and found is None:
        raise UsageError(f"no trade with orders is called {order}", "tstream order list shows them")
    command = AddManual(
        id=name or new_id(),
        source=SOURCE,
        order=order,
        book=book,
        qty=None if found is None else _lots(view, found, qty),
        risk_usd=risk,
        price=limit,
        minutes=minutes,
        override=tuple(override),
        dry_run=dry_run,
    )
    return _send(view, command, book, f"add to {order}", sure=sure or dry_run, as_json=as_json)


def reverse(
    contract: str,
    *,
    qty: Decimal | None,
    risk: Decimal | None,
    stop: Decimal | None,
    stop_ticks: int | None,
    targets: Sequence[Decimal],
    target_ticks: Sequence[int],
    override: Sequence[str],
    book: str | None,
    name: str | None,
    dry_run: bool,
    sure: bool,
    as_json: bool,
) -> int:
    """Close what is held and enter the other side; the exit code. Raises PortError, CommandError."""
    view = _known(contract, book)
    command = ReverseManual(
        id=name or new_id(),
        source=SOURCE,
        instrument=contract,
        book=book,
        qty=_lots(view, contract, qty),
        risk_usd=risk,
        stop=stop,
        stop_ticks=stop_ticks,
        targets=tuple(targets),
        target_ticks=tuple(target_ticks),
        override=tuple(override),
        dry_run=dry_run,
    )
    return _send(view, command, book, f"reverse {contract}", sure=sure or dry_run, as_json=as_json)


def cancel(order: str, *, book: str | None, name: str | None, as_json: bool) -> int:
    """Take back what still rests as an entry; the exit code. Raises PortError, CommandError."""
    command = CancelManual(id=name or new_id(), source=SOURCE, order=order, book=book)
    return _send(_known(None, book), command, book, f"cancel {order}", sure=True, as_json=as_json)


def close(
    contract: str,
    *,
    qty: Decimal | None,
    books: Sequence[str],
    all_books: bool,
    name: str | None,
    dry_run: bool,
    sure: bool,
    as_json: bool,
) -> int:
    """Close a part of what is held; the exit code. Raises PortError, CommandError."""
    view = _known(contract, None)
    book, several = _meant(view, books, all_books)
    lots = _lots(view, contract, qty)
    command = ReduceManual(
        id=name or new_id(),
        source=SOURCE,
        instrument=contract,
        book=book,
        books=several,
        qty=lots,
        dry_run=dry_run,
    )
    what = f"close {'half' if qty is None else qty} of {contract}"
    return _send(view, command, several or book, what, sure=sure or dry_run, as_json=as_json)


def list_orders(book: str | None, *, as_json: bool) -> int:
    """Show the orders by hand that stand; the exit code. Raises PortError, CommandError."""
    view = fetch_view(paths.find().control_socket)
    require_known(view, None, book)
    found = [o for o in view.orders if o.strategy == MANUAL and book in (None, o.book)]
    if as_json:
        say(msgspec.json.encode(found).decode())
        return 0
    if not found:
        say("no order by hand stands")
    for order in found:
        say(_row(view, order))
    return 0


def _row(view: View, order: OrderView) -> str:
    price = "market" if order.price is None else f"{order.price}"
    filled, qty = (quantity(view, order.instrument, lots) for lots in (order.filled_qty, order.qty))
    filled = f", {filled} filled" if order.filled_qty else ""
    what = f"{order.slot.value:6} {order.side.value:4} {qty} {order.instrument} {order.type} {price}"
    return f"{order.plan}  {order.book}  {what}  {order.status.value}{filled}"


def _known(contract: str | None, book: str | None) -> View:
    """What the engine shows, which has these. Raises PortError, UsageError."""
    view = fetch_view(paths.find().control_socket)
    require_known(view, contract, book)
    return view


def _meant(view: View, books: Sequence[str], all_books: bool) -> tuple[str | None, tuple[str, ...]]:
    """The one book, or several. Raises UsageError."""
    if all_books and books:
        raise UsageError("--book and --all-books are two ways to say where: give one")
    for book in books:
        require_known(view, None, book)
    found = tuple(b.book for b in view.books) if all_books else tuple(dict.fromkeys(books))
    return (next(iter(found), None), ()) if len(found) < 2 else (None, found)


def _lots(view: View, contract: str, qty: Decimal | None) -> int | None:
    """A quantity as people count it (contracts, shares, coins) in lots. Raises UsageError."""
    if qty is None:
        return None
    lot = next(one.lot_size for one in view.contracts if one.instrument == contract)
    lots, rest = divmod(qty, lot)
    if qty <= 0 or rest:
        raise UsageError(f"--qty {qty}: {contract} is traded in steps of {lot.normalize():f}")
    return int(lots)


def _send(
    view: View,
    command: ManualCommand,
    book: str | tuple[str, ...] | None,
    what: str,
    *,
    sure: bool,
    as_json: bool,
) -> int:
    if not sure:
        _ask(view, book, what)
    try:
        answer = send_command(paths.find().control_socket, command)
    except UnknownOutcomeError as error:
        again = f"the same line with --id {command.id} asks again, and does nothing twice"
        raise CommandError(f"{error}", again) from None
    if as_json:
        told = {
            "id": command.id,
            "done": bool(answer.done),
            "text": answer.text,
            "verdicts": answer.verdicts,
        }
        say(msgspec.json.encode(told).decode())
    elif answer.done:
        for text in [one.text for one in answer.verdicts] if len(answer.verdicts) > 1 else [answer.text]:
            say(text)
    else:
        raise CommandError(answer.text)
    return 0 if answer.done else 1


def _ask(view: View, book: str | tuple[str, ...] | None, what: str) -> None:
    """On real money a person confirms what is placed. Raises CommandError."""
    meant = (book,) if isinstance(book, str) else book
    live = [b for b in view.books if b.kind is AccountKind.LIVE and (meant is None or b.book in meant)]
    if not live:
        return
    accounts = ", ".join(printable(b.account) for b in live)
    if not sys.stdin.isatty():
        raise UsageError(f"this would {what} on {accounts} (LIVE)", "without a terminal to ask on, say --yes")
    if not typer.confirm(f"LIVE {accounts}: {what}?", default=False):
        raise CommandError("nothing was done")
