"""What orders meet in whole bars (docs/semantics.md#fill-model): by a table, and by what can never be."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.market import MINUTE, Bar, Side, Timeframe
from engine.model.orders import Fill, OrderSpec, OrderType
from engine.venue.fill_model import FillModel
from engine.venue.orders import VenueEvent
from engine.venue.venue import Venue
from tests.venue.by_hand import bracket, fills, limit, order, place, stop, venue

MODEL = FillModel(slippage_ticks=2).on_whole_bars()
BUY, SELL = Side.BUY, Side.SELL
FLAT = (400, 400, 400, 400)

Corners = tuple[int, int, int, int]
"""Open, high, low, close."""


def bar(n: int, corners: Corners) -> Bar:
    return Bar("MNQ", Timeframe.M1, n * MINUTE, *corners, 100)


def play(v: Venue, *bars: Corners, first: int = 1) -> list[VenueEvent]:
    """Open and close of each bar in turn."""
    told: list[VenueEvent] = []
    for n, corners in enumerate(bars, first):
        told += v.on_open(bar(n, corners))
        told += v.on_bar(bar(n, corners))
    return told


def seen() -> Venue:
    """A venue that has seen a bar; the next one opens at a minute."""
    v = venue(MODEL)
    play(v, FLAT, first=0)
    return v


@pytest.mark.parametrize(
    ("spec", "corners", "filled"),
    [
        (order(BUY), (410, 412, 408, 409), [(412, 1)]),
        (order(SELL, qty=7), (410, 412, 408, 409), [(408, 7)]),
        (stop(BUY, 405), (401, 404, 399, 400), []),
        (stop(BUY, 405), (401, 405, 399, 400), [(407, 1)]),
        (stop(BUY, 405), (409, 411, 406, 407), [(411, 1)]),
        (stop(SELL, 395), (390, 392, 385, 391), [(388, 1)]),
        (limit(BUY, 395), (401, 404, 395, 400), []),
        (limit(BUY, 395), (401, 404, 394, 400), [(395, 1)]),
        (limit(BUY, 395), (390, 404, 389, 400), [(395, 1)]),
        (limit(SELL, 405), (401, 406, 399, 400), [(405, 1)]),
    ],
    ids=[
        "at market: the open and slippage",
        "at market, sold whole",
        "a stop not reached",
        "a stop reached: its price and slippage",
        "a gap over a stop: the open and slippage",
        "the same downwards",
        "a limit touched",
        "a limit traded through",
        "a gap through a limit: no better than asked",
        "a limit to sell",
    ],
)
def test_one_order_in_one_bar(spec: OrderSpec, corners: Corners, filled: list[tuple[int, int]]) -> None:
    v = seen()
    place(v, spec, MINUTE)
    assert fills(play(v, corners)) == filled


@pytest.mark.parametrize(
    ("corners", "filled"),
    [
        ((402, 430, 401, 402), [(404, 1)]),
        ((402, 430, 394, 402), [(404, 1), (392, 1)]),
        ((402, 403, 394, 402), [(404, 1), (392, 1)]),
    ],
    ids=["its target counts from the next bar on", "stop first, in the entry bar too", "stopped"],
)
def test_the_bar_of_an_entry_may_stop_it_and_wins_nothing(
    corners: Corners, filled: list[tuple[int, int]]
) -> None:
    v = seen()
    place(v, bracket(), MINUTE)  # stop 10 below its fill, target 20 above
    assert fills(play(v, corners)) == filled


def test_a_bar_with_stop_and_target_is_a_stop_and_the_target_is_over() -> None:
    v = seen()
    place(v, bracket(), MINUTE)
    assert fills(play(v, (402, 403, 400, 402), (402, 430, 390, 420))) == [(404, 1), (392, 1)]
    assert not any(one.status.live for one in v.orders)


def test_a_target_fills_once_it_is_traded_through_after_the_bar_of_the_entry() -> None:
    v = seen()
    place(v, bracket(), MINUTE)
    told = play(v, (402, 403, 400, 402), (403, 424, 402, 423), (423, 425, 420, 421))
    assert fills(told) == [(404, 1), (424, 1)]


def test_a_resting_entry_is_stopped_in_the_bar_that_fills_it() -> None:
    v = seen()
    place(v, bracket(kind=OrderType.LIMIT, price=396), MINUTE)
    assert fills(play(v, (400, 420, 380, 418))) == [(396, 1), (384, 1)]


def test_what_comes_at_a_bars_close_or_after_its_open_meets_the_next_bar() -> None:
    v = seen()
    v.on_open(bar(1, (400, 410, 390, 400)))
    place(v, limit(BUY, 395), MINUTE)
    place(v, order(SELL), MINUTE + 1)
    assert fills(v.on_bar(bar(1, (400, 410, 390, 400)))) == []
    place(v, stop(BUY, 399), 2 * MINUTE)  # the close is beyond it: that was before it came
    assert fills(v.advance(2 * MINUTE)) == []
    assert fills(play(v, (380, 381, 379, 380), first=2)) == [(395, 1), (378, 1)]


def test_a_stop_of_ones_own_protects_at_once_and_its_target_opens_nothing_beside_it() -> None:
    v = seen()
    place(v, order(BUY), MINUTE)
    opened = v.on_open(bar(1, (400, 430, 380, 400)))
    own = (
        OrderSpec(SELL, OrderType.STOP, 1, stop=390, reduces=True),
        OrderSpec(SELL, OrderType.LIMIT, 1, limit=420, reduces=True),
    )
    for n, spec in enumerate(own):
        place(v, spec, MINUTE, f"own-{n}")
    told = [*opened, *v.on_bar(bar(1, (400, 430, 380, 400)))]
    assert fills(told) == [(402, 1), (388, 1)]


def test_a_bar_without_its_open_told_meets_what_stood_before_it() -> None:
    v = seen()
    place(v, order(BUY), MINUTE)
    place(v, order(SELL, qty=2), MINUTE + 5)
    told = v.on_bar(bar(1, (400, 410, 390, 405)))
    assert [(one.price, one.ts_venue) for one in told if isinstance(one, Fill)] == [(402, MINUTE)]
    assert fills(play(v, (406, 406, 406, 406), first=2)) == [(404, 2)]


@st.composite
def _walks(draw: st.DrawFn) -> list[Corners]:
    price, bars = 400, list[Corners]()
    for _ in range(draw(st.integers(1, 12))):
        opened = price + draw(st.integers(-15, 15))
        moves = draw(st.lists(st.integers(-15, 15), min_size=1, max_size=4))
        path = [opened]
        for move in moves:
            path.append(path[-1] + move)
        price = path[-1]
        bars.append((opened, max(path), min(path), price))
    return bars


_SPECS: Sequence[OrderSpec] = (
    order(BUY),
    order(SELL),
    bracket(),
    bracket(qty=3, kind=OrderType.LIMIT, price=396),
    stop(BUY, 408),
    limit(SELL, 409),
)


@given(_walks(), st.lists(st.tuples(st.integers(0, 11), st.sampled_from(_SPECS)), max_size=6))
def test_nothing_fills_where_the_bar_was_not_nor_before_it_was_asked_for(
    bars: list[Corners], asked: list[tuple[int, OrderSpec]]
) -> None:
    v = seen()
    placed: dict[str, int] = {}
    for n, corners in enumerate(bars, 1):
        for at, spec in asked:
            if at == n:
                placed[place(v, spec, n * MINUTE, None).order.venue_id] = n * MINUTE
        told = play(v, corners, first=n)
        opened, high, low, _ = corners
        for one in told:
            if not isinstance(one, Fill):
                continue
            worse = MODEL.slippage_ticks
            assert low - worse <= one.price <= high + worse or v.order(one.venue_order_id).limit == one.price
            assert one.ts_venue in (n * MINUTE, (n + 1) * MINUTE)
            assert one.ts_venue >= placed.get(one.venue_order_id, 0)
            if one.ts_venue == n * MINUTE and v.order(one.venue_order_id).limit is None:
                assert one.price == opened + one.side.sign * worse
