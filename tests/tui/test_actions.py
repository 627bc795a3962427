from __future__ import annotations

from collections.abc import Callable
from typing import cast

import pytest
from msgspec.structs import replace

from engine.model.commands import Resume
from engine.model.orders import AccountKind
from engine.model.restrictions import RestrictionEnd, TradingState
from engine.model.view import View
from tests.tui import fake
from tui.action_runner import ActionRunner
from tui.actions import ACTIONS, ActionTarget, Danger, asks_first, blocked
from tui.confirmations import Confirmation, TradingKey
from tui.keymap import RESERVED, key_text, resolve_keys
from tui.other_questions import quit_confirmation
from tui.screen_state import ScreenState
from tui.screens.help import help_rows
from tui.styled_text import text_of, width_of


def trade_of(action: str, view: View, instrument: str = "MNQ", book: str | None = None) -> TradingKey:
    make = ACTIONS[action].trade
    assert make is not None
    return make(view, instrument, "ui-1", book)


def asked(action: str, view: View, instrument: str = "MNQ", book: str | None = None) -> Confirmation:
    return trade_of(action, view, instrument, book).confirmation


def _paused(view: View) -> View:
    contracts = tuple(replace(c, state=TradingState.REDUCING) for c in view.contracts)
    book = replace(view.books[0], **fake.held(TradingState.REDUCING, "", RestrictionEnd.RESUME))
    return replace(view, books=(book,), contracts=contracts)


def test_default_keys_are_unique_and_free() -> None:
    keys = [key for action in ACTIONS.values() if action.keys for key in action.keys.split(",")]
    assert len(keys) == len(set(keys))
    assert not set(keys) & set(RESERVED)
    assert resolve_keys(None).problems == []
    assert resolve_keys({}).overrides == {}


def test_everything_that_trades_is_known_to_do_so(view: View) -> None:
    trading = [action for action in ACTIONS.values() if action.danger is not Danger.NONE]
    assert trading == [action for action in ACTIONS.values() if action.trade is not None]
    for action in trading:
        trade = trade_of(action.id, view)
        assert trade.command.id == "ui-1"
        assert trade.label
        assert trade.confirmation.lines


def test_every_action_either_looks_or_trades_and_the_runner_can_do_it() -> None:
    asked: list[str] = []

    class Target:
        def __getattr__(self, name: str) -> Callable[..., None]:
            assert callable(getattr(ActionRunner, name))
            return lambda *_: asked.append(name)

    for action in ACTIONS.values():
        assert (action.look is None) is not (action.trade is None)
        if action.look is not None:
            action.look(cast("ActionTarget", Target()))
    wanted = {name for name in vars(ActionTarget) if not name.startswith("_")}
    assert set(asked) == wanted


@pytest.mark.parametrize(("action", "instrument"), [("pause", None), ("pause-contract", "MNQ")])
def test_the_pause_keys_resume_what_is_paused(view: View, action: str, instrument: str | None) -> None:
    trade = trade_of(action, _paused(view))
    assert isinstance(trade.command, Resume)
    assert trade.command.instrument == instrument
    assert trade.label.startswith("resume")


def test_an_override_moves_a_key() -> None:
    keys = resolve_keys({"pause": "f9", "flatten-all": "ctrl+shift+f,f12", "help": "/", "filter": "?"})
    assert keys.problems == []
    assert keys.shown("pause") == "f9"
    assert keys.keys["flatten-all"] == "ctrl+shift+f,f12"
    assert keys.keys["help"] == "slash"
    assert keys.keys["filter"] == "question_mark"


@pytest.mark.parametrize(
    ("keymap", "problem", "kept"),
    [
        ({"flaten": "g"}, "keys.flaten: no such action (did you mean flatten?)", ("flatten", "f")),
        ({"pause": "f"}, "keys.pause: f already means flatten; p stays", ("pause", "p")),
        ({"pause": "ctrl+c"}, "keys.pause: ^c already means quit (twice); p stays", ("pause", "p")),
        ({"pause": ""}, "keys.pause: needs a key, 'p' stays", ("pause", "p")),
        ({"pause": "g", "help": "g"}, "keys.help: g already means pause; ? stays", ("help", "question_mark")),
    ],
)
def test_mistakes_in_the_keymap_are_told(keymap: dict[str, str], problem: str, kept: tuple[str, str]) -> None:
    keys = resolve_keys(keymap)
    assert keys.problems == [problem]
    assert keys.keys[kept[0]] == kept[1]


def test_two_actions_may_swap_keys() -> None:
    keys = resolve_keys({"flatten": "p", "pause": "f"})
    assert keys.problems == []
    assert keys.shown("flatten") == "p"


@pytest.mark.parametrize(
    ("key", "text"), [("question_mark", "?"), ("ctrl+t", "^t"), ("slash", "/"), ("F", "F")]
)
def test_key_text(key: str, text: str) -> None:
    assert key_text(key) == text


