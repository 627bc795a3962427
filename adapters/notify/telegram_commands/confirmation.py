"""Confirmation codes: fresh, short-lived, good once, and only for who was given one, where it was given."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass

TRIES = 3
"""Wrong answers after which a code is void."""
_DIGITS = 6

Asker = tuple[int, int]
"""Chat and person."""


@dataclass(slots=True)
class _Pending:
    code: str
    what: str
    until: float
    wrong: int = 0


class Confirmations:
    """At most one open question for each asker. `now` gives seconds of a monotone clock."""

    def __init__(self, valid_s: float, now: Callable[[], float]) -> None:
        self._valid_s = valid_s
        self._now = now
        self._open: dict[Asker, _Pending] = {}

    def ask(self, asker: Asker, what: str) -> str:
        """A new code for this; an earlier one of the same asker is void."""
        code = f"{secrets.randbelow(10**_DIGITS):0{_DIGITS}}"
        self._open[asker] = _Pending(code, what, self._now() + self._valid_s)
        return code

    def answer(self, asker: Asker, code: str) -> str | None:
        """What was asked, where the code is the right one, in time. Then it is void."""
        pending = self._open.get(asker)
        if pending is None:
            return None
        if self._now() >= pending.until:
            del self._open[asker]
            return None
        if not hmac.compare_digest(pending.code.encode(), code.encode(errors="replace")):
            pending.wrong += 1
            if pending.wrong >= TRIES:
                del self._open[asker]
            return None
        del self._open[asker]
        return pending.what
