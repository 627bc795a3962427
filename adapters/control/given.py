"""Commands of a client on their way to an engine in another process: each is carried out once at most, and
none arrives late.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future

from msgspec import Struct
from msgspec.structs import replace

from adapters.control import attach_protocol as wire
from engine.model.commands import AnyCommand
from engine.model.errors import RefusedError, UnknownOutcomeError
from engine.model.notices import Notice

_UNANSWERED_S = 30.0
"""What came of a command is not waited for any longer."""


class Given(Struct):
    """A command that a person gave, and has no answer yet."""

    command: AnyCommand
    answer: Future[Notice]
    at: float
    """When it was given, seconds of a monotone clock."""
    sent: bool = False


class GivenCommands:
    """Belongs to the thread that keeps the line."""

    def __init__(self, say: Callable[[wire.FromClient], None], now: Callable[[], float]) -> None:
        """`say` sends, where there is a line."""
        self._say, self._now = say, now
        self._given: dict[str, Given] = {}
        self._count = 0
        self.picture: tuple[int, float] | None = None
        """The newest picture that came over this line, and when; None before there is one."""

    def take(self, given: Given) -> None:
        """Send it, or keep it until the line is back."""
        self._count += 1
        command_id = f"{self._count}"
        self._given[command_id] = given
        self._send(command_id, given)

    def _send(self, command_id: str, given: Given) -> None:
        if self.picture is None:
            return
        number, came = self.picture
        now, given.sent = self._now(), True
        since, waited = 1000 * (now - came), 1000 * (now - given.at)
        self._say(wire.CommandAsked(command_id, given.command, number, since, waited))

    def go_on(self) -> None:
        """The line is back: ask what came of commands that went out before, send those that are not too
        old.
        """
        sent = [command_id for command_id, given in self._given.items() if given.sent]
        if sent:
            self._say(wire.LookingUp(tuple(sent[-wire.MOST_LOOKED_UP :])))
        for command_id, given in self._given.items():
            if not given.sent and self._in_time(given):
                self._send(command_id, given)

    def forget(self) -> None:
        """The engine was begun again, and knows of nothing that was sent before."""
        for command_id, given in list(self._given.items()):
            if given.sent:
                self._end(command_id, "the engine was begun again before it answered")

    def heard(self, said: wire.AnswerSent) -> None:
        given = self._given.get(said.id)
        if given is None:
            return
        if said.fate is wire.CommandFate.NEVER_HEARD and self._in_time(given):
            self._send(said.id, given)
            return
        del self._given[said.id]
        if said.notice is not None:
            given.answer.set_result(replace(said.notice, command_id=given.command.id))
        elif said.fate is wire.CommandFate.UNKNOWN:
            given.answer.set_exception(UnknownOutcomeError(said.why))
        else:
            never = "it never reached the engine, and is too old to be sent now: nothing was done"
            given.answer.set_exception(RefusedError(said.why or never))

    def tend(self) -> None:
        """Give up what waits for too long."""
        for command_id, given in list(self._given.items()):
            if not given.sent and not self._in_time(given):
                self._end(command_id, f"the line to the engine was down for {wire.LATE_S:g} s")
            elif self._now() - given.at > _UNANSWERED_S:
                self._end(command_id, "no answer came")

    def end(self) -> None:
        for command_id in list(self._given):
            self._end(command_id, "this client is not attached any more")

    def _in_time(self, given: Given) -> bool:
        return self._now() - given.at <= wire.LATE_S

    def _end(self, command_id: str, why: str) -> None:
        given = self._given.pop(command_id)
        if given.sent:
            told = f"{why}; whether it was carried out is not known: look at what is now"
            given.answer.set_exception(UnknownOutcomeError(told))
        else:
            given.answer.set_exception(RefusedError(f"{why}: nothing was sent"))
