"""The command line of datasets: what `tstream data` takes, and its help."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tstream import arguments as args
from tstream import options

_EPILOG = """
[b]Examples[/b]

  tstream data import es.csv --symbol ES --stamp close --zone America/Chicago
  tstream data import btc.csv.gz --symbol BTCUSDT --tick 0.1 --lot 0.001 --calendar always --stamp open
  tstream data import es.csv --symbol ES --stamp close --dry-run
  tstream data check es-1m
"""

data_app = typer.Typer(
    help="Keep recorded bars by name, for backtests and discovery; each with a report of its flaws.",
    epilog=_EPILOG,
    rich_markup_mode="rich",
    no_args_is_help=True,
)


class DatesOption(StrEnum):
    """What comes first in a date such as 3/8/2024."""

    MONTH = "month-first"
    DAY = "day-first"


class CalendarOption(StrEnum):
    """Whose days and hours an instrument goes by."""

    CME = "cme"
    ALWAYS = "always"
    US_EQUITIES = "us_equities"


def _number(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal(0)
    if not (value.is_finite() and value > 0):
        raise ValueError(f'"{text}" is no number above zero: write 0.25')
    return value


def _zone(text: str) -> str:
    from adapters.tapes.fields import TapeError
    from adapters.tapes.tape import zone_of

    try:
        zone_of(text)
    except TapeError as error:
        raise ValueError(f"{error}: write America/Chicago, Europe/Berlin, UTC, UTC+3") from None
    return text


def _terms(flag: str, words: str) -> object:
    return typer.Option(flag, parser=_number, metavar="N", help=words, rich_help_panel="An unknown symbol")


Name = Annotated[str, typer.Argument(metavar="NAME", help="Of the dataset, as tstream data list shows it.")]


@data_app.command("import")
def import_(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            readable=True,
            help="Bars as .csv, .txt, .zip (also .gz) or .parquet; ticks are folded.",
        ),
    ],
    symbol: Annotated[
        str | None,
        typer.Option("--symbol", metavar="NAME", help="What it is of: ES, or one contract of it, ESH4."),
    ] = None,
    contract: Annotated[
        str | None,
        typer.Option("--contract", metavar="NAME", help="The product, where --symbol does not tell it."),
    ] = None,
    stamp: Annotated[
        args.StampOption | None,
        typer.Option("--stamp", help="Whether a bar's time is that of its open or its close."),
    ] = None,
    zone: Annotated[
        str | None,
        typer.Option(
            "--zone",
            parser=_zone,
            metavar="NAME",
            help="Zone of times that tell none: America/Chicago, UTC, UTC+3.",
        ),
    ] = None,
    timeframe: Annotated[
        str | None,
        typer.Option(
            "--timeframe",
            parser=options.timeframe,
            metavar="TIME",
            help="Of the bars; else what most of them have. Of ticks: 1m.",
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Of the dataset; else as in es-1m.")
    ] = None,
    month: Annotated[
        str | None,
        typer.Option(
            "--month",
            parser=options.month,
            metavar="YYYYMM",
            help="Contract month, where the file has several.",
        ),
    ] = None,
    dates: Annotated[
        DatesOption | None, typer.Option("--dates", help="What comes first in dates such as 3/8/2024.")
    ] = None,
    rounding: Annotated[
        bool, typer.Option("--round", help="Take prices between two ticks to the nearest one.")
    ] = False,
    merge: Annotated[
        bool, typer.Option("--merge", help="Add to the dataset of that name; its own bars stay.")
    ] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Instead of the dataset of that name.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show the report.")] = False,
    as_json: args.Json = False,
    tick: Annotated[Decimal | None, _terms("--tick", "Smallest step of its price.")] = None,
    lot: Annotated[Decimal | None, _terms("--lot", "Smallest step of a quantity.")] = None,
    tick_value: Annotated[
        Decimal | None, _terms("--tick-value", "Dollars in a tick of one lot; else tick x lot.")
    ] = None,
    calendar: Annotated[
        CalendarOption | None,
        typer.Option(
            "--calendar", help="Which days and hours it goes by.", rich_help_panel="An unknown symbol"
        ),
    ] = None,
    config: args.Config = None,
) -> None:
    """Read a file of bars into a dataset, and report what is in it; nothing is repaired silently."""
    from tstream.commands.data import importing
    from tstream.commands.data.instruments import SymbolTerms

    asked = importing.ImportRequest(
        file=file,
        symbol=symbol,
        contract=contract,
        stamp=stamp,
        zone=zone,
        timeframe=timeframe,
        name=name,
        month=month,
        month_first=None if dates is None else dates is DatesOption.MONTH,
        rounding=rounding,
        merge=merge,
        replace=replace,
        terms=SymbolTerms(tick, lot, tick_value, calendar.value if calendar else None),
        config=config or context.obj,
    )
    raise typer.Exit(importing.import_file(asked, dry_run=dry_run, as_json=as_json))


@data_app.command("list")
def list_(as_json: args.Json = False) -> None:
    """The datasets that there are, with what they hold and their flaws."""
    from tstream.commands.data import listing

    raise typer.Exit(listing.list_datasets(as_json))


@data_app.command()
def check(name: Name, as_json: args.Json = False) -> None:
    """Look through a dataset again and report; exits with 1 where somebody has to look."""
    from tstream.commands.data import listing

    raise typer.Exit(listing.check(name, as_json))


@data_app.command()
def export(
    name: Name,
    csv: args.Csv = None,
    parquet: Annotated[
        Path | None, typer.Option("--parquet", metavar="FILE", help="Write them as Parquet.")
    ] = None,
    timeframe: Annotated[
        str | None,
        typer.Option(
            "--timeframe", parser=options.timeframe, metavar="TIME", help="Longer bars, made of its own."
        ),
    ] = None,
    adjusted: Annotated[
        bool,
        typer.Option(
            "--adjusted", help="Take out the steps where the contract changes: for indicators only."
        ),
    ] = False,
    rolls: Annotated[
        Path | None,
        typer.Option(
            "--rolls",
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="Dates (or times) of the changes, a line each; adjusts by them.",
        ),
    ] = None,
) -> None:
    """Write a dataset's bars for other programs, stamped by their open in UTC."""
    from tstream.commands.data import exporting

    raise typer.Exit(exporting.export(name, csv, parquet, timeframe, rolls, adjusted=adjusted))


@data_app.command()
def fetch(
    context: typer.Context,
    contract: Annotated[
        str, typer.Option("--contract", metavar="NAME", help="Which product, by its active month.")
    ],
    venue: Annotated[
        str | None,
        typer.Option("--venue", metavar="NAME", help="Of the settings; needed where there are several."),
    ] = None,
    days: Annotated[int, typer.Option("--days", min=1, max=3650, help="How far back.")] = 30,
    timeframe: args.Timeframe = "1m",
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Of the dataset; else as in mnq-1m.")
    ] = None,
    as_json: args.Json = False,
    config: args.Config = None,
) -> None:
    """Load a venue's history into a dataset, or add it to the one of that name; places no order."""
    from tstream.commands.data import fetching

    code = fetching.fetch(
        venue, contract.upper(), days, timeframe, name, config or context.obj, as_json=as_json
    )
    raise typer.Exit(code)


@data_app.command()
def remove(name: Name, yes: args.Yes = False) -> None:
    """Delete a dataset."""
    from tstream.commands.data import listing

    raise typer.Exit(listing.remove(name, yes))
