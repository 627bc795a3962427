"""Commands on their way: sent, answered, or left without an answer.

The engine's handle gives each command its own answer; here it is looked at, and never waited for.
"""

from __future__ import annotations

import secrets
from concurrent.futures import Future
from enum import StrEnum

from msgspec import Struct, structs

from engine.model.commands import AnyCommand, ManualCommand
from engine.model.errors import RefusedError
from engine.model.notices import Notice
from engine.ports import EngineHandle

ANSWER_WITHIN_S = 2.0
"""Seconds after which a command without an answer is reported."""
_SHOWN_FOR_S = 6.0
"""Seconds for which an answer stays on the screen."""


class CommandStatus(StrEnum):
    """How a command stands, as it reads on the screen."""

    SENT = "sent"
    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"
    LOST = "no answer after 2 s"


class TrackedCommand(Struct, frozen=True):
    """One command, what it was called on the screen, and how it stands. `at` is in monotonic seconds."""

    id: str
    label: str
    status: CommandStatus
    at: float
    answer: str = ""

    @property
    def text(self) -> str:
        """ "flatten MNQ: sent"."""
        return f"{self.label}: {self.status.value}" + (f", {self.answer}" if self.answer else "")


class CommandTracker:
    """Sends commands and watches for their answers."""

    def __init__(self, handle: EngineHandle, prefix: str = "ui") -> None:
        self._handle = handle
        self._prefix = prefix
        self._session = secrets.token_hex(4)
        self._count = 0
        self._waiting: list[tuple[TrackedCommand, Future[Notice]]] = []
        self._newest: TrackedCommand | None = None

    def new_id(self) -> str:
        """An id for the next command."""
        self._count += 1
        return f"{self._prefix}-{self._count}"

    def try_out(self, command: AnyCommand) -> Future[Notice]:
        """Ask what a dry run would come to: nothing is sent, and nobody else is told."""
        return self._handle.ask(command)

    def send(self, command: AnyCommand, label: str, now: float) -> None:
        """Hand a command to the engine. Orders by hand are known by their id over restarts, so it is one that
        no other cockpit gives.
        """
        if isinstance(command, ManualCommand):
            command = structs.replace(command, id=f"{command.id or self.new_id()}-{self._session}")
        tracked = TrackedCommand(command.id, label, CommandStatus.SENT, now)
        self._newest = tracked
        self._waiting.append((tracked, self._handle.ask(command)))

    def observe(self, now: float) -> list[TrackedCommand]:
        """Look for answers; gives the commands that were refused or got none."""
        settled: list[TrackedCommand] = []
        waiting, self._waiting = self._waiting, []
        for command, answer in waiting:
            if answer.done() or now - command.at >= ANSWER_WITHIN_S:
                settled.append(_settled(command, answer, now))
            else:
                self._waiting.append((command, answer))
        for command in settled:
            if self._newest is not None and self._newest.id == command.id:
                self._newest = command
        return [command for command in settled if command.status is not CommandStatus.ACKNOWLEDGED]

    def newest(self, now: float) -> TrackedCommand | None:
        """The last command, as long as it is news."""
        if self._newest is None or (
            self._newest.status is not CommandStatus.SENT and now - self._newest.at > _SHOWN_FOR_S
        ):
            return None
        return self._newest


def _settled(command: TrackedCommand, answer: Future[Notice], now: float) -> TrackedCommand:
    """What came of a command whose answer is here, or was waited for long enough."""
    status, text = CommandStatus.LOST, ""
    if answer.done():
        error = answer.exception()
        if error is None:
            notice = answer.result()
            status = CommandStatus.ACKNOWLEDGED if notice.done else CommandStatus.REFUSED
            text = notice.text
        else:
            text = f"{error}"
            if isinstance(error, RefusedError):
                status = CommandStatus.REFUSED
    return structs.replace(command, status=status, at=now, answer=text)
