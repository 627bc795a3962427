"""A report as one HTML file: nothing is fetched for it, nothing runs in it, and text from outside is text."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from msgspec import Struct

from engine.market.calendars.calendar import Calendar
from engine.model.instrument import Instrument
from engine.model.market import Side
from engine.portfolio.daily import Equity, days_of
from engine.portfolio.ruin import Ruin
from engine.portfolio.statistics import Statistics, closed_equity, efficiency
from engine.state.position import Trade
from tstream.reports.charts import equity_chart, excursion_bar, r_histogram, result_map
from tstream.reports.figures import figures, groups
from tstream.reports.groups import FEW_WORDS
from tstream.reports.markup import Markup, Part, joined, tag
from tstream.reports.numbers import clock, in_r, lasted, money, percent, ratio, times

SHOWN = 1_000
"""Trades in the table, the newest: ten thousand make a page that no browser likes."""


class PagePart(Struct, frozen=True):
    """What one book, or one run, has come to."""

    title: str
    badge: str
    """Whose money: "PAPER", "LIVE", "BACKTEST"."""
    currency: str
    calendar: Calendar
    trades: Sequence[Trade]
    equity: Equity
    """At the mark, from `start_usd` on; empty: the closed trades make a curve."""
    start_usd: Decimal
    """0 where nobody knows it."""
    statistics: Statistics
    instruments: Mapping[str, Instrument]
    ruin: Ruin | None = None
    owners: Mapping[str, str] = {}
    """Plan id to the bot or room that opened it."""
    facts: Sequence[tuple[str, str]] = ()
    """What should be read beside the figures: period, fill model, costs, seed."""
    table: tuple[str, Sequence[Sequence[str]]] = ("", ())
    """Something more: its title and its rows, the first of them its head."""
    zone: str = ""
    """Whose clock trades are told by; empty for the calendar's."""
    groups: Sequence[tuple[str, Sequence[Sequence[str]]]] = ()
    """What its trades have in common: titles and rows, the first of them heads."""
    notes: Mapping[str, str] = {}
    """What a person has said of trades, by their keys."""


def html_report(
    title: str,
    subtitle: str,
    parts: Sequence[PagePart],
    nothing: str = "There are no trades.",
    notes: Sequence[str] = (),
) -> str:
    """The whole page, UTF-8. `nothing` is said where there is no part; `notes` are of all parts."""
    return document(
        title,
        subtitle,
        [
            *(tag("p", note, class_="card") for note in notes),
            *(_part(part) for part in parts),
            "" if parts else tag("p", nothing, class_="card dim"),
        ],
        "Made by tstream. Amounts are net of all costs; — is what the sample is too short for.",
    )


def document(title: str, subtitle: str, inside: Iterable[Part], foot: str) -> str:
    """A page with the style of all reports."""
    style = (pkgutil.get_data("tstream.reports", "report.css") or b"").decode()
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    head = tag(
        "head",
        Markup('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{policy}">'),
        Markup('<meta name="color-scheme" content="light dark">'),
        tag("title", title),
        tag("style", Markup(style)),
    )
    body = tag(
        "main",
        tag("header", tag("h1", title), tag("span", subtitle, class_="dim")),
        *inside,
        tag("footer", foot),
    )
    return f"<!doctype html>\n{tag('html', head, tag('body', body), lang='en')}\n"


def _part(part: PagePart) -> Markup:
    found = part.statistics
    equity = part.equity or closed_equity(part.trades, part.start_usd)
    days = days_of(equity, part.start_usd, part.calendar)
    of = "at the mark" if found.drawdown_at_mark else "closed trades only"
    return tag(
        "section",
        tag("h2", part.title, _badge(part.badge), tag("span", part.currency, class_="dim")),
        _tiles(found, days[-1].close_usd - part.start_usd if days else found.net_usd),
        card(f"Equity, {of}", equity_chart(equity, part.start_usd, part.calendar)) if equity else "",
        card("Results by month" if len(days) > 70 else "Results by day", result_map(days))
        if len(days) > 1
        else "",
        tag(
            "div",
            card("Trades by result", r_histogram(part.trades)) if part.trades else "",
            card("Read beside it", facts(part.facts)) if part.facts else "",
            *(card(name, _table(rows)) for name, rows in groups(figures(found, part.ruin))),
            class_="two",
        ),
        card(part.table[0], _rows(part.table[1])) if part.table[1] else "",
        *(card(name, _rows(rows)) for name, rows in part.groups),
        tag("p", FEW_WORDS, class_="dim") if part.groups else "",
        _trades(part) if part.trades else "",
    )


