"""tstream bot: JSON files of bots checked, and how bots of the running engine do."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from adapters.common.redaction import REDACT, printable
from adapters.control.client import fetch_view
from engine.model.market import NANOS
from engine.model.quantities import quantity
from engine.model.view import BookView, BotView, View
from tstream import paths
from tstream.botfiles.load import load_bots
from tstream.errors import Problem, SettingsError, UsageError

NO_BOT = "no bot of the running engine is called {name}; it has {names}"


def check(files: Sequence[Path], config: Path | None) -> int:
    """Print what is wrong, or what each bot would do; gives the exit code."""
    console = Console(highlight=False, soft_wrap=True, markup=False)
    try:
        loaded, tables = load_bots(paths.find(), config, files)
    except SettingsError as error:
        for problem in error.problems:
            console.print(problem_line(problem))
        count = len(error.problems)
        console.print(Text(f"{count} problem{'' if count == 1 else 's'}", "bold"))
        return 1
    for secret in loaded.settings.secret_values():
        REDACT.add(secret)
    for _, line in tables.lines():
        console.print(Text.assemble(("✓ ", "green"), printable(line)))
    return 0


def problem_line(problem: Problem) -> Text:
    """One problem with its path and what to do."""
    shown = problem.key if problem.value is None else f"{problem.key} = {problem.value}"
    where = ": ".join(part for part in (problem.origin, shown) if part)
    line = Text.assemble(("✗ ", "bold red"), printable(REDACT(f"{where}: {problem.message}")))
    line.append(f" → {printable(REDACT(problem.remedy))}")
    return line


class BotStatus(msgspec.Struct, frozen=True):
    """How one bot does, for scripts. Amounts are in `currency`."""

    name: str
    state: str
    strategy: str
    book: str
    currency: str
    balance: Decimal | None
    day: Decimal
    open: Decimal
    net: Decimal
    """Of all its closed trades."""
    trades: int
    wins: int
    open_trades: int
    entries_today: int
    positions: dict[str, str]
    """Signed quantities by contract."""
    price_age_s: dict[str, float | None]
    """How old the newest price of each of its contracts is."""
    held_back: tuple[str, ...]
    """Why nothing would be entered now."""
    limits: dict[str, str]
    """Used of allowed."""


def status(name: str | None, *, as_json: bool) -> int:
    """Print how the bots of the running engine do; gives the exit code. Raises PortError, UsageError."""
    view = fetch_view(paths.find().control_socket)
    bots = [bot for bot in view.bots if name is None or bot.name == name]
    if name is not None and not bots:
        names = ", ".join(bot.name for bot in view.bots) or "none"
        raise UsageError(NO_BOT.format(name=printable(name), names=printable(names)))
    rows = [of_bot(view, bot) for bot in bots]
    if as_json:
        sys.stdout.write(msgspec.json.encode(rows).decode() + "\n")
        return 0
    console = Console(highlight=False, markup=False)
    if not rows:
        console.print("the running engine has no bots; tstream bot run FILE begins one")
        return 0
    console.print(_table(rows))
    for row in rows:
        for why in row.held_back:
            console.print(Text(printable(f"{row.name}: {why}"), "yellow"))
    return 0


def of_bot(view: View, bot: BotView) -> BotStatus:
    """What the View says of one bot and of its book."""
    book = _book(view, bot)
    contracts = [one for one in view.contracts if not bot.instruments or one.instrument in bot.instruments]
    held = [one for one in view.positions if book is not None and one.book == book.book]
    back = [
        f"{one.word.lower()}: {one.why}" if one.why else one.word.lower()
        for one in view.restrictions
        if book is not None and one.book in ("", book.book)
        if not one.instrument or any(one.instrument == known.instrument for known in contracts)
    ]
    nothing = Decimal(0)
    return BotStatus(
        name=bot.name,
        state=bot.state,
        strategy=bot.strategy,
        book="" if book is None else book.book,
        currency="" if book is None else book.currency,
        balance=None if book is None else book.balance_usd,
        day=nothing if book is None else book.day_usd,
        open=nothing if book is None else book.open_usd,
        net=bot.net_usd,
        trades=bot.wins + bot.losses,
        wins=bot.wins,
        open_trades=bot.open_plans,
        entries_today=bot.entries,
        positions={one.instrument: quantity(view, one.instrument, one.qty, signed=True) for one in held},
        price_age_s={
            one.instrument: None if one.age_ns is None else round(one.age_ns / NANOS, 1) for one in contracts
        },
        held_back=tuple(dict.fromkeys(back)),
        limits={}
        if book is None
        else {one.name: f"{one.used:f}/{one.limit:f} {one.unit}" for one in book.limits},
    )


def _book(view: View, bot: BotView) -> BookView | None:
    """The one book that it trades in; None where it trades in several."""
    names = bot.books or tuple(book.book for book in view.books)
    found = [book for book in view.books if book.book in names]
    return found[0] if len(found) == 1 else None


def _table(rows: Sequence[BotStatus]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("bot", "state", "book", "holds"):
        table.add_column(name)
    for name in ("balance", "day", "open", "net", "trades", "won", "price age"):
        table.add_column(name, justify="right")
    for row in rows:
        bad = "" if row.state in ("running", "signals only") else "bold red"
        ages = [age for age in row.price_age_s.values() if age is not None]
        cells: list[Any] = [
            printable(row.name),
            Text(printable(row.state), bad),
            printable(row.book) or "-",
            printable(", ".join(f"{qty} {symbol}" for symbol, qty in row.positions.items())) or "flat",
            "-" if row.balance is None else f"{row.balance:.2f} {row.currency}",
            f"{row.day:+.2f}",
            f"{row.open:+.2f}",
            f"{row.net:+.2f}",
            str(row.trades),
            str(row.wins),
            f"{max(ages):.1f}s" if ages else "-",
        ]
        table.add_row(*cells)
    return table
