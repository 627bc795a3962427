"""The past that a backtest is played on: a tape or a dataset, cut to the days that were asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from adapters.datasets.library import Library
from adapters.tapes.fields import TapeError
from adapters.tapes.tape import Tape, open_tape
from engine.lab.backtest import BarMarket
from engine.lab.own_hours import as_recorded
from engine.market.calendars.known import calendar_of
from engine.model.datasets import Dataset
from engine.model.events import Print, Quote
from engine.model.instrument import Instrument
from engine.model.market import NANOS, Bar, Timeframe
from engine.ports import PastMarket
from tstream.clock import utc
from tstream.errors import UsageError
from tstream.lab.asked import LabRequest
from tstream.paths import find

_DAY = 24 * 3600 * NANOS


class RecordedPast:
    """Read once, played as often as wanted."""

    def __init__(self, market: PastMarket, end_ts: int, *, bars: bool, name: str) -> None:
        self.market = market
        self.end_ts = end_ts
        """Nanoseconds UTC."""
        self.bars = bars
        """It is told in bars; else in quotes and prints."""
        self.name = name

    @property
    def instrument(self) -> Instrument:
        return self.market.instruments[0]


def open_past(asked: LabRequest, instrument: Instrument) -> RecordedPast:
    """Read the tape, or the dataset of that name. `instrument` is the product as the settings have it. Raises
    UsageError; DatasetError for a dataset that is not whole.
    """
    dataset = dataset_of(asked.tape)
    if dataset is not None:
        start, end = span_of(asked, instrument, dataset.start_ts, dataset.end_ts)
        bars: Sequence[Bar] = tuple(Library(find().datasets).bars(dataset.name))
        market = _minutes(bars, instrument, start, end, dataset.name)
        return RecordedPast(market, end, bars=True, name=dataset.name)
    file = Path(asked.tape)
    try:
        tape = open_tape(file, asked.contract, asked.month, asked.stamp, symbol=asked.symbol, zone=asked.zone)
        start, end = span_of(asked, instrument, tape.start_ts, tape.end_ts)
        if tape.kind != "bars":
            return RecordedPast(_Ticks(tape, instrument, start), end, bars=False, name=file.name)
        bars = tape.bars()
    except TapeError as error:
        raise UsageError(str(error)) from None
    return RecordedPast(_minutes(bars, instrument, start, end, file.name), end, bars=True, name=file.name)


def dataset_of(name: str) -> Dataset | None:
    """The card of a dataset; None where a file is meant. Raises UsageError where there is neither."""
    if Path(name).exists():
        return None
    library = Library(find().datasets)
    if library.has(name):
        return library.find(name)
    known = ", ".join(library.names())
    raise UsageError(f"{name} is neither a file nor a dataset" + (f"; there are {known}" if known else ""))


def with_contract(asked: LabRequest) -> LabRequest:
    """The same, with the product: a dataset says itself which it is of. Raises UsageError."""
    dataset = dataset_of(asked.tape)
    if dataset is not None:
        symbol = dataset.instrument.symbol
        if asked.contract not in ("", symbol):
            raise UsageError(f"the dataset {dataset.name} is of {symbol}, not of {asked.contract}")
        return replace(asked, contract=symbol)
    if not asked.contract:
        raise UsageError("a tape needs --contract NAME: a recording does not say which product it holds")
    return asked


def _minutes(bars: Sequence[Bar], instrument: Instrument, start: int, end: int, name: str) -> BarMarket:
    own = bars[0].timeframe
    if own.nanos > Timeframe.H1.nanos:
        raise UsageError(f"{name}: holds bars of {own}; a backtest is played on bars of an hour at most")
    market = BarMarket(as_recorded(instrument, bars), bars, start)
    if market.start_ts >= end:
        raise UsageError(
            f"nothing is recorded then: the next bar after it is of {utc(market.start_ts):%Y-%m-%d %H:%M} UTC"
        )
    return market


def span_of(asked: LabRequest, instrument: Instrument, start: int, end: int) -> tuple[int, int]:
    """From when to when it is played, nanoseconds UTC. Raises UsageError where nothing is recorded then."""
    calendar = calendar_of(instrument.calendar)
    if asked.days is not None:
        if asked.since is not None or asked.until is not None:
            raise UsageError("--days is the last days: give it or --from and --to")
        return max(start, end - asked.days * _DAY), end
    since = start if asked.since is None else calendar.session_bounds(_day(asked.since))[0]
    until = end if asked.until is None else calendar.session_bounds(_day(asked.until))[1]
    if since >= end or until <= start or since >= until:
        first, last = (datetime.fromtimestamp(ts // NANOS, UTC) for ts in (start, end))
        raise UsageError(f"nothing is recorded then: the tape goes from {first:%Y-%m-%d} to {last:%Y-%m-%d}")
    return max(since, start), min(until, end)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f'"{text}" is no day: write it as 2026-03-02') from None


class _Ticks:
    """A tape of ticks, or of the engine's inbox, from a time on."""

    def __init__(self, tape: Tape, instrument: Instrument, start: int) -> None:
        self.instruments: Sequence[Instrument] = (instrument,)
        self.start_ts = start
        self._tape = tape

    def history(self, instrument: str) -> Sequence[Bar]:
        return self._tape.history(instrument) if self.start_ts == self._tape.start_ts else ()

    def events(self) -> Iterator[Quote | Print]:
        events = self._tape.events()
        if self.start_ts == self._tape.start_ts:
            return events
        return (event for event in events if event.ts_recv >= self.start_ts)
