"""Tells keys that a person presses from what was typed ahead, pasted, or repeats itself while it is held.

Times are seconds of a monotonic clock. A terminal says neither that a key is held nor that text was pasted
(where it does not bracket it): only the pace tells.
"""

from __future__ import annotations

READ = 0.3
"""Seconds for which a question must have been readable before an answer to it counts."""
BURST = 0.05
"""Seconds within which no person presses two keys on purpose."""
HELD = 0.7
"""Seconds within which the same key again may be the keyboard's own: the longest usual delay before it
repeats."""


LATE = 1.0
"""Seconds after which a key that trades at once is not carried out any more: what was to be seen when it was
pressed is gone by.
"""

_HEARD = 0.5
"""Seconds within which what a key does is done, however busy the machine is."""


def could_be_read(since: float | None, at: float) -> bool:
    """Whether a question that can be read since then (None: not yet) could be read for long enough."""
    return since is not None and at - since >= READ - 1e-6


class TypingPace:
    """One for each cockpit: hears of every key."""

    def __init__(self) -> None:
        self.count = 0
        """Keys that were heard of."""
        self._last = self._heard = -1e9
        self._before: dict[str, float] = {}
        self._gap = self._same = 1e9

    def press(self, key: str, at: float, heard: float) -> None:
        """A key that came in at a time is heard of at a later one."""
        self._heard = heard
        self.count += 1
        self._gap, self._last = at - self._last, at
        self._same, self._before[key] = at - self._before.get(key, -1e9), at

    def burst(self, now: float) -> bool:
        """Whether what happens now comes of a key in the middle of others, as in a pasted text."""
        return self._gap < BURST and now - self._heard < _HEARD

    def late(self, now: float) -> bool:
        """Whether the last key came in long ago, as behind a screen that stood still."""
        return now - self._last > LATE

    def answers(self, readable_since: float | None) -> bool:
        """Whether the last key answers a question: it could be read before, the key is alone and not held."""
        read = could_be_read(readable_since, self._last)
        return read and self._gap >= BURST and self._same >= HELD
