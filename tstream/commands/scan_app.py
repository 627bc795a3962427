"""The command line of the scanner: what `tstream scan` takes, and its help."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tstream import arguments as args
from tstream.errors import UsageError


@args.taking("venue", "seed", "speed", "rate", "fresh", "fault", "record")
def scan(
    context: typer.Context,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print only: no message is sent, no book but paper trades.")
    ] = False,
    report: Annotated[
        bool,
        typer.Option("--report", help="Live results beside the backtests' instead, from the journal."),
    ] = False,
    as_json: args.Json = False,
    journal: args.Journal = None,
    duration: args.For = None,
    config: args.Config = None,
    **given: Any,
) -> None:
    """Look for the signals that tstream discover has validated; tell each as it comes, and play it on paper.

    Prints every close of a candle, signals, and how it goes; Ctrl+C ends it. docs/scanner.md says more.
    """
    if report:
        from tstream.scan.report import scan_report

        raise typer.Exit(scan_report(journal, as_json))
    if as_json or journal is not None:
        raise UsageError("--json and --journal go with --report")
    from tstream.run.scanning import run_scan

    chosen = args.run_options({**given, "duration_ns": duration})
    raise typer.Exit(run_scan(config or context.obj, chosen, dry_run=dry_run))
