"""One side of a book of which single levels change."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from adapters.common.book_side import BookSide

CHANGES = st.lists(st.tuples(st.integers(1, 60), st.integers(0, 3)), max_size=200)


@given(CHANGES, CHANGES, st.booleans(), st.integers(1, 60))
def test_it_is_what_its_changes_make_it(
    first: list[tuple[int, int]], changes: list[tuple[int, int]], highest: bool, bound: int
) -> None:
    side, sizes = BookSide(highest_first=highest), dict(first)
    side.load(dict(first).items())
    for price, size in changes:
        side.set(price, size)
        sizes[price] = size
    wanted = sorted(((p, s) for p, s in sizes.items() if s), reverse=highest)
    assert side.levels(100) == tuple(wanted)
    assert side.levels(3) == tuple(wanted[:3])
    assert side.best() == (wanted[0][0] if wanted else None)
    side.none_better(bound)
    wanted = [one for one in wanted if (one[0] <= bound if highest else one[0] >= bound)]
    side.keep(5)
    assert side.levels(100) == tuple(wanted[:5])
    assert side.sizes == dict(wanted[:5])
