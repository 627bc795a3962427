"""The strategy "indicators": one entry, several exits, one timeframe (docs/indicators.md#the-strategy)."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from engine.market.bars import BarsClosed
from engine.model.market import MINUTE, Bar, Side, Timeframe
from engine.model.plans import Exit, Idea
from engine.signals.board import SignalBoard
from engine.strategies.indicators.entries import AnyEntry, Pointing, RsiBb
from engine.strategies.indicators.exits import AnyExit, AtrExit, Distances, check
from engine.strategies.protocol import Said

SCORE_TENTHS = 100
"""Every condition holds, or there is no idea."""


class Sides(StrEnum):
    BOTH = "both"
    LONG = "long"
    SHORT = "short"


class IndicatorsConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """What it is made of."""

    timeframe: Timeframe = Timeframe.M5
    """Of the bars that it looks at, and at whose closes it is asked."""
    sides: Sides = Sides.BOTH
    entry: AnyEntry = RsiBb()
    exits: tuple[AnyExit, ...] = (AtrExit(),)

    def __post_init__(self) -> None:
        check(self.exits)


class Indicators:
    """Enters at the close at which its entry begins to point a way, and leaves as its exits say.

    It remembers where the entry pointed at the close before: what points already when it is first asked is
    no news.
    """

    name = "indicators"
    Config = IndicatorsConfig

    def __init__(self, config: IndicatorsConfig | None = None) -> None:
        self.config = config or IndicatorsConfig()
        self.timeframes = frozenset((self.config.timeframe,))
        self._pointed: dict[str, int] = {}

    def on_bars(self, closed: BarsClosed, board: SignalBoard) -> Sequence[Said]:
        """Exits go by every close; one of a blind or backfilled bar enters nothing."""
        found: list[Said] = []
        for bar in closed.bars:
            if bar.timeframe is not self.config.timeframe:
                continue
            found += self._exits(bar, closed.ts, board)
            pointing = self.config.entry.point(bar, board)
            if pointing is None:
                continue
            before = self._pointed.get(bar.instrument)
            self._pointed[bar.instrument] = pointing.sign
            news = before is not None and pointing.sign not in (0, before)
            if news and not bar.gap and not bar.backfilled and self._wanted(pointing.sign):
                idea = self._idea(bar, pointing, closed.ts, board)
                if idea is not None:
                    found.append(idea)
        return found

    def _wanted(self, sign: int) -> bool:
        return self.config.sides is Sides.BOTH or (sign > 0) is (self.config.sides is Sides.LONG)

    def _exits(self, bar: Bar, now: int, board: SignalBoard) -> list[Exit]:
        found = []
        for side in (Side.BUY, Side.SELL):
            why = next((why for one in self.config.exits if (why := one.leaves(side.sign, bar, board))), "")
            if why:
                found.append(Exit(self.name, bar.instrument, side, why, now))
        return found

    def _idea(self, bar: Bar, pointing: Pointing, now: int, board: SignalBoard) -> Idea | None:
        wishes = [one.distances(bar, board) for one in self.config.exits]
        known = [wish for wish in wishes if wish is not None]
        if len(known) < len(wishes):
            return None
        all_ = _together(known)
        side = Side.BUY if pointing.sign > 0 else Side.SELL
        minutes = max(one.minutes_held for one in self.config.exits)
        words = [one.words for one in self.config.exits if one.words]
        reach = f"R:R {all_.target / all_.stop:.1f}" if all_.target else "no target"
        return Idea(
            strategy=self.name,
            instrument=bar.instrument,
            side=side,
            reference=bar.close,
            stop=bar.close - side.sign * all_.stop,
            targets=(bar.close + side.sign * all_.target,) if all_.target else (),
            score_tenths=SCORE_TENTHS,
            reasons=(*pointing.reasons, reach),
            ts=now,
            trail=all_.trail,
            exit_ts=now + minutes * MINUTE if minutes else None,
            leaves=", ".join(words),
        )


def _together(wishes: Sequence[Distances]) -> Distances:
    """What several exits want: each of them something else, but for the stop of one that follows."""
    trail = next((wish.trail for wish in wishes if wish.trail is not None), None)
    stop = max(wish.stop for wish in wishes) or (trail.distance if trail is not None else 0)
    return Distances(stop, max(wish.target for wish in wishes), trail)
