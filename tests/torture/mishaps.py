"""What can go wrong between engine and venue, as plain values that hypothesis can draw and shrink."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

from hypothesis import strategies as st

from engine.model.commands import AddManual, AnyCommand, BreakEven, Flatten, Pause, ReduceManual, Resume
from engine.model.market import Side
from tests.torture import by_hand


class Kind(StrEnum):
    """What a mishap befalls; the messages of each kind are counted from 0."""

    REQUEST = "request"
    """Place, modify, cancel or close on its way to the venue."""
    ANSWER = "answer"
    """The venue's reply to one of these."""
    STREAM = "stream"
    """An order or fill told by the user hub."""
    TRUTH = "truth"
    """A snapshot of the venue."""
    COMMIT = "commit"
    """One step's records, made durable."""


class Fate(StrEnum):
    LOST = "lost"
    """Never arrives, and the sender can't know."""
    UNSENT = "unsent"
    """Never leaves, and the sender knows."""
    LATE = "late"
    """Arrives after so many ms; a late request is answered with "unknown" long before."""
    HUNG = "hung"
    """Never arrives; the sender waits for the answer until it gives up."""
    HUNG_LATE = "hung, late"
    """Arrives after so many ms; the sender waits as long as for one that never does."""
    UNTOLD = "untold"
    """The hub leaves it out, and nobody notices."""
    ABSURD = "absurd"
    """Behind it the hub tells of a fill that never was."""
    FORGOTTEN = "forgotten"
    """The venue acted; its answer is lost."""
    DOUBLED = "doubled"
    """Comes a second time after so many ms."""
    DEAF = "deaf"
    """The hub hears nothing from here on for so many ms; its drop is noticed at the end of them."""
    DOWN = "down"
    """The same, noticed at once."""
    KILLED_BEFORE = "killed before"
    """The process dies before it happens, and is connected again after so many ms."""
    KILLED_AFTER = "killed after"


FATES: dict[Kind, tuple[Fate, ...]] = {
    Kind.REQUEST: (
        *(Fate.LOST, Fate.UNSENT, Fate.LATE, Fate.HUNG, Fate.HUNG_LATE),
        *(Fate.KILLED_BEFORE, Fate.KILLED_AFTER),
    ),
    Kind.ANSWER: (Fate.LATE, Fate.FORGOTTEN, Fate.HUNG, Fate.DOUBLED, Fate.KILLED_BEFORE, Fate.KILLED_AFTER),
    Kind.STREAM: (
        *(Fate.LATE, Fate.DOUBLED, Fate.UNTOLD, Fate.ABSURD, Fate.DEAF, Fate.DOWN),
        *(Fate.KILLED_BEFORE, Fate.KILLED_AFTER),
    ),
    Kind.TRUTH: (Fate.LATE, Fate.LOST, Fate.KILLED_BEFORE, Fate.KILLED_AFTER),
    Kind.COMMIT: (Fate.KILLED_BEFORE, Fate.KILLED_AFTER),
}
DELAYS_MS = (0, 20, 60, 300, 1_200, 3_000, 8_000)


class Mishap(NamedTuple):
    kind: Kind
    nth: int
    fate: Fate
    ms: int


class Move(NamedTuple):
    """The price goes to so many ticks from the opening, in the trade's favour, and stays for so long."""

    ticks: int
    seconds: int


class Deed(NamedTuple):
    """A person's command, so many seconds after trading began."""

    second: int
    command: AnyCommand


class Mode(StrEnum):
    """Who keeps stops and targets."""

    NATIVE = "native"
    REFUSED = "refused"
    """The account refuses native brackets, which the engine has to find out."""
    OWN = "own"
    PERPETUAL = "perpetual"
    """The venue has none; a perpetual round the clock."""
    COINS = "coins"
    """Nor has this one, and it tells balances; somebody else's coins are in the account too."""
    PAIR = "pair"
    """The same without somebody else's, and a pair of stop and target sets aside what either would sell."""
    ONE_EXIT = "one exit"
    """The same for a stop alone: no target rests beside it."""
    ANEW = "anew"
    """The same, and a stop that rests can't be changed."""

    @property
    def coins(self) -> bool:
        return self in COINS


