from __future__ import annotations

from engine.signals.structure import Structure
from engine.signals.swings import Swing
from tests.signals.shapes import bar


def swing(kind: int, price: int, index: int = 0) -> Swing:
    return Swing(kind, price, index, 0, index, 0)


def test_only_a_close_beyond_the_swing_breaks_it() -> None:
    structure = Structure()
    assert structure.add(bar(0, 95, 96, 94, 95), swing(1, 100)) is None
    assert structure.add(bar(1, 95, 105, 94, 100)) is None
    broken = structure.add(bar(2, 100, 102, 99, 101))
    assert broken is not None
    assert (broken.direction, broken.level, broken.index) == (1, 100, 2)
    assert (broken.stamp, broken.known_at) == (bar(2, 0, 0, 0, 0).open_ts, bar(2, 0, 0, 0, 0).close_ts)


def test_a_swing_is_broken_once() -> None:
    structure = Structure()
    structure.add(bar(0, 95, 96, 94, 95), swing(1, 100))
    assert structure.add(bar(1, 100, 102, 99, 101)) is not None
    assert structure.add(bar(2, 101, 105, 101, 104)) is None


def test_the_latest_confirmed_swing_counts() -> None:
    structure = Structure()
    structure.add(bar(0, 95, 96, 94, 95), swing(1, 100))
    structure.add(bar(1, 95, 96, 94, 95), swing(1, 110))
    assert structure.add(bar(2, 100, 106, 99, 105)) is None
    assert structure.add(bar(3, 105, 112, 104, 111)) is not None


def test_labels_follow_the_running_trend() -> None:
    structure = Structure()
    script = [
        (swing(1, 100), 101),
        (swing(1, 105), 106),
        (swing(-1, 95), 94),
        (swing(-1, 90), 89),
        (swing(1, 99), 100),
    ]
    labels = []
    for n, (confirmed, close) in enumerate(script):
        broken = structure.add(bar(n, close, close, close, close), confirmed)
        assert broken is not None
        labels.append((broken.label, broken.direction))
    assert labels == [("CHoCH", 1), ("BOS", 1), ("CHoCH", -1), ("BOS", -1), ("CHoCH", 1)]
    assert structure.trend == 1
