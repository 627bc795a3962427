"""How the cockpit looks. Drawn by one version of Python only; `make snapshots` draws them anew."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from engine.model.events import LinkState
from engine.model.notices import NoticeKind, Severity
from engine.model.orders import AccountKind, OrderStatus
from engine.model.view import LinkView, View
from tests.tui import fake, rooms, states
from tests.tui.cockpit import Cockpit

pytestmark = pytest.mark.skipif(
    sys.version_info[:2] != (3, 11), reason="pictures are compared on Python 3.11 only"
)

Snap = Callable[..., bool]
SMALL, MEDIUM, LARGE = (80, 24), (120, 40), (200, 60)
SIZES, NAMES = [SMALL, MEDIUM, LARGE], ["80x24", "120x40", "200x60"]


def _after(cockpit: Cockpit, *keys: str) -> Callable[[Pilot[Any]], Awaitable[None]]:
    async def run(pilot: Pilot[Any]) -> None:
        await pilot.pause()
        await cockpit.press(pilot, *keys)

    return run


def _compare(snap: Snap, cockpit: Cockpit, size: tuple[int, int], *keys: str) -> bool:
    return snap(cockpit.app, terminal_size=size, run_before=_after(cockpit, *keys))


@pytest.mark.parametrize("size", SIZES, ids=NAMES)
def test_main(snap_compare: Snap, size: tuple[int, int]) -> None:
    assert _compare(snap_compare, Cockpit(), size)


def test_small_with_alignment(snap_compare: Snap) -> None:
    assert _compare(snap_compare, Cockpit(), SMALL, "a")


def test_too_small(snap_compare: Snap) -> None:
    assert _compare(snap_compare, Cockpit(), (59, 19))


def test_loading(snap_compare: Snap) -> None:
    assert _compare(snap_compare, Cockpit(fake.empty_view(), []), MEDIUM)


def test_paper(snap_compare: Snap) -> None:
    assert _compare(snap_compare, Cockpit(fake.trading_view(AccountKind.PAPER)), MEDIUM)


def test_live(snap_compare: Snap) -> None:
    assert _compare(snap_compare, Cockpit(fake.trading_view(AccountKind.LIVE)), MEDIUM, "6")


@pytest.mark.parametrize("size", SIZES, ids=NAMES)
def test_a_paper_book_beside_a_live_one(snap_compare: Snap, size: tuple[int, int]) -> None:
    assert _compare(snap_compare, Cockpit(fake.two_books()), size)


@pytest.mark.parametrize("page", ["2", "3", "5", "9"])
def test_two_books_on_small_pages(snap_compare: Snap, page: str) -> None:
    assert _compare(snap_compare, Cockpit(fake.two_books()), SMALL, page)


@pytest.mark.parametrize("size", SIZES, ids=NAMES)
def test_a_room_beside_the_strategy(snap_compare: Snap, size: tuple[int, int]) -> None:
    assert _compare(snap_compare, Cockpit(rooms.view()), size)


def test_a_room_followed_by_two_books(snap_compare: Snap) -> None:
    assert _compare(snap_compare, Cockpit(rooms.two_books()), MEDIUM)


@pytest.mark.parametrize(("size", "keys"), [(SMALL, "6"), (MEDIUM, "6z")], ids=NAMES[:2])
def test_rooms_on_the_alerts_page(snap_compare: Snap, size: tuple[int, int], keys: str) -> None:
    assert _compare(snap_compare, Cockpit(rooms.two_books()), size, *keys)


def test_rooms_in_light(snap_compare: Snap) -> None:
    assert _compare(snap_compare, Cockpit(rooms.view(), theme="daybook"), MEDIUM, "6")


def _stale(view: View) -> View:
    contracts = tuple(replace(c, stale=True, age_ns=14_000_000_000) for c in view.contracts)
    links = (LinkView("market", LinkState.STALE, "no message for 14 s"), *view.links[1:])
    return replace(view, contracts=contracts, links=links)


def test_stale_feed(snap_compare: Snap) -> None:
    assert _compare(snap_compare, Cockpit(_stale(fake.trading_view())), MEDIUM)


def test_engine_down(snap_compare: Snap) -> None:
    view = fake.trading_view()
    told = "the journal can't be written"
    down = replace(view, health=replace(view.health, ok=False, detail=told, stopped=True))
    assert _compare(snap_compare, Cockpit(down), MEDIUM, "f")


def test_confirm_flatten(snap_compare: Snap) -> None:
    assert _compare(snap_compare, Cockpit(), MEDIUM, "f")


def test_confirm_flatten_everything_live_and_small(snap_compare: Snap) -> None:
    assert _compare(snap_compare, Cockpit(fake.trading_view(AccountKind.LIVE)), SMALL, "F")


@pytest.mark.parametrize("size", SIZES, ids=NAMES)
@pytest.mark.parametrize("state", states.STATES)
def test_state(snap_compare: Snap, state: str, size: tuple[int, int]) -> None:
    assert _compare(snap_compare, Cockpit(states.STATES[state]()), size)


@pytest.mark.parametrize("size", SIZES[:2], ids=NAMES[:2])
def test_system_page(snap_compare: Snap, size: tuple[int, int]) -> None:
    assert _compare(snap_compare, Cockpit(states.cut_off()), size, "9")


def test_limits_on_a_page_of_their_own(snap_compare: Snap) -> None:
    assert _compare(snap_compare, Cockpit(states.near_limit()), SMALL, "5")


def test_confirm_halt(snap_compare: Snap) -> None:
    assert _compare(snap_compare, Cockpit(), SMALL, "exclamation_mark")


def test_rejected_order_and_alerts(snap_compare: Snap) -> None:
    view = fake.trading_view()
    rejected = replace(view.orders[0], status=OrderStatus.REJECTED)
    bare = replace(view.positions[0], stop=None, protected_qty=0)
    cockpit = Cockpit(
        replace(view, orders=(rejected, *view.orders[1:]), positions=(bare, *view.positions[1:]))
    )

    async def happen(pilot: Pilot[Any]) -> None:
        await pilot.pause()
        text = "MNQ stop rejected by the venue: 2 contracts without protection"
        cockpit.engine.happen(NoticeKind.ORDER, Severity.CRITICAL, text, "MNQ")
        await cockpit.later(pilot)

    assert snap_compare(cockpit.app, terminal_size=MEDIUM, run_before=happen)


def test_palette(snap_compare: Snap) -> None:
    cockpit = Cockpit()

    async def open_palette(pilot: Pilot[Any]) -> None:
        from textual.widgets import Input

        await pilot.pause()
        await pilot.press("ctrl+p")
        await pilot.pause()
        cockpit.app.screen.query_one(Input).cursor_blink = False
        await pilot.press(*"flat")
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()

    assert snap_compare(cockpit.app, terminal_size=MEDIUM, run_before=open_palette)


def test_help(snap_compare: Snap) -> None:
    assert _compare(
        snap_compare, Cockpit(keymap={"pause": "f9", "flaten": "g", "help": "n"}), MEDIUM, "question_mark"
    )


def test_picker(snap_compare: Snap) -> None:
    assert _compare(snap_compare, Cockpit(), SMALL, "c")


def test_detail(snap_compare: Snap) -> None:
    assert _compare(snap_compare, Cockpit(), MEDIUM, "d")


def test_full_log_with_filter(snap_compare: Snap) -> None:
    assert _compare(snap_compare, Cockpit(), SMALL, "l", "slash", "h", "u", "b")


@pytest.mark.parametrize("theme", ["daybook", "meridian", "ember", "vermilion"])
def test_theme(snap_compare: Snap, theme: str) -> None:
    assert _compare(snap_compare, Cockpit(theme=theme), MEDIUM)


def test_zoomed_chart(snap_compare: Snap) -> None:
    assert _compare(snap_compare, Cockpit(), MEDIUM, "z", "t")
