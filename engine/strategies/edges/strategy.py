"""The strategy "edge": it says a validated pattern at the close at which it is known, with the stop and the
target that it was tested with (docs/scanner.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from msgspec import Struct

from engine.market.bars import BarsClosed
from engine.market.calendars.known import calendar_of
from engine.model.expectation import Expectation
from engine.model.market import USUAL, Bar, Side, Timeframe
from engine.model.plans import Idea
from engine.model.scores import PatternSeen
from engine.signals.board import SignalBoard
from engine.signals.occurrences import ANY, Occurrence, at_close
from engine.strategies.edges.words import context_words, pattern_words
from engine.strategies.protocol import Declined, Said

SCORE_TENTHS = 100
"""It was tested, or it is not here."""
_WAYS = {1: "up", -1: "down"}


class EdgeConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """One edge, and how it is played."""

    signal: str
    """As the analysis calls it: "break bos long 5m, trending with"."""
    timeframe: Timeframe
    pattern: str
    reward_to_risk: float
    """Where the target is, in multiples of the risk."""
    direction: int = 0
    """+1 long, -1 short, 0 whichever way the pattern points."""
    context: str = ANY
    hold_bars: int = 24
    """A trade is ended after so many bars of the timeframe."""
    aligned: bool = False
    """Only where the next longer timeframe does not point the other way."""
    expectation: Expectation | None = None
    """What its backtest says."""


class EdgePlayer:
    """Plays one edge. It remembers nothing."""

    def __init__(self, config: EdgeConfig) -> None:
        self.config = config
        self.name = config.signal
        self.expectation = config.expectation
        self.longer = next((one for one in USUAL if one.nanos > config.timeframe.nanos), None)
        """What its signals may be held against; None where nothing longer is folded."""
        self.timeframes = frozenset((config.timeframe, *([self.longer] if self.longer else ())))

    def on_bars(self, closed: BarsClosed, board: SignalBoard) -> Sequence[Said]:
        """A blind or backfilled bar says nothing."""
        found: list[Said] = []
        for bar in closed.bars:
            if bar.timeframe is not self.config.timeframe or bar.gap or bar.backfilled:
                continue
            regime = board.regime(bar.instrument, bar.timeframe)
            frame = board.frame(bar.instrument, bar.timeframe)
            calendar = calendar_of(board.instrument(bar.instrument).calendar)
            found += [
                self._said(one, bar, board)
                for one in at_close(bar, frame, regime, calendar)
                if self._plays(one)
            ]
        return found

    def _plays(self, one: Occurrence) -> bool:
        config = self.config
        return (
            one.pattern == config.pattern
            and config.direction in (0, one.direction)
            and config.context in one.contexts
        )

    def _said(self, one: Occurrence, bar: Bar, board: SignalBoard) -> Idea | Declined:
        side = Side.BUY if one.direction > 0 else Side.SELL
        regime = board.regime(bar.instrument, bar.timeframe).value
        pattern = PatternSeen(
            one.pattern,
            bar.timeframe,
            one.direction,
            one.known_at,
            bar.close,
            "" if regime is None else regime,
            board.hour(bar.instrument, one.known_at),
        )
        against = self._against(one, bar, board)
        if against:
            return Declined(
                self.name, bar.instrument, side, SCORE_TENTHS, against, one.known_at, pattern=pattern
            )
        risk = (bar.close - one.stop) * one.direction
        target = bar.close + one.direction * ceil(round(self.config.reward_to_risk * risk, 6))
        return Idea(
            strategy=self.name,
            instrument=bar.instrument,
            side=side,
            reference=bar.close,
            stop=one.stop,
            targets=(target,),
            score_tenths=SCORE_TENTHS,
            reasons=(
                pattern_words(one.pattern, one.direction),
                *context_words(self.config.context, self.config.timeframe),
            ),
            ts=one.known_at,
            exit_ts=one.known_at + self.config.hold_bars * bar.timeframe.nanos,
            pattern=pattern,
            expectation=self.expectation,
        )

    def _against(self, one: Occurrence, bar: Bar, board: SignalBoard) -> str:
        """What the longer timeframe has against it; empty where nothing, or where nobody asks."""
        if not self.config.aligned or self.longer is None:
            return ""
        direction = board.frame(bar.instrument, self.longer).reading.direction
        return f"{self.longer} points {_WAYS[direction]}" if direction == -one.direction else ""
