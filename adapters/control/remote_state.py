"""What a client knows of an engine in another process: the numbers go on over its restarts."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from msgspec.structs import replace

from engine.model.equity import EquityHistory
from engine.model.notices import LogLine, Notice

N = TypeVar("N", Notice, LogLine)

BEFORE_ALL = -(1 << 62)
"""Before the first number: what earlier runs told has numbers below 0."""


@dataclass(slots=True)
class Sequenced(Generic[N]):
    """Happenings by number, as they come in one run of the engine after the other; for any thread."""

    kept: deque[N]
    last: int = BEFORE_ALL
    """The newest number of the engine's run."""
    _shift: int = 0
    """What is added to its numbers, so that they go on where those of the run before ended."""
    _runs: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def new_run(self) -> None:
        """From now on numbers begin anew at the engine."""
        with self._lock:
            self._runs += 1
            self._shift = max((one.seq for one in self.kept), default=0)
            self.last = BEFORE_ALL

    def add(self, fresh: Iterable[N]) -> None:
        """What is newer than the last; numbers below 1 are what earlier runs told, which is known here but
        for the first.
        """
        with self._lock:
            for one in fresh:
                if self._runs > 1 and one.seq < 1:
                    continue
                self.last = one.seq
                self.kept.append(replace(one, seq=one.seq + self._shift))

    def after(self, seq: int) -> Sequence[N]:
        """Those newer than a number, oldest first."""
        with self._lock:
            if not self.kept or self.kept[-1].seq <= seq:
                return ()
            return [one for one in self.kept if one.seq > seq]

    def all(self) -> tuple[N, ...]:
        with self._lock:
            return tuple(self.kept)


class EquityOfBooks:
    """The days of each book as they came last; times are monotonic seconds."""

    AGAIN_S = 2.0
    """A book's are asked for no oftener."""

    def __init__(self) -> None:
        self.known: dict[str, EquityHistory] = {}
        self._asked: dict[str, float] = {}

    def due(self, book: str, now: float) -> bool:
        """Whether it is time to ask for a book's; if so, it counts as asked."""
        if now - self._asked.get(book, -self.AGAIN_S) < self.AGAIN_S:
            return False
        self._asked[book] = now
        return True

    def take(self, history: EquityHistory | None) -> None:
        """What came; None where the engine could not tell."""
        if history is not None:
            self.known[history.book] = history
