"""What is typed right after a key that opens a line, before that is shown, is in it and acts nowhere."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from textual import events
from textual.keys import _character_to_key
from textual.widgets import Input, TextArea

from engine.model.alert_tries import TryAlert
from engine.model.commands import NoteTrade
from engine.model.review import JournalAsked, Span
from tests.tui import fake, reviews
from tests.tui.cockpit import Cockpit, running
from tests.tui.test_replay import Time, played

KEYS = "fFxRqCbo B2:/@Meynj?zL."
"""Some of them close positions or leave the screen, where they are keys."""
REPLAY = replace(played(), trades=fake.trading_view().trades)

OPENERS = {
    "command line": ((), "colon"),
    "filter": ((), "slash"),
    "filter of the log's page": (("l",), "slash"),
    "time to go to": ((), "at"),
    "dry run of an alert": ((), "M"),
    "note in the trades pane": (("0",), "e"),
    "note in the journal": (("J",), "e"),
    "name of a layout": (("ctrl+l",), "s"),
}


def cockpit_of_lines() -> Cockpit:
    cockpit = Cockpit(REPLAY, replay=Time())
    cockpit.engine.replies = {JournalAsked: reviews.journal(Span.MONTH), TryAlert: reviews.reading()}
    return cockpit


def type_at_once(cockpit: Cockpit, *keys: str) -> None:
    """As keys that wait in the terminal's buffer: nothing is drawn in between."""
    driver = cockpit.app._driver
    assert driver is not None
    for key in keys:
        character = {"colon": ":", "slash": "/", "at": "@"}.get(key, key)
        event = events.Key(_character_to_key(character) if len(character) == 1 else key, character)
        event.set_sender(cockpit.app)
        driver.send_message(event)


def line_of(cockpit: Cockpit) -> str:
    found = [one for one in cockpit.app.screen.query("Input, TextArea") if one.display]
    assert len(found) == 1, found
    [line] = found
    assert line.has_focus
    return line.value if isinstance(line, Input) else line.text if isinstance(line, TextArea) else ""


@pytest.mark.parametrize("what", OPENERS)
async def test_it_is_in_the_line_and_acts_nowhere(what: str) -> None:
    before, key = OPENERS[what]
    cockpit = cockpit_of_lines()
    async with running(cockpit, (120, 40)) as pilot:
        await cockpit.later(pilot)
        await cockpit.press(pilot, *before)
        await cockpit.later(pilot)
        screens = len(cockpit.app.screen_stack)
        type_at_once(cockpit, key, *KEYS)
        for _ in range(3):
            await cockpit.later(pilot)
        assert line_of(cockpit).endswith(KEYS)
        assert len(cockpit.app.screen_stack) == screens + (what == "dry run of an alert")
        assert cockpit.engine.sent == []
        assert cockpit.app.reason is None


async def test_a_note_of_a_trade_is_typed_where_the_trade_is() -> None:
    trades = enumerate(fake.trading_view().trades)
    noted = tuple(replace(one, key=f"k{n}", note="early #x") for n, one in trades)
    cockpit = Cockpit(replace(fake.trading_view(), trades=noted))
    async with running(cockpit, (120, 40)) as pilot:
        await cockpit.press(pilot, "0", "j", "e", *" late", "enter")
        [note] = cockpit.engine.sent
        assert isinstance(note, NoteTrade)
        newest = sorted(noted, key=lambda one: -one.closed_ts)
        assert (note.book, note.trade, note.text) == (newest[1].book, newest[1].key, "early #x late")
        assert cockpit.app.main.focused is cockpit.app.main.pane("trades")
        await cockpit.press(pilot, "e")
        line = cockpit.app.main.focused
        assert isinstance(line, Input)
        line.post_message(events.Paste("pasted"))
        await cockpit.press(pilot, "f")
        assert line.value == "early #xf"
        await cockpit.press(pilot, "escape")
        assert cockpit.engine.sent == [note]
        assert cockpit.app.main.focused is cockpit.app.main.pane("trades")
