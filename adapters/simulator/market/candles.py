"""Minute bars of one contract as they grow, and larger ones made of them
(docs/protocols/projectx.md#history).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta

from msgspec import Struct, structs

from adapters.simulator.market.hours import session, trade_date
from engine.model.market import MINUTE, Bar, Timeframe

MINUTES, HOURS, DAY, WEEK, MONTH = 2, 3, 4, 5, 6
"""The platform's units. It has seconds and ticks too, which this venue does not keep."""


class FormingBar(Struct):
    """The minute under way, prices in ticks."""

    open_ts: int
    open: int
    high: int
    low: int
    close: int
    volume: int

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

    def on_print(self, ts: int, price: int, size: int) -> Bar | None:
        """Take in a trade; gives the bar that it closes, if any."""
        forming = self.forming
        if forming is not None and not forming.over(ts):
            if price > forming.high:
                forming.high = price
            elif price < forming.low:
                forming.low = price
            forming.close = price
            forming.volume += size
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

        A bar that is not over at `now` is left out unless `partial`. `count` matters for minutes and hours.
        """
        bucket = bucketing(unit, count)
        first, _ = bucket(start)
        found: list[Bar] = []
        closes = 0
        for bar in self.since(first):
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


def bucketing(unit: int, count: int) -> Callable[[int], tuple[int, int]]:
    """A function from an instant to (open, close) of the bar that it falls into.

    Minutes and hours align to the UTC epoch; days, weeks and months are made of trading days.
    """
    if unit in (MINUTES, HOURS):
        width = count * MINUTE * (1 if unit == MINUTES else 60)
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
