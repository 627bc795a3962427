"""Trades that are over: the list, one trade with all that is known of it, figures by what trades have in
common, and the days as a calendar whose cells are the warmer the more a day came to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from decimal import Decimal

from engine.model.market import Side
from engine.model.review import FEW, DayTold, Group, Grouping, JournalTold, ReviewedTrade
from engine.model.view import View
from tui import clock_times as times
from tui import number_format as figures
from tui.plain_text import plain
from tui.styled_text import EMPTY, Column, Row, Span, cell, fit, table, width_of, wrap
from tui.things import Thing, ThingKind
from tui.view_facts import lot_of

_LIST = (
    Column("closed", "<"),
    Column("contract", "<"),
    Column("side", "<"),
    Column("net", least=9),
    Column("R", rank=1, least=5),
    Column("setup", "<", rank=1, least=8),
    Column("tf", "<", rank=7),
    Column("entry", rank=6),
    Column("exit", rank=6),
    Column("MAE", rank=8),
    Column("MFE", rank=8),
    Column("eff.", rank=8),
    Column("end", "<", rank=4, least=4),
    Column("book", "<", rank=9),
    Column("note", "<", rank=2, least=14, grow=True),
)
_GROUPS = (
    Column("", "<", least=16),
    Column("trades"),
    Column("won", least=5),
    Column("95 %", rank=4, least=6),
    Column("PF", rank=1, least=5),
    Column("mean R", rank=1),
    Column("MAE", rank=6, least=5),
    Column("MFE", rank=6, least=5),
    Column("eff.", rank=7, least=7),
    Column("net", least=11),
)
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_HEAT = "░▒▓█"
"""From a little to much: what a day came to, next to the largest that is shown."""


def thing_of(trade: ReviewedTrade) -> Thing:
    return Thing(ThingKind.TRADE, f"{trade.book}/{trade.key}", trade.instrument, trade.book)


NO_NOTE = "none; e writes one, #words in it are tags"


def list_rows(told: JournalTold, view: View, width: int) -> tuple[Row, list[Row], tuple[Thing, ...]]:
    """Head and rows of the trades, newest first, and what each is about."""
    head, rows = table(_LIST, [_listed(one, told, view) for one in told.trades], width)
    return head, rows, tuple(map(thing_of, told.trades))


def _listed(trade: ReviewedTrade, told: JournalTold, view: View) -> tuple[Row, ...]:
    closed = times.clock(trade.closed_ts, view.told_in)
    if told.first != told.last:
        closed = f"{trade.trade_date[5:]} {closed[:5]}"
    note = " ".join(plain(trade.note).split())
    return (
        cell(closed, "dim"),
        cell(plain(trade.instrument), "accent"),
        _side(trade, view),
        cell(figures.signed(trade.net_usd), f"{figures.tone(trade.net_usd)} bold"),
        cell(_r(trade.r), figures.tone(trade.net_usd)),
        cell(plain(trade.setup) or figures.NONE),
        cell(trade.timeframe or figures.NONE, "dim"),
        cell(f"{trade.entry}", "dim"),
        cell(f"{trade.exit}", "dim"),
        cell(f"{trade.mae_usd:.0f}".replace("-", figures.MINUS), "dim"),
        cell(f"{trade.mfe_usd:.0f}", "dim"),
        cell(figures.percent(trade.efficiency), "dim"),
        cell(plain(trade.reason)),
        cell(plain(trade.book), "dim"),
        cell(f"✎ {note}" if note else "", "accent"),
    )


def _side(trade: ReviewedTrade, view: View) -> Row:
    sign = trade.side.sign
    return cell(figures.held(sign * trade.qty, lot_of(view, trade.instrument)), figures.side(sign))


def detail_rows(trade: ReviewedTrade, told: JournalTold, view: View, width: int) -> list[Row]:
    """All that is known of one trade; long words are wrapped."""
    zone, money = view.told_in, plain(told.currency)
    held = figures.lasting(trade.closed_ts - trade.opened_ts)
    way = "long" if trade.side is Side.BUY else "short"
    slip = figures.NONE if trade.slippage_usd is None else f"{figures.signed(-trade.slippage_usd)} {money}"
    score = f"{trade.score_tenths / 10:.1f}" if trade.score_tenths else figures.NONE
    rows: list[Row] = [
        (
            (f"{plain(trade.instrument)} ", "accent bold"),
            (f"{way} ", figures.side(trade.side.sign)),
            *_side(trade, view),
            ("   ", "text"),
            (f"{figures.signed(trade.net_usd)} {money}", f"{figures.tone(trade.net_usd)} bold"),
            (f"   {_r(trade.r)} R", figures.tone(trade.net_usd)),
        ),
    ]
    facts = [("note", trade.note), ("why", "; ".join(trade.reasons))]
    if not trade.note:
        facts.append(("note", NO_NOTE))
    facts += [
        ("entered", f"{trade.entry} at {times.clock(trade.opened_ts, zone)}"),
        ("left", f"{trade.exit} at {times.clock(trade.closed_ts, zone)} by {plain(trade.reason)}"),
        ("held", f"{held}, trade date {trade.trade_date}"),
        ("book", plain(trade.book)),
        ("came of", f"{plain(trade.setup) or figures.NONE} · {trade.timeframe or 'no timeframe'}"),
        ("by", f"{plain(trade.owner) or 'nobody of ours'} · score {score}"),
        ("worst, best", f"{figures.signed(trade.mae_usd)} · {figures.signed(trade.mfe_usd)} {money}"),
        ("efficiency", f"{figures.percent(trade.efficiency)} of the best"),
        ("gross, costs", f"{figures.signed(trade.gross_usd)} · {figures.signed(-trade.costs_usd)} {money}"),
        ("slippage", slip),
    ]
    for name, words in facts:
        style = "faint" if words is NO_NOTE else "text"
        lines = [line for part in plain(words).splitlines() for line in wrap(part, max(10, width - 14))]
        for n, line in enumerate(lines):
            rows.append(((f"{'' if n else name:<13} ", "dim"), (line, style)))
    return [fit(row, width) for row in rows]


def summary_row(told: JournalTold, width: int) -> Row:
    """What the whole range came to."""
    one = told.total
    row: list[Span] = [
        (f"{one.trades} trade{'s' * (one.trades != 1)}  ", "text bold"),
        (f"{figures.signed(one.net_usd)} {plain(told.currency)}", f"{figures.tone(one.net_usd)} bold"),
        (f"   won {_won(one)}", "text"),
        (f"   PF {_number(one.profit_factor)}", "text"),
        (f"   mean {_r(one.expectancy_r)} R of {one.r_trades}", "text"),
        (f"   efficiency {figures.percent(one.efficiency)}", "dim"),
    ]
    while len(row) > 2 and width_of(tuple(row)) > width:
        row.pop()
    return fit(tuple(row), width)


def statistics_rows(told: JournalTold, width: int) -> list[Row]:
    """A table for each thing that trades can have in common."""
    rows: list[Row] = []
    few = False
    for grouping in told.groupings:
        if not grouping.groups:
            continue
        few = few or any(one.few for one in grouping.groups)
        rows += [*_grouping(grouping, width), EMPTY]
    if few:
        words = (
            f"~ fewer than {FEW} trades: such figures say little, and the best of many says less still. "
            "95 %: between these lies the share of wins, as far as so many trades can tell."
        )
        rows += [cell(line, "dim") for line in wrap(words, width)]
    return rows


def _grouping(grouping: Grouping, width: int) -> list[Row]:
    columns = (Column(f"by {grouping.by}", "<", least=16), *_GROUPS[1:])
    head, body = table(columns, [_group(one) for one in grouping.groups], width)
    return [head, *body]


def _group(one: Group) -> tuple[Row, ...]:
    look = "dim" if one.few else "text"
    low, high = one.win_low or 0.0, one.win_high or 0.0
    return (
        cell(plain(one.name), "accent"),
        cell(f"{'~' if one.few else ''}{one.trades}", look),
        cell(_won(one), look),
        cell(f"{100 * low:.0f}–{100 * high:.0f}", "dim"),
        cell(_number(one.profit_factor), look),
        cell(_r(one.expectancy_r), look),
        cell(_whole(one.average_mae_usd), "dim"),
        cell(_whole(one.average_mfe_usd), "dim"),
        cell(figures.percent(one.efficiency), "dim"),
        cell(figures.signed(one.net_usd), figures.tone(one.net_usd)),
    )


def calendar_rows(told: JournalTold, width: int) -> tuple[Row, list[Row]]:
    """A row a week, the newest on top, with what each day and the week came to."""
    if not told.days:
        return EMPTY, [cell("no day with a trade yet", "faint")]
    nets = {date.fromisoformat(day.date): day for day in told.days}
    last, first = max(nets), min(nets)
    used = [n for n in range(7) if n < 5 or any(day.weekday() == n for day in nets)]
    room = (width - 8) // (len(used) + 1)
    wide = max(6, min(13, room))
    most = max((abs(day.net_usd) for day in told.days), default=Decimal(0))
    head = (
        (f"{'week of':<8}", "dim"),
        *((f"{_DAYS[n]:>{wide}}", "dim") for n in used),
        (f"{'week':>{wide}}", "dim"),
    )
    rows: list[Row] = []
    monday = last - timedelta(days=last.weekday())
    while monday >= first - timedelta(days=6):
        days = [nets.get(monday + timedelta(days=n)) for n in used]
        total = sum((day.net_usd for day in days if day is not None), Decimal(0))
        cells = [_day(day, most, wide) for day in days]
        week: Row = cell("", "text")
        if any(day is not None for day in days):
            week = ((f"{_compact(total, wide - 1):>{wide}}", f"{figures.tone(total)} bold"),)
        label: Row = ((f"{monday:%d %b}  ", "dim"),)
        rows.append(fit((*label, *(span for one in cells for span in one), *week), width))
        monday -= timedelta(days=7)
    return head, rows


def _day(day: DayTold | None, most: Decimal, wide: int) -> Row:
    if day is None:
        return ((f"{'·':>{wide}}", "faint"),)
    depth = min(3, int(abs(day.net_usd) / most * 4)) if most else 0
    words = _compact(day.net_usd, wide - 3)
    tone = figures.tone(day.net_usd)
    return ((f"{words:>{wide - 1}}", f"{tone} bold" if depth > 1 else tone), (_HEAT[depth], tone))


def _compact(amount: Decimal, room: int) -> str:
    """As exactly as it fits: "+184.20", "+184", "+1.8k"."""
    forms: Sequence[Callable[[], str]] = (
        lambda: figures.signed(amount),
        lambda: figures.signed(amount.quantize(Decimal(1)), 0),
        lambda: f"{figures.signed(amount / 1000, 1)}k",
    )
    return next(
        (text for form in forms if len(text := form()) <= room), f"{figures.signed(amount / 1000, 0)}k"
    )


def _won(one: Group) -> str:
    return figures.percent(one.wins / one.trades if one.trades else None)


def _r(value: float | None) -> str:
    return figures.NONE if value is None else figures.signed(Decimal(f"{value:.2f}"))


def _number(value: float | None) -> str:
    return figures.NONE if value is None else f"{value:.2f}"


def _whole(value: Decimal | None) -> str:
    return figures.NONE if value is None else f"{value:.0f}".replace("-", figures.MINUS)
