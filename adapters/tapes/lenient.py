"""Bars of a table as they stand, for a dataset: what can't be a bar is left out and counted, not refused.

A tape that plays a market refuses a file at its first flaw; whoever keeps years of bars wants to know of all
of them, and decides then.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from functools import partial
from itertools import chain, islice, pairwise
from zoneinfo import ZoneInfo

from msgspec import Struct

from adapters.tapes.contracts import NumberedRow, contract_of, rows_of
from adapters.tapes.fields import FieldError, PriceColumn, TapeError, number, shown, timestamp
from adapters.tapes.layouts import Layout, layout_of
from adapters.tapes.plain import UTC
from adapters.tapes.tables import FRAMES, Stamp
from engine.model.datasets import Finding, Flaw
from engine.model.instrument import Instrument
from engine.model.market import NANOS, Bar, Timeframe

_CORNERS = ("open", "high", "low", "close")
_PREAMBLE = 20
"""So many lines may stand before the header."""
_EXAMPLES = 5
_AMOUNT = re.compile(r"\+?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]{1,2})?|\.[0-9]+")
_IN_HOUR = re.compile(
    r"(\d{4}-\d\d-\d\d[ T](?:[01]\d|2[0-3])):([0-5]\d)(?::([0-5]\d)(?:\.0{1,9})?)?(Z|[+-]\d\d:\d\d)?"
)
_SLASHED = re.compile(r"\d{1,2}/\d{1,2}/\d{4}")
_MOST = 10**15
_WORDS = {
    Flaw.NOTE: "notes among the rows",
    Flaw.TORN: "rows that lack what a bar needs",
    Flaw.TIME: "times that can't be read",
    Flaw.CLOCK_CHANGE: "times that come twice or not at all at the change of the clock",
    Flaw.OFF_TIME: "times that are not on the grid of the timeframe",
    Flaw.NUMBER: "prices or volumes that can't be read",
    Flaw.NOT_POSITIVE: "prices of zero or less",
    Flaw.OFF_GRID: "prices between two ticks (--round takes the nearest tick)",
    Flaw.CORNERS: "a high or low that does not hold open and close",
    Flaw.REPEATED: "bars told again, alike",
    Flaw.CONFLICT: "other bars of a time that has one: the first is kept",
    Flaw.DISORDER: "rows earlier than one before them: sorted",
    Flaw.INCOMPLETE: "rows with columns left empty that no bar needs: kept",
    Flaw.ROUNDED: "bars with a price rounded to the nearest tick, as asked",
    Flaw.LOTS: "volumes that are no whole lots: cut to whole ones",
}
_KEPT = (Flaw.DISORDER, Flaw.INCOMPLETE, Flaw.ROUNDED, Flaw.LOTS)
_GRAVE = (Flaw.CONFLICT, Flaw.OFF_GRID, Flaw.CORNERS, Flaw.OFF_TIME)


class HoldsTicksError(TapeError):
    """The file holds trades, of which bars have to be folded."""


class LenientWishes(Struct, frozen=True):
    """What a reader is told of a file."""

    instrument: Instrument
    stamp: Stamp | None = None
    """None: only looked at, as if stamped by the open."""
    zone: ZoneInfo | None = None
    timeframe: Timeframe | None = None
    symbol: str | None = None
    month: str | None = None
    month_first: bool | None = None
    """What comes first in 3/8/2024; None where nobody has said."""
    rounding: bool = False
    """Prices off the grid are taken to the nearest tick."""


class LenientReading(Struct, frozen=True):
    """The bars of a file, oldest first, each time once, and what was found on the way."""

    bars: list[Bar]
    contracts: list[str]
    """Of each bar; empty where the file does not say."""
    rows: int
    """Of the file, a header aside. Raw rows are bars or dropped by a finding."""
    findings: list[Finding]
    stamp: Stamp | None = None
    """What a bar's time is, where the format says it."""


