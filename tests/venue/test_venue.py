"""The fill rules, one by one."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.model.market import Side
from engine.model.orders import Fill, VenueStatus
from engine.venue.fill_model import FillModel
from tests.venue.by_hand import (
    MS,
    fills,
    in_position,
    limit,
    order,
    place,
    quote,
    statuses,
    stop,
    trade,
    venue,
)

BARS = FillModel(bar_ns=60_000 * MS)


@pytest.mark.parametrize(("side", "price"), [(Side.BUY, 403), (Side.SELL, 399)])
def test_market_order_takes_the_opposite_touch_and_slips(side: Side, price: int) -> None:
    v = venue()
    v.on_quote(quote(0, 400, 402))
    placed = place(v, order(side), 10 * MS)
    assert statuses(placed.events) == [("100", VenueStatus.PENDING)]
    assert v.next_due() == 18 * MS
    events = v.advance(18 * MS)
    assert fills(events) == [(price, 1)]
    assert statuses(events) == [("100", VenueStatus.FILLED)]


@pytest.mark.parametrize(("side", "price"), [(Side.BUY, 402), (Side.SELL, 398)])
def test_market_order_without_a_quote_takes_the_last_trade_half_a_spread_away(side: Side, price: int) -> None:
    v = venue()
    v.on_print(trade(0, 400))
    place(v, order(side), 0)
    assert fills(v.advance(8 * MS)) == [(price, 1)]


def test_market_order_waits_for_the_first_price_of_an_unknown_market() -> None:
    v = venue()
    place(v, order(), 0)
    assert not v.advance(1000 * MS)
    assert fills(v.on_quote(quote(1001, None, 410))) == [(411, 1)]


def test_nothing_fills_before_the_latency_and_the_fill_uses_the_market_of_that_instant() -> None:
    v = venue()
    v.on_quote(quote(0, 400, 402))
    place(v, order(), 0)
    assert not v.advance(8 * MS - 1)
    v.on_quote(quote(8, 404, 406))  # due at the same instant: the order was there first
    assert v.order("100").filled_qty == 1
    other = venue()
    other.on_quote(quote(0, 400, 402))
    place(other, order(), 0)
    other.on_quote(quote(5, 404, 406))
    assert fills(other.on_print(trade(20, 405))) == [(407, 1)]


def test_a_fill_bears_its_own_time_and_cost() -> None:
    v = venue()
    v.on_quote(quote(0, 400, 402))
    place(v, order(qty=2), 0)
    (fill,) = [e for e in v.advance(500 * MS) if isinstance(e, Fill)]
    assert fill == Fill("900", "100", "MNQ", Side.BUY, 403, 2, Decimal("1.22"), 8 * MS)


def test_what_is_more_than_rests_at_a_price_walks_on() -> None:
    """Twice the median print rests at each."""
    v = venue()
    v.on_quote(quote(0, 400, 402))
    v.on_print(trade(0, 400, 3))
    place(v, order(qty=14, stop_offset=-10), 0)
    assert fills(v.advance(8 * MS)) == [(403, 6), (404, 6), (405, 2)]
    v.advance(26 * MS)
    assert v.order("101").stop == 394, "from the average of the fills"
    endless = venue(FillModel(queue_multiple=0))
    endless.on_quote(quote(0, 400, 402))
    place(endless, order(qty=14), 0)
    assert fills(endless.advance(50 * MS)) == [(403, 14)]


# -- stops ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("side", "trigger", "silent", "bid", "fill"),
    [
        (Side.SELL, 390, 391, 388, 387),
        (Side.SELL, 390, 391, 395, 389),
        (Side.BUY, 410, 409, 410, 412),
        (Side.BUY, 410, 409, 400, 411),
    ],
)
def test_t1_a_stop_is_in_the_market_a_latency_after_its_trigger_and_takes_the_touch_of_then(
    side: Side, trigger: int, silent: int, bid: int, fill: int
) -> None:
    """Never better than its own price, whatever the market did meanwhile."""
    v = venue()
    v.on_print(trade(0, 400))
    place(v, stop(side, trigger), 0)
    v.on_quote(quote(20, 300, 500))
    assert not v.on_print(trade(21, silent))
    assert not v.on_print(trade(22, trigger))
    v.on_quote(quote(25, bid, bid + 1))
    assert not v.advance(30 * MS - 1)
    assert fills(v.advance(30 * MS)) == [(fill, 1)]


def test_t1_a_large_stop_walks_as_a_market_order_does() -> None:
    v = venue()
    v.on_quote(quote(0, 400, 401))
    place(v, stop(Side.SELL, 390, 5), 0)
    v.on_print(trade(20, 390, 1))
    v.on_quote(quote(21, 380, 381))
    assert fills(v.advance(28 * MS)) == [(379, 2), (378, 2), (377, 1)]


def test_t1_until_a_change_or_a_cancel_arrives_the_old_order_can_fill() -> None:
    v = venue()
    v.on_quote(quote(0, 400, 401))
    for price in (390, 391):
        place(v, stop(Side.SELL, price), 0)
    v.advance(8 * MS)
    assert not v.modify("100", 10 * MS, stop=380)
    assert not v.cancel("101", 10 * MS)
    v.on_print(trade(17, 385))
    assert statuses(v.advance(18 * MS)) == [
        ("100", VenueStatus.WORKING),
        ("101", VenueStatus.CANCELED),
    ], "the change came too late and is dropped; before it was in the market the cancel still counts"
    assert v.order("100").stop == 390
    assert fills(v.advance(25 * MS)) == [(389, 1)]


def test_stop_can_be_told_to_trigger_on_the_touch() -> None:
    v = venue(FillModel(latency_ns=0, stop_on_touch=True))
    place(v, stop(Side.SELL, 390), 0)
    assert not fills(v.on_quote(quote(1, 391, 392)))
    assert fills(v.on_quote(quote(2, 388, 392))) == [(387, 1)]


def test_stop_behind_the_market_triggers_on_arrival() -> None:
    v = venue()
    v.on_print(trade(0, 400))
    place(v, stop(Side.SELL, 405), 0)
    assert not v.advance(16 * MS - 1)
    assert fills(v.advance(16 * MS)) == [(398, 1)], "no quote: the last trade, half a spread away"


# -- limits --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("side", "through", "away"), [(Side.BUY, 399, 401), (Side.SELL, 401, 399)])
def test_limit_fills_when_a_print_goes_through_it(side: Side, through: int, away: int) -> None:
    v = venue()
    place(v, limit(side, 400), 0)
    assert not fills(v.on_print(trade(20, away)))
    assert fills(v.on_print(trade(21, through))) == [(400, 1)]


def test_limit_fills_at_its_price_only_after_the_queue() -> None:
    v = venue()
    for ms, size in enumerate((3, 5, 4)):
        v.on_print(trade(ms, 402, size))
    place(v, limit(Side.BUY, 400, 2), 3 * MS)
    v.advance(20 * MS)
    assert not fills(v.on_print(trade(21, 400, 7)))
    assert fills(v.on_print(trade(22, 400, 2))) == [(400, 1)], "8 ahead: the ninth contract is ours"
    assert fills(v.on_print(trade(23, 400, 9))) == [(400, 1)]


def test_prints_through_the_limit_fill_no_more_than_they_trade() -> None:
    v = venue()
    place(v, limit(Side.BUY, 400, 3), 0)
    place(v, limit(Side.BUY, 401, 3), 0)
    events = v.on_print(trade(20, 398, 4))
    assert fills(events) == [(400, 3), (401, 1)]
    assert v.order("101").filled_qty == 1
    assert v.order("101").status is VenueStatus.WORKING


def test_without_a_queue_the_first_print_at_the_price_fills_everything() -> None:
    v = venue(FillModel(latency_ns=0, queue_multiple=0))
    place(v, limit(Side.SELL, 400, 5), 0)
    assert fills(v.on_print(trade(1, 400, 1))) == [(400, 5)]


def test_marketable_limit_trades_on_arrival_at_its_own_price() -> None:
    v = venue()
    v.on_quote(quote(0, 400, 402))
    place(v, limit(Side.BUY, 402), 0)
    assert fills(v.advance(8 * MS)) == [(402, 1)]


def test_moving_a_limit_queues_anew_and_may_trade_at_once() -> None:
    v = venue()
    v.on_quote(quote(0, 400, 402))
    place(v, limit(Side.BUY, 399), 0)
    v.on_print(trade(20, 399, 1))
    v.modify("100", 21 * MS, limit=398)
    assert not fills(v.on_print(trade(30, 398, 2)))
    v.modify("100", 31 * MS, limit=402)
    assert fills(v.advance(39 * MS)) == [(402, 1)]


def test_t2_prints_made_up_from_bars_fill_a_limit_only_when_they_go_through_it() -> None:
    v = venue(BARS)
    place(v, limit(Side.BUY, 400), 0)
    assert not fills(v.on_print(trade(60, 400, 1000)))
    assert fills(v.on_print(trade(61, 399, 1))) == [(400, 1)]


@pytest.mark.parametrize(
    ("prices", "filled"),
    [((424, 390), (392, 1)), ((390, 424), (392, 1)), ((424, 410), (423, 1)), ((423, 410), None)],
    ids=["target first", "stop first", "only the target", "touched"],
)
def test_t2_of_a_bar_with_stop_and_target_inside_the_stop_counts(
    prices: tuple[int, int], filled: tuple[int, int] | None
) -> None:
    v = in_position(model=BARS)
    v.advance(2000 * MS)
    told = [*v.on_print(trade(10_000, prices[0], 9)), *v.on_print(trade(20_000, prices[1], 9))]
    assert not [fill for fill in fills(told) if fill[0] == 423], "the bar is not over"
    told += v.advance(60_000 * MS)
    assert fills(told) == ([] if filled is None else [filled])


def test_t2_a_decision_on_the_close_of_a_bar_fills_in_the_next_one() -> None:
    v = venue(BARS)
    v.on_quote(quote(59_000, 400, 401))
    place(v, order(), 60_000 * MS)
    assert not v.advance(61_000 * MS)
    assert fills(v.on_quote(quote(62_000, 410, 411))) == [(412, 1)]
