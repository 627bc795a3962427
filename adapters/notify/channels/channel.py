"""What a channel is to the dispatcher, and the one error that says when to come back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from adapters.notify.content.message import Message
from engine.model.errors import RetryableError

WIDE = 40
"""Characters of a field's value from which on it gets a line of its own."""

Payload = dict[str, Any]
"""One request's worth of a message, in the service's own form."""


class RateLimitedError(RetryableError):
    """Not done: the service wants to be left alone for `after_s` seconds."""

    def __init__(self, message: str, after_s: float) -> None:
        super().__init__(message)
        self.after_s = after_s


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the service said to a payload that it took."""

    text: str
    pause_s: float = 0.0
    """Its budget is used up for so long."""


class Channel(Protocol):
    """One way to one reader. Its texts (answers and errors) hold no secret."""

    name: str

    def payloads(self, message: Message, when: str) -> Sequence[Payload]:
        """The message as requests, in order; `when` is its last line. Never fails, whatever the texts."""

    async def deliver(self, payload: Payload) -> Receipt:
        """Send one payload once.

        Raises RateLimitedError (come back later), RetryableError (not done), UnknownOutcomeError (it may have
        arrived), RefusedError (this payload is not to their liking), FatalError (a person has to change
        something, and the text says what).
        """

    async def close(self) -> None: ...
