"""What came of a trade that was judged at a close: the triple barrier, in R net of costs
(docs/models.md#what-is-learned).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate
from math import ceil

from msgspec import Struct

from engine.lab.edges.outcomes import PricePath, which_first
from engine.lab.splits import Span
from engine.market.calendars.calendar import Calendar
from engine.market.calendars.deadline import held_until
from engine.model.instrument import Instrument
from engine.model.market import Bar, Side, Timeframe
from engine.model.opinion import SLIPPAGE_TICKS, Barriers


class Label(Struct, frozen=True, gc=False):
    """How it ended. Times in nanoseconds UTC."""

    ts: int
    """When it was decided."""
    end_ts: int
    """Close of the bar in which it ended: what is known of it is known from then on."""
    result_r: float
    """Net of costs, in multiples of the distance from entry to stop."""
    how: str
    """"target", "stop" or "time"."""

    @property
    def hit(self) -> bool:
        """Whether the target came first."""
        return self.how == "target"


class Labeller:
    """Looks up what came of trades in the finest bars of one instrument."""

    def __init__(
        self,
        instrument: Instrument,
        bars: Sequence[Bar],
        calendar: Calendar,
        barriers: Barriers,
        *,
        costs: bool = True,
    ) -> None:
        """`bars` are oldest first, at least one, and none of them longer than those that are judged."""
        self._instrument = instrument
        self._prices = PricePath(bars)
        self._calendar = calendar
        self._barriers = barriers
        self._costs = costs

    def label(self, ts: int, timeframe: Timeframe, side: Side, atr: float) -> Label | None:
        """Of a trade entered at market after the close at `ts`; `atr` is that of `timeframe` then, in ticks.

        None where it came to no trade: no bar opened soon enough, the session was over, or the recording ends
        before it does.
        """
        times = self._prices.open_ts
        until = self._until(ts, timeframe)
        first = bisect_left(times, ts)
        if first == len(times) or times[first] >= min(until, ts + timeframe.nanos):
            return None
        facing = self._prices.facing(side.sign)
        slip = SLIPPAGE_TICKS if self._costs else 0
        entry = facing[0][first] + slip
        risk = max(1, round(self._barriers.stop_atr * atr))
        target = entry + ceil(self._barriers.target_r * risk)
        n, exit_, how = which_first(
            facing, times, first, stop=entry - risk, target=target, until=until, slip=slip
        )
        if how == "time" and n + 1 == len(times) and self._prices.close_ts[n] < until:
            return None
        ticks = float(exit_ - entry)
        if self._costs:
            cost = self._instrument.round_trip(abs(entry), abs(exit_))
            ticks -= float(cost / self._instrument.tick_value_usd)
        return Label(ts, self._prices.close_ts[n], ticks / risk, how)

    def _until(self, ts: int, timeframe: Timeframe) -> int:
        """The time barrier: after so many bars, or where the session ends, so that no trade sleeps over a
        close or a change of contract.
        """
        return held_until(self._calendar, ts, ts + self._barriers.bars * timeframe.nanos)


def uniqueness(spans: Sequence[Span]) -> list[float]:
    """How much of each outcome is its own, 0..1: the mean, over the moments at which any outcome begins while
    it lasts, of one over the outcomes that are open then.

    Outcomes that are open together share their moves: a hundred of them say little more than one.
    """
    if not spans:
        return []
    times = sorted({begin for begin, _ in spans})
    steps = [0] * (len(times) + 1)
    places = []
    for begin, end in spans:
        low, high = bisect_left(times, begin), max(bisect_left(times, begin) + 1, bisect_left(times, end))
        places.append((low, high))
        steps[low] += 1
        steps[high] -= 1
    shares = [1 / open_ if open_ else 0.0 for open_ in accumulate(steps[:-1])]
    sums = [0.0, *accumulate(shares)]
    return [min(1.0, (sums[high] - sums[low]) / (high - low)) for low, high in places]


def class_weights(hits: Sequence[bool], weights: Sequence[float]) -> list[float]:
    """The weights, scaled so that hits and misses weigh the same together and the mean is one. Where one kind
    is missing, they are only brought to that mean. Raises ValueError where nothing weighs anything.
    """
    total = sum(weights)
    if total <= 0:
        raise ValueError("nothing weighs anything")
    hit = sum(weight for weight, one in zip(weights, hits, strict=True) if one)
    count, miss = len(weights), total - hit
    if not hit or not miss:
        return [weight * count / total for weight in weights]
    scale = {True: count / (2 * hit), False: count / (2 * miss)}
    return [weight * scale[one] for weight, one in zip(weights, hits, strict=True)]


def one_at_a_time(spans: Sequence[Span], among: Iterable[int]) -> list[int]:
    """Of trades in the order of their times, those that are made where one is only entered once the one
    before it has ended.
    """
    made: list[int] = []
    free = 0
    for n in among:
        begin, end = spans[n]
        if begin >= free:
            made.append(n)
            free = end
    return made
