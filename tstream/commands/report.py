"""tstream report and tstream trades: what the journal tells, read while an engine may be writing it."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from adapters.store.reading import stored
from engine.model.rates import StatedRate
from tstream import paths
from tstream.errors import CommandError, SettingsError, UsageError
from tstream.reports.groups import group_tables, grouped
from tstream.reports.history import BookHistory, ReportHistory, read_history
from tstream.reports.patterns import PATTERN_HEAD, PatternRow, pattern_cells, pattern_rows
from tstream.reports.report import Report, ReportSection, ReportType, make_report
from tstream.reports.rows import ReportRow, csv_lines, trade_rows

_NOTHING = "nothing has been traded yet, and no account was seen: there is nothing to report"


def report(
    kind: ReportType,
    day: date | None,
    book: str | None,
    form: str,
    html: Path | None,
    floor: float | None,
    journal: Path | None,
) -> int:
    """Print a report as "json", "csv" or tables, or write it as a page. Raises CommandError, PortError."""
    history, file = _read(journal, book)
    distance = None if floor is None else Decimal(str(floor))
    wished = _wished()
    made = make_report(history, kind, day, distance, rates=wished.rates)
    if made is None:
        raise CommandError(_NOTHING)
    books = [section.told for section in made.sections if len(section.books) == 1]
    patterns = pattern_rows(history, books) if kind is ReportType.PATTERNS else []
    if html is not None:
        _write(html, _page(made, history, patterns, file, wished.zone))
    elif form == "json":
        _json(_document(made, history, patterns, wished.zone))
    elif form == "csv":
        _csv(csv_lines(list(patterns)) if kind is ReportType.PATTERNS else _section_lines(made))
    else:
        _tables(made, history, patterns, wished.zone)
    return 0


def export(
    kind: ReportType, day: date | None, book: str | None, folder: Path, journal: Path | None
) -> list[Path]:
    """Write a report as a page, its trades as a table, and all of it as JSON; gives the files.

    Raises CommandError, PortError.
    """
    history, file = _read(journal, book)
    wished = _wished()
    made = make_report(history, kind, day, rates=wished.rates)
    if made is None:
        raise CommandError(_NOTHING)
    rows = [row for section in _alone(made) for row in trade_rows(history, section.told, wished.zone)]
    whose = f"-{book}" if book is not None else ""
    days = f"{made.first}" if made.first == made.last else f"{made.first}-to-{made.last}"
    name = "".join(c if c.isalnum() or c in "-_" else "_" for c in f"{kind}-{days}{whose}")
    table = io.StringIO()
    lines = csv_lines(list(rows)) if rows else [list(ReportRow.__struct_fields__)]
    csv.writer(table, lineterminator="\n").writerows(lines)
    told = msgspec.json.format(msgspec.json.encode(_document(made, history, [], wished.zone)), indent=2)
    texts = {
        "html": _page(made, history, [], file, wished.zone),
        "csv": table.getvalue(),
        "json": told.decode() + "\n",
    }
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for ending, text in texts.items():
            (folder / f"{name}.{ending}").write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"can't write to {folder}: {error.strerror}") from None
    return [folder / f"{name}.{ending}" for ending in texts]


class _Wished(NamedTuple):
    """What the settings say of reports: the journal knows nothing of it."""

    rates: Sequence[StatedRate] = ()
    zone: str = ""


def _wished() -> _Wished:
    """Settings that are wrong hide no report."""
    from tstream.settings.load import load

    try:
        settings = load(paths.find()).settings
    except SettingsError:
        return _Wished()
    return _Wished([StatedRate(name, usd) for name, usd in settings.rates.items()], settings.ui.timezone)


def trades(days: int, book: str | None, contract: str | None, form: str, journal: Path | None) -> int:
    """Print the trades of the newest `days` trade dates as "json", "csv" or tables.

    Raises CommandError, PortError.
    """
    history, _ = _read(journal, book)
    if contract is not None and contract not in history.instruments:
        known = ", ".join(history.instruments) or "none yet"
        raise UsageError(f"the journal has no contract {contract}; it has {known}")
    newest = max((last for one in history.books if (last := one.last_day) is not None), default=None)
    told = [] if newest is None else [_of_days(one, newest, days) for one in history.books]
    zone = _wished().zone
    found = {
        one.title: [row for row in trade_rows(history, one, zone) if contract in (None, row.contract)]
        for one in told
    }
    rows = [row for own in found.values() for row in own]
    if form == "json":
        _json(rows)
    elif form == "csv":
        _csv(csv_lines(list(rows)) if rows else [list(ReportRow.__struct_fields__)])
    else:
        _trade_tables(found, newest, days)
    return 0


def _of_days(book: BookHistory, newest: date, days: int) -> BookHistory:
    return book.within(newest - timedelta(days=days - 1), newest)


def _read(journal: Path | None, book: str | None) -> tuple[ReportHistory, Path]:
    file = journal or paths.find().last_run()
    if file is None:
        raise CommandError("there is no run yet; start tstream once")
    history = read_history(stored(file))
    if book is not None:
        known = list(dict.fromkeys(one.book for one in history.books))
        history.books = [one for one in history.books if one.book == book]
        if not history.books:
            raise UsageError(f"the journal has no book {book}; it has {', '.join(known) or 'none yet'}")
    return history, file


def _tables(made: Report, history: ReportHistory, patterns: Sequence[PatternRow], zone: str) -> None:
    from rich.console import Group
    from rich.text import Text

    from tstream.reports.tables import patterns_table, report_table, show

    if made.type is ReportType.PATTERNS:
        told = patterns_table(patterns) if patterns else Text("no trade is closed yet", "dim")
        show(Group(Text(made.title, "bold"), Text(), told))
        return
    rows = [row for section in _alone(made) for row in trade_rows(history, section.told, zone)]
    show(report_table(made, rows))


def _trade_tables(found: dict[str, list[ReportRow]], newest: date | None, days: int) -> None:
    from rich.console import Group
    from rich.text import Text

    from adapters.common.redaction import printable
    from tstream.reports.tables import show, trades_table

    if not any(found.values()):
        until = "" if newest is None else f" in the {days} days up to {newest}"
        show(Text(f"no trade was closed{until}", "dim"))
        return
    for title, rows in found.items():
        if rows:
            head = Text.assemble(
                (f"[{rows[0].kind.upper()}] ", "bold"), printable(title), f" · {rows[0].currency}"
            )
            show(Group(head, trades_table(rows, 100), Text()))


def _alone(made: Report) -> list[ReportSection]:
    return [section for section in made.sections if len(section.books) == 1]


def _document(
    made: Report, history: ReportHistory, patterns: Sequence[PatternRow], zone: str
) -> dict[str, Any]:
    told: dict[str, Any] = {"type": made.type, "first": made.first, "last": made.last}
    if made.type is ReportType.PATTERNS:
        return {**told, "patterns": patterns}
    alone = _alone(made)
    return {
        **told,
        "books": [
            {**_section(section), "trades": list(trade_rows(history, section.told, zone))}
            for section in alone
        ],
        "together": [_section(section) for section in made.sections if section not in alone],
        "in_usd": made.together,
    }


def _section(section: ReportSection) -> dict[str, Any]:
    told = section.told
    return {
        "books": section.books,
        "account": told.account,
        "kind": told.kind,
        "currency": told.currency,
        "start_usd": told.start_usd or None,
        "statistics": section.statistics,
        "ruin": section.ruin,
        "floor_usd": section.floor_usd,
        "days": section.days,
        "groups": {one.by: one.groups for one in grouped(section.told)},
    }


def _section_lines(made: Report) -> Iterable[list[str]]:
    """A head and a line a section: its statistics."""
    for n, section in enumerate(made.sections):
        head, line = csv_lines([section.statistics])
        told = section.told
        names = ("books", "kind", "currency", "first", "last", "risk_of_ruin")
        ruin = "" if section.ruin is None else str(section.ruin.probability)
        if not n:
            yield [*names, *head]
        first = [" ".join(section.books), told.kind, told.currency, str(made.first), str(made.last), ruin]
        yield [*first, *line]


def _page(made: Report, history: ReportHistory, patterns: Sequence[PatternRow], file: Path, zone: str) -> str:
    from tstream.reports.numbers import money, times
    from tstream.reports.page import PagePart, html_report

    owners = history.owners()
    parts = []
    for section in made.sections:
        told = section.told
        own = [row for row in patterns if section.books == (row.book,) and row.currency == told.currency]
        lines = [pattern_cells(row) for row in own]
        facts = [("period", f"{made.first} to {made.last}"), ("days by", told.calendar.clock_name)]
        if len(section.books) > 1:
            facts.append(("books", ", ".join(section.books)))
        if told.start_usd > 0:
            facts.append(("began with", f"{told.start_usd:,.2f} {told.currency}"))
        if section.floor_usd is not None:
            facts.append(("floor", f"{section.floor_usd:,.2f} {told.currency} below"))
        parts.append(
            PagePart(
                told.title,
                told.kind,
                told.currency,
                told.calendar,
                told.trades,
                told.equity,
                told.start_usd,
                section.statistics,
                history.instruments,
                section.ruin,
                owners,
                facts,
                ("Patterns", [PATTERN_HEAD, *lines] if lines else ()),
                zone,
                [] if made.type is ReportType.PATTERNS else group_tables(grouped(told)),
                told.notes,
            )
        )
    closed = sum(len(section.told.trades) for section in _alone(made))
    sums = [
        f"{kind.upper()} all together: {'' if one.usd is None else f'net {money(one.usd)} USD; '}{one.words}"
        for kind, one in made.together.items()
    ]
    return html_report(made.title, f"{times(closed, 'trade')} · {file.parent.name}", parts, notes=sums)


def _json(what: object) -> None:
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(what), indent=2).decode() + "\n")


def _csv(lines: Iterable[Sequence[str]]) -> None:
    csv.writer(sys.stdout, lineterminator="\n").writerows(lines)


def _write(file: Path, page: str) -> None:
    if str(file) == "-":
        sys.stdout.write(page)
        return
    try:
        file.write_text(page, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"can't write {file}: {error.strerror}") from None
    sys.stderr.write(f"written to {file}; open it in any browser\n")
