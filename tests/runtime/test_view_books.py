"""What the View says of restrictions and flattens: data, no sentences to take apart."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from engine.books.book import Book as EngineBook
from engine.core import Core
from engine.market.calendars.known import CME
from engine.model import events as ev
from engine.model import records as r
from engine.model.commands import Halt, Pause
from engine.model.instrument import CME_FUTURES, Instrument
from engine.model.limits import RiskLimits
from engine.model.market import MINUTE, Side
from engine.model.orders import Slot
from engine.model.plans import Leg
from engine.model.records import OrderEvent as E
from engine.model.refusals import Refusal
from engine.model.restrictions import RestrictionEnd, RestrictionView, TradingState
from engine.model.view import FlattenStep, HealthView
from engine.runtime.view_books import flatten_of, restriction_of
from engine.runtime.view_builder import picture
from engine.state.state import State
from tests.strategies.scripted import ScriptedStrategy
from tests.support.books import BOOK, Book
from tests.support.instruments import PERPETUAL, SHARE
from tests.support.manual_venue import ManualVenue, entered, idea

ES = CME_FUTURES["ES"]
REDUCING, LOCKED, HALTED = TradingState.REDUCING, TradingState.LOCKED, TradingState.HALTED


@pytest.mark.parametrize(
    ("state", "more", "end"),
    [
        (REDUCING, {"by": "cli"}, RestrictionEnd.RESUME),
        (REDUCING, {}, RestrictionEnd.RESUME),
        (REDUCING, {"guard": "bands"}, RestrictionEnd.CAUSE),
        (LOCKED, {"guard": "daily loss", "until": MINUTE}, RestrictionEnd.TIME),
        (LOCKED, {"guard": "max loss", "basis": "800"}, RestrictionEnd.SETTINGS),
        (HALTED, {"by": "keyboard"}, RestrictionEnd.LIFT),
    ],
)
def test_a_restriction_has_a_cause_and_an_end(
    state: TradingState, more: dict[str, Any], end: RestrictionEnd
) -> None:
    book = Book()
    book.write(r.StateChanged(ts=book.now, book=BOOK, instrument=None, state=state, reason="why", **more))
    seen = restriction_of(book.opened(), book.turn.state, ())
    shown = {name: value for name, value in more.items() if name != "basis"}
    assert seen == RestrictionView(state, "why", end, **shown)


def test_without_one_the_settings_hold_back_and_then_nothing() -> None:
    bench, _ = entered()
    opened, state = bench.core.books[bench.book.book], bench.core.state
    off = RestrictionView(REDUCING, Refusal.OFF.sentence, RestrictionEnd.SETTINGS, code=Refusal.OFF)
    assert restriction_of(opened, state, (Refusal.OFF,)) == off
    assert restriction_of(opened, state, ()) is None


@pytest.mark.parametrize(
    ("command", "word"), [(Pause(id="1", source="cli"), "OFF"), (Halt(id="1", source="cli"), "HALTED")]
)
def test_a_pause_does_not_hide_that_trading_is_off(command: Pause | Halt, word: str) -> None:
    bench, _ = entered()
    bench.say(command)
    seen = restriction_of(bench.core.books[bench.book.book], bench.core.state, (Refusal.OFF,))
    assert seen is not None
    assert seen.word == word


@pytest.mark.parametrize("command", [Pause(id="1", source="cli"), Halt(id="1", source="keyboard")])
def test_whose_command_it_was_is_on_the_record(command: Pause | Halt) -> None:
    bench, _ = entered()
    bench.say(command)
    seen = restriction_of(bench.core.books[bench.book.book], bench.core.state, ())
    assert seen is not None
    assert (seen.by, seen.guard) == (command.source, "")


def test_the_step_of_a_flatten_is_read_off_what_is_left() -> None:
    book = Book()
    opened = book.opened()
    assert flatten_of(opened) is None
    target, stop = book.exits(book.entered(Leg(2, -40, 80), price=1000))
    assert stop is not None
    book.plan(Leg(1, -40, None), plan_id="more", entry_limit=900)
    entry = book.accepted(book.order(Slot.ENTRY, 1, plan_id="more", limit=900))
    book.write(r.FlattenStarted(ts=book.now, book=BOOK, instruments=("MNQ",), reason="manual"))
    steps = [_step(opened)]
    close = book.adopted(2, Side.SELL, client_id="close")
    steps.append(_step(opened))
    book.moved(entry.client_id, E.CANCELED)
    steps.append(_step(opened))
    book.fill(close, 1000)
    steps.append(_step(opened))
    for gone in (target, stop):
        book.moved(gone.client_id, E.CANCELED)
    steps.append(_step(opened))
    assert [step.value for step in steps] == [
        "cancel entries", "close", "close", "cancel the rest", "ask the venue"
    ]  # fmt: skip


def _step(opened: EngineBook) -> FlattenStep:
    seen = flatten_of(opened)
    assert seen is not None
    assert seen.instruments == ("MNQ",)
    return seen.step


def _standing(bench: ManualVenue) -> list[tuple[TradingState, str, str, Refusal | None]]:
    seen = picture(bench.core, 1, HealthView(ok=True)).restrictions
    return [(one.state, one.book, one.instrument, one.code) for one in seen]


def test_f59_everything_that_holds_entries_back_is_in_one_picture_for_all_contracts() -> None:
    bench, _ = entered()
    bench.step(ev.ContractResolved(ts_recv=bench.now, instrument=ES, contract_id="y", name="ESX"))
    stale = (REDUCING, "hand", "ES", Refusal.FEED_STALE)
    assert _standing(bench) == [stale], "ES has never had a price; MNQ could be entered"
    bench.say(Pause(id="1", source="cli", instrument="ES"))
    bench.say(Halt(id="2", source="keyboard", instrument="MNQ"))
    bench.core.links.changed(
        ev.LinkChanged(ts_recv=bench.now, link="rest", state=ev.LinkState.DOWN), bench.core.turn
    )
    assert _standing(bench) == [
        (HALTED, "", "MNQ", Refusal.HALTED),
        (REDUCING, "", "ES", Refusal.PAUSED),
        (REDUCING, "hand", "", Refusal.VENUE_DOWN),
        stale,
    ]
    view = picture(bench.core, 1, HealthView(ok=True))
    assert {one.instrument: one.state for one in view.contracts} == {"MNQ": HALTED, "ES": REDUCING}


def test_f59_a_closed_market_says_until_when() -> None:
    bench, _ = entered()
    flat = CME.flat_by(CME.trade_date(bench.now))
    opens = CME.next_roll(bench.now)
    for at in (flat - MINUTE, flat + MINUTE, opens - 20 * MINUTE):
        bench.now = at
        bench.quote()
        seen = {one.code: one for one in picture(bench.core, 1, HealthView(ok=True)).restrictions}
        near = seen[Refusal.NEAR_CLOSE]
        assert (near.end, near.until) == (RestrictionEnd.TIME, opens)
    assert seen[Refusal.OUTSIDE_HOURS].until == opens


def test_f59_a_contract_that_tstream_paused_by_itself_is_not_active() -> None:
    bench, _ = entered()
    bench.positions["MNQ"] += 3
    bench.look()
    bench.wait(5)
    view = picture(bench.core, 1, HealthView(ok=True))
    [paused] = [one for one in view.restrictions if one.instrument == "MNQ"]
    assert (paused.book, paused.code, paused.end) == ("hand", Refusal.PAUSED, RestrictionEnd.RESUME)
    contract = view.contracts[0]
    assert (contract.instrument, contract.state) == ("MNQ", REDUCING)


def test_f59_the_gate_refuses_for_what_is_shown_and_for_nothing_else() -> None:
    """The picture and the gate are one: whatever is shown refuses, and for the reason that is shown."""
    for more in (
        {},
        {"max_trades": 1},
        {"hours_start": "03:00", "hours_end": "03:01"},
        {"max_open_trades": 1},
    ):
        bench = ManualVenue(idea(), idea(), risk=structs.replace(RiskLimits(), **more))
        bench.connect()
        for _ in range(2):
            shown = {code for _, _, symbol, code in _standing(bench) if symbol in ("", "MNQ")}
            bench.trade_idea()
            refused = bench.written(r.IdeaRefused)
            told = set(refused[-1].refusals) if refused else set()
            assert shown <= told
            later = {Refusal.IN_POSITION, Refusal.UNKNOWN_ORDER, Refusal.MAX_SIZE, Refusal.LOCKED}
            assert told - shown <= later, "of what is open, and of a minute later"
            if refused:
                assert len(refused[-1].words) == len(refused[-1].refusals)


@pytest.mark.parametrize(
    ("traded", "main", "beside"),
    [
        ((ES,), "CT", {}),
        ((PERPETUAL, ES), "CT", {"always": ("UTC", "", "00:00"), "cme": ("CT", "15:10", "17:00")}),
        ((PERPETUAL,), "UTC", {}),
        ((SHARE, PERPETUAL), "ET", {"us_equities": ("ET", "15:50", "00:00"), "always": ("UTC", "", "00:00")}),
    ],
)
def test_of_several_calendars_the_view_says_where_each_stands(
    traded: tuple[Instrument, ...], main: str, beside: dict[str, tuple[str, str, str]]
) -> None:
    bench = ManualVenue()
    core = Core(structs.replace(bench.core.config, instruments=traded), ScriptedStrategy([]), State())
    core.start(bench.now)
    view = picture(core, 1, HealthView(ok=True))
    assert view.session.clock_mark == main
    assert {name: (s.clock_mark, s.flat_by, s.rolls) for name, s in view.sessions.items()} == beside
    assert [one.calendar for one in view.contracts] == [one.calendar for one in traded]
