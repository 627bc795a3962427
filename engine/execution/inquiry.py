"""When a book asks the venue for its truth, and which question an answer belongs to."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from engine.model.effects import TakeSnapshot
from engine.model.market import MINUTE, NANOS
from engine.state.turn import Turn

LOOK_AGAIN_NS = 2 * NANOS
"""A request that has not shown its result by then is looked up; a failed look is repeated after it."""

UNPROVEN_NS = 3 * NANOS
"""What is urgent waits no longer than this for a look that fails or is not answered."""

STALE_FAILURES = 2
"""After so many looks in a row that failed, what is known counts as stale."""

UNHEARD_NS = 6 * NANOS
"""While the stream of the book is not to be trusted, the venue is asked this often."""

NEVER = 1 << 63

_LOST_NS = 15 * NANOS
_LADDER_NS = (0, 2 * NANOS, 5 * NANOS, 15 * NANOS)
"""When after its beginning one trouble is looked at; after that as often as the last two are apart."""
_OVER_NS = 20 * NANOS
"""A trouble that nobody has spoken of for so long is over."""
_A_MINUTE, _URGENT_A_MINUTE = 10, 20
"""Looks in a minute, each of five requests: a third of what a gateway allows; more where a position is to be
closed or protected, and still not all of it.
"""


class Inquiry:
    """The looks of one book, and how far what is known of it may be trusted. All times are the core's now,
    nanoseconds UTC.
    """

    def __init__(self, book: str, turn: Turn) -> None:
        self._book = book
        self._turn = turn
        self._open: dict[int, int] = {}
        """`since` of each unanswered question, which makes it unique, to the time when it was asked."""
        self._asked: deque[int] = deque(maxlen=_URGENT_A_MINUTE)
        self.due_ts: int | None = None
        self.answered_ts = 0
        """When the venue's truth last came; 0 before the first answer of this run."""
        self.ended_ts = 0
        """When a question was last answered or failed."""
        self._hurried = False
        self._urgent = False
        self._troubles: dict[str, int] = {}
        """What is not as it should be, to when it was last spoken of."""
        self._began = 0
        """Since when the newest of them is looked at."""
        self._rung = 0
        """How often it has been looked at."""
        self.reconciled = False
        """Positions agree with the venue's, and nothing since speaks against it."""
        self.streaming = True
        """The stream of the book is not known to be gone."""
        self.blind_ts = turn.now
        """Since when what the stream has told is all that it had to tell: the last change of its link."""
        self._failures = 0
        self.proven_ts = 0
        """When the newest answered question was asked: what was true before it is known."""

    @property
    def heard(self) -> bool:
        """The venue's own word has been heard in this run. Before that nothing is placed or closed."""
        return self.answered_ts > 0

    @property
    def unanswered(self) -> bool:
        """The newest question is still open."""
        return max(self._open.values(), default=0) > self.proven_ts

    def on_link(self, live: bool) -> None:
        """The stream of the book came or went: only the venue's own word can be trusted now."""
        self.reconciled = False
        self.streaming = live
        self.blind_ts = self._turn.now
        if live:
            self.hurry()

    def want(self, delay_ns: int) -> None:
        """Something has happened: have the truth looked up after a delay; an earlier wish stands."""
        self._began, self._rung = self._turn.now + delay_ns, 0
        self._due_by(self._began)

    def insist(self, about: str, *, urgent: bool = False) -> None:
        """Something is still not as it should be: it is looked up at once, and then again, ever later.

        `about` tells one trouble from another. `urgent`: a position is being closed, or nothing may protect
        it.
        """
        now = self._turn.now
        if now - self._troubles.get(about, -_OVER_NS) >= _OVER_NS:
            self._troubles = {one: ts for one, ts in self._troubles.items() if now - ts < _OVER_NS}
            self._began, self._rung = now, 1 if self.ended_ts == now else 0
        self._troubles[about] = now
        self._urgent |= urgent
        rungs = _LADDER_NS[:-1] if self._urgent else _LADDER_NS
        if self._rung < len(rungs):
            self._due_by(max(now, self._began + rungs[self._rung]))
        else:
            self._due_by(max(now, self._asked[-1] + rungs[-1] - rungs[-2]))

    def _due_by(self, due: int) -> None:
        self.due_ts = due if self.due_ts is None else min(self.due_ts, due)

    def hurry(self) -> None:
        """Ask at once: the stream was gone, and nobody knows what it would have told."""
        self._hurried = True
        self.want(0)

    def ask(self, since_when: Callable[[], int], every_ns: int) -> None:
        """Ask, if it is due, and once in `every_ns` anyway; `since_when` tells from when on orders and fills
        are asked for.

        One question at a time: a flood of them answers nothing sooner. One that got lost with its answer is
        asked again.
        """
        now = self._turn.now
        if self.heard and now - self.ended_ts >= self._every(every_ns):
            self.want(0)
        if self.due_ts is None and self.unanswered and now >= max(self._open.values()) + _LOST_NS:
            self.due_ts = now
        if self.due_ts is None or now < self.due_ts or now < self._not_before():
            return
        since = since_when()
        while since in self._open:
            since -= 1
        self._open[since] = now
        self._asked.append(now)
        self.due_ts = None
        if not self._rung:
            self._began = now
        self._rung += 1
        self._turn.request(TakeSnapshot(self._book, since, urgent=self._urgent))
        self._hurried = self._urgent = False

    def next_due(self, every_ns: int) -> int:
        """When `ask` has something to do next, nanoseconds UTC."""
        due = self.due_ts if self.due_ts is not None else NEVER
        if self.unanswered:
            due = min(due, max(self._open.values()) + _LOST_NS)
        if self.heard:
            due = min(due, self.ended_ts + self._every(every_ns))
        return max(due, self._not_before())

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
        self._failures = 0
        return asked

    def failed(self) -> bool:
        """A question was not answered, which says nothing about positions: everything stays as it was, and is
        asked again a little later. True when it is the first failure in a row.
        """
        if self._open:
            del self._open[min(self._open, key=self._open.__getitem__)]
        self.ended_ts = self._turn.now
        self._failures += 1
        if self._failures >= STALE_FAILURES:
            self.reconciled = False  # as it was, but no longer verified: nothing is opened on it
        self.insist("no answer")
        return self._failures == 1

    def _every(self, every_ns: int) -> int:
        return every_ns if self.reconciled and self.streaming else UNHEARD_NS

    def _not_before(self) -> int:
        if self._open:
            # What was asked before the stream came back may hang with the line that broke.
            lost = LOOK_AGAIN_NS if self._hurried else UNPROVEN_NS if self._urgent else _LOST_NS
            return max(self._open.values()) + lost
        if not self.ended_ts or self._hurried:
            return 0
        most = _URGENT_A_MINUTE if self._urgent else _A_MINUTE
        full = self._asked[-most] + MINUTE if len(self._asked) >= most else 0
        pause = LOOK_AGAIN_NS if self._failures else NANOS
        return max(full, self.ended_ts + (pause // 4 if self._urgent else pause))
