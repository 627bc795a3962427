"""The state line: what can happen now, in one word, and what stands against it; always true."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.model.events import LinkState
from engine.model.market import NANOS
from engine.model.orders import OrderStatus, OrderType, Slot
from engine.model.playing import PlayingView
from engine.model.refusals import Refusal
from engine.model.restrictions import RestrictionEnd, RestrictionView, TradingState
from engine.model.standings import standing_of
from engine.model.view import ClosingView, FlattenStep, FlattenView, LinkView, View
from engine.model.view_standing import CauseKind, CauseView, StandingView, StandingWord
from tests.tui import fake, states
from tests.tui.charts import NOW
from tests.tui.states import changed, state_of, styles
from tui.actions import ACTIONS, blocked
from tui.keymap import resolve_keys
from tui.layout import Shape
from tui.rows.bars import status
from tui.rows.bars.keys import key_row
from tui.rows.bars.safety import safety_row
from tui.rows.state import age, state_words
from tui.rows.system import system_rows
from tui.styled_text import text_of
from tui.view_facts import standing

PAUSE = fake.held(TradingState.REDUCING, "paused by cli", RestrictionEnd.RESUME, by="cli")
ROOM = ("ES-alerts",)


def line(view: View, **more: Any) -> str:
    """The whole state line of a picture."""
    return state_words(view, replace(standing(view), **more)).line()


def of_book(view: View, **changes: Any) -> View:
    return replace(view, books=(replace(view.books[0], **changes),))


def only(view: View, *names: str) -> View:
    return replace(view, contracts=tuple(c for c in view.contracts if c.instrument in names))


def paused(*names: str, **more: Any) -> tuple[RestrictionView, ...]:
    reason, end = "paused by cli", RestrictionEnd.RESUME
    return tuple(RestrictionView(TradingState.REDUCING, reason, end, instrument=n, **more) for n in names)


def lost(view: View, tries: int) -> View:
    down = LinkView("market", LinkState.DOWN, "closed by peer", NOW - 37 * NANOS, tries=tries)
    return replace(view, links=(down, *view.links[1:]))


def narrow(view: View, *names: str) -> View:
    return replace(changed(view, *names, state=TradingState.REDUCING), restrictions=paused(*names))


MES = {"stale": True, "age_ns": 37 * NANOS, "against": (Refusal.VENUE_DOWN, Refusal.FEED_STALE)}
PART = {"slot": Slot.PART, "type": OrderType.MARKET, "status": OrderStatus.WORKING}


def _closing(view: View) -> View:
    flatten = FlattenView(("MNQ",), FlattenStep.CLOSE, closing=(ClosingView("MNQ", 2, 3),))
    return of_book(view, flatten=flatten, **PAUSE)


TABLE = {
    "ACTIVE": lambda v: line(v),
    "ACTIVE · paused: NQ, room ES-alerts": lambda v: line(narrow(v, "NQ"), rooms=ROOM),
    "ACTIVE · halted: ES · paused: NQ, GC": lambda v: line(
        replace(
            changed(v, "ES", "NQ", "GC", state=TradingState.REDUCING),
            restrictions=(
                RestrictionView(TradingState.HALTED, "", RestrictionEnd.LIFT, instrument="ES"),
                *paused("NQ", "GC"),
            ),
        )
    ),
    "ACTIVE · MES price 37 s old": lambda v: line(changed(v, "MES", **MES)),
    "ACTIVE · bots out: zones-fast": lambda v: line(v, bots=("zones-fast",)),
    "REDUCING": lambda v: line(replace(v, orders=(replace(v.orders[0], **PART), *v.orders[1:]))),
    "NO ENTRIES: MES price 37 s old · reconnecting (3rd try)": lambda v: line(
        lost(replace(changed(only(v, "MES"), **MES), positions=()), 3)
    ),
    "NO ENTRIES: MES price 37 s old · stops stay at the venue · reconnecting (3rd try)": lambda v: line(
        lost(changed(only(v, "MES"), **MES), 3)
    ),
    "NO ENTRIES: prices 4 min old · stops stay at the venue": lambda v: line(
        changed(v, stale=True, age_ns=250 * NANOS)
    ),
    "NO ENTRIES: no price yet · stops stay at the venue": lambda v: line(
        changed(v, stale=True, age_ns=None)
    ),
    "NO ENTRIES: no price yet": lambda v: line(replace(v, contracts=(), positions=())),
    "NO ENTRIES: user down · stops stay at the venue · reconnecting": lambda v: line(
        replace(v, links=(LinkView("user", LinkState.DOWN), *v.links[1:]))
    ),
    f"NO ENTRIES: {Refusal.NEAR_CLOSE.sentence}": lambda v: line(changed(v, against=(Refusal.NEAR_CLOSE,))),
    "NO ENTRIES: the journal can't be written": lambda v: line(
        replace(v, health=replace(v.health, ok=False, detail="the journal can't be written"))
    ),
    "NO ENTRIES: daily loss at 83 % of 800.00 USD": lambda v: line(states.reducing()),
    'OFF (trading = "off"): keys act, nothing by itself': lambda v: line(states.off()),
    f"OFF: {Refusal.NOT_ARMED.sentence}": lambda v: line(
        of_book(v, **fake.held(TradingState.REDUCING, "", RestrictionEnd.SETTINGS, code=Refusal.NOT_ARMED))
    ),
    f"BLOCKED: {Refusal.ACCOUNT_BLOCKED.sentence}": lambda v: line(
        of_book(v, **fake.held(TradingState.REDUCING, "", code=Refusal.ACCOUNT_BLOCKED))
    ),
    "PAUSED by cli": lambda v: line(of_book(v, **PAUSE)),
    "PAUSED: MNQ, NQ, MES, ES and 2 more": lambda v: line(
        narrow(v, *(c.instrument for c in v.contracts))
    ),
    "LOCKED until 17:00 CT (in 7h 17m): daily loss limit reached": lambda v: line(states.locked()),
    "LOCKED with no end set: max loss": lambda v: line(
        of_book(v, **fake.held(TradingState.LOCKED, "max loss", RestrictionEnd.SETTINGS, guard="max loss"))
    ),
    "HALTED by keyboard until a person lifts it": lambda v: line(states.halted()),
}  # fmt: skip


@pytest.mark.parametrize(("said", "of"), TABLE.items(), ids=TABLE)
def test_the_state_line(view: View, said: str, of: Any) -> None:
    assert of(view) == said


def test_a_flatten_says_how_much_is_closed_and_what_holds_afterwards(view: View) -> None:
    text = text_of(safety_row(state_of(_closing(view)), 160))
    assert "▼ FLATTENING MNQ 2 of 3 closed · 2/4 close" in text
    assert "PAUSED" in text_of(safety_row(state_of(_closing(view)), 200))
    for width in range(60, 200):
        assert "FLATTENING" in text_of(safety_row(state_of(_closing(view)), width))


def test_of_several_books_the_worst_is_told_first_with_the_others_and_who_goes_on(view: View) -> None:
    lock = fake.held(TradingState.LOCKED, "daily loss", RestrictionEnd.TIME, until=NOW + 3_600 * NANOS)
    one, two, three = (replace(view.books[0], book=name, **how) for name, how in
                       (("one", PAUSE), ("two", lock), ("three", {})))  # fmt: skip
    both = line(replace(view, books=(one, two)))
    assert both == "LOCKED 1/2 until 10:42 CT (in 1h 00m): two: daily loss · one PAUSED"
    assert line(replace(view, books=(two, three))).endswith("two: daily loss · 1 of 2 books trade")
    alike = tuple(replace(two, book=name) for name in ("a", "b"))
    assert line(replace(view, books=alike)) == "LOCKED until 10:42 CT (in 1h 00m): daily loss"


@pytest.mark.parametrize(
    ("held", "word"),
    [
        ({"end": RestrictionEnd.RESUME}, "PAUSED"),
        ({"end": RestrictionEnd.SETTINGS}, "OFF"),
        ({"end": RestrictionEnd.CAUSE}, "BLOCKED"),
        ({"end": RestrictionEnd.CAUSE, "guard": "bands"}, "NO ENTRIES"),
    ],
)
def test_what_holds_back_has_its_own_word_and_only_what_reduces_is_called_so(
    view: View, held: dict[str, Any], word: str
) -> None:
    state = state_of(of_book(view, **fake.held(TradingState.REDUCING, "why", **held)))
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


@pytest.mark.parametrize("width", [80, 120, 200])
def test_a_dead_feed_is_told_with_what_it_means(width: int) -> None:
    state = state_of(states.blind())
    text = text_of(safety_row(state, width))
    words = "NO ENTRIES: prices 37 s old · stops stay at the venue · reconnecting"
    assert (words if width > 80 else words.rsplit(" ·", 1)[0]) in text
    assert "NO ENTRIES" in text_of(status.status_row(state, width))


def test_with_trading_off_nothing_can_be_resumed_and_the_hint_names_paper() -> None:
    state = state_of(states.off())
    row, _ = key_row(state, resolve_keys(None), Shape.MEDIUM, 120)
    assert "resume" not in text_of(row)
    assert styles(row)["p"] == "faint"
    assert 'trading = "paper"' in blocked(ACTIONS["pause"], state.view, "MNQ", readonly=False)
    assert 'OFF (trading = "off")' in text_of(safety_row(state, 80))


@pytest.mark.parametrize("how", [{}, {"flatten": FlattenView(("MNQ",), FlattenStep.CLOSE)}])
def test_the_pause_key_says_resume_while_paused(view: View, how: dict[str, Any]) -> None:
    state = state_of(of_book(view, **PAUSE, **how))
    assert "p resume" in text_of(key_row(state, resolve_keys(None), Shape.MEDIUM, 120)[0])


def test_what_the_engine_says_stands_before_what_the_screen_would_read_off_the_rest(view: View) -> None:
    told = StandingView(StandingWord.NO_ENTRIES, (CauseView(CauseKind.GATE, code=Refusal.CLOCK),))
    assert line(replace(view, standing=told)) == f"NO ENTRIES: {Refusal.CLOCK.sentence}"
    assert [age(n * NANOS) for n in (-1, 119, 120, 7_199, 7_200)] == [
        "0 s",
        "119 s",
        "2 min",
        "119 min",
        "2 h",
    ]


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_active_is_never_said_while_nothing_could_be_entered(data: st.DataObject) -> None:
    view = fake.trading_view()
    refusals = st.lists(st.sampled_from([Refusal.FEED_STALE, Refusal.NEAR_CLOSE, Refusal.PAUSED]), max_size=2)
    contracts = []
    for contract in view.contracts[:3]:
        state = data.draw(st.sampled_from([TradingState.ACTIVE, TradingState.ACTIVE, TradingState.HALTED]))
        stale, against = data.draw(st.booleans()), tuple(data.draw(refusals))
        contracts.append(replace(contract, state=state, stale=stale, against=against))
    links = (replace(view.links[0], state=data.draw(st.sampled_from(list(LinkState)))), *view.links[1:])
    held = data.draw(st.sampled_from([{}, {}, PAUSE]))
    shown = replace(of_book(view, **held), contracts=tuple(contracts), links=links)
    at = standing_of(shown, shown.books, {c.instrument: c.against for c in contracts})
    passes = [c for c in contracts if c.state is TradingState.ACTIVE and not c.stale and not c.against]
    assert (at.word is StandingWord.ACTIVE) <= (bool(passes) and not held)
    if passes and not held and links[0].state is LinkState.LIVE:
        assert at.word is StandingWord.ACTIVE, "and where one could pass it is said"
    if at.word is not StandingWord.ACTIVE:
        assert at.causes, "what stands against it has a reason"
    words = state_words(shown, at)
    assert words.line().startswith(at.word.value)


def test_a_replay_that_catches_up_says_so_in_place_of_what_is_not_there_yet(view: View) -> None:
    view = replace(view, links=(), replay="on its way", playing=PlayingView(NOW - 60 * NANOS, NOW, until=NOW))
    for width in (80, 160):
        texts = [text_of(row(state_of(view), width)) for row in (safety_row, status.status_row)]
        assert "CATCHING UP" in texts[0]
        assert not any("connecting" in text.lower() for text in texts)
    assert "catching up" in texts[1]
    there = replace(view, playing=PlayingView(NOW - 60 * NANOS, NOW))
    assert "CATCHING UP" not in text_of(safety_row(state_of(there), 160))
