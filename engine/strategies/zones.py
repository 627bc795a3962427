"""The strategy "zones": enter where price turns at an order block or at support or resistance, with the
timeframes behind it.

When price reached into a zone within the last minutes and a minute closes out of it again, in the
direction of the alignment, an idea is had: stop beyond the zone and a buffer of ATR, first target at 1.5
to 2 times the risk (in front of the next opposing level, if one lies there), second target at 2.2 times
the risk or more. An opposing level nearer than the first target forbids the trade.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

from msgspec import Struct

from engine.market.bars import BarsClosed
from engine.model.instrument import Instrument
from engine.model.market import MINUTE, Bar, Side, Timeframe
from engine.model.plans import Idea
from engine.model.setting import live
from engine.signals.alignment import WEIGHTS_PCT, Alignment
from engine.signals.board import SignalBoard
from engine.strategies.protocol import Declined

_ENTRY_FRAMES = (Timeframe.M1, Timeframe.M5, Timeframe.M15, Timeframe.M30, Timeframe.H1)
_BLOCK_WORTH = 3
"""An order block ranks like a level of so many swings."""
_BARRIER_FRAMES = (Timeframe.M15, Timeframe.M30, Timeframe.H1)


class ZoneReactionConfig(Struct, frozen=True):
    """Distances are in ticks or in multiples of the 1m ATR; times in nanoseconds of market time."""

    min_score_tenths: Annotated[
        int,
        live(key="min_score", unit=10, kind=float, ge=0, le=10),
        "Least score of an idea, out of ten.",
    ] = 60
    near_score_tenths: int = 45
    """From this score on a reaction that comes to nothing is worth telling."""
    min_reward_to_risk: float = 1.5
    second_reward_to_risk: Annotated[
        float,
        live(key="second_target_r", ge=0.2, le=40),
        "Least distance of the second target in multiples of the risk; the first one's is "
        "risk.reward_to_risk_min.",
    ] = 2.2
    reach_atr: float = 0.5
    """How far from a zone price may turn and still have reacted to it."""
    probe_bars: int = 3
    """Minutes, the newest included, in which price may have reached into the zone; at most 5."""
    buffer_atr: float = 0.5
    """From the zone, or the move's extreme if that lies further, to the stop."""
    min_stop_atr: float = 1.5
    max_stop_atr: float = 8.0
    min_stop_ticks: int = 4
    max_stop_ticks: int = 1000
    min_level_touches: int = 2
    barrier_touches: int = 3
    """Swings that make an opposing level one to respect."""
    cooldown_ns: Annotated[
        int,
        live(key="cooldown_minutes", unit=MINUTE, ge=0, le=600),
        "Silence on a product after an idea, minutes.",
    ] = 20 * MINUTE
    near_cooldown_ns: int = 15 * MINUTE
    """Silence on the same kind of near miss."""


class _Zone(Struct, frozen=True):
    low: int
    high: int
    timeframe: Timeframe
    touches: int
    """Swings of a level; 0 for an order block."""
    rank: int
    """By timeframe, then by how often it held: the better zone is tried first."""

    def label(self, side: Side, instrument: Instrument) -> str:
        if self.touches:
            return f"S/R {instrument.text((self.low + self.high) // 2)} ×{self.touches} {self.timeframe}"
        return f"OB {instrument.text(self.high if side is Side.BUY else self.low)} {self.timeframe}"


class _Probe(Struct, frozen=True):
    """The newest minutes as one move."""

    extreme: int
    """Lowest low before a rise, highest high before a fall, ticks."""
    close: int


