"""Commands that read the journal, their words and options: report, trades, why, journal hash."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from tstream import arguments as args
from tstream import options
from tstream.errors import UsageError
from tstream.reports.kinds import ReportType

journal_app = typer.Typer(help="Look into the journal of decisions, orders and fills.")

CsvOut = Annotated[bool, typer.Option("--csv", help="As CSV, for spreadsheets.")]


def day(text: str) -> date:
    """Raises ValueError."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f'"{text}" is no date: write YYYY-MM-DD, such as 2026-03-02') from None


def moment(text: str) -> datetime:
    """Raises ValueError."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f'"{text}" is no time: write "YYYY-MM-DD HH:MM", such as "2026-06-29 15:30"'
        ) from None


def report(
    kind: Annotated[ReportType, typer.Option("--type", help="What it is about.")] = ReportType.DAILY,
    at: Annotated[
        date | None,
        typer.Option(
            "--date", parser=day, metavar="DAY", help="A trade date in it; without it the newest there is."
        ),
    ] = None,
    book: args.Book = None,
    as_json: args.Json = False,
    as_csv: CsvOut = False,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="As one HTML file that needs nothing else; - is stdout."),
    ] = None,
    floor: Annotated[
        float | None,
        typer.Option(
            "--floor",
            min=0.01,
            metavar="AMOUNT",
            help="Risk of ruin: how far below the account is lost. Without it the firm's maximum loss, as "
            "the account's name tells it, else a tenth of what it began with.",
        ),
    ] = None,
    journal: args.Journal = None,
) -> None:
    """Report on a day, week or month, on patterns or risk: statistics by book, from the journal.

    Figures are defined in docs/statistics.md. An engine may be running.
    """
    from tstream.commands import report as commands

    raise typer.Exit(commands.report(kind, at, book, _form(as_json, as_csv, html), html, floor, journal))


def trades(
    days: Annotated[
        int, typer.Option("--days", min=1, max=36_500, metavar="N", help="Of so many newest days.")
    ] = 7,
    book: args.Book = None,
    contract: args.OnlyContract = None,
    as_json: args.Json = False,
    as_csv: CsvOut = False,
    journal: args.Journal = None,
) -> None:
    """List closed trades with their results, in money and in R, and how far they were against and for it."""
    from tstream.commands import report as commands

    raise typer.Exit(commands.trades(days, book, contract, _form(as_json, as_csv, None), journal))


@args.taking("month", "stamp", "symbol")
def why(
    at: Annotated[
        datetime, typer.Option("--at", parser=moment, metavar="TIME", help='Such as "2026-06-29 15:30".')
    ],
    contract: Annotated[str, typer.Option("--contract", metavar="NAME", help="Of which contract.")],
    timeframe: args.Timeframe = "1m",
    zone: Annotated[
        str | None,
        typer.Option(
            "--zone",
            parser=options.zone,
            metavar="NAME",
            help="Time zone of --at, of what is shown, and of a table's times; without it the contract's.",
        ),
    ] = None,
    book: args.Book = None,
    as_json: args.Json = False,
    journal: args.Journal = None,
    tape: Annotated[
        str | None,
        typer.Option(
            "--tape",
            metavar="FILE|DATASET",
            help="A recording of that time: what its bars showed at the close, and what your bots say of it.",
        ),
    ] = None,
    **given: Any,
) -> None:
    """Tell why a contract was traded, or not, when the bar that a time is in had closed.

    How things stood, what ideas came up, why each was refused or taken, what became of it.
    """
    from tstream.commands import why as commands

    raise typer.Exit(commands.why(at, contract, timeframe, zone, book, as_json, journal, tape, **given))


@journal_app.command("hash")
def journal_hash(
    file: Annotated[
        Path | None, typer.Option("--file", metavar="FILE", help="A journal other than the last run's.")
    ] = None,
) -> None:
    """Print the last run's hash and number of records: equal runs print equal lines."""
    from tstream.commands import journal as commands

    raise typer.Exit(commands.journal_hash(file))


@journal_app.command("export")
def journal_export(
    kind: Annotated[ReportType, typer.Option("--type", help="daily, weekly or monthly.")] = ReportType.WEEKLY,
    at: Annotated[
        date | None,
        typer.Option(
            "--date", parser=day, metavar="DAY", help="A trade date in it; else the newest there is."
        ),
    ] = None,
    book: args.Book = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Where to; without it the folder reports of the data."),
    ] = None,
    journal: args.Journal = None,
) -> None:
    """Write the trades of a day, week or month as three files: a page that needs nothing else (HTML, with
    charts, notes and figures), a table (CSV), and all of it for programs (JSON).
    """
    from tstream.commands import journal as commands

    raise typer.Exit(commands.journal_export(kind, at, book, out, journal))


@journal_app.command("note")
def journal_note(
    trade: Annotated[str, typer.Argument(metavar="TRADE", help="As in tstream trades --json: its trade.")],
    text: Annotated[
        str, typer.Argument(metavar="TEXT", help="Words that begin with # are tags; empty takes it off.")
    ],
    book: Annotated[str, typer.Option("--book", metavar="NAME", help="Whose trade it is.")],
) -> None:
    """Keep a note of a trade in the journal of the running engine."""
    from tstream.commands import journal as commands

    raise typer.Exit(commands.journal_note(trade, text, book))


def _form(as_json: bool, as_csv: bool, html: Path | None) -> str:
    if as_json + as_csv + (html is not None) > 1:
        raise UsageError("--json, --csv and --html are one or another")
    return "json" if as_json else "csv" if as_csv else ""
