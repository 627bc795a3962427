from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.signals.atr import Atr
from engine.signals.volume import RelativeVolume
from tests.signals.shapes import bar


def test_atr_is_a_mean_first_and_wilders_average_after() -> None:
    atr = Atr(3)
    values = [
        atr.add(one)
        for one in (
            bar(0, 100, 104, 98, 100),  # 6
            bar(1, 100, 109, 100, 108),  # 9
            bar(2, 120, 123, 118, 120),  # gap up: 123 - 108 = 15
            bar(3, 118, 119, 115, 116),  # gap down: 120 - 115 = 5
        )
    ]
    assert values == pytest.approx([6, 7.5, 10, 10 + (5 - 10) / 3])


def test_there_is_no_atr_before_a_bar() -> None:
    assert Atr().value is None
    with pytest.raises(ValueError, match="at least one"):
        Atr(0)


def test_volume_is_measured_against_the_bars_before_it() -> None:
    volume = RelativeVolume(3)
    assert [volume.add(size) for size in (10, 20, 30, 40, 10)] == [None, 2.0, 2.0, 2.0, pytest.approx(1 / 3)]


def test_volume_of_nothing_has_no_ratio() -> None:
    volume = RelativeVolume()
    assert volume.add(0) is None
    assert volume.add(5) is None
    assert volume.add(5) == 2.0


@given(st.lists(st.integers(0, 1000), min_size=30, max_size=60))
def test_relative_volume_equals_its_definition(sizes: list[int]) -> None:
    volume = RelativeVolume(20)
    for n, size in enumerate(sizes):
        before = sizes[max(0, n - 20) : n]
        mean = sum(before) / len(before) if before else 0
        assert volume.add(size) == (pytest.approx(size / mean) if mean else None)
