"""Whatever the wire does, in the end there is the venue's truth, and flat is flat (faults: invariants)."""

from __future__ import annotations

import pytest

from engine.lab.replay import BOOK
from engine.model.orders import Slot
from tests.orders.chaos import Storm


@pytest.mark.parametrize("seed", range(20))
def test_after_a_storm_the_truth_is_found_and_flat_is_flat(seed: int) -> None:
    storm = Storm(seed)
    storm.play()
    assert storm.at_calm is not None
    local, theirs = storm.at_calm
    assert local == theirs
    live = [order for order in storm.venue.orders if order.status.live]
    book = storm._core.state.book(BOOK)
    assert (storm.held("MNQ"), live) == (0, [])
    assert (book.position("MNQ").qty, book.plans, book.flattening, book.live_orders()) == (0, {}, {}, [])
    assert Slot.ENTRY in {order.slot for order in book.orders.values()}
