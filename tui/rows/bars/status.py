"""The bar at the top: what must be known at every width."""

from __future__ import annotations

from engine.model.events import LinkState
from engine.model.outages import blind_books, cut_off, several_venues
from tui import number_format as figures
from tui.books import link_owner
from tui.plain_text import plain
from tui.rows.books import STATES
from tui.rows.links import LIGHTS
from tui.rows.shared import book_chip, days_beside, mode_badge, price_style, stage_badge
from tui.screen_state import ScreenState
from tui.styled_text import EMPTY, Part, Row, cell, squeeze
from tui.view_facts import catches_up, link_state, main_books, own_total, session_of, standing


def _badge_part(state: ScreenState) -> Part:
    """The strictest kind of money, never dropped, or that a recording is played; and what all accounts of
    that kind are about.
    """
    if replay := state.view.replay:
        word = cell(" REPLAY ", "ink on:practice bold")
        return Part(((16, (*word, (f" {plain(replay)}", "text"))), (0, word)))
    badge = mode_badge(state.view.mode)
    stage = stage_badge(main_books(state.view))
    return Part(((24, (*badge, *stage)), (0, badge)) if stage else ((0, badge),))


def _contract_part(state: ScreenState) -> Part:
    contract = state.contract
    if contract is None:
        return Part(((1, cell("waiting for contracts", "dim")), (0, cell("waiting", "dim"))))
    price = figures.price(contract.last, contract.decimals)
    style = price_style(contract, state.flashes.get(contract.instrument, 0))
    change, sign = figures.signed(contract.change, contract.decimals), contract.change or 0
    tone = "stale" if contract.stale else figures.trend(sign)
    old = "warn bold" if contract.stale or contract.delayed else "dim"
    age = figures.age(contract.age_ns)
    long_age = f"stale {age}" if contract.stale else f"DELAYED {age}" if contract.delayed else age
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


def _link_part(state: ScreenState) -> Part:
    link = link_state(state.view)
    light, style = LIGHTS[link]
    venue = plain(state.view.venue)
    word = "catching up" if link is LinkState.CONNECTING and catches_up(state.view) else link.value
    needed = [link for link in state.view.links if link.needed]
    if several_venues(state.view):
        venues = len({link.venue for link in needed})
        cut = [plain(name) for name in (*cut_off(state.view), *blind_books(state.view))]
        venue = "" if cut else f"{venues} venues"
        detail = f"{'/'.join(cut)} {word}".strip()
    elif needed:
        ill = [link for link in needed if link.state is not LinkState.LIVE]
        down = [f"{link_owner(state.view, link)} {plain(link.name)}".strip() for link in ill]
        detail = f"{'/'.join(down)} {word}" if down else word
    else:
        detail = word
    return Part(
        (
            (42, ((f"{venue} " if venue else "", "dim"), (f"{light} {detail}", style))),
            (16, cell(f"{light} {detail}", style)),
            (6, cell(f"{light} {word}", style)),
            (0, cell(light, style)),
        )
    )


def _health_part(state: ScreenState) -> Part:
    health = state.view.health
    if health.ok:
        return Part(((0, EMPTY),))
    detail, word = plain(health.detail), "ENGINE DOWN" if health.stopped else "TROUBLE"
    return Part(
        (
            (11, cell(f" {word}: {detail} ", "ink on:error bold")),
            (0, cell(f" {word} ", "ink on:error bold")),
        )
    )


def _session_part(state: ScreenState) -> Part:
    session, practice = session_of(state.view, state.contract), state.view.practice_time
    zone = plain(session.clock_mark)
    clock = plain(session.exchange_clock)
    phase = session.phase.value
    note = " virtual time" if state.view.replay else " practice time" if practice else ""
    flat_by = f"  flat by {plain(session.flat_by)}" if session.flat_by else ""
    return Part(
        (
            (45, ((f"{phase} ", "dim"), (clock, "text"), (f" {zone}{note}", "dim"), (flat_by, "text"))),
            (28, ((f"{phase} ", "dim"), (clock, "text"), (f" {zone}{note}", "dim"))),
            (24, ((clock, "text"), (note or f" {zone}", "dim"))),
            (18, ((clock, "text"), (f" {zone}", "dim"))),
            (10, cell(clock)),
            (4, cell(clock[:5])),
            (0, EMPTY),
        ),
        right=True,
    )


def _state_part(state: ScreenState) -> Part:
    books = main_books(state.view)
    if not books:
        return Part(((19, cell("◌ no account", "warn")), (0, cell("◌", "warn"))), right=True)
    now = standing(state.view)
    if any(book.flatten is not None for book in books):
        return Part(((3, cell("▼ flattening…", "warn bold")), (0, cell("▼ flat…", "warn bold"))), right=True)
    if state.view.health.stopped:
        return Part(((0, EMPTY),), right=True)  # a dead engine says more than the state it died in
    sign, style = STATES[now.word]
    share = f" {now.held}/{now.books}" if now.held else ""
    short: Row = cell(f"{sign} {now.word[:3]}{share}", style)
    return Part(((3, cell(f"{sign} {now.word}{share}", style)), (0, short)), right=True)


def _readonly_part(state: ScreenState) -> Part:
    if not state.readonly:
        return Part(((0, EMPTY),), right=True)
    return Part(((14, cell("read-only", "warn bold")), (0, cell("ro", "warn bold"))), right=True)


def _money_part(state: ScreenState) -> Part:
    total = own_total(state.own.view)
    if total is None:
        return Part(((9, cell("day —", "dim")), (0, EMPTY)), right=True)
    money: Row = ((figures.signed(total.day), f"{figures.tone(total.day)} bold"),)
    label: Row = (("day ", "dim"),)
    unit = f" {plain(total.currency)}"
    variants = ((22, (*label, *money, (unit, "dim"))), (15, (*label, *money)), (0, money))
    return Part(variants, right=True)


def _book_part(state: ScreenState) -> Part:
    """The book that commands mean: never dropped where there are several."""
    chip = book_chip(state)
    if not chip:
        return Part(((0, EMPTY),))
    style = chip[0][1]
    name = plain(state.book)
    short = f"▸{figures.shortened(name, 10)}" if name else "▸all"
    whole = ((8, cell(f"▸{name}", style)),) if name else ()
    return Part(((23, chip), *whole, (0, cell(short, style))))


def _side_part(state: ScreenState) -> Part:
    """The day of the paper book, behind that of the account and never without its word."""
    days = days_beside(state.own.view)
    return Part(((20, days[1:]), (0, EMPTY)) if days else ((0, EMPTY),), right=True)


def status_row(state: ScreenState, width: int) -> Row:
    """The status bar in exactly `width` cells."""
    slow = Part(((50, cell(state.slow_note, "warn")), (11, EMPTY)), right=True)
    parts = [
        _badge_part(state),
        _book_part(state),
        _contract_part(state),
        _link_part(state),
        _health_part(state),
        _session_part(state),
        _state_part(state),
        _readonly_part(state),
        _money_part(state),
        _side_part(state),
        slow if state.slow_note else Part(((0, EMPTY),)),
    ]
    gap = "  " if width < 110 else " │ "
    return squeeze(parts, width, gap)
