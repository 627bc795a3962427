"""The chart is asked for what is looked at, back to the oldest bars, and says what it waits for."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from engine.model.chart import ChartView, OlderBars
from engine.model.instrument import CME_FUTURES
from engine.model.market import Bar, Timeframe
from tests.tui.charts import charts
from tests.tui.cockpit import Cockpit, running
from tui.panes.chart import ChartPane


async def test_looking_back_in_the_chart() -> None:
    cockpit = Cockpit()
    async with running(cockpit) as pilot:
        await cockpit.press(pilot, "1", "left", "left")
        assert "16 bars back" in cockpit.pane("chart")
        seen = charts(CME_FUTURES["MNQ"])[Timeframe.M5].bars[-16]
        low = f"L {seen.low * CME_FUTURES['MNQ'].tick_size:.2f}"
        assert low in cockpit.pane("chart"), "the line below follows the bar at the right"
        assert "14 Oct 08:" in cockpit.pane("chart")
        await cockpit.press(pilot, "right", "right", "plus")
        assert "bars back" not in cockpit.pane("chart")


async def test_who_looks_back_beyond_what_is_there_is_given_older_bars() -> None:
    """TypedCommand for in time, waited for in words, tried again where it fails, and ended by their end."""
    cockpit = Cockpit()
    shown = ("MNQ", Timeframe.M5)
    have = charts(CME_FUTURES["MNQ"])[Timeframe.M5].bars
    far = [replace(bar, open_ts=bar.open_ts - len(have) * bar.timeframe.nanos) for bar in have]

    async def tell(pilot: Pilot[Any], state: OlderBars, *bars: Bar) -> str:
        cockpit.engine.older[shown] = bars, state
        cockpit.engine.show(cockpit.engine.current)
        await cockpit.later(pilot)
        return cockpit.pane("chart").splitlines()[0]

    async with running(cockpit) as pilot:
        await cockpit.press(pilot, "1", "left", "right_parenthesis", "left_parenthesis")
        assert cockpit.engine.asked_older == [], "there is enough"
        pane = cockpit.app.main.pane("chart")
        assert isinstance(pane, ChartPane)
        pane.action_back(len(have) - 26)
        await cockpit.press(pilot, "left", "left")
        assert set(cockpit.engine.asked_older) == {shown}
        assert "loading older bars…" in await tell(pilot, OlderBars.LOADING)
        assert "older bars failed to load, ← tries again" in await tell(pilot, OlderBars.FAILED)
        asked = len(cockpit.engine.asked_older)
        await cockpit.press(pilot, "left")
        assert len(cockpit.engine.asked_older) == asked + 1
        back = f"{len(have) - 10} bars back"
        title = await tell(pilot, OlderBars.MORE, *far)
        assert title.endswith(back), "what is looked at stays where it is"
        await cockpit.press(pilot, "left", "left")
        assert f"{len(have) + 6} bars back" in cockpit.pane("chart")
        pane.action_back(len(far))
        assert f"{2 * len(have) - 10} bars back, the oldest" in cockpit.pane("chart")
        await cockpit.press(pilot, "right")
        assert "the oldest" not in cockpit.pane("chart")
        await cockpit.press(pilot, "left")
        assert "bars back, no older bars" in await tell(pilot, OlderBars.NONE, *far)
        assert "no older bars are kept" in await tell(pilot, OlderBars.MOST, *far)
        await cockpit.press(pilot, "end")
        assert "older bars" not in cockpit.pane("chart")


async def test_only_the_chart_that_is_looked_at_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    cockpit = Cockpit()
    asked: set[tuple[str, Timeframe]] = set()
    chart = cockpit.engine.chart

    def ask(instrument: str, timeframe: Timeframe) -> ChartView | None:
        asked.add((instrument, timeframe))
        return chart(instrument, timeframe)

    monkeypatch.setattr(cockpit.engine, "chart", ask)
    async with running(cockpit) as pilot:
        await cockpit.later(pilot)
        assert asked == {("MNQ", Timeframe.M5)}
        await cockpit.press(pilot, "t")
        assert asked == {("MNQ", Timeframe.M5), ("MNQ", Timeframe.M10)}
        await cockpit.press(pilot, "3", "z")
        asked.clear()
        cockpit.engine.show(cockpit.engine.current)
        await cockpit.later(pilot)
        assert asked == set(), "another pane has the whole screen"


async def test_a_chart_that_the_engine_does_not_have_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    cockpit = Cockpit()
    async with running(cockpit) as pilot:
        monkeypatch.setattr(cockpit.engine, "chart", lambda *_: None)
        await cockpit.press(pilot, "t")
        assert "MNQZ6 10m" in cockpit.pane("chart")
        assert "waiting for the chart" in cockpit.pane("chart")
        view = cockpit.engine.current
        cockpit.engine.show(replace(view, health=replace(view.health, ok=False, stopped=True)))
        await cockpit.later(pilot)
        assert "no engine, no chart" in cockpit.pane("chart")
