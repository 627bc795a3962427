"""The dashboard: thirty days, risk, the last alerts, and how everything is, of all books on one page."""

from __future__ import annotations

from decimal import Decimal

from engine.model.view import BookView, View
from engine.model.view_performance import ComponentView, PerformanceView, ProcessView
from tui import clock_times as times
from tui import number_format as figures
from tui.plain_text import plain
from tui.rows import room_messages
from tui.rows.shared import kind_mark
from tui.screen_state import ScreenState
from tui.styled_text import EMPTY, Column, Row, cell, fit, join, table, width_of, wrap
from tui.view_facts import kind_of

ALERTS_SHOWN = 5
_TWO_COLUMNS = 110
"""Cells from which on alerts and components stand beside each other."""
_GAP = 3
_DOT = (" · ", "faint")

_PERFORMANCE = (
    Column("book", "<"),
    Column("trades"),
    Column("won"),
    Column("PF"),
    Column("Sharpe"),
    Column("max drawdown"),
    Column("now", rank=2),
    Column("streak", "<", rank=1),
    Column("net", rank=0),
    Column("", "<", rank=3),
)
_RISK = (
    Column("book", "<"),
    Column("VaR 95", rank=0),
    Column("VaR 99", rank=2),
    Column("volatility"),
    Column("Kelly"),
    Column("risk of ruin"),
    Column("recovery"),
)
_COMPONENTS = (
    Column("component", "<"),
    Column("", "<", least=8),
    Column("for", rank=2),
    Column("detail", "<", rank=1, least=10, grow=True),
)


def dashboard_rows(state: ScreenState, width: int) -> list[Row]:
    """Everything; scrolls where there is not enough room."""
    view = state.view
    rows = [*_today(view, width), EMPTY, *_figures(view, width), EMPTY]
    if width < _TWO_COLUMNS:
        return [*rows, *_alerts(state, width), EMPTY, *_health(view, width)]
    left = (width - _GAP) * 11 // 20
    return rows + beside(_alerts(state, left), _health(view, width - _GAP - left), left, _GAP)


def beside(left: list[Row], right: list[Row], width: int, gap: int) -> list[Row]:
    """Two columns of rows, the left one `width` cells wide."""
    space = (" " * gap, "text")
    count = max(len(left), len(right))
    lefts, rights = (part + [EMPTY] * (count - len(part)) for part in (left, right))
    return [(*fit(a or cell(""), width), space, *b) for a, b in zip(lefts, rights, strict=True)]


def _head(text: str, more: str = "") -> Row:
    return ((text, "accent bold"), (f"  {more}" if more else "", "dim"))


def _today(view: View, width: int) -> list[Row]:
    """Of each book: the day, its trades, what is open."""
    rows: list[Row] = [_head("Today", view.session.trade_date)]
    if not view.books:
        return [*rows, cell("no account yet", "faint")]
    return rows + [fit(_day(view, book), width) for book in view.books]


def _day(view: View, book: BookView) -> Row:
    held = sum(1 for position in view.positions if position.book == book.book)
    won = f", {book.wins} won ({figures.percent(book.wins / book.trades)})" if book.trades else ""
    parts: list[Row] = [
        (
            *kind_mark(view, book.kind),
            (f"{plain(book.book)} ", "text"),
            (figures.signed(book.day_usd), f"{figures.tone(book.day_usd)} bold"),
            (f" {plain(book.currency)}", "dim"),
        ),
        cell(f"{book.trades} trade{'s' * (book.trades != 1)}{won}", "text"),
        cell(f"{held or 'no'} position{'s' * (held != 1)} open", "text" if held else "dim"),
        cell(plain(book.state.value), "ok" if book.restriction is None else "warn"),
    ]
    return join(parts, _DOT)


def _figures(view: View, width: int) -> list[Row]:
    """Thirty days and risk, a row for each book."""
    told = view.performance
    if not told:
        return [_head("Last 30 days"), cell("worked out in a moment, once there is an account", "faint")]
    head, body = table(_PERFORMANCE, [_performance(view, one) for one in told], width)
    risk_head, risk_body = table(_RISK, [_risk(view, one) for one in told], width)
    kinds = {plain(book.currency) for book in view.books}
    money = f"money in {kinds.pop()}" if len(kinds) == 1 else "money in the currency of each book"
    rows = [_head("Last 30 days", money), head, *body, EMPTY, _head("Risk"), risk_head, *risk_body]
    if any(None in (one.sharpe, one.var_95_usd, one.kelly, one.ruin) for one in told):
        words = (
            f"{figures.NONE} too little is known: Sharpe and volatility need 10 days, VaR 95 needs 20 and "
            "VaR 99 needs 100, Kelly and risk of ruin 30 trades"
        )
        rows += [cell(line, "faint") for line in wrap(words, width)]
    return rows


