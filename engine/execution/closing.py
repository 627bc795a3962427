"""How far the close of one instrument is, and when it is time for the next one."""

from __future__ import annotations

from dataclasses import dataclass

from engine.model.market import MINUTE, NANOS

CLOSE_RETRY_NS = 2 * NANOS
"""A close that was answered and shows no fill after this long is repeated: it closes what there is.

While it is under way, a second one could close twice what there is, and open the other side.
"""

CLOSE_LOST_NS = 15 * NANOS
"""A close without an answer by then, or whose order still waits in the market, is given up."""

LONGEST_RETRY_NS = 32 * NANOS

PROBE_NS = 5 * MINUTE
"""A market that should be closed is tried this often all the same: the calendar may be wrong."""


@dataclass(slots=True)
class Closing:
    """How far one instrument's flatten is, in this run. All times are the core's now."""

    since: int
    asked: int | None = None
    """When the newest close was requested."""
    answered: int | None = None
    refusals: int = 0
    """Closes in a row that were refused or not sent."""
    why: str = ""
    """What the venue said to the last of them."""
    reopens: int | None = None
    """When a closed market will take orders again, if the calendar knows."""
    steps: int = 0
    """Escalation steps that people were told of."""
    tell_ts: int = 0

    def due(self, now: int, pending: bool, proven_ts: int) -> bool:
        """Whether it is time for a close.

        `pending`: an order of the last one is in the market. `proven_ts`: up to when the venue's truth is
        known; without it a close that was taken, or may have been, is not repeated.
        """
        if self.asked is None:
            return True
        waited = now - self.asked
        if self.reopens is not None:
            return now >= self.reopens or waited >= PROBE_NS
        if waited >= max(CLOSE_LOST_NS, self._pause):
            return True
        if pending or self.answered is None or (not self.refusals and proven_ts < self.answered):
            return False
        return now - self.answered >= self._pause

    @property
    def _pause(self) -> int:
        return int(min(CLOSE_RETRY_NS << min(self.refusals, 4), LONGEST_RETRY_NS))
