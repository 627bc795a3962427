"""How the cockpit looks. Drawn by one version of Python only; `make snapshots` draws them anew."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from functools import partial
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from engine.model.chart import OlderBars
from engine.model.events import LinkState
from engine.model.market import Timeframe
from engine.model.notices import NoticeKind, Severity
from engine.model.orders import AccountKind, OrderStatus
from engine.model.view import LinkView, View
from tests.tui import dashboard, fake, many, rooms, states
from tests.tui.cockpit import Cockpit

pytestmark = pytest.mark.skipif(
    sys.version_info[:2] != (3, 11), reason="pictures are compared on Python 3.11 only"
)

SIZES = {"80x24": (80, 24), "120x40": (120, 40), "200x60": (200, 60)}
SMALL, MEDIUM, LARGE = SIZES.values()


def _stale() -> View:
    view = fake.trading_view()
    contracts = tuple(replace(c, stale=True, age_ns=14_000_000_000) for c in view.contracts)
    links = (LinkView("market", LinkState.STALE, "no message for 14 s"), *view.links[1:])
    return replace(view, contracts=contracts, links=links)


def _down() -> View:
    view = fake.trading_view()
    told = "the journal can't be written"
    return replace(view, health=replace(view.health, ok=False, detail=told, stopped=True))


def _rejected() -> View:
    view = fake.trading_view()
    orders = (replace(view.orders[0], status=OrderStatus.REJECTED), *view.orders[1:])
    bare = replace(view.positions[0], stop=None, protected_qty=0)
    return replace(view, orders=orders, positions=(bare, *view.positions[1:]))


# What is shown, on which sizes, after which keys, and what is special about the cockpit.
Scene = tuple[Callable[[], View], tuple[tuple[int, int], ...], str, dict[str, Any]]
_LIVE = partial(fake.trading_view, AccountKind.LIVE)
_KEYMAP = {"pause": "f9", "flaten": "g", "help": "n"}
SCENES: dict[str, Scene] = {
    "main": (fake.trading_view, (SMALL, MEDIUM, LARGE), "", {}),
    "why": (fake.trading_view, (SMALL, MEDIUM), "i", {}),
    "dashboard": (dashboard.view, (SMALL, MEDIUM, LARGE), "D", {}),
    "dashboard-of-trouble": (dashboard.trouble, (MEDIUM,), "D", {}),
    "dashboard-of-a-beginner": (fake.trading_view, (MEDIUM,), "D", {}),
    "patterns": (fake.trading_view, (SMALL, MEDIUM), "e", {}),
    "small-with-alignment": (fake.trading_view, (SMALL,), "a", {}),
    "too-small": (fake.trading_view, ((59, 19),), "", {}),
    "loading": (fake.empty_view, (MEDIUM,), "", {"logs": []}),
    "paper": (partial(fake.trading_view, AccountKind.PAPER), (MEDIUM,), "", {}),
    "live": (_LIVE, (MEDIUM,), "6", {}),
    "two-books": (fake.two_books, (SMALL, MEDIUM), "", {}),
    "four-books": (many.four_in_trouble, (SMALL, MEDIUM, LARGE), "", {}),
    "four-books-one-picked": (many.four_books, (SMALL,), "BF", {}),
    "list-of-books": (many.four_books, (SMALL,), "w", {}),
    "room": (rooms.view, (SMALL, MEDIUM, LARGE), "", {}),
    "room-of-two-books": (rooms.two_books, (MEDIUM,), "", {}),
    "room-page": (rooms.two_books, (SMALL,), "6", {}),
    "room-page-zoomed": (rooms.two_books, (MEDIUM,), "6z", {}),
    "room-in-light": (rooms.view, (MEDIUM,), "6", {"theme": "daybook"}),
    "stale-feed": (_stale, (MEDIUM,), "", {}),
    "engine-down": (_down, (MEDIUM,), "f", {}),
    "flatten": (fake.trading_view, (MEDIUM,), "f", {}),
    "flatten-all-live": (_LIVE, (SMALL,), "F", {}),
    "halt": (fake.trading_view, (SMALL,), "!", {}),
    **{name: (made, (SMALL, MEDIUM, LARGE), "", {}) for name, made in states.STATES.items()},
    "system-page": (states.cut_off, (SMALL, MEDIUM), "9", {}),
    "pnl-page": (states.near_limit, (SMALL,), "5", {}),
    "help": (fake.trading_view, (MEDIUM,), "?", {"keymap": _KEYMAP}),
    "picker": (fake.trading_view, (SMALL,), "c", {}),
    "detail": (fake.trading_view, (MEDIUM,), "d", {}),
    "log-page-filtered": (fake.trading_view, (SMALL,), "l/hub", {}),
    **{
        f"theme-{theme}": (fake.trading_view, (MEDIUM,), "", {"theme": theme})
        for theme in ("daybook", "meridian", "ember", "vermilion")
    },
    "chart-zoomed": (fake.trading_view, (MEDIUM,), "ztt", {}),
}
_NAMES = {"!": "exclamation_mark", "?": "question_mark", "/": "slash"}
CASES = {f"{name}-{size[0]}x{size[1]}": (name, size) for name, scene in SCENES.items() for size in scene[1]}


@pytest.mark.parametrize(("name", "size"), CASES.values(), ids=CASES)
def test_picture(snap_compare: Callable[..., bool], name: str, size: tuple[int, int]) -> None:
    view, _, keys, options = SCENES[name]
    cockpit = Cockpit(view(), **options)

    async def press(pilot: Pilot[Any]) -> None:
        await pilot.pause()
        await cockpit.press(pilot, *(_NAMES.get(key, key) for key in keys))

    assert snap_compare(cockpit.app, terminal_size=size, run_before=press)


def test_chart_that_waits_for_older_bars(snap_compare: Callable[..., bool]) -> None:
    cockpit = Cockpit()
    cockpit.engine.older["MNQ", Timeframe.M5] = (), OlderBars.LOADING

    async def look_back(pilot: Pilot[Any]) -> None:
        await pilot.pause()
        await cockpit.press(pilot, "1", "left", "left", "left")

    assert snap_compare(cockpit.app, terminal_size=MEDIUM, run_before=look_back)


def test_rejected_order_and_alerts(snap_compare: Callable[..., bool]) -> None:
    cockpit = Cockpit(_rejected())

    async def happen(pilot: Pilot[Any]) -> None:
        await pilot.pause()
        text = "MNQ stop rejected by the venue: 2 contracts without protection"
        cockpit.engine.happen(NoticeKind.ORDER, Severity.CRITICAL, text, "MNQ")
        await cockpit.later(pilot)

    assert snap_compare(cockpit.app, terminal_size=MEDIUM, run_before=happen)


def test_palette(snap_compare: Callable[..., bool]) -> None:
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


def test_pictures_write_minus_and_percent_as_the_house_does() -> None:
    """ "−118.60" and "58 %", whichever pane they stand in and whoever wrote the words."""
    drawn = list(Path(__file__).parent.rglob("*.svg"))
    assert len(drawn) > 100
    texts = {
        unescape(text) for one in drawn for text in re.findall(r"<text[^>]*>([^<]*)</text>", one.read_text())
    }
    assert {text for text in texts if re.search(r"\d%|(?<![\w.])-\d", text)} == set()
    assert any("−" in text for text in texts)
    assert any(re.search(r"\d[ \xa0]%", text) for text in texts)
