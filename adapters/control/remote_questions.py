"""Questions of a client to an engine in another process. One whose line breaks is refused: asking again costs
nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future

from adapters.control import attach_protocol as wire
from engine.model.errors import RefusedError
from engine.model.questions import Question, Reply


class AskedQuestions:
    """Belongs to the thread that keeps the line."""

    def __init__(self, say: Callable[[wire.FromClient], None], attached: Callable[[], bool]) -> None:
        self._say, self._attached = say, attached
        self._asked: dict[str, Future[Reply]] = {}
        self._count = 0

    def take(self, question: Question, answer: Future[Reply]) -> None:
        """Send it."""
        if not answer.set_running_or_notify_cancel():
            return
        if not self._attached():
            answer.set_exception(RefusedError("not attached to an engine now"))
            return
        self._count += 1
        self._asked[f"{self._count}"] = answer
        self._say(wire.QuestionAsked(f"{self._count}", question))

    def heard(self, said: wire.QuestionAnswered) -> None:
        answer = self._asked.pop(said.id, None)
        if answer is None:
            return
        if said.reply is not None:
            answer.set_result(said.reply)
        else:
            answer.set_exception(RefusedError(said.why))

    def lost(self) -> None:
        """There is no line, and so no answer."""
        asked, self._asked = self._asked, {}
        for answer in asked.values():
            answer.set_exception(RefusedError("the line to the engine broke"))
