"""tstream bots: the bots of the running engine, and their starting and stopping, over its socket."""

from __future__ import annotations

from decimal import Decimal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from adapters.common.redaction import printable
from adapters.control.client import fetch_view, send_command
from engine.model.commands import BotCommand, StartBot, StopBot
from engine.model.rates import USD
from engine.model.view import BotView, View
from tstream import paths
from tstream.commands.orders import SOURCE, new_id, say


def show() -> int:
    """Print what each bot is, does and has made; gives the exit code. Raises PortError."""
    view = fetch_view(paths.find().control_socket)
    if view.bots:
        Console(highlight=False, markup=False).print(table(view))
    else:
        say(f"one strategy trades everything: {view.strategy}; [[bots]] in the settings name several")
    return 0


def start(name: str) -> int:
    """Have a bot asked again; gives the exit code. Raises PortError."""
    return _send(StartBot(id=new_id(), source=SOURCE, bot=name))


def stop(name: str) -> int:
    """Have a bot asked no more; gives the exit code. Raises PortError."""
    return _send(StopBot(id=new_id(), source=SOURCE, bot=name))


def _send(command: BotCommand) -> int:
    answer = send_command(paths.find().control_socket, command)
    say(answer.text)
    return 0 if answer.done else 1


def table(view: View) -> Table:
    """The bots in the order of the settings: what each is, does and has made, each kind of money and each
    currency by itself.
    """
    found = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("bot", "strategy", "state"):
        found.add_column(name)
    several = any(bot.currency != USD or bot.beside for bot in view.bots)
    unit = "" if several else f" {USD}"
    for name in ("open", "today", f"day{unit}", "trades", "won", f"net{unit}"):
        found.add_column(name, justify="right")
    for bot in view.bots:
        bad = "bold red" if bot.out else "yellow" if bot.stopped else ""
        found.add_row(
            printable(bot.name),
            printable(bot.strategy),
            Text(printable(bot.state), bad),
            str(bot.open_plans),
            str(bot.entries),
            _money(bot, "day_usd", several=several),
            str(bot.wins + bot.losses),
            str(bot.wins),
            _money(bot, "net_usd", several=several),
        )
    return found


def _money(bot: BotView, what: str, *, several: bool) -> Text:
    """ "+81.50"; where there is other money than USD of one kind "+81.50 USD paper +3.00 USDT"."""
    amount = getattr(bot, what)
    told = Text(f"{amount:+.2f}{f' {bot.currency}' * several}", _color(amount))
    for one in bot.beside:
        told.append(f" {one.kind} {getattr(one, what):+.2f} {one.currency}", "dim")
    return told


def _color(amount: Decimal) -> str:
    return "" if not amount else "green" if amount > 0 else "red"
