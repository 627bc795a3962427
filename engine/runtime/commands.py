"""Commands on their way into the core, and the answers to them: from any thread, even before the start."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from functools import partial

from msgspec.structs import replace

from engine.model.commands import AnyCommand
from engine.model.errors import RefusedError, UnknownOutcomeError
from engine.model.notices import Notice, Severity
from engine.runtime.journal_writer import ENDED

log = logging.getLogger(__name__)


class Commands:
    """Matches answers to commands, for everybody: the core says what a command came to in the step that takes
    it, and whoever asked hears it once that is written down: what was answered no crash forgets. `ask` is for
    any thread, the rest belongs to the thread of the engine's loop.
    """

    def __init__(self, take: Callable[[AnyCommand], None]) -> None:
        """`take` puts a command into the inbox."""
        self._take = take
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()
        self._early: list[tuple[AnyCommand, Future[Notice]]] = []
        self._asked: dict[int, tuple[AnyCommand, Future[Notice]]] = {}
        """By identity of the command: ids are the clients' own, and nothing keeps two from being the same."""
        self._said: list[tuple[Notice, Future[Notice]]] = []
        """Answers whose records are not handed over yet."""
        self._ended = False

    def ask(self, command: AnyCommand) -> Future[Notice]:
        """See `EngineHandle.ask`."""
        answer: Future[Notice] = Future()
        answer.set_running_or_notify_cancel()  # who loses patience can't call the command back
        with self._lock:
            loop, ended = self._loop, self._ended
            if loop is None and not ended:
                self._early.append((command, answer))
        if ended:
            _not_done(command, answer)
        elif loop is not None:
            try:
                loop.call_soon_threadsafe(self._post, command, answer)
            except RuntimeError:  # the loop is closed
                _not_done(command, answer)
        return answer

    def _post(self, command: AnyCommand, answer: Future[Notice]) -> None:
        if self._ended:
            _not_done(command, answer)
            return
        self._asked[id(command)] = command, answer
        self._take(command)

    def begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """Take in what came before there was a loop, and everything from now on."""
        with self._lock:
            self._loop = loop
            early, self._early = self._early, []
        for command, answer in early:
            self._post(command, answer)

    def taken(self, command: AnyCommand, tried: Iterable[Notice], told: Iterable[Notice] = ()) -> None:
        """The core has taken a command in. `tried` are answers of that step of which nothing is written down,
        and `told` the rest of what it has said: those wait for `settle`.
        """
        asked = self._asked.pop(id(command), None)
        if asked is None:
            return
        _, answer = asked
        if (notice := _answer_to(command, tried)) is not None:
            answer.set_result(notice)
        elif (notice := _answer_to(command, told)) is not None:
            self._said.append((notice, answer))
        else:
            answer.set_exception(UnknownOutcomeError("the engine took the command but said nothing of it"))

    def settle(self, once_written: Callable[[Callable[[str], None]], None]) -> None:
        """The records of the last step are handed over: its answers are given once those are on disk.
        `once_written` takes whom to tell that, with an empty text or with why they are not.
        """
        if self._said:
            said, self._said = self._said, []
            for notice, answer in said:
                once_written(partial(_give, notice, answer))

    def refused(self, command: AnyCommand, why: str) -> None:
        """The command is not carried out."""
        asked = self._asked.pop(id(command), None)
        if asked is not None:
            asked[1].set_exception(RefusedError(why))

    def end(self) -> None:
        """The core takes nothing in any more."""
        with self._lock:
            self._ended = True
            early, self._early = self._early, []
        self.settle(lambda tell: tell(ENDED))
        asked, self._asked = self._asked, {}
        for command, answer in (*early, *asked.values()):
            _not_done(command, answer)


def _answer_to(command: AnyCommand, said: Iterable[Notice]) -> Notice | None:
    return next((one for one in said if one.command_id == command.id), None)


def _give(notice: Notice, answer: Future[Notice], unwritten: str) -> None:
    """Answer with what is true: what was done and could not be written down is gone with the engine."""
    if unwritten and notice.done:
        forgotten = f"{notice.text}; it is NOT written down ({unwritten}): a restart may forget it"
        notice = replace(notice, text=forgotten, severity=Severity.CRITICAL)
    answer.set_result(notice)


def _not_done(command: AnyCommand, answer: Future[Notice]) -> None:
    log.warning("the engine has stopped; %s is not carried out", type(command).__name__)
    answer.set_exception(RefusedError("the engine has stopped: the command is not carried out"))
