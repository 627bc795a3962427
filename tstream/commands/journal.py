"""tstream journal: the fingerprint of a run, its trades as files, and notes of them."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

from adapters.control.client import send_command
from adapters.store.hashing import run_hash
from engine.model.commands import NoteTrade
from tstream import paths
from tstream.commands.orders import SOURCE, new_id, say
from tstream.errors import CommandError, UsageError
from tstream.reports.kinds import ReportType

_PERIODS = (ReportType.DAILY, ReportType.WEEKLY, ReportType.MONTHLY)


def journal_hash(file: Path | None) -> int:
    """Print the hash and the number of records of the last run. Raises PortError, CommandError."""
    journal = file or paths.find().last_run()
    if journal is None:
        raise CommandError("there is no run yet; start tstream once")
    found = run_hash(journal)
    sys.stdout.write(f"{found.hexdigest} {found.records} records\n")
    return 0


def journal_export(
    kind: ReportType, day: date | None, book: str | None, out: Path | None, journal: Path | None
) -> int:
    """Write the three files and print their names. Raises PortError, CommandError."""
    from tstream.commands.report import export

    if kind not in _PERIODS:
        raise UsageError("--type is daily, weekly or monthly here")
    folder = paths.find().data / "reports" if out is None else out
    for file in export(kind, day, book, folder, journal):
        sys.stdout.write(f"{file}\n")
    return 0


def journal_note(trade: str, text: str, book: str) -> int:
    """Have the running engine keep a note. Raises PortError, CommandError."""
    note = NoteTrade(id=new_id(), source=SOURCE, book=book, trade=trade, text=text.strip())
    answer = send_command(paths.find().control_socket, note)
    if not answer.done:
        raise CommandError(answer.text)
    say(answer.text)
    return 0
