"""A part of what is held, closed by a person: one order at market for each wish, protection all the while."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model import effects as fx
from engine.model import events as ev
from engine.model import records as r
from engine.model.commands import Flatten, ReduceManual
from engine.model.market import Side
from engine.model.orders import OrderType, Slot, VenueStatus
from tests.support.manual_venue import UNKNOWN, ManualVenue, entered
from tests.support.venue_orders import PRICE


def wish(venue: ManualVenue, qty: int | None = None, **terms: object) -> str:
    return venue.say(ReduceManual(id=f"r{len(venue.journal)}", instrument="MNQ", qty=qty, **terms))  # type: ignore[arg-type]


def parts(venue: ManualVenue) -> list[fx.PlaceOrder]:
    """Orders that close a part, as they were sent."""
    return [order for order in venue.of(fx.PlaceOrder) if venue.order(order.client_id).slot is Slot.PART]


def fill(venue: ManualVenue, order: fx.PlaceOrder, qty: int | None = None) -> None:
    """The venue takes it in, unless it has, and fills it."""
    known = venue.order(order.client_id).venue_id
    [venue_id] = [known] if known is not None else venue.accept(order)
    venue.tell_fill(venue.execute(venue_id, PRICE + 20, qty))
    venue.tell(venue_id)


def test_half_is_closed_by_one_order_and_stop_and_target_follow_its_fill() -> None:
    venue, _ = entered()
    assert wish(venue) == "closing 3 MNQ in hand at market, 2 stay with their stops"
    [order] = parts(venue)
    assert (order.side, order.type, order.qty, order.reduces) == (Side.SELL, OrderType.MARKET, 3, True)
    venue.obey(2)
    assert venue.stops() == [(5, PRICE - 40)]  # what goes is protected until it is gone
    fill(venue, order)
    venue.obey(3)
    assert (venue.stops(), venue.targets()) == ([(2, PRICE - 40)], [(2, PRICE + 80)])
    assert parts(venue) == [order]
    assert venue.notices[-1].text == "sold 3 MNQ @ 20005.00 (close): +26.34 USD, +0.4 R"


def test_the_nearest_target_goes_first_and_the_runner_stays() -> None:
    venue, _ = entered(targets=(80, 160))
    wish(venue, 3)
    first, second = parts(venue)
    assert (first.qty, second.qty) == (2, 1)
    fill(venue, first)
    fill(venue, second)
    venue.obey(3)
    assert venue.stops() == [(2, PRICE - 40)]
    [(qty, _)] = venue.targets()
    assert qty == 2


def test_all_of_it_by_parts_leaves_nothing_behind() -> None:
    venue, _ = entered()
    assert wish(venue, 5) == "closing 5 MNQ in hand at market, nothing of them stays"
    fill(venue, parts(venue)[0])
    venue.obey(4)
    assert (venue.standing(), venue.book.plans, venue.positions["MNQ"]) == ([], {}, 0)
    [trade] = venue.book.trades
    assert (trade.qty, trade.reason) == (5, "manual")


def test_a_refused_one_is_told_and_not_tried_again() -> None:
    venue, _ = entered()
    wish(venue, 2)
    [order] = parts(venue)
    venue.reply(order, ev.Outcome.REFUSED, reason="market closed")
    venue.obey(5)
    assert parts(venue) == [order]
    assert venue.stops() == [(5, PRICE - 40)]
    assert any("market closed; what is held keeps its stop" in n.text for n in venue.notices)
    wish(venue, 1)
    assert parts(venue)[1].qty == 1


def test_an_unknown_outcome_is_looked_up_and_never_sent_again() -> None:
    venue, _ = entered()
    wish(venue, 2)
    [order] = parts(venue)
    venue_id = venue.lodge(order)
    venue.reply(order, UNKNOWN)
    venue.execute(venue_id)  # nobody tells
    venue.change(venue_id, status=VenueStatus.FILLED)
    venue.obey(6)
    assert parts(venue) == [order]
    assert venue.stops() == [(3, PRICE - 40)]


def test_one_that_never_arrived_leaves_everything_as_it_was() -> None:
    venue, _ = entered()
    wish(venue, 2)
    [order] = parts(venue)
    venue.reply(order, UNKNOWN)
    venue.obey(40)
    assert parts(venue) == [order]
    assert venue.stops() == [(5, PRICE - 40)]
    assert wish(venue, 2).startswith("closing 2")


def test_a_second_wish_waits_for_the_first() -> None:
    venue, _ = entered()
    wish(venue, 2)
    assert wish(venue, 2) == "closing 2 MNQ in hand at market, 1 stay with their stops"
    assert wish(venue, 2) == "1 MNQ can be closed in hand, not 2"
    [first] = parts(venue)
    fill(venue, first)
    venue.wait(0.3)
    _, second = parts(venue)
    fill(venue, second)
    venue.obey(3)
    assert venue.stops() == [(1, PRICE - 40)]


def test_the_rest_of_one_is_taken_back_where_the_stop_was_quicker() -> None:
    venue, ids = entered()
    wish(venue, 2)
    [order] = parts(venue)
    [part] = venue.accept(order)
    venue.tell_fill(venue.execute(ids["SL"], PRICE - 40, 4))
    venue.tell(ids["SL"])
    venue.wait(0.2)
    assert [cancel.venue_id for cancel in venue.of(fx.CancelOrder)] == [part]


def test_where_stop_and_part_both_fill_nothing_stays_open() -> None:
    venue, ids = entered()
    wish(venue, 3)
    fill(venue, parts(venue)[0])
    venue.tell_fill(venue.execute(ids["SL"], PRICE - 40))  # of five, before it could be made smaller
    venue.tell(ids["SL"])
    assert venue.positions["MNQ"] == -3
    venue.wait(0.3)
    assert venue.of(fx.ClosePosition)
    venue.close_all()
    venue.obey(4)
    assert (venue.standing(), venue.positions["MNQ"]) == ([], 0)


def test_a_flatten_waits_for_it_and_closes_the_rest() -> None:
    venue, _ = entered()
    wish(venue, 2)
    [order] = parts(venue)
    venue.accept(order)
    venue.say(Flatten(id="f"))
    venue.wait(0.5)
    assert not venue.of(fx.ClosePosition)  # one close at a time
    fill(venue, order)
    venue.wait(0.3)
    [_] = venue.of(fx.ClosePosition)
    venue.close_all()
    venue.obey(4)
    assert (venue.standing(), venue.positions["MNQ"]) == ([], 0)


@pytest.mark.parametrize("arrived", [True, False])
def test_a_restart_in_between_looks_it_up(arrived: bool) -> None:
    venue, _ = entered()
    wish(venue, 2)
    [order] = parts(venue)
    if arrived:
        venue.execute(venue.lodge(order))
    again = venue.restart()
    again.connect()
    again.obey(30)
    assert parts(again) == []
    assert again.stops() == [(3 if arrived else 5, PRICE - 40)]
    assert again.book.position("MNQ").qty == (3 if arrived else 5)


def test_the_same_command_twice_closes_once() -> None:
    venue, _ = entered()
    one = ReduceManual(id="same", instrument="MNQ", qty=1)
    answer = venue.say(one)
    assert venue.say(one) == f"taken already, nothing is done twice: {answer}"
    assert len(parts(venue)) == 1


def test_what_can_not_be_closed_in_part_is_said() -> None:
    venue, _ = entered()
    assert wish(venue, 6) == "5 MNQ can be closed in hand, not 6"
    assert wish(venue, 0) == "5 MNQ can be closed in hand, not 0"
    assert wish(venue, 1, book="x").startswith("unknown book x")
    assert venue.say(ReduceManual(id="n", instrument="ES")) == "nothing of ES is held in hand"
    assert wish(venue, 2, dry_run=True) == (
        "nothing is closed, and it would be: 2 MNQ in hand at market, 3 stay with their stops"
    )
    venue.link(ev.LinkState.DOWN)
    assert "is not verified with the venue yet; tstream flatten MNQ closes all of it" in wish(venue, 1)
    venue.link(ev.LinkState.LIVE)
    venue.wait(1)
    venue.say(Flatten(id="f"))
    assert wish(venue, 1) == "MNQ is being closed in hand already, all of it"
    assert not parts(venue)
    assert not any(taken.done for taken in venue.written(r.CommandTaken) if taken.command.id.startswith("r6"))


@given(
    st.lists(st.tuples(st.integers(1, 3), st.sampled_from(["fill", "half", "refuse", "lose"])), max_size=4)
)
def test_what_is_asked_and_not_refused_is_closed_and_no_more(wishes: list[tuple[int, str]]) -> None:
    venue, _ = entered(targets=(80, 160))
    left = 5
    for qty, fate in wishes:
        known = len(parts(venue))
        if not wish(venue, qty).startswith("closing"):
            continue
        for order in parts(venue)[known:]:
            if fate == "refuse":
                venue.reply(order, ev.Outcome.REFUSED)
                continue
            if fate == "lose":
                venue.reply(order, UNKNOWN)
                continue
            if fate == "half" and order.qty > 1:
                fill(venue, order, 1)
            fill(venue, order)
            left -= order.qty
        venue.obey(20 if fate == "lose" else 3)
        assert venue.positions["MNQ"] == left == sum(stop for stop, _ in venue.stops())
        assert venue.core.state.book("hand").position("MNQ").qty == left
