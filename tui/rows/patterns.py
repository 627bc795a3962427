"""What was learned of patterns, one row each."""

from __future__ import annotations

from engine.model.view_signals import PatternView
from tui import number_format as figures
from tui.plain_text import plain
from tui.screen_state import ScreenState
from tui.styled_text import Column, Row, cell, table

_COLUMNS = (
    Column("pattern", "<"),
    Column("time", "<"),
    Column("contract", "<", rank=1),
    Column("regime", "<", rank=3),
    Column("n"),
    Column("win %", rank=2),
    Column("exp R"),
    Column("±", rank=4),
    Column("", "<", rank=5),
)


def _row(pattern: PatternView) -> tuple[Row, ...]:
    tone = figures.trend(round(100 * pattern.expectancy_r)) if pattern.counts else "dim"
    return (
        cell(plain(pattern.kind.replace("_", " ")), "text"),
        cell(pattern.timeframe, "text"),
        cell(plain(pattern.instrument), "text"),
        cell(plain(pattern.regime), "dim"),
        cell(str(pattern.trades), "text"),
        cell(f"{100 * pattern.win_rate:.0f}", tone),
        cell(figures.signed(pattern.expectancy_r), tone),
        cell(f"{pattern.expectancy_sd:.2f}", "dim"),
        cell("counts" if pattern.counts else "", "dim"),
    )


def pattern_rows(state: ScreenState, width: int) -> tuple[Row, list[Row]]:
    """Head and one row for each pattern, timeframe, contract and regime; the most outcomes first."""
    return table(_COLUMNS, [_row(pattern) for pattern in state.view.patterns], width)
