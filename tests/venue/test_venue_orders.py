"""The life of brackets, and what is done about orders that are changed, cancelled or make no sense."""

from __future__ import annotations

import pytest

from engine.model.instrument import CME_FUTURES
from engine.model.market import Side
from engine.model.orders import OrderSpec, OrderType, VenueOrder, VenueStatus
from engine.venue.refusals import (
    BracketsRefusedError,
    ChangeRejectedError,
    OrderClosedError,
    OrderInvalidError,
    OrderNotFoundError,
)
from engine.venue.venue import Venue
from tests.venue.by_hand import (
    MODEL,
    MS,
    bracket,
    fills,
    in_position,
    limit,
    order,
    place,
    quote,
    statuses,
    trade,
    venue,
)


def test_bracket_family_is_born_together_and_goes_to_work_after_the_fill() -> None:
    v = venue()
    v.on_quote(quote(0, 400, 402))
    placed = place(v, bracket(), 0)
    assert placed.order.venue_id == "100"
    assert statuses(placed.events) == [
        ("101", VenueStatus.SUSPENDED),
        ("100", VenueStatus.PENDING),
        ("102", VenueStatus.SUSPENDED),
    ]
    legs = {e.venue_id: e for e in placed.events if isinstance(e, VenueOrder) and e.parent_id}
    assert (legs["101"].client_id, legs["102"].client_id) == ("ts-1-SL", "ts-1-TP")
    assert {leg.parent_id for leg in legs.values()} == {"100"}
    assert [(leg.side, leg.limit, leg.stop) for leg in legs.values()] == [(Side.SELL, None, None)] * 2
    assert fills(v.advance(8 * MS)) == [(403, 1)]
    assert not v.advance(26 * MS - 1)
    target, protective = v.advance(26 * MS)
    assert isinstance(target, VenueOrder)
    assert isinstance(protective, VenueOrder)
    assert (target.venue_id, target.status, target.limit, target.stop) == (
        "102",
        VenueStatus.WORKING,
        423,
        None,
    )
    assert (protective.venue_id, protective.status, protective.stop, protective.ts_venue) == (
        "101",
        VenueStatus.WORKING,
        393,
        26 * MS,
    )


def test_legs_of_an_order_without_a_tag_have_none() -> None:
    v = venue()
    placed = place(v, order(stop_offset=-4), 0, None)
    assert [e.client_id for e in placed.events if isinstance(e, VenueOrder)] == [None, None]


def test_one_leg_fills_and_the_sibling_is_canceled_a_little_later() -> None:
    v = in_position()
    v.on_print(trade(92, 393))
    assert fills(v.advance(100 * MS)) == [(392, 1)]
    assert not fills(v.on_print(trade(101, 430, 50))), "the target trades no more, though it shows as working"
    assert v.order("102").status is VenueStatus.WORKING
    assert statuses(v.advance(113 * MS)) == [("102", VenueStatus.CANCELED)]
    assert v.order("102").ts_venue == 113 * MS


def test_a_partial_exit_makes_the_sibling_smaller() -> None:
    v = in_position(qty=3)
    assert fills(v.on_print(trade(100, 424, 2))) == [(423, 2)]
    (smaller,) = v.advance(113 * MS)
    assert isinstance(smaller, VenueOrder)
    assert (smaller.venue_id, smaller.qty, smaller.status) == ("101", 1, VenueStatus.WORKING)
    v.on_print(trade(120, 390, 9))
    assert fills(v.advance(128 * MS)) == [(392, 1)]
    assert statuses(v.advance(141 * MS)) == [("102", VenueStatus.CANCELED)]


def test_a_stop_in_the_same_breath_as_a_partial_target_closes_only_the_rest() -> None:
    v = in_position(qty=3)
    v.on_print(trade(100, 390, 9))
    v.on_print(trade(101, 424, 2))
    assert fills(v.advance(108 * MS)) == [(392, 1)]
    assert v.order("101").status is VenueStatus.FILLED
    assert v.order("101").qty == 1


@pytest.mark.parametrize(("grows", "protects"), [(True, 3), (False, 1)])
def test_a_partly_filled_entry_protects_what_it_has_and_its_legs_grow(grows: bool, protects: int) -> None:
    v = venue()
    place(v, bracket(3, OrderType.LIMIT, 400), 0)
    assert fills(v.on_print(trade(20, 399, 1))) == [(400, 1)]
    if not grows:
        assert not v.cancel("100", 21 * MS)
        assert statuses(v.advance(29 * MS)) == [("100", VenueStatus.CANCELED)]
    legs = [e for e in v.advance(38 * MS) if isinstance(e, VenueOrder)]
    assert [(leg.qty, leg.status) for leg in legs] == [(1, VenueStatus.WORKING)] * 2
    v.on_print(trade(50, 399, 2))
    v.advance(68 * MS)
    assert [v.order(leg).qty for leg in ("101", "102")] == [protects] * 2


def test_an_exit_of_everything_filled_ends_the_rest_of_the_entry() -> None:
    v = venue()
    place(v, bracket(3, OrderType.LIMIT, 400), 0)
    v.on_print(trade(20, 399, 1))
    v.advance(38 * MS)
    assert fills(v.on_print(trade(50, 390, 9))) == [(400, 2)]
    assert fills(v.advance(58 * MS)) == [(388, 1)]
    v = venue()
    place(v, bracket(3, OrderType.LIMIT, 400), 0)
    v.on_print(trade(20, 399, 1))
    v.advance(38 * MS)
    assert fills(v.on_print(trade(50, 421, 9))) == [(420, 1)]
    assert not fills(v.on_print(trade(51, 380, 9)))
    assert statuses(v.advance(63 * MS)) == [("101", VenueStatus.CANCELED), ("100", VenueStatus.CANCELED)]


