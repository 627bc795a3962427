"""Commands on their way: sent, answered, or left without an answer.

The engine answers with a Notice of kind COMMAND that names the command. One without a name answers the
oldest command that waits.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from engine.model.commands import AnyCommand
from engine.model.notices import Notice, NoticeKind, Severity
from engine.ports import EngineHandle

PATIENCE = 2.0
"""Seconds after which a command without an answer is reported."""
_LINGER = 6.0
"""Seconds for which an answer stays on the screen."""


class Fate(StrEnum):
    SENT = "sent"
    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"
    LOST = "no answer after 2 s"


class Asked(Struct, frozen=True):
    """One command, what it was called on the screen, and how it stands. `at` is in monotonic seconds."""

    id: str
    label: str
    fate: Fate
    at: float
    answer: str = ""

    @property
    def words(self) -> str:
        """ "flatten MNQ: sent"."""
        return f"{self.label}: {self.fate.value}" + (f", {self.answer}" if self.answer else "")


class Desk:
    """Sends commands and keeps book of their answers."""

    def __init__(self, handle: EngineHandle, prefix: str = "ui") -> None:
        self._handle = handle
        self._prefix = prefix
        self._count = 0
        self._waiting: deque[Asked] = deque()
        self._newest: Asked | None = None

    def new_id(self) -> str:
        """An id for the next command."""
        self._count += 1
        return f"{self._prefix}-{self._count}"

    def ask(self, command: AnyCommand, label: str, now: float) -> None:
        """Hand a command to the engine."""
        asked = Asked(command.id, label, Fate.SENT, now)
        self._waiting.append(asked)
        self._newest = asked
        self._handle.send(command)

    def observe(self, notices: Sequence[Notice], now: float) -> list[Asked]:
        """Match new notices with waiting commands; gives those that were refused or got no answer."""
        troubles: list[Asked] = []
        for notice in notices:
            asked = self._answered_by(notice)
            if asked is not None:
                self._waiting.remove(asked)
                refused = notice.severity in (Severity.WARNING, Severity.CRITICAL)
                fate = Fate.REFUSED if refused else Fate.ACKNOWLEDGED
                self._settle(asked, fate, notice.text, now, troubles)
        while self._waiting and now - self._waiting[0].at >= PATIENCE:
            self._settle(self._waiting.popleft(), Fate.LOST, "", now, troubles)
        return troubles

    def _answered_by(self, notice: Notice) -> Asked | None:
        if notice.kind is not NoticeKind.COMMAND or not self._waiting:
            return None
        if notice.command_id is None:
            return self._waiting[0]
        return next((asked for asked in self._waiting if asked.id == notice.command_id), None)

    def _settle(self, asked: Asked, fate: Fate, answer: str, now: float, troubles: list[Asked]) -> None:
        settled = Asked(asked.id, asked.label, fate, now, answer)
        if self._newest is not None and self._newest.id == asked.id:
            self._newest = settled
        if fate is not Fate.ACKNOWLEDGED:
            troubles.append(settled)

    def newest(self, now: float) -> Asked | None:
        """The last command, as long as it is news."""
        if self._newest is None or (self._newest.fate is not Fate.SENT and now - self._newest.at > _LINGER):
            return None
        return self._newest
