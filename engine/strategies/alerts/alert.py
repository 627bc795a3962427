"""What a message of an alert room comes to: an alert, or the one reason why it is none."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

from msgspec import Struct

from engine.model.alerts import Grade, Reason
from engine.model.market import Side


class Alert(Struct, frozen=True):
    """A trade as the room gave it. Prices in price units of the room's contract."""

    root: str
    """The contract that the room names: "ES", or one of its months: "ESM6"."""
    side: Side
    entry: Decimal
    stop: Decimal
    grade: Grade | None
    targets: tuple[Decimal, ...] = ()
    """Nearest first; empty where the room leaves them to the reader."""


class Unread(Struct, frozen=True):
    """A message that is no alert, or one that must not be traded."""

    reason: Reason
    detail: str = ""
    """What exactly, in words of ours: never the message's own text."""

    @property
    def text(self) -> str:
        return f"{self.reason.sentence} ({self.detail})" if self.detail else self.reason.sentence


class Parser(Protocol):
    """Reads the messages of one kind of room. A plug-in; must not raise, whatever the text."""

    name: str

    def read(self, text: str) -> Alert | Unread:
        """`text` is the message as it came: up to megabytes of anything."""
