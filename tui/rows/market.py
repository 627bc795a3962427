"""Quotes of all contracts, and what the timeframes say about the shown one."""

from __future__ import annotations

from itertools import islice

from engine.model.chart import AlignmentView, FrameView
from engine.model.events import LinkState
from engine.model.orders import AccountKind
from engine.model.restrictions import TradingState
from engine.model.view import ContractView, View
from tui import number_format as figures
from tui.books import venue_groups
from tui.plain_text import plain
from tui.rows.links import LIGHTS
from tui.rows.shared import kind_mark, price_style
from tui.screen_state import ScreenState
from tui.styled_text import EMPTY, Column, Row, cell, fit, table, wrap
from tui.things import Things, of_contract
from tui.view_facts import session_of

_QUOTES = (
    Column("contract", "<"),
    Column("last"),
    Column("change"),
    Column("bid", rank=4),
    Column("ask", rank=4),
    Column("age", rank=2, least=4),
    Column("pos", rank=1),
    Column("", "<", rank=3, least=8),
)


def _quote(state: ScreenState, contract: ContractView) -> tuple[Row, ...]:
    digits = contract.decimals
    current = contract.instrument == state.instrument
    sign = contract.change or 0
    tone = "stale" if contract.stale else figures.trend(sign)
    side = "stale" if contract.stale else "dim"
    paused = contract.state is not TradingState.ACTIVE
    mark = "▸" if current else "‖" if paused else " "
    return (
        cell(f"{mark}{plain(contract.name)}", "accent bold" if current else "warn" if paused else "text"),
        cell(
            figures.price(contract.last, digits),
            price_style(contract, state.flashes.get(contract.instrument, 0)),
        ),
        cell(f"{figures.arrow(sign)} {figures.signed(contract.change, digits)}", tone),
        cell(figures.price(contract.bid, digits), side),
        cell(figures.price(contract.ask, digits), side),
        _age(contract),
        _held(state, contract),
        cell(figures.spark(contract.closes, 8), tone if contract.stale else "dim"),
    )


def _age(contract: ContractView) -> Row:
    """Since the last price; of prices that come late with a word that says so."""
    age = figures.age(contract.age_ns)
    if contract.delayed:
        return ((f"late {age}", "warn bold"),)
    return cell(age, "warn bold" if contract.stale else "dim")


def _held(state: ScreenState, contract: ContractView) -> Row:
    """Contracts held; those of the paper book behind its word."""
    qty, paper = contract.position_qty, contract.paper_qty
    lot = contract.lot_size
    own: Row = cell(figures.held(qty, lot), f"{figures.side(qty)} bold") if qty else cell("·", "faint")
    if not paper or state.view.mode is AccountKind.PAPER:
        return own
    side: Row = (*kind_mark(state.view, AccountKind.PAPER), (figures.held(paper, lot), figures.side(paper)))
    return (*own, (" ", "text"), *side) if qty else side


def quote_rows(state: ScreenState, width: int) -> tuple[Row, list[Row]]:
    """Head and one row for each contract; where several venues price them, each venue's below its own."""
    groups = venue_groups(state.view)
    head, rows = table(_QUOTES, [_quote(state, one) for _, own in groups for one in own], width)
    if len(groups) < 2:
        return head, rows
    told, left = [], iter(rows)
    for venue, own in groups:
        told += [fit(_venue(state.view, venue, own), width), *islice(left, len(own))]
    return head, told


def quote_things(view: View) -> Things:
    """What each of these rows is about; None where one is a venue's."""
    groups = venue_groups(view)
    heads = [None] * (len(groups) > 1)
    return tuple(thing for _, own in groups for thing in (*heads, *map(of_contract, own)))


def _venue(view: View, venue: str, own: list[ContractView]) -> Row:
    """A venue, whether its market is heard, and where the days of what it prices stand."""
    states = [link.state for link in view.links if link.venue == venue and link.name == "market"]
    light, style = LIGHTS[states[0] if states else LinkState.CONNECTING]
    days = dict.fromkeys(session_of(view, contract) for contract in own)
    clocks = [f"{one.phase.value} {plain(one.exchange_clock)[:5]} {plain(one.clock_mark)}" for one in days]
    name: Row = ((f"{plain(venue) or figures.NONE} ", "text bold"), (light, style))
    return (*name, (f"  {'  '.join(clocks)}", "dim"))


def verdict_row(alignment: AlignmentView) -> Row:
    """The sum in a few characters: "▲ 7.4/10"."""
    tenths = alignment.score_tenths
    tone = figures.trend(alignment.direction)
    return cell(f"{figures.arrow(alignment.direction)} {tenths // 10}.{tenths % 10}/10", f"{tone} bold")


def _frame(frame: FrameView, bar_width: int, name_width: int) -> Row:
    tone = figures.trend(frame.direction)
    filled, empty = figures.gauge(frame.strength_pct / 100, bar_width)
    return (
        (f"{frame.timeframe.value:<{name_width}}", "text"),
        (f"{figures.arrow(frame.direction)} ", tone),
        (filled, tone),
        (empty, "faint"),
        (f"{frame.strength_pct:>4}", tone),
        (f" ×{frame.weight_pct:>2} %", "dim"),
        ("  ", "text"),
        (plain(frame.pattern) or "—", "text" if frame.pattern else "faint"),
    )


def alignment_rows(state: ScreenState, width: int, height: int) -> list[Row]:
    """A row for each timeframe, then the sum, the verdict and its reasons as far as there is room."""
    shown = state.alignment
    if shown is None:
        return [cell("no alignment yet: it needs closed bars on every timeframe", "dim")]
    bar_width = 10 if width >= 44 else 6
    rows = [fit(_frame(frame, bar_width, 4), width) for frame in shown.frames]
    tone = figures.trend(shown.direction)
    filled, empty = figures.gauge(shown.score_tenths / 100, bar_width)
    total: Row = (
        ("sum ", "text bold"),
        (f"{figures.arrow(shown.direction)} ", tone),
        (filled, f"{tone} bold"),
        (empty, "faint"),
        (f"{shown.score_tenths // 10:>2}.{shown.score_tenths % 10}", f"{tone} bold"),
        (f"  {shown.agreeing} of {len(shown.frames)} agree", "dim"),
    )
    verdict = [cell(line, "text bold") for line in wrap(plain(shown.verdict), width)] if shown.verdict else []
    reasons: list[Row] = []
    for reason in shown.reasons:
        first, *rest = wrap(plain(reason), width - 2)
        reasons.append((("· ", "faint"), (first, "dim")))
        reasons.extend((("  ", "faint"), (line, "dim")) for line in rest)
    room = height - len(rows) - 1 - len(verdict) - len(reasons)
    rows.append(fit(total, width))
    if room > 0:
        rows.append(EMPTY)
    return [*rows, *verdict, *reasons]
