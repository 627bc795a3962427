"""The four errors that may cross a port. Nothing else does."""

from __future__ import annotations

from enum import StrEnum


class Cause(StrEnum):
    """Why a venue refused, as far as the answer decides what happens next."""

    NO_BRACKETS = "no_brackets"
    """The account does not take orders with native brackets: protection has to be orders of our own."""
    CLOSED = "closed"
    """The market takes no orders now: the same request may be right when it opens."""
    TAKEN = "taken"
    """The client id was used before: an order with it exists or existed."""
    GONE = "gone"
    """What was to be changed, cancelled or closed is not there any more."""
    OTHER = "other"


class PortError(Exception):
    """Base of the errors an adapter may raise at a port."""


class RetryableError(PortError):
    """Certainly not done; trying again later is safe."""


class RefusedError(PortError):
    """The counterpart said no; trying the same again is pointless.

    `code` is the counterpart's own number for the refusal, where it gives one; `cause` is what it means.
    """

    def __init__(self, message: str, code: int | None = None, cause: Cause = Cause.OTHER) -> None:
        super().__init__(message)
        self.code = code
        self.cause = cause


class UnknownOutcomeError(PortError):
    """It may have happened. Look the truth up; never send again."""


class FatalError(PortError):
    """This counterpart can't be worked with until a person changes something."""


class JournalError(ValueError):
    """A record that this version can't read."""
