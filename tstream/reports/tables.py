"""Reports in a terminal: tables that fit 80 columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from adapters.common.redaction import printable
from engine.model.rates import RatedSum
from engine.portfolio.daily import Day
from engine.state.position import Trade
from tstream.reports.figures import EQUITY, RISK, SIZE, TRADES, figures, groups
from tstream.reports.numbers import in_r, money
from tstream.reports.patterns import PATTERN_HEAD, PatternRow, pattern_cells
from tstream.reports.report import Report, ReportSection, ReportType
from tstream.reports.rows import ReportRow

_SHOWN = 20
_PAIRS = {
    ReportType.DAILY: ((TRADES, SIZE),),
    ReportType.WEEKLY: ((TRADES, SIZE), (EQUITY, RISK)),
    ReportType.MONTHLY: ((TRADES, SIZE), (EQUITY, RISK)),
    ReportType.RISK: ((EQUITY, RISK),),
}


def report_table(report: Report, rows: Sequence[ReportRow]) -> RenderableType:
    """Each book with its figures; days of a week or month, trades of a day. `rows` are the trades of it."""
    parts: list[RenderableType] = [Text(report.title, "bold")]
    for section in report.sections:
        parts += [Text(), _head(section)]
        if not section.statistics.trades and not section.statistics.days:
            parts.append(Text("nothing happened here in this time", "dim"))
            continue
        parts.append(_result(section))
        parts += [_figures(section, pair) for pair in _PAIRS.get(report.type, ())]
        if report.type in (ReportType.WEEKLY, ReportType.MONTHLY):
            parts.append(_days(section))
        own = [row for row in rows if len(section.books) == 1 and row.section == section.told.title]
        if report.type is ReportType.DAILY and own:
            parts.append(trades_table(own))
        if report.type is ReportType.RISK and section.floor_usd is not None:
            told = (
                f"the floor is {section.floor_usd:,.2f} {section.told.currency} below; --floor takes another"
            )
            parts.append(Text(told, "dim"))
    for kind, one in report.together.items():
        parts.append(Text.assemble("\n", (f"[{kind.upper()}] ", "bold"), "all together  "))
        parts.append(_summed(one))
    return Group(*parts)


def _summed(one: RatedSum) -> Text:
    """Several currencies as one, and by which rates."""
    total = "" if one.usd is None else f"net {money(one.usd)} USD  "
    return Text.assemble(total, (printable(one.words), "dim" if one.usd is not None else "yellow"))


def trades_table(rows: Sequence[ReportRow], shown: int = _SHOWN) -> RenderableType:
    """The newest trades, newest last."""
    table = _table()
    for name in ("closed", "contract"):
        table.add_column(name, no_wrap=True, overflow="ellipsis")
    for name in ("qty", "entry", "exit", "net", "R", "MAE", "MFE"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("end", no_wrap=True, overflow="ellipsis")
    for row in rows[-shown:]:
        table.add_row(
            row.clock[5:],
            _text(row.contract),
            _text(row.signed_qty),
            *(_text(text) for text in (str(row.entry), str(row.exit))),
            Text(money(row.net), "green" if row.net > 0 else "red"),
            in_r(row.r).removesuffix(" R"),
            f"{row.mae:,.0f}",
            f"{row.mfe:,.0f}",
            _text(row.reason),
        )
    if len(rows) <= shown:
        return table
    return Group(table, Text(f"the newest {shown} of {len(rows):,}; --csv and --json give all", "dim"))


def patterns_table(rows: Sequence[PatternRow]) -> RenderableType:
    """What each pattern has earned, the best first."""
    table = _table()
    for n, name in enumerate(PATTERN_HEAD):
        table.add_column(name, justify="left" if n < 4 else "right", no_wrap=True, overflow="ellipsis")
    for row in rows:
        *cells, net = pattern_cells(row)
        table.add_row(*map(_text, cells), Text(net, "green" if row.net_usd > 0 else "red"))
    return table


def show(what: RenderableType) -> None:
    """On stdout, at most as wide as that is; 80 columns where it is no terminal."""
    Console(highlight=False).print(what)


def _head(section: ReportSection) -> Text:
    told = section.told
    head = Text.assemble((f"[{told.kind.upper()}] ", "bold red" if told.kind == "live" else "bold blue"))
    head.append(printable(told.title), "bold")
    head.append(f" · {printable(told.currency)}", "dim")
    if len(section.books) > 1:
        head.append(f" · {printable(', '.join(section.books))}", "dim")
    return head


def _result(section: ReportSection) -> Text:
    """What the time came to with what is open, and how deep it fell on the way."""
    found, net = section.statistics, section.net_usd
    fall = found.max_drawdown_usd
    text = Text.assemble("net ", (money(net), "bold green" if net > 0 else "bold red" if net < 0 else "bold"))
    text.append(" at the mark" if found.drawdown_at_mark else " of closed trades", "dim")
    return text.append(f" · deepest fall {money(None if fall is None else -fall)}", "dim")


def _figures(section: ReportSection, pair: Sequence[str]) -> Table:
    """Two groups beside each other."""
    found = dict(groups(figures(section.statistics, section.ruin)))
    table = Table.grid(padding=(0, 1))
    for side in (1, 2):
        table.add_column(style="dim", no_wrap=True)
        table.add_column(justify="right", no_wrap=True, min_width=10)
        if side == 1:
            table.add_column(min_width=1)
    for left, right in zip_longest(*(found[name] for name in pair), fillvalue=("", "")):
        table.add_row(*left, "", *right)
    return table


def _days(section: ReportSection) -> RenderableType:
    table = _table()
    table.add_column("day")
    for name in ("trades", "won", "net", "equity"):
        table.add_column(name, justify="right")
    told = section.told
    for day in section.days:
        own = [trade for trade in told.trades if told.calendar.trade_date(trade.closed_ts) == day.date]
        table.add_row(*_day(day, own, told.start_usd > 0))
    return table


def _day(day: Day, own: Sequence[Trade], known: bool) -> Iterable[str | Text]:
    yield f"{day.date:%a %Y-%m-%d}"
    yield str(len(own))
    yield str(sum(trade.net_usd > 0 for trade in own))
    yield Text(money(day.net_usd), "green" if day.net_usd > 0 else "red" if day.net_usd < 0 else "")
    yield f"{day.close_usd:,.2f}" if known else ""


def _table() -> Table:
    return Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim")


def _text(text: str) -> Text:
    """Text from outside is no markup."""
    return Text(printable(text))
