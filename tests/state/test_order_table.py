"""The order state machine beside its table, which docs/semantics.md has cell by cell (a test compares)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.orders import OrderStatus as S
from engine.model.records import OrderEvent as E
from engine.state.order_table import next_status


@pytest.mark.parametrize("state", S)
def test_a_part_fill_counts_in_every_state(state: S) -> None:
    """Live orders become PARTIAL; a pending request stays pending, and what is over stays over."""
    kept = state.terminal or state in (S.PENDING_CANCEL, S.PENDING_MODIFY)
    assert next_status(state, E.FILLED, 1, 3) is (state if kept else S.PARTIAL)


@pytest.mark.parametrize("state", S)
@pytest.mark.parametrize("filled", [3, 4], ids=["full", "overfill"])
def test_a_full_fill_ends_every_state(state: S, filled: int) -> None:
    assert next_status(state, E.FILLED, filled, 3) is S.FILLED


@pytest.mark.parametrize(
    ("state", "event"),
    [
        (S.UNKNOWN, E.ACCEPTED),
        (S.PENDING_CANCEL, E.REQUEST_REFUSED),
        (S.PENDING_MODIFY, E.REQUEST_REFUSED),
        (S.PENDING_MODIFY, E.MODIFIED),
    ],
)
def test_what_goes_back_to_work_partly_filled_is_partial(state: S, event: E) -> None:
    assert next_status(state, event, 1, 3) is S.PARTIAL
    assert next_status(state, event, 0, 3) is S.WORKING


@pytest.mark.parametrize(
    ("state", "event", "after"),
    [
        (S.PENDING_CANCEL, E.TIMED_OUT, S.UNKNOWN),
        (S.PENDING_CANCEL, E.DENIED, S.DENIED),
        (S.UNKNOWN, E.DENIED, S.DENIED),
        (S.SENT, E.TIMED_OUT, S.UNKNOWN),
        (S.SENT, E.DENIED, S.DENIED),
    ],
)
def test_the_answer_to_placing_decides_an_order_that_was_never_acknowledged(
    state: S, event: E, after: S
) -> None:
    """A cancel that was wanted meanwhile must not keep an order alive for ever that never was."""
    assert next_status(state, event, 0, 3, acknowledged=False) is after


def test_a_queued_cancel_goes_on_when_the_order_turns_out_to_live() -> None:
    assert next_status(S.UNKNOWN, E.ACCEPTED, 0, 3, cancel_wanted=True) is S.PENDING_CANCEL
    assert next_status(S.UNKNOWN, E.FILLED, 1, 3, cancel_wanted=True) is S.PENDING_CANCEL
    assert next_status(S.UNKNOWN, E.FILLED, 3, 3, cancel_wanted=True) is S.FILLED
    assert next_status(S.UNKNOWN, E.NOT_FOUND, 0, 3, cancel_wanted=True) is S.REJECTED


@given(
    st.sampled_from([E.TIMED_OUT, E.NOT_FOUND]),
    st.sampled_from([s for s in S if not s.terminal]),
    st.booleans(),
)
def test_silence_alone_ends_nothing_but_an_unknown_order(event: E, state: S, acknowledged: bool) -> None:
    after = next_status(state, event, 0, 3, acknowledged=acknowledged)
    assert after is None or not after.terminal or (state, event) == (S.UNKNOWN, E.NOT_FOUND)


@given(st.sampled_from(list(S)), st.lists(st.sampled_from(list(E)), max_size=20), st.booleans())
def test_nothing_but_a_fill_leaves_a_terminal_state(state: S, events: list[E], acknowledged: bool) -> None:
    over = None
    for event in events:
        after = next_status(state, event, 0 if event is not E.FILLED else 1, 3, acknowledged=acknowledged)
        state = after or state
        if over is not None:
            assert state is over
        over = state if state.terminal else None
