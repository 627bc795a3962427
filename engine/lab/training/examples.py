"""Examples to learn from: what was known at a close, and what came of it."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence

from msgspec import Struct

from engine.lab.splits import Span
from engine.lab.training.labels import Label, Labeller, one_at_a_time
from engine.model.market import Side
from engine.signals.feature_rows import FeatureRow
from engine.signals.past_rows import WINDOW, PastRows

Pick = tuple[int, int]
"""Close at which rules would trade, nanoseconds UTC, and the side: +1 or -1."""

NO_PLACE = -(2**31)
"""Where there was no close before."""
_BEFORE = WINDOW - 1
"""Closes before an example whose places are kept."""


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
        self.aside = array("d")
        """The same of closes that are no examples, as nothing came of them that is known."""
        self.pasts = array("i")
        """For each example the places of the closes before it, the newest last: n is example n, -1 - n number
        n of those aside, NO_PLACE stands where there was none.
        """
        self.listed: list[Example] = []

    def __len__(self) -> int:
        return len(self.listed)

    def add(self, vector: Sequence[float], example: Example, past: Sequence[int] = ()) -> int:
        """Take one, later than those before it, with the places of the newest closes before it, the oldest
        first; gives its own place. Raises ValueError for a row of another width, or too many places.
        """
        self._fits(vector)
        if len(past) > _BEFORE:
            raise ValueError(f"{len(past)} closes before it where {_BEFORE} are kept")
        self.features.extend(vector)
        self.pasts.extend((NO_PLACE,) * (_BEFORE - len(past)))
        self.pasts.extend(past)
        self.listed.append(example)
        return len(self.listed) - 1

    def put_aside(self, vector: Sequence[float]) -> int:
        """Take a close that is no example and comes before some; gives its place. Raises ValueError for a row
        of another width.
        """
        self._fits(vector)
        self.aside.extend(vector)
        return -(len(self.aside) // self.width)

    def past(self, n: int) -> list[int]:
        """The places of the closes before example `n`, the oldest first."""
        return [place for place in self.pasts[n * _BEFORE : (n + 1) * _BEFORE] if place != NO_PLACE]

    def row(self, place: int) -> array[float]:
        """The features at a place."""
        kept, n = (self.features, place) if place >= 0 else (self.aside, -1 - place)
        return kept[n * self.width : (n + 1) * self.width]

    def _fits(self, vector: Sequence[float]) -> None:
        if len(vector) != self.width:
            raise ValueError(f"{len(vector)} features where {self.width} are expected")

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
    offsets = []
    for part in several:
        offsets.append(len(together.aside) // part.width)
        together.aside.extend(part.aside)
    places: list[dict[int, int]] = [{} for _ in several]
    for _, number, n in order:
        part, own = several[number], places[number]
        past = [own[place] if place >= 0 else place - offsets[number] for place in part.past(n)]
        own[n] = together.add(part.row(n), part.listed[n], past)
    return together


def examples(rows: Iterable[FeatureRow], labeller: Labeller, picks: frozenset[Pick], width: int) -> Examples:
    """Of one instrument: every row of which an outcome is known."""
    made = Examples(width)
    pasts: dict[Side, PastRows[int]] = {}
    for row in rows:
        past = pasts.setdefault(row.side, PastRows(row.timeframe))
        label = labeller.label(row.ts, row.timeframe, row.side, row.atr)
        if label is None:
            place = made.put_aside(row.vector)
        else:
            example = Example(label, row.instrument, (row.ts, row.side.sign) in picks)
            place = made.add(row.vector, example, tuple(past.before(row.ts)))
        past.add(row.ts, place)
    return made
