"""Every command of the command line: what it is called and takes, and its help. Typer carries it out.

Only `tstream` alone and `tstream run` need neither: tstream.cli opens the cockpit without this module.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from copy import copy
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.main import get_command

from tstream import arguments as args
from tstream.commands.backtest_app import backtest
from tstream.commands.backup_app import backup_app
from tstream.commands.bot_app import bot_app, feed_app, rooms_app
from tstream.commands.bots_app import bots_app
from tstream.commands.data.app import data_app
from tstream.commands.engine_app import attach, attach_pipe, engine
from tstream.commands.history_app import history_app
from tstream.commands.journal_app import journal_app, report, trades, why
from tstream.commands.lab_app import lab_app
from tstream.commands.mood_app import mood_app
from tstream.commands.order_app import order_app
from tstream.commands.patterns_app import patterns_app
from tstream.commands.reload_app import reload
from tstream.commands.scan_app import scan
from tstream.commands.secrets_app import secrets_app
from tstream.commands.service_app import env_app, service_app
from tstream.commands.token_app import token_app
from tstream.commands.train_app import TRAINING_HELP, models_app, train
from tstream.commands.web_app import web
from tstream.errors import CommandError, UsageError
from tstream.options import COMPLETION, RunOptions

TRADE, LOOK, MARKETS, RUN = "Trade", "Look", "Markets", "Keep running"

_EPILOG = """
[b]Examples[/b]

  tstream                                 open the cockpit
  tstream engine --for 10m                trade ten minutes without a screen
  tstream attach                          a cockpit on the engine that runs, here or by ssh://HOST
  tstream run --headless --speed max      a whole practice day, as fast as it can
  tstream status --json                   what a running engine sees, for scripts
  tstream flatten MNQ                     close MNQ at the running engine's venue
  tstream bars day.zip --contract GC      fold recorded ticks into minute bars
  tstream discover day.zip --contract GC  is there an edge in it?