class _Tally:
    def __init__(self) -> None:
        self._counts: Counter[Flaw] = Counter()
        self._first: dict[Flaw, list[str]] = {}

    def add(self, flaw: Flaw, row: int, words: object) -> None:
        self._counts[flaw] += 1
        first = self._first.setdefault(flaw, [])
        if len(first) < _EXAMPLES:
            first.append(f"row {row}: {words}")

    def findings(self) -> list[Finding]:
        return [
            Finding(
                flaw=flaw,
                count=count,
                words=_WORDS[flaw],
                dropped=0 if flaw in _KEPT else count,
                first=tuple(self._first[flaw]),
                grave=flaw in _GRAVE,
            )
            for flaw, count in sorted(self._counts.items(), key=lambda item: list(_WORDS).index(item[0]))
        ]


class _Row(Struct, frozen=True, gc=False):
    number: int
    ts: int
    corners: tuple[int, int, int, int]
    volume: int
    contract: str


def read_leniently(
    file: str,
    rows: Iterable[NumberedRow],
    wanted: LenientWishes,
    *,
    decimal_comma: bool = False,
    moved: Callable[[int], None] = lambda rows: None,
) -> LenientReading:
    """The bars of a table. `moved` is told now and then how many rows were read.

    Raises TapeError where nothing can be made of the table as a whole: no layout, no zone, several contracts
    side by side, ticks, no bars.
    """
    tally = _Tally()
    layout, notes, rest = _headed(file, iter(rows), wanted.instrument, tally)
    if layout.ticks:
        raise HoldsTicksError(f"{file}: holds ticks")
    counted = _Counted(rest, moved)
    symbol = wanted.symbol if layout.named_by else None
    picked = rows_of(file, counted, layout, wanted.instrument, wanted.month, symbol, several=True)
    read = list(_Reader(file, layout, wanted, decimal_comma, tally).bars(picked))
    if not read:
        raise TapeError(f"{file}: has no bars; " + (_told(tally) or "it has no rows"))
    ordered = _ordered(read, tally)
    frame = wanted.timeframe or usual_step(file, [row.ts for row in ordered])
    if frame not in FRAMES.values():
        raise TapeError(f"{file}: bars of {frame} can't be kept: at most 1h; longer ones are made of them")
    once = list(_once(file, ordered, frame, tally))
    shift = frame.nanos if wanted.stamp is Stamp.CLOSE else 0
    return LenientReading(
        [Bar(wanted.instrument.symbol, frame, row.ts - shift, *row.corners, row.volume) for row in once],
        [row.contract for row in once],
        notes + counted.rows,
        tally.findings(),
    )


class _Counted:
    """The rows, counted as they pass."""

    def __init__(self, rows: Iterator[NumberedRow], moved: Callable[[int], None]) -> None:
        self._rows, self._moved = rows, moved
        self.rows = 0

    def __iter__(self) -> Iterator[NumberedRow]:
        return self

    def __next__(self) -> NumberedRow:
        row = next(self._rows)
        self.rows += 1
        if self.rows % 8192 == 0:
            self._moved(self.rows)
        return row


def _headed(
    file: str, rows: Iterator[NumberedRow], instrument: Instrument, tally: _Tally
) -> tuple[Layout, int, Iterator[NumberedRow]]:
    """The layout, the notes before the header, which are passed over, and the rows behind it."""
    head = list(islice(rows, _PREAMBLE))
    if not head:
        raise TapeError(f"{file}: is empty")
    problems: list[tuple[int, TapeError]] = []
    for place, (row_number, row) in enumerate(head):
        try:
            layout = layout_of(file, row_number, row, instrument.base)
        except TapeError as error:
            problems.append((len(row), error))
            continue
        for note_number, note in head[:place]:
            tally.add(Flaw.NOTE, note_number, shown(",".join(note)))
        return layout, place, chain(head[place + layout.headed :], rows)
    raise max(problems, key=lambda one: one[0])[1]


