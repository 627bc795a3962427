"""The bar at the top and the strip of quotes under it: what must be known at every width."""

from __future__ import annotations

from decimal import Decimal

from engine.model.events import LinkState
from engine.model.orders import AccountKind
from engine.model.view import ContractView, TradingState, View
from tui import number_format as figures
from tui.plain_text import plain
from tui.rows.links import LIGHTS
from tui.rows.one_line import Part, squeeze
from tui.screen_state import (
    Scene,
    contract_of,
    day_usd,
    link_state,
    main_books,
    side_days,
    standing,
)
from tui.spans import EMPTY, Row, cell, join, width_of

STATES = {
    TradingState.ACTIVE: ("●", "gain"),
    TradingState.REDUCING: ("‖", "warn bold"),
    TradingState.LOCKED: ("■", "error bold"),
    TradingState.HALTED: ("■", "error bold"),
}


def badge(mode: AccountKind) -> Row:
    """The word that tells play money from real money. It is never dropped."""
    style = {AccountKind.PRACTICE: "practice", AccountKind.PAPER: "paper", AccountKind.LIVE: "live"}[mode]
    return cell(f" {mode.value.upper()} ", f"ink on:{style} bold")


def mark(view: View, kind: AccountKind) -> Row:
    """A word before whatever is not of the badge's kind; nothing before the rest."""
    return EMPTY if kind is view.mode else ((kind.value.upper(), f"ink on:{kind.value} bold"), (" ", "text"))


def beside(view: View, amounts: list[tuple[AccountKind, Decimal]]) -> Row:
    """Amounts of other kinds of money, each behind its word: " PAPER +12.00"."""
    spans: list[tuple[str, str]] = []
    for kind, amount in amounts:
        spans += [(" ", "text"), *mark(view, kind), (figures.signed(amount), figures.tone(amount))]
    return tuple(spans)


def price_style(contract: ContractView, flash: int) -> str:
    """How a contract's last price looks: stale, flashing, or plain."""
    if contract.stale or contract.last is None:
        return "stale"
    if flash > 1:
        return "text bold on:flash-up"
    if flash < -1:
        return "text bold on:flash-down"
    return f"{figures.tone(flash)} bold" if flash else "text bold"


def _contract_part(scene: Scene) -> Part:
    contract = scene.contract
    if contract is None:
        return Part(((1, cell("waiting for contracts", "dim")), (0, cell("waiting", "dim"))))
    price = figures.price(contract.last, contract.decimals)
    style = price_style(contract, scene.flashes.get(contract.instrument, 0))
    change, sign = figures.signed(contract.change, contract.decimals), contract.change or 0
    tone = "stale" if contract.stale else figures.tone(sign)
    old = "warn bold" if contract.stale else "dim"
    age = figures.age(contract.age_ns)
    long_age = f"stale {age}" if contract.stale else age
    name, short = plain(contract.name), plain(contract.instrument)
    quoted: Row = ((price, style),)
    arrow = (f" {figures.arrow(sign)} ", tone)
    tight = f" {figures.arrow(sign)}{change.lstrip('+' + figures.MINUS)} "
    return Part(
        (
            (30, ((f"{name} ", "accent bold"), *quoted, arrow, (change, tone), (f"  {long_age:>4}", old))),
            (12, ((f"{short} ", "accent bold"), *quoted, (tight, tone), (f"{age:>4}", old))),
            (5, ((f"{short} ", "accent bold"), *quoted, (f" {figures.arrow(sign)} ", tone), (age, old))),
            (0, ((f"{short} ", "accent bold"), *quoted, (f" {figures.arrow(sign)}", tone))),
        )
    )


def _link_part(scene: Scene) -> Part:
    state = link_state(scene.view)
    light, style = LIGHTS[state]
    venue = plain(scene.view.venue)
    word = state.value
    needed = [link for link in scene.view.links if link.needed]
    if needed:
        down = [plain(link.name) for link in needed if link.state is not LinkState.LIVE]
        detail = f"{'/'.join(down)} {word}" if down else word
    else:
        detail = word
    return Part(
        (
            (42, ((f"{venue} ", "dim"), (f"{light} {detail}", style))),
            (16, cell(f"{light} {detail}", style)),
            (6, cell(f"{light} {word}", style)),
            (0, cell(light, style)),
        )
    )


def _health_part(scene: Scene) -> Part:
    health = scene.view.health
    if health.ok:
        return Part(((0, EMPTY),))
    detail, word = plain(health.detail), "ENGINE DOWN" if health.stopped else "TROUBLE"
    return Part(
        (
            (11, cell(f" {word}: {detail} ", "ink on:error bold")),
            (0, cell(f" {word} ", "ink on:error bold")),
        )
    )


