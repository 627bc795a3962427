"""Of which times a market's bars are complete: since when, and when nothing was heard."""

from __future__ import annotations

from engine.model.market import MINUTE, Timeframe

NEVER = 1 << 62


class Coverage:
    """What is known of one instrument's past, and of the stream's holes. Times are nanoseconds UTC."""

    __slots__ = (
        "_history_end",
        "blind",
        "blind_since",
        "half_hours_from",
        "history_start",
        "known_from",
        "live_from",
    )

    def __init__(self) -> None:
        self.live_from = NEVER
        """Open time of the first minute that the stream covers from its beginning."""
        self.known_from = NEVER
        """The same with history: nothing older is known, in minutes."""
        self.half_hours_from = NEVER
        """The same for the venue's history in half hours."""
        self.blind_since: int | None = None
        self.blind: list[tuple[int, int]] = []
        """Times in which nothing was heard, as far as an open bar may touch them."""
        self.history_start = NEVER
        self._history_end = 0
        """History was loaded from its start to its end, without a hole."""

    def since(self, timeframe: Timeframe) -> int:
        """Nothing older than this is known of a timeframe."""
        return min(self.known_from, self.half_hours_from) if timeframe.by_calendar else self.known_from

    def stream_begins(self, ts: int) -> None:
        """The stream is complete from `ts` on; the minute in which it begins is only partly seen."""
        if self.live_from == NEVER:
            self.live_from = -(-ts // MINUTE) * MINUTE
            self.known_from = min(self.known_from, self.live_from)

    def mark_blind(self, start: int, end: int) -> None:
        """Nothing was heard in [start, end)."""
        if end > start:
            self.blind.append((start, end))

    def forget_blindness(self, before: int) -> None:
        """Drop blind times that no open bar can touch any more."""
        self.blind = [span for span in self.blind if span[1] > before]

    def was_blind(self, start: int, end: int) -> bool:
        """Whether something may have been missed in [start, end)."""
        if self.blind_since is not None and self.blind_since < end:
            return True
        if self._history_end < end and start < self.live_from and self._history_end < self.live_from:
            return True  # between the end of history and the first whole minute of the stream
        return bool(self.blind) and any(since < end and until > start for since, until in self.blind)

    def learn(self, start: int, end: int) -> None:
        """History knows [start, end)."""
        blind: list[tuple[int, int]] = []
        for since, until in self.blind:
            if since < start:
                blind.append((since, min(until, start)))
            if until > end:
                blind.append((max(since, end), until))
        self.blind = [span for span in blind if span[1] > span[0]]
        self.known_from = min(self.known_from, start)
        self.history_start = start if start > self._history_end else min(self.history_start, start)
        self._history_end = max(self._history_end, end)
