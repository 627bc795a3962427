"""Reversing by hand: what is held is proven closed, and only then the other side is entered."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.model import effects as fx
from engine.model import events as ev
from engine.model import records as r
from engine.model.commands import CancelManual, Flatten, Pause, ReverseManual
from engine.model.limits import RiskLimits
from engine.model.market import Side
from engine.model.refusals import Refusal
from tests.support.manual_venue import ManualVenue, entered
from tests.support.venue_orders import PRICE

ASKED = "sell 5 MNQ at market in hand to close; once that is proven, sell 5 MNQ at market in hand"


def reverse(venue: ManualVenue, **terms: Any) -> str:
    return venue.say(ReverseManual(id="rev", instrument="MNQ", **terms))


def entries(venue: ManualVenue, side: Side = Side.SELL) -> list[fx.PlaceOrder]:
    return [order for order in venue.of(fx.PlaceOrder) if order.side is side and not order.reduces]


def closed(venue: ManualVenue) -> None:
    """The venue closes what is held, and a look shows it."""
    assert venue.of(fx.ClosePosition)
    venue.close_all()
    venue.obey(3)


def test_the_other_side_is_entered_once_the_close_is_proven_and_has_its_stop() -> None:
    venue, _ = entered()
    answer = reverse(venue)
    assert answer.startswith(f"reversing: {ASKED}, stop 20010.00 (40 ticks), target 19980.00")
    venue.obey(1)
    assert not entries(venue), "nothing is entered before the venue's own word"
    closed(venue)
    [order] = entries(venue)
    assert (order.qty, order.stop_offset, order.target_offset) == (5, 40, -80)
    venue.enter(order)
    venue.obey(2)
    assert (venue.stops(), venue.targets()) == ([(5, PRICE + 40)], [(5, PRICE - 80)])
    assert venue.positions["MNQ"] == -5
    assert not venue.core.state.reversing
    assert reverse(venue).startswith("taken already"), "the same command does nothing twice"


def test_a_dry_run_says_both_orders_and_changes_nothing() -> None:
    venue, _ = entered()
    before = len(venue.journal)
    told = venue.ask(ReverseManual(id="dry", instrument="MNQ", qty=2, stop_ticks=20, dry_run=True))
    [verdict] = told.verdicts
    assert (verdict.held, verdict.held_after, verdict.qty, verdict.side) == (5, -2, 2, Side.SELL)
    assert "reward to risk" in told.text
    assert "--override reward-to-risk" in told.text
    assert len(venue.journal) == before
    assert not venue.of(fx.ClosePosition)


@pytest.mark.parametrize(
    ("limits", "refusal"),
    [
        ({"risk_per_trade_usd": Decimal(100)}, Refusal.SIZE_LESS),
        ({"hours_start": "03:00", "hours_end": "03:01"}, Refusal.OUTSIDE_HOURS),
        ({"max_trades": 1}, Refusal.MAX_TRADES),
    ],
)
def test_where_the_gate_refuses_the_new_side_nothing_is_closed(
    limits: dict[str, Any], refusal: Refusal
) -> None:
    venue, _ = entered()
    book = venue.core.books["hand"]
    book.follow(type(book.config)(**{**_fields(book.config), "risk": RiskLimits(**limits)}))
    told = venue.ask(ReverseManual(id="rev", instrument="MNQ"))
    assert refusal in {one.refusal for one in told.verdicts[0].against}, told.text
    assert not told.done
    assert not venue.of(fx.ClosePosition)
    assert not venue.book.flattening


def _fields(config: Any) -> dict[str, Any]:
    return {name: getattr(config, name) for name in config.__struct_fields__}


def test_what_the_close_has_cost_may_refuse_the_entry_and_it_is_flat() -> None:
    venue, _ = entered(risk=RiskLimits(daily_loss_usd=Decimal(200)))
    reverse(venue, qty=5)
    venue.quote(PRICE - 38)  # the close loses nearly what a day may
    venue.close_all(PRICE - 38)
    venue.obey(3)
    assert not entries(venue)
    assert any("the other side is not entered: 5 contracts would risk" in n.text for n in venue.notices)
    assert (venue.positions["MNQ"], venue.standing(), venue.core.state.reversing) == (0, [], {})


@pytest.mark.parametrize(
    "command",
    [
        Flatten(id="f", instrument="MNQ"),
        Flatten(id="f"),
        Pause(id="p"),
        Pause(id="p", instrument="MNQ"),
        CancelManual(id="c", order="rev"),
    ],
)
@pytest.mark.parametrize("override", [(), ("pause",)])
def test_whoever_flattens_pauses_or_cancels_meanwhile_stays_flat(command: Any, override: Any) -> None:
    venue, _ = entered()
    reverse(venue, override=override)
    venue.say(command)
    closed(venue)
    assert not entries(venue)
    assert (venue.positions["MNQ"], venue.standing(), venue.core.state.reversing) == (0, [], {})


def test_a_close_that_is_refused_leaves_the_stops_and_the_other_side_is_given_up() -> None:
    venue, _ = entered()
    reverse(venue)
    for _ in range(40):
        asked = venue.of(fx.ClosePosition)[-1]
        venue.reply(asked, ev.Outcome.REFUSED, reason="halted")
        venue.obey(2)
    assert not venue.core.state.reversing
    assert venue.stops() == [(5, PRICE - 40)]
    assert any("not proven within 60 s" in n.text for n in venue.notices)
    closed(venue)
    assert not entries(venue)


def test_a_close_of_unknown_outcome_is_looked_up_and_the_entry_waits_for_that() -> None:
    venue, _ = entered()
    reverse(venue)
    [asked] = venue.of(fx.ClosePosition)
    venue.answering = False
    venue.reply(asked, ev.Outcome.UNKNOWN)
    venue.wait(2)
    assert not entries(venue)
    venue.answering = True
    venue.close_all()
    venue.obey(4)
    assert len(entries(venue)) == 1


@pytest.mark.parametrize(("after_s", "goes_on"), [(5.0, True), (90.0, False)])
def test_a_restart_goes_on_with_it_while_it_is_meant(after_s: float, goes_on: bool) -> None:
    venue, _ = entered()
    reverse(venue)
    again = venue.restart(after_s=after_s)
    again.connect()
    again.obey(1)
    if again.positions["MNQ"]:
        closed(again)
    again.obey(3)
    assert (len(entries(again)) == 1) is goes_on
    assert not again.core.state.reversing
    assert not again.book.flattening


def test_nothing_to_reverse_or_something_under_way_says_so() -> None:
    venue, _ = entered()
    assert "say how much" not in reverse(venue, dry_run=True)
    venue.say(Flatten(id="f", instrument="MNQ"))
    assert reverse(venue) == "MNQ is being closed in hand already"
    closed(venue)
    assert venue.say(ReverseManual(id="x", instrument="MNQ")).startswith("nothing of MNQ is held in hand")


@settings(max_examples=12)
@given(
    st.lists(st.sampled_from(["fill", "refuse", "unknown", "wait", "flatten", "kill", "stop"]), max_size=6)
)
def test_whatever_happens_nothing_is_naked_and_no_two_entries_are_sent(moves: list[str]) -> None:
    """The invariants are looked at after every event."""
    venue, ids = entered()
    reverse(venue)
    for move in moves:
        asked = venue.of(fx.ClosePosition)
        match move:
            case "fill" if venue.positions["MNQ"] > 0 and asked:
                venue.close_all()
            case "refuse" | "unknown" if asked:
                outcome = ev.Outcome.REFUSED if move == "refuse" else ev.Outcome.UNKNOWN
                venue.reply(asked[-1], outcome)
            case "flatten":
                venue.say(Flatten(id=f"f{len(venue.journal)}"))
            case "kill":
                venue = venue.restart()
                venue.connect()
            case "stop" if venue.positions["MNQ"] > 0 and venue.orders[ids["SL"]].status.live:
                venue.tell_fill(venue.execute(ids["SL"], PRICE - 40))
                venue.tell(ids["SL"])
            case _:
                venue.obey(1)
    venue.obey(3)
    for _ in range(3):
        if venue.positions["MNQ"] > 0 and venue.book.flattening:
            venue.close_all()
        venue.obey(3)
    for order in entries(venue):
        if venue.order(order.client_id).filled_qty == 0 and venue.order(order.client_id).live:
            venue.tell_fill(venue.execute(venue.order(order.client_id).venue_id or "", PRICE))
    venue.obey(4)
    held = venue.positions["MNQ"]
    assert held in (0, -5)
    assert sum(qty for qty, _ in venue.stops()) == -held
    begun = {one.command.id for one in venue.written(r.ReverseBegun)}
    assert len(begun) <= 1
    assert len([p for p in venue.written(r.PlanOpened) if p.plan.strategy == "manual"]) <= 1
