"""All contracts in one line, on screens without a pane of quotes."""

from __future__ import annotations

from engine.model.view import ContractView
from tui import number_format as figures
from tui.books import venue_groups
from tui.plain_text import plain
from tui.rows.shared import price_style
from tui.screen_state import ScreenState
from tui.styled_text import EMPTY, Row, join, width_of
from tui.view_facts import contract_of


def quote_strip_row(state: ScreenState, width: int) -> Row:
    """All contracts in one line, each venue's together, as much of each as fits: decimals go first, then
    changes, then prices and the names of venues."""
    groups = venue_groups(state.view)
    for detail in (4, 3, 2, 1, 0):
        gap = " │ " if detail == 4 else "  " if detail > 1 else " "
        parts: list[Row] = []
        for venue, own in groups:
            cells = join([_strip_cell(state, contract, detail) for contract in own], (gap, "faint"))
            name = ((f"{plain(venue)} ", "faint"),) if venue and detail > 1 else EMPTY
            parts.append((*name, *cells))
        row = join(parts, (" ┃ " if detail > 1 else "┃", "dim"))
        if width_of(row) <= width:
            return row
    shown = contract_of(state.view, state.instrument)
    return EMPTY if shown is None else _strip_cell(state, shown, 0)


def _strip_cell(state: ScreenState, contract: ContractView, detail: int) -> Row:
    current = contract.instrument == state.instrument
    sign = contract.change or 0
    tone = "stale" if contract.stale else figures.trend(sign)
    name = plain(contract.instrument)
    spans: list[tuple[str, str]] = [(name, "accent bold underline" if current else "dim")]
    if contract.delayed:
        spans.append((" late", "warn"))
    if detail:
        style = price_style(contract, state.flashes.get(contract.instrument, 0))
        spans += [(" ", "text"), (figures.price(contract.last, contract.decimals), style)]
    spans.append((f" {figures.arrow(sign)}" if detail > 1 else figures.arrow(sign), tone))
    if detail > 1:
        digits = min(contract.decimals, {4: 9, 3: 1, 2: 0}[detail])
        change = None if contract.change is None else abs(sign)
        spans.append((figures.signed(change, digits).lstrip("+"), tone))
    if contract.position_qty:
        spans.append((f" {figures.held(contract.position_qty, contract.lot_size)}", "accent bold"))
    return tuple(spans)
