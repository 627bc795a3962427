"""Whatever the wire does, in the end there is the venue's truth, and flat is flat (faults: invariants)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.lab.replay import BOOK
from engine.model.orders import Slot
from tests.support.lossy_wire import LossyReplay


def weather(storm: LossyReplay) -> None:
    """Play a storm; the invariants are looked at after every event, and this at its end."""
    storm.play()
    assert storm.at_calm is not None
    local, theirs = storm.at_calm
    assert local == theirs
    live = [order for order in storm.venue.orders if order.status.live]
    book = storm._core.state.book(BOOK)
    assert (storm.held("MNQ"), live) == (0, [])
    assert (book.position("MNQ").qty, book.plans, book.flattening, book.live_orders()) == (0, {}, {}, [])


@pytest.mark.parametrize("brackets", [True, False], ids=["native", "own"])
@pytest.mark.parametrize("seed", range(10))
def test_after_a_storm_the_truth_is_found_and_flat_is_flat(seed: int, brackets: bool) -> None:
    storm = LossyReplay(seed, brackets=brackets)
    weather(storm)
    traded = Slot.ENTRY in {order.slot for order in storm._core.state.book(BOOK).orders.values()}
    assert traded or storm._core.entries.refusals, "nobody had an idea"


@settings(max_examples=25)
@given(
    seed=st.integers(0, 1 << 32),
    brackets=st.booleans(),
    hands=st.booleans(),
    bots=st.integers(1, 2),
    leaving=st.booleans(),
)
def test_any_storm_in_any_mode_with_one_bot_or_two_and_somebody_elses_hands_or_not(
    seed: int, brackets: bool, hands: bool, bots: int, leaving: bool
) -> None:
    weather(LossyReplay(seed, brackets=brackets, hands=hands, bots=bots, leaving=leaving))