"""

app = typer.Typer(
    name="tstream",
    help="A terminal cockpit that watches, trades and guards futures and crypto accounts all day.\n\n"
    "Without a command it opens the cockpit; without settings that is the built-in practice venue.",
    epilog=_EPILOG,
    rich_markup_mode="rich",
    no_args_is_help=False,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_READ = {"journal": journal_app, "rooms": rooms_app, "history": history_app, "patterns": patterns_app}
for _name, _part in _READ.items():
    app.add_typer(_part, name=_name, rich_help_panel=LOOK)
app.add_typer(lab_app)
app.add_typer(order_app, name="order", rich_help_panel=TRADE)
app.add_typer(bots_app, name="bots", rich_help_panel=TRADE)
app.add_typer(bot_app, name="bot", rich_help_panel=TRADE)
app.add_typer(feed_app, name="feed", rich_help_panel=MARKETS)
app.add_typer(data_app, name="data", rich_help_panel=MARKETS)
app.add_typer(token_app, name="token", rich_help_panel=LOOK)
app.add_typer(mood_app, name="mood", rich_help_panel=LOOK)
app.add_typer(backup_app, name="backup", rich_help_panel=RUN)
app.add_typer(service_app, name="service", rich_help_panel=RUN)
app.add_typer(env_app, name="env", rich_help_panel=RUN)
app.add_typer(secrets_app, name="secrets", rich_help_panel=LOOK)
app.add_typer(models_app, name="models", rich_help_panel=LOOK)
app.command(rich_help_panel=MARKETS)(backtest)
app.command(rich_help_panel=MARKETS, epilog=TRAINING_HELP)(train)
app.command(rich_help_panel=TRADE)(scan)
app.command(rich_help_panel=TRADE)(engine)
app.command(rich_help_panel=LOOK)(attach)
app.command("attach-pipe", hidden=True)(attach_pipe)
app.command(rich_help_panel=LOOK)(web)
app.command(rich_help_panel=TRADE)(reload)
notify_app = typer.Typer(help="Messages to Telegram, Slack, Discord, mail and other services.")
app.add_typer(notify_app, name="notify", rich_help_panel=LOOK)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"tstream {version('tstream')}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
@args.taking(*args.RUN)
def root(
    context: typer.Context,
    config: args.Config = None,
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
    **given: Any,
) -> None:
    run = args.run_options(given)
    if context.invoked_subcommand is None:
        from tstream.run.cockpit import open_cockpit

        raise typer.Exit(open_cockpit(config, run))
    if run != RunOptions():
        raise UsageError(f"put the options behind the command: tstream {context.invoked_subcommand} ...")
    context.obj = config


@app.command(rich_help_panel=TRADE)
@args.taking(*args.RUN)
def run(
    context: typer.Context,
    headless: Annotated[
        bool, typer.Option("--headless", help="Log lines instead of the cockpit; needs no terminal.")
    ] = False,
    duration: args.For = None,
    config: args.Config = None,
    **given: Any,
) -> None:
    """Run the engine: under the cockpit or, with --headless, without a screen (as tstream engine does).

    Ctrl+C, SIGTERM and SIGHUP stop it gracefully: positions keep their stops and targets at the venue.
    """
    chosen = args.run_options({**given, "duration_ns": duration})
    if headless:
        from tstream.run.headless import run_headless

        raise typer.Exit(run_headless(config or context.obj, chosen))
    from tstream.run.cockpit import open_cockpit

    raise typer.Exit(open_cockpit(config or context.obj, chosen))


@app.command(rich_help_panel=LOOK)
def status(
    as_json: Annotated[bool, typer.Option("--json", help="All of it as JSON, for scripts.")] = False,
    charts: Annotated[bool, typer.Option("--charts", help="With --json: all charts too.")] = False,
) -> None:
    """Show what the running engine sees: accounts, prices, positions, orders."""
    if charts and not as_json:
        raise UsageError("--charts goes with --json")
    if as_json:
        from tstream.commands.status_json import status_json

        raise typer.Exit(status_json(charts))
    from tstream.commands.status import status as show

    raise typer.Exit(show())


@app.command(rich_help_panel=TRADE)
def flatten(
    context: typer.Context,
    contract: args.Scope = None,
    book: args.Book = None,
    yes: args.Yes = False,
    wait: Annotated[
        float,
        typer.Option("--wait", min=0, max=3600, metavar="SECONDS", help="How long to wait until it is flat."),
    ] = 30.0,
    takeover: Annotated[
        bool,
        typer.Option("--takeover", help="End an engine that hangs with SIGKILL, then flatten from here."),
    ] = False,
    config: args.Config = None,
) -> None:
    """Close positions and cancel orders, of one contract or all, of one book or all; without an engine too.

    Entries stay paused there afterwards. Exits with 0 only once everything in question is flat.
    """
    from tstream.commands import orders as commands

    raise typer.Exit(commands.flatten(contract, book, yes, wait, config or context.obj, takeover))


@app.command(rich_help_panel=TRADE)
def pause(contract: args.Scope = None, book: args.Book = None) -> None:
    """No new entries and cancel resting ones; exits and stops stay."""
    from tstream.commands import orders as commands

    raise typer.Exit(commands.pause(contract, book))


@app.command(rich_help_panel=TRADE)
def resume(
    contract: args.Scope = None,
    book: args.Book = None,
    halted: Annotated[bool, typer.Option("--halted", help="Lift a halt too, on purpose.")] = False,
) -> None:
    """Allow entries again after a pause."""
    from tstream.commands import orders as commands

    raise typer.Exit(commands.resume(contract, book, halted))


@app.command(rich_help_panel=TRADE)
def halt(contract: args.Scope = None, book: args.Book = None) -> None:
    """As pause, but only resume --halted lifts it; guards go on working."""
    from tstream.commands import orders as commands

    raise typer.Exit(commands.halt(contract, book))


@app.command(rich_help_panel=TRADE)
def cancel(contract: args.Scope = None, book: args.Book = None) -> None:
    """Cancel resting entries; exits and stops stay, and new entries are allowed."""
    from tstream.commands import orders as commands

    raise typer.Exit(commands.cancel(contract, book))


@app.command("break-even", rich_help_panel=TRADE)
def break_even(contract: args.OneContract, book: args.Book = None) -> None:
    """Move the stops of open trades in a contract to where costs and slippage are paid."""
    from tstream.commands import orders as commands

    raise typer.Exit(commands.break_even(contract, book))


@app.command(rich_help_panel=LOOK)
def strategies() -> None:
    """List the strategies that [[bots]] may name, with their parameters."""
    from adapters.common.redaction import printable
    from tstream.convert.bots import Broken, kinds, parameters
    from tstream.convert.parameters import tables

    for name, kind in sorted(kinds().items()):
        typer.echo(name)
        if isinstance(kind, Broken):
            typer.echo(printable(f"  {kind.why}; {kind.remedy}"))
            continue
        nested = tables(kind.Config) if hasattr(kind, "Config") else {}
        for parameter, words in parameters(kind).items():
            typer.echo(f"  {parameter}: {words}")
            for one, inside in nested.get(parameter, {}).items():
                has = "; ".join(f"{key}: {each}" for key, each in inside.items())
                typer.echo(f"    {one}: {has}")


@app.command(rich_help_panel=LOOK)
def check(context: typer.Context, config: args.Config = None) -> None:
    """Check settings, folders, credentials, venue, account, contracts, clock and rooms; places no order."""
    from tstream.commands import check as commands

    raise typer.Exit(commands.check(config or context.obj))


@app.command(rich_help_panel=MARKETS)
@args.taking(*args.TAPE)
def bars(
    tape: Annotated[Path, typer.Argument(metavar="TAPE", exists=True, dir_okay=False, readable=True)],
    contract: args.TapeContract,
    timeframe: args.Timeframe = "1m",
    csv: args.Csv = None,
    **given: Any,
) -> None:
    """Fold recorded ticks into bars, or make longer bars of shorter ones."""
    from tstream.commands import bars as commands

    raise typer.Exit(commands.bars(tape, contract, timeframe, csv=csv, **given))


@app.command(rich_help_panel=MARKETS)
@args.taking(*args.VENUE)
def simulate(
    venue: args.PracticeKind = "practice",
    port: args.Port = 0,
    host: args.Host = "127.0.0.1",
    state: args.State = None,
    balance: args.Balance = 50_000.0,
    daily_loss: args.DailyLoss = None,
    max_loss: args.MaxLoss = None,
    accounts: args.VenueAccounts = 1,
    beside: args.Beside = None,
    list_faults: args.ListFaults = False,
    **given: Any,
) -> None:
    """Run a practice venue alone: ProjectX's REST calls and hubs, user practice, key practice; or another
    venue's wire.

    Writes one line of JSON with its port once it listens. With --fault it misbehaves as real venues do.
    """
    from tstream.commands import simulate as commands
    from tstream.venues.kind import SimulateAsked

    if list_faults:
        raise typer.Exit(commands.list_faults(venue))
    run = args.run_options({**given, "venue": [venue]})
    asked = SimulateAsked(
        host=host,
        port=port,
        state=state,
        balance=balance,
        accounts=accounts,
        daily_loss=daily_loss,
        max_loss=max_loss,
        beside=commands.neighbour(beside),
        run=run,
    )
    raise typer.Exit(commands.simulate(venue, asked))


app.command(rich_help_panel=LOOK)(report)
app.command(rich_help_panel=LOOK)(trades)
app.command(rich_help_panel=LOOK)(why)


@notify_app.command("test")
def notify_test(
    context: typer.Context,
    channel: Annotated[
        str | None,
        typer.Argument(metavar="[CHANNEL]", help="telegram, slack, discord, mail, or a name of yours."),
    ] = None,
    config: args.Config = None,
) -> None:
    """Send a test message through each channel that is set up, or one, and print what it answered."""
    from tstream.commands import notify as commands

    raise typer.Exit(commands.test(config or context.obj, channel))


def run_command(words: Sequence[str] | None) -> int:
    """Carry out one command line (None: the process's own); its exit code.

    Raises UsageError for what Typer refuses, CommandError, PortError, and whatever a command raises.
    """
    try:
        code = _made(_first(sys.argv[1:] if words is None else words)).main(
            args=words, prog_name="tstream", standalone_mode=False
        )
    except typer.TyperException as error:
        context: typer.Context | None = getattr(error, "ctx", None)
        path = context.command_path if context else "tstream"
        refused = UsageError(_plain(error.format_message()), f"{path} --help says more")
        refused.exit_code = error.exit_code
        raise refused from error
    except typer.Abort:
        raise CommandError("nothing was done") from None
    return code if isinstance(code, int) else 0


def _first(words: Sequence[str]) -> str:
    """The command that a command line plainly begins with; empty where Typer has to know all of them."""
    word = next(iter(words), "")
    known = any(_called(one, word) for one in (*app.registered_commands, *app.registered_groups))
    return word if known and COMPLETION not in os.environ else ""


def _called(one: Any, word: str) -> bool:
    name = one.name if isinstance(one.name, str) else getattr(one.callback, "__name__", "")
    return bool(name) and name.replace("_", "-") == word


@cache
def _made(first: str) -> Any:
    """The commands as Typer makes them, only the one by this name where it is known: making all of them takes
    longer than most commands do. In one process several command lines may be carried out.
    """
    asked = copy(app)
    if first:
        asked.registered_commands = [one for one in app.registered_commands if _called(one, first)]
        asked.registered_groups = [one for one in app.registered_groups if _called(one, first)]
    return _plain_flags(get_command(asked))


def _plain_flags(command: Any) -> Any:
    """The command, whose help says no "<bool>" behind what is only there or not."""
    params = command.get_params

    def get_params(context: typer.Context) -> list[Any]:
        found: list[Any] = params(context)
        for one in found:
            one.metavar = "" if getattr(one, "is_flag", False) else one.metavar
        return found

    command.get_params = get_params
    for inner in getattr(command, "commands", {}).values():
        _plain_flags(inner)
    return command


def _plain(message: str) -> str:
    """Typer's words without the names of its inner parts."""
    return message.replace("Value error, ", "").replace("Input should be", "must be")