def test_what_trades_is_blocked_with_the_reason(view: View) -> None:
    flatten, even = ACTIONS["flatten"], ACTIONS["break-even"]
    troubled = replace(view, health=replace(view.health, ok=False, detail="the journal can't be written"))
    down = replace(view, health=replace(view.health, ok=False, detail="crashed", stopped=True))
    assert blocked(flatten, view, "MNQ", readonly=False) == ""
    assert blocked(flatten, troubled, "MNQ", readonly=False) == "", "closes go out with a full disk too"
    assert blocked(flatten, view, "MNQ", readonly=True) == "this cockpit is read-only"
    assert blocked(flatten, down, "MNQ", readonly=False) == "the engine is down: crashed"
    assert blocked(flatten, fake.empty_view(), "", readonly=False) == "no contract is known yet"
    assert blocked(even, view, "ES", readonly=False) == "no open position in ES"
    for action in ACTIONS.values():
        if action.danger is Danger.NONE and not action.several and not action.replay:
            assert blocked(action, down, "", readonly=True) == ""


def test_pausing_is_one_step_except_on_a_live_account(view: View) -> None:
    live = fake.trading_view(AccountKind.LIVE)
    assert not asks_first(ACTIONS["pause"], view)
    assert asks_first(ACTIONS["pause"], live)
    assert asks_first(ACTIONS["flatten"], view)


def test_a_flatten_names_exactly_what_will_happen(view: View) -> None:
    here = asked("flatten", view)
    assert here.title == "Flatten MNQ"
    assert here.lines == ("MNQ: sell 2 at market, cancel 3 orders", "entries stay paused in MNQ")
    everything = asked("flatten-all", view)
    assert everything.lines == (
        "ES: cancel 2 orders",
        "MGC: buy 1 at market, cancel 2 orders",
        "MNQ: sell 2 at market, cancel 3 orders",
        "entries stay paused everywhere",
    )
    assert not here.serious
    assert asked("flatten", fake.trading_view(AccountKind.LIVE)).serious


def test_a_flatten_of_nothing_still_asks_the_venue(view: View) -> None:
    lines = asked("flatten", view, "NQ").lines
    assert lines[0] == "no position and no order is known; the venue is asked all the same"


def test_several_books_are_told_apart(view: View) -> None:
    second = replace(view.positions[0], book="live", qty=-3)
    two = replace(
        view, positions=(*view.positions, second), books=(*view.books, replace(view.books[0], book="live"))
    )
    assert asked("flatten", two).lines[:2] == (
        "PRACTICE practice: sell 2 MNQ at market, cancel 3 orders · 57.48 USD at risk",
        "PRACTICE live: buy 3 MNQ at market · WITHOUT a full stop: MNQ",
    )


def test_the_other_questions(view: View) -> None:
    assert asked("cancel-entries", view, "ES").lines == (
        "ES: cancel buy 1 at 6004.25",
        "exits and stops stay",
    )
    assert asked("break-even", view).lines == (
        "MNQ +2: stop 21020.00 to the entry 21028.50, if the market allows",
    )


def test_half_is_of_the_one_position_that_is_meant(view: View) -> None:
    assert asked("close-half", view).lines == ("MNQ +2: sell 1 at market; 1 stay with their stops",)
    assert asked("close-half", view, "MGC").lines == ("MGC −1: buy 1 at market; nothing of it stays",)
    assert blocked(ACTIONS["close-half"], view, "ES", False) == "no open position in ES"
    two = replace(view, positions=(*view.positions, replace(view.positions[0], book="other")))
    assert blocked(ACTIONS["close-half"], two, "MNQ", False) == "practice, other hold it: pick a book"
    assert not blocked(ACTIONS["close-half"], two, "MNQ", False, "practice")


def test_leaving_says_what_stays(view: View) -> None:
    question = quit_confirmation(view, "tstream stops watching")
    assert question is not None
    assert question.lines == (
        "2 positions (MNQ +2, MGC −1) stay at the venue",
        "6 protective orders stay with the venue",
        "1 resting entry can still fill",
        "tstream stops watching",
    )
    bare = replace(view, positions=(replace(view.positions[0], protected_qty=1),), orders=())
    question = quit_confirmation(bare, "bye")
    assert question is not None
    assert "WITHOUT a full stop: MNQ" in question.lines
    assert quit_confirmation(replace(view, positions=(), orders=()), "bye") is None


@pytest.mark.parametrize("width", [56, 76, 116])
def test_help_says_every_word_however_narrow_it_is(width: int) -> None:
    rows = help_rows(ScreenState(fake.trading_view(), "MNQ"), resolve_keys({}), width)
    assert max(map(width_of, rows)) <= width
    said = " ".join(" ".join(map(text_of, rows)).split())
    assert "…" not in said
    assert "Take its farthest target off, asks first" in said
    assert "move the cursor of the focused pane, or scroll it" in said