class ZoneReaction:
    """The strategy. It remembers only what it said and when, so as not to say it every minute."""

    name = "zones"

    def __init__(self, config: ZoneReactionConfig | None = None) -> None:
        self.config = config or ZoneReactionConfig()
        self._quiet_until: dict[str, int] = {}
        self._told: dict[tuple[str, Side], int] = {}

    def on_bars(self, closed: BarsClosed, board: SignalBoard) -> Sequence[Idea | Declined]:
        """Look at every minute bar that closed; blind and backfilled ones open nothing."""
        found: list[Idea | Declined] = []
        for bar in closed.bars:
            if bar.timeframe is not Timeframe.M1:
                break  # minutes come first
            if bar.gap or bar.backfilled:
                continue
            answer = self._consider(bar, closed.ts, board)
            if answer is not None:
                found.append(answer)
        return found

    def _consider(self, bar: Bar, now: int, board: SignalBoard) -> Idea | Declined | None:
        if now < self._quiet_until.get(bar.instrument, 0):
            return None
        alignment = board.alignment(bar.instrument)
        side = Side.BUY if alignment.direction > 0 else Side.SELL
        if alignment.score_tenths < self.config.near_score_tenths or not _turned(bar, side):
            return None
        frame = board.frame(bar.instrument, Timeframe.M1)
        atr = frame.atr.value or 0.0
        newest = list(frame.recent)[-self.config.probe_bars :]
        extreme = min(one.low for one in newest) if side is Side.BUY else max(one.high for one in newest)
        probe = _Probe(extreme, bar.close)
        zones = self._touched(bar.instrument, side, probe, atr, board)
        if not zones:
            return None
        objection = alignment.objection
        if not objection and alignment.score_tenths < self.config.min_score_tenths:
            objection = f"score under {self.config.min_score_tenths / 10:.1f}"
        if objection:
            return self._near_miss(bar, side, alignment, objection, now)
        found = [self._stop(zone, side, probe, atr) for zone in zones]
        choice = next((n for n, risk in enumerate(found) if self._affordable(risk, atr)), None)
        if choice is None:
            return self._near_miss(bar, side, alignment, f"stop {min(found)} ticks away", now)
        idea = self._plan(bar, side, zones[choice], found[choice], alignment, now, board)
        if isinstance(idea, str):
            return self._near_miss(bar, side, alignment, idea, now)
        self._quiet_until[bar.instrument] = now + self.config.cooldown_ns
        return idea

    def _near_miss(
        self, bar: Bar, side: Side, alignment: Alignment, reason: str, now: int
    ) -> Declined | None:
        key = bar.instrument, side
        if now < self._told.get(key, 0):
            return None
        self._told[key] = now + self.config.near_cooldown_ns
        return Declined(self.name, bar.instrument, side, alignment.score_tenths, reason, now)

    # -- where it turned -------------------------------------------------------------------------------

    def _touched(self, symbol: str, side: Side, probe: _Probe, atr: float, board: SignalBoard) -> list[_Zone]:
        """Zones that price reached, did not go through, and closed beyond; the best first."""
        reach = round(self.config.reach_atr * atr)
        zones = [zone for zone in self._zones(symbol, side, board) if _reacted(probe, zone, side, reach)]
        zones.sort(key=lambda zone: (-zone.rank, zone.high - zone.low))
        return zones

    def _zones(self, symbol: str, side: Side, board: SignalBoard) -> Iterator[_Zone]:
        for rank, timeframe in enumerate(_ENTRY_FRAMES):
            frame = board.frame(symbol, timeframe)
            for block in frame.live_blocks(side.sign):
                yield _Zone(block.low, block.high, timeframe, 0, 10 * rank + _BLOCK_WORTH)
            for level in frame.levels.strong(self.config.min_level_touches):
                yield _Zone(
                    level.low, level.high, timeframe, level.touches, 10 * rank + min(level.touches, 9)
                )

    # -- stop and targets ------------------------------------------------------------------------------

    def _stop(self, zone: _Zone, side: Side, probe: _Probe, atr: float) -> int:
        """Ticks from the entry to a stop beyond the zone, the move's extreme and a buffer."""
        far = min(zone.low, probe.extreme) if side is Side.BUY else max(zone.high, probe.extreme)
        risk = (probe.close - far) * side.sign + max(1, round(self.config.buffer_atr * atr))
        return max(risk, self.config.min_stop_ticks, round(self.config.min_stop_atr * atr))

    def _affordable(self, risk: int, atr: float) -> bool:
        config = self.config
        return risk <= min(config.max_stop_ticks, max(config.min_stop_ticks, config.max_stop_atr * atr))

    def _plan(
        self,
        bar: Bar,
        side: Side,
        zone: _Zone,
        risk: int,
        alignment: Alignment,
        now: int,
        board: SignalBoard,
    ) -> Idea | str:
        """The idea, or why it is none."""
        config = self.config
        entry = bar.close
        instrument = board.instrument(bar.instrument)
        nearest = _at_least(config.min_reward_to_risk, risk)
        first = max(nearest, 2 * risk)
        barrier = self._barrier(bar.instrument, entry, side, board)
        if barrier is not None:
            room = (barrier - entry) * side.sign - 1
            if room < nearest:
                return f"only {max(room, 0) / risk:.1f} R to {instrument.text(barrier)}"
            first = min(first, room)
        second = max(_at_least(config.second_reward_to_risk, risk), first + risk)
        return Idea(
            strategy=self.name,
            instrument=bar.instrument,
            side=side,
            reference=entry,
            stop=entry - side.sign * risk,
            targets=(entry + side.sign * first, entry + side.sign * second),
            score_tenths=alignment.score_tenths,
            reasons=(
                zone.label(side, instrument),
                f"{alignment.agreeing} of {len(WEIGHTS_PCT)} agree",
                f"R:R {first / risk:.1f}",
            ),
            ts=now,
            agreeing=alignment.agreeing,
        )

    def _barrier(self, symbol: str, entry: int, side: Side, board: SignalBoard) -> int | None:
        """The nearest price in the way, ticks: the near edge of a strong level, or yesterday's extreme."""
        edges: list[int] = []
        for timeframe in _BARRIER_FRAMES:
            frame = board.frame(symbol, timeframe)
            for level in frame.levels.strong(self.config.barrier_touches):
                edges.append(level.low if side is Side.BUY else level.high)
            day = frame.previous_day
            extreme = day.high if side is Side.BUY else day.low
            if extreme is not None:
                edges.append(extreme)
        ahead = [edge for edge in edges if (edge - entry) * side.sign > 0]
        return min(ahead, key=lambda edge: abs(edge - entry), default=None)


def _turned(bar: Bar, side: Side) -> bool:
    """The bar closed in the half of its range that lies in the direction of the trade."""
    span = bar.high - bar.low
    if not span:
        return False
    gained = bar.close - bar.low if side is Side.BUY else bar.high - bar.close
    return 2 * gained > span


def _reacted(probe: _Probe, zone: _Zone, side: Side, reach: int) -> bool:
    """Price came as near as `reach` ticks to the zone, did not go through it, and closed beyond it."""
    if side is Side.BUY:
        return zone.low <= probe.extreme <= zone.high + reach and probe.close > zone.high
    return zone.low - reach <= probe.extreme <= zone.high and probe.close < zone.low


def _at_least(multiple: float, risk: int) -> int:
    """The smallest whole number of ticks that is `multiple` times the risk or more."""
    ticks = int(multiple * risk)
    return ticks if ticks >= multiple * risk else ticks + 1
