"""The command line and the filters of panes: text in, what is meant out; and what typing ahead can't do."""

from __future__ import annotations

import pytest

from engine.model.commands import Flatten, Pause
from engine.model.view import View
from tests.tui import many
from tests.tui.cockpit import Cockpit, running
from tui.actions import ACTIONS
from tui.command_line import CHOICES, Names, TypedCommand, completed, completions, hint, understood
from tui.rows import messages, positions
from tui.screen_state import ScreenState
from tui.screens.confirm import ConfirmScreen
from tui.screens.main import MainScreen
from tui.styled_text import cell, text_of
from tui.things import Thing, ThingKind
from tui.widgets.filtering import filtered
from tui.widgets.grid import Content
from tui.widgets.prompt import Prompt

NAMES = Names(("MNQ", "NQ", "ES"), ("eval-1", "paper"), ("1m", "5m"), ("daybook", "ember"))
NQ = Thing(ThingKind.CONTRACT, "typed NQ/", "NQ")
NQ_PAPER = Thing(ThingKind.CONTRACT, "typed NQ/paper", "NQ", "paper")
PAPER = Thing(ThingKind.BOOK, "typed /paper", "", "paper")


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("flatten", TypedCommand("flatten")),
        ("flatten NQ", TypedCommand("flatten", NQ)),
        (
            "flatten NQ paper",
            TypedCommand("flatten", NQ_PAPER),
        ),
        ("flatten all", TypedCommand("flatten-all")),
        (
            "  Flatten-All paper ",
            TypedCommand("flatten-all", PAPER),
        ),
        ("zo", TypedCommand("zoom")),
        ("timeframe 5m", TypedCommand(choice="timeframe", name="5m")),
        ("filter two words", TypedCommand(choice="filter", name="two words")),
        ("brea", "what trades needs its whole name: break-even"),
        ("flat", "flat may be flatten, flatten-all"),
        ("flaten", "no such command: flaten (did you mean flatten?)"),
        ("flatten NX", "no such contract: NX (did you mean NQ?)"),
        ("flatten NQ papr", "no such book: papr (did you mean paper?)"),
        ("flatten NQ paper now", "too many words: now"),
        ("zoom NQ", "zoom takes no name"),
        ("book eval", "no such book: eval (did you mean eval-1?)"),
        ("theme", TypedCommand("theme")),
        ("book", "book: one of all, eval-1, paper"),
        ("\x1b[31m", "no such command: ·[31m"),
        ("", "type the name of an action, such as flatten; tab completes"),
    ],
)
def test_what_a_line_means(line: str, meant: TypedCommand | str) -> None:
    assert understood(line, NAMES) == meant


def test_every_action_is_known_by_its_name_and_completes_to_itself() -> None:
    for name in (*ACTIONS, *CHOICES):
        assert name in completions("", NAMES)
        assert completed(name, NAMES).strip().startswith(name)
        assert hint(name, NAMES)
    for name in ACTIONS:
        assert understood(name, NAMES) == TypedCommand(name)
    assert completed("fla", NAMES) == "flatten"
    assert completed("break", NAMES) == "break-even "
    assert completed("book p", NAMES) == "book paper"
    assert completed("flatten NQ e", NAMES) == "flatten NQ eval-1"
    assert completed("xyz", NAMES) == "xyz"
    assert hint("flat", NAMES) == "flatten  flatten-all"
    assert hint("flaten", NAMES).endswith("(did you mean flatten?)")


def test_a_filter_keeps_whole_things_and_says_how_many(view: View) -> None:
    state = ScreenState(view, "MNQ", notices=view.notices)
    rows, things = messages.alert_table(state, 40)
    found = filtered(Content(rows, title=cell("Alerts"), things=things), "mnq bought")
    assert text_of(found.title) == "Alerts /mnq bought 1 of 8"
    assert [text_of(row).strip() for row in found.rows] == ["09:41:30 ✓ bought 2 MNQ @ 21028.50"]
    assert len(found.things) == len(found.rows)
    books = many.four_books()
    narrow = ScreenState(books, "MNQ")
    head, held = positions.position_rows(narrow, 40)
    content = Content(held, head, things=positions.position_things(narrow))
    assert len(filtered(content, "paper").rows) == 1, "the book counts, though there is no column for it"
    nothing = filtered(content, "no such words")
    assert (len(nothing.rows), nothing.things, nothing.head) == (1, (), ())
    assert filtered(content, "") is content


async def test_a_filter_is_typed_shown_kept_and_cleared() -> None:
    cockpit = Cockpit()
    app = cockpit.app
    async with running(cockpit) as pilot:
        await cockpit.press(pilot, "6", "slash", *"mnq")
        await cockpit.later(pilot)
        assert isinstance(app.focused, Prompt)
        assert "Alerts /mnq 2 of 8" in cockpit.pane("alerts")
        await cockpit.press(pilot, "enter", "j")
        assert app.main.selected is not None
        await cockpit.press(pilot, "escape")
        assert "/mnq" not in cockpit.pane("alerts")
        assert app.presenter.choice.pane == "alerts"
        await cockpit.press(pilot, "slash", "x", "escape")
        assert app.presenter.choice.filters == {}
        assert not app.main.query(Prompt)
        # What is typed at once belongs to the line, and what is pasted behind it trades nothing.
        cockpit.clock.now += 1
        for key in ("slash", *"Fyp", "enter", *"Fyp"):
            cockpit.clock.now += 0.001
            await pilot.press(key)
        assert app.presenter.choice.filters == {"alerts": "Fyp"}
        assert isinstance(app.screen, MainScreen)
        assert cockpit.engine.sent == []


async def test_an_action_by_its_name_asks_as_its_key_does_and_what_is_pasted_trades_nothing() -> None:
    cockpit = Cockpit()
    app = cockpit.app
    async with running(cockpit) as pilot:
        await cockpit.press(pilot, "2", "j", "colon", *"flaten", "enter")
        assert "did you mean flatten?" in str(app.screen.query_one("#command-hint").render())
        await cockpit.press(pilot, *["backspace"] * 6, *"flatt", "tab", "enter")
        assert isinstance(app.screen, ConfirmScreen)
        assert "Flatten MGC" in str(app.screen.query_one(".card").border_title), "the row under the cursor"
        await cockpit.press(pilot, "y", "colon", *"pause NQ"[:5], "enter")
        assert cockpit.engine.sent == [Flatten(id="ui-1", instrument="MGC"), Pause(id="ui-2")]
        await cockpit.press(pilot, "colon", *"contract", "space", *"NQ", "enter")
        assert app.main.instrument == "NQ"
        await cockpit.press(pilot, "colon", *"theme", "space", *"ember", "enter")
        assert app.theme == "ember"
        await cockpit.press(pilot, "colon", "f", "escape")
        assert (app.focused, len(app.screen.query("#command-bar"))) == (app.main.pane("positions"), 0)
        for keys in (":flatten-all\ny", ":resume\n", ":pause\n", ":halt\ny"):
            cockpit.clock.now += 1
            for key in keys:
                cockpit.clock.now += 0.001
                await pilot.press({":": "colon", "\n": "enter", "-": "minus"}.get(key, key))
            await cockpit.press(pilot, "escape")
        assert len(cockpit.engine.sent) == 2
