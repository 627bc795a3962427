"""Looks that several panes and bars share: the badges of kinds of money, and the style of a price."""

from __future__ import annotations

from decimal import Decimal

from engine.model.orders import AccountKind
from engine.model.view import ContractView, View
from tui import number_format as figures
from tui.styled_text import EMPTY, Row, cell


def mode_badge(mode: AccountKind) -> Row:
    """The word that tells play money from real money. It is never dropped."""
    style = {AccountKind.PRACTICE: "practice", AccountKind.PAPER: "paper", AccountKind.LIVE: "live"}[mode]
    return cell(f" {mode.value.upper()} ", f"ink on:{style} bold")


def kind_mark(view: View, kind: AccountKind) -> Row:
    """A word before whatever is not of the badge's kind; nothing before the rest."""
    return EMPTY if kind is view.mode else ((kind.value.upper(), f"ink on:{kind.value} bold"), (" ", "text"))


def side_amounts(view: View, amounts: list[tuple[AccountKind, Decimal]]) -> Row:
    """Amounts of other kinds of money, each behind its word: " PAPER +12.00"."""
    spans: list[tuple[str, str]] = []
    for kind, amount in amounts:
        spans += [(" ", "text"), *kind_mark(view, kind), (figures.signed(amount), figures.tone(amount))]
    return tuple(spans)


def price_style(contract: ContractView, flash: int) -> str:
    """How a contract's last price looks: stale, flashing, or plain."""
    if contract.stale or contract.last is None:
        return "stale"
    if flash > 1:
        return "text bold on:flash-up"
    if flash < -1:
        return "text bold on:flash-down"
    return f"{figures.trend(flash)} bold" if flash else "text bold"
