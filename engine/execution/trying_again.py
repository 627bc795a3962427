"""When what the venue would not do is asked for again: ever later, and never given up.

The first tries come soon, as a venue mostly comes back soon. After that a venue that says the same for hours
is asked every half a minute: it is not flooded, and neither are journal and screen. Where the way to it was
gone and is there again, or a person asks, the next try comes at once.
"""

from __future__ import annotations

import re

from engine.execution.context import BookContext
from engine.model.market import MINUTE, NANOS

FIRST_NS = 2 * NANOS

LONGEST_NS = 32 * NANOS

SOON, SOON_NS = 60, 4 * NANOS
"""So many tries of what does not get there are no farther apart than that."""

BACK_AGAIN_NS = MINUTE
"""A way that comes and goes all the time is no reason to hurry more often than that."""

_NUMBERS = re.compile(r"\d+ ?s?")
"""Seconds until the next try are other ones each time: the reason is the same."""


def pause_ns(times: int, first_ns: int = FIRST_NS) -> int:
    """How long after the so many-th try in a row, from 1 on, the next one comes, nanoseconds."""
    return min(first_ns << min(max(times, 1) - 1, 20), LONGEST_NS)


def unsent_pause_ns(times: int, first_ns: int = FIRST_NS) -> int:
    """The same for what the venue has not heard: it is not flooded, and the way to it may be there again."""
    if times <= SOON:
        return min(pause_ns(times, first_ns), SOON_NS)
    return pause_ns(times - SOON, SOON_NS)


def same_words(one: str, other: str) -> bool:
    """Whether two refusals say the same."""
    return _NUMBERS.sub("", one) == _NUMBERS.sub("", other)


def heard_again(book: BookContext, was_gone: bool) -> None:
    """The venue is heard: where it was not, what was put off need not wait."""
    if was_gone and book.now - book.back_again_ts >= BACK_AGAIN_NS:
        book.back_again_ts = book.afresh_ts = book.now
