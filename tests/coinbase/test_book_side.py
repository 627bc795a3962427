"""The best price of a book of which single levels change."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from adapters.coinbase.book_side import BookSide

CHANGES = st.lists(st.tuples(st.integers(1, 60), st.booleans()), max_size=400)


@given(CHANGES, st.booleans())
def test_it_is_the_best_of_all_that_have_a_size(changes: list[tuple[int, bool]], highest: bool) -> None:
    side, prices = BookSide(highest_first=highest), set[int]()
    for price, there in changes:
        side.set(price, there=there)
        (prices.add if there else prices.discard)(price)
        assert side.best() == ((max if highest else min)(prices) if prices else None)
    assert len(side) == len(prices)


def test_what_flickers_takes_no_memory() -> None:
    side = BookSide(highest_first=True)
    side.set(100, there=True)
    for _ in range(50_000):
        side.set(50, there=True)
        side.set(50, there=False)
    assert side.best() == 100
    assert len(side._heap) < 10_100