def _tiles(found: Statistics, earned: Decimal) -> Markup:
    tiles = (
        ("net result", money(earned), "gain" if earned > 0 else "loss" if earned < 0 else None),
        ("trades", f"{found.trades:,}", None),
        ("win rate", percent(found.win_rate), None),
        ("profit factor", ratio(found.profit_factor), None),
        ("expectancy", in_r(found.expectancy_r), None),
        ("max drawdown", money(None if found.max_drawdown_usd is None else -found.max_drawdown_usd), None),
        ("Sharpe", ratio(found.sharpe), None),
    )
    return tag(
        "div",
        *(
            tag("div", tag("b", value, class_=tone), tag("small", name), class_="tile")
            for name, value, tone in tiles
        ),
        class_="tiles",
    )


def _trades(part: PagePart) -> Markup:
    """Newest first."""
    newest = sorted(part.trades, key=lambda trade: trade.closed_ts, reverse=True)[:SHOWN]
    widest = max((max(-trade.mae_usd, trade.mfe_usd) for trade in newest), default=Decimal(0))
    zone, mark = part.zone or part.calendar.zone, part.zone or part.calendar.clock_mark
    owned = any(part.owners.get(trade.plan_id) for trade in newest)
    left = ("closed", "contract", "side", *(["by"] if owned else []))
    right = ("qty", "entry", "exit", "held", "net", "R", "MAE", "MFE")
    head = (
        *(tag("th", f"{name} ({mark})" if name == "closed" else name) for name in left),
        *(tag("th", name, class_="number") for name in right),
        tag("th", "worst to best"),
        tag("th", "eff.", class_="number"),
        tag("th", "end"),
        *(tag("th", name) for name in _extra(part)),
    )
    rows = (tag("tr", *_row(part, trade, widest, zone, owned)) for trade in newest)
    told = times(len(part.trades), "trade")
    title = told if len(newest) == len(part.trades) else f"The newest {len(newest):,} of {told}"
    return card(title, tag("table", tag("tr", *head), *rows, class_="trades"))


def _row(part: PagePart, trade: Trade, widest: Decimal, zone: str, owned: bool) -> Iterable[Markup]:
    known = part.instruments.get(trade.instrument)
    entry, out = (_price(known, total, trade.qty) for total in (trade.entry_sum, trade.exit_sum))
    lots = str(trade.qty) if known is None else known.qty_text(trade.qty)
    yield from (tag("td", text) for text in (clock(trade.closed_ts, zone), trade.instrument))
    yield tag("td", "long" if trade.side is Side.BUY else "short")
    if owned:
        yield tag("td", part.owners.get(trade.plan_id, ""))
    for text in (lots, entry, out, lasted(trade.closed_ts - trade.opened_ts)):
        yield tag("td", text, class_="number")
    tone = "gain" if trade.net_usd > 0 else "loss"
    for text in (money(trade.net_usd), in_r(trade.r)):
        yield tag("td", text, class_=f"number {tone}")
    for text in (money(trade.mae_usd), money(trade.mfe_usd)):
        yield tag("td", text, class_="number")
    yield tag("td", excursion_bar(trade, widest))
    yield tag("td", percent(efficiency(trade), 0) if trade.gross_usd > 0 else "", class_="number")
    yield tag("td", trade.reason)
    extra = _extra(part)
    source = trade.source
    if "setup" in extra:
        words = "" if source is None else f"{source.setup} {source.timeframe}".strip()
        yield tag("td", words)
    if "note" in extra:
        yield tag("td", part.notes.get(trade.key, ""))


def _extra(part: PagePart) -> list[str]:
    """Columns of what only some journals know."""
    told = [trade for trade in part.trades if trade.source is not None]
    return [*(["setup"] if told else []), *(["note"] if part.notes else [])]


def _price(known: Instrument | None, total: int, qty: int) -> str:
    """An average price with the digits of the tick, and one more where it lies between two."""
    if known is None or not qty:
        return str(total)
    return f"{known.tick_size * total / qty:.{known.decimals + (total % qty != 0)}f}"


def card(title: str, inside: Markup) -> Markup:
    """Something with its heading."""
    return tag("div", tag("h3", title), inside, class_="card")


def _badge(text: str) -> Markup:
    return tag("span", text.upper(), class_="badge live" if text.lower() == "live" else "badge")


def facts(told: Sequence[tuple[str, str]]) -> Markup:
    """Names and what is known under them."""
    return tag("dl", joined(*(joined(tag("dt", name), tag("dd", value)) for name, value in told)))


def _rows(rows: Sequence[Sequence[str]]) -> Markup:
    head, *lines = rows
    return tag(
        "table",
        tag("tr", *(tag("th", name) for name in head)),
        *(tag("tr", *(tag("td", cell) for cell in line)) for line in lines),
    )


def _table(rows: Sequence[tuple[str, str]]) -> Markup:
    return tag(
        "table",
        *(tag("tr", tag("td", name), tag("td", value, class_="number")) for name, value in rows),
    )
