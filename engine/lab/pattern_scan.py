"""Which patterns recorded bars show, and what each would have come to (docs/learning.md#scanning).

A pattern is entered at the open of the bar after the one that made it known, stopped beyond its zone, and
left at a target of 2 R or when its time is over. What it would have come to is in R, net of all costs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from engine.market.calendars.known import calendar_of
from engine.market.candles import resample
from engine.model.instrument import Instrument
from engine.model.market import Bar, Timeframe
from engine.model.scores import PatternSeen
from engine.signals.frame import FrameSignals
from engine.signals.patterns import Pattern
from engine.signals.regime import RegimeDetector
from engine.strategies.learning import Tally, key_of


class ScanRules(Struct, frozen=True):
    target_r: float = 2.0
    longest: int = 48
    """Bars until what is open is left at the close."""
    buffer_atr: float = 0.1
    """From the zone to the stop, at least a tick."""
    min_stop_atr: float = 0.5
    """The stop is nowhere nearer to the entry."""
    slippage_ticks: int = 1
    """Of each order at market: the entry, a stop, the end of its time."""


class PatternOutcome(Struct, frozen=True):
    """What a pattern would have come to."""

    how: str
    """ "target", "stop", "time"."""
    entry: int
    """Ticks, as are the stop and the target."""
    stop: int
    target: int
    ended_at: int
    """Nanoseconds UTC."""
    r: float
    mae_r: float
    mfe_r: float


class Instance(Struct, frozen=True):
    """A pattern where it was detected."""

    pattern: PatternSeen
    outcome: PatternOutcome | None
    """None of what points nowhere, what can't be entered, and what the recording ends before."""


class _Open:
    """A pattern whose outcome is not known yet."""

    def __init__(self, place: int, pattern: Pattern, atr: float) -> None:
        self.place = place
        self.pattern = pattern
        self.atr = atr
        self.bars = 0
        self.entry = self.stop = self.target = self.risk = 0
        self.worst = self.best = 0

    def enter(self, bar: Bar, rules: ScanRules) -> bool:
        """At the open of a bar; False where that lies beyond the stop."""
        pattern, sign = self.pattern, self.pattern.direction
        edge = pattern.low if sign > 0 else pattern.high
        stop = edge - sign * max(1, round(rules.buffer_atr * self.atr))
        if (bar.open - stop) * sign <= 0:
            return False
        self.risk = max((bar.open - stop) * sign, round(rules.min_stop_atr * self.atr), 1)
        self.entry = bar.open
        self.stop = self.entry - sign * self.risk
        self.target = self.entry + sign * max(1, round(rules.target_r * self.risk))
        return True

    def take(self, bar: Bar, instrument: Instrument, rules: ScanRules) -> PatternOutcome | None:
        """One bar on: the stop before the target, which the bar of the entry can't reach
        (docs/semantics.md#fill-model).
        """
        sign = self.pattern.direction
        against, ahead = (bar.low, bar.high) if sign > 0 else (bar.high, bar.low)
        entered, self.bars = self.bars == 0, self.bars + 1
        if not entered:  # what a bar opens at comes before everything in it
            self.best = max(self.best, (bar.open - self.entry) * sign)
            if (bar.open - self.target) * sign > 0:
                return self._ended("target", self.target, bar, instrument, rules)
        if (against - self.stop) * sign <= 0:
            gapped = not entered and (bar.open - self.stop) * sign < 0
            return self._ended("stop", bar.open if gapped else self.stop, bar, instrument, rules)
        self.worst = min(self.worst, (against - self.entry) * sign)
        if not entered:
            self.best = max(self.best, (ahead - self.entry) * sign)
            if (ahead - self.target) * sign > 0:
                return self._ended("target", self.target, bar, instrument, rules)
        if self.bars >= rules.longest:
            return self._ended("time", bar.close, bar, instrument, rules)
        return None

    def _ended(
        self, how: str, price: int, bar: Bar, instrument: Instrument, rules: ScanRules
    ) -> PatternOutcome:
        slips = rules.slippage_ticks * (1 if how == "target" else 2)
        gross = (price - self.entry) * self.pattern.direction - slips
        risk = instrument.usd(self.risk)
        net = instrument.usd(gross) - instrument.round_trip(self.entry, price)
        worst = min(self.worst, gross)
        return PatternOutcome(
            how,
            self.entry,
            self.stop,
            self.target,
            bar.close_ts,
            round(float(net / risk), 4),
            round(worst / self.risk, 4),
            round(max(0, self.best) / self.risk, 4),
        )


