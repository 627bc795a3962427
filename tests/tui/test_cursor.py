"""Rows are things: a cursor moves over them, stays on the same one, and keys mean it."""

from __future__ import annotations

from msgspec.structs import replace

from engine.model.commands import Flatten
from engine.model.notices import NoticeKind, Severity
from engine.model.view import View
from tests.tui import many
from tests.tui.cockpit import Cockpit, running
from tui import things
from tui.actions import ACTIONS
from tui.clipboard import MOST, copied, osc52
from tui.keymap import resolve_keys
from tui.layout import Shape
from tui.row_menu import entries, explained, heading
from tui.rows import positions
from tui.rows.bars.keys import key_row
from tui.screen_state import ScreenState
from tui.screens.confirm import ConfirmScreen
from tui.screens.main import MainScreen
from tui.screens.page import DetailScreen
from tui.screens.row_menu import RowMenu
from tui.styled_text import text_of
from tui.things import Thing, ThingKind
from tui.typing_pace import READ

KEYS = resolve_keys(None)


def of(view: View, instrument: str) -> Thing:
    return things.of_position(view, next(p for p in view.positions if p.instrument == instrument))


def test_what_a_row_is_about_is_data(view: View) -> None:
    plans = tuple(replace(order, plan=f"plan-{order.instrument}") for order in view.orders)
    state = ScreenState(replace(view, orders=plans), "MNQ")
    position = positions.position_things(state)[0]
    assert position == Thing(ThingKind.POSITION, "practice/MNQ", "MNQ", "practice", "plan-MNQ")
    orders = {order.client_id: order.plan for order in state.view.orders}
    assert {one.order: one.plan for one in positions.order_things(state) if one is not None} == orders


def test_keys_mean_the_row_where_it_is_held_and_the_shown_contract_where_it_is_only_told(view: View) -> None:
    alert = Thing(ThingKind.ALERT, "notice 1", "NQ")
    assert ScreenState(view, "MNQ", selected=of(view, "MGC")).aim == ("MGC", None)
    assert ScreenState(view, "MNQ", selected=alert).aim == ("MNQ", None)
    books = many.four_books()
    held = books.positions[-1]
    selected = things.of_position(books, held)
    assert ScreenState(books, "ES", selected=selected).aim == (held.instrument, held.book)


def test_the_key_line_is_that_of_the_row(view: View) -> None:
    plainly = text_of(key_row(ScreenState(view, "MNQ"), KEYS, Shape.MEDIUM, 120)[0])
    held = text_of(key_row(ScreenState(view, "MNQ", selected=of(view, "MGC")), KEYS, Shape.MEDIUM, 120)[0])
    assert "open" not in plainly
    assert held.startswith(" ⏎ open  f flatten MGC  b break-even")
    assert held.rstrip().endswith("? help  q quit")
    books = many.four_books()
    thing = things.of_position(books, books.positions[0])
    row = text_of(key_row(ScreenState(books, "ES", selected=thing), KEYS, Shape.MEDIUM, 160)[0])
    assert f"flatten {thing.instrument} {thing.book}" in row


def test_the_menu_has_what_can_be_done_first_and_says_why_the_rest_can_not(view: View) -> None:
    flat = Thing(ThingKind.CONTRACT, "ES", "ES")
    found = entries(ScreenState(view, "MNQ"), flat, KEYS)
    can = [one.action for one in found if not one.reason]
    assert can[:2] == ["show-row", "detail"]
    assert found[: len(can)] == [one for one in found if not one.reason]
    assert {one.action: one.reason for one in found if one.reason} == {
        "break-even": "no open position in ES",
        "close-half": "no open position in ES",
        "close-one": "no open position in ES",
        "drop-target": "no open position in ES",
    }
    told = entries(ScreenState(view, "MNQ", readonly=True), of(view, "MGC"), KEYS)
    assert {one.reason for one in told if ACTIONS[one.action].trade} == {"this cockpit is read-only"}
    nothing = entries(ScreenState(view, "MNQ"), Thing(ThingKind.ALERT, "notice 9"), KEYS)
    assert {one.action for one in nothing if one.reason} == {"show-row", "detail", "why"}
    books = many.four_books()
    book = things.of_book(books.books[1])
    assert heading(ScreenState(books, "ES"), book) == f"book {book.book}"
    assert f"flatten all {book.book}" in [one.label for one in entries(ScreenState(books, "ES"), book, KEYS)]


def test_an_alarm_says_what_it_means_what_is_done_and_what_one_can_do(view: View) -> None:
    loud = replace(view.notices[-1], alarm="naked practice MNQ")
    state = ScreenState(view, "MNQ", notices=(*view.notices[:-1], loud))
    means, does, you = explained(state, things.of_notice(loud))
    assert means.startswith("means    Something is held that no working stop covers")
    assert does.startswith("tstream  places the stop again")
    assert you.startswith("you      Look at Positions")
    assert explained(state, things.of_notice(view.notices[0])) == ()


def test_what_is_copied_is_plain_and_bounded() -> None:
    assert copied("MNQZ6   ▲ LONG  2      21028.50\x1b[31m ") == "MNQZ6  ▲ LONG  2  21028.50·[31m"
    assert len(copied("x" * 9_999)) == MOST
    assert osc52("hi", tmux=False) == "\x1b]52;c;aGk=\x07"
    assert osc52("hi", tmux=True) == "\x1b]52;c;aGk=\x07\x1bPtmux;\x1b\x1b]52;c;aGk=\x07\x1b\\"


