"""The journal page, dry runs of alerts, and alerts by kind: what people see of them, and what they may do."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from msgspec.structs import replace
from textual import events

from engine.model.alert_tries import TryAlert
from engine.model.commands import NoteTrade
from engine.model.notices import Notice, NoticeKind, Severity
from engine.model.playing import PlayingView
from engine.model.review import JournalAsked, Span
from tests.tui import fake, reviews
from tests.tui.charts import NOW
from tests.tui.cockpit import Cockpit, grid_text, running
from tests.tui.pictures import Pictures
from tests.tui.pictures import pictures as pictures
from themes.loader import builtin_themes
from tui.rows import journal as rows
from tui.rows.alert_try import tried_rows
from tui.rows.messages import ALERT_KINDS, alert_rows, next_kind
from tui.screen_state import ScreenState
from tui.styled_text import text_of, width_of
from tui.widgets.grid import LiveGrid

SIZES = ((80, 24), (120, 40), (200, 60))
VIEW = fake.trading_view()
drawn_by_one = pytest.mark.skipif(
    sys.version_info[:2] != (3, 11), reason="pictures are compared on Python 3.11 only"
)


def cockpit_with(**options: Any) -> Cockpit:
    cockpit = Cockpit(VIEW, **options)
    cockpit.engine.replies = {JournalAsked: reviews.journal(Span.MONTH), TryAlert: reviews.reading()}
    return cockpit


def shown(cockpit: Cockpit) -> str:
    return "\n".join(grid_text(grid) for grid in cockpit.app.screen.query(LiveGrid))


# --- rows ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [56, 76, 116, 196])
def test_every_row_of_a_review_fits_its_width(width: int) -> None:
    told = reviews.journal(Span.ALL)
    head, listed, things = rows.list_rows(told, VIEW, width)
    assert len(listed) == len(things) == 50
    top, weeks = rows.calendar_rows(told, width)
    every = [head, *listed, top, *weeks, *rows.statistics_rows(told, width), rows.summary_row(told, width)]
    every += rows.detail_rows(told.trades[0], told, VIEW, width)
    every += tried_rows(reviews.reading(good=False), VIEW, width)
    assert max(map(width_of, every)) <= width


def test_small_samples_are_marked_and_said() -> None:
    texts = [text_of(row) for row in rows.statistics_rows(reviews.journal(Span.ALL), 100)]
    assert any(text.startswith("by setup") for text in texts)
    (held,) = (text for text in texts if text.startswith("block_held"))
    assert "~13" in held.split()
    (practice,) = (text for text in texts if text.startswith("practice"))
    assert "50" in practice.split(), "fifty are enough"
    assert any("fewer than 30 trades" in text for text in texts)


def test_a_day_says_its_sum_without_a_colour_too() -> None:
    _, weeks = rows.calendar_rows(reviews.journal(Span.ALL), 100)
    assert len(weeks) == 5
    assert "+" in text_of(weeks[0])
    assert "−" in "".join(map(text_of, weeks))


def test_what_comes_from_outside_is_text() -> None:
    told = reviews.journal(Span.ALL)
    noted = replace(told.trades[0], note="[bold]x\x1b[31m #tag", reasons=("\x07",))
    said = "\n".join(text_of(row) for row in rows.detail_rows(noted, told, VIEW, 100))
    assert "[bold]x" in said
    assert "\x1b" not in said
    assert "\x07" not in said


@pytest.mark.parametrize(
    ("good", "said"),
    [
        (
            True,
            ["AN ALERT", "contract    MNQ", "stop        21028", "practice  would enter 3", "A of the room"],
        ),
        (False, ["REFUSED", "48 points", "size 3, not entered", "risk.reward_to_risk_min", "MNQ is paused"]),
    ],
)
def test_a_reading_says_the_trade_the_size_and_what_is_against_it(good: bool, said: list[str]) -> None:
    text = "\n".join(text_of(row) for row in tried_rows(reviews.reading(good), VIEW, 100))
    assert [words for words in said if words not in text] == []


def test_alerts_show_one_kind_alone_and_repeats_are_counted() -> None:
    lost = [
        Notice(20 + n, NOW, NoticeKind.CONNECTION, Severity.WARNING, f"market hub is back after {n} s")
        for n in (1, 2, 7)
    ]
    state = ScreenState(VIEW, notices=[*VIEW.notices, *lost])
    texts = [text_of(row) for row in alert_rows(state, 100)]
    assert sum("market hub is back" in text for text in texts) == 1
    assert "market hub is back after 7 s ×3" in texts[0]
    fills = [text_of(row) for row in alert_rows(replace(state, alert_kind="fills"), 100)]
    assert len(fills) == 2
    assert all("✓" in text for text in fills)
    kinds = [""]
    while (kind := next_kind(kinds[-1])) != "":
        kinds.append(kind)
    assert kinds == list(ALERT_KINDS)
    assert set().union(*list(ALERT_KINDS.values())[1:]) == set(NoticeKind)


# --- pages ---------------------------------------------------------------------------------------------


async def test_trades_are_looked_back_on_noted_and_exported_by_key() -> None:
    exported: list[JournalAsked] = []

    def export(asked: JournalAsked) -> str:
        exported.append(asked)
        return "written: a.html"

    cockpit = cockpit_with(export=export)
    async with running(cockpit) as pilot:
        await cockpit.press(pilot, "J")
        await cockpit.later(pilot)
        assert cockpit.engine.looked_up[0] == JournalAsked(Span.WEEK)
        text = shown(cockpit)
        assert "left too early" in text
        assert "slippage" in text
        await cockpit.press(pilot, "j", "j", "e", *"ok #x", "enter")
        (note,) = (sent for sent in cockpit.engine.sent if isinstance(sent, NoteTrade))
        third = reviews.journal(Span.MONTH).trades[2]
        assert (note.book, note.trade, note.text) == ("practice", third.key, "ok #x")
        await cockpit.press(pilot, "v")
        assert "by weekday" in shown(cockpit)
        await cockpit.press(pilot, "v")
        assert "week of" in shown(cockpit)
        await cockpit.press(pilot, "v", "t", "left")
        told = reviews.journal(Span.MONTH)
        asked = [one for one in cockpit.engine.looked_up if isinstance(one, JournalAsked)]
        assert asked[-1].span is Span.MONTH
        assert asked[-1].day < told.first
        await cockpit.press(pilot, "x")
        await pilot.app.workers.wait_for_complete()
        assert [one.span for one in exported] == [Span.MONTH]
        assert "written: a.html" in cockpit.toasts()
        cockpit.app.export = "leave the replay"
        await cockpit.press(pilot, "x")
        assert "export: leave the replay" in cockpit.toasts()
        # Nothing comes of it where nobody answers: it is said.
        cockpit.engine.replies.clear()
        await cockpit.press(pilot, "t")
        await cockpit.later(pilot, 2)
        assert "nobody is there" in cockpit.app.screen.query_one(LiveGrid).content.note[0][0]
        await cockpit.press(pilot, "escape")
        assert cockpit.app.screen is cockpit.app.main


async def test_a_text_is_pasted_and_read_and_nothing_is_sent() -> None:
    cockpit = cockpit_with()
    async with running(cockpit) as pilot:
        await cockpit.press(pilot, "M")
        text = "NQ long 21038: A\nStop: 21028\nF y q p"
        cockpit.app.post_message(events.Paste(text))
        await pilot.pause()
        await cockpit.later(pilot)
        assert cockpit.engine.looked_up[-1] == TryAlert(text, "")
        said = shown(cockpit)
        assert "AN ALERT" in said
        assert "would enter 3" in said
        await cockpit.press(pilot, "tab")
        assert cockpit.engine.looked_up[-1] == TryAlert(text, "night-desk")
        await cockpit.press(pilot, "F", "y", "ctrl+x", "escape")
        assert cockpit.app.screen is cockpit.app.main
        assert cockpit.engine.sent == []
        await cockpit.press(pilot, "6", "v")
        assert cockpit.app.shown.alert_kind == "fills"
        assert cockpit.app.presenter.choice.log_level == "INFO", "in the alerts it is their key"
        assert "Alerts · fills" in cockpit.pane("alerts")


# --- pictures ------------------------------------------------------------------------------------------


@drawn_by_one
async def test_pictures_of_reviewing(pictures: Pictures) -> None:
    cockpit = cockpit_with()
    async with running(cockpit) as pilot:

        async def draw(name: str) -> None:
            cockpit.app.clear_notifications()
            await cockpit.later(pilot)
            await pilot.pause()
            pictures.compare(cockpit.app, name)

        async def at_all_sizes(name: str) -> None:
            for width, height in SIZES:
                await pilot.resize_terminal(width, height)
                await draw(f"{name}-{width}x{height}")
            await pilot.resize_terminal(120, 40)
            first, *others = builtin_themes()
            for theme in others:
                cockpit.app.theme = theme
                await draw(f"{name}-{theme}")
            cockpit.app.theme = first

        await cockpit.press(pilot, "J")
        await at_all_sizes("journal")
        await cockpit.press(pilot, "v")
        await draw("journal-statistics")
        await cockpit.press(pilot, "v")
        await draw("journal-calendar")
        await cockpit.press(pilot, "escape", "M", *"NQ long 21038")
        await draw("alert-try")
        cockpit.engine.replies[TryAlert] = reviews.reading(good=False)
        await cockpit.press(pilot, *": A")
        await draw("alert-try-refused")
        await cockpit.press(pilot, "escape")
        playing = PlayingView(NOW - 10**13, NOW + 10**13, paused=True)
        cockpit.engine.show(replace(VIEW, version=7, replay="paused ×8", playing=playing))
        await at_all_sizes("replay")
        await cockpit.press(pilot, "F")
        await draw("replay-question")
    assert pictures.wrong == []
