"""Who is read: a message counts in the room's channels, from the room's authors, by id."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from adapters.common.redaction import scrub
from adapters.discord.config import DiscordRoom
from adapters.discord.messages import MessageKind, RoomMessage, User

_log = logging.getLogger(__name__)

_STRANGERS_NAMED = 20
"""So many different authors that aren't read are named in the log, for whoever looks for an id."""

Parent = Callable[[int], int | None]
"""Gives the channel that a thread is in; None for what is no known thread."""


class Whitelist:
    """What is turned away is only counted: its text is not looked at."""

    def __init__(self, rooms: Iterable[DiscordRoom], counts: Counter[str]) -> None:
        self._rooms = {channel: room for room in rooms for channel in room.channels}
        self._counts = counts
        self._names_logged: set[tuple[str, str]] = set()
        self._by_name: set[tuple[str, str]] = set()

    @property
    def channels(self) -> Mapping[int, DiscordRoom]:
        return self._rooms

    def room(self, channel: int, parent: Parent) -> DiscordRoom | None:
        """The room that a channel, or a thread under it, belongs to."""
        room = self._rooms.get(channel)
        if room is not None:
            return room
        above = parent(channel)
        room = self._rooms.get(above) if above is not None else None
        return room if room is not None and room.threads else None

    def author(self, room: DiscordRoom, message: RoomMessage) -> str | None:
        """Id of the author if the message is to be read."""
        reason = self._rejection(room, message)
        author = self._listed_author(room, message) if not reason else None
        if author is None:
            self._counts[reason or "messages of others"] += 1
        return author

    def still_listed(self, room: DiscordRoom, author: str) -> bool:
        """Whether an author of an earlier message is one of the room's."""
        return int(author) in room.authors or (room.name, author) in self._by_name

    def _rejection(self, room: DiscordRoom, message: RoomMessage) -> str:
        """Why a message isn't read, whoever wrote it; empty if nothing speaks against it."""
        if message.type == MessageKind.REPLY:
            return "" if room.replies else "replies"
        if message.type in (MessageKind.CHAT_COMMAND, MessageKind.CONTEXT_COMMAND):
            return "" if self._invoked_by_author(room, message) else "commands of others"
        return "" if message.type == MessageKind.DEFAULT else "system messages"

    def _listed_author(self, room: DiscordRoom, message: RoomMessage) -> str | None:
        user = message.author
        if user is None:
            return None
        for author in (message.webhook_id, user.id):
            if author is not None and int(author) in room.authors:
                return author
        if message.webhook_id is None and self._listed_by_name(room, user):
            return user.id
        self._name_in_log(room, message.webhook_id or user.id, user, message.webhook_id is not None)
        return None

    def _listed_by_name(self, room: DiscordRoom, user: User) -> bool:
        names = {user.username.casefold()}
        if user.discriminator not in (None, "0", "0000"):
            names = {f"{user.username}#{user.discriminator}".casefold()}
        wanted = {name.strip().replace(" #", "#").casefold() for name in room.author_names}
        if not names & wanted:
            return False
        if (room.name, user.id) not in self._by_name:
            self._by_name.add((room.name, user.id))
            _log.warning(
                "room %s: author %s is read by its name alone, which others can take: "
                "put the id into the room's authors",
                room.name,
                user.id,
            )
        return True

    def _invoked_by_author(self, room: DiscordRoom, message: RoomMessage) -> bool:
        """A bot answers commands of anybody, in words that may be the caller's."""
        called = message.interaction_metadata
        return called is not None and int(called.user.id) in room.authors

    def _name_in_log(self, room: DiscordRoom, author: str, user: User, webhook: bool) -> None:
        if (room.name, author) not in self._names_logged and len(self._names_logged) < _STRANGERS_NAMED:
            self._names_logged.add((room.name, author))
            kind = "webhook" if webhook else "author"
            _log.info("room %s: %s %s (%s) is not read", room.name, kind, author, scrub(user.username))
