"""What is written can be read in every theme, on whatever it is painted on: WCAG contrast of the styles that
the screens really use.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from msgspec.structs import replace
from rich.color import Color
from rich.style import Style
from textual.pilot import Pilot
from textual.strip import Strip

from engine.model.alert_tries import TryAlert
from engine.model.orders import AccountKind
from engine.model.playing import PlayingView
from engine.model.review import JournalAsked, Span
from tests.tui import dashboard, fake, many, reviews, rooms, states, test_ladder
from tests.tui.charts import NOW
from tests.tui.cockpit import Cockpit, running
from tests.tui.hands_on import HandsOn, HandsOnCockpit
from tests.tui.test_themes import THEMES, contrast
from tui.theme_registry import for_16, for_256
from tui.theme_styles import ThemeStyles
from tui.widgets.pane_area import PaneArea

DRAWN = {
    "frame", "guide", "volume", "candle-up", "candle-down", "zone-up", "zone-down", "zone-level", "ink",
    "select",
}  # fmt: skip
"""Lines and shapes, and what is painted on a badge of its own: tests/tui/test_themes.py."""
SEEN_AT_ONCE = {"text", "up", "down", "gain", "loss", "stop", "target", "entry", "stale", "error", "warn"}
"""Prices, money and deadlines."""
WEIGHTS = {"bold", "italic", "underline", "reverse"}


@pytest.fixture(scope="module")
def used() -> set[tuple[str, str]]:
    """Colour and background of every style that screens have asked for."""
    return set()


async def test_what_screens_use_is_gathered(
    used: set[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    style = ThemeStyles.style

    def noted(self: ThemeStyles, name: str) -> Style:
        words = name.split()
        back = next((word[3:] for word in reversed(words) if word.startswith("on:")), "background")
        used.update((word, back) for word in words if not word.startswith("on:") and word not in WEIGHTS)
        return style(self, name)

    monkeypatch.setattr(ThemeStyles, "style", noted)
    views = [
        fake.trading_view(AccountKind.LIVE),
        many.four_in_trouble(),
        rooms.two_books(),
        dashboard.trouble(),
    ]
    cockpit = test_ladder.cockpit(views[0])
    cockpit.engine.replies = {JournalAsked: reviews.journal(Span.MONTH), TryAlert: reviews.reading()}
    async with running(cockpit, (200, 60)) as pilot:
        for view in (*views, *(made() for made in states.STATES.values())):
            cockpit.engine.show(view)
            await cockpit.later(pilot)
        for key in ("D", "E", "i", "d", "l", "S", "J", "L"):
            await cockpit.press(pilot, key)
            await cockpit.later(pilot)
            for more in {"J": "vv", "L": "ay"}.get(key, ""):
                await cockpit.press(pilot, more)
                await cockpit.later(pilot)
            await cockpit.press(pilot, "escape", "escape")
        await cockpit.press(pilot, "M", *"NQ long")
        await cockpit.later(pilot)
    async with _ticket() as (hands, pilot):
        await hands.later(pilot)
    async with _replay() as (replayed, pilot):
        await replayed.later(pilot)
    assert len(used) > 30
    assert {"surface", "background"} <= {back for _, back in used}


@pytest.mark.parametrize(
    ("terminal", "least", "at_once"),
    [(dict, 4.5, 7.0), (lambda colors: {k: for_256(c) for k, c in colors.items()}, 4.0, 4.5)],
    ids=["true colour", "256"],
)
def test_every_word_can_be_read_in_every_theme(
    used: set[tuple[str, str]],
    terminal: Callable[[dict[str, str]], dict[str, str]],
    least: float,
    at_once: float,
) -> None:
    assert used, "gathered by the test before"
    for theme in THEMES.values():
        colors = terminal(theme.colors)
        for word, back in sorted(used):
            if word in DRAWN or back in DRAWN:
                continue
            wanted = at_once if word in SEEN_AT_ONCE and back in ("background", "surface") else least
            found = contrast(colors[word], colors[back])
            assert found >= wanted, f"{theme.name}: {word} on {back} is {found:.2f}"


def test_with_16_colours_every_word_stands_out(used: set[tuple[str, str]]) -> None:
    assert used, "gathered by the test before"
    for theme in THEMES.values():
        colors = for_16(theme)
        for word, back in sorted(used):
            if word not in ("frame", "guide", "volume") and colors[word] != colors[back]:
                assert contrast(colors[word], colors[back]) >= 3, f"{theme.name}: {word} on {back}"
            elif word not in DRAWN:
                assert colors[word] != colors[back], f"{theme.name}: {word} on {back}"


# --- whole screens -----------------------------------------------------------------------------------------

SIZES = ((80, 24), (120, 40), (200, 60))


@asynccontextmanager
async def _main() -> AsyncIterator[tuple[Cockpit, Pilot[Any]]]:
    cockpit = Cockpit()
    async with running(cockpit, SIZES[0]) as pilot:
        yield cockpit, pilot


@asynccontextmanager
async def _ticket() -> AsyncIterator[tuple[Cockpit, Pilot[Any]]]:
    cockpit = HandsOnCockpit(HandsOn())
    async with running(cockpit, SIZES[0]) as pilot:
        cockpit.app.main.query_one(PaneArea).visible = False  # it is a scene of its own
        await cockpit.do(pilot, "o", "down", "down", "3", "down")
        yield cockpit, pilot


@asynccontextmanager
async def _ladder() -> AsyncIterator[tuple[Cockpit, Pilot[Any]]]:
    cockpit = test_ladder.cockpit()
    async with running(cockpit, SIZES[0]) as pilot:
        await cockpit.press(pilot, "L")
        await cockpit.later(pilot)
        await cockpit.press(pilot, "a")
        await cockpit.later(pilot)
        await cockpit.press(pilot, "y")
        assert test_ladder.ladder(cockpit).armed
        yield cockpit, pilot


@asynccontextmanager
async def _journal() -> AsyncIterator[tuple[Cockpit, Pilot[Any]]]:
    cockpit = Cockpit()
    cockpit.engine.replies = {JournalAsked: reviews.journal(Span.MONTH)}
    async with running(cockpit, SIZES[0]) as pilot:
        await cockpit.press(pilot, "J")
        await cockpit.later(pilot)
        yield cockpit, pilot


@asynccontextmanager
async def _replay() -> AsyncIterator[tuple[Cockpit, Pilot[Any]]]:
    playing = PlayingView(NOW - 10**13, NOW + 10**13, paused=True)
    cockpit = Cockpit(replace(fake.trading_view(), replay="paused ×8", playing=playing))
    async with running(cockpit, SIZES[0]) as pilot:
        yield cockpit, pilot


@pytest.mark.parametrize("scene", [_main, _ticket, _ladder, _journal, _replay])
async def test_each_screen_is_the_same_in_every_theme_and_can_be_read(
    scene: Callable[[], AbstractAsyncContextManager[tuple[Cockpit, Pilot[Any]]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of each there is a picture at every size in the first theme. In the others each cell holds the same
    character; all colours are the theme's, and no letter or digit has less than 4.5 : 1.
    """
    monkeypatch.setenv("COLORTERM", "truecolor")
    said: dict[tuple[int, int], list[str]] = {}
    async with scene() as (cockpit, pilot):
        app = cockpit.app
        for name, theme in THEMES.items():
            app.theme = name
            own = {color.lower() for color in theme.colors.values()}
            for size in SIZES:
                await pilot.resize_terminal(*size)
                await cockpit.later(pilot, 0)
                lines = app.screen._compositor.render_strips()
                words = [strip.text for strip in lines]
                assert words == said.setdefault(size, words), f"{name} at {size}"
                worn = {pair for strip in lines for pair in _worn(strip)}
                assert {color for pair in worn for color in pair} <= own, f"{name} at {size}"
                dim = {pair: contrast(*pair) for pair in _read(lines) if contrast(*pair) < 4.5}
                assert not dim, f"{name} at {size}"
        assert len(said) == len(SIZES)


def _worn(strip: Strip) -> Iterator[tuple[str, str]]:
    """Colours of ink and paper of whatever is painted."""
    for segment in strip:
        if segment.style is not None and segment.style.color and segment.style.bgcolor:
            yield _hex(segment.style.color), _hex(segment.style.bgcolor)


def _read(strips: Iterable[Strip]) -> set[tuple[str, str]]:
    """Those of letters and digits."""
    lettered = (Strip([one for one in strip if any(map(str.isalnum, one.text))]) for strip in strips)
    return {pair for strip in lettered for pair in _worn(strip)}


def _hex(color: Color) -> str:
    return color.get_truecolor().hex.lower()
