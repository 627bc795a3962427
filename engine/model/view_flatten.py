"""How far flattens are, as the View shows it."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class FlattenStep(StrEnum):
    """How far a flatten is, in the order of its steps."""

    CANCEL_ENTRIES = "cancel entries"
    CLOSE = "close"
    CANCEL_REST = "cancel the rest"
    ASK_VENUE = "ask the venue"


class ClosingView(Struct, frozen=True):
    """How much of one contract a flatten has closed."""

    instrument: str
    closed: int
    """Lots."""
    of: int
    """With what is still held."""


class FlattenView(Struct, frozen=True):
    """A flatten under way in one book. It ends with the venue's word that nothing is left."""

    instruments: tuple[str, ...]
    """Not yet proven flat."""
    step: FlattenStep
    since: int = 0
    """When it began, nanoseconds UTC; 0 before this run has taken its first step."""
    alarm: str = ""
    """What keeps it from ending, once it has escalated: "close of MNQ refused: market closed"."""
    closing: tuple[ClosingView, ...] = ()
    """Of each of the instruments that is held or has been closed by it."""
