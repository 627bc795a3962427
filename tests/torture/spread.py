"""How random scenes are drawn, played and counted, on one process or on several."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from functools import reduce
from itertools import pairwise
from operator import iadd
from typing import Any, TypeVar

from hypothesis import HealthCheck, given, seed, settings
from hypothesis.strategies import SearchStrategy, tuples

Tally = TypeVar("Tally")


def play_drawn(play: Callable[..., None], first: int, count: int, *drawn: SearchStrategy[Any]) -> None:
    """Play so many scenes drawn from a seed. Raises AssertionError with the smallest scene that breaks."""

    @seed(first)
    @settings(
        max_examples=count, deadline=None, database=None, print_blob=False,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(tuples(*drawn))
    def one(scene: tuple[Any, ...]) -> None:
        play(*scene)

    one()


def spread(interleave: Callable[[int, int], Tally], first: int, count: int, jobs: int) -> Tally:
    """Have so many scenes played by several processes, whose seeds follow each other, and add up the tallies.
    `interleave` takes a seed and a count.
    """
    shares = [(first + n, count // jobs + (n < count % jobs)) for n in range(jobs)]
    return _played(interleave, shares)


def spread_seeds(play: Callable[[int, int], Tally], first: int, count: int, jobs: int) -> Tally:
    """The same where each seed from the first on is one play: none of them is played twice."""
    return _played(play, shares_of(first, count, jobs))


def shares_of(first: int, count: int, jobs: int) -> list[tuple[int, int]]:
    """So many seeds, from the first on, in runs for at most so many jobs: the first of each, and how many."""
    jobs = min(jobs, count)
    cuts = [count * n // jobs for n in range(jobs + 1)]
    return [(first + begin, end - begin) for begin, end in pairwise(cuts)]


def _played(play: Callable[[int, int], Tally], shares: Sequence[tuple[int, int]]) -> Tally:
    if len(shares) == 1:
        return play(*shares[0])
    with multiprocessing.get_context("spawn").Pool(len(shares)) as pool:
        return reduce(iadd, pool.starmap(play, shares))
