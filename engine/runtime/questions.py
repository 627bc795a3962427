"""What people ask and nobody writes down: answered from what the core knows, and it changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any

from engine.books.alert_tries import tried
from engine.core import Core
from engine.model.errors import RefusedError
from engine.model.questions import Question, Reply
from engine.model.review import JournalAsked
from engine.portfolio import review

_AT_ONCE = 4
"""So many are worked on at a time: figures of ten thousand trades take a tenth of a second of a core."""


class Questions:
    """`ask` is for any thread, the rest belongs to the thread of the engine's loop."""

    def __init__(self, core: Callable[[], Core]) -> None:
        """`core` gives the one that is to be asked."""
        self._core = core
        self._loop: asyncio.AbstractEventLoop | None = None
        self._busy = 0

    def begin(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def ask(self, question: Question) -> Future[Reply]:
        """See `EngineHandle.look_up`."""
        answer: Future[Reply] = Future()
        loop = self._loop
        try:
            if loop is not None:
                loop.call_soon_threadsafe(self._take, question, answer)
                return answer
        except RuntimeError:  # the loop is closed
            pass
        answer.set_exception(RefusedError("there is no engine at work that could answer"))
        return answer

    def _take(self, question: Question, answer: Future[Reply]) -> None:
        if not answer.set_running_or_notify_cancel():
            return
        try:
            self._answer(question, answer)
        except Exception:  # a question must not end the engine
            answer.set_exception(RefusedError("it can't be answered: internal error, see the log"))
            raise

    def _answer(self, question: Question, answer: Future[Reply]) -> None:
        core = self._core()
        if not isinstance(question, JournalAsked):
            wall = core.turn.wall
            answer.set_result(tried(question, core.alerts, core.entries, core.books, core.instruments, wall))
            return
        if self._busy >= _AT_ONCE:
            answer.set_exception(RefusedError("too many questions at once; ask again"))
            return
        assert self._loop is not None
        # Sums are made beside the loop, of copies: events don't wait for who looks back.
        self._busy += 1
        books, known = review.books_of(core.state), dict(core.state.instruments)
        work = self._loop.run_in_executor(None, review.told, books, known, question)
        work.add_done_callback(partial(self._done, answer))

    def _done(self, answer: Future[Reply], work: asyncio.Future[Any]) -> None:
        self._busy -= 1
        error = work.exception()
        if error is None:
            answer.set_result(work.result())
        else:
            answer.set_exception(RefusedError("it can't be answered: internal error, see the log"))
