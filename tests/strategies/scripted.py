"""A strategy that says what it was told to say, for tests of the order path."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from engine.market.bars import BarsClosed
from engine.model.market import Timeframe
from engine.model.plans import Exit, Idea
from engine.signals.board import SignalBoard
from engine.strategies.protocol import Said


class ScriptedStrategy:
    """Gives each idea or exit of its script at the first close of its instrument's minute from a time on.

    The script is (time in nanoseconds UTC, idea); the idea's `ts` becomes the close that gave it. With
    `relative` its prices count from that close: reference 0, stop and targets as signed ticks.
    """

    name = "scripted"

    def __init__(
        self, script: Iterable[tuple[int, Idea] | tuple[int, Exit]], *, relative: bool = False
    ) -> None:
        self._script = sorted(script, key=lambda entry: entry[0])
        self._relative = relative

    def on_bars(self, closed: BarsClosed, board: SignalBoard) -> Sequence[Said]:
        closes = {bar.instrument: bar.close for bar in closed.bars if bar.timeframe is Timeframe.M1}
        due = [entry for entry in self._script if entry[0] <= closed.ts and entry[1].instrument in closes]
        self._script = [entry for entry in self._script if entry not in due]
        return [self._at(idea, closed.ts, closes[idea.instrument]) for _, idea in due]

    def _at(self, idea: Idea | Exit, ts: int, close: int) -> Idea | Exit:
        if not self._relative or isinstance(idea, Exit):
            return replace(idea, ts=ts)
        return replace(
            idea,
            ts=ts,
            reference=close + idea.reference,
            stop=close + idea.stop,
            targets=tuple(close + target for target in idea.targets),
        )
