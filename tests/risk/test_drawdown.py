"""The trailing floor: the firm's own worked examples, and what must hold for any run of balances."""

from __future__ import annotations

from decimal import Decimal
from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.risk.drawdown import floor_usd

START, DISTANCE = Decimal(50_000), Decimal(2_000)
money = st.decimals(-5_000, 5_000, places=2)


@pytest.mark.parametrize(
    ("start", "closes", "floor"),
    [
        (50_000, [50_000], 48_000),
        (50_000, [50_000, 50_500], 48_500),
        (50_000, [50_000, 50_500, 50_000], 48_500),
        (50_000, [50_000, 50_500, 50_000, 52_500], 50_000),
        (50_000, [50_000, 50_500, 50_000, 52_500, 58_000, 51_000], 50_000),
        (50_000, [49_500], 48_000),
        (0, [0], -2_000),
        (0, [0, 500], -1_500),
        (0, [0, 500, -400], -1_500),
        (0, [0, 2_500, 9_000], 0),
    ],
)
def test_worked_examples(start: int, closes: list[int], floor: int) -> None:
    assert floor_usd(Decimal(start), DISTANCE, Decimal(max(closes))) == floor


@given(st.lists(money, min_size=1, max_size=30))
def test_the_floor_never_falls_and_never_passes_the_start(changes: list[Decimal]) -> None:
    balances = list(accumulate(changes, initial=START))
    floors = [floor_usd(START, DISTANCE, high) for high in accumulate(balances, max)]
    assert all(later >= earlier for earlier, later in pairwise(floors))
    assert all(START - DISTANCE <= floor <= START for floor in floors)


@given(st.lists(money, min_size=1, max_size=30))
def test_both_frames_have_the_same_headroom(changes: list[Decimal]) -> None:
    """A floor in the frame of profits, compared with a balance in that of the account, would never act."""
    balances = list(accumulate(changes, initial=START))
    high = max(balances)
    headroom = balances[-1] - floor_usd(START, DISTANCE, high)
    assert headroom == (balances[-1] - START) - floor_usd(Decimal(0), DISTANCE, high - START)


def test_after_a_payout_it_stands_at_the_start() -> None:
    assert floor_usd(Decimal(0), DISTANCE, Decimal(300), fixed=True) == 0
    assert floor_usd(START, DISTANCE, START, fixed=True) == START