class _Reader:
    """Rows of text to bars, each flaw told to the tally."""

    def __init__(
        self, file: str, layout: Layout, wanted: LenientWishes, decimal_comma: bool, tally: _Tally
    ) -> None:
        self._file, self._layout, self._tally = file, layout, tally
        columns = layout.columns
        self._time, self._clock = columns["time"], columns.get("clock")
        self._corners = [columns[name] for name in _CORNERS]
        self._volume = columns.get("volume")
        month_first = layout.month_first if wanted.month_first is None else wanted.month_first
        self._times = _Times(
            partial(
                timestamp,
                zone=UTC if layout.utc else wanted.zone,
                month_first=month_first,
                day_first=wanted.month_first is False,
            )
        )
        self._slashed = _SLASHED if not month_first and wanted.month_first is None else None
        kind = _Nearest if wanted.rounding else PriceColumn
        self._prices = kind(wanted.instrument, decimal_comma=decimal_comma)
        self._nearest = self._prices if isinstance(self._prices, _Nearest) else None
        self._decimal_comma = decimal_comma
        self._contract = wanted.symbol or ""
        self._lot = wanted.instrument.lot_size

    def bars(self, rows: Iterable[NumberedRow]) -> Iterator[_Row]:
        for row_number, row in rows:
            try:
                yield self._bar(row_number, row)
            except FieldError as error:
                if error.flaw is Flaw.ZONE:
                    raise TapeError(f"{self._file}, row {row_number}: {error}") from None
                if error.flaw is Flaw.TIME and self._slashed and self._slashed.match(row[self._time].strip()):
                    raise TapeError(
                        f"{self._file}, row {row_number}: {error}: say what comes first, as in "
                        "--dates month-first or --dates day-first"
                    ) from None
                self._tally.add(*self._flaw(row_number, row, error))

    def _bar(self, row_number: int, row: list[str]) -> _Row:
        if len(row) != self._layout.width:
            raise FieldError(f"{len(row)} columns instead of {self._layout.width}", Flaw.TORN)
        day = row[self._time]
        ts = self._times[day if self._clock is None else f"{day.strip()} {row[self._clock].strip()}"]
        prices, corners = self._prices, self._corners
        o, h, l, c = [prices[row[place]] for place in corners]  # noqa: E741
        if h < o or h < c or l > o or l > c:
            told = ", ".join(row[place].strip() for place in corners)
            raise FieldError(f"open, high, low, close are {told}", Flaw.CORNERS)
        volume = 0 if self._volume is None else self._lots(row_number, row[self._volume])
        if "" in row:
            self._tally.add(Flaw.INCOMPLETE, row_number, f"{row.count('')} of {len(row)} columns")
        if self._nearest is not None and self._nearest.touched(row, corners):
            self._tally.add(Flaw.ROUNDED, row_number, ", ".join(row[place] for place in corners))
        contract = contract_of(row, self._layout) if self._layout.named_by else self._contract
        return _Row(row_number, ts, (o, h, l, c), volume, contract)

    def _flaw(self, row_number: int, row: list[str], error: FieldError) -> tuple[Flaw, int, object]:
        """What is wrong with a row as a whole: a note, a torn row, or that one field."""
        timed = row[0].strip()[:1].isdigit()
        if len(row) != self._layout.width:
            return (Flaw.TORN if timed else Flaw.NOTE), row_number, f"{error}: {shown(','.join(row))}"
        if missing := [name for name, place in self._layout.columns.items() if not row[place].strip()]:
            return Flaw.TORN, row_number, f"has no {', '.join(missing)}"
        if error.flaw is Flaw.TIME and not any(c.isdigit() for c in row[self._corners[0]]):
            return Flaw.NOTE, row_number, shown(",".join(row))
        return error.flaw, row_number, error

    def _lots(self, row_number: int, text: str) -> int:
        plain = number(text, decimal_comma=self._decimal_comma)
        if self._lot == 1 and plain.isascii() and plain.isdigit() and len(plain) < 16:
            return int(plain)
        if not plain:
            raise FieldError("has no volume", Flaw.TORN)
        if not _AMOUNT.fullmatch(plain):
            raise FieldError(f"volume {shown(text)} is not a number of zero or more")
        lots, rest = divmod(Decimal(plain), self._lot)
        if lots > _MOST:
            raise FieldError(f"volume {shown(text)} is out of range")
        if rest:
            self._tally.add(Flaw.LOTS, row_number, f"{plain} in lots of {self._lot}")
        return int(lots)