def _name(view: View, one: PerformanceView) -> Row:
    return (*kind_mark(view, kind_of(view, one.book)), (plain(one.book), "text"))


def _performance(view: View, one: PerformanceView) -> tuple[Row, ...]:
    fallen = figures.NONE if one.max_drawdown_usd is None else figures.signed(-one.max_drawdown_usd)
    share = "" if one.max_drawdown is None else f" {figures.percent(one.max_drawdown, 1)}"
    streak = f"{abs(one.run)} {'won' if one.run > 0 else 'lost'}" if one.run else figures.NONE
    return (
        _name(view, one),
        cell(str(one.trades), "text"),
        cell(figures.percent(one.wins / one.trades if one.trades else None), "text"),
        _number(one.profit_factor),
        _number(one.sharpe),
        cell(f"{fallen}{share}", "text"),
        cell(figures.percent(one.drawdown, 1), "warn" if (one.drawdown or 0) >= 0.1 else "text"),
        cell(streak, figures.tone(one.run) if one.run else "dim"),
        cell(figures.signed(one.net_usd), f"{figures.tone(one.net_usd)} bold"),
        cell(f"{one.days} day{'s' * (one.days != 1)}", "dim"),
    )


def _risk(view: View, one: PerformanceView) -> tuple[Row, ...]:
    ruin: Row = cell(figures.NONE, "dim")
    if one.ruin is not None:
        bounds = f" {100 * one.ruin.low:.1f}–{100 * one.ruin.high:.1f}"
        style = "warn" if one.ruin.high >= 0.05 else "text"
        ruin = ((figures.percent(one.ruin.probability, 1), style), (bounds, "dim"))
    return (
        _name(view, one),
        _money(one.var_95_usd),
        _money(one.var_99_usd),
        cell(figures.percent(one.volatility, 1), "text" if one.volatility is not None else "dim"),
        cell(figures.percent(one.kelly, 1), "text" if one.kelly is not None else "dim"),
        ruin,
        _number(one.recovery_factor),
    )


def _number(value: float | None) -> Row:
    if value is None:
        return cell(figures.NONE, "dim")
    return cell(figures.signed(Decimal(str(round(value, 2)))) if value < 0 else f"{value:.2f}", "text")


def _money(usd: Decimal | None) -> Row:
    return cell(figures.usd(usd), "text" if usd is not None else "dim")


def _alerts(state: ScreenState, width: int) -> list[Row]:
    """The last messages of alert rooms, the newest first, each with what came of it."""
    rows: list[Row] = [_head("Last alerts")]
    shown = state.view.alerts[-ALERTS_SHOWN:]
    if not shown:
        return [*rows, cell("no alert room has said anything", "faint")]
    for alert in reversed(shown):
        rows += room_messages.message_rows(state, alert, width, waiting=False)
    return rows


def _health(view: View, width: int) -> list[Row]:
    """Components, and what the engine's process takes."""
    rows: list[Row] = [_head("Health")]
    parts = view.health.components
    if view.health.stopped:
        rows.append(
            cell(f"the engine is down: {plain(view.health.detail) or 'no reason given'}", "error bold")
        )
    elif not parts:
        rows.append(cell("nothing known yet", "faint"))
    else:
        head, body = table(_COMPONENTS, [_component(view, one) for one in parts], width)
        rows += [head, *body]
    return [*rows, *_process(view, view.health.process, width)]


def _component(view: View, one: ComponentView) -> tuple[Row, ...]:
    since = f"since {times.when(one.since, view.ts, view.told_in)}" if one.since else ""
    return (
        cell(plain(one.name), "text"),
        cell("● ok", "ok") if one.ok else cell("✕ failed", "error bold"),
        cell(figures.lasting(view.ts - one.since) if one.since else figures.NONE, "dim"),
        cell(plain(one.detail) or since, "dim" if one.ok else "text"),
    )


def _process(view: View, process: ProcessView | None, width: int) -> list[Row]:
    """ "CPU 4 % · memory 142 MB · disk 48.1 of 99.0 GB free · up 2h 05m", in two lines where it is narrow."""
    up: Row = (("up ", "dim"), (figures.duration(view.uptime_ns), "text"))
    if process is None:
        return [fit(up, width)]
    free = f"{process.disk_free_bytes / 1e9:.1f} of {process.disk_bytes / 1e9:.1f} GB free"
    takes: Row = join(
        [
            (("CPU ", "dim"), (figures.percent(process.cpu_percent / 100), "text")),
            (("memory ", "dim"), (f"{process.memory_bytes / 1e6:.0f} MB", "text")),
        ],
        _DOT,
    )
    rest: Row = join([(("disk ", "dim"), (free, "text")), up], _DOT)
    whole = join([takes, rest], _DOT)
    return [fit(row, width) for row in ([whole] if width_of(whole) <= width else [takes, rest])]
