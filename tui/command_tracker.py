"""Commands on their way: sent, answered, or left without an answer.

The engine answers with a Notice of kind COMMAND that names the command. One without a name answers the
oldest command that waits.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct, structs

from engine.model.commands import AnyCommand
from engine.model.notices import Notice, NoticeKind, Severity
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
    """Sends commands and matches their answers."""

    def __init__(self, handle: EngineHandle, prefix: str = "ui") -> None:
        self._handle = handle
        self._prefix = prefix
        self._count = 0
        self._waiting: deque[TrackedCommand] = deque()
        self._newest: TrackedCommand | None = None

    def new_id(self) -> str:
        """An id for the next command."""
        self._count += 1
        return f"{self._prefix}-{self._count}"

    def send(self, command: AnyCommand, label: str, now: float) -> None:
        """Hand a command to the engine."""
        tracked = TrackedCommand(command.id, label, CommandStatus.SENT, now)
        self._waiting.append(tracked)
        self._newest = tracked
        self._handle.send(command)

    def observe(self, notices: Sequence[Notice], now: float) -> list[TrackedCommand]:
        """Match new notices with waiting commands; gives those that were refused or got no answer."""
        settled: list[TrackedCommand] = []
        for notice in notices:
            command = self._answered_by(notice)
            if command is not None:
                self._waiting.remove(command)
                refused = notice.severity in (Severity.WARNING, Severity.CRITICAL)
                status = CommandStatus.REFUSED if refused else CommandStatus.ACKNOWLEDGED
                settled.append(structs.replace(command, status=status, at=now, answer=notice.text))
        while self._waiting and now - self._waiting[0].at >= ANSWER_WITHIN_S:
            settled.append(structs.replace(self._waiting.popleft(), status=CommandStatus.LOST, at=now))
        for command in settled:
            if self._newest is not None and self._newest.id == command.id:
                self._newest = command
        return [command for command in settled if command.status is not CommandStatus.ACKNOWLEDGED]

    def _answered_by(self, notice: Notice) -> TrackedCommand | None:
        if notice.kind is not NoticeKind.COMMAND or not self._waiting:
            return None
        if notice.command_id is None:
            return self._waiting[0]
        return next((command for command in self._waiting if command.id == notice.command_id), None)

    def newest(self, now: float) -> TrackedCommand | None:
        """The last command, as long as it is news."""
        if self._newest is None or (
            self._newest.status is not CommandStatus.SENT and now - self._newest.at > _SHOWN_FOR_S
        ):
            return None
        return self._newest
