"""Changes of pictures: whatever two pictures are, the one and its change are the other."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.control.changes import difference, is_restless, patched

plain = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.sampled_from("abcde"), inner, max_size=5),
    max_leaves=25,
)


@given(plain, plain)
def test_a_change_makes_the_one_of_the_other_over_the_wire_too(old: object, new: object) -> None:
    before = msgspec.msgpack.encode(old)
    told = msgspec.msgpack.decode(msgspec.msgpack.encode(difference(old, new)))
    assert patched(old, told) == new
    assert msgspec.msgpack.encode(old) == before, "the picture before stays as it is"


@given(st.lists(st.integers(0, 5), max_size=12), st.integers(0, 3), st.lists(st.integers(0, 5), max_size=3))
def test_a_window_that_moves_on_is_told_by_what_is_new(old: list[int], gone: int, more: list[int]) -> None:
    new = [*old[gone:], *more]
    assert patched(old, difference(old, new)) == new


def test_what_is_sent_of_a_long_list_that_grew_is_what_grew() -> None:
    old = [{"ts": ts, "usd": "1.5"} for ts in range(180)]
    new = [*old[1:], {"ts": 180, "usd": "2"}]
    assert difference(old, new) == [1, 179, [{"ts": 180, "usd": "2"}]]
    new = [*old[:-1], {"ts": 179, "usd": "3"}, {"ts": 180, "usd": "2"}]
    assert difference(old, new) == [0, 179, new[179:]]
    assert difference(old, [*old[:90], {"ts": 90, "usd": "9"}, *old[91:]]) == {90: {"usd": ["9"]}}


@pytest.mark.parametrize("patch", [{"x": {"y": [1]}}, [1, 2], [0, "a", 3], 7, {"a": {"b": []}}])
def test_a_change_that_does_not_fit_is_refused(patch: object) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        patched({"a": 1}, patch)


def test_clocks_and_ages_alone_are_no_news() -> None:
    old = {"ts": 1, "contracts": [{"age_ns": 1, "bid": "1"}], "health": {"prints": 1, "ok": True}}
    new = {"ts": 2, "contracts": [{"age_ns": 2, "bid": "1"}], "health": {"prints": 2, "ok": True}}
    assert is_restless(difference(old, new))
    assert not is_restless(difference(old, {**new, "contracts": [{"age_ns": 2, "bid": "2"}]}))
    assert not is_restless(difference(old, {**new, "health": {"prints": 2, "ok": False}}))
    assert is_restless({})
