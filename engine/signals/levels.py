"""Support and resistance: zones where confirmed swings gather (docs/signals.md#support-and-resistance).

A zone is made of swings that are known; it grows when another one falls into it and never looks ahead.
Whether it supports or resists is only a question of the side on which price stands.
"""

from __future__ import annotations

from bisect import bisect_left

from msgspec import Struct

from engine.model.market import Bar
from engine.signals.swings import Swing


class Level(Struct, frozen=True):
    """A band of prices, ticks, in which swings turned, as it is since its newest swing.

    It grows with new swings, up to a bounded width: then another Level of the same number takes its place.
    """

    number: int
    """Of the zone among those of its series, from 1."""
    low: int
    high: int
    touches: int
    """Times that price turned in it; a turn that goes on to a new extreme is still one."""
    stamp: int
    """Open time of the bar of the swing that gave it its bounds."""
    last_index: int
    """Bar at which its newest swing became known."""
    known_at: int
    """When these bounds became those of a zone (two touches make one), nanoseconds UTC."""
    newest: Swing
    """The swing that made it what it is."""

    @property
    def middle(self) -> int:
        return (self.low + self.high) // 2


class Levels:
    """Zones of one series. `tolerance_atr` is how far from a zone a swing may lie and still belong to it;
    a zone that gets no swing for `expire_after` bars is forgotten, and so is the stalest beyond `keep`.
    """

    __slots__ = (
        "_born",
        "_expire_after",
        "_keep",
        "_lows",
        "_strong",
        "_tolerance_atr",
        "_widest",
        "formed",
        "found",
    )

    def __init__(self, tolerance_atr: float = 0.5, expire_after: int = 300, keep: int = 30) -> None:
        self._tolerance_atr = tolerance_atr
        self._expire_after = expire_after
        self._keep = keep
        self._born = 0
        self.found: list[Level] = []
        """Every zone, single swings too, by its low."""
        self.formed: Level | None = None
        """The zone that the newest swing made one, its second touch; None where it did not."""
        self._strong: list[Level] = []
        """Of them those with two touches or more."""
        self._lows: list[int] = []
        self._widest = 0

    def add(self, swing: Swing, atr: float) -> Level | None:
        """Take a swing at the bar that confirmed it, with the ATR (ticks) then; gives its zone as it is now.

        A swing that is superseded from birth is no turn of its own (a plateau is full of them): None.
        """
        self.formed = None
        if swing.superseded_by is not None:
            return None
        tolerance = max(2, round(self._tolerance_atr * atr))
        price = swing.price
        now = swing.known_index
        self.found = [one for one in self.found if now - one.last_index <= self._expire_after]
        before = self._nearest(price, tolerance)
        if before is None:
            self._born += 1
            level = Level(self._born, price, price, 1, swing.stamp, now, swing.known_at, swing)
        else:
            low, high = min(before.low, price), max(before.high, price)
            touches = before.touches + (swing.supersedes != before.newest.index)
            same = (low, high) == (before.low, before.high)
            stamp = before.stamp if same else swing.stamp
            known_at = before.known_at if same and (before.touches > 1 or touches == 1) else swing.known_at
            level = Level(before.number, low, high, touches, stamp, now, known_at, swing)
            self.found.remove(before)
            if touches == 2 > before.touches:
                self.formed = level
        self.found.append(level)
        if len(self.found) > self._keep:
            self.found.remove(min(self.found, key=lambda one: (one.last_index, one.touches)))
        self.found.sort(key=_by_price)
        self._strong = self.strong()
        self._lows = [one.low for one in self._strong]
        self._widest = max((one.high - one.low for one in self._strong), default=0)
        return level

    def held(self, bar: Bar, before: Bar) -> tuple[Level | None, int]:
        """The zone of most touches into which a bar came from outside and from which it closed back to that
        side, and that side: +1 above it, -1 below.
        """
        best: Level | None = None
        side = 0
        low, high, close = bar.low, bar.high, bar.close
        for place in range(bisect_left(self._lows, low - self._widest), len(self._lows)):
            level = self._strong[place]
            if level.low > high:
                break
            if level.high < low or (best is not None and level.touches <= best.touches):
                continue
            if close > level.high and before.low > level.high:
                best, side = level, 1
            elif close < level.low and before.high < level.low:
                best, side = level, -1
        return best, side

    def _nearest(self, price: int, tolerance: int) -> Level | None:
        best: Level | None = None
        best_distance = tolerance + 1
        for level in self.found:
            distance = max(level.low - price, price - level.high, 0)
            width = max(level.high, price) - min(level.low, price)
            if distance < best_distance and width <= 2 * tolerance:
                best, best_distance = level, distance
        return best

    def strong(self, touches: int = 2) -> list[Level]:
        """Zones with at least so many swings, by price."""
        return [level for level in self.found if level.touches >= touches]


def _by_price(level: Level) -> tuple[int, int]:
    return level.low, level.high