def under(cockpit: Cockpit) -> str:
    thing = cockpit.app.main.selected
    return "" if thing is None else thing.instrument


async def test_the_cursor_moves_stays_on_the_same_thing_and_keys_mean_it() -> None:
    cockpit = Cockpit()
    app = cockpit.app
    async with running(cockpit) as pilot:
        assert app.main.selected is None
        await cockpit.press(pilot, "2")
        assert (under(cockpit), app.presenter.choice.selected) == ("MNQ", app.main.selected)
        await cockpit.press(pilot, "j")
        assert under(cockpit) == "MGC"
        assert "f flatten MGC" in cockpit.line("keys")
        for keys, stands in (("kkk", "MNQ"), ("G", "MGC"), ("g", "MNQ"), ("jj", "MGC")):
            await cockpit.press(pilot, *keys)
            assert under(cockpit) == stands
        await cockpit.press(pilot, "up", "ctrl+d")
        assert under(cockpit) == "MGC"

        # Rows move: the shown contract stands first, and the cursor stays on its thing.
        app.main.instrument = "MGC"
        await cockpit.later(pilot)
        pane = app.main.pane("positions")
        assert "MGCZ6" in text_of(pane.content.rows[0])
        assert under(cockpit) == "MGC"
        await cockpit.press(pilot, "f")
        assert "Flatten MGC" in str(app.screen.query_one(".card").border_title)
        await cockpit.press(pilot, "y")
        assert cockpit.engine.sent == [Flatten(id="ui-1", instrument="MGC")]

        # The thing goes: the cursor is near, and nothing can mean the row that nobody has seen there.
        view = cockpit.engine.current
        cockpit.engine.show(replace(view, positions=view.positions[:1]))
        await cockpit.later(pilot)
        assert under(cockpit) == "MNQ"
        cockpit.clock.now += READ / 2
        await pilot.press("f")
        assert isinstance(app.screen, MainScreen)
        assert cockpit.toasts()[-1].startswith("the row under the cursor has just changed")
        await cockpit.press(pilot, "f")
        assert "Flatten MNQ" in str(app.screen.query_one(".card").border_title)
        await cockpit.press(pilot, "n")

        # The last one goes: there is no row, and keys mean the shown contract again.
        cockpit.engine.show(replace(view, positions=()))
        await cockpit.later(pilot)
        assert app.main.selected is None
        assert "f flatten MGC" in cockpit.line("keys")


async def test_enter_opens_what_can_be_done_and_what_is_chosen_was_read_before() -> None:
    cockpit = Cockpit()
    app = cockpit.app
    async with running(cockpit) as pilot:
        await cockpit.press(pilot, "2", "j", "enter")
        assert isinstance(app.screen, RowMenu)
        cockpit.clock.now += READ / 2
        await pilot.press("f")  # typed ahead: the menu could not be read
        await pilot.press("j")  # looking around is heard at once
        assert isinstance(app.screen, RowMenu)
        await cockpit.press(pilot, "f")
        assert isinstance(app.screen, ConfirmScreen)
        assert "Flatten MGC" in str(app.screen.query_one(".card").border_title)
        await cockpit.press(pilot, "n", "enter", "escape")
        assert isinstance(app.screen, MainScreen)
        assert app.focused is app.main.pane("positions")
        await cockpit.press(pilot, "enter", "j", "enter")
        assert isinstance(app.screen, DetailScreen)
        assert app.main.instrument == "MGC"
        await cockpit.press(pilot, "escape", "y")
        assert "MGCZ6  ▼ SHORT 1" in app.clipboard
        assert cockpit.engine.sent == []


async def test_the_mouse_moves_the_cursor_and_a_second_click_opens_the_row() -> None:
    cockpit = Cockpit()
    app = cockpit.app
    async with running(cockpit) as pilot:
        await pilot.click("#positions", offset=(5, 3))
        assert (under(cockpit), app.focused) == ("MGC", app.main.pane("positions"))
        app.main.pane("positions").move_cursor(-1)
        assert under(cockpit) == "MNQ"
        await pilot.click("#orders", offset=(5, 4), times=2)
        await pilot.pause()
        assert isinstance(app.screen, RowMenu)


async def test_newest_first_panes_keep_a_cursor_at_the_top_there_and_any_other_on_its_row() -> None:
    cockpit = Cockpit()
    app = cockpit.app
    async with running(cockpit) as pilot:
        await cockpit.press(pilot, "6")
        first = app.main.selected
        happened = cockpit.engine.happen(NoticeKind.FILL, Severity.GOOD, "sold 1 NQ", "NQ")
        await cockpit.later(pilot)
        top = app.main.selected
        assert top is not None
        assert (top.id, top.instrument) == (f"notice {happened.seq}", "NQ")
        await cockpit.press(pilot, "j")
        assert app.main.selected == first
        cockpit.engine.happen(NoticeKind.FILL, Severity.GOOD, "bought 1 NQ", "NQ")
        await cockpit.later(pilot)
        assert app.main.selected == first
