"""What waits for one channel: bounded, counted together, paced. Pure: the time is handed in.

Times are seconds of one monotone clock.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from msgspec.structs import replace

from adapters.common.pacing import TokenBucket
from adapters.notify.channels.channel import Payload
from adapters.notify.config import Rules
from adapters.notify.content.message import RANKS, Message, NewsEvent
from engine.model.notices import Severity

DIGEST_FROM, DIGEST_MOST = 7, 20
"""Waiting messages from which on they are told in one, and how many one holds."""

_WHOLE = {NewsEvent.SIGNAL, NewsEvent.DAILY_SUMMARY, NewsEvent.START, NewsEvent.STOP}
"""Never told in one line among others."""

_REMEMBERED = 500


@dataclass(slots=True, eq=False)
class Escalation:
    """One critical message on its way: where it was handed in, and whether somebody has it."""

    message: Message
    channels: set[str] = field(default_factory=set)
    """Names of those that have been given it."""
    delivered: bool = False
    """It has arrived, or rides with the same news whose own escalation is under way."""


@dataclass(slots=True, eq=False)
class Entry:
    """A message in an outbox."""

    message: Message
    not_before: float = 0.0
    escalation: Escalation | None = None
    payloads: list[Payload] | None = None
    """What is still to be sent of it; None before the first attempt."""
    tries: int = 0
    unconfirmed: bool = False
    """It was sent once with no answer: it may have arrived."""

    @property
    def critical(self) -> bool:
        return self.message.severity is Severity.CRITICAL


class Outbox:
    """Takes messages and gives them out one at a time, no faster than the rules allow."""

    def __init__(
        self, rules: Rules, one_line: Callable[[Message], str], *, capacity: int, repeat_s: float
    ) -> None:
        """`one_line` says a message in one line, for when several are told in one."""
        self._rules = rules
        self._one_line = one_line
        self._capacity = max(1, capacity)
        self._repeat_s = repeat_s
        self._waiting: list[Entry] = []
        self._sent_at: dict[str, float] = {}
        self._pace = TokenBucket(rules.burst, 60 / rules.per_minute)
        self._held_until = 0.0
        self._unpaced = False
        self.dropped = 0
        """Messages lost because too many waited."""

    def __len__(self) -> int:
        return len(self._waiting)

    def wants(self, message: Message) -> bool:
        rules = self._rules
        return rules.want(message.event, message.book) and RANKS[message.severity] >= RANKS[rules.severity]

    def offer(self, message: Message, now: float, escalation: Escalation | None = None) -> bool:
        """Take a message in: counted with one that waits, or behind it. False where it was dropped itself."""
        for entry in self._waiting:
            if message.key and entry.message.key == message.key and entry.payloads is None:
                entry.message = _together(entry.message, message)
                if escalation is not None and entry.escalation is not None:
                    escalation.delivered = True
                entry.escalation = entry.escalation or escalation
                return True
        told = self._sent_at.get(message.key, now - self._repeat_s) if message.key else now - self._repeat_s
        if escalation is not None and now - told < self._repeat_s:
            escalation.delivered = True  # the reader has just been told
        new = Entry(message, told + self._repeat_s, escalation)
        self._waiting.append(new)
        return len(self._waiting) <= self._capacity or self._drop() is not new

    def due_in(self, now: float) -> float | None:
        """Seconds until something may be sent, 0 for now; None where nothing waits."""
        if not self._waiting:
            return None
        wait = max(0.0, self._held_until - now)
        if self._unpaced:
            return wait
        ready = min(entry.not_before for entry in self._waiting)
        wait = max(wait, ready - now)
        if not any(e.critical and e.not_before <= now for e in self._waiting):
            wait = max(wait, self._pace.wait_s(now))
        return max(0.0, wait)

    def take(self, now: float) -> Entry | None:
        """The next to send, once `due_in` says 0: critical ones first, else the oldest."""
        ready = [e for e in self._waiting if self._unpaced or e.not_before <= now]
        if not ready:
            return None
        chosen = next((e for e in ready if e.critical), ready[0])
        small = [e for e in ready if self._fits_digest(e)]
        if chosen in small and len(small) >= DIGEST_FROM:
            chosen = self._digest(small[:DIGEST_MOST])
        else:
            self._waiting.remove(chosen)
        self._pace.take(now)
        return chosen

    def sent(self, entry: Entry, now: float) -> None:
        """It has gone out: the same news within the repeat time is counted and told later."""
        if entry.message.key:
            self._sent_at[entry.message.key] = now
            if len(self._sent_at) > _REMEMBERED:
                kept = {k: at for k, at in self._sent_at.items() if now - at < self._repeat_s}
                self._sent_at = dict(list(kept.items())[-_REMEMBERED:])

    def put_back(self, entry: Entry, not_before: float) -> None:
        """It could not be sent: in front of all others again, from a time on."""
        entry.not_before = not_before
        self._waiting.insert(0, entry)
        if len(self._waiting) > self._capacity:
            self._drop()

    def hold_until(self, until: float) -> None:
        """Send nothing until then: the service asked for it."""
        self._held_until = max(self._held_until, until)

    def drop_pacing(self) -> None:
        """The end is near: pace and repeats no longer matter, the service's own wishes do."""
        self._unpaced = True

    def clear(self) -> list[Entry]:
        """Take everything out."""
        entries, self._waiting = self._waiting, []
        return entries

    def _drop(self) -> Entry:
        least = min(RANKS[entry.message.severity] for entry in self._waiting)
        lost = next(e for e in self._waiting if RANKS[e.message.severity] == least)
        self._waiting.remove(lost)
        self.dropped += lost.message.count
        return lost

    def _fits_digest(self, entry: Entry) -> bool:
        return not entry.critical and entry.payloads is None and entry.message.event not in _WHOLE

    def _digest(self, entries: list[Entry]) -> Entry:
        """Several small messages as one with a line for each."""
        for entry in entries:
            self._waiting.remove(entry)
        messages = [entry.message for entry in entries]
        worst = max(messages, key=lambda message: RANKS[message.severity])
        kinds = {message.kind for message in messages}
        return Entry(
            Message(
                event=worst.event,
                severity=worst.severity,
                title=f"{len(messages)} messages",
                ts=max(message.ts for message in messages),
                first_ts=min(message.first_ts or message.ts for message in messages),
                kind=kinds.pop() if len(kinds) == 1 else None,
                mark=worst.mark,
                lines=tuple(self._one_line(message) for message in messages),
                origin=messages[-1].origin,
            )
        )


def _together(first: Message, again: Message) -> Message:
    """Two of the same news as one: the newer words, how often, and since when."""
    worse = max(first, again, key=lambda message: RANKS[message.severity])
    return replace(
        again,
        severity=worse.severity,
        mark=worse.mark,
        count=first.count + again.count,
        first_ts=first.first_ts or first.ts,
    )
