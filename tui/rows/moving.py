"""What is moved by key, as two rows: old and new with the money at the new price, and what keys do."""

from __future__ import annotations

from engine.model.view import ContractView
from tui import number_format as figures
from tui.moving import PRICES, Move, Moves, limit_of, lots_of
from tui.plain_text import plain
from tui.previews import Preview
from tui.styled_text import Row, Span, cell, fit, wrap

_NAMES = {
    Moves.STOP: "stop",
    Moves.TARGET: "target",
    Moves.ENTRY: "entry",
    Moves.TRAIL: "stop follows at",
    Moves.NEW_TARGET: "new target",
    Moves.ADD: "add",
}
_STYLES = {Moves.STOP: "stop", Moves.TARGET: "target", Moves.NEW_TARGET: "target"}
KEYS = "[ ] one · { } ten · type a number · ⏎ send · esc leave"
ADD_KEYS = "l limit · m market · tab lots or price · [ ] { } step · ⏎ send · esc leave"


def heading(move: Move, several: bool) -> str:
    """Whose it is: "MNQ stop", with the book where there are several."""
    where = f" in {plain(move.book)}" if several else ""
    return f"{plain(move.instrument)} {_NAMES[move.what]}{where}"


def move_row(move: Move, preview: Preview, contract: ContractView, width: int) -> Row:
    """Old → new, and what is at risk then."""
    style = _STYLES.get(move.what, "entry")
    spans: list[Span] = []
    if move.was is not None:
        by = move.at - move.was
        spans += [(f"{_price(move.was, contract)} → ", "dim"), (_price(move.at, contract), f"{style} bold")]
        spans.append((f"  {figures.signed(by, 0)} ticks" if by else "  unmoved", "dim"))
    elif move.what in PRICES:
        spans.append((_price(move.at, contract), f"{style} bold"))
    elif move.what is Moves.TRAIL:
        spans.append((f"{move.at} ticks", "stop bold"))
    else:
        limit, typed_price = limit_of(move), move.aside is not None
        lots = figures.quantity(lots_of(move), contract.lot_size)
        spans.append((lots, "entry" if typed_price else "entry bold"))
        at = " at market" if limit is None else f" at {_price(limit, contract)}"
        spans.append((at, "entry bold" if typed_price else "dim"))
    if move.typing:
        spans.append((f"  {move.typing}▏", "accent bold"))
    if preview.verdicts and preview.fresh:
        verdict = preview.verdicts[0]
        before = verdict.before
        now = verdict.risk if move.what is not Moves.ADD or before is None else before + verdict.risk
        tone = "loss" if before is not None and now > before else "gain"
        was = "" if before is None else f"{figures.usd(before)} → "
        risk = f"{figures.usd(now)} {plain(verdict.currency)}"
        spans += [("   at risk ", "dim"), (was, "dim"), (risk, f"{tone} bold")]
    return fit(tuple(spans), width)


def said_rows(preview: Preview, width: int, height: int) -> list[Row]:
    """What stands against it; nothing where nothing does."""
    if not preview.fresh:
        return [cell("asking …", "faint")]
    if preview.done:
        return [cell("would be taken", "ok")]
    return [cell(line, "error bold") for line in wrap(plain(preview.text), width)][:height]


def _price(ticks: int, contract: ContractView) -> str:
    return figures.price(ticks * contract.tick_size, contract.decimals)
