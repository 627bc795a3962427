"""The pane of the second opinion: its rows at every width, and how it looks."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from engine.model.decision import Counsel, Opinion, OpinionPart
from engine.model.view import View
from tests.tui import fake, opinions
from tests.tui.cockpit import Cockpit
from tests.tui.signals import signals
from tui.rows.opinion import opinion_rows
from tui.rows.why import why_rows
from tui.screen_state import ScreenState
from tui.styled_text import text_of, width_of

SCENES = {"deciding": opinions.deciding, "trouble": opinions.in_trouble, "beginning": opinions.beginning}


def rows(view: View, width: int) -> list[str]:
    assert view.opinion is not None
    found = opinion_rows(ScreenState(view, "MNQ"), view.opinion, width)
    assert {width_of(row) for row in found} == {width}
    return [text_of(row).rstrip() for row in found]


@pytest.mark.parametrize("name", SCENES)
def test_rows_fit_every_width_and_the_outcome_is_never_dropped(name: str) -> None:
    for width in (58, 78, 109, 110, 150, 298):
        told = rows(SCENES[name](), width)
        if name != "beginning":
            assert any("✗ stop" in line for line in told)
            assert any("✓ target" in line for line in told)


def test_what_is_wrong_is_said() -> None:
    told = "\n".join(rows(opinions.in_trouble(), 120))
    for words in ("✕ rules alone", "it has not answered for 2 s", "due for", "17 without an answer", "8.3 %"):
        assert words in told
    first = "\n".join(rows(opinions.beginning(), 80))
    for words in ("○ no model", "no model has been trained and promoted", "nobody has been asked yet",
                  "no news or posts have been read", "by hand: tstream train"):  # fmt: skip
        assert words in first


def test_what_a_model_looks_at_is_said() -> None:
    told = opinions.opinion()
    assert told.model is not None
    shares = (0.5, 0.3, 0.2)
    model = replace(told.model, looks_at=(("move_12", 0.41), ("evil\x1b[31m", 0.2)), looks_back=shares)
    view = replace(fake.trading_view(), opinion=replace(told, model=model))
    for width in (58, 120):
        shown = "\n".join(rows(view, width))
        assert "looks at    move 12 41 %" in shown
        assert "looks back  50 %, 30 %, 20 %" in shown
        assert "\x1b" not in shown


def test_text_from_outside_is_shown_as_it_is() -> None:
    told = opinions.opinion()
    evil = replace(told.moods[0], source="[red]x[/]\x1b[31m")
    view = replace(fake.trading_view(), opinion=replace(told, moods=(evil,)))
    shown = "\n".join(rows(view, 120))
    assert "[red]x[/]" in shown
    assert "\x1b" not in shown


def test_why_tells_what_each_has_said() -> None:
    parts = (OpinionPart("rules", 0.74, 0.5556), OpinionPart("model", 0.62, 0.4444))
    said = Opinion("o1-9", Counsel.FOR, parts, 0.687, 0.6, "mnq-5m", 0.55, 0.31)
    signal = replace(signals()[-1], opinion=said)
    told = " ".join(text_of(row).strip() for row in why_rows(signal, lambda ts: "09:30:00", 100))
    assert "for: rules 0.74 × 56 % · model 0.62 × 44 % = 0.69, at least 0.60" in told
    assert "mnq-5m: 55 % to its target, +0.31 R" in told
    alone = replace(signal, opinion=Opinion("o1-9", Counsel.ALONE, missing="no answer within 50 ms"))
    told = " ".join(text_of(row).strip() for row in why_rows(alone, lambda ts: "09:30:00", 100))
    assert "rules alone: no answer within 50 ms" in told


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="pictures are compared on Python 3.11 only")
@pytest.mark.parametrize(
    ("name", "size"), [("deciding", (80, 24)), ("deciding", (120, 40)), ("trouble", (200, 60))]
)
def test_picture(snap_compare: Callable[..., bool], name: str, size: tuple[int, int]) -> None:
    cockpit = Cockpit(SCENES[name]())

    async def press(pilot: Pilot[Any]) -> None:
        await pilot.pause()
        await cockpit.press(pilot, "O")

    assert snap_compare(cockpit.app, terminal_size=size, run_before=press)
