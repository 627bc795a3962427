"""When a book asks the venue for its truth, and which question an answer belongs to."""

from __future__ import annotations

from collections import deque

from engine.model.effects import TakeSnapshot
from engine.model.market import MINUTE, NANOS
from engine.state.turn import Turn

LOOK_AGAIN_NS = 2 * NANOS
"""A request that has not shown its result by then is looked up; a failed look is repeated after it."""

UNPROVEN_NS = 3 * NANOS
"""What is urgent waits no longer than this for a look that fails or is not answered."""

_LOST_NS = 15 * NANOS
_OFTEN = 20
"""So many looks in a minute are a lasting trouble: they go on, but slower, and leave room for orders."""
_SLOW_NS = 3 * NANOS


class Inquiry:
    """The looks of one book. All times are the core's now, nanoseconds UTC."""

    def __init__(self, book: str, turn: Turn) -> None:
        self._book = book
        self._turn = turn
        self._open: dict[int, int] = {}
        """`since` of each unanswered question, which makes it unique, to the time when it was asked."""
        self._asked: deque[int] = deque(maxlen=_OFTEN)
        self.due_ts: int | None = None
        self.answered_ts = 0
        """When the venue's truth last came; 0 before the first answer of this run."""
        self.ended_ts = 0
        """When a question was last answered or failed."""
        self._failed = False
        self._hurried = False
        self.proven_ts = 0
        """When the newest answered question was asked: what was true before it is known."""

    def want(self, delay_ns: int) -> None:
        """Have the truth looked up after a delay; an earlier wish stands."""
        due = self._turn.now + delay_ns
        self.due_ts = due if self.due_ts is None else min(self.due_ts, due)

    def hurry(self) -> None:
        """Ask at once: the stream was gone, and nobody knows what it would have told."""
        self._hurried = True
        self.want(0)

    def ask(self, since: int) -> None:
        """Ask, if it is due. One question at a time: a flood of them answers nothing sooner.

        A question that got lost with its answer is asked again.
        """
        now = self._turn.now
        newest = max(self._open.values(), default=0)
        if self.due_ts is None and newest > self.proven_ts and now >= newest + _LOST_NS:
            self.due_ts = now
        if self.due_ts is None or now < self.due_ts or now < self._not_before():
            return
        while since in self._open:
            since -= 1
        self._open[since] = now
        self._asked.append(now)
        self.due_ts = None
        self._hurried = False
        self._turn.request(TakeSnapshot(self._book, since))

    def answered(self, since: int) -> int | None:
        """When the question behind an answer was asked; None for an answer older than one already taken.

        An answer to nothing that we asked counts as asked at no time: it adds to what is known, and its
        silence proves nothing.
        """
        asked = self._open.pop(since, 0)
        if asked and asked < self.proven_ts:
            return None
        self.proven_ts = max(self.proven_ts, asked)
        self.answered_ts = self.ended_ts = self._turn.now
        self._failed = False
        return asked

    def failed(self) -> None:
        """A question was not answered: ask again a little later."""
        if self._open:
            del self._open[min(self._open, key=self._open.__getitem__)]
        self.ended_ts = self._turn.now
        self._failed = True
        self.want(LOOK_AGAIN_NS)

    def _not_before(self) -> int:
        if self._open:
            # What was asked before the stream came back may hang with the line that broke.
            return max(self._open.values()) + (LOOK_AGAIN_NS if self._hurried else _LOST_NS)
        if not self.ended_ts or self._hurried:
            return 0
        often = len(self._asked) == _OFTEN and self._turn.now - self._asked[0] < MINUTE
        return self.ended_ts + (_SLOW_NS if often else LOOK_AGAIN_NS if self._failed else NANOS)
