"""What can go wrong with a call, before a wire has put it into its venue's words."""

from __future__ import annotations

from enum import Enum, StrEnum, auto
from typing import NamedTuple


class TroubleKind(StrEnum):
    REFUSED = "refused"
    """The venue says no, in the words of `text`."""
    LIMITED = "limited"
    """Too many requests."""
    MAINTENANCE = "maintenance"
    ERROR = "error"
    """The server fails, whatever it has done."""


class Trouble(NamedTuple):
    """Something that a client is told in place of an answer."""

    kind: TroubleKind
    text: str = ""
    status: int = 400
    """Of the answer over HTTP."""
    seconds: int = 0
    """Its Retry-After; 0: none."""


class NoAnswer(Enum):
    """No answer comes."""

    CUT = auto()
    """The connection is cut."""
    HANG = auto()
    """The client waits."""