def test_canceling_an_unfilled_entry_cancels_its_legs() -> None:
    v = venue()
    place(v, bracket(1, OrderType.LIMIT, 400), 0)
    v.cancel("100", 1)
    ended = [(i, VenueStatus.CANCELED) for i in ("100", "101", "102")]
    assert statuses(v.advance(8 * MS + 1)) == ended
    assert not v.advance(1000 * MS)
    place(v, bracket(1, OrderType.LIMIT, 400), 1000 * MS)
    assert [status for _, status in statuses(v.withdraw("103", 1001 * MS))] == [VenueStatus.CANCELED] * 3


def test_canceling_or_moving_one_leg_leaves_the_other_alone() -> None:
    v = in_position()
    v.modify("101", 30 * MS, stop=403)
    v.cancel("102", 31 * MS)
    assert statuses(v.advance(38 * MS)) == [("101", VenueStatus.WORKING)]
    assert (v.order("101").stop, v.order("102").limit) == (403, 423)
    assert statuses(v.advance(39 * MS)) == [("102", VenueStatus.CANCELED)]


def test_the_platforms_close_has_no_tag_and_leaves_the_legs() -> None:
    v = in_position()
    place(v, order(Side.SELL), 40 * MS, None)
    assert fills(v.advance(48 * MS)) == [(399, 1)]
    assert v.order("103").client_id is None
    assert v.order("101").status is VenueStatus.WORKING


def test_smaller_entry_makes_smaller_legs() -> None:
    v = venue()
    place(v, bracket(3, OrderType.LIMIT, 400), 0)
    v.modify("100", MS, qty=2)
    events = v.advance(9 * MS)
    assert {e.venue_id: e.qty for e in events if isinstance(e, VenueOrder)} == {"100": 2, "101": 2, "102": 2}


def test_legs_have_their_entry_s_tag_and_a_suffix() -> None:
    v = venue()
    placed = v.place("MNQ", order(Side.SELL, OrderType.STOP, 2, stop=380, stop_offset=8), 0, "ts-9")
    assert placed.order.client_id == "ts-9"
    assert [e.client_id for e in placed.events if isinstance(e, VenueOrder)] == ["ts-9-SL", "ts-9"]


# -- refusals ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "bad",
    [
        order(qty=0),
        order(kind=OrderType.LIMIT),
        order(kind=OrderType.STOP),
        order(limit=400),
    ],
)
def test_senseless_orders_are_refused_and_leave_no_trace(bad: OrderSpec) -> None:
    v = venue()
    with pytest.raises(OrderInvalidError):
        place(v, bad, 0)
    with pytest.raises(OrderInvalidError, match="unknown instrument"):
        v.place("XX", order(), 0)
    assert v.orders == ()


def test_an_account_without_brackets_stays_so_over_a_restart() -> None:
    v = Venue(CME_FUTURES, MODEL, brackets=False)
    v.restore(v.state())
    with pytest.raises(BracketsRefusedError):
        place(v, bracket(), 0)
    assert place(v, order(), 0).order.venue_id == "1"


def test_changes_of_unknown_and_finished_orders_are_told_apart() -> None:
    v = venue()
    v.on_quote(quote(0, 400, 402))
    place(v, order(), 0)
    v.advance(8 * MS)
    for unknown in ("7", "x", ""):
        with pytest.raises(OrderNotFoundError):
            v.cancel(unknown, 9 * MS)
    with pytest.raises(OrderClosedError):
        v.cancel("100", 9 * MS)
    with pytest.raises(OrderClosedError):
        v.modify("100", 9 * MS, qty=2)


def test_changes_that_make_no_sense_are_rejected() -> None:
    v = venue()
    place(v, bracket(2, OrderType.LIMIT, 400), 0)
    with pytest.raises(ChangeRejectedError):
        v.modify("101", MS, stop=380)
    with pytest.raises(ChangeRejectedError):
        v.modify("100", MS, stop=380)
    with pytest.raises(ChangeRejectedError):
        v.modify("100", MS, qty=0)
    v.on_print(trade(20, 399, 1))
    with pytest.raises(ChangeRejectedError):
        v.modify("100", 21 * MS, qty=1)
    v.advance(60 * MS)
    with pytest.raises(ChangeRejectedError):
        v.modify("101", 61 * MS, qty=2)


def test_a_refused_cancel_does_not_lose_the_fill_that_came_before() -> None:
    v = venue()
    v.on_quote(quote(0, 400, 402))
    place(v, order(), 0)
    with pytest.raises(OrderClosedError):
        v.cancel("100", 8 * MS)
    assert fills(v.advance(8 * MS)) == [(403, 1)]


def test_the_end_of_the_day_expires_what_lives() -> None:
    v = in_position()
    assert sorted(statuses(v.expire(100 * MS))) == [
        ("101", VenueStatus.EXPIRED),
        ("102", VenueStatus.EXPIRED),
    ]
    assert not v.on_print(trade(101, 300, 9))


def test_a_restored_limit_keeps_its_place_in_the_queue() -> None:
    v = venue()
    place(v, limit(Side.BUY, 400), 0)
    v.on_print(trade(20, 400, 1))
    restored = venue()
    restored.restore(v.state())
    assert not fills(restored.on_print(trade(21, 400, 1)))
    assert fills(restored.on_print(trade(22, 400, 1))) == [(400, 1)]
    assert place(restored, order(), 23 * MS).order.venue_id == "101"


def test_finished_orders_are_not_kept() -> None:
    v = in_position()
    v.on_print(trade(100, 393))
    assert {kept.id for kept in v.state().orders} == {100, 101, 102}
    v.advance(200 * MS)
    assert v.state().orders == []
    assert v.state().timers == []
