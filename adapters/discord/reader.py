"""Turns what Discord tells of messages into alerts: each revision once, whichever way it comes.

Everything here happens at once where the message is decoded, so nothing can come between a message and its
edit, and no object is shared with anybody who could change it.
"""

from __future__ import annotations

import logging
from collections import Counter
from typing import Any, TypeVar

import msgspec

from adapters.common.redaction import scrub
from adapters.discord.config import DiscordConfig, DiscordRoom
from adapters.discord.messages import (
    MS,
    BulkDeletion,
    Deletion,
    RoomMessage,
    created_ts,
    first_id_at,
    first_posted_ts,
    iso_ts,
)
from adapters.discord.read_state import KnownMessage, ReadState
from adapters.discord.text import cut, digest, text_of
from adapters.discord.whitelist import Parent, Whitelist
from engine.model.events import AlertKind, AlertReceived
from engine.model.market import NANOS
from engine.ports import Clock, Sink

_log = logging.getLogger(__name__)

MISSED_S = 3600
"""A message that the gateway never told, found later among newer ones, is told if it isn't older."""

_SAME_CLOCK = NANOS
"""Clocks that differ by less are the same one; practice time lives in another day."""

_AHEAD = 2 * NANOS
"""A message from so far in the future shows that this machine's clock is late."""

_Shape = TypeVar("_Shape", RoomMessage, Deletion, BulkDeletion)


class MessageReader:
    """`clock` is the engine's, `wall` that of the world in which messages are posted."""

    def __init__(
        self,
        config: DiscordConfig,
        read_state: ReadState,
        counts: Counter[str],
        clock: Clock,
        wall: Clock,
        sink: Sink,
    ) -> None:
        self.read_state = read_state
        self.counts = counts
        self.whitelist = Whitelist(config.rooms, counts)
        self.parent: Parent = lambda _channel: None
        self._clock = clock
        self._wall = wall
        self._sink = sink
        self._warned_of_clock = False

    def posted(self, raw: Any) -> None:
        """MESSAGE_CREATE."""
        if (found := self._in_room(raw)) is None:
            return
        post, room, channel, number = found
        if (author := self.whitelist.author(room, post)) is not None:
            self._check_clock(number)
            text, seen = _as_known(room, post, author)
            if kind := self.read_state.posted(channel, number, seen):
                self._emit(room, number, kind, seen, text, post)
            else:
                self.counts["read before"] += 1
        self.read_state.handled(channel, number)

    def changed(self, raw: Any) -> None:
        """MESSAGE_UPDATE: an edit by its author, or a preview that Discord has added."""
        if (found := self._in_room(raw)) is None:
            return
        post, room, channel, number = found
        if post.content is msgspec.UNSET or post.author is None:
            self.counts["partial updates"] += 1
            return
        if (author := self.whitelist.author(room, post)) is not None:
            text, seen = _as_known(room, post, author)
            if kind := self.read_state.changed(channel, number, seen):
                self._emit(room, number, kind, seen, text, post)

    def deleted(self, raw: Any) -> None:
        """MESSAGE_DELETE."""
        if (gone := self._convert(raw, Deletion)) is not None:
            self.vanished(int(gone.channel_id), int(gone.id), live=True)

    def deleted_many(self, raw: Any) -> None:
        """MESSAGE_DELETE_BULK."""
        if (gone := self._convert(raw, BulkDeletion)) is not None:
            for number in sorted(map(int, gone.ids)):
                self.vanished(int(gone.channel_id), number, live=True)

    def vanished(self, channel: int, number: int, *, live: bool) -> None:
        """A message is known not to exist any more."""
        known = self.read_state.delete(channel, number, live=live)
        room = self._room(channel) if known is not None else None
        if known is not None and room is not None and self.whitelist.still_listed(room, known.author):
            self._emit(room, number, AlertKind.DELETED, known, "", caught_up=not live)

    def found(self, raw: Any) -> None:
        """A message of the history. Its channel's read state says whether it is news.

        Of a channel that was never read before only what is fresh is told.
        """
        if (found := self._in_room(raw)) is None:
            return
        post, room, channel, number = found
        if (author := self.whitelist.author(room, post)) is None:
            return
        text, seen = _as_known(room, post, author)
        now = self._wall()
        old = now - max(created_ts(number), seen.edited) > room.max_age_s * NANOS
        if old and not self.read_state.channel(channel, self.parent(channel)).last:
            self.read_state.remember(channel, number, seen)
            return
        missed_after = first_id_at(now - MISSED_S * NANOS)
        if kind := self.read_state.found(channel, number, seen, missed_after):
            self._emit(room, number, kind, seen, text, post, caught_up=old)

    def _emit(
        self,
        room: DiscordRoom,
        number: int,
        kind: AlertKind,
        seen: KnownMessage,
        text: str,
        post: RoomMessage | None = None,
        *,
        caught_up: bool = False,
    ) -> None:
        self.counts["alerts"] += 1
        made = created_ts(number)
        first = first_posted_ts(post, forwards=room.forwards) if post is not None else made
        now = self._clock()
        shift = now - self._wall()
        if abs(shift) < _SAME_CLOCK:
            shift = 0
        venue = {
            AlertKind.POSTED: made + shift,
            AlertKind.EDITED: seen.edited + shift if seen.edited else now,
            AlertKind.DELETED: now,
        }[kind]
        self._sink(
            AlertReceived(
                ts_recv=now,
                ts_venue=venue,
                room=room.name,
                message_id=str(number),
                revision="deleted" if kind is AlertKind.DELETED else _revision(seen),
                kind=kind,
                author=seen.author,
                text=cut(text),
                posted_ts=(first or made) + shift,
                caught_up=caught_up or not first,
            )
        )

    def _room(self, channel: int) -> DiscordRoom | None:
        room = self.whitelist.room(channel, self.parent)
        if room is None:
            self.counts["other channels"] += 1
        else:
            self.read_state.channel(channel, self.parent(channel))
        return room

    def _in_room(self, raw: Any) -> tuple[RoomMessage, DiscordRoom, int, int] | None:
        """A message in a channel of a room, with the channel's number and its own; None for any other."""
        if (post := self._convert(raw, RoomMessage)) is None:
            return None
        channel = int(post.channel_id)
        room = self._room(channel)
        return (post, room, channel, int(post.id)) if room is not None else None

    def _convert(self, raw: Any, shape: type[_Shape]) -> _Shape | None:
        try:
            return msgspec.convert(raw, shape)
        except msgspec.ValidationError as error:
            self.counts["unreadable"] += 1
            _log.warning("Discord told of a message in a shape that is not known: %s", scrub(error))
            return None

    def _check_clock(self, number: int) -> None:
        ahead = created_ts(number) - self._wall()
        if ahead > _AHEAD and not self._warned_of_clock:
            self._warned_of_clock = True
            _log.warning(
                "this machine's clock is %.1f s behind Discord's: the age of alerts is judged too young",
                ahead / NANOS,
            )


def _as_known(room: DiscordRoom, post: RoomMessage, author: str) -> tuple[str, KnownMessage]:
    user = post.author
    previews = post.webhook_id is not None or (user is not None and user.bot)
    text = text_of(post, previews=previews, forwards=room.forwards)
    return text, KnownMessage(author=author, digest=digest(text), edited=iso_ts(post.edited_timestamp))


def _revision(seen: KnownMessage) -> str:
    """The text's digest, with the time of an edit: a text that comes back is a revision of its own."""
    return f"{seen.digest}@{seen.edited // MS}" if seen.edited else seen.digest
