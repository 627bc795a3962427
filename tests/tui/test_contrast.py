"""What is written can be read in every theme, on whatever it is painted on: WCAG contrast of the styles that
the screens really use.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from rich.style import Style

from engine.model.orders import AccountKind
from tests.tui import dashboard, fake, many, rooms, states
from tests.tui.cockpit import Cockpit, running
from tests.tui.test_themes import THEMES, contrast
from tui.theme_registry import for_16, for_256
from tui.theme_styles import ThemeStyles

DRAWN = {
    "frame", "guide", "volume", "candle-up", "candle-down", "zone-up", "zone-down", "zone-level", "ink",
    "select",
}  # fmt: skip
"""Lines and shapes, and what is painted on a badge of its own: tests/tui/test_themes.py."""
SEEN_AT_ONCE = {"text", "up", "down", "gain", "loss", "stop", "target", "entry", "stale", "error", "warn"}
"""Prices, money and deadlines."""
FRAME_OF_PICTURE = {"#292929", "#c5c8c6", "#ff5f57", "#febc2e", "#28c840"}
"""Of the window that a screenshot is set in."""
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
    cockpit = Cockpit(views[0])
    async with running(cockpit, (200, 60)) as pilot:
        for view in (*views, *(made() for made in states.STATES.values())):
            cockpit.engine.show(view)
            await cockpit.later(pilot)
        for key in ("D", "E", "i", "d", "l"):
            await cockpit.press(pilot, key, "escape")
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


async def test_the_main_screen_wears_each_theme_alone_at_every_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLORTERM", "truecolor")
    said: dict[tuple[int, int], str] = {}
    cockpit = Cockpit()
    async with running(cockpit, (80, 24)) as pilot:
        for size in ((80, 24), (120, 40), (200, 60)):
            await pilot.resize_terminal(*size)
            for name, theme in THEMES.items():
                cockpit.app.theme = name
                cockpit.app.redraw()
                await pilot.pause()
                picture = cockpit.app.export_screenshot()
                words = "".join(re.findall(r"<text[^>]*>([^<]*)</text>", picture))
                assert words == said.setdefault(size, words), f"{name} says the same at {size}"
                worn = set(re.findall(r"fill[:=] ?\"?(#[0-9a-f]{6})", picture))
                odd = worn - {color.lower() for color in theme.colors.values()} - FRAME_OF_PICTURE
                assert len(worn) > 15
                assert not odd, f"{name} at {size}"
