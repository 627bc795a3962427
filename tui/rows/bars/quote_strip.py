"""All contracts in one line, on screens without a pane of quotes."""

from __future__ import annotations

from engine.model.view import ContractView
from tui import number_format as figures
from tui.plain_text import plain
from tui.rows.shared import price_style
from tui.screen_state import ScreenState
from tui.styled_text import EMPTY, Row, join, width_of
from tui.view_facts import contract_of


def quote_strip_row(state: ScreenState, width: int) -> Row:
    """All contracts in one line, as much of each as fits: decimals go first, then changes, then prices."""
    contracts = state.view.contracts
    for detail in (4, 3, 2, 1, 0):
        cells = [_strip_cell(state, contract, detail) for contract in contracts]
        gap = " │ " if detail == 4 else "  " if detail > 1 else " "
        row = join(cells, (gap, "faint"))
        if width_of(row) <= width:
            return row
    return (
        cells[[c.instrument for c in contracts].index(state.instrument)]
        if contract_of(state.view, state.instrument)
        else EMPTY
    )


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
