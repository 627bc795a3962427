"""tstream history: how far it goes, telling it anew, and asking it."""

from __future__ import annotations

import asyncio
import csv
import shutil
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import msgspec
import typer

from adapters.common.redaction import REDACT, printable
from adapters.store.reading import FollowedJournal
from engine.model.history import HistoryMark, QueryResult
from engine.ports import History
from tstream import paths
from tstream.clock import iso, wall_ns
from tstream.errors import CommandError, UsageError
from tstream.history.follow import Follower
from tstream.history.opening import history_of
from tstream.settings.load import load
from tstream.settings.model import Settings

_T = TypeVar("_T")

_WIDEST = 60
"""Characters of a cell in a table; JSON and CSV have all of them."""


def status(config: Path | None, journal: Path | None, as_json: bool) -> int:
    """Print how far the history goes. Raises PortError, CommandError."""
    settings = _settings(config)
    file = _journal(journal)
    followed = FollowedJournal(file)
    try:
        name, (_, newest) = followed.install, followed.bounds()
    finally:
        followed.close()
    place = history_of(settings, paths.find()).place

    async def ask(history: History) -> tuple[HistoryMark, dict[str, int]]:
        return await history.mark(name), await history.counts(name)

    mark, counts = _with_history(settings, ask)
    behind = newest - mark.seq
    told = {
        "history": place,
        "enabled": settings.history.enabled,
        "journal": str(file),
        "journal_id": name,
        "record": mark.seq,
        "newest_record": newest,
        "behind": behind,
        "as_of": iso(mark.ts) if mark.ts else None,
        "rows": counts,
    }
    if as_json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(told), indent=2).decode() + "\n")
        return 0
    state = "all told" if not behind else f"{behind:,} records behind"
    _say(f"{place}{'' if settings.history.enabled else ' (switched off: history.enabled)'}")
    _say(f"{file} ({name}): record {mark.seq:,} of {newest:,}, {state}")
    for table, rows in counts.items():
        _say(f"  {table:<18} {rows:>10,}")
    return 0


def rebuild(config: Path | None, journal: Path | None, sure: bool) -> int:
    """Tell a journal anew. Raises PortError, CommandError."""
    settings = _settings(config)
    file = _journal(journal)
    followed = FollowedJournal(file)
    try:
        name, (_, newest) = followed.install, followed.bounds()
    finally:
        followed.close()
    if not sure:
        place = history_of(settings, paths.find()).place
        if not sys.stdin.isatty():
            raise UsageError(
                f"this would tell {newest:,} records anew in {place}",
                "without a terminal to ask on, say --yes",
            )
        if not typer.confirm(f"tell {newest:,} records anew in {place}?", default=False):
            raise CommandError("nothing was done")
    began = wall_ns()

    async def work(history: History) -> int:
        await history.forget(name)
        follower = Follower(file, history, share=1)
        terminal = sys.stderr.isatty()

        def progress(mark: HistoryMark) -> None:
            if terminal:
                sys.stderr.write(f"\r{mark.seq:,} of {newest:,} records")

        await follower.catch_up(progress)
        if terminal:
            sys.stderr.write("\n")
        return sum((await history.counts(name)).values())

    rows = _with_history(settings, work)
    _say(f"{newest:,} records told as {rows:,} rows in {(wall_ns() - began) / 1e9:.1f} s")
    return 0


def query(config: Path | None, sql: str, form: str, limit: int, wait_s: float) -> int:
    """Print what a question gives as "json", "csv" or a table. Raises PortError, UsageError."""
    text = sys.stdin.read() if sql == "-" else sql
    if not text.strip():
        raise UsageError('there is no question: write one, such as "SELECT * FROM trades LIMIT 10"')
    found = _with_history(_settings(config), lambda history: history.query(text, limit, wait_s))
    if form == "json":
        rows = [dict(zip(found.columns, map(_plain, row), strict=True)) for row in found.rows]
        encoded = msgspec.json.Encoder(decimal_format="number").encode(rows)
        sys.stdout.write(msgspec.json.format(encoded, indent=2).decode() + "\n")
    elif form == "csv":
        lines = csv.writer(sys.stdout, lineterminator="\n")
        lines.writerow(found.columns)
        lines.writerows([_cell(value) for value in row] for row in found.rows)
    else:
        _table(found)
    if found.more:
        sys.stderr.write(
            f"there are more than these {limit:,} rows: --limit shows more, LIMIT and WHERE less\n"
        )
    return 0


def _table(found: QueryResult) -> None:
    """Columns where they are no wider than the terminal, else each row as a list of its values."""
    if not found.rows:
        _say("no rows")
        return
    cells = [[_short(_cell(value)) for value in row] for row in found.rows]
    names = [printable(name) for name in found.columns]
    widths = [max(len(name), *(len(row[n]) for row in cells)) for n, name in enumerate(names)]
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    if width is not None and sum(widths) + 2 * len(widths) - 2 > width:
        longest = max(map(len, names))
        for number, row in enumerate(cells, 1):
            _say(f"-- row {number}")
            for name, cell in zip(names, row, strict=True):
                _say(f"{name.ljust(longest)}  {cell}".rstrip())
        return
    numbers = [
        all(isinstance(row[n], int | float | Decimal | None) for row in found.rows) for n in range(len(names))
    ]
    for row in (names, *cells):
        texts = (
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, numbers, strict=True)
        )
        _say("  ".join(texts).rstrip())


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"


def _plain(value: object) -> object:
    """What JSON has a word for."""
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if value is None or isinstance(value, bool | int | float | Decimal):
        return value
    return REDACT(str(value))


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:f}"
    return printable(str(_plain(value)))


def _with_history(settings: Settings, work: Callable[[History], Awaitable[_T]]) -> _T:
    async def whole() -> _T:
        history = history_of(settings, paths.find())
        try:
            return await work(history)
        finally:
            await history.close()

    return asyncio.run(whole())


def _settings(config: Path | None) -> Settings:
    settings = load(paths.find(), config).settings
    for secret in settings.secret_values():
        REDACT.add(secret)
    return settings


def _journal(journal: Path | None) -> Path:
    file = journal or paths.find().last_run()
    if file is None:
        raise CommandError("there is no run yet; start tstream once")
    return file


def _say(text: str) -> None:
    sys.stdout.write(printable(text) + "\n")
