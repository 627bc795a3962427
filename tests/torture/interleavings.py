"""Random interleavings of scripted trading, each different, each the same for the same seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.lab.replay import BOOK
from engine.model import records as r
from engine.model.market import NANOS
from engine.model.orders import OrderStatus, Slot
from tests.torture.mishap_replay import play
from tests.torture.mishaps import Mode, Scene, scenes
from tests.torture.spread import play_drawn


@dataclass
class Tally:
    """What so many scenes came to."""

    scenes: int = 0
    modes: Counter[str] = field(default_factory=Counter)
    boots: int = 0
    trades: int = 0
    fills: int = 0
    parts: int = 0
    """Orders that have closed a part of a trade, whole."""
    naked_s: list[float] = field(default_factory=list)
    """How long the venue held something without a stop, where stops are our own."""
    hanging_s: list[float] = field(default_factory=list)
    """The same, where a request about an order alone was to blame."""
    done: Counter[str] = field(default_factory=Counter)
    """Commands of people that were carried out, by kind."""
    mishaps: Counter[str] = field(default_factory=Counter)
    """By what they befell and what it was, those that came to pass."""

    def __iadd__(self, other: Tally) -> Tally:
        self.scenes += other.scenes
        self.modes += other.modes
        self.boots += other.boots
        self.trades += other.trades
        self.fills += other.fills
        self.parts += other.parts
        self.done += other.done
        self.mishaps += other.mishaps
        self.naked_s += other.naked_s
        self.hanging_s += other.hanging_s
        return self


def interleave(first: int, count: int, modes: Sequence[Mode] = tuple(Mode)) -> Tally:
    """Play so many scenes drawn from a seed. Raises AssertionError with the smallest scene that breaks."""
    tally = Tally()

    def one(scene: Scene) -> None:
        played = play(scene)
        tally.scenes += 1
        tally.modes[scene.mode] += 1
        tally.boots += played.boots
        tally.trades += len(played._core.state.book(BOOK).trades)
        tally.fills += sum(isinstance(record, r.FillApplied) for record in played.journal)
        orders = played._core.state.book(BOOK).orders.values()
        tally.parts += sum(o.slot is Slot.PART and o.status is OrderStatus.FILLED for o in orders)
        tally.done.update(
            type(record.command).__name__
            for record in played.journal
            if isinstance(record, r.CommandTaken) and record.done
        )
        tally.naked_s += [spent / NANOS for spent in played.naked]
        tally.hanging_s += [spent / NANOS for spent in played.naked_by_hanging]
        tally.mishaps.update(f"{mishap.kind}: {mishap.fate}" for mishap in played.suffered)

    play_drawn(one, first, count, scenes(*modes))
    return tally