def outcome_of(
    pattern: Pattern, atr: float, bars: Iterable[Bar], instrument: Instrument, rules: ScanRules
) -> PatternOutcome | None:
    """What a pattern would have come to in the bars after the one that made it known; `atr` in ticks."""
    one = _Open(0, pattern, atr)
    for bar in bars:
        if one.bars == 0 and not one.enter(bar, rules):
            return None
        if (outcome := one.take(bar, instrument, rules)) is not None:
            return outcome
    return None


class _Series:
    """One timeframe, bar by bar."""

    def __init__(self, instrument: Instrument, timeframe: Timeframe, rules: ScanRules) -> None:
        self._instrument = instrument
        self._rules = rules
        self._calendar = calendar_of(instrument.calendar)
        self._frame = FrameSignals(instrument.symbol, timeframe, calendar=self._calendar)
        self._regime = RegimeDetector()
        self._open: list[_Open] = []
        self.found: list[Instance] = []

    def add(self, bar: Bar, start: int, end: int) -> None:
        self._move(bar)
        before = self._frame.bar
        self._frame.add(bar)
        self._regime.add(bar)
        if not start <= bar.close_ts < end:
            return
        atr = self._frame.atr.value or 0.0
        for pattern in self._frame.patterns_after(before.close_ts if before is not None else 0):
            seen = self._seen(pattern)
            if pattern.direction:
                self._open.append(_Open(len(self.found), pattern, atr))
            self.found.append(Instance(seen, None))

    def _move(self, bar: Bar) -> None:
        still: list[_Open] = []
        for one in self._open:
            if one.bars == 0 and not one.enter(bar, self._rules):
                continue
            outcome = one.take(bar, self._instrument, self._rules)
            if outcome is None:
                still.append(one)
            else:
                self.found[one.place] = Instance(self.found[one.place].pattern, outcome)
        self._open = still

    @property
    def waits(self) -> bool:
        return bool(self._open)

    def _seen(self, pattern: Pattern) -> PatternSeen:
        regime = self._regime.value
        return PatternSeen(
            pattern.kind,
            pattern.timeframe,
            pattern.direction,
            pattern.known_at,
            pattern.price,
            "" if regime is None else regime,
            int(self._calendar.hhmm(pattern.known_at)[:2]),
        )


def scan(
    instrument: Instrument,
    bars: Sequence[Bar],
    timeframes: Iterable[Timeframe],
    start: int,
    end: int,
    rules: ScanRules | None = None,
) -> list[Instance]:
    """Patterns that became known in [start, end), nanoseconds UTC, in the order of their times. What lies
    before makes the detectors ready; outcomes may lie behind. `bars` are of one timeframe, oldest first.

    Raises ValueError where longer bars can't be made of them.
    """
    found: list[Instance] = []
    for timeframe in timeframes:
        series = _Series(instrument, timeframe, rules or ScanRules())
        for bar in _of(bars, timeframe, instrument):
            if bar.close_ts >= end and not series.waits:
                break
            series.add(bar, start, end)
        found += series.found
    return sorted(found, key=lambda one: (one.pattern.known_at, one.pattern.timeframe.minutes))


def _of(bars: Sequence[Bar], timeframe: Timeframe, instrument: Instrument) -> Iterator[Bar]:
    if not bars or bars[0].timeframe is timeframe:
        return iter(bars)
    own = bars[0].timeframe
    if timeframe.nanos % own.nanos:
        raise ValueError(f"bars of {timeframe} can't be made of those of {own}")
    return resample(bars, timeframe, calendar_of(instrument.calendar))


def tallied(instrument: str, found: Iterable[Instance]) -> Mapping[str, Tally]:
    """The outcomes added up, as what was traded is (`State.experience`)."""
    tallies: dict[str, Tally] = {}
    for one in found:
        if one.outcome is not None:
            key = key_of(instrument, one.pattern).text
            outcome = one.outcome
            tallies[key] = tallies.get(key, Tally()).plus(outcome.r, outcome.mae_r, outcome.mfe_r)
    return tallies
