"""Random interleavings with two bots in one contract of one book: neither gets in the other's way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from hypothesis import strategies as st

from engine.books.bots import Bot
from engine.core import Outcome
from engine.lab.replay import BOOK
from engine.model import records as r
from engine.model.bots import BotConfig
from engine.model.market import MINUTE
from engine.model.orders import Slot
from engine.model.plans import MANUAL, Idea
from engine.state.state import BookState, PlanState
from tests.market.feed import T0
from tests.strategies.scripted import ScriptedStrategy
from tests.torture.mishap_replay import MishapReplay
from tests.torture.mishaps import FUTURES, Scene, scenes
from tests.torture.spread import play_drawn

NAMES = ("first", "second")


class Second(NamedTuple):
    """How the second bot trades, beside the first one."""

    stop: int
    targets: tuple[int, ...]
    minutes: tuple[int, ...]
    """Closes at which it has its idea."""


SECONDS = st.builds(
    Second,
    st.sampled_from([20, 40, 60]),
    st.sampled_from([(60,), (80,), (90, 120), (80, 160)]),
    st.sampled_from([(1, 2, 3), (2, 3), (2,), (3,)]),
)


class BesideReplay(MishapReplay):
    """The same mishaps, befalling two."""

    def __init__(self, scene: Scene, second: Second) -> None:
        self.second = second
        self.together = 0
        """How many steps both have held contracts for."""
        super().__init__(scene)

    def _strategies(self, ideas: Sequence[tuple[int, Idea]]) -> Sequence[Bot]:
        sign, (_, first) = self.scene.side.sign, ideas[0]
        targets = tuple(sign * ticks for ticks in self.second.targets)
        own = Idea("scripted", "MNQ", first.side, 0, -sign * self.second.stop, targets, 80, ("test",), 0, 3)
        later = [(T0 + minute * MINUTE, own) for minute in self.second.minutes]
        return [
            Bot(BotConfig(name, "scripted"), ScriptedStrategy(script, relative=True))
            for name, script in zip(NAMES, (ideas, later), strict=True)
        ]

    def _take(self, outcome: Outcome) -> None:
        super()._take(outcome)
        book = self._core.state.book(BOOK)
        plans = list(book.plans.values())
        assert len({one.plan.side for one in plans}) <= 1, "trades of both directions in one book"
        self.together += sum(one.open_qty > 0 for one in plans) > 1
        # A fill of a trade that is over is made good by flattening; an exit may be told before its entry.
        told = all(leg.open_qty >= 0 for one in plans for leg in one.legs)
        if told and not book.flattening:
            assert book.position("MNQ").qty == book.shares("MNQ"), "the shares are not the position"

    def _look_around(self) -> None:
        """Each share has its own stop, for all of it."""
        super()._look_around()
        book = self._core.state.book(BOOK)
        for found in book.plans.values():
            assert _guarded(book, found) == found.open_qty, f"{found.plan.bot} is not protected by itself"

    def _look_back(self) -> None:
        super()._look_back()
        book = self._core.state.book(BOOK)
        won = sum((one.won_usd - one.lost_usd for one in book.records.values()), Decimal(0))
        # What exits that filled in a race opened is the book's alone: neither bot had the idea.
        astray = sum((one.net_usd for one in book.trades if not one.plan_id), Decimal(0))
        off = min(abs(won - book.earned_usd), abs(won + astray - book.earned_usd))
        assert off < Decimal("0.001"), f"credited {won}, earned {book.earned_usd}, {astray} by nobody's idea"
        assert set(book.records) <= {*NAMES, MANUAL}


def _guarded(book: BookState, found: PlanState) -> int:
    stops = (o for o in book.live_orders("MNQ") if o.plan_id == found.plan.plan_id and o.slot is Slot.STOP)
    return sum(order.open_qty for order in stops if order.stands)


@dataclass
class Tally:
    """What so many scenes came to."""

    scenes: int = 0
    boots: int = 0
    together: int = 0
    """Scenes in which both have held contracts at a time."""
    opened: Counter[str] = field(default_factory=Counter)

    def __iadd__(self, other: Tally) -> Tally:
        self.scenes += other.scenes
        self.boots += other.boots
        self.together += other.together
        self.opened += other.opened
        return self


def play(scene: Scene, second: Second) -> BesideReplay:
    """Play a scene to its end. Raises AssertionError where an invariant breaks."""
    played = BesideReplay(scene, second)
    played.play()
    return played


def interleave(first: int, count: int) -> Tally:
    """Play so many scenes drawn from a seed. Raises AssertionError with the smallest scene that breaks."""
    tally = Tally()

    def one(scene: Scene, second: Second) -> None:
        played = play(scene, second)
        tally.scenes += 1
        tally.boots += played.boots
        tally.together += played.together > 0
        opened = (record for record in played.journal if isinstance(record, r.PlanOpened))
        tally.opened.update(one.plan.bot for one in opened if one.plan.book == BOOK and one.plan.bot)

    play_drawn(one, first, count, scenes(*FUTURES), SECONDS)
    return tally
