"""Recorded bars that are kept by name: what a dataset is of, where it came from, how good it is."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from engine.model.instrument import Instrument
from engine.model.market import Timeframe


class Flaw(StrEnum):
    """What a row or a bar of a recording can have (docs/data.md#the-report)."""

    NOTE = "note"
    TORN = "torn row"
    TIME = "unreadable time"
    ZONE = "time without a zone"
    CLOCK_CHANGE = "time that comes twice or not at all"
    OFF_TIME = "time off the grid"
    NUMBER = "unreadable number"
    NOT_POSITIVE = "zero or negative price"
    OFF_GRID = "price off the grid"
    CORNERS = "high and low do not hold open and close"
    REPEATED = "repeated bar"
    CONFLICT = "two bars of one time"
    DISORDER = "out of order"
    INCOMPLETE = "columns left empty"
    ROUNDED = "price rounded"
    LOTS = "volume rounded"
    NO_VOLUME = "no volume"
    VOLUME = "volume of another level"
    FLAT = "flat bar"
    GAP = "gap"
    OUTSIDE = "outside the session"
    HOURS = "part of the session only"
    HOUR_OFF = "an hour off"
    STAMP = "stamp"
    SPIKE = "outlier"
    STEP = "step between bars"
    ROLL = "contract change"
    CALENDAR = "calendar"


OF_ROWS = frozenset(
    {Flaw.NOTE, Flaw.TORN, Flaw.TIME, Flaw.CLOCK_CHANGE, Flaw.OFF_TIME, Flaw.NUMBER, Flaw.NOT_POSITIVE}
    | {Flaw.OFF_GRID, Flaw.CORNERS, Flaw.REPEATED, Flaw.CONFLICT, Flaw.DISORDER, Flaw.INCOMPLETE}
    | {Flaw.ROUNDED, Flaw.LOTS}
)
"""What only the file shows: the bars that were kept tell nothing of it."""


class Finding(Struct, frozen=True):
    """One kind of flaw, how often it is there, and what was done about it."""

    flaw: Flaw
    count: int
    """Rows, bars or holes that have it."""
    words: str
    """For people: what it is, in numbers, and what was done."""
    dropped: int = 0
    """Rows that are not in the dataset because of it."""
    first: tuple[str, ...] = ()
    """The first or the largest of them."""
    grave: bool = False
    """A backtest on it would be wrong, or may be: somebody has to look."""


class Quality(Struct, frozen=True):
    """What is in a recording: every row of the file is a bar, or counted as dropped."""

    rows: int
    """Of the file, a header aside."""
    bars: int
    findings: tuple[Finding, ...] = ()

    @property
    def dropped(self) -> int:
        return sum(finding.dropped for finding in self.findings)

    @property
    def grave(self) -> bool:
        return any(finding.grave for finding in self.findings)


class Source(Struct, frozen=True):
    """Where bars came from."""

    name: str
    """Of the file, or of the venue."""
    sha256: str = ""
    """Of the file's bytes."""
    rows: int = 0
    zone: str = ""
    """Of times that tell none."""
    stamp: str = ""
    """Which end of a bar its time named: "open" or "close"."""


class DatasetRoll(Struct, frozen=True):
    """From `ts` on (nanoseconds UTC) the bars are those of another contract month."""

    ts: int
    gap: int
    """Ticks from the old month's price to the new one's."""
    before: str = ""
    after: str = ""


class Dataset(Struct, frozen=True, kw_only=True):
    """The card of a dataset, kept as JSON beside its Parquet file. Prices are ticks, quantities lots."""

    version: int = 1
    name: str
    instrument: Instrument
    """Its terms at the time of import, so that the bars mean the same for ever."""
    timeframe: Timeframe
    rows: int
    start_ts: int
    """Open of the first bar, nanoseconds UTC."""
    end_ts: int
    """End of the last bar, nanoseconds UTC."""
    sources: tuple[Source, ...]
    quality: Quality
    rolls: tuple[DatasetRoll, ...] = ()
    size: int = 0
    """Bytes of the Parquet file: another size means that writing was cut off."""
