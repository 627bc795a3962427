"""Examples to learn from: what was known at a close, and what came of it."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence

from msgspec import Struct

from engine.lab.splits import Span
from engine.lab.training.labels import Label, Labeller, one_at_a_time
from engine.signals.feature_rows import FeatureRow

Pick = tuple[int, int]
"""Close at which rules would trade, nanoseconds UTC, and the side: +1 or -1."""


class Example(Struct, frozen=True, gc=False):
    """One, without its features."""

    label: Label
    instrument: str
    picked: bool
    """The rules would have traded it."""


class Examples:
    """In the order of their times. Features are kept flat, eight bytes each: a year of them must fit."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.features = array("d")
        """Row after row, `width` numbers each."""
        self.listed: list[Example] = []

    def __len__(self) -> int:
        return len(self.listed)

    def add(self, vector: Sequence[float], example: Example) -> None:
        """Take one, later than those before it. Raises ValueError for a row of another width."""
        if len(vector) != self.width:
            raise ValueError(f"{len(vector)} features where {self.width} are expected")
        self.features.extend(vector)
        self.listed.append(example)

    @property
    def spans(self) -> list[Span]:
        return [(one.label.ts, one.label.end_ts) for one in self.listed]

    @property
    def hits(self) -> list[bool]:
        return [one.label.hit for one in self.listed]

    @property
    def results(self) -> list[float]:
        """R net of costs."""
        return [one.label.result_r for one in self.listed]

    def made(self, among: Iterable[int]) -> list[int]:
        """Of the trades at these positions, which rise, those that are made where each instrument holds one
        at a time.
        """
        by_instrument: dict[str, list[int]] = {}
        for n in among:
            by_instrument.setdefault(self.listed[n].instrument, []).append(n)
        spans = self.spans
        return sorted(n for own in by_instrument.values() for n in one_at_a_time(spans, own))


def merged(several: Sequence[Examples]) -> Examples:
    """Of several instruments, in the order of their times."""
    if len(several) == 1:
        return several[0]
    order = sorted(
        (one.label.ts, number, n)
        for number, examples in enumerate(several)
        for n, one in enumerate(examples.listed)
    )
    together = Examples(several[0].width)
    for _, number, n in order:
        part = several[number]
        together.add(part.features[n * part.width : (n + 1) * part.width], part.listed[n])
    return together


def examples(rows: Iterable[FeatureRow], labeller: Labeller, picks: frozenset[Pick], width: int) -> Examples:
    """Of one instrument: every row of which an outcome is known."""
    made = Examples(width)
    for row in rows:
        label = labeller.label(row.ts, row.timeframe, row.side, row.atr)
        if label is not None:
            made.add(row.vector, Example(label, row.instrument, (row.ts, row.side.sign) in picks))
    return made
