"""What a sweep tries: everything, or points that lie evenly."""

from __future__ import annotations

import pytest

from engine.lab.search import grid, picked
from engine.lab.sobol import BITS, MOST, sobol

AXES = {"a": ["1", "2", "3"], "b": ["x", "y"]}


def _first(count: int, dimensions: int, shifts: tuple[int, ...] = ()) -> list[tuple[float, ...]]:
    points = sobol(dimensions, shifts)
    return [next(points) for _ in range(count)]


@pytest.mark.parametrize("shifted", [False, True], ids=["plain", "moved by a seed"])
def test_each_dimension_has_one_point_in_each_of_so_many_parts(shifted: bool) -> None:
    shifts = tuple((2_654_435_761 * (n + 1)) % (1 << BITS) for n in range(MOST)) if shifted else ()
    points = _first(256, MOST, shifts)
    for dimension in range(MOST):
        assert sorted(int(point[dimension] * 256) for point in points) == list(range(256))


def test_two_dimensions_fill_every_box_alike() -> None:
    points = _first(256, 2)
    for wide in (2, 4, 8, 16, 32, 64, 128):
        high = 256 // wide
        assert len({(int(x * wide), int(y * high)) for x, y in points}) == 256


def test_any_two_of_the_dimensions_fill_a_coarse_grid_about_alike() -> None:
    points = _first(1_024, MOST)
    for one in range(MOST):
        for other in range(one):
            boxes = [0] * 16
            for point in points:
                boxes[int(point[one] * 4) * 4 + int(point[other] * 4)] += 1
            assert max(boxes) <= 2 * min(boxes), (one, other)


def test_more_dimensions_than_there_are_numbers_for_is_an_error() -> None:
    with pytest.raises(ValueError, match="dimensions"):
        next(sobol(MOST + 1))


def test_grid_is_every_combination_once() -> None:
    found = [tuple(params.values()) for params in grid(AXES)]
    assert found == [("1", "x"), ("1", "y"), ("2", "x"), ("2", "y"), ("3", "x"), ("3", "y")]


@pytest.mark.parametrize(("asked", "got"), [(4, 4), (6, 6), (50, 6)])
def test_points_pick_none_twice_and_never_more_than_there_are(asked: int, got: int) -> None:
    found = [tuple(params.values()) for params in picked(AXES, sobol(2), asked)]
    assert len(found) == len(set(found)) == got
