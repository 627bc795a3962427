"""What holds for every order flow and every market."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import json, structs

from engine.model.errors import RefusedError
from engine.model.events import Print, Quote
from engine.model.instrument import CME_FUTURES
from engine.model.market import Side
from engine.model.orders import Fill, OrderSpec, OrderType, VenueOrder
from engine.venue.fill_model import FillModel
from engine.venue.orders import VenueEvent, VenueState
from engine.venue.venue import Venue

MS = 1_000_000
PRICES = st.integers(90, 110)
SIDES = st.sampled_from(Side)

quotes = st.builds(lambda bid, spread: ("quote", bid, bid + spread), PRICES, st.integers(1, 3))
prints = st.builds(lambda price, size: ("print", price, size), PRICES, st.integers(1, 5))
entries = st.builds(
    lambda side, kind, qty, price, stop, target: ("place", side, kind, qty, price, stop, target),
    SIDES,
    st.sampled_from(OrderType),
    st.integers(1, 4),
    PRICES,
    st.none() | st.integers(4, 9),
    st.none() | st.integers(4, 9),
)
changes = st.builds(
    lambda which, what, value: (what, which, value),
    st.integers(0, 30),
    st.sampled_from(["cancel", "limit", "stop", "qty"]),
    st.integers(1, 110),
)
scripts = st.lists(
    st.tuples(st.integers(0, 40), st.one_of(quotes, prints, prints, entries, changes)), max_size=60
)
models = st.builds(
    FillModel,
    latency_ns=st.integers(0, 30).map(lambda ms: ms * MS),
    bracket_activation_ns=st.integers(0, 20).map(lambda ms: ms * MS),
    oco_delay_ns=st.integers(0, 20).map(lambda ms: ms * MS),
    slippage_ticks=st.integers(0, 2),
    queue_multiple=st.integers(0, 3),
    stop_on_touch=st.booleans(),
    bar_ns=st.sampled_from([0, 0, 200 * MS]),
)
Script = list[tuple[int, tuple[object, ...]]]


def act(venue: Venue, now: int, step: tuple[object, ...]) -> list[VenueEvent]:
    match step:
        case ("quote", int(bid), int(ask)):
            return list(venue.on_quote(Quote(ts_recv=now, ts_venue=now, instrument="MES", bid=bid, ask=ask)))
        case ("print", int(price), int(size)):
            trade = Print(ts_recv=now, ts_venue=now, instrument="MES", price=price, size=size)
            return list(venue.on_print(trade))
        case ("place", Side() as side, OrderType() as kind, int(qty), int(price), stop, target):
            spec = OrderSpec(
                side,
                kind,
                qty,
                limit=price if kind is OrderType.LIMIT else None,
                stop=price if kind is OrderType.STOP else None,
                stop_offset=-side.sign * stop if isinstance(stop, int) else None,
                target_offset=side.sign * target if isinstance(target, int) else None,
            )
            return list(venue.place("MES", spec, now).events)
        case (str(what), int(which), int(value)):
            try:
                if what == "cancel":
                    return list(venue.cancel(str(which), now))
                return list(venue.modify(str(which), now, **{what: value}))
            except RefusedError:
                return list(venue.advance(now))
    raise AssertionError(step)


def play(venue: Venue, script: Script, start: int = 0) -> list[VenueEvent]:
    events: list[VenueEvent] = []
    now = start
    for wait, step in script:
        now += wait * MS
        events += act(venue, now, step)
    return events + list(venue.advance(now + 1000 * MS))


def fills_by_order(events: list[VenueEvent]) -> dict[str, list[Fill]]:
    out: dict[str, list[Fill]] = defaultdict(list)
    for event in events:
        if isinstance(event, Fill):
            out[event.venue_order_id].append(event)
    return out


@settings(max_examples=80)
@given(models, scripts)
def test_fills_conserve_quantity(model: FillModel, script: Script) -> None:
    venue = Venue(CME_FUTURES, model)
    events = play(venue, script)
    fills = fills_by_order(events)
    for order in venue.orders:
        filled = sum(fill.qty for fill in fills[order.venue_id])
        assert filled == order.filled_qty <= order.qty
        assert all(fill.qty > 0 and fill.side is order.side for fill in fills[order.venue_id])
    trade_ids = [event.trade_id for event in events if isinstance(event, Fill)]
    assert len(set(trade_ids)) == len(trade_ids)


@settings(max_examples=80)
@given(models, scripts)
def test_exits_of_a_bracket_never_exceed_its_entry(model: FillModel, script: Script) -> None:
    venue = Venue(CME_FUTURES, model)
    parents: dict[str, str] = {}
    entered: dict[str, int] = defaultdict(int)
    exited: dict[str, int] = defaultdict(int)
    for event in play(venue, script):
        if isinstance(event, VenueOrder):
            if event.parent_id:
                parents[event.venue_id] = event.parent_id
        elif event.venue_order_id in parents:
            parent = parents[event.venue_order_id]
            exited[parent] += event.qty
            assert exited[parent] <= entered[parent]
        else:
            entered[event.venue_order_id] += event.qty


@settings(max_examples=80)
@given(models, scripts)
def test_limits_fill_at_their_price_and_stops_never_better_than_their_trigger(
    model: FillModel, script: Script
) -> None:
    venue = Venue(CME_FUTURES, model)
    known: dict[str, VenueOrder] = {}
    for event in play(venue, script):
        if isinstance(event, VenueOrder):
            known[event.venue_id] = event
            continue
        order = known[event.venue_order_id]
        if order.type is OrderType.LIMIT:
            assert event.price == order.limit
        elif order.type is OrderType.STOP:
            assert order.stop is not None
            assert (event.price - order.stop) * order.side.sign >= model.slippage_ticks


@settings(max_examples=80)
@given(models, scripts)
def test_nothing_fills_before_the_latency_and_time_never_goes_back(model: FillModel, script: Script) -> None:
    venue = Venue(CME_FUTURES, model)
    born: dict[str, int] = {}
    newest = 0
    for event in play(venue, script):
        assert event.ts_venue >= newest
        newest = event.ts_venue
        if isinstance(event, VenueOrder):
            born.setdefault(event.venue_id, event.ts_venue)
        else:
            assert event.ts_venue >= born[event.venue_order_id] + model.latency_ns


@settings(max_examples=100)
@given(models, scripts, st.integers(0, 60))
def test_a_restored_venue_goes_on_where_the_other_stopped(model: FillModel, script: Script, cut: int) -> None:
    model = structs.replace(
        model,
        queue_multiple=0,
        latency_ns=model.latency_ns + 1,
        bracket_activation_ns=model.bracket_activation_ns + 1,
    )
    venue = Venue(CME_FUTURES, model)
    now = 0
    for wait, step in script[:cut]:
        now += wait * MS
        act(venue, now, step)
    restored = Venue(CME_FUTURES, model)
    restored.restore(json.decode(json.encode(venue.state()), type=VenueState))
    market: Script = [(0, ("quote", 99, 101)), (0, ("print", 100, 1))]
    finished = [order.venue_id for order in venue.orders if not order.status.live]
    rest = [(wait, step) for wait, step in script[cut:] if str(step[1]) not in finished]
    assert play(restored, market + rest, now) == play(venue, market + rest, now)
