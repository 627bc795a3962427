"""What of each channel is known already, so that everything is told once, whichever way it comes."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec import Struct

from engine.model.events import AlertKind

KEPT = 200
"""Alerts of a channel that are remembered, with their newest text's digest."""

_CHANNELS_KEPT = 300
"""Threads add up; the ones that were read least recently are forgotten."""


class Known(Struct):
    """One message of a whitelisted author."""

    author: str
    digest: str
    edited: int = 0
    """When its author last changed it, nanoseconds UTC."""
    gone: bool = False


class Channel(Struct):
    last: int = 0
    """Everything up to this id has been seen; 0 where the channel was never read."""
    known: dict[int, Known] = {}
    """By message id, oldest first."""


Bookmarks = dict[int, Channel]
"""By channel id: what is kept between two runs."""


class Ledger:
    """`last` moves with live messages only while nothing before them can be missing: between `caught_up` and
    `interrupt`. So a gap that is cut short by another one is read again as a whole.
    """

    def __init__(self, saved: Bookmarks, dirty: Callable[[], None]) -> None:
        self._channels = saved
        self._dirty = dirty
        self._whole: set[int] = set()
        self._watches: dict[int, set[int]] = {}

    def encode(self) -> bytes:
        newest = sorted(self._channels, key=lambda channel: self._channels[channel].last)[-_CHANNELS_KEPT:]
        return msgspec.json.encode({channel: self._channels[channel] for channel in newest})

    def channel(self, channel: int, parent: int | None = None) -> Channel:
        """A thread that is new to us was begun after all that was read of the channel above it."""
        record = self._channels.get(channel)
        if record is None:
            record = self._channels[channel] = Channel()
            if parent is not None and parent in self._channels:
                record.last = self._channels[parent].last
                if parent in self._whole:
                    self._whole.add(channel)
        return record

    def posted(self, channel: int, message: int, seen: Known) -> AlertKind | None:
        """A live message as first posted: nothing newer than what is known of it."""
        self._touch(channel, message)
        record = self.channel(channel)
        if message in record.known:
            return None
        self._keep(record, message, seen)
        return AlertKind.POSTED

    def changed(self, channel: int, message: int, seen: Known) -> AlertKind | None:
        """A live change. Of a message that was never told, it is the message."""
        self._touch(channel, message)
        record = self.channel(channel)
        if message in record.known:
            return self._revise(record, message, seen)
        if message <= record.last and not seen.edited:
            return None
        self._keep(record, message, seen)
        return AlertKind.POSTED if message > record.last else AlertKind.EDITED

    def found(self, channel: int, message: int, seen: Known, missed_after: int) -> AlertKind | None:
        """In the history. What lies before the last one seen was missed, if it is newer than `missed_after`
        (an id); anything older belongs to an author who was let in later.
        """
        record = self.channel(channel)
        if message in record.known:
            return self._revise(record, message, seen)
        self._keep(record, message, seen)
        return AlertKind.POSTED if message > min(record.last, missed_after) else None

    def remember(self, channel: int, message: int, seen: Known) -> None:
        """Know a message that was posted before the room was read at all."""
        self._keep(self.channel(channel), message, seen)

    def delete(self, channel: int, message: int, *, live: bool) -> Known | None:
        """The message that is gone, the first time, if it is one that was told."""
        if live:
            self._touch(channel, message)
        record = self._channels.get(channel)
        known = record.known.get(message) if record is not None else None
        if known is None or known.gone:
            return None
        known.gone = True
        self._dirty()
        return known

    def passed(self, channel: int, message: int) -> None:
        """A live message was dealt with, of whomever it was."""
        record = self.channel(channel)
        if channel in self._whole and message > record.last:
            record.last = message
            self._dirty()

    def watch(self, channel: int) -> set[int]:
        """Collects ids of messages of which something comes live from now on: newer than any page."""
        self._watches[channel] = set()
        return self._watches[channel]

    def caught_up(self, channel: int, last: int) -> None:
        """All of the channel up to this id is dealt with, and what comes live follows on."""
        record = self.channel(channel)
        record.last = max(record.last, last, *self._watches.pop(channel, ()))
        self._whole.add(channel)
        self._dirty()

    def interrupt(self) -> None:
        """From now on something can be missing."""
        self._whole.clear()

    def _revise(self, record: Channel, message: int, seen: Known) -> AlertKind | None:
        before = record.known[message]
        if before.gone or seen.digest == before.digest or seen.edited < before.edited:
            return None
        self._keep(record, message, seen)
        return AlertKind.EDITED

    def _touch(self, channel: int, message: int) -> None:
        if channel in self._watches:
            self._watches[channel].add(message)

    def _keep(self, record: Channel, message: int, seen: Known) -> None:
        record.known[message] = seen
        if len(record.known) > KEPT:
            del record.known[min(record.known)]
        self._dirty()
