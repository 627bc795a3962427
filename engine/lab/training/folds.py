"""What is fitted, what calibrates and what is tested, by time: purged and embargoed
(docs/models.md#out-of-sample).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from engine.lab.splits import Span, even_bounds, known_before, walk_forward


class TrainingFold(Struct, frozen=True):
    """Positions in the sequence of spans, in its order. No outcome of one part reaches into a later one."""

    fit: tuple[int, ...]
    """What the model is fitted to."""
    calibrate: tuple[int, ...]
    """What its outputs are made probabilities by; it was never fitted to it."""
    test: tuple[int, ...]
    """What neither has seen; empty for the model that is kept."""


def held_out(spans: Sequence[Span], known: Sequence[int], share: float, embargo_ns: int) -> TrainingFold:
    """Split what is known in two by time: the last `share` calibrates. `known` are positions in the order of
    their times.
    """
    if not known:
        return TrainingFold((), (), ())
    begin, end = spans[known[0]][0], max(spans[n][0] for n in known)
    cut = end - round((end - begin) * share)
    fit = tuple(n for n in known if spans[n][1] <= cut - embargo_ns)
    return TrainingFold(fit, tuple(n for n in known if spans[n][0] >= cut), ())


def training_folds(
    spans: Sequence[Span], count: int, first_share: float, held_out_share: float, embargo_ns: int
) -> Iterator[TrainingFold]:
    """A walk forward over the time of the spans, which are in the order of their beginnings: the first
    `first_share` of it is only learned from, the rest is tested in `count` steps.

    Raises ValueError where there is no room.
    """
    begin, end = spans[0][0], spans[-1][0] + 1
    start = begin + round((end - begin) * first_share)
    for fold in walk_forward(spans, even_bounds(start, end, count), embargo_ns):
        split = held_out(spans, fold.train, held_out_share, embargo_ns)
        yield TrainingFold(split.fit, split.calibrate, fold.test)


def kept_fold(spans: Sequence[Span], held_out_share: float) -> TrainingFold:
    """For the model that is kept: all there is, the newest part calibrates."""
    everything = known_before(spans, max(end for _, end in spans))
    return held_out(spans, everything, held_out_share, 0)
