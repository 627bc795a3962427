"""Minute bars of one contract as they grow, and larger ones made of them
(docs/protocols/projectx.md#history).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta

from msgspec import Struct, structs

from adapters.simulator.market.hours import NANOS, session, trade_date
from engine.model.market import MINUTE, Bar, Timeframe

SECONDS, MINUTES, HOURS, DAY, WEEK, MONTH, TICKS = range(1, 8)
"""The platform's units. Seconds and ticks are kept of the latest trades only."""
_SECONDS_KEPT, _TICKS_KEPT = 3_600, 10_000


class FormingBar(Struct):
    """The minute under way, prices in ticks."""

    open_ts: int
    open: int
    high: int
    low: int
    close: int
    volume: int

    def add(self, price: int, size: int) -> None:
        """Take in a trade."""
        if price > self.high:
            self.high = price
        elif price < self.low:
            self.low = price
        self.close = price
        self.volume += size

    def over(self, ts: int) -> bool:
        """Whether the minute has ended by an instant."""
        return ts >= self.open_ts + MINUTE

    def bar(self, symbol: str) -> Bar:
        """The minute as it stands."""
        return Bar(
            symbol, Timeframe.M1, self.open_ts, self.open, self.high, self.low, self.close, self.volume
        )


class Candles:
    """Closed minute bars, oldest first, and the one that is forming."""

    def __init__(self, symbol: str, closed: Iterable[Bar], forming: FormingBar | None = None) -> None:
        self.symbol = symbol
        self.closed = list(closed)
        self.forming = forming
        self._seconds: deque[FormingBar] = deque(maxlen=_SECONDS_KEPT)
        self._ticks: deque[tuple[int, int, int]] = deque(maxlen=_TICKS_KEPT)

    def on_print(self, ts: int, price: int, size: int) -> Bar | None:
        """Take in a trade; gives the bar that it closes, if any."""
        self._ticks.append((ts, price, size))
        seconds = self._seconds
        if seconds and ts < seconds[-1].open_ts + NANOS:
            seconds[-1].add(price, size)
        else:
            seconds.append(FormingBar(ts - ts % NANOS, price, price, price, price, size))
        forming = self.forming
        if forming is not None and not forming.over(ts):
            forming.add(price, size)
            return None
        done = self.close_until(ts)
        self.forming = FormingBar(ts - ts % MINUTE, price, price, price, price, size)
        return done

    def close_until(self, ts: int) -> Bar | None:
        """Close the forming bar if its minute is over."""
        forming = self.forming
        if forming is None or not forming.over(ts):
            return None
        bar = forming.bar(self.symbol)
        self.closed.append(bar)
        self.forming = None
        return bar

    @property
    def last(self) -> int | None:
        """The newest price, ticks."""
        if self.forming is not None:
            return self.forming.close
        return self.closed[-1].close if self.closed else None

    def before(self, ts: int) -> int | None:
        """Close of the last bar that opened before an instant, ticks."""
        index = bisect_left(self.closed, ts, key=_open_ts)
        return self.closed[index - 1].close if index else None

    def since(self, ts: int) -> Iterator[Bar]:
        """Minute bars that opened at or after an instant, the forming one too, oldest first."""
        for index in range(bisect_left(self.closed, ts, key=_open_ts), len(self.closed)):
            yield self.closed[index]
        if self.forming is not None and self.forming.open_ts >= ts:
            yield self.forming.bar(self.symbol)

    def window(
        self, unit: int, count: int, start: int, end: int, limit: int, now: int, *, partial: bool
    ) -> Sequence[Bar]:
        """Bars of `count` units that open in [start, end), newest first, at most `limit`.

        A bar that is not over at `now` is left out unless `partial`. `count` matters for ticks, and for
        what is no longer than hours.
        """
        if unit == TICKS:
            return self._tick_bars(count, start, end, partial=partial)[::-1][:limit]
        bucket = bucketing(unit, count)
        first, _ = bucket(start)
        bars = self.since(first) if unit != SECONDS else (bar.bar(self.symbol) for bar in self._seconds)
        found: list[Bar] = []
        closes = 0
        for bar in bars:
            opened, closed = bucket(bar.open_ts)
            if opened >= end:
                break
            if opened < start:
                continue
            if found and found[-1].open_ts == opened:
                found[-1] = _joined(found[-1], bar)
            else:
                found.append(structs.replace(bar, open_ts=opened))
            closes = closed
        if found and closes > now and not partial:
            found.pop()
        return found[::-1][:limit]

    def _tick_bars(self, count: int, start: int, end: int, *, partial: bool) -> list[Bar]:
        """Bars of so many trades each, counted from the first that is kept in [start, end)."""
        ticks = [tick for tick in self._ticks if start <= tick[0] < end]
        found = []
        for at in range(0, len(ticks), count):
            part = ticks[at : at + count]
            if len(part) < count and not partial:
                break
            prices = [price for _, price, _ in part]
            bar = FormingBar(part[0][0], prices[0], max(prices), min(prices), prices[-1], 0)
            bar.volume = sum(size for _, _, size in part)
            found.append(bar.bar(self.symbol))
        return found


def bucketing(unit: int, count: int) -> Callable[[int], tuple[int, int]]:
    """A function from an instant to (open, close) of the bar that it falls into.

    What is no longer than hours aligns to the UTC epoch; days, weeks and months are made of trading days.
    """
    if unit <= HOURS:
        width = count * {SECONDS: NANOS, MINUTES: MINUTE, HOURS: 60 * MINUTE}[unit]
        return lambda ts: (ts - ts % width, ts - ts % width + width)
    return lambda ts: _days(unit, ts)


def _days(unit: int, ts: int) -> tuple[int, int]:
    day = trade_date(ts)
    if unit == DAY:
        first, following = day, day + timedelta(days=1)
    elif unit == WEEK:
        first = day - timedelta(days=day.weekday())
        following = first + timedelta(days=7)
    else:
        first = day.replace(day=1)
        following = (first + timedelta(days=31)).replace(day=1)
    return session(first).open, session(following).open


def _joined(larger: Bar, minute: Bar) -> Bar:
    return structs.replace(
        larger,
        high=max(larger.high, minute.high),
        low=min(larger.low, minute.low),
        close=minute.close,
        volume=larger.volume + minute.volume,
    )


def _open_ts(bar: Bar) -> int:
    return bar.open_ts
