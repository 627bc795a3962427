"""The strategy "zones": enter where price turns at an order block or at support or resistance, with the
timeframes behind it.

When price reached into a zone within the last minutes and a minute closes out of it again, in the
direction of the alignment, an idea is had: stop beyond the zone and a buffer of ATR, first target at 1.5
to 2 times the risk (in front of the next opposing level, if one lies there), second target at 2.2 times
the risk or more. An opposing level nearer than the first target forbids the trade.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct, structs

from engine.market.bars import BarsClosed
from engine.model.instrument import Instrument, InstrumentKind
from engine.model.market import USUAL, Bar, Side, Timeframe
from engine.model.plans import Idea
from engine.model.scores import PatternSeen, RequirementCheck, ScorePart, first_failed
from engine.signals.alignment import Alignment
from engine.signals.board import SignalBoard
from engine.signals.correlation import Contradiction, correlated
from engine.signals.patterns import PatternKind
from engine.strategies import requirements
from engine.strategies.learning import Tally, learned
from engine.strategies.protocol import Declined
from engine.strategies.zone_settings import ClassTerms as ClassTerms
from engine.strategies.zone_settings import ZoneReactionConfig as ZoneReactionConfig

_ENTRY_FRAMES = (Timeframe.M1, Timeframe.M5, Timeframe.M15, Timeframe.M30, Timeframe.H1)
_BLOCK_WORTH = 3
"""An order block ranks like a level of so many swings."""
_BARRIER_FRAMES = (Timeframe.M15, Timeframe.M30, Timeframe.H1)


class _Zone(Struct, frozen=True):
    low: int
    high: int
    timeframe: Timeframe
    kind: PatternKind
    touches: int
    """Swings of a level; 0 for an order block."""
    rank: int
    """By timeframe, then by how often it held: the better zone is tried first."""

    def price(self, side: Side) -> int:
        """What people call it by, ticks: the middle of a level, the near edge of a block."""
        if self.kind is PatternKind.LEVEL_HELD:
            return (self.low + self.high) // 2
        return self.high if side is Side.BUY else self.low

    def label(self, side: Side, instrument: Instrument) -> str:
        price = instrument.text(self.price(side))
        if self.kind is PatternKind.LEVEL_HELD:
            return f"S/R {price} ×{self.touches} {self.timeframe}"
        return f"OB {price} {self.timeframe}"


class _Probe(Struct, frozen=True):
    """The newest minutes as one move."""

    extreme: int
    """Lowest low before a rise, highest high before a fall, ticks."""
    close: int


class _Case(Struct, frozen=True):
    """A reaction to a zone, and what is asked of it."""

    bar: Bar
    side: Side
    alignment: Alignment
    parts: tuple[ScorePart, ...]
    score_tenths: int
    checks: tuple[RequirementCheck, ...]
    pattern: PatternSeen
    now: int


class ZoneReaction:
    """The strategy. It remembers only what it said and when, so as not to say it every minute."""

    name = "zones"

    def __init__(self, config: ZoneReactionConfig | None = None) -> None:
        self.config = config or ZoneReactionConfig()
        self.alignment = self.config.alignment
        """How it weighs the timeframes."""
        self.experience: Mapping[str, Tally] = {}
        """How patterns have ended, which the engine hands over."""
        self.reference_bars: Sequence[Bar] = ()
        """Of a reference that is a dataset; empty where it is a contract of the run."""
        asked = (
            *self.alignment.timeframes,
            *(self.config.reference_timeframe,) * bool(self.config.reference),
        )
        self.timeframes = (*USUAL, *(one for one in asked if one not in USUAL))
        """What it looks at."""
        self._quiet_until: dict[str, int] = {}
        self._told: dict[tuple[str, Side], int] = {}

    def follow(self, config: ZoneReactionConfig) -> None:
        """These measures count from now on; what it looks at is as it was."""
        self.config, self.alignment = config, config.alignment

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

    def least_score(self, instrument: Instrument) -> tuple[int, str]:
        """Least score of its ideas in an instrument, tenths, and the setting that says so."""
        terms = self.config.terms(instrument)
        return terms.min_score_tenths, terms.score_key

    def _consider(self, bar: Bar, now: int, board: SignalBoard) -> Idea | Declined | None:
        symbol = bar.instrument
        if now < self._quiet_until.get(symbol, 0):
            return None
        alignment = board.alignment(symbol, self.alignment)
        side = Side.BUY if alignment.direction > 0 else Side.SELL
        instrument = board.instrument(symbol)
        terms = self.config.terms(instrument)
        near = min(self.config.near_score_tenths, terms.min_score_tenths)
        lowest = near - round(10 * self.config.learn_points) * self.config.learn
        if alignment.score_tenths < lowest or not _turned(bar, side):
            return None
        frame = board.frame(symbol, Timeframe.M1)
        atr = frame.atr.value or 0.0
        newest = list(frame.recent)[-self.config.probe_bars :]
        extreme = min(one.low for one in newest) if side is Side.BUY else max(one.high for one in newest)
        probe = _Probe(extreme, bar.close)
        zones = self._touched(symbol, side, probe, atr, terms.look_back, board)
        if not zones:
            return None
        risks = [self._stop(zone, side, probe, atr) for zone in zones]
        choice = next(
            (n for n, risk in enumerate(risks) if self._affordable(risk, atr, instrument.kind)), None
        )
        zone, risk = zones[choice or 0], risks[choice or 0]
        pattern = requirements.seen(board, symbol, zone.kind, zone.timeframe, side, now, zone.price(side))
        heard = requirements.reference(
            self._referred(symbol, now, board),
            self.config.reference,
            side,
            self.config.reference_least,
            self.config.reference_points,
        )
        parts, score = self._score(alignment, pattern, symbol, heard)
        if score < near:
            return None
        checks = self._checks(alignment, score, terms, symbol, board)
        if self.config.reference:
            checks = (*checks, heard)
        case = _Case(bar, side, alignment, parts, score, checks, pattern, now)
        if first_failed(checks) is not None:
            return self._near_miss(case)
        if choice is None:
            return self._near_miss(case, f"stop {min(risks)} ticks away")
        barrier = self._barrier(symbol, bar.close, side, board)
        first = self._first_target(case, risk, barrier)
        way = "" if barrier is None else instrument.text(barrier)
        reward = requirements.reward_to_risk(first / risk, self.config.min_reward_to_risk, way)
        case = structs.replace(case, checks=(*checks, reward))
        if not reward.passed:
            return self._near_miss(case)
        self._quiet_until[symbol] = now + self.config.cooldown_ns
        return self._idea(case, zone.label(side, instrument), risk, first)

    def _referred(self, symbol: str, now: int, board: SignalBoard) -> Contradiction | None:
        """What the reference says of a contract now; None where there is none, or too little is known."""
        config = self.config
        if not config.reference or symbol == config.reference:
            return None
        frame = config.reference_timeframe
        theirs = self.reference_bars or board.bars(config.reference, frame)
        ours = board.bars(symbol, frame)
        return correlated(ours, theirs, now, config.reference_bars, config.reference_move)

    def _score(
        self, alignment: Alignment, pattern: PatternSeen, symbol: str, heard: RequirementCheck
    ) -> tuple[tuple[ScorePart, ...], int]:
        """The parts of the score, and what they come to, tenths: what was learned moves it where that is
        enough to count.
        """
        config = self.config
        parts, score = alignment.parts, alignment.score_tenths
        found = None
        if config.learn:
            found = learned(self.experience, symbol, pattern, config.learn_trades, config.learn_points)
        more = [] if found is None else [found]
        if heard.passed and heard.words:
            more.append(ScorePart(config.reference, -config.reference_points, value=heard.value))
        return (*parts, *more), max(0, min(100, score + sum(round(10 * part.points) for part in more)))

    def _checks(
        self, alignment: Alignment, score: int, terms: ClassTerms, symbol: str, board: SignalBoard
    ) -> tuple[RequirementCheck, ...]:
        """The requirements that can be looked at before the stop is known."""
        volume = board.frame(symbol, terms.primary).volume.value
        return (
            *alignment.checks,
            requirements.score(score, terms.min_score_tenths),
            requirements.volume(volume, self.config.min_volume, terms.primary),
        )

    def _near_miss(self, case: _Case, reason: str = "") -> Declined | None:
        symbol, now = case.bar.instrument, case.now
        if now < self._told.get((symbol, case.side), 0):
            return None
        self._told[symbol, case.side] = now + self.config.near_cooldown_ns
        failed = first_failed(case.checks)
        return Declined(
            self.name,
            symbol,
            case.side,
            case.score_tenths,
            reason if failed is None else failed.text,
            now,
            case.parts,
            case.checks,
            case.pattern,
        )

    # -- where it turned -------------------------------------------------------------------------------

    def _touched(
        self, symbol: str, side: Side, probe: _Probe, atr: float, look_back: int, board: SignalBoard
    ) -> list[_Zone]:
        """Zones that price reached, did not go through, and closed beyond; the best first."""
        reach = round(self.config.reach_atr * atr)
        zones = self._zones(symbol, side, look_back, board)
        zones = [zone for zone in zones if _reacted(probe, zone, side, reach)]
        zones.sort(key=lambda zone: (-zone.rank, zone.high - zone.low))
        return zones

    def _zones(self, symbol: str, side: Side, look_back: int, board: SignalBoard) -> list[_Zone]:
        """Those that were made or touched within so many bars of their timeframe."""
        found: list[_Zone] = []
        for rank, timeframe in enumerate(_ENTRY_FRAMES):
            frame = board.frame(symbol, timeframe)
            oldest = frame.index - look_back
            for block in frame.live_blocks(side.sign):
                if max(block.created_index, block.last_touch) >= oldest:
                    worth = 10 * rank + _BLOCK_WORTH
                    found.append(_Zone(block.low, block.high, timeframe, PatternKind.BLOCK_HELD, 0, worth))
            for level in frame.levels.strong(self.config.min_level_touches):
                if level.last_index >= oldest:
                    worth, kind = 10 * rank + min(level.touches, 9), PatternKind.LEVEL_HELD
                    found.append(_Zone(level.low, level.high, timeframe, kind, level.touches, worth))
        return found

    # -- stop and targets ------------------------------------------------------------------------------

    def _stop(self, zone: _Zone, side: Side, probe: _Probe, atr: float) -> int:
        """Ticks from the entry to a stop beyond the zone, the move's extreme and a buffer."""
        far = min(zone.low, probe.extreme) if side is Side.BUY else max(zone.high, probe.extreme)
        risk = (probe.close - far) * side.sign + max(1, round(self.config.buffer_atr * atr))
        return max(risk, self.config.min_stop_ticks, round(self.config.min_stop_atr * atr))

    def _affordable(self, risk: int, atr: float, kind: InstrumentKind) -> bool:
        config = self.config
        most = max(config.min_stop_ticks, config.max_stop_atr * atr)
        return risk <= (min(config.max_stop_ticks, most) if kind is InstrumentKind.FUTURE else most)

    def _first_target(self, case: _Case, risk: int, barrier: int | None) -> int:
        """Ticks to the first target, in front of what is in the way, however near that is."""
        first = max(_at_least(self.config.min_reward_to_risk, risk), 2 * risk)
        if barrier is None:
            return first
        return max(0, min(first, (barrier - case.bar.close) * case.side.sign - 1))

    def _idea(self, case: _Case, label: str, risk: int, first: int) -> Idea:
        config, alignment, entry, sign = self.config, case.alignment, case.bar.close, case.side.sign
        second = max(_at_least(config.second_reward_to_risk, risk), first + risk)
        return Idea(
            strategy=self.name,
            instrument=case.bar.instrument,
            side=case.side,
            reference=entry,
            stop=entry - sign * risk,
            targets=(entry + sign * first, entry + sign * second),
            score_tenths=case.score_tenths,
            reasons=(label, f"{alignment.agreeing} of {alignment.of} agree", f"R:R {first / risk:.1f}"),
            ts=case.now,
            agreeing=alignment.agreeing,
            parts=case.parts,
            checks=case.checks,
            pattern=case.pattern,
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
