"""What of each channel is known already, so that everything is told once, whichever way it comes.

A small file keeps it between two runs: ids and digests only, no texts.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Struct

from adapters.common.files import replace_file
from engine.model.events import AlertKind

_log = logging.getLogger(__name__)

KEPT = 200
"""Alerts of a channel that are remembered, with their newest text's digest."""

_CHANNELS_KEPT = 300
"""Threads add up; the ones that were read least recently are forgotten."""


class KnownMessage(Struct):
    """One message of a whitelisted author."""

    author: str
    digest: str
    edited: int = 0
    """When its author last changed it, nanoseconds UTC."""
    gone: bool = False


class ChannelRecord(Struct):
    last: int = 0
    """Everything up to this id has been seen; 0 where the channel was never read."""
    known: dict[int, KnownMessage] = {}
    """By message id, oldest first."""


SavedChannels = dict[int, ChannelRecord]
"""By channel id: what is kept between two runs."""


class ReadState:
    """`last` moves with live messages only while nothing before them can be missing: between `caught_up` and
    `interrupt`. So a gap that is cut short by another one is read again as a whole.
    """

    def __init__(self, saved: SavedChannels, changed: Callable[[], None]) -> None:
        self._channels = saved
        self._changed = changed
        self._complete: set[int] = set()
        self._watches: dict[int, set[int]] = {}

    def encode(self) -> bytes:
        newest = sorted(self._channels, key=lambda channel: self._channels[channel].last)[-_CHANNELS_KEPT:]
        return msgspec.json.encode({channel: self._channels[channel] for channel in newest})

    def channel(self, channel: int, parent: int | None = None) -> ChannelRecord:
        """A thread that is new to us was begun after all that was read of the channel above it."""
        record = self._channels.get(channel)
        if record is None:
            record = self._channels[channel] = ChannelRecord()
            if parent is not None and parent in self._channels:
                record.last = self._channels[parent].last
                if parent in self._complete:
                    self._complete.add(channel)
        return record

    def posted(self, channel: int, message: int, seen: KnownMessage) -> AlertKind | None:
        """A live message as first posted: nothing newer than what is known of it."""
        self._note_live(channel, message)
        record = self.channel(channel)
        if message in record.known:
            return None
        self._store(record, message, seen)
        return AlertKind.POSTED

    def changed(self, channel: int, message: int, seen: KnownMessage) -> AlertKind | None:
        """A live change. Of a message that was never told, it is the message."""
        self._note_live(channel, message)
        record = self.channel(channel)
        if message in record.known:
            return self._revise(record, message, seen)
        if message <= record.last and not seen.edited:
            return None
        self._store(record, message, seen)
        return AlertKind.POSTED if message > record.last else AlertKind.EDITED

    def found(self, channel: int, message: int, seen: KnownMessage, missed_after: int) -> AlertKind | None:
        """In the history. What lies before the last one seen was missed, if it is newer than `missed_after`
        (an id); anything older belongs to an author who was listed later.
        """
        record = self.channel(channel)
        if message in record.known:
            return self._revise(record, message, seen)
        self._store(record, message, seen)
        return AlertKind.POSTED if message > min(record.last, missed_after) else None

    def remember(self, channel: int, message: int, seen: KnownMessage) -> None:
        """Know a message that was posted before the room was read at all."""
        self._store(self.channel(channel), message, seen)

    def delete(self, channel: int, message: int, *, live: bool) -> KnownMessage | None:
        """The message that is gone, the first time, if it is one that was told."""
        if live:
            self._note_live(channel, message)
        record = self._channels.get(channel)
        known = record.known.get(message) if record is not None else None
        if known is None or known.gone:
            return None
        known.gone = True
        self._changed()
        return known

    def handled(self, channel: int, message: int) -> None:
        """A live message was dealt with, of whomever it was."""
        record = self.channel(channel)
        if channel in self._complete and message > record.last:
            record.last = message
            self._changed()

    def watch_live(self, channel: int) -> set[int]:
        """Collects ids of messages of which something comes live from now on: newer than any page."""
        self._watches[channel] = set()
        return self._watches[channel]

    def caught_up(self, channel: int, last: int) -> None:
        """All of the channel up to this id is dealt with, and what comes live follows on."""
        record = self.channel(channel)
        record.last = max(record.last, last, *self._watches.pop(channel, ()))
        self._complete.add(channel)
        self._changed()

    def interrupt(self) -> None:
        """From now on something can be missing."""
        self._complete.clear()

    def _revise(self, record: ChannelRecord, message: int, seen: KnownMessage) -> AlertKind | None:
        before = record.known[message]
        if before.gone or seen.digest == before.digest or seen.edited < before.edited:
            return None
        self._store(record, message, seen)
        return AlertKind.EDITED

    def _note_live(self, channel: int, message: int) -> None:
        if channel in self._watches:
            self._watches[channel].add(message)

    def _store(self, record: ChannelRecord, message: int, seen: KnownMessage) -> None:
        record.known[message] = seen
        if len(record.known) > KEPT:
            del record.known[min(record.known)]
        self._changed()


class ReadStateFile:
    """Writes the state soon after it changed, beside the loop, one write at a time."""

    def __init__(self, path: Path | None, delay_s: float) -> None:
        self._path = path
        self._delay_s = delay_s
        self._changed = asyncio.Event()
        self._writing: asyncio.Task[None] | None = None
        self._failed = False

    def load(self) -> SavedChannels:
        """Nothing where there is no usable file: then only what is fresh is caught up with."""
        if self._path is None:
            return {}
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=SavedChannels)
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.MsgspecError) as error:
            _log.warning("how far the alert rooms were read is lost: %s can't be read: %s", self._path, error)
            return {}

    def changed(self) -> None:
        self._changed.set()

    async def run(self, read_state: ReadState) -> None:
        """Until cancelled; a write that is under way is not."""
        while True:
            await self._changed.wait()
            await asyncio.sleep(self._delay_s)
            await self.save(read_state)

    async def save(self, read_state: ReadState) -> None:
        """Write what has changed."""
        if self._writing is not None:
            await asyncio.shield(self._writing)
        if self._path is not None and self._changed.is_set():
            self._changed.clear()
            self._writing = asyncio.create_task(self._write(self._path, read_state.encode()))
            await asyncio.shield(self._writing)

    async def _write(self, path: Path, content: bytes) -> None:
        """A disk that refuses costs a re-reading after the next start, no more."""
        try:
            await asyncio.to_thread(replace_file, path, content)
        except OSError as error:
            if not self._failed:
                _log.warning("how far the alert rooms were read can't be written: %s", error)
            self._failed = True
        else:
            self._failed = False
