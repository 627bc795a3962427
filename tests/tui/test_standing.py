"""What can happen now, in one word, and what stands against it."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from engine.model.events import LinkState
from engine.model.market import NANOS
from engine.model.refusals import Refusal
from engine.model.restrictions import RestrictionEnd, RestrictionView, TradingState
from engine.model.view import LinkView, View
from tests.tui import fake, states
from tests.tui.charts import NOW
from tests.tui.states import changed, state_of, styles
from tui.actions import ACTIONS, blocked
from tui.keymap import resolve_keys
from tui.layout import Shape
from tui.rows.bars import status
from tui.rows.bars.keys import key_row
from tui.rows.bars.safety import safety_row
from tui.rows.system import system_rows
from tui.styled_text import text_of
from tui.view_facts import Standing, standing


def test_the_strictest_state_wins_with_its_reason(view: View) -> None:
    pause = fake.held(TradingState.REDUCING, "paused by keyboard", RestrictionEnd.RESUME)
    paused = replace(view.books[0], **pause)
    lock = fake.held(TradingState.LOCKED, "daily loss", RestrictionEnd.TIME, until=7)
    locked = replace(view.books[0], book="two", **lock)
    both = replace(view, books=(paused, locked))
    said = Standing("LOCKED", "two: daily loss", RestrictionEnd.TIME, 7, ("practice PAUSED",), "1/2")
    assert standing(both) == said
    assert standing(replace(view, books=(paused,))).reason == "by keyboard"


def test_contracts_that_are_paused_are_named_whichever_is_shown(view: View) -> None:
    paused = [
        RestrictionView(TradingState.REDUCING, "paused by cli", RestrictionEnd.RESUME, instrument=name)
        for name in ("NQ", "GC")
    ]
    narrow = replace(changed(view, "NQ", "GC", state=TradingState.REDUCING), restrictions=tuple(paused))
    assert standing(narrow) == Standing("ACTIVE", notes=("paused: NQ, GC",))
    assert "paused: NQ, GC" in text_of(safety_row(state_of(narrow), 120))
    assert standing(changed(view, state=TradingState.REDUCING)).word == "PAUSED"
    halt = RestrictionView(TradingState.HALTED, "halted by cli", RestrictionEnd.LIFT, instrument="ES")
    assert standing(replace(narrow, restrictions=(halt, *paused))).notes == ("halted: ES", "paused: NQ, GC")


def test_what_holds_everything_back_is_not_told_again_contract_by_contract(view: View) -> None:
    book = replace(view.books[0], **fake.held(TradingState.REDUCING, "paused by cli", RestrictionEnd.RESUME))
    paused = replace(
        changed(view, state=TradingState.REDUCING), books=(book,), restrictions=(book.restriction,)
    )
    assert standing(paused) == Standing("PAUSED", "by cli", RestrictionEnd.RESUME)


@pytest.mark.parametrize(
    ("held", "word"),
    [
        ({"end": RestrictionEnd.RESUME}, "PAUSED"),
        ({"end": RestrictionEnd.SETTINGS}, "OFF"),
        ({"end": RestrictionEnd.CAUSE}, "BLOCKED"),
        ({"end": RestrictionEnd.CAUSE, "guard": "bands"}, "NO ENTRIES"),
    ],
)
def test_what_holds_back_has_its_own_word_and_nothing_is_called_reducing(
    view: View, held: dict[str, Any], word: str
) -> None:
    book = replace(view.books[0], **fake.held(TradingState.REDUCING, "why", **held))
    state = state_of(replace(view, books=(book,)))
    for row in (safety_row(state, 120), status.status_row(state, 120)):
        assert word in text_of(row)
        assert not {"REDUCING", "ACTIVE"} & set(text_of(row).split())


def test_f59_all_that_holds_entries_back_is_on_the_screen_whichever_contract_is_shown(view: View) -> None:
    lock = RestrictionView(
        TradingState.LOCKED, "5 trades lost in a row", RestrictionEnd.TIME, NOW + 3_600 * NANOS,
        guard="streak", book="practice",
    )  # fmt: skip
    foreign = RestrictionView(
        TradingState.REDUCING, "changed from outside", RestrictionEnd.RESUME, book="practice", instrument="ES"
    )
    late = RestrictionView(
        TradingState.REDUCING, "flat by 15:10", RestrictionEnd.CAUSE, instrument="GC", code=Refusal.NEAR_CLOSE
    )
    held = replace(view, restrictions=(lock, foreign, late))
    for instrument in ("MNQ", "ES"):
        shown = replace(state_of(held), instrument=instrument)
        text = "\n".join(text_of(row).rstrip() for row in system_rows(shown, 90))
        for words in ("everything: LOCKED 5 trades lost in a row, unlocks 10:42 CT",
                      "ES: PAUSED changed from outside", "GC: NO ENTRIES flat by 15:10"):  # fmt: skip
            assert words in text
        assert "paused: ES" in text_of(safety_row(shown, 160))
    assert "held back  nothing" in "\n".join(map(text_of, system_rows(state_of(view), 90)))


def test_active_is_said_only_where_an_entry_could_pass(view: View) -> None:
    late = (Refusal.NEAR_CLOSE,)
    assert standing(changed(view, against=late)) == Standing("NO ENTRIES", Refusal.NEAR_CLOSE.sentence)
    assert standing(changed(view, "NQ", against=late)).word == "ACTIVE"
    down = replace(view, links=(LinkView("user", LinkState.DOWN), *view.links[1:]))
    assert standing(down) == Standing(
        "NO ENTRIES", "user down", notes=("stops stay at the venue", "reconnecting")
    )
    full = replace(view, health=replace(view.health, ok=False, detail="the journal can't be written"))
    assert standing(full).reason == "the journal can't be written"
    assert standing(changed(view, stale=True, age_ns=None)).reason == "no price yet"
    silent = changed(view, "MES", stale=True)
    assert standing(silent) == Standing("ACTIVE", notes=("no price: MES",))


@pytest.mark.parametrize("width", [80, 120, 200])
def test_a_dead_feed_is_told_with_what_it_means(width: int) -> None:
    state = state_of(states.blind())
    text = text_of(safety_row(state, width))
    words = "NO ENTRIES: no price for 37 s · stops stay at the venue · reconnecting"
    assert (words if width > 80 else words.rsplit(" ·", 1)[0]) in text
    assert "NO ENTRIES" in text_of(status.status_row(state, width))


def test_with_trading_off_nothing_can_be_resumed_and_the_hint_names_paper() -> None:
    state = state_of(states.off())
    row, _ = key_row(state, resolve_keys(None), Shape.MEDIUM, 120)
    assert "resume" not in text_of(row)
    assert styles(row)["p"] == "faint"
    assert 'trading = "paper"' in blocked(ACTIONS["pause"], state.view, "MNQ", readonly=False)
    assert "OFF" in text_of(safety_row(state, 80))


def test_the_pause_key_says_resume_while_paused(view: View) -> None:
    paused = replace(
        view, books=(replace(view.books[0], **fake.held(TradingState.REDUCING, "", RestrictionEnd.RESUME)),)
    )
    assert "p resume" in text_of(key_row(state_of(paused), resolve_keys(None), Shape.MEDIUM, 120)[0])