COINS = (Mode.COINS, Mode.PAIR, Mode.ONE_EXIT, Mode.ANEW)


class Scene(NamedTuple):
    """One scripted stretch of trading and everything that goes wrong in it."""

    mode: Mode
    side: Side
    targets: int
    moves: tuple[Move, ...]
    mishaps: tuple[Mishap, ...]
    deeds: tuple[Deed, ...]
    paper: bool = False
    """A second book trades the same ideas on paper."""
    portion_ms: int = 0
    """Orders at market fill a contract at a time, so far apart; 0: at once."""

    def path(self, before: int, a_second: int, side: Side) -> Iterator[int]:
        """Ticks away from the opening, one at each of so many looks a second; the last one stays."""
        yield from [0] * before
        last = 0
        for move in self.moves:
            last = side.sign * move.ticks
            yield from [last] * (move.seconds * a_second)
        while True:
            yield last


STOP_TICKS, TARGET_TICKS = 40, (80, 160)
_MOVES = st.builds(Move, st.sampled_from([0, 10, -44, -60, 84, 100, 164, 200, -20, 50]), st.integers(1, 15))
MESSAGES = {Kind.REQUEST: 9, Kind.ANSWER: 9, Kind.STREAM: 30, Kind.TRUTH: 8, Kind.COMMIT: 30}
"""About how many of each kind there are in one or two trades."""
_MISHAPS = st.sampled_from(Kind).flatmap(
    lambda kind: st.builds(
        Mishap,
        st.just(kind),
        st.integers(0, MESSAGES[kind]),
        st.sampled_from(FATES[kind]),
        st.sampled_from(DELAYS_MS),
    )
)
_PARTS = (
    ReduceManual(id="half", instrument="MNQ"),
    ReduceManual(id="half again", instrument="MNQ"),
    ReduceManual(id="one", instrument="MNQ", qty=1),
    ReduceManual(id="two", instrument="MNQ", qty=2),
)
_COMMANDS: tuple[AnyCommand, ...] = (
    BreakEven(id="b", instrument="MNQ"),
    Flatten(id="f", instrument="MNQ"),
    Pause(id="p"),
    Resume(id="r"),
    *_PARTS,
    *by_hand.COMMANDS,
)


def _deeds(commands: Sequence[AnyCommand], most: int) -> st.SearchStrategy[tuple[Deed, ...]]:
    return st.lists(st.builds(Deed, st.integers(0, 110), st.sampled_from(commands)), max_size=most).map(tuple)


_ADDED = st.builds(
    Deed, st.integers(2, 30), st.sampled_from([one for one in by_hand.COMMANDS if isinstance(one, AddManual)])
)
_THEN = st.builds(Deed, st.integers(5, 110), st.sampled_from((*_PARTS, *by_hand.COMMANDS)))
_DEEDS = _deeds(_COMMANDS, 3) | st.tuples(_ADDED, _THEN, _THEN)
"""Or something is added to what was just entered, before the rest happens."""
_DEEDS_WITH_COINS = _deeds((*_PARTS, AddManual(id="more", order=by_hand.THIS, qty=1)), 4) | _deeds(
    _COMMANDS, 3
)
"""A part of coins is closed by stops that give them up first: that is tried more often."""

FUTURES = (Mode.NATIVE, Mode.REFUSED, Mode.OWN)


def scenes(*modes: Mode) -> st.SearchStrategy[Scene]:
    """Shrinks to few mishaps, early ones, short delays and a still market."""
    return st.builds(
        Scene,
        st.sampled_from(modes),
        st.sampled_from(Side),
        st.integers(1, 2),
        st.lists(_MOVES, min_size=2, max_size=16).map(tuple),
        st.lists(_MISHAPS, min_size=1, max_size=12, unique_by=lambda m: (m.kind, m.nth)).map(tuple),
        _DEEDS_WITH_COINS if set(modes) <= set(COINS) else _DEEDS,
        st.booleans(),
        st.sampled_from([0, 0, 0, 300, 4_000]),
    )


SCENES = scenes(*Mode)
