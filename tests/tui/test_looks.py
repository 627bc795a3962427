"""Crosshair, second chart, layouts, overlays and themes, as a person goes through them."""

from __future__ import annotations

from pathlib import Path

from tests.tui.cockpit import Cockpit, running
from tui.remembered import Remembered
from tui.screens.looks import LayoutPicker, OverlayPicker, ThemePicker


async def test_the_crosshair_goes_from_bar_to_bar_and_the_window_follows() -> None:
    cockpit = Cockpit()
    async with running(cockpit) as pilot:
        await cockpit.press(pilot, "m")
        assert "14 Oct 09:40" in cockpit.pane("chart")
        await cockpit.press(pilot, "h", "left", "left", "l")
        assert "14 Oct 09:30" in cockpit.pane("chart")
        assert "bars back" not in cockpit.pane("chart")
        await cockpit.press(pilot, *["left"] * 60)
        assert "14 Oct 04:30" in cockpit.pane("chart")
        assert "bars back" in cockpit.pane("chart")
        await cockpit.press(pilot, "end")
        assert "14 Oct 09:40" in cockpit.pane("chart")
        await cockpit.press(pilot, "h", "t")
        assert "14 Oct 09:30" in cockpit.pane("chart"), "the same time in the longer timeframe"
        await cockpit.press(pilot, "escape")
        assert "14 Oct" not in cockpit.pane("chart")
        assert cockpit.app.main.pane("chart").has_focus, "escape takes the crosshair away, no more"


async def test_a_second_chart_has_a_timeframe_or_a_contract_of_its_own() -> None:
    cockpit = Cockpit()
    async with running(cockpit, (200, 60)) as pilot:
        second = cockpit.app.main.pane("chart-2")
        await cockpit.press(pilot, "vertical_line")
        assert second.display
        assert "MNQZ6 15m" in cockpit.pane("chart-2")
        second.focus()
        await cockpit.press(pilot, "t")
        assert "MNQZ6 30m" in cockpit.pane("chart-2")
        assert "MNQZ6 5m" in cockpit.pane("chart")
        await cockpit.press(pilot, "vertical_line")
        assert "NQZ6 5m" in cockpit.pane("chart-2")
        await cockpit.press(pilot, "n")
        assert "MESZ6 5m" in cockpit.pane("chart-2")
        await cockpit.press(pilot, "vertical_line")
        assert not second.display


async def test_layouts_sizes_and_overlays_are_chosen_kept_and_worn_again(tmp_path: Path) -> None:
    file = tmp_path / "cockpit.json"
    cockpit = Cockpit(remembered=file)
    async with running(cockpit) as pilot:
        main = cockpit.app.main
        high = main.pane("chart").size.height
        await cockpit.press(pilot, "1", "equals_sign", "equals_sign")
        assert main.pane("chart").size.height == high + 2
        await cockpit.press(pilot, *["equals_sign"] * 5)
        assert any("no pane above or below it gives rows" in told for told in cockpit.toasts())
        top = main.pane("chart").size.height
        await cockpit.press(pilot, "minus")
        assert main.pane("chart").size.height == top - 1, "what had no effect is not in the way"
        await cockpit.press(pilot, "ctrl+l")
        assert isinstance(cockpit.app.screen, LayoutPicker)
        await cockpit.press(pilot, "s", *"tall", "enter")
        await cockpit.press(pilot, "underscore", "underscore")
        assert main.pane("chart").size.width == 120
        await cockpit.press(pilot, "V")
        assert isinstance(cockpit.app.screen, OverlayPicker)
        assert "S/R" in cockpit.pane("chart")
        await cockpit.press(pilot, "z", "escape")
        assert "S/R" not in cockpit.pane("chart")
    kept = Remembered(file).choices
    assert (kept.layout.arrangement, kept.overlays_off, list(kept.layouts)) == ("charts", ("z",), ["tall"])
    cockpit = Cockpit(remembered=file)
    async with running(cockpit) as pilot:
        assert cockpit.app.main.pane("chart").size.width == 120
        await cockpit.press(pilot, "underscore")
        assert cockpit.app.main.pane("chart").size.height == top - 1


async def test_a_theme_is_worn_while_it_is_looked_at_and_escape_puts_the_old_one_back() -> None:
    cockpit = Cockpit()
    async with running(cockpit) as pilot:
        await cockpit.press(pilot, "ctrl+t", "down")
        assert isinstance(cockpit.app.screen, ThemePicker)
        assert cockpit.app.theme == "daybook"
        assert (
            cockpit.app.theme_styles.colors["background"]
            == cockpit.app.theme_registry.themes["daybook"].colors["background"]
        )
        await cockpit.press(pilot, "escape")
        assert cockpit.app.theme == "nightwatch"
        await cockpit.press(pilot, "ctrl+t", "down", "enter")
        assert cockpit.app.theme == "daybook"
