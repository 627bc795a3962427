"""What a strategy is to the engine: closed bars in, ideas, near misses and exits out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from msgspec import Struct

from engine.market.bars import BarsClosed
from engine.model.market import Side
from engine.model.plans import Exit, Idea
from engine.model.scores import PatternSeen, RequirementCheck, ScorePart
from engine.signals.board import SignalBoard


class Declined(Struct, frozen=True):
    """Something that was nearly an idea, and what was missing."""

    strategy: str
    instrument: str
    side: Side
    score_tenths: int
    reason: str
    ts: int
    """Close of the bar that nearly gave it, nanoseconds UTC."""
    parts: tuple[ScorePart, ...] = ()
    """What the score is made of."""
    checks: tuple[RequirementCheck, ...] = ()
    """The requirements as far as they were looked at, those that were met among them."""
    pattern: PatternSeen | None = None

    @property
    def text(self) -> str:
        """As the cockpit says it: "short ES 5.1 refused: 2 of 5 timeframes"."""
        side = "long" if self.side is Side.BUY else "short"
        score = f"{self.score_tenths // 10}.{self.score_tenths % 10}"
        return f"{side} {self.instrument} {score} refused: {self.reason}"


Said = Idea | Declined | Exit
"""What a strategy may say of a close."""


class Strategy(Protocol):
    """Decides on closed bars alone; the same bars give the same answers.

    It may have `timeframes` too: what it looks at, where that is not the usual 1m, 5m, 15m, 30m and 1h
    (docs/semantics.md#timeframes).
    """

    name: str

    def on_bars(self, closed: BarsClosed, board: SignalBoard) -> Sequence[Said]:
        """What this close suggests, instruments in order. The board already knows these bars."""


@runtime_checkable
class Following(Protocol):
    """A strategy that takes other measures while it runs."""

    config: Any
    """A Struct of its measures."""

    def follow(self, config: Any) -> None:
        """Count by these from now on; what it looks at stays as it was."""
