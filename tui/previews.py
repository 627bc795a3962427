"""What the engine would say: asked as a dry run whenever something changes; only the newest answer counts.

Nothing is waited for: the screen goes on, and looks at each frame whether the answer has come.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future

from engine.model.commands import AnyCommand
from engine.model.notices import Notice
from engine.model.verdicts import OrderVerdict

AGAIN_S = 1.0
"""Seconds after which the same is asked again: the market has moved."""
LOST_S = 3.0
"""Seconds after which an answer that has not come is not waited for any more."""

Ask = Callable[[AnyCommand], "Future[Notice]"]


class Preview:
    """One for each thing that is filled in. Times are monotonic seconds."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._wanted: object = None
        self._asked_at = -1e9
        self._waiting: Future[Notice] | None = None
        self._asked: AnyCommand | None = None
        self.answered: AnyCommand | None = None
        """What the newest answer is to."""
        self.text = ""
        """The newest answer in words, or what is missing."""
        self.done = False
        """It would be taken."""
        self.verdicts: tuple[OrderVerdict, ...] = ()
        self.fresh = False
        """The answer is to what is wanted now."""

    def want(self, key: object, make: Callable[[], AnyCommand], now: float) -> None:
        """Ask what `make` comes to, if `key` is not what was asked last, or that was a while ago. An answer
        under way to something else is not waited for.
        """
        changed = key != self._wanted
        if changed:
            self._wanted, self.fresh = key, False
        elif now - self._asked_at < (LOST_S if self._waiting is not None else AGAIN_S):
            return
        self._asked_at, self._asked = now, make()
        self._waiting = self._ask(self._asked)

    def missing(self, key: object, text: str) -> None:
        """Nothing can be asked: this is missing."""
        self._wanted, self._waiting = key, None
        self.text, self.done, self.verdicts, self.fresh = text, False, (), False

    def look(self) -> bool:
        """Take the answer in, if it has come; whether it has."""
        waiting = self._waiting
        if waiting is None or not waiting.done():
            return False
        self._waiting = None
        error = waiting.exception()
        if error is not None:
            self.text, self.done, self.verdicts = f"{error}", False, ()
            return True
        notice = waiting.result()
        self.text, self.done, self.verdicts = notice.text, bool(notice.done), notice.verdicts
        self.answered, self.fresh = self._asked, True
        return True
