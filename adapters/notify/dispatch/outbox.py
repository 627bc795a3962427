"""What waits for one channel: bounded, counted together, paced. Pure: the time is handed in.

Times are seconds of one monotone clock.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from msgspec.structs import replace

from adapters.notify.channels.channel import Part
from adapters.notify.config import Rules
from adapters.notify.content.message import RANKS, Event, Message
from engine.model.notices import Severity

DIGEST_FROM, DIGEST_MOST = 7, 20
"""Waiting messages from which on they are told in one, and how many one holds."""

_WHOLE = {Event.SIGNAL, Event.DAILY_SUMMARY, Event.START, Event.STOP}
"""Never told in one line among others."""

_REMEMBERED = 500


@dataclass(slots=True, eq=False)
class Alarm:
    """One critical message on its way: where it was handed in, and whether somebody has it."""

    message: Message
    addressed: set[str] = field(default_factory=set)
    settled: bool = False
    """It has arrived, or rides with the same news whose own alarm is not settled yet."""


@dataclass(slots=True, eq=False)
class Entry:
    """A message in an outbox."""

    message: Message
    not_before: float = 0.0
    alarm: Alarm | None = None
    parts: list[Part] | None = None
    """What is still to be sent of it; None before the first attempt."""
    tries: int = 0
    unsure: bool = False
    """It was sent once with no answer: it may have arrived."""

    @property
    def critical(self) -> bool:
        return self.message.severity is Severity.CRITICAL


class Outbox:
    """Takes messages and gives them out one at a time, no faster than the rules allow."""

    def __init__(
        self, rules: Rules, brief: Callable[[Message], str], *, capacity: int, repeat_s: float
    ) -> None:
        """`brief` says a message in one line, for when several are told in one."""
        self._rules = rules
        self._brief = brief
        self._capacity = max(1, capacity)
        self._repeat_s = repeat_s
        self._waiting: list[Entry] = []
        self._sent_at: dict[str, float] = {}
        self._tokens = float(rules.burst)
        self._refilled = 0.0
        self._held_until = 0.0
        self._hurried = False
        self.dropped = 0
        """Messages lost because too many waited."""

    def __len__(self) -> int:
        return len(self._waiting)

    def wants(self, message: Message) -> bool:
        rules = self._rules
        return message.event in rules.events and RANKS[message.severity] >= RANKS[rules.severity]

    def offer(self, message: Message, now: float, alarm: Alarm | None = None) -> bool:
        """Take a message in: counted with one that waits, or behind it. False where it was dropped itself."""
        for entry in self._waiting:
            if message.key and entry.message.key == message.key and entry.parts is None:
                entry.message = _together(entry.message, message)
                if alarm is not None and entry.alarm is not None:
                    alarm.settled = True
                entry.alarm = entry.alarm or alarm
                return True
        told = self._sent_at.get(message.key, now - self._repeat_s) if message.key else now - self._repeat_s
        if alarm is not None and now - told < self._repeat_s:
            alarm.settled = True  # the reader has just been told
        new = Entry(message, told + self._repeat_s, alarm)
        self._waiting.append(new)
        return len(self._waiting) <= self._capacity or self._drop() is not new

    def due_in(self, now: float) -> float | None:
        """Seconds until something may be sent, 0 for now; None where nothing waits."""
        if not self._waiting:
            return None
        wait = max(0.0, self._held_until - now)
        if self._hurried:
            return wait
        self._refill(now)
        ready = min(entry.not_before for entry in self._waiting)
        wait = max(wait, ready - now)
        if self._tokens < 1 and not any(e.critical and e.not_before <= now for e in self._waiting):
            wait = max(wait, (1 - self._tokens) * 60 / self._rules.per_minute)
        return max(0.0, wait)

    def take(self, now: float) -> Entry | None:
        """The next to send, once `due_in` says 0: critical ones first, else the oldest."""
        ready = [e for e in self._waiting if self._hurried or e.not_before <= now]
        if not ready:
            return None
        chosen = next((e for e in ready if e.critical), ready[0])
        small = [e for e in ready if self._fits_digest(e)]
        if chosen in small and len(small) >= DIGEST_FROM:
            chosen = self._digest(small[:DIGEST_MOST])
        else:
            self._waiting.remove(chosen)
        self._refill(now)
        self._tokens = max(0.0, self._tokens - 1)
        return chosen

    def sent(self, entry: Entry, now: float) -> None:
        """It has gone out: the same news within the repeat time is counted and told later."""
        if entry.message.key:
            self._sent_at[entry.message.key] = now
            if len(self._sent_at) > _REMEMBERED:
                kept = {k: at for k, at in self._sent_at.items() if now - at < self._repeat_s}
                self._sent_at = dict(list(kept.items())[-_REMEMBERED:])

    def back(self, entry: Entry, not_before: float) -> None:
        """It could not be sent: in front of all others again, from a time on."""
        entry.not_before = not_before
        self._waiting.insert(0, entry)
        if len(self._waiting) > self._capacity:
            self._drop()

    def hold(self, until: float) -> None:
        """Send nothing until then: the service asked for it."""
        self._held_until = max(self._held_until, until)

    def hurry(self) -> None:
        """The end is near: pace and repeats no longer matter, the service's own wishes do."""
        self._hurried = True

    def clear(self) -> list[Entry]:
        """Take everything out."""
        entries, self._waiting = self._waiting, []
        return entries

    def _refill(self, now: float) -> None:
        gained = (now - self._refilled) * self._rules.per_minute / 60
        self._tokens = min(float(self._rules.burst), self._tokens + max(0.0, gained))
        self._refilled = now

    def _drop(self) -> Entry:
        least = min(RANKS[entry.message.severity] for entry in self._waiting)
        lost = next(e for e in self._waiting if RANKS[e.message.severity] == least)
        self._waiting.remove(lost)
        self.dropped += lost.message.count
        return lost

    def _fits_digest(self, entry: Entry) -> bool:
        return not entry.critical and entry.parts is None and entry.message.event not in _WHOLE

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
                lines=tuple(self._brief(message) for message in messages),
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