def _session_part(scene: Scene) -> Part:
    session, practice = scene.view.session, scene.view.practice_time
    zone = "CT"
    clock = plain(session.exchange_clock)
    phase = session.phase.value
    note = " practice time" if practice else ""
    return Part(
        (
            (
                45,
                (
                    (f"{phase} ", "dim"),
                    (clock, "text"),
                    (f" {zone}{note}", "dim"),
                    (f"  flat by {plain(session.flat_by)}", "faint"),
                ),
            ),
            (28, ((f"{phase} ", "dim"), (clock, "text"), (f" {zone}{note}", "dim"))),
            (24, ((clock, "text"), (note or f" {zone}", "dim"))),
            (18, ((clock, "text"), (f" {zone}", "dim"))),
            (10, cell(clock)),
            (4, cell(clock[:5])),
            (0, EMPTY),
        ),
        right=True,
    )


def _state_part(scene: Scene) -> Part:
    books = main_books(scene.view)
    if not books:
        return Part(((19, cell("◌ no account", "warn")), (0, cell("◌", "warn"))), right=True)
    now = standing(scene.view, scene.instrument)
    state = now.state
    if any(book.flatten is not None for book in books):
        return Part(((3, cell("▼ flattening…", "warn bold")), (0, cell("▼ flat…", "warn bold"))), right=True)
    sign, style = STATES[state] if scene.view.health.ok else ("○", "dim")
    word = f"{sign} {state.value.upper()}"
    # A dead engine says more than the state it died in.
    least: Row = cell(word[:5], style) if scene.view.health.ok else EMPTY
    return Part(((3, cell(word, style)), (0, least)), right=True)


def _readonly_part(scene: Scene) -> Part:
    if not scene.readonly:
        return Part(((0, EMPTY),), right=True)
    return Part(((14, cell("read-only", "warn bold")), (0, cell("ro", "warn bold"))), right=True)


def _money_part(scene: Scene) -> Part:
    if not main_books(scene.view):
        return Part(((9, cell("day —", "dim")), (0, EMPTY)), right=True)
    day = day_usd(scene.view)
    money: Row = ((figures.signed(day), f"{figures.tone(day)} bold"),)
    label: Row = (("day ", "dim"),)
    variants = ((22, (*label, *money, (" USD", "dim"))), (15, (*label, *money)), (0, money))
    return Part(variants, right=True)


def _side_part(scene: Scene) -> Part:
    """The day of the paper book, behind that of the account and never without its word."""
    days = beside(scene.view, side_days(scene.view))
    return Part(((20, days[1:]), (0, EMPTY)) if days else ((0, EMPTY),), right=True)


def status_row(scene: Scene, width: int) -> Row:
    """The status bar in exactly `width` cells."""
    pace = (
        Part(((50, cell(scene.pace, "warn")), (11, EMPTY)), right=True) if scene.pace else Part(((0, EMPTY),))
    )
    parts = [
        Part(((0, badge(scene.view.mode)),)),
        _contract_part(scene),
        _link_part(scene),
        _health_part(scene),
        _session_part(scene),
        _state_part(scene),
        _readonly_part(scene),
        _money_part(scene),
        _side_part(scene),
        pace,
    ]
    gap = "  " if width < 110 else " │ "
    return squeeze(parts, width, gap)


def quote_strip(scene: Scene, width: int) -> Row:
    """All contracts in one line, as much of each as fits."""
    contracts = scene.view.contracts
    for detail in (3, 2, 1, 0):
        cells = [_strip_cell(scene, contract, detail) for contract in contracts]
        gap = " │ " if detail == 3 else "  " if detail > 1 else " "
        row = join(cells, (gap, "faint"))
        if width_of(row) <= width:
            return row
    return (
        cells[[c.instrument for c in contracts].index(scene.instrument)]
        if contract_of(scene.view, scene.instrument)
        else EMPTY
    )


def _strip_cell(scene: Scene, contract: ContractView, detail: int) -> Row:
    current = contract.instrument == scene.instrument
    sign = contract.change or 0
    tone = "stale" if contract.stale else figures.tone(sign)
    name = plain(contract.instrument)
    spans: list[tuple[str, str]] = [(name, "accent bold underline" if current else "dim")]
    if detail:
        style = price_style(contract, scene.flashes.get(contract.instrument, 0))
        spans += [(" ", "text"), (figures.price(contract.last, contract.decimals), style)]
    spans.append((f" {figures.arrow(sign)}" if detail > 1 else figures.arrow(sign), tone))
    if detail > 1:
        digits = contract.decimals if detail > 2 else min(1, contract.decimals)
        spans.append(
            (figures.signed(abs(sign) if contract.change is not None else None, digits).lstrip("+"), tone)
        )
    if contract.position_qty and detail > 2:
        spans.append((f" {figures.signed(contract.position_qty, 0)}", "accent bold"))
    return tuple(spans)
