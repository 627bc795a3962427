"""Time and sales, and who wanted what traded in each bar."""

from __future__ import annotations

from engine.model.depth import BarDelta, TapeView
from engine.model.view import ContractView
from tui import clock_times as times
from tui import number_format as figures
from tui.rows.ladder import bar
from tui.styled_text import EMPTY, Row, cell, fit

IMBALANCE = 0.6
"""From this share of what is known on, a bar is one-sided: 60 of 100 more on one side than on the other."""
_LEAST_KNOWN = 20
"""Lots of a bar that have to be known before it is called so."""
SIDES = {1: ("▲ buy ", "buy"), -1: ("▼ sell", "sell"), 0: ("· ?   ", "dim")}


def print_rows(
    tape: TapeView, contract: ContractView, zone: str, width: int, most: int, least: int = 0
) -> list[Row]:
    """The newest prints of `least` lots or more, the newest first."""
    kept = [one for one in reversed(tape.prints) if one.size >= least][:most]
    lot = contract.lot_size
    size = max((len(figures.volume(one.size, lot)) for one in kept), default=1)
    rows = []
    for one in kept:
        word, style = SIDES[one.side]
        big = bool(tape.big) and one.size >= tape.big
        weight = f"{style} bold" if big else style
        price = figures.price(contract.tick_size * one.price, contract.decimals)
        spans = (
            (times.clock(one.ts, zone), "dim"), ("  ", "text"), (price, weight),
            ("  ", "text"), (figures.volume(one.size, lot).rjust(size), weight),
            ("  ", "text"), (word, style), (" ◆" if big else "  ", weight),
        )  # fmt: skip
        rows.append(fit(spans, width))
    return rows


def one_sided(one: BarDelta) -> int:
    """1 or -1 for a bar in which nearly all was wanted by buyers or by sellers; 0 for any other."""
    known = one.bought + one.sold
    if known < _LEAST_KNOWN or abs(one.delta) < IMBALANCE * known:
        return 0
    return 1 if one.delta > 0 else -1


def delta_rows(
    tape: TapeView, contract: ContractView, zone: str, width: int, most_rows: int = 1_000
) -> list[Row]:
    """Each bar's delta, the newest first: time, volume, bought, sold, delta with its bar, the sum so far.
    Nothing is known of bars before the tape began.
    """
    lot, bars = contract.lot_size, tape.bars[-most_rows:]
    most = max((abs(one.delta) for one in bars), default=1) or 1
    rows = []
    for one in reversed(bars):
        known = one.bought + one.sold > 0
        spans: list[tuple[str, str]] = [(times.hour_minute(one.open_ts, zone), "dim")]
        if width >= 46:
            spans.append((f"{figures.volume(one.volume, lot):>10}", "text"))
        if width >= 66:
            for lots, side in ((one.bought, "buy"), (one.sold, "sell")):
                text = figures.volume(lots, lot) if known else figures.NONE
                spans.append((f"{text:>10}", side if known else "faint"))
        if not known:
            rows.append(fit((*spans, (f"{figures.NONE:>10}", "faint")), width))
            continue
        tone = figures.trend(one.delta)
        mark = {1: "▲!", -1: "▼!", 0: "  "}[one_sided(one)]
        spans += [(f"{_signed(one.delta, contract):>10}", tone), (f" {mark} ", f"{tone} bold")]
        if (room := _bar_room(width)) >= 4:
            drawn = bar(abs(one.delta) / most, room)
            spans.append((drawn, "zone-up" if one.delta > 0 else "zone-down"))
        spans.append((f"{_signed(one.total, contract):>10}", figures.trend(one.total)))
        rows.append(fit(tuple(spans), width))
    return rows


def _bar_room(width: int) -> int:
    """Cells for the bar of a delta."""
    columns = 5 + 10 + 4 + 10 + (10 if width >= 46 else 0) + (20 if width >= 66 else 0)
    return min(60, width - columns)


def delta_head(timeframe: str, width: int) -> Row:
    parts = f"{timeframe:5}"
    if width >= 46:
        parts += f"{'volume':>10}"
    if width >= 66:
        parts += f"{'bought':>10}{'sold':>10}"
    parts += f"{'delta':>10}    "
    room = _bar_room(width)
    parts += " " * room if room >= 4 else ""
    return fit(cell(f"{parts}{'sum':>10}", "dim"), width)


def _signed(lots: int, contract: ContractView) -> str:
    sign = "+" if lots > 0 else figures.MINUS if lots < 0 else ""
    return sign + figures.volume(abs(lots), contract.lot_size)


def delta_note(tape: TapeView | None, contract: ContractView, zone: str) -> Row:
    """The delta of the session, and since when it is counted."""
    if tape is None or not tape.since:
        return EMPTY
    since = "the session" if tape.whole else f"since {times.clock(tape.since, zone)}"
    return (
        ("delta ", "dim"),
        (_signed(tape.delta, contract), f"{figures.trend(tape.delta)} bold"),
        (f" {since}", "dim"),
    )
