"""Random interleavings over three accounts on two venues and a paper book, the same for the same seed."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from engine.model import records as r
from engine.model.commands import Flatten, Pause, Resume
from engine.model.market import NANOS
from tests.support.many_books import ACCOUNTS, ALPHA, BETA, EVERY, ManyBooks, long_idea

CALM_S = 50
"""After this every venue has been well long enough for prices to be the preferred one's again."""


class What(StrEnum):
    OUTAGE = "a venue is down"
    KILL = "the process is killed"
    FLATTEN = "one book is flattened"
    PAUSE = "one book is paused and resumed"
    MOVE = "the market moves"


@dataclass(frozen=True)
class Mishap:
    after_s: int
    what: What
    whose: str
    """A book; of an outage its venue fails."""
    size: int
    """Ticks of a move, seconds of an outage."""


MISHAPS = st.builds(
    Mishap, st.integers(0, 12), st.sampled_from(What), st.sampled_from(EVERY), st.integers(-60, 60)
)
SCENES = st.lists(MISHAPS, max_size=10)


@dataclass
class Tally:
    """What so many scenes came to."""

    scenes: int = 0
    boots: int = 0
    trades: int = 0
    switches: int = 0
    mishaps: Counter[str] = field(default_factory=Counter)

    def __iadd__(self, other: Tally) -> Tally:
        self.scenes += other.scenes
        self.boots += other.boots
        self.trades += other.trades
        self.switches += other.switches
        self.mishaps += other.mishaps
        return self


class Scene(ManyBooks):
    """One day's minutes with what befalls them. Raises AssertionError."""

    def __init__(self, mishaps: list[Mishap]) -> None:
        super().__init__([(60, long_idea()), (120, long_idea()), (180, long_idea())])
        self.step_ns = NANOS // 2
        self.invariants.protection_due = False  # nothing can be placed at a venue that is down
        self.switches = 0
        self._mishaps = mishaps
        self._back: dict[str, int] = {}
        self._meant: set[str] = set()
        """Books that somebody has asked to be flattened."""

    def play(self) -> None:
        self.connect()
        self.pass_time(58)
        for mishap in self._mishaps:
            self._pass(mishap.after_s + 1)
            self._befall(mishap)
        for venue in (ALPHA, BETA):
            if venue not in self.up:
                self.back(venue)
        self.pass_time(20)
        self.step_ns = NANOS
        self.pass_time(CALM_S)
        self._agreed()
        started = {one.book for one in self.written(r.FlattenStarted) if one.reason == "manual"}
        assert started <= self._meant, "a flatten of one book has touched another"
        self.say(Flatten(id="end"))
        self.pass_time(15)
        self._agreed()
        for name in EVERY:
            assert not self.book(name).position("MNQ").qty, f"{name} is not flat"
            assert not self.book(name).flattening, f"{name} is not verified flat"
            assert not self.book(name).live_orders(), f"orders of {name} are left"
        for name, broker in self.accounts.items():
            assert not [o for o in broker.venue.orders if o.status.live], f"{name}'s venue keeps orders"

    def _pass(self, seconds: int) -> None:
        for _ in range(seconds):
            for venue, at in list(self._back.items()):
                if self.now >= at:
                    del self._back[venue]
                    self.back(venue)
            self.pass_time(1)

    def _befall(self, mishap: Mishap) -> None:
        venue = ACCOUNTS.get(mishap.whose, BETA)
        match mishap.what:
            case What.OUTAGE if venue in self.up:
                self.down(venue)
                self._back[venue] = self.now + (abs(mishap.size) + 1) * NANOS
            case What.KILL:
                self.switches += self.core.market.sources.switches
                self.restart()
            case What.FLATTEN:
                self._meant.add(mishap.whose)
                self.say(Flatten(id=f"f{self.now}", book=mishap.whose))
                self.say(Resume(id=f"r{self.now}", book=mishap.whose))
            case What.PAUSE:
                self.say(Pause(id=f"p{self.now}", book=mishap.whose))
                paused = {key for key in self.core.state.restrictions if key.endswith("/")}
                assert paused <= {f"{name}/" for name in EVERY}, "a pause of one book is for all"
                self.say(Resume(id=f"q{self.now}", book=mishap.whose))
            case What.MOVE:
                self.price += mishap.size
            case _:
                pass

    def _agreed(self) -> None:
        """Every book believes what its account's venue holds, and every trade has its stop there."""
        for name, broker in self.accounts.items():
            book = self.book(name)
            assert self.core.books[name].orders.reconciled, f"{name} is not reconciled"
            qty = book.position("MNQ").qty
            assert qty == broker.held("MNQ"), f"{name} believes {qty}, its venue holds {broker.held('MNQ')}"
            standing = [o for o in broker.venue.orders if o.status.live and o.stop is not None]
            stops = sum(o.qty - o.filled_qty for o in standing)
            assert stops == abs(qty), f"{name} holds {qty} with stops for {stops}"


def interleave(first: int, count: int) -> Tally:
    """Play so many scenes drawn from a seed. Raises AssertionError with the smallest scene that breaks."""
    tally = Tally()

    @seed(first)
    @settings(
        max_examples=count, deadline=None, database=None, print_blob=False,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(SCENES)
    def one(mishaps: list[Mishap]) -> None:
        scene = Scene(mishaps)
        scene.play()
        tally.scenes += 1
        tally.boots += scene.boots
        tally.switches += scene.switches + scene.core.market.sources.switches
        tally.trades += sum(len(scene.book(name).trades) for name in EVERY)
        tally.mishaps.update(str(mishap.what) for mishap in mishaps)

    one()
    return tally


def interleave_all(first: int, count: int, jobs: int) -> Tally:
    """The same on several processes, whose seeds follow each other."""
    whole = Tally()
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        shares = [(first + n, count // jobs + (n < count % jobs)) for n in range(jobs)]
        for tally in pool.starmap(interleave, shares):
            whole += tally
    return whole
