"""tstream status: the running engine's View, for people and for scripts."""

from __future__ import annotations

import sys
from decimal import Decimal

import msgspec
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from adapters.control.client import fetch_view
from engine.model.market import NANOS
from engine.model.view import BookView, ContractView, View
from tstream import paths
from tstream.redaction import printable


def status(as_json: bool) -> int:
    """Print what the running engine sees; gives the exit code. Raises PortError."""
    view = fetch_view(paths.find().control_socket, charts=as_json)
    if as_json:
        sys.stdout.write(msgspec.json.encode(view).decode() + "\n")
        return 0
    console = Console(highlight=False)
    for part in picture(view):
        console.print(part)
    return 0


def picture(view: View) -> list[RenderableType]:
    """The View as tables, empty ones left out."""
    parts: list[RenderableType] = [_headline(view)]
    parts += [_book(book) for book in view.books]
    parts.append(_contracts(view.contracts))
    if view.positions:
        parts.append(_positions(view))
    if view.orders:
        parts.append(_orders(view))
    if not view.health.ok:
        parts.append(Text(printable(f"not healthy: {view.health.detail}"), style="bold red"))
    return parts


def _headline(view: View) -> Text:
    clock = "practice time" if view.practice_time else "Chicago"
    links = ", ".join(f"{link.name} {link.state}" for link in view.links)
    session = view.session
    return Text.assemble(
        (f" {view.mode.upper()} ", "reverse bold"),
        f" {printable(view.venue)}  {session.phase} {session.exchange_clock} {clock}  "
        f"trade date {session.trade_date}  flat by {session.flat_by}  {links}",
    )


def _book(book: BookView) -> Text:
    state = f"{book.state} ({printable(book.state_reason)})" if book.state_reason else f"{book.state}"
    text = Text(f"{printable(book.book)} · {printable(book.account)}  {state}  day ")
    text.append(f"{_signed(book.day_usd)} USD", _color(book.day_usd))
    text.append(
        f" of -{book.daily_loss_limit_usd:.0f}  realized {_signed(book.realized_usd)}  "
        f"open {_signed(book.open_usd)}  costs {book.costs_usd:.2f}  "
        f"trades {book.trades} of {book.max_trades}, won {book.wins}"
    )
    if book.flattening:
        text.append(f"  flattening: {printable(book.flatten_text)}", "bold yellow")
    return text


def _contracts(contracts: tuple[ContractView, ...]) -> Table:
    table = _table("contract", "bid", "ask", "last", "change", "age", "position", "state", left=(0, 7))
    for contract in contracts:
        age = "-" if contract.age_ns is None else f"{contract.age_ns / NANOS:.1f}s"
        prices = (_price(p, contract.decimals) for p in (contract.bid, contract.ask, contract.last))
        change = "-" if contract.change is None else f"{contract.change:+.{contract.decimals}f}"
        table.add_row(
            printable(contract.name),
            *prices,
            Text(change, _color(contract.change)),
            Text(f"{age} stale" if contract.stale else age, "yellow" if contract.stale else ""),
            f"{contract.position_qty:+d}" if contract.position_qty else "flat",
            "flattening" if contract.flattening else f"{contract.state}",
        )
    return table


def _positions(view: View) -> Table:
    table = _table("position", "contract", "qty", "entry", "mark", "open USD", "stop", "targets", left=(0, 1))
    for position in view.positions:
        table.add_row(
            printable(position.book),
            position.instrument,
            f"{position.qty:+d}",
            f"{position.entry}",
            "-" if position.mark is None else f"{position.mark}",
            Text(_signed(position.open_usd), _color(position.open_usd)),
            "none" if position.stop is None else f"{position.stop}",
            " ".join(str(target) for target in position.targets) or "none",
        )
    return table


def _orders(view: View) -> Table:
    table = _table(
        "order", "contract", "side", "qty", "type", "price", "for", "status", left=(0, 1, 2, 4, 6, 7)
    )
    for order in view.orders:
        table.add_row(
            printable(order.book),
            order.instrument,
            f"{order.side}",
            f"{order.filled_qty}/{order.qty}" if order.filled_qty else f"{order.qty}",
            f"{order.type}",
            "-" if order.price is None else f"{order.price}",
            f"{order.slot}",
            f"{order.status} (waits)" if order.suspended else f"{order.status}",
        )
    return table


def _table(*names: str, left: tuple[int, ...]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for i, name in enumerate(names):
        table.add_column(name, justify="left" if i in left else "right")
    return table


def _price(price: Decimal | None, decimals: int) -> str:
    return "-" if price is None else f"{price:.{decimals}f}"


def _signed(usd: Decimal) -> str:
    return f"{usd:+.2f}"


def _color(amount: Decimal | None) -> str:
    return "" if not amount else "green" if amount > 0 else "red"
