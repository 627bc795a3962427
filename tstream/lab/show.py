"""What a backtest came to, for people, for spreadsheets and for scripts."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from engine.lab.backtest import Backtest
from engine.lab.curve import Point
from engine.market.calendars.known import calendar_of
from engine.market.calendars.part_of_day import PartOfDay
from engine.model.instrument import Instrument
from engine.model.market import NANOS
from engine.portfolio.statistics import Statistics, statistics
from engine.state.position import Trade, nearest_tick
from tstream.clock import iso, utc
from tstream.lab.asked import LabRequest, Params
from tstream.lab.past import RecordedPast
from tstream.reports.numbers import in_r, percent, ratio
from tstream.reports.opinion_lines import IN_SAMPLE, opinion_lines
from tstream.reports.report import ruin_of

_SHOWN = 20
"""Trades in a table; the rest go to a file."""
_WIDTH, _HEIGHT = 100, 14
"""Of a drawing, characters."""
_NAMED = 4
"""Parts of its axes that are named."""
_DAY = 24 * 3600 * NANOS
_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")

_COLUMNS = (
    "opened",
    "closed",
    "side",
    "qty",
    "entry",
    "exit",
    "reason",
    "gross_usd",
    "costs_usd",
    "net_usd",
    "mae_usd",
    "mfe_usd",
    "r",
)


def row_of(trade: Trade, instrument: Instrument) -> dict[str, Any]:
    """One trade in plain values: prices in price units, money in USD, times ISO 8601 UTC."""
    return {
        "opened": iso(trade.opened_ts),
        "closed": iso(trade.closed_ts),
        "side": "long" if trade.side.sign > 0 else "short",
        "qty": trade.qty,
        "entry": str(instrument.price(nearest_tick(trade.entry_sum, trade.qty))),
        "exit": str(instrument.price(nearest_tick(trade.exit_sum, trade.qty))),
        "reason": trade.reason,
        "gross_usd": trade.gross_usd,
        "costs_usd": trade.costs_usd,
        "net_usd": trade.net_usd,
        "mae_usd": trade.mae_usd,
        "mfe_usd": trade.mfe_usd,
        "r": None if trade.r is None else round(trade.r, 4),
    }


def as_csv(result: Backtest, instrument: Instrument) -> str:
    """All trades, one a line."""
    out = io.StringIO()
    lines = csv.DictWriter(out, _COLUMNS, lineterminator="\n")
    lines.writeheader()
    lines.writerows(row_of(trade, instrument) for trade in result.trades)
    return out.getvalue()


def as_json(result: Backtest, past: RecordedPast, asked: LabRequest, params: Params) -> str:
    """All of it."""
    summary = result.summary
    found = {
        "tape": past.name,
        "contract": asked.contract,
        "strategy": asked.strategy,
        "params": dict(params),
        "start": iso(result.start_ts),
        "end": iso(result.end_ts),
        "events": result.events,
        "told_in": "bars" if past.bars else "ticks",
        "fills": summary.fills,
        "trades": summary.trades,
        "net_usd": summary.net_usd,
        "costs_usd": summary.costs_usd,
        "win_rate": summary.win_rate,
        "profit_factor": summary.profit_factor,
        "max_drawdown_usd": summary.max_drawdown_usd,
        "statistics": statistics_of(result, past),
        "open_positions": dict(summary.open_positions),
        "hours": _hours(past),
        "held_over_gaps": summary.held_over,
        "refusals": dict(summary.refusals),
        "opinion": summary.opinion,
        "trade_list": [row_of(trade, past.instrument) for trade in result.trades],
        "equity": [(iso(ts), usd) for ts, usd in result.equity],
    }
    return msgspec.json.Encoder(decimal_format="number").encode(found).decode()


def statistics_of(result: Backtest, past: RecordedPast) -> Statistics:
    """All figures (docs/statistics.md), open positions at what they could be closed for."""
    calendar = calendar_of(past.instrument.calendar)
    deepest = result.summary.max_drawdown_usd
    return statistics(result.trades, result.equity, result.equity[0][1], calendar, deepest)


def as_page(result: Backtest, past: RecordedPast, asked: LabRequest, params: Params) -> str:
    """One HTML file."""
    from tstream.reports.page import PagePart, html_report

    summary, instrument = result.summary, past.instrument
    span = f"{utc(result.start_ts):%Y-%m-%d} to {utc(result.end_ts):%Y-%m-%d}"
    facts = [
        ("recording", past.name),
        ("strategy", asked.strategy),
        *(("parameter", f"{key} = {value}") for key, value in params.items()),
        ("played", f"{result.events:,} {'bars' if past.bars else 'quotes and prints'}, {span}"),
        ("fills", summary.fills),
        ("costs", f"{instrument.cost_usd} {instrument.currency} a lot and side"),
        *(("still open", f"{symbol} {qty:+f}, not counted") for symbol, qty in summary.open_positions),
        *_unseen(result, past),
        *(("refused", f"{count} × {reason}") for reason, count in summary.refusals[:5]),
        *((label.strip(), value) for label, value in opinion_lines(summary.opinion)),
    ]
    found = statistics_of(result, past)
    start_usd = result.equity[0][1]
    part = PagePart(
        asked.strategy,
        "backtest",
        instrument.currency,
        calendar_of(instrument.calendar),
        result.trades,
        result.equity,
        start_usd,
        found,
        {instrument.symbol: instrument},
        ruin_of(result.trades, start_usd / 10),
        facts=facts,
    )
    seen = "" if summary.opinion is None else summary.opinion.in_sample
    notes = [f"{IN_SAMPLE}: {seen}. It has seen the answers, so this result proves nothing."] if seen else []
    return html_report(f"Backtest of {asked.contract}", f"{asked.strategy} · {span}", [part], notes=notes)


def show(result: Backtest, past: RecordedPast, asked: LabRequest, params: Params) -> None:
    """Trades, equity, drawdown and figures on stdout."""
    from rich.console import Console

    console = Console(highlight=False, markup=False)
    _trades(console, result, past)
    width = min(_WIDTH, console.width)
    if len(result.equity) > 1:
        console.print(_drawn(result.equity, width))
    console.print(words(result, past, asked, params))


def _trades(console: Any, result: Backtest, past: RecordedPast) -> None:
    from rich.table import Table

    if not result.trades:
        return
    caption = "times are UTC, of the fills"
    if len(result.trades) > _SHOWN:
        caption += f"; the last {_SHOWN} of {len(result.trades)}, --csv FILE writes all"
    long = result.end_ts - result.start_ts > 300 * _DAY
    table = Table(caption=caption, caption_justify="left", box=None, pad_edge=False, header_style="dim")
    for name in ("opened", "closed", "side"):
        table.add_column(name, no_wrap=True)
    wide = console.width >= _WIDTH
    for name in ("qty", "entry", "exit", "net USD", *(("MAE", "MFE") if wide else ())):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("by", no_wrap=True)
    for trade in result.trades[-_SHOWN:]:
        row = row_of(trade, past.instrument)
        table.add_row(
            f"{utc(trade.opened_ts):{'%y-%m-%d %H:%M' if long else '%m-%d %H:%M'}}",
            f"{utc(trade.closed_ts):%m-%d %H:%M}",
            row["side"],
            str(trade.qty),
            row["entry"],
            row["exit"],
            f"{trade.net_usd:+.2f}",
            *((f"{trade.mae_usd:.2f}", f"{trade.mfe_usd:.2f}") if wide else ()),
            trade.reason,
        )
    console.print(table)


def _drawn(equity: Sequence[Point], width: int) -> str:
    """The equity and how far it is below its high, by plotext."""
    import plotext

    plotext.terminal.limit(False, False)
    days = [(ts - equity[0][0]) / _DAY for ts, _ in equity]
    figure, drawn = plotext.figure, []
    for title, values in (
        ("equity, USD", [float(usd) for _, usd in equity]),
        ("below its high, USD", falls(equity)),
    ):
        figure.clear()
        figure.plot_size(width, _HEIGHT)
        figure.theme("colorless")
        figure.title(title)
        figure.ruler("x").ticks(*_dates(equity))
        figure.ruler("y").ticks(*_amounts(values))
        figure.draw(figure.signal(days, values, marker="braille").lines())
        drawn += [_ESCAPES.sub("", line).rstrip() for line in figure.build().string().split("\n")]
    return "\n".join(drawn)


def _dates(equity: Sequence[Point]) -> tuple[list[float], list[str]]:
    """Where the drawing's days are named, and how: by the hour where it is short."""
    first, last = equity[0][0], equity[-1][0]
    form = "%d %b %Y" if last - first > 300 * _DAY else "%d %b" if last - first > 4 * _DAY else "%d %b %H:%M"
    at = [first + (last - first) * part // _NAMED for part in range(_NAMED + 1)]
    return [(ts - first) / _DAY for ts in at], [f"{utc(ts):{form}}" for ts in at]


def _amounts(values: Sequence[float]) -> tuple[list[float], list[str]]:
    low, high = min(values), max(values)
    at = [low + (high - low) * part / _NAMED for part in range(_NAMED + 1)] if high > low else [low]
    return at, [f"{value:,.0f}" for value in at]


def falls(equity: Sequence[Point]) -> list[float]:
    """How far each point is below the highest before it, USD, zero or negative."""
    high, found = equity[0][1], []
    for _, usd in equity:
        high = max(high, usd)
        found.append(float(usd - high))
    return found


def words(result: Backtest, past: RecordedPast, asked: LabRequest, params: Params) -> str:
    """The figures in lines."""
    summary, money = result.summary, result.summary.currency
    told = "bars" if past.bars else "quotes and prints"
    given = "".join(f" {key}={value}" for key, value in params.items())
    lines = [
        f"{asked.strategy}{given} on {asked.contract}, {past.name}",
        f"played         {utc(result.start_ts):%Y-%m-%d %H:%M} to {utc(result.end_ts):%Y-%m-%d %H:%M} UTC, "
        f"{result.events:,} {told}",
        f"trades         {summary.trades}",
        f"net P&L        {summary.net_usd:+.2f} {money} (costs {summary.costs_usd:.2f} {money})",
        f"win rate       {'-' if summary.win_rate is None else f'{100 * summary.win_rate:.1f} %'}",
        f"profit factor  {'-' if summary.profit_factor is None else f'{summary.profit_factor:.2f}'}",
        f"max drawdown   {summary.max_drawdown_usd:.2f} {money} (open positions at the mark)",
        f"fills          {summary.fills}",
    ]
    found = statistics_of(result, past)
    if found.trades:
        of = f" of {found.r_trades}" if found.r_trades < found.trades else ""
        lines[-1:-1] = [
            f"expectancy     {in_r(found.expectancy_r)}{of}",
            f"Sharpe         {ratio(found.sharpe)} (Sortino {ratio(found.sortino)}, "
            f"volatility {percent(found.volatility)} a year)",
        ]
    lines += [f"{label:<14} {value}" for label, value in opinion_lines(summary.opinion)]
    lines += [f"{label:<14} {value}" for label, value in _unseen(result, past)]
    if summary.open_positions:
        held = ", ".join(f"{symbol} {qty:+f}" for symbol, qty in summary.open_positions)
        lines.append(f"still open     {held} (above are its costs so far and not its P&L)")
    if summary.refusals:
        lines.append("refused:")
        lines += [f"  {count:>6}  {reason}" for reason, count in summary.refusals]
    elif not summary.trades:
        lines.append("no idea came up")
    return "\n".join(lines)


def _hours(past: RecordedPast) -> str | None:
    """The part of the day that is recorded, "08:30-15:00"; None where all of it is."""
    calendar = calendar_of(past.instrument.calendar)
    return calendar.hours if isinstance(calendar, PartOfDay) else None


def _unseen(result: Backtest, past: RecordedPast) -> Iterator[tuple[str, str]]:
    """What the recording does not show of its market, in words; nothing where it shows all."""
    if hours := _hours(past):
        opens, closes = hours.split("-")
        clock = calendar_of(past.instrument.calendar).clock_name
        yield (
            "hours",
            f"{opens} to {closes} {clock} alone: the end of the recording's day",
        )
    if count := result.summary.held_over:
        times = "once" if count == 1 else f"{count} times"
        yield (
            "held over",
            f"{times} where bars are missing: nothing fills before the next one",
        )
