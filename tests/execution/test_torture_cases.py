"""What random interleavings once broke: the smallest scenes, as torture shrank them, and the same by hand."""

from __future__ import annotations

import pytest

from engine.model import effects as fx
from engine.model.commands import Flatten
from engine.model.market import Side
from engine.model.orders import OrderType, VenueOrder, VenueStatus
from engine.model.records import CloseRequested
from tests.support.manual_venue import ManualVenue, connected, entered
from tests.support.venue_orders import PRICE
from tests.torture import beside
from tests.torture.mishap_replay import play
from tests.torture.mishaps import Deed, Fate, Kind, Mishap, Mode, Move, Scene

TARGET_FILLED_UNHEARD = Scene(
    Mode.NATIVE,
    Side.SELL,
    1,
    (Move(164, 6),),
    (
        Mishap(Kind.STREAM, 0, Fate.KILLED_AFTER, 8_000),
        Mishap(Kind.TRUTH, 2, Fate.KILLED_BEFORE, 0),
        Mishap(Kind.TRUTH, 3, Fate.KILLED_AFTER, 3_000),
        Mishap(Kind.REQUEST, 1, Fate.KILLED_AFTER, 0),
    ),
    (),
)
CLOSED_UNHEARD = Scene(
    Mode.REFUSED,
    Side.BUY,
    2,
    (Move(-44, 15),),
    (
        Mishap(Kind.ANSWER, 1, Fate.KILLED_AFTER, 0),
        Mishap(Kind.TRUTH, 0, Fate.LOST, 0),
        Mishap(Kind.TRUTH, 2, Fate.LATE, 1_200),
        Mishap(Kind.COMMIT, 9, Fate.KILLED_AFTER, 3_000),
        Mishap(Kind.TRUTH, 4, Fate.KILLED_AFTER, 0),
    ),
    (),
)
UNSENT_AFTER_A_START = Scene(
    Mode.COINS,
    Side.BUY,
    2,
    (Move(0, 1), Move(0, 1)),
    (
        Mishap(Kind.REQUEST, 2, Fate.LOST, 0),
        Mishap(Kind.REQUEST, 6, Fate.KILLED_BEFORE, 8_000),
        Mishap(Kind.REQUEST, 7, Fate.LOST, 0),
    ),
    (),
)
A_LOT_AT_EACH_LOOK = Scene(
    Mode.REFUSED,
    Side.BUY,
    2,
    (Move(0, 1), Move(0, 1)),
    (Mishap(Kind.REQUEST, 5, Fate.LATE, 300),),
    (),
    portion_ms=300,
)


@pytest.mark.parametrize("scene", [TARGET_FILLED_UNHEARD, CLOSED_UNHEARD, UNSENT_AFTER_A_START])
def test_the_smallest_scenes(scene: Scene) -> None:
    assert play(scene).suffered


def test_each_lot_of_two_slow_entries_is_guarded_in_time() -> None:
    played = beside.play(A_LOT_AT_EACH_LOOK, beside.Second(20, (60,), (1, 2, 3)))
    assert played.naked


@pytest.mark.parametrize("portion_ms", [1_000, 4_000])
@pytest.mark.parametrize("ticks", [84, 164, -44])
@pytest.mark.parametrize("mode", Mode)
def test_f60_no_exit_that_is_reached_beside_a_slow_close_turns_the_position(
    mode: Mode, ticks: int, portion_ms: int
) -> None:
    moves = (Move(0, 28), Move(ticks, 30))
    flatten = Deed(25, Flatten(id="f", instrument="MNQ"))
    played = play(Scene(mode, Side.BUY, 1, moves, (), (flatten,), portion_ms=portion_ms))
    assert len([r for r in played.journal if isinstance(r, CloseRequested)]) == 1


LOST_GROWTH = Mishap(Kind.REQUEST, 4, Fate.LOST, 20)
KILLED_AT_A_STOP = Mishap(Kind.REQUEST, 4, Fate.KILLED_BEFORE, 20)


@pytest.mark.parametrize("portion_ms", [300, 500, 1_000])
@pytest.mark.parametrize(
    ("mishap", "side", "targets"), [(LOST_GROWTH, Side.BUY, 1), (KILLED_AT_A_STOP, Side.SELL, 2)]
)
def test_f60_what_has_no_stop_is_being_closed_as_soon_as_a_close_works(
    mishap: Mishap, side: Side, targets: int, portion_ms: int
) -> None:
    scene = Scene(
        Mode.REFUSED, side, targets, (Move(0, 3), Move(-60, 10)), (mishap,), (), portion_ms=portion_ms
    )
    assert play(scene).suffered


def _flat_at_once(again: ManualVenue) -> None:
    again.connect()
    assert again.book.position("MNQ").qty == 0
    assert again.of(fx.PlaceOrder) == []
    again.wait(20)
    assert again.of(fx.PlaceOrder) == []
    assert again.book.live_orders() == []


def test_f08_a_bracket_that_was_over_before_it_was_told_of_counts_with_the_first_look() -> None:
    """Its target's fill waited for an order of which nobody would tell, and a stop was sent for nothing."""
    bench, order = connected()
    entry = bench.lodge(order)
    stop, target = (o.venue_id for o in list(bench.orders.values()) if o.parent_id == entry)
    bench.execute(entry)
    bench.execute(target, PRICE + 80)
    bench.change(stop, status=VenueStatus.CANCELED)
    _flat_at_once(bench.restart())


def test_f08_a_close_before_the_start_is_not_held_up_by_a_stop_that_was_never_sent() -> None:
    """The fill might have been the unanswered stop's, so it waited; new stops turned the position around."""
    bench, ids = entered()
    bench.change(ids["SL"], status=VenueStatus.CANCELED)
    bench.tell(ids["SL"])
    bench.wait(5)
    assert len(bench.of(fx.PlaceOrder)) == 2, "the stop is placed anew, and its answer never comes"
    close = bench.new_id()
    bench.orders[close] = VenueOrder(
        close, None, "MNQ", Side.SELL, OrderType.MARKET, 5, VenueStatus.PENDING, ts_venue=bench.now
    )
    bench.execute(close)
    bench.change(ids["TP"], status=VenueStatus.CANCELED)
    _flat_at_once(bench.restart())
