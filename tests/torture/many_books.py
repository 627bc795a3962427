"""Random interleavings over three accounts on two venues and a paper book that trade a future and a
perpetual, the same for the same seed.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from hypothesis import strategies as st
from msgspec import structs

from engine.books.opening import PAPER
from engine.model import records as r
from engine.model.commands import Flatten, Pause, Resume
from engine.model.config import BookConfig, PaperConfig
from engine.model.limits import RiskLimits
from engine.model.market import MINUTE, NANOS, Side
from engine.model.plans import Idea
from tests.market.feed import T0
from tests.support.instruments import PERPETUAL
from tests.support.many_books import ACCOUNTS, ALPHA, BETA, EVERY, ManyBooks
from tests.torture.spread import play_drawn

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
BITCOIN = structs.replace(PERPETUAL, symbol="BTCUSD.P", root="BTCUSD", currency="USD")
"""In lots of a ten-thousandth, round the clock."""
SYMBOLS = {"MNQ": 1, BITCOIN.symbol: 30}
"""By how many ticks each moves for one of a mishap."""
DAY = 24 * 60 * MINUTE
MIDNIGHT = T0 - T0 % DAY + DAY
SCENES = st.lists(MISHAPS, max_size=10)
STARTS = st.sampled_from([T0, MIDNIGHT - 2 * MINUTE])
"""In the morning, and so that the perpetual's day rolls meanwhile and the future's does not."""
LIMITS = RiskLimits(max_contracts=150, max_trades=100, max_losses_in_a_row=0)
CALENDARS = {ALPHA: "cme", BETA: "always"}
BOOKS = (
    *(BookConfig(name, venue, LIMITS, calendar=CALENDARS[venue]) for name, venue in ACCOUNTS.items()),
    BookConfig(PAPER, risk=LIMITS, paper=PaperConfig()),
)


def idea(symbol: str, side: Side) -> Idea:
    """With its stop and targets as far away as the instrument moves."""
    each = side.sign * SYMBOLS[symbol]
    return Idea("scripted", symbol, side, 0, -40 * each, (80 * each, 160 * each), 80, ("test",), 0, 3)


@dataclass
class Tally:
    """What so many scenes came to."""

    scenes: int = 0
    boots: int = 0
    trades: Counter[str] = field(default_factory=Counter)
    """By instrument."""
    switches: int = 0
    mishaps: Counter[str] = field(default_factory=Counter)

    def __iadd__(self, other: Tally) -> Tally:
        self.scenes += other.scenes
        self.boots += other.boots
        self.trades += other.trades
        self.switches += other.switches
        self.mishaps += other.mishaps
        return self


SIDES = {"MNQ": Side.BUY, BITCOIN.symbol: Side.SELL}


class Scene(ManyBooks):
    """One day's minutes with what befalls them. Raises AssertionError."""

    def __init__(self, mishaps: list[Mishap], start: int) -> None:
        ideas = [(60 * minute, idea(symbol, SIDES[symbol])) for symbol in SYMBOLS for minute in (1, 2, 3)]
        super().__init__(ideas, BOOKS, others={BITCOIN: 600_000}, start=start)
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
            assert not any(self.book(name).position(one).qty for one in SYMBOLS), f"{name} is not flat"
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
                for symbol, each in SYMBOLS.items():
                    self.prices[symbol] += each * mishap.size
            case _:
                pass

    def _agreed(self) -> None:
        """Every book believes what its account's venue holds, and every trade has its stop there."""
        for name, broker in self.accounts.items():
            book = self.book(name)
            assert self.core.books[name].orders.reconciled, f"{name} is not reconciled"
            for symbol in SYMBOLS:
                qty, held = book.position(symbol).qty, broker.held(symbol)
                assert qty == held, f"{name} believes {qty} {symbol}, its venue holds {held}"
                standing = [o for o in broker.venue.orders if o.status.live and o.stop is not None]
                stops = sum(o.qty - o.filled_qty for o in standing if o.instrument == symbol)
                assert stops == abs(qty), f"{name} holds {qty} {symbol} with stops for {stops}"


def interleave(first: int, count: int) -> Tally:
    """Play so many scenes drawn from a seed. Raises AssertionError with the smallest scene that breaks."""
    tally = Tally()

    def one(mishaps: list[Mishap], start: int) -> None:
        scene = Scene(mishaps, start)
        scene.play()
        tally.scenes += 1
        tally.boots += scene.boots
        tally.switches += scene.switches + scene.core.market.sources.switches
        tally.trades.update(trade.instrument for name in EVERY for trade in scene.book(name).trades)
        tally.mishaps.update(str(mishap.what) for mishap in mishaps)

    play_drawn(one, first, count, SCENES, STARTS)
    return tally
