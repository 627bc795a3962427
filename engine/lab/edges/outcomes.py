"""What came of a trade, on bars alone and pessimistically (docs/discovery.md#how-a-candidate-is-traded)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from math import ceil

from msgspec import Struct

from engine.lab.edges.rules import EdgeRules
from engine.market.calendars.calendar import Calendar
from engine.model.instrument import Instrument
from engine.model.market import Bar
from engine.signals.occurrences import Occurrence


class EntryOutcome(Struct, frozen=True, gc=False):
    """One trade that was decided, made and ended. Times in nanoseconds UTC."""

    decided_ts: int
    exit_ts: int
    result_r: float
    """Net of costs, in multiples of the distance from entry to stop."""
    how: str
    """"target", "stop" or "time"."""


class PricePath:
    """The finest bars there are, as columns, each way up: a short is a long in a market on its head."""

    def __init__(self, bars: Sequence[Bar]) -> None:
        self.open_ts = [bar.open_ts for bar in bars]
        self.close_ts = [bar.close_ts for bar in bars]
        self._up = _columns((bar.open, bar.low, bar.high, bar.close) for bar in bars)
        self._down = _columns((-bar.open, -bar.high, -bar.low, -bar.close) for bar in bars)

    def facing(self, direction: int) -> Columns:
        """Open, worst, best and close as one sees them who is long (+1) or short (-1)."""
        return self._up if direction > 0 else self._down


Columns = tuple[Sequence[int], Sequence[int], Sequence[int], Sequence[int]]


def which_first(
    facing: Columns, times: Sequence[int], first: int, *, stop: int, target: int, until: int, slip: int
) -> tuple[int, int, str]:
    """How a trade ends that is entered at the open of bar `first`: the bar, the price of the exit as one
    faces it, and "target", "stop" or "time". Where a bar holds both prices it is the stop, at the bar's open
    where that is beyond it; a target must be passed, and in a bar after the first. `times` are the bars'
    opens.
    """
    opens, worst, best, closes = facing
    n, last = first, len(times)
    while n < last:
        if times[n] >= until:
            break
        if worst[n] <= stop:
            return n, min(opens[n], stop) - slip, "stop"
        if best[n] > target and n > first:
            return n, target, "target"
        n += 1
    return n - 1, closes[n - 1] - slip, "time"


def _columns(rows: Iterable[tuple[int, int, int, int]]) -> Columns:
    opens, worst, best, closes = zip(*rows, strict=True)
    return opens, worst, best, closes


class BarTrader:
    """Plays single trades over bars: market entry at the next open, a stop and a target, a time to end."""

    def __init__(
        self, instrument: Instrument, bars: Sequence[Bar], calendar: Calendar, rules: EdgeRules
    ) -> None:
        """`bars` are the finest there are, oldest first, at least one."""
        self._instrument = instrument
        self._prices = PricePath(bars)
        self._calendar = calendar
        self._rules = rules

    def play(self, occurrence: Occurrence) -> EntryOutcome | None:
        """None where it came to no trade: the next open was beyond the stop, or far off, or too late."""
        rules, times = self._rules, self._prices.open_ts
        sign, known_at = occurrence.direction, occurrence.known_at
        until = self._ends(occurrence)
        first = bisect_left(times, known_at)
        if first == len(times) or times[first] >= min(until, known_at + occurrence.timeframe.nanos):
            return None
        facing = self._prices.facing(sign)
        slip = rules.slippage_ticks if rules.costs else 0
        stop = occurrence.stop * sign
        entry = facing[0][first] + slip
        risk = entry - stop
        if risk <= slip:
            return None
        target = entry + ceil(rules.thresholds(occurrence.timeframe).required_rr * risk)
        n, exit_, how = which_first(facing, times, first, stop=stop, target=target, until=until, slip=slip)
        return self._ended(occurrence, n, entry, exit_, risk, how)

    def _ends(self, occurrence: Occurrence) -> int:
        """When the trade is ended: after its time, or when positions must be flat."""
        ts = occurrence.known_at
        until = ts + self._rules.hold_ns(occurrence.timeframe)
        flat_by = self._calendar.flat_by(self._calendar.trade_date(ts))
        return until if flat_by is None else min(until, flat_by)

    def _ended(
        self, occurrence: Occurrence, n: int, entry: int, exit_: int, risk: int, how: str
    ) -> EntryOutcome:
        ticks = float(exit_ - entry)
        if self._rules.costs:
            cost = self._instrument.round_trip(abs(entry), abs(exit_))
            ticks -= float(cost / self._instrument.tick_value_usd)
        return EntryOutcome(occurrence.known_at, self._prices.close_ts[n], ticks / risk, how)