class _Nearest(PriceColumn):
    """Prices off the grid go to the nearest tick, a half to the even one."""

    def __init__(self, instrument: Instrument, *, decimal_comma: bool = False) -> None:
        super().__init__(instrument, decimal_comma=decimal_comma)
        self._tick = instrument.tick_size
        self._comma = decimal_comma
        self._off: set[str] = set()

    def __missing__(self, text: str) -> int:
        try:
            return super().__missing__(text)
        except FieldError as error:
            if error.flaw is not Flaw.OFF_GRID:
                raise
        exact = Decimal(number(text, decimal_comma=self._comma))
        ticks = int((exact / self._tick).to_integral_value(ROUND_HALF_EVEN))
        if ticks <= 0:
            raise FieldError(f"price {shown(text)} rounds to nothing", Flaw.NOT_POSITIVE)
        self._off.add(text)
        self[text] = ticks
        return ticks

    def touched(self, row: list[str], places: Sequence[int]) -> bool:
        return any(row[place] in self._off for place in places)


class _Times(dict[str, int]):
    """Texts to nanoseconds UTC. An hour is read once: most bars are a minute past another."""

    def __init__(self, read: Callable[[str], int]) -> None:
        super().__init__()
        self._read = read
        self._hours: dict[tuple[str, str], int | None] = {}

    def __missing__(self, text: str) -> int:
        match = _IN_HOUR.fullmatch(text)
        if match is None:
            return self._read(text)
        hour, minute, second, offset = match.groups("")
        key = hour, offset
        if key not in self._hours:
            self._hours[key] = self._hour(hour, offset)
        begins = self._hours[key]
        return self._read(text) if begins is None else begins + (int(minute) * 60 + int(second or 0)) * NANOS

    def _hour(self, hour: str, offset: str) -> int | None:
        """When it begins, if no clock is changed in it."""
        try:
            first, last = self._read(f"{hour}:00:00{offset}"), self._read(f"{hour}:59:59{offset}")
        except FieldError:
            return None
        return first if last - first == 3599 * NANOS else None


def _told(tally: _Tally) -> str:
    return "; ".join(f"{one.count} {one.words}, as {one.first[0]}" for one in tally.findings())


def _ordered(rows: list[_Row], tally: _Tally) -> list[_Row]:
    """Oldest first. A file that has the newest first is turned round, which is no disorder."""
    if sum(b.ts < a.ts for a, b in pairwise(rows)) * 2 > len(rows) - 1:
        rows = rows[::-1]
    newest = rows[0]
    late = 0
    for row in rows:
        if row.ts < newest.ts:
            late += 1
            tally.add(Flaw.DISORDER, row.number, f"is earlier than row {newest.number}")
        else:
            newest = row
    return sorted(rows, key=lambda row: row.ts) if late else rows


def usual_step(file: str, times: Sequence[int]) -> Timeframe:
    """The timeframe that most steps between two bars have. Raises TapeError where that is none."""
    steps = Counter(b - a for a, b in pairwise(times) if b != a)
    if not steps:
        raise TapeError(f"{file}: one bar does not tell its timeframe: say it, as in --timeframe 5m")
    step = max(steps, key=lambda one: (steps[one], -one))
    if step not in FRAMES:
        raise TapeError(
            f"{file}: most bars are {step / NANOS:g} s apart, which is none of {', '.join(FRAMES.values())}"
        )
    return FRAMES[step]


def _once(file: str, rows: Iterable[_Row], frame: Timeframe, tally: _Tally) -> Iterator[_Row]:
    """One bar a time, on the timeframe's grid, of contracts that follow each other."""
    before: _Row | None = None
    left: set[str] = set()
    for row in rows:
        if row.ts % frame.nanos:
            tally.add(Flaw.OFF_TIME, row.number, f"is {row.ts % frame.nanos / NANOS:g} s past a {frame} bar")
            continue
        if before is not None and row.contract != before.contract:
            left.add(before.contract)
            if row.contract in left or row.ts == before.ts:
                raise TapeError(
                    f"{file}, row {row.number}: {shown(row.contract)} beside {shown(before.contract)}: the "
                    f"file holds several contracts at a time; say which, as in --symbol {before.contract}"
                )
        if before is not None and row.ts == before.ts:
            same = (row.corners, row.volume) == (before.corners, before.volume)
            tally.add(
                Flaw.REPEATED if same else Flaw.CONFLICT, row.number, f"has the time of row {before.number}"
            )
            continue
        before = row
        yield row
